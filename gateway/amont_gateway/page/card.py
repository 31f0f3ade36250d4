"""Prepare what the templates see of one view, in one language."""

from __future__ import annotations

import hashlib
from zoneinfo import ZoneInfo

from markupsafe import Markup

from amont_gateway.page import chart, network_words, sentences
from amont_gateway.page.formatting import DASH, NBSP, Format
from amont_gateway.page.siren_card import NEEDS_PERSON, SirenCard
from amont_gateway.page.texts import LANGUAGES, Words
from amont_gateway.view import (
    Asked,
    Event,
    LimitsChange,
    Network,
    Point,
    Sensor,
    Station,
    View,
    Zone,
)
from amont_gateway.view_network import NetworkLeak

EVENTS_SHOWN = 12  # the journal's own page shows all
_LIGHT = {"notice": 1, "info": 2}  # what gives way to what is grave
EVENTS_NEWEST = 5  # shown whatever they are
TABLE_ROWS = 24


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
        self.sirens = [SirenCard(s, view, self.frozen, self.t, self.f) for s in view.sirens]
        self.shape = shape(view)

    @property
    def title(self) -> str:
        """Return the browser tab's title: the gravest thing first."""
        return self.titled("")

    def titled(self, page: str) -> str:
        """Return the title of a page of this site; training and alarms come first."""
        parts = [self.site_name if page else f"{self.site_name} — Amont"]
        if page:
            parts.insert(0, page)
        if "sound" in [siren.key for siren in self.sirens]:
            parts.insert(0, self.t("page.title_sounding"))
        elif any(n.severity == "frozen" for n in self.notices):
            parts.insert(0, self.t("page.title_frozen"))
        if self.view.training is not None:
            parts.insert(0, self.t("training.title"))
        return " — ".join(parts)

    @property
    def act_keys(self) -> str:
        """Return the headlines that open the form, for the script."""
        return " ".join(NEEDS_PERSON)

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

    def change(self, kind: str, change: LimitsChange) -> str:
        """Say who wants which limits, and what happens when."""
        return sentences.change_words(kind, change, self.view.now_ms, self.t, self.f)

    def values(self, limits_mm: list[int]) -> str:
        """Write limits side by side, lowest first."""
        return sentences.values_words(limits_mm, self.f)

    def trust(self, sensor: Sensor) -> tuple[str, str]:
        """Return how far to believe a sensor, and why."""
        return sentences.trust(sensor, self.t)

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
        return sentences.forecast_words(station.forecast, station.level, self.t, self.f)

    def sensor_name(self, sensor: str) -> str:
        """Return a sensor's name, its id if it is not in the view."""
        found = next((s.name for s in self.view.sensors if s.id == sensor), {})
        return self.t.of(found, sensor)

    def advises(self, station: Station) -> bool:
        """Tell whether the model sees more coming than the guard has found."""
        if station.foreign_watch and station.advice == "watch":
            return False  # that is the foreign sensor's, and told as such
        useful = station.forecast.status == "ok" and station.advice in ("watch", "warning")
        return useful and sentences.above(station.advice, station.level)

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
        return self._inflow_charts(zone, self.zone_verdict(zone))

    def network_charts(self, network: Network) -> Markup:
        """Draw the network's inflow in both sizes."""
        return self._inflow_charts(network_words.drawn(network), self.network_verdict(network))

    def _inflow_charts(self, zone: Zone, sentence: str) -> Markup:
        name = self.t.of(zone.name, zone.id)
        title = self.t("chart.zone", name=name, sentence=sentence)
        words = (title, self.t, self.f)
        sizes = (chart.PHONE_ZONE, chart.DESK_ZONE)
        return Markup("").join(
            chart.zone_chart(zone, self.view.now_ms, words, size) for size in sizes
        )

    def zone_verdict(self, zone: Zone) -> str:
        """Say whether the zone leaks."""
        return sentences.zone_verdict(zone, self.view.now_ms, self.t, self.f)

    def network_verdict(self, network: Network) -> str:
        """Say whether the network leaks."""
        return network_words.verdict(network, self.view.now_ms, self.t, self.f)

    def network_rung(self, network: Network) -> list[str]:
        """Say what the network is judged without."""
        return network_words.rung(network, self.view.sensors, self.t)

    def network_nowhere(self, network: Network) -> str:
        """Say that nobody knows where to look, where leaks are seen by flows alone."""
        blind = network.leaks and network_words.by_flows(network)
        return self.t("network.near.flows") if blind else ""

    def network_calm(self, network: Network) -> str:
        """Say why no leak is seen."""
        return network_words.calm(network, self.t)

    def network_leak(self, leak: NetworkLeak) -> str:
        """Say how large a leak is and since when."""
        return network_words.leak(leak, self.view.now_ms, self.t, self.f)

    def network_near(self, leak: NetworkLeak) -> str:
        """Say near which sensors to look first."""
        return network_words.near(leak, self.view.sensors, self.t)

    def network_why(self, leak: NetworkLeak) -> list[tuple[str, str, str]]:
        """Return what was read before and after a leak began."""
        return network_words.why(leak, self.view.sensors, self.t, self.f)

    def inflow_old(self, network: Network) -> bool:
        """Tell whether the inflow is out of date."""
        return network.age_s is not None and network.age_s > sentences.ZONE_OLD_S

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


def shape(view: View) -> str:
    """Return a digest of the page's fixed skeleton; when it changes the page reloads itself."""
    parts = (
        [(s.id, s.name, s.simulated, _asked(s.asked, view)) for s in view.sirens],
        [(s.id, s.name, s.river) for s in view.stations],
        [(z.id, z.name) for z in view.zones],
        [(n.id, n.name) for n in view.networks],
        view.people,
        view.demo.speeds if view.demo else None,
        view.training.flood if view.training else None,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _asked(asked: list[Asked], view: View) -> list[tuple[str, str, int]]:
    """Return the forms to confirm that the skeleton holds."""
    if not view.guard_alive:
        return []
    return [(a.kind, a.person, a.until_ms) for a in asked if a.until_ms > view.now_ms]
