"""Say in plain words what the river, the pipes and the sensors do. Pure: a view in, words out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from amont_gateway.page.formatting import STEADY_MM_H, Format
from amont_gateway.page.texts import Words
from amont_gateway.view import Forecast, HistoryState, LimitsChange, Sensor, Station, View, Zone

STATION_OLD_S = 2700  # three intervals of 15 minutes: what a reading's validity usually is
ZONE_OLD_S = 7200  # meters of a zone report hourly at the slowest
RANK = {"normal": 0, "watch": 1, "warning": 2, "alarm": 3, "alarm_plus": 4}


@dataclass(frozen=True, slots=True)
class Notice:
    """One banner at the top of the page."""

    severity: str  # "frozen" stops people from trusting the values, "fault" does not
    title: str
    advice: str = ""


def trend_key(trend_mm_h: int | None) -> str:
    """Return "up", "down", "steady" or "unknown"."""
    if trend_mm_h is None:
        return "unknown"
    if abs(trend_mm_h) < STEADY_MM_H:
        return "steady"
    return "up" if trend_mm_h > 0 else "down"


def trend_words(station: Station, t: Words, f: Format) -> str:
    """Say how fast the water moves."""
    key = trend_key(station.trend_mm_h)
    if key in ("unknown", "steady"):
        return t(f"station.trend.{key}")
    return t(f"station.trend.{key}", rate=f.rate(station.trend_mm_h or 0))


def above(level: str, other: str) -> bool:
    """Tell whether a level is higher than another one."""
    return RANK.get(level, 0) > RANK.get(other, 0)


def limits(station: Station) -> list[tuple[str, int]]:
    """Return the thresholds (level, mm) of a station, lowest first."""
    named = station.thresholds
    rows = [("watch", named.watch_mm), ("warning", named.warning_mm), ("alarm", named.alarm_mm)]
    if named.alarm_plus_mm is not None:
        rows.append(("alarm_plus", named.alarm_plus_mm))
    return rows


def level_by_stage(station: Station) -> str:
    """Return the highest level whose threshold the stage reaches, before any vote."""
    reached = "normal"
    for level, limit_mm in limits(station):
        if station.stage_mm is not None and station.stage_mm >= limit_mm:
            reached = level
    return reached


def rest_words(station: Station, t: Words, f: Format) -> str:
    """Say where the water stands between the thresholds, as the guard judges it."""
    judged, by_stage = station.level, level_by_stage(station)
    if judged not in RANK or station.stage_mm is None:
        return t("rest.unknown")
    if RANK[by_stage] > RANK[judged]:
        return t("rest.pending", level=t(f"level.{by_stage}"))
    if RANK[by_stage] < RANK[judged]:
        return t("rest.held", level=t(f"level.{judged}"))
    if judged in ("alarm", "alarm_plus"):
        limit_mm = dict(limits(station))[judged]
        return t(f"rest.{judged}", gap=f.gap(station.stage_mm - limit_mm))
    limit_mm = limits(station)[RANK[judged]][1]
    return t(f"rest.{judged}", gap=f.gap(limit_mm - station.stage_mm))


def station_sentence(station: Station, old: bool, t: Words, f: Format) -> str:
    """Say what the river does, in one sentence; an ``old`` stage is told in the past."""
    name = t.of(station.name, station.id)
    if station.stage_mm is None:
        return t("station.sentence.none", name=name)
    if old:
        stage, age = f.metres(station.stage_mm), f.age(station.age_s)
        return t("station.sentence.old", name=name, stage=stage, age=age)
    return t(
        "station.sentence",
        name=name,
        stage=f.metres(station.stage_mm),
        trend=trend_words(station, t, f),
        rest=rest_words(station, t, f),
    )


def rung_words(forecast: Forecast, t: Words, f: Format) -> str:
    """Say which rung of the ladder a forecast stands on, and what it costs where measured."""
    if forecast.inputs == "full":
        return ""
    cost = forecast.cost
    if cost is None:
        return t.either(f"forecast.inputs.{forecast.inputs}", "")
    more = cost.error_more_percent
    measured = t(
        "forecast.cost",
        stations=f.number(cost.stations),
        notice=_beside(t, *(f.duration(60.0 * minutes) for minutes in cost.notice_min)),
        told=_beside(t, *(f.percent(share / 100.0) for share in cost.told_percent)),
        false=_beside(t, *(f.percent(share / 100.0) for share in cost.false_percent)),
        more=("+" if more > 0 else "") + f.percent(more / 100.0),
    )
    return f"{t(f'forecast.cost.{forecast.inputs}')} {measured}"


def _beside(t: Words, lower: str, full: str) -> str:
    key = "forecast.cost.same" if lower == full else "forecast.cost.other"
    return t(key, lower=lower, full=full)


def forecast_words(forecast: Forecast, level: str, t: Words, f: Format) -> str:
    """Say what the forecast expects, or why there is none; a reached level lies not ahead."""
    rung = rung_words(forecast, t, f)
    if forecast.status != "ok" or not forecast.steps:
        return f"{t.either(f'forecast.{forecast.status}', t('forecast.no data'))} {rung}".strip()
    last = max(forecast.steps, key=lambda step: step.horizon_h)
    hours = f.number(last.horizon_h, 0 if float(last.horizon_h).is_integer() else 1)
    text = t("forecast.range", hours=hours, low=f.metres(last.p05_mm), high=f.metres(last.p95_mm))
    parts = [text]
    if forecast.reaches == "none" or above(forecast.reaches, level):
        parts.append(t.either(f"forecast.reaches.{forecast.reaches}", ""))
    return f"{', '.join(part for part in parts if part)}. {rung}".strip()


def zone_verdict(zone: Zone, now_ms: int, t: Words, f: Format) -> str:
    """Say whether the zone leaks, how much and since when."""
    if zone.verdict == "leak":
        if zone.leak_l_h is None:
            return t("zone.leak.no_flow")
        flow = f.flow(zone.leak_l_h)
        if zone.since_ms is None:
            return t("zone.leak.no_time", flow=flow)
        return t("zone.leak", flow=flow, moment=f.moment(zone.since_ms, now_ms))
    if zone.verdict in ("normal", "watch"):
        return t(f"zone.{zone.verdict}")
    return t.either(f"zone.model.{zone.model_status}", t("zone.unknown"))


def night_words(zone: Zone, t: Words, f: Format) -> str:
    """Say the night flow beside the usual one."""
    if zone.night_flow_l_h is None or zone.night_flow_usual_l_h is None:
        return f.flow(zone.night_flow_l_h)
    usual = f.flow(zone.night_flow_usual_l_h)
    return t("zone.night.usual", flow=f.flow(zone.night_flow_l_h), usual=usual)


def station_old(station: Station, view: View) -> bool:
    """Tell whether the station's stage must not be trusted as current."""
    sensors = [s for s in view.sensors if s.id in station.sensors]
    all_stale = bool(sensors) and all(s.freshness == "stale" for s in sensors)
    return station.age_s is None or station.age_s > STATION_OLD_S or all_stale


