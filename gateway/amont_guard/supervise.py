"""Judge what is read back around a siren. Pure: samples in, findings out; ``now_s`` comes in.

docs/wiring.en.md says how each value is wired and what to do about each finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HELD_S = 2.0  # a key or button counts when it is held; a brush of a sleeve does not
OPEN_TIMES = 4  # a line of more than so many times its upper limit is cut, not corroded
GAP_MAX_S = 2.0  # what one look counts for at most, however late the next one comes

# code: how grave (1 degraded, 2 fault), how long it must last before it counts in s. A good look
# takes back two bad ones: noise does not add up, and a horn that sounds 2 s in 5 is no silent one.
_RULES = {
    "line_open": (2, 20), "line_short": (2, 20), "line_ground": (1, 20), "line_high": (1, 20),
    "contact_open": (2, 5), "contact_welded": (2, 5),
    "isolate_open": (2, 5), "isolate_stuck": (1, 5),
    "coil_open": (2, 5), "coil_over": (1, 5), "coil_stray": (2, 5),
    "horn_silent": (2, 5), "horn_over": (1, 5), "horn_stray": (2, 5),
    "battery_low": (2, 30), "battery_high": (1, 30), "mains_off": (1, 10), "tamper": (1, 10),
    "button_wet": (1, 5), "button_stuck": (1, 30),
    "measure_missing": (1, 20), "output_lost": (2, 5),
}  # fmt: skip
MAX_ON, TEST_PARTIAL, TEST_CUT = "max_on", "test_partial", "test_cut"
CODES = (*_RULES, MAX_ON, TEST_PARTIAL, TEST_CUT)
# what only a pulse shows: a silent test's findings stand until the next one
TESTED = (
    "contact_open", "contact_welded", "isolate_open", "isolate_stuck", "coil_open", "coil_over",
    "horn_stray", "output_lost", TEST_PARTIAL,
)  # fmt: skip

# measurement: the finding below its limits, above them, and while it should not be there at all
_BANDS = {
    "line_ohm": ("line_short", "line_high", ""),
    "earth_ohm": ("line_ground", "", ""),
    "coil_ma": ("coil_open", "coil_over", "coil_stray"),
    "horn_ma": ("horn_silent", "horn_over", "horn_stray"),
    "battery_mv": ("battery_low", "battery_high", ""),
}
_CLOSED_IS_GOOD = {"mains": "mains_off", "tamper": "tamper"}


class RelayError(RuntimeError):
    """The output cannot be driven: not there, in use, or not what the configuration says."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured value, as the site file describes it."""

    at: int
    low: int
    high: int = 10_000_000
    per_count: float = 1.0
    series_ohm: int = 0
    full: int = 4095

    def scaled(self, count: int) -> int:
        """Return the value of a count in the unit of the measurement's name."""
        if self.series_ohm:
            return self.series_ohm * count // max(1, self.full - count)
        return round(count * self.per_count)


@dataclass(frozen=True, slots=True)
class Points:
    """Everything that is read around one siren, and where."""

    contacts: dict[str, int] = field(default_factory=dict)
    measures: dict[str, Measure] = field(default_factory=dict)


def points(
    output: Mapping[str, Any], supervision: Mapping[str, Any], key: Mapping[str, Any] | None
) -> Points:
    """Return what is to be read; raise RelayError naming what does not fit."""
    found = Points(
        {name: output[k] for k, name in _READ_BACK.items() if output.get(k) is not None}
    )
    found.contacts.update({name: at for name, at in (key or {}).items() if at is not None})
    for name, what in supervision.items():
        try:
            if name in _BANDS:
                found.measures[name] = Measure(**what)
            elif name in _CLOSED_IS_GOOD:
                found.contacts[name] = int(what)
            else:
                raise TypeError("not something that is supervised")
        except (TypeError, ValueError) as error:
            raise RelayError(f"supervision.{name}: {error}") from None
    return found


def wrong(samples: Mapping[str, int], points: Points, on: bool, isolated: bool) -> set[str]:
    """Return the codes of all that is not as it should be at one moment.

    ``samples`` are scaled; ``on`` and ``isolated`` are what the two relays are told.
    """
    codes = set()
    if len(samples) < len(points.contacts) + len(points.measures):
        codes.add("measure_missing")
    for name, told, not_done, not_undone in (
        ("contact", on, "contact_open", "contact_welded"),
        ("isolated", isolated, "isolate_stuck", "isolate_open"),
    ):
        if name in samples and samples[name] != told:
            codes.add(not_done if told else not_undone)
    codes |= {code for name, code in _CLOSED_IS_GOOD.items() if samples.get(name) == 0}
    if "mute_no" in samples and "mute_nc" in samples:
        if samples["mute_no"] == samples["mute_nc"]:
            codes.add("button_wet")
        elif samples["mute_no"]:
            codes.add("button_stuck")
    for name in points.measures.keys() & samples.keys():
        codes.add(_outside(name, samples[name], points.measures[name], on, isolated))
    return codes - {""}


def _outside(name: str, value: int, measure: Measure, on: bool, isolated: bool) -> str:
    below, above, stray = _BANDS[name]
    idle = not on and not isolated
    if not {"coil_ma": on, "horn_ma": on and not isolated}.get(name, idle):
        return stray if value >= measure.low else ""
    if name == "line_ohm" and value > OPEN_TIMES * measure.high:
        return "line_open"
    return below if value < measure.low else above if value > measure.high else ""


class Supervisor:
    """Remembers how long each thing has been wrong; ``found`` maps codes to how grave they are."""

    def __init__(self, points: Points) -> None:
        """Begin with nothing found."""
        self.points = points
        self.found: dict[str, int] = {}
        self.measured: dict[str, int] = {}
        self._lasted: dict[str, float] = {}
        self._last_s: float | None = None

    def look(
        self, counts: Mapping[str, int] | None, on: bool, isolated: bool, now_s: float
    ) -> None:
        """Take what was read, None if nothing could be read: then only that is new."""
        gap_s = 0.0 if self._last_s is None else min(now_s - self._last_s, GAP_MAX_S)
        self._last_s = now_s
        if counts is None:
            bad, about = {"output_lost"}, {"output_lost"}
        else:
            measures = self.points.measures
            self.measured = {
                name: measures[name].scaled(count) if name in measures else count
                for name, count in counts.items()
            }
            bad = wrong(self.measured, self.points, on, isolated)
            about = bad | self._lasted.keys()
        for code in about:
            level, hold_s = _RULES[code]
            change_s = gap_s if code in bad else -2 * gap_s
            lasted_s = min(self._lasted.get(code, 0.0) + change_s, float(hold_s))
            self._lasted[code] = lasted_s
            if lasted_s >= hold_s:
                self.found[code] = level
            elif lasted_s <= 0 and code not in bad:
                self.found.pop(code, None)
                del self._lasted[code]


class Held:
    """A contact that counts once it has stayed as it is for HELD_S."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.state: bool | None = None
        self._seen: bool | None = None
        self._since_s = 0.0

    def changed(self, state: bool | None, now_s: float) -> bool:
        """Tell whether ``state`` is new and has been held; None is neither open nor closed."""
        if state != self._seen:
            self._seen, self._since_s = state, now_s
        if state is None or state == self.state or now_s - self._since_s < HELD_S:
            return False
        self.state = state
        return True
