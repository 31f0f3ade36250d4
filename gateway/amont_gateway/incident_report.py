"""Write an incident's report: one self-contained HTML page that prints on A4 and explains itself.

No script, no font, no address outside: it opens from a memory stick in ten years.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from markupsafe import Markup

from amont_gateway import guard_events
from amont_gateway.guard_words import LEVELS, RULES, named, same
from amont_gateway.incident_chart import Drawing, draw
from amont_gateway.incident_lines import commanded, confirmed, rows, stage_mm, worded
from amont_gateway.incident_texts import Words
from amont_gateway.page.formatting import Format
from amont_gateway.page.texts import Words as PageWords
from amont_gateway.places import Places
from amont_gateway.records import Record
from amont_gateway.story import Story

_ORDER = ("watch", "warning", "alarm", "alarm_plus")
_STYLE = """
@page { size: A4; margin: 14mm 14mm 16mm }
body { font: 10.5pt/1.35 system-ui, "DejaVu Sans", sans-serif; color: #111; max-width: 182mm;
  margin: 0 auto; padding: 0; background: #fff }
@media screen { body { padding: 4mm } }
h1 { font-size: 19pt; margin: 0 0 1mm } h2 { font-size: 12.5pt; margin: 5mm 0 1mm;
  border-bottom: 1px solid #999; break-after: avoid }
p { margin: 0 0 2mm } .lead { font-size: 12pt } .small { font-size: 9.5pt; color: #333 }
.flag { border: 2px solid #c0392b; padding: 1.5mm 3mm; font-weight: bold }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt }
th, td { text-align: left; vertical-align: top; padding: .8mm 2mm .8mm 0;
  border-bottom: 1px solid #ddd } th { border-bottom: 1px solid #555 }
td:first-child, .when { white-space: nowrap } tr { break-inside: avoid }
svg { width: 100%; height: auto; break-inside: avoid }
ul { margin: 0; padding-left: 5mm } li { margin-bottom: 1mm } code { overflow-wrap: anywhere }
"""


def report(story: Story, places: Places, lang: str, now_ms: int, training: bool = False) -> str:
    """Return the report of a story as HTML, in "fr" or "en"."""
    return str(_Report(story, places, lang, now_ms).html(training))


class _Report:
    def __init__(self, story: Story, places: Places, lang: str, now_ms: int) -> None:
        self.story, self.places, self.lang = story, places, lang
        self.incident = story.incident
        self.page = PageWords(lang)
        self.t, self.f, self.now_ms = Words(lang), Format(lang, ZoneInfo(places.time_zone)), now_ms
        self.rows = list(rows(story, places, self.t, lang))
        self.spans = {
            siren.id: (commanded(story, siren.id), confirmed(story, siren.id))
            for siren in places.sirens
        }

    def html(self, training: bool) -> Markup:
        drilled = self.incident.drill and not self.incident.sounded
        title = self.t("title.drill" if drilled else "title")
        parts = [
            Markup('<!doctype html><html lang="{l}"><head><meta charset="utf-8">').format(
                l=self.lang
            ),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup("<title>{t} – {s}</title>").format(t=title, s=self._name(self.places.name)),
            Markup("<style>{s}</style></head><body><main>").format(s=Markup(_STYLE)),
            Markup("<h1>{t} – {s}</h1>").format(t=title, s=self._name(self.places.name)),
            self._p(self.t("made", when=self.f.full(self.now_ms)), "small"),
        ]
        if training:
            parts.append(self._p(self.t("training"), "flag"))
        if self.incident.until_ms is None:
            parts.append(self._p(self.t("running"), "flag"))
        sections = (
            self._what, self._curve, self._decided, self._sequence, self._people,
            self._forecast, self._unknown, self._audit,
        )  # fmt: skip
        parts += [section() for section in sections]
        parts.append(Markup("</main></body></html>"))
        return Markup("\n").join(parts)

    # --- sections

    def _what(self) -> Markup:
        sentences = [self._rose(), *self._sounded(), self._acted()]
        if self.incident.until_ms is not None:
            sentences.append(self.t("over", when=self.f.full(self.incident.until_ms)))
        return self._h("what") + self._p(" ".join(sentences), "lead")

    def _rose(self) -> str:
        if self.incident.drill and not self.incident.stations:
            return self.t("drilled", when=self.f.full(self.incident.from_ms))
        level, station = self.incident.highest, self.incident.station
        reached = ("level", level, station)
        record = next(
            (
                r
                for r in self.story.records
                if (r.get("kind"), r.get("level"), r.get("station")) == reached
            ),
            None,
        )
        at_ms = self.incident.from_ms if record is None else int(record["at_ms"])
        words = {
            "when": f"{self.f.full(at_ms)}",
            "station": self._named(station),
            "level": LEVELS[level][self.lang],
        }
        highest = None if record is None else stage_mm(record)
        if record is None or highest is None:
            return self.t("rose.short", **words)
        rule, limit = str(record.get("rule")), record.get("limit_mm")
        return self.t(
            "rose",
            **words,
            stage=self.f.metres(highest),
            limit=self.f.metres(limit if isinstance(limit, int) else None),
            rule=(RULES.get(rule) or same(rule))[self.lang],
        )

    def _sounded(self) -> Iterator[str]:
        rang = False
        for siren, (spans, closed) in self.spans.items():
            if not spans:
                continue
            rang = True
            on, off = spans[0][0], spans[-1][1]
            proof = [start for start, _ in closed if start >= on - 2_000]
            said = self.t("confirmed", at=self._time(proof[0])) if proof else ""
            yield self.t(
                "sounding" if off is None else "sounded",
                siren=self._named(siren),
                on=self._time(on),
                off=self.t("now") if off is None else self._time(off),
                confirmed=said or self.t("unconfirmed"),
            )
        if not rang:
            yield self.t("silent")

    def _acted(self) -> str:
        people = dict.fromkeys(
            guard_events.who(r.get("person"))[self.lang]
            for r in self.story.records
            if r.get("person") and r.get("kind") != "wrong pin"
        )
        return self.t("people.did", who=", ".join(people)) if people else self.t("people.none")

    def _curve(self) -> Markup:
        parts = [self._h("curve")]
        if not any(self.story.curves.values()):
            return parts[0] + self._p(self.t("curve.empty"))
        for station in self.story.stations:
            parts.append(Markup("<p><b>{n}</b></p>").format(n=self._named(station.id)))
            parts.append(draw(self._drawing(station.id, station.sensors), self.f))
        parts.append(self._p(self.t("curve.about"), "small"))
        recorded = all(s.id in self.story.limits for s in self.story.stations)
        parts.append(self._p(self.t("limits.recorded" if recorded else "limits.file"), "small"))
        return Markup("\n").join(parts)

    def _drawing(self, station: str, sensors: Iterable[str]) -> Drawing:
        four = self.story.limits.get(station) or self._file_limits(station)
        marks = [(row.number, row.at_ms) for row in self.rows if row.number]
        bars = []
        for siren, (ordered, closed) in self.spans.items():
            for key, colour, spans in (
                ("bar.commanded", "#c0392b", ordered),
                ("bar.confirmed", "#111", closed),
            ):
                label = self.t(key)
                if len(self.spans) > 1:
                    label = f"{label} {self._named(siren)}"
                ends = [(a, self.story.until_ms if b is None else b) for a, b in spans]
                bars.append((label, colour, ends))
        return Drawing(
            self.story.from_ms,
            self.story.until_ms,
            [(self._named(name), self.story.curves.get(name, [])) for name in sensors],
            [(x, LEVELS[x][self.lang], mm) for x, mm in zip(_ORDER, four, strict=False)],
            marks,
            bars[:2],
        )

    def _file_limits(self, station: str) -> list[int]:
        found = next(s.thresholds for s in self.places.stations if s.id == station)
        four = [found.watch_mm, found.warning_mm, found.alarm_mm, found.alarm_plus_mm]
        return [mm for mm in four if mm is not None]

    def _decided(self) -> Markup:
        found = []
        for record in self.story.records:
            if record.get("kind") != "level":
                continue
            level, rule = str(record.get("level")), str(record.get("rule"))
            words = (RULES.get(rule) or same(rule))[self.lang]
            limit = record.get("limit_mm")
            mark = self.t("at.limit", limit=self.f.metres(limit)) if limit else ""
            cells = (
                self._time(int(record["at_ms"])),
                self.t(
                    "at.level",
                    station=self._named(str(record.get("station"))),
                    level=(LEVELS.get(level) or same(level))[self.lang],
                ),
                words + mark,
                "; ".join(self._readings(record)),
            )
            found.append(cells)
        head = ("col.when", "col.level", "col.rule", "col.readings")
        about = self._p(self.t("decided.about"), "small")
        return self._h("decided") + about + self._table(head, found) if found else Markup("")

    def _readings(self, record: Record) -> Iterator[str]:
        decisive = record.get("sensors") or []
        readings = record.get("readings")
        for name, values in readings.items() if isinstance(readings, dict) else ():
            if not isinstance(values, list) or len(values) != 4:
                continue
            value, age_s, flags, fresh = values
            star = "★ " if name in decisive else ""
            yield star + self.t(
                "reading",
                sensor=self._named(name),
                value=self.f.metres(value),
                age=self.f.duration(age_s),
                flags="".join(f", {self.page.either(f'flag.{flag}', flag)}" for flag in flags),
                freshness=self.t(f"fresh.{fresh}") if fresh in (0, 1, 2) else "–",
            )

    def _sequence(self) -> Markup:
        cells = []
        for row in self.rows:
            loud = Markup("<b>{t}</b>").format(t=row.text) if row.loud else row.text
            cells.append((str(row.number or ""), self._time(row.at_ms), loud))
        parts = self._h("sequence") + self._table(("col.no", "col.when", "col.what"), cells)
        return (
            parts + self._p(self.t("cut", n=self.story.cut), "small") if self.story.cut else parts
        )

    def _people(self) -> Markup:
        found = []
        for record in self.story.records:
            if not record.get("person"):
                continue
            when = self._time(int(record["at_ms"]))
            found.append((when, worded(record, self.places, self.lang)))
        if not found:
            return Markup("")
        about = self._p(self.t("people.about"), "small")
        return self._h("people") + about + self._table(("col.when", "col.what"), found)

    def _forecast(self) -> Markup:
        record = self.story.forecast
        if record is None:
            return self._h("forecast") + self._p(self.t("forecast.none"))
        reaches = str(record.get("reaches"))
        level = LEVELS["normal"] if reaches == "none" else LEVELS.get(reaches) or same(reaches)
        issued = int(record.get("issued_ms") or record["at_ms"])
        text = self.t("forecast.reaches", when=self.f.full(issued), level=level[self.lang])
        steps = [
            self.t("forecast.step", h=f"{h:g}", p05=self.f.metres(a), p50=self.f.metres(b),
                   p95=self.f.metres(c))
            for h, a, b, c in record.get("steps") or ()
        ]  # fmt: skip
        return self._h("forecast") + self._p(text) + self._list(steps)

    def _unknown(self) -> Markup:
        return self._h("unknown") + self._list(list(self._doubts()))

    def _doubts(self) -> Iterator[str]:
        story, t = self.story, self.t
        for siren in self.places.sirens:
            spans, closed = self.spans[siren.id]
            if siren.simulated:
                yield t("unknown.simulated", siren=self._named(siren.id))
            elif spans and not closed:
                yield t("unknown.contact", siren=self._named(siren.id))
        yield t("unknown.heard")
        for sensor, gaps in story.silent.items():
            for since, until in gaps[:5]:
                yield t("unknown.silent", sensor=self._named(sensor), **self._span(since, until))
        if story.journal_fault:
            yield t("unknown.journal", why=story.journal_fault)
        if not story.from_audit:
            for since, end in story.deaf:
                yield t("unknown.deaf", **self._span(since, end))
            yield t("unknown.copy")
        yield t("unknown.clock")

    def _audit(self) -> Markup:
        audit, t = self.story.audit, self.t
        head = t("audit.nohead")
        if audit.lines is not None:
            head = t("audit.head", n=audit.lines, head=audit.head)
        if audit.verified is None:
            said = t("audit.unchecked")
        else:
            said = t("audit.good" if audit.verified else "audit.bad", said=audit.said)
        flag = "flag" if audit.verified is False else "small"
        parts = self._h("audit") + self._p(head, "small") + self._p(said, flag)
        return parts + self._p(t("promise"), "small")

    # --- pieces

    def _span(self, since_ms: int, until_ms: int | None) -> dict[str, str]:
        until = self.t("now") if until_ms is None else self._time(until_ms)
        return {"since": self._time(since_ms), "until": until}

    def _time(self, at_ms: int) -> str:
        """Write a time as of the day on which the incident began."""
        return self.f.dated_s(at_ms, self.incident.from_ms)

    def _named(self, place: str) -> str:
        return named(place, self.places.names)[self.lang]

    def _name(self, text: dict[str, str]) -> str:
        return text.get(self.lang) or self.places.site

    def _h(self, key: str) -> Markup:
        return Markup("<h2>{t}</h2>").format(t=self.t(key))

    def _p(self, text: str, kind: str = "") -> Markup:
        return Markup('<p class="{k}">{t}</p>').format(k=kind, t=text)

    def _list(self, items: list[str]) -> Markup:
        lines = Markup("").join(Markup("<li>{t}</li>").format(t=item) for item in items)
        return Markup("<ul>{l}</ul>").format(l=lines)

    def _table(self, head: Iterable[str], rows: Iterable[tuple[str, ...]]) -> Markup:
        top = Markup("").join(Markup("<th scope='col'>{t}</th>").format(t=self.t(k)) for k in head)
        body = Markup("").join(
            Markup("<tr>{c}</tr>").format(
                c=Markup("").join(Markup("<td>{t}</td>").format(t=cell) for cell in row)
            )
            for row in rows
        )
        return Markup("<table><thead><tr>{h}</tr></thead><tbody>{b}</tbody></table>").format(
            h=top, b=body
        )