def zone_old(zone: Zone) -> bool:
    """Tell whether the zone's inflow must not be trusted as current."""
    return zone.age_s is not None and zone.age_s > ZONE_OLD_S


def change_words(kind: str, change: LimitsChange, now_ms: int, t: Words, f: Format) -> str:
    """Say who wants which limits, and what happens when ("proposed", "agreed", "previous")."""
    return t(
        f"limits.{kind}",
        people=t.join(change.people),
        values=values_words(change.limits_mm, f),
        time=f.moment_s(change.at_ms, now_ms),
    )


def values_words(limits_mm: Sequence[int], f: Format) -> str:
    """Write limits side by side, lowest first."""
    return " · ".join(f.metres(mm) for mm in limits_mm)


def trust(sensor: Sensor, t: Words) -> tuple[str, str]:
    """Return how far to believe a sensor ("good", "weak", "bad") and why."""
    reasons = [t.either(f"flag.{flag}", flag) for flag in sensor.flags]
    if sensor.value is None:
        return "bad", t("trust.nothing")
    if sensor.freshness == "stale":
        reasons.insert(0, t("trust.stale"))
    if reasons:
        return "bad", t("trust.doubtful", why=", ".join(reasons))
    if sensor.promise == "unsealed":
        return "weak", t("trust.unsealed")
    if not sensor.votes:
        return "weak", t("trust.advice")
    if sensor.freshness != "proved":
        return "weak", t(f"trust.{'assumed' if sensor.freshness == 'assumed' else 'unproved'}")
    return ("good", t("trust.full")) if sensor.promise == "full" else ("weak", t("trust.weaker"))


def notices(view: View, frozen_s: float | None, t: Words, f: Format) -> list[Notice]:
    """Return the banners, gravest first; ``frozen_s`` is how long the view has not moved."""
    found = []
    if frozen_s is not None:
        title = t("frozen.view", age=f.duration(frozen_s))
        found.append(Notice("frozen", title, t("frozen.view_advice")))
    if not view.guard_alive:
        title = t("frozen.guard_unknown")
        if view.guard_age_s is not None:
            title = t("frozen.guard", age=f.duration(view.guard_age_s))
        found.append(Notice("frozen", title, t("frozen.guard_advice")))
    for station in (s for s in view.stations if station_old(s, view)):
        name = t.of(station.name, station.id)
        title = t("frozen.station_none", name=name)
        if station.age_s is not None:
            title = t("frozen.station", name=name, age=f.age(station.age_s))
        found.append(Notice("frozen", title, t("frozen.station_advice")))
    if view.journal != "ok":
        found.append(Notice("fault", t.either(f"status.journal_{view.journal}", view.journal)))
    found += database_notices(view, t, f)
    if view.broker in ("away", "refused"):
        found.append(Notice("fault", t(f"status.broker_{view.broker}")))
    if view.lorawan is not None and view.lorawan.state != "ok":
        found.append(Notice("fault", t(f"status.lorawan_{view.lorawan.state}")))
    return found


def database_notices(view: View, t: Words, f: Format) -> list[Notice]:
    """Say since when the database takes nothing, and what waits for it."""
    found, kept = [], view.history
    if view.database in ("away", "refused"):
        since = waiting = ""
        if kept is not None:
            age = f.duration((view.now_ms - kept.since_ms) / 1000)
            since = t("status.database_since", age=age)
            waiting = _waiting(kept, view.now_ms, t, f)
        title = t(f"status.database_{view.database}", since=since)
        found.append(Notice("fault", title, waiting))
    if kept is not None and kept.quarantined:
        lines = f.number(kept.quarantined)
        found.append(Notice("fault", t("status.quarantine", lines=lines)))
    return found


def _waiting(kept: HistoryState, now_ms: int, t: Words, f: Format) -> str:
    if not kept.waiting:
        return ""
    words = t("status.database_waiting", rows=f.number(kept.waiting))
    if kept.waiting_since_ms is None:
        return words
    return words + t("status.database_oldest", age=f.age((now_ms - kept.waiting_since_ms) / 1000))
