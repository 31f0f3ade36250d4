"""Turn what the guard says of a siren and of a station's limits into what people see.

The guard is another process, perhaps of another version: what is missing or of another kind shows
as not known, and never ends the view.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amont_gateway import view as v
from amont_gateway.finding_words import FINDINGS
from amont_gateway.guard_words import Names, same, word_reason
from amont_gateway.places import Siren
from amont_gateway.view_radio import Bridge

_BRIDGE_TEXTS = ("port", "device", "role", "radio", "id")
_BRIDGE_NUMBERS = (
    "version", "heard_s", "crc_errors", "airtime_ms", "waiting", "sent", "refused", "lost",
)  # fmt: skip
_HEALTH = {1: "degraded", 2: "fault"}


def siren(place: Siren, said: Mapping[str, Any], alive: bool, names: Names) -> v.Siren:
    """Return a siren as the guard tells it; without a living guard nothing looks well."""
    return v.Siren(
        id=place.id,
        name=place.name,
        state=str(said.get("state") or "unknown") if alive else "unknown",
        mode=str(said.get("mode") or "armed"),
        health=str(said.get("health") or "ok") if alive else "fault",
        commanded=said.get("commanded") is True,
        confirmed=_flag(said.get("confirmed")),
        since_ms=_whole(said.get("since_ms")),
        muted_until_ms=_whole(said.get("muted_until_ms")),
        mute_left_s=_whole(said.get("mute_left_s")),
        mode_until_ms=_whole(said.get("mode_until_ms")),
        station=str(said.get("station") or ""),
        reason=word_reason(_object(said.get("reason")), names),
        acknowledged_by=_names(said.get("acknowledged_by")),
        asked=[a for item in _list(said.get("asked")) if (a := _asked(_object(item)))],
        output=str(said.get("output") or "simulated"),
        findings=[_finding(_object(item)) for item in _list(said.get("findings"))],
        measured=_numbers(said.get("measured")),
        silent_test=_practice(said.get("silent_test")),
        drill=_practice(said.get("drill")),
        simulated=place.simulated,
    )


def limits(said: Mapping[str, Any], otherwise: v.Thresholds) -> v.Thresholds:
    """Return the limits in force, ``otherwise`` those of the site's file."""
    four = _four(said.get("limits_mm"))
    if four is None:
        return otherwise
    watch, warning, alarm, alarm_plus = four
    return v.Thresholds(
        watch_mm=watch, warning_mm=warning, alarm_mm=alarm, alarm_plus_mm=alarm_plus
    )


def bounds(said: Mapping[str, Any]) -> list[int]:
    """Return the lowest and highest that a limit may be set to, empty if not known."""
    found = _list(said.get("bounds_mm"))
    known = len(found) == 2 and all(_whole(x) is not None for x in found)
    return [int(x) for x in found] if known else []


def change(value: object) -> v.LimitsChange | None:
    """Return a change of limits, None if there is none."""
    said = _object(value)
    four, at_ms = _four(said.get("limits_mm")), _whole(said.get("at_ms"))
    if four is None or at_ms is None:
        return None
    return v.LimitsChange(limits_mm=four, people=_names(said.get("people")), at_ms=at_ms)


def audit(state: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return the number and the hash of the newest line of the guard's audit."""
    said = _object(state.get("audit"))
    return _whole(said.get("lines")), str(said.get("head") or "")


def bridges(state: Mapping[str, Any], alive: bool) -> list[Bridge]:
    """Return the bridges as the guard tells of them; without a living guard none is there."""
    return [_bridge(_object(item), alive) for item in _list(state.get("bridges"))]


def _bridge(said: Mapping[str, Any], alive: bool) -> Bridge:
    told: dict[str, Any] = {key: str(said.get(key) or "") for key in _BRIDGE_TEXTS}
    told |= {key: _whole(said.get(key)) for key in _BRIDGE_NUMBERS}
    told |= {key: _whole(said.get(key)) or 0 for key in ("frames", "damaged")}
    return Bridge(connected=alive and said.get("connected") is True, **told)


def signal_dbm(said: Mapping[str, Any], otherwise: int | None) -> int | None:
    """Return how well a node's newest frame was heard, by the best of several receivers."""
    best = _whole(said.get("rssi_dbm"))
    return otherwise if best is None else best


def _asked(said: Mapping[str, Any]) -> v.Asked | None:
    until_ms = _whole(said.get("until_ms"))
    if until_ms is None:
        return None
    return v.Asked(kind=str(said.get("kind")), person=str(said.get("person")), until_ms=until_ms)


def _finding(said: Mapping[str, Any]) -> v.Finding:
    code = str(said.get("code") or "")
    level = _HEALTH.get(_whole(said.get("level")) or 0, "fault")
    return v.Finding(code=code, level=level, text=FINDINGS.get(code) or same(code))


def _practice(value: object) -> v.Practice:
    said = _object(value)
    return v.Practice(
        last_ms=_whole(said.get("last_ms")),
        ok=_flag(said.get("ok")),
        next_ms=_whole(said.get("next_ms")),
    )


def _four(value: object) -> list[int] | None:
    found = [_whole(x) for x in _list(value)]
    return [x for x in found if x is not None] if len(found) == 4 and None not in found else None


def _numbers(value: object) -> dict[str, int]:
    return {str(k): x for k, x in _object(value).items() if _whole(x) is not None}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value] if value else []
    return [str(name) for name in _list(value)]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
