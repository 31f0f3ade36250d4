"""Render a view: the whole page once, and its live pieces whenever they change."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from amont_gateway.page import chart, sentences
from amont_gateway.page.formatting import DASH, NBSP, Format
from amont_gateway.page.texts import LANGUAGES, Words
from amont_gateway.view import Event, Point, Result, Sensor, Siren, Station, View, Zone

HERE = Path(__file__).parent
EVENTS_SHOWN = 50  # more is for the journal's command line
EVENTS_NEWEST = 12  # shown whatever they are
_LIGHT = {"notice": 1, "info": 2}  # what gives way to what is grave
TABLE_ROWS = 24


def _release() -> str:
    try:
        return version("amont")
    except PackageNotFoundError:
        return "?"


class Card:
    """What the templates see of one view, in one language."""

    def __init__(self, view: View, lang: str, zone: ZoneInfo, frozen_s: float | None) -> None:
        self.view = view
        self.lang = lang
        self.other_lang = LANGUAGES[1 - LANGUAGES.index(lang)]
        self.t = Words(lang)
        self.f = Format(lang, zone)
        self.frozen = frozen_s is not None
        self.notices = sentences.notices(view, frozen_s, self.t, self.f)
        self.site_name = self.t.of(view.name, view.site)
        self.shape = shape(view)

    @property
    def title(self) -> str:
        """Return the browser tab's title: the gravest thing first."""
        keys = [self.siren_key(s) for s in self.view.sirens]
        if "sound" in keys:
            return f"{self.t('page.title_sounding')} — {self.site_name}"
        if any(n.severity == "frozen" for n in self.notices):
            return f"{self.t('page.title_frozen')} — {self.site_name}"
        return f"{self.site_name} — Amont"

    @property
    def act_keys(self) -> str:
        """Return the headlines that open the form, for the script."""
        return " ".join(sentences.NEEDS_PERSON)

    @property
    def events(self) -> list[Event]:
        """Return the newest events, newest first; not by their dates, for clocks jump.

        Of those beyond the newest, what is least grave goes first: news must not push a fault
        off the page.
        """
        events = self.view.events
        light = [i >= EVENTS_NEWEST and _LIGHT.get(e.severity, 0) for i, e in enumerate(events)]
        first = sorted(range(len(events)), key=lambda i: (light[i], i))
        return [events[i] for i in sorted(first[:EVENTS_SHOWN])]

    def moment(self, at_ms: int | None) -> str:
        """Write a time as seen from the view's now."""
        return self.f.moment(at_ms, self.view.now_ms)

    def optional(self, value: int | None, unit: str = "") -> str:
        """Write a count, or a dash when it is not known."""
        if value is None:
            return DASH
        return self.f.number(value) + (NBSP + unit if unit else "")

    def speed(self, speed: float) -> str:
        """Write a demonstration's speed."""
        if speed == 0:
            return self.t("demo.speed.pause")
        return self.t("demo.speed.value", speed=self.f.number(speed, 0 if speed >= 1 else 1))

    def siren_key(self, siren: Siren) -> str:
        """Return which headline is true."""
        return "unknown" if self.frozen else sentences.siren_key(siren, self.view)

    def needs_person(self, siren: Siren) -> bool:
        """Tell whether the form to act should be open."""
        return self.siren_key(siren) in sentences.NEEDS_PERSON

    def siren_more(self, siren: Siren) -> str:
        """Return the sentence under the headline."""
        return sentences.siren_more(siren, self.siren_key(siren), self.t, self.f)

    def siren_cause(self, siren: Siren) -> str:
        """Return why the siren is not at rest."""
        if siren.state == "idle" or not self.view.guard_alive:
            return ""
        return self.t.of(siren.reason)

    def siren_line(self, siren: Siren) -> str:
        """Say in one line what the relay confirms, since when, and who has seen it."""
        return sentences.siren_line(siren, self.view, self.t, self.f)

    def siren_since(self, siren: Siren) -> str:
        """Return since when the siren is in its state."""
        if siren.since_ms is None or not self.view.guard_alive:
            return DASH
        seconds = (self.view.now_ms - siren.since_ms) / 1000
        return self.t(
            "siren.since.value",
            moment=self.moment(siren.since_ms),
            duration=self.f.duration(seconds),
        )

    def siren_relay(self, siren: Siren) -> str:
        """Return what the relay's contact says."""
        if siren.confirmed is None or not self.view.guard_alive:
            return self.t("siren.relay.none")
        return self.t("siren.relay.on" if siren.confirmed else "siren.relay.off")

    def station_sentence(self, station: Station) -> str:
        """Say what the river does."""
        return sentences.station_sentence(station, self.station_old(station), self.t, self.f)

    def station_old(self, station: Station) -> bool:
        """Tell whether the stage is out of date."""
        return sentences.station_old(station, self.view)

    def trend_key(self, station: Station) -> str:
        """Return the arrow's name."""
        return sentences.trend_key(station.trend_mm_h)

    def trend_words(self, station: Station) -> str:
        """Say how fast the water moves."""
        return sentences.trend_words(station, self.t, self.f)

    def forecast_words(self, station: Station) -> str:
        """Say what the forecast expects."""
        return sentences.forecast_words(station.forecast, self.t, self.f)

    def limits(self, station: Station) -> list[tuple[str, int]]:
        """Return the station's thresholds."""
        return sentences.limits(station)

    def shows_history(self, station: Station) -> bool:
        """Tell whether the chart marks readings that came as backlog."""
        until_ms = station.history_until_ms
        return (
            until_ms is not None
            and until_ms > self.view.now_ms - chart.PHONE.history_h * chart.HOUR_MS
        )

    def station_charts(self, station: Station) -> Markup:
        """Draw the station's chart in both sizes."""
        name = self.t.of(station.name, station.id)
        title = self.t("chart.station", name=name, sentence=self.station_sentence(station))
        words = (title, self.t, self.f)
        sizes = (chart.PHONE, chart.DESK)
        return Markup("").join(
            chart.station_chart(station, self.view.now_ms, words, size) for size in sizes
        )

    def zone_charts(self, zone: Zone) -> Markup:
        """Draw the zone's chart in both sizes."""
        name = self.t.of(zone.name, zone.id)
        title = self.t("chart.zone", name=name, sentence=self.zone_verdict(zone))
        words = (title, self.t, self.f)
        sizes = (chart.PHONE_ZONE, chart.DESK_ZONE)
        return Markup("").join(
            chart.zone_chart(zone, self.view.now_ms, words, size) for size in sizes
        )

    def zone_verdict(self, zone: Zone) -> str:
        """Say whether the zone leaks."""
        return sentences.zone_verdict(zone, self.view.now_ms, self.t, self.f)

    def zone_old(self, zone: Zone) -> bool:
        """Tell whether the inflow is out of date."""
        return sentences.zone_old(zone)

    def night_words(self, zone: Zone) -> str:
        """Say the night flow beside the usual one."""
        return sentences.night_words(zone, self.t, self.f)

    def sampled(self, series: list[Point]) -> list[Point]:
        """Return evenly chosen readings of a series, newest first."""
        step = max(1, -(-len(series) // TABLE_ROWS))
        return series[::-1][::step]

    def sampled_zone(self, zone: Zone) -> list[tuple[Point, int | None]]:
        """Return evenly chosen readings of a zone, each with what was expected at that time."""
        expected = {p[0]: p[1] for p in zone.expected}
        return [(row, expected.get(row[0])) for row in self.sampled(zone.series)]

    def flags(self, sensor: Sensor) -> str:
        """Write a sensor's quality flags."""
        if not sensor.flags:
            return self.t("quality.good")
        return ", ".join(self.t.either(f"flag.{flag}", flag) for flag in sensor.flags)


def shape(view: View) -> str:
    """Return a digest of the page's fixed skeleton; when it changes the page reloads itself."""
    parts = (
        [(s.id, s.name, s.simulated) for s in view.sirens],
        [(s.id, s.name, s.river) for s in view.stations],
        [(z.id, z.name) for z in view.zones],
        view.people,
        view.demo.speeds if view.demo else None,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@cache
def renderer_for(timezone: str) -> Renderer:
    """Return the renderer for a time zone; templates are compiled once in a process."""
    return Renderer(ZoneInfo(timezone))


class Renderer:
    """Hold the templates and assets; render pages and live pieces."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.assets = {p.name: p.read_bytes() for p in sorted((HERE / "static").iterdir())}
        self.digests = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, body in self.assets.items()
        }
        self.environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals["asset"] = self.asset
        pages = "".join(p.read_text("utf-8") for p in sorted((HERE / "templates").iterdir()))
        digest = hashlib.sha256((pages + "".join(self.digests.values())).encode())
        self.build = digest.hexdigest()[:12]
        for name in ("page.html", "refused.html"):
            self.environment.get_template(name)  # compiled now, not while the first person waits
        self._parts = self.environment.get_template("fragments.html").module

    def asset(self, name: str) -> str:
        """Return an asset's address, which changes when its bytes do."""
        return f"/static/{name}?v={self.digests[name]}"

    def page(self, card: Card, said: Result | None, **values: object) -> str:
        """Render the whole page; ``said`` is the answer to the form just sent, if any."""
        template = self.environment.get_template("page.html")
        return template.render(c=card, said=said, build=self.build, version=_release(), **values)

    def refused(self, words: Words, text: str) -> str:
        """Render the short page that says why a request was refused."""
        template = self.environment.get_template("refused.html")
        return template.render(lang=words.lang, text=text, back=words("refused.back"))

    def fragments(self, card: Card) -> dict[str, str]:
        """Render every live piece of the page, by its name."""
        part = self._parts
        plain = ("clock", "status", "faults", "sensors", "nodes", "events", "counters")
        found = {name: str(getattr(part, name)(card)) for name in plain}
        if card.view.demo is not None:
            found["demo"] = str(part.demo(card))  # type: ignore[attr-defined]
        groups = (
            ("siren", card.view.sirens, ("headline", "line", "facts")),
            ("station", card.view.stations, ("words", "chart", "table")),
            ("zone", card.view.zones, ("words", "chart", "table")),
        )
        for kind, items, names in groups:
            for index, item in enumerate(items):
                for name in names:
                    macro = getattr(part, f"{kind}_{name}")
                    found[f"{kind}-{index}-{name}"] = str(macro(card, item))
        return found
