"""What the guard decided and the gateway saw in the scripted month, as ``records.db`` keeps it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.dashboards import month_script as story
from tests.dashboards.month_script import BEGIN_MS, DAYS, END_MS, HOUR_MS, STEP_MS
from tests.dashboards.month_views import EPOCH, forecast, network_leaks

from amont_gateway.counters import Counters
from amont_gateway.notes import Note
from amont_gateway.places import Places
from amont_gateway.records import Records
from amont_gateway.seen import Seen


def records(here: Places) -> list[dict[str, Any]]:
    """Return what the guard decided and what the gateway saw, in the order of time."""
    found: list[dict[str, Any]] = []
    clock = [BEGIN_MS]
    seen = Seen(found.append, lambda: clock[0])
    for at_ms in range(BEGIN_MS, END_MS + 1, STEP_MS):
        clock[0] = at_ms
        live = [s.id for s in here.stations if not (s.id == "moulin" and at_ms > story.DEAD[13])]
        seen.forecasts((station, forecast(station, at_ms)) for station in live)
    for station in here.stations:
        found += _levels(station.id)
    found += _flood() + _practice(here)
    found += [*_networks(), *_zones(here), *_faults(), *_notes(), *_limits()]
    return sorted(found, key=lambda record: record["at_ms"])


def keep(folder: Path, found: Iterable[dict[str, Any]]) -> None:
    """Write records as the gateway does."""
    store = Records(folder, Counters(), lambda kind, detail: None)
    for record in found:
        store.take(record)
    stopping = threading.Event()
    stopping.set()
    store.run(stopping)


def _levels(station: str) -> Iterator[dict[str, Any]]:
    before = "normal"
    limits = dict(zip(story.LEVELS[1:], story.LIMITS_MM[station], strict=True))
    for at_ms in range(BEGIN_MS, END_MS + 1, STEP_MS):
        level = story.level(station, at_ms)
        if level != before:
            stage = story.stage_mm(station, at_ms)
            yield {
                "at_ms": at_ms, "kind": "level", "station": station, "level": level,
                "before": before, "limit_mm": limits.get(level, 0), "rule": "two votes",
                "sensors": [f"{station}-a"], "frame": [11, EPOCH, 3],
                "readings": {f"{station}-a": [stage, 20, [], 0]},
            }  # fmt: skip
        before = level


def _siren(at_ms: int, siren: str, state: str, *rules: str, **more: Any) -> dict[str, Any]:
    actions = [{"kind": "record", "rule": rule, "value": 1, "person": ""} for rule in rules]
    return {"at_ms": at_ms, "kind": "siren", "siren": siren, "state": state, "mode": "armed",
            "actions": actions, **more}  # fmt: skip


def _flood() -> list[dict[str, Any]]:
    start_ms = story.sounded_ms()
    hour = HOUR_MS
    found = []
    for siren in ("mairie", "ecole"):
        found += [
            _siren(start_ms + 100, siren, "sound", "alarm", station="pont-neuf"),
            _siren(start_ms + hour // 2, siren, "sound", "acknowledged", asked="acknowledge",
                   person="Anne"),
            _siren(start_ms + hour, siren, "muted", "muted", asked="mute", person="Luc"),
            _siren(start_ms + 3 * hour, siren, "latch", "hazard over"),
            _siren(start_ms + 10 * hour, siren, "idle", "reset", asked="reset", person="Anne"),
        ]  # fmt: skip
    return found


def _practice(here: Places) -> list[dict[str, Any]]:
    found = [
        _siren(story.DRILL_MS, "mairie", "sound", "drill", mode="drill", person="Anne"),
        _siren(story.DRILL_MS + story.SOUND_MS, "mairie", "idle", "drill over"),
    ]
    for day in range(DAYS):
        tested_ms = story.at(day, story.TEST_HOUR)
        found += [
            {"at_ms": tested_ms, "kind": "tried", "siren": s.id, "tried": "test", "ok": True,
             "findings": {}}
            for s in here.sirens
        ]  # fmt: skip
    return found


def _networks() -> Iterator[dict[str, Any]]:
    known: list[int] = []
    for at_ms in range(BEGIN_MS, END_MS + 1, STEP_MS):
        leaks = network_leaks(at_ms)
        if [leak.number for leak in leaks] != known:
            known = [leak.number for leak in leaks]
            fields = [{n: getattr(k, n) for n in k.__struct_fields__} for k in leaks]
            yield {
                "at_ms": at_ms, "kind": "seen network", "network": "vallee", "heard": 2,
                "verdict": "leak" if leaks else "normal", "rule": {}, "leaks": fields,
            }  # fmt: skip


def _zones(here: Places) -> Iterator[dict[str, Any]]:
    for zone in here.zones:
        before = "normal"
        for at_ms in range(BEGIN_MS, END_MS + 1, HOUR_MS):
            leaking = story.leak_l_h(zone.id, at_ms)
            verdict = "leak" if leaking else "normal"
            if verdict != before:
                yield {"at_ms": at_ms, "kind": "seen zone", "zone": zone.id, "verdict": verdict,
                       "leak_l_h": leaking, "leak_probability": 0.87, "since_ms": at_ms,
                       "night_flow_l_h": story.flow_l_h(zone.id, at_ms)}  # fmt: skip
            before = verdict


def _faults() -> list[dict[str, Any]]:
    dead_ms = story.DEAD[13] + HOUR_MS
    late = story.LATE_FROM_MS + HOUR_MS
    return [
        {"at_ms": dead_ms, "kind": "fault", "name": "silent moulin-a"},
        {"at_ms": late, "kind": "fault", "name": "silent col-pluie"},
        {"at_ms": story.LATE_UNTIL_MS, "kind": "fault over", "name": "silent col-pluie"},
    ]


def _limits() -> list[dict[str, Any]]:
    limits = [*story.LIMITS_MM["source"], 2_600]
    shared = {"kind": "limits", "station": "source", "limits_mm": limits}
    at_ms = story.at(14, 3)
    return [
        {"at_ms": at_ms, **shared, "person": "Anne", "asked": "limits", "code": "second"},
        {"at_ms": at_ms + 60_000, **shared, "person": "Luc", "asked": "limits", "code": "agreed"},
        {"at_ms": at_ms + 660_000, **shared},
    ]


def _notes() -> list[dict[str, Any]]:
    """Return what people noted: with ``amont-gateway note``."""
    first = story.LEAKS[0]
    written = (
        Note("repair", first.zone, first.repaired_ms, "Luc", "Manchon posé rue du Four"),
        Note("calibration", "pont-neuf", story.at(3, 2), "Luc", "Échelle relue, écart 4 mm",
             sensor="pont-neuf-a"),
        Note("maintenance", "13", story.at(23, 3), "Luc", "Nœud du moulin : pile commandée"),
        Note("note", "bourg", story.at(10, 4), "Anne", "Arrosage du stade jusqu'à dimanche"),
        Note("calibration", "pont-neuf", story.at(28, 2), "Luc", "Échelle relue, écart 1 mm",
             sensor="pont-neuf-a"),
        Note("maintenance", "21", story.at(29, 3), "Luc", "Entonnoir nettoyé"),
    )  # fmt: skip
    return [note.record() for note in written]
