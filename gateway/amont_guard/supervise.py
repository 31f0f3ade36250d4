"""Judge what is read back around a siren. Pure: samples in, findings out; ``now_s`` comes in.

docs/wiring.en.md says how each value is wired and what to do about each finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .config import Siren

OPEN_TIMES = 4  # a line of more than so many times its upper limit is cut, not corroded
GAP_MAX_S = 2.0  # what one look counts for at most, however late the next one comes

# code: how grave (1 degraded, 2 fault), how long it must last before it counts in s. A good look
# takes back two bad ones: noise does not add up, and a horn that sounds 2 s in 5 is no silent one.
_RULES = {
    "line_open": (2, 20), "line_short": (2, 20), "line_high": (1, 20), "line_ground": (1, 20),
    "contact_open": (2, 6), "contact_welded": (2, 6),
    "isolate_open": (2, 6), "isolate_stuck": (1, 6),
    "coil_open": (2, 6), "coil_over": (1, 6), "coil_stray": (2, 6),
    "horn_silent": (2, 6), "horn_over": (1, 6), "horn_stray": (2, 6),
    "battery_low": (2, 30), "battery_high": (1, 30), "mains_off": (1, 10), "tamper": (1, 10),
    "button_wet": (1, 6), "button_stuck": (1, 30),
    "measure_missing": (1, 20), "output_lost": (2, 6),
    # what a person does at the box and holds: three looks are 2 s at least
    "mute": (0, 3), "bypass": (0, 3),
}  # fmt: skip
MUTE, BYPASS = "mute", "bypass"
MAX_ON, TEST_PARTIAL, TEST_CUT = "max_on", "test_partial", "test_cut"
CODES = (*(c for c, (level, _) in _RULES.items() if level), MAX_ON, TEST_PARTIAL, TEST_CUT)

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
    high: int
    per_count: float
    series_ohm: int
    full: int

    def scaled(self, count: int) -> int:
        """Return the value of a count in the unit of the measurement's name."""
        if self.series_ohm:
            return self.series_ohm * count // max(1, self.full - count)
        return round(count * self.per_count)


def points(siren: Siren) -> tuple[dict[str, int], dict[str, Measure]]:
    """Return the contacts and the measures of a siren; raise RelayError for what is neither."""
    output, end = siren.output, "pin" if siren.output["kind"] == "gpio" else "input"
    if output["kind"] == "simulated":
        return {"contact": 0, "isolated": 1}, {}
    back = {"contact": f"readback_{end}", "isolated": f"isolate_readback_{end}"}
    wired = {name: output.get(key) for name, key in back.items()} | (siren.key or {})
    measures = dict(siren.supervision)
    wired |= {name: measures.pop(name) for name in _CLOSED_IS_GOOD if name in measures}
    contacts = {name: at for name, at in wired.items() if at is not None}
    if measures.keys() - _BANDS.keys():
        raise RelayError(f"supervision: {measures}, must be some of {[*_BANDS]}")
    return contacts, {name: Measure(**what) for name, what in measures.items()}


def wrong(
    samples: Mapping[str, int], measures: Mapping[str, Measure], on: bool, isolated: bool
) -> set[str]:
    """Return the codes of all that is not as it should be at one moment, and what is held.

    ``samples`` are scaled; ``on`` and ``isolated`` are what the two relays are told.
    """
    codes = {_outside(n, samples[n], m, on, isolated) for n, m in measures.items() if n in samples}
    codes |= {code for name, code in _CLOSED_IS_GOOD.items() if samples.get(name) == 0}
    for name, told, not_done, not_undone in (
        ("contact", on, "contact_open", "contact_welded"),
        ("isolated", isolated, "isolate_stuck", "isolate_open"),
    ):
        if samples.get(name, told) != told:
            codes.add(not_done if told else not_undone)
    button = samples.get("mute_no", 0), samples.get("mute_nc", 1)
    if button != (0, 1):
        codes |= {MUTE, "button_stuck"} if button == (1, 0) else {"button_wet"}
    if samples.get("bypass"):
        codes.add(BYPASS)
    return codes - {""}


def _outside(name: str, value: int, measure: Measure, on: bool, isolated: bool) -> str:
    below, above, stray = _BANDS[name]
    if not {"coil_ma": on, "horn_ma": on and not isolated}.get(name, not on):
        return stray if value >= measure.low else ""
    if name == "line_ohm" and value > OPEN_TIMES * measure.high:
        return "line_open"
    return below if value < measure.low else above if value > measure.high else ""


class Supervisor:
    """Remembers how long each thing has been wrong; ``found`` maps codes to how grave they are."""

    def __init__(self, siren: Siren) -> None:
        """Begin with nothing found; raise RelayError if the siren's wiring makes no sense."""
        self.contacts, self.measures = points(siren)
        # As if held at start: a stuck button mutes nothing, a bypass that ended meanwhile is told.
        keys = {MUTE: "mute_no", BYPASS: "bypass"}
        self.found = {code: 0 for code, name in keys.items() if name in self.contacts}
        self.measured: dict[str, int] = {}  # at the last look, as the next
        self.bad: set[str] = set()
        self._lasted = {code: float(_RULES[code][1]) for code in self.found}
        self.last_s = float("inf")  # of the last look; none yet

    def look(
        self, counts: Mapping[str, int] | None, on: bool, isolated: bool, now_s: float
    ) -> None:
        """Take what was read, None if nothing could be read: then only that is new."""
        gap_s = max(0.0, min(now_s - self.last_s, GAP_MAX_S))
        self.last_s = now_s
        self.measured = {
            name: self.measures[name].scaled(count) if name in self.measures else count
            for name, count in (counts or {}).items()
        }
        self.bad = about = {"output_lost"}
        if counts is not None:
            self.bad = wrong(self.measured, self.measures, on, isolated)
            if len(counts) < len(self.contacts) + len(self.measures):
                self.bad.add("measure_missing")
            about = self.bad | self._lasted.keys()
        for code in about:
            self._weigh(code, gap_s if code in self.bad else -2 * gap_s)

    def _weigh(self, code: str, change_s: float) -> None:
        level, hold_s = _RULES[code]
        self._lasted[code] = lasted_s = min(self._lasted.get(code, 0.0) + change_s, hold_s)
        if lasted_s >= hold_s:
            self.found[code] = level
        elif lasted_s <= 0 and change_s < 0:
            self.found.pop(code, None)
            del self._lasted[code]
