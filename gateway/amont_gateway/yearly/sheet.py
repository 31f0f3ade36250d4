"""Write the yearly sheet: one HTML page that prints on one A4 sheet, and a table for a program."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from markupsafe import Markup

from amont_gateway.yearly.balance import KINDS, Balance, rounded
from amont_gateway.yearly.texts import KINDS as KIND_WORDS
from amont_gateway.yearly.texts import SHEET
from amont_gateway.yearly.volumes import Refused
from amont_gateway.yearly.window import Window

NBSP, MINUS = "\u00a0", "\u2212"
_STYLE = """
@page { size: A4; margin: 14mm }
body { font: 11pt/1.4 system-ui, "DejaVu Sans", sans-serif; color: #111; background: #fff;
  max-width: 180mm; margin: 0 auto; padding: 3mm }
h1 { font-size: 17pt; margin: 0 } h2 { font-size: 13pt; margin: 6mm 0 1mm }
p { margin: 1mm 0 } table { border-collapse: collapse; width: 100% }
th, td { border: 1px solid #777; padding: 1mm 2mm; text-align: left }
td.n { text-align: right; white-space: nowrap } tr.sum td { font-weight: bold }
.flag { border-left: 4px solid #111; padding: 1mm 3mm; font-weight: bold }
.small { font-size: 9pt }
"""


@dataclass(frozen=True)
class Sheet:
    """What one sheet tells."""

    name: str
    window: Window
    balance: Balance
    refused: tuple[Refused, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)  # kind -> "table", "measured", "both"

    @property
    def verdict(self) -> str:
        """Return the key of what may be said of the yield: nothing on a year with holes."""
        if self.window.gaps or self.balance.contradicts:
            return "unsaid"
        return "reached" if self.balance.reached else "missed"

    def indicators(self) -> tuple[tuple[str, Decimal, str], ...]:
        """Return code, value to 0.1 and unit key of each indicator."""
        made = self.balance
        return (
            ("P104.3", rounded(made.yield_percent), "%"),
            ("asked", rounded(made.asked_percent), "%"),
            ("P105.3", rounded(made.uncounted_m3_km_day), "m3_km_day"),
            ("P106.3", rounded(made.losses_m3_km_day), "m3_km_day"),
            ("ILC", rounded(made.consumption_m3_km_day), "m3_km_day"),
        )


def number(value: Decimal, lang: str, digits: int = 0) -> str:
    """Return a number as people in France and in Britain write it."""
    text = f"{rounded(abs(value), digits):,f}"
    if lang == "fr":
        text = text.replace(",", "\u202f").replace(".", ",")
    return (MINUS if value < 0 else "") + text


def day(value: date, lang: str) -> str:
    """Return a day in figures."""
    return value.strftime("%d/%m/%Y") if lang == "fr" else value.isoformat()


def table(sheet: Sheet) -> str:
    """Return the sheet as CSV, the same in every language: code, value, unit, of it estimated."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("code", "value", "unit", "estimated_m3", "first", "last", "source"))
    span = (sheet.window.first.isoformat(), sheet.window.last.isoformat())
    for kind in KINDS:
        volume = sheet.window.volume_m3.get(kind)
        if volume is not None:
            estimated = sheet.window.estimated_m3.get(kind, Decimal(0))
            source = sheet.sources.get(kind, "table")
            row = (kind, rounded(volume, 0), "m3", rounded(estimated, 0), *span, source)
            writer.writerow(row)
    for code, value, unit in sheet.indicators():
        name = "yield to reach" if code == "asked" else code
        writer.writerow((name, value, "%" if unit == "%" else "m3/km/day", "", *span, ""))
    return out.getvalue()


def html(sheet: Sheet, lang: str) -> str:
    """Return the sheet as one page without anything from elsewhere."""
    words = SHEET[lang]
    parts = (
        Markup("<h1>{t}</h1>").format(t=words["title"]),
        _line(f"{sheet.name}, {_span(sheet.window.first, sheet.window.last, lang)}"),
        *_warnings(sheet, words),
        Markup("<h2>{t}</h2>").format(t=words["indicators"]),
        _table((words["indicator"], words["value"]), _indicator_rows(sheet, lang)),
        _line(words[sheet.verdict], "flag"),
        Markup("<h2>{t}</h2>").format(t=words["volumes"]),
        _table(
            (words["kind"], words["volume"], words["estimated"], words["source"]),
            _volume_rows(sheet, lang),
        ),
        _line(words["share"].format(share=number(100 * sheet.window.estimated_share, lang, 1))),
        _line(_length(sheet, lang)),
        *_left_out(sheet, lang),
        _line(words["law"], "small"),
    )
    head = Markup(
        '<!doctype html><html lang="{l}"><head><meta charset="utf-8"><title>{t}</title>'
        "<style>{s}</style></head><body>"
    ).format(l=lang, t=words["title"], s=Markup(_STYLE))
    return str(head + Markup("\n").join(parts) + Markup("</body></html>\n"))


def _span(first: date, last: date, lang: str) -> str:
    return SHEET[lang]["period"].format(first=day(first, lang), last=day(last, lang))


def _line(text: str, kind: str = "") -> Markup:
    return Markup('<p class="{k}">{t}</p>').format(k=kind, t=text)


def _warnings(sheet: Sheet, words: dict[str, str]) -> Iterator[Markup]:
    if sheet.balance.contradicts:
        yield _line(words["contradicts"], "flag")
    if sheet.window.gaps:
        yield _line(words["incomplete"], "flag")


def _indicator_rows(sheet: Sheet, lang: str) -> Iterator[tuple[str, ...]]:
    words = SHEET[lang]
    for code, value, unit in sheet.indicators():
        shown = words.get(unit, unit)
        yield (words[code], f"{number(value, lang, 1)}{NBSP}{shown}")


def _volume_rows(sheet: Sheet, lang: str) -> Iterator[tuple[str, ...]]:
    for kind in KINDS:
        volume = sheet.window.volume_m3.get(kind)
        if volume is not None:
            estimated = sheet.window.estimated_m3.get(kind, Decimal(0))
            source = SHEET[lang][sheet.sources.get(kind, "table")]
            yield (KIND_WORDS[lang][kind], number(volume, lang), number(estimated, lang), source)
    made = sheet.balance
    for name, volume in (
        ("distributed", made.distributed_m3),
        ("metered", made.metered_m3),
        ("authorised", made.authorised_m3),
        ("lost", made.lost_m3),
    ):
        yield (SHEET[lang][name], number(volume, lang), "", "")


def _length(sheet: Sheet, lang: str) -> str:
    network = sheet.balance.network
    scarce = SHEET[lang]["scarce" if network.scarce else "not scarce"]
    digits = max(0, -int(network.length_km.normalize().as_tuple().exponent))
    return SHEET[lang]["length"].format(
        length=number(network.length_km, lang, digits), scarce=scarce
    )


def _left_out(sheet: Sheet, lang: str) -> Iterator[Markup]:
    words = SHEET[lang]
    gaps = [
        words["gap"].format(
            kind=KIND_WORDS[lang][gap.kind],
            meter=gap.meter or "-",
            first=day(gap.first, lang),
            last=day(gap.last, lang),
        )
        for gap in sheet.window.gaps
    ]
    for title, lines in (("gaps", gaps), ("refused", [r.text(lang) for r in sheet.refused])):
        if lines:
            items = Markup("").join(Markup("<li>{t}</li>").format(t=line) for line in lines)
            yield Markup("<h2>{t}</h2><ul>{i}</ul>").format(t=words[title], i=items)


def _table(head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Markup:
    top = Markup("").join(Markup("<th scope='col'>{t}</th>").format(t=cell) for cell in head)
    body = Markup("").join(
        Markup("<tr><td>{first}</td>{rest}</tr>").format(
            first=row[0],
            rest=Markup("").join(Markup('<td class="n">{t}</td>').format(t=c) for c in row[1:]),
        )
        for row in rows
    )
    return Markup("<table><thead><tr>{h}</tr></thead><tbody>{b}</tbody></table>").format(
        h=top, b=body
    )
