"""Change the four limits of a station: two people, a delay, and the old ones kept. Pure.

Somebody proposes four numbers; somebody else agrees to the very same four within ``TOGETHER_S``;
``limits_delay_s`` later they count. Until then anybody may withdraw them. While a station is not
calm no limit rises: that would end an alarm by moving the mark instead of waiting for the water.
Times are whole seconds of the domain clock; while the guard does not run, they stand still.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from amont_watch.siren import KEY, SCHEDULE

from .config import Station

TOGETHER_S = 600  # two people may be at different ends of the valley
SHOWN = ("proposed", "agreed", "previous")


class Change(NamedTuple):
    """Four limits, and who wanted them.

    ``at_s``: proposed, until when; agreed, from when on; previous, when they were replaced.
    """

    limits_mm: list[int]  # watch, warning, alarm, alarm+
    people: list[str]
    at_s: int


class Thresholds:
    """The limits in force of all stations, and what people want them to be."""

    def __init__(self, stations: dict[str, Station], calm: Callable[[str], bool]) -> None:
        """Begin with the file's own limits; ``calm`` tells whether a station is at normal."""
        self._stations, self._calm = stations, calm
        self._changes = {
            name: {"in force": Change(station.limits_mm, [], 0)}
            for name, station in stations.items()
        }

    def ask(self, station: str, limits_mm: list[int], person: str, now_s: int) -> str:
        """Propose four limits of a known station, or agree to them.

        Returns second, agreed, or why not: two people needed, unchanged, bounds, order, not calm,
        same person.
        """
        changes = self._standing(station, now_s)
        refusal = self._refusal(station, limits_mm, person)
        if refusal:
            return refusal
        proposed = changes.get("proposed")
        if proposed is None or proposed.limits_mm != limits_mm:
            changes["proposed"] = Change(limits_mm, [person], now_s + TOGETHER_S)
            return "second"
        if person in proposed.people:
            return "same person"
        del changes["proposed"]
        from_s = now_s + self._stations[station].limits_delay_s
        changes["agreed"] = Change(limits_mm, [*proposed.people, person], from_s)
        return "agreed"

    def keep(self, station: str, now_s: int) -> str:
        """Withdraw what is proposed or agreed; return done or nothing to keep."""
        changes = self._standing(station, now_s)
        found = [changes.pop(kind, None) for kind in ("proposed", "agreed")]
        return "done" if any(found) else "nothing to keep"

    def due(self, now_s: int) -> list[tuple[str, list[int]]]:
        """Put in force what is due, and return it; what would raise a limit waits for calm."""
        found = []
        for name, changes in self._changes.items():
            agreed = changes.get("agreed")
            if agreed and now_s >= agreed.at_s and not self._eases(name, agreed.limits_mm):
                changes["previous"] = Change(self.in_force(name), agreed.people, now_s)
                changes["in force"] = changes.pop("agreed")
                found.append((name, self.in_force(name)))
        return found

    def in_force(self, station: str) -> list[int]:
        """Return the four limits that count now."""
        return list(self._changes[station]["in force"].limits_mm)

    def show(self, station: str, now_s: int) -> dict[str, dict[str, Any] | None]:
        """Return what is proposed, agreed and previous, as the fields of ``Change``."""
        changes = self._standing(station, now_s)
        return {kind: changes[kind]._asdict() if kind in changes else None for kind in SHOWN}

    def as_dict(self, now_s: int) -> dict[str, Any]:
        """Return what must survive a restart."""
        return {
            name: {"file": _says(station), "now_s": now_s, "changes": {**self._changes[name]}}
            for name, station in self._stations.items()
        }

    def restore(self, saved: dict[str, Any], now_s: int) -> list[str]:
        """Take ``as_dict`` back; raise KeyError, TypeError or ValueError, and then take nothing.

        A file that says other limits or bounds than then wins. Returns the stations for which
        that undoes what people changed.
        """
        known = saved.keys() & self._stations.keys()
        held = {name for name in known if saved[name]["file"] == _says(self._stations[name])}
        taken = {name: _read(saved[name], now_s) for name in held}
        self._changes.update(taken)
        return sorted(name for name in known - held if len(saved[name]["changes"]) > 1)

    def _refusal(self, station: str, limits_mm: list[int], person: str) -> str:
        if person in ("", KEY, SCHEDULE):  # nobody knows who: never one of two
            return "two people needed"
        changes = self._changes[station]
        if limits_mm == changes.get("agreed", changes["in force"]).limits_mm:
            return "unchanged"
        misfit = self._misfit(station, limits_mm)
        return misfit or ("not calm" if self._eases(station, limits_mm) else "")

    def _misfit(self, station: str, limits_mm: list[int]) -> str:
        low, high = self._stations[station].bounds_mm
        if not all(low <= limit <= high for limit in limits_mm):
            return "bounds"
        return "" if len(limits_mm) == 4 and sorted(set(limits_mm)) == limits_mm else "order"

    def _eases(self, station: str, limits_mm: list[int]) -> bool:
        now_mm = self.in_force(station)
        raised = any(new > old for new, old in zip(limits_mm, now_mm, strict=True))
        return raised and not self._calm(station)

    def _standing(self, station: str, now_s: int) -> dict[str, Change]:
        changes = self._changes[station]
        if "proposed" in changes and now_s >= changes["proposed"].at_s:
            del changes["proposed"]
        return changes


def _says(station: Station) -> list[int]:
    return [*station.limits_mm, *station.bounds_mm]


def _read(saved: dict[str, Any], now_s: int) -> dict[str, Change]:
    shift_s = now_s - int(saved["now_s"])
    changes = {
        kind: Change([int(limit) for limit in limits_mm], people, int(at_s) + shift_s)
        for kind, (limits_mm, people, at_s) in saved["changes"].items()
    }
    return {"in force": changes["in force"], **changes}
