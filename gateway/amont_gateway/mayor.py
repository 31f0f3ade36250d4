"""Write the mayor's sheet: as HTML for one A4 page with the site's own facts, or as Markdown.

``python -m amont_gateway.mayor fr`` prints what docs/mayor.fr.md holds.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from amont_gateway.mayor_texts import BY_COMMA, EVERY_DAY, FACTS, LEADS, SECTIONS, TITLES, Section
from amont_gateway.page.formatting import Format
from amont_gateway.view import View

_STYLE = """
@page { size: A4; margin: 10mm 12mm }
body { font: 10pt/1.31 system-ui, "DejaVu Sans", sans-serif; color: #111; background: #fff;
  max-width: 186mm; margin: 0 auto; padding: 2mm }
h1 { font-size: 16pt; margin: 0 0 1mm } .lead { margin: 0 0 2mm }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 3mm; margin: 0 0 2mm;
  border: 1.5px solid #111; padding: 1.5mm 3mm } dt { font-weight: bold } dd { margin: 0 }
.columns { columns: 2; column-gap: 7mm } section { break-inside: avoid; margin: 0 0 3mm }
h2 { font-size: 12pt; margin: 0 0 .8mm; border-bottom: 1px solid #777 }
ul, ol { margin: 0; padding-left: 4.5mm } li, p { margin: 0 0 .8mm }
blockquote { margin: 0; border: 1px dashed #555; padding: 1.5mm 2.5mm }
@media (max-width: 40em) and (not print) { .columns { columns: 1 } body { font-size: 12pt } }
"""


def markdown(lang: str) -> str:
    """Return the sheet as docs/mayor.<lang>.md holds it."""
    parts = [f"# {TITLES[lang]}", LEADS[lang]]
    for title, kind, lines in SECTIONS[lang]:
        parts.append(f"## {title}")
        if kind == "-":
            parts.append("\n".join(f"- {line}" for line in lines))
        elif kind == "1":
            parts.append("\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1)))
        else:
            parts += lines
    return "\n\n".join(parts) + "\n"


def html(view: View, lang: str, time_zone: str = "Europe/Paris") -> str:
    """Return the sheet as one self-contained page that prints on one A4 sheet."""
    f = Format(lang, ZoneInfo(time_zone))
    name = view.name.get(lang) or view.site
    facts = Markup("").join(
        Markup("<dt>{t}</dt><dd>{v}</dd>").format(t=term, v=value)
        for term, value in zip(FACTS[lang], _facts(view, lang, f), strict=True)
        if value
    )
    body = Markup("\n").join(_section(section) for section in SECTIONS[lang])
    return str(
        Markup(
            '<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            "<title>{title} – {name}</title><style>{style}</style></head><body><main>"
            '<h1>{title} – {name}</h1><p class="lead">{lead}</p><dl>{facts}</dl>'
            '<div class="columns">{body}</div></main></body></html>'
        ).format(
            lang=lang,
            title=TITLES[lang],
            name=name,
            style=Markup(_STYLE),
            lead=LEADS[lang],
            facts=facts,
            body=body,
        )
    )


def _facts(view: View, lang: str, f: Format) -> Iterator[str]:
    between = BY_COMMA[lang]
    yield between.join(s.name.get(lang) or s.id for s in view.sirens)
    yield between.join(
        f"{s.name.get(lang) or s.id} {f.metres(s.thresholds.alarm_mm)}" for s in view.stations
    )
    yield ", ".join(view.people)
    next_ms = [s.silent_test.next_ms for s in view.sirens if s.silent_test.next_ms]
    yield EVERY_DAY[lang].format(at=f.clock(next_ms[0])) if next_ms else ""
    yield "___________________________"


def _section(section: Section) -> Markup:
    title, kind, lines = section
    head = Markup("<h2>{t}</h2>").format(t=title)
    if kind:
        items = Markup("").join(Markup("<li>{t}</li>").format(t=_rich(line)) for line in lines)
        tag = Markup("ol" if kind == "1" else "ul")
        return Markup("<section>{h}<{tag}>{i}</{tag}></section>").format(h=head, tag=tag, i=items)
    body = Markup("").join(_paragraph(line) for line in lines)
    return Markup("<section>{h}{b}</section>").format(h=head, b=body)


def _paragraph(line: str) -> Markup:
    if line.startswith("> "):
        return Markup("<blockquote>{t}</blockquote>").format(t=_rich(line[2:]))
    return Markup("<p>{t}</p>").format(t=_rich(line))


def _rich(line: str) -> Markup:
    """Return a line as HTML: **strong** is the only markup that the sheet uses."""
    joined = re.sub(r" ([:;!?»])", "\u00a0\\1", line).replace(
        "« ", "«\u00a0"
    )  # never breaks there
    return Markup(re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", str(escape(joined))))


if __name__ == "__main__":
    sys.stdout.write(markdown(sys.argv[1]))
