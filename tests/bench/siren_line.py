"""One siren's wires as an electrician sees them, with faults to plant and noise.

What is modelled: a 12 V relay coil (160 ohm) whose current closes the contact; a second, normally
closed contact in series (isolate); a horn of 4 A; a line with a 4.7 kohm end-of-line resistor at
the horn, read through an equal series resistor; its insulation to earth; a battery on a charger,
which sags by 0.8 V under the horn; a mains contact, a box contact, and a button with an NO and an
NC contact. Every reading passes through a 12-bit converter and carries noise.

What is not: inductance, contact bounce below a second, temperature, a horn that wears out slowly.
"""

from __future__ import annotations

import random
from types import SimpleNamespace

PLACES = {
    "contact": 0, "isolated": 1, "mains": 2, "tamper": 3, "mute_no": 4, "mute_nc": 5, "bypass": 6,
}  # fmt: skip
CHANNELS = {"line_ohm": 0, "earth_ohm": 1, "coil_ma": 2, "horn_ma": 3, "battery_mv": 4}
SERIES_OHM = {"line_ohm": 4_700, "earth_ohm": 100_000}
PER_COUNT = {"coil_ma": 0.1, "horn_ma": 2.5, "battery_mv": 4.0}
LIMITS = {
    "line_ohm": (4_000, 5_600), "earth_ohm": (50_000, 10_000_000), "coil_ma": (50, 120),
    "horn_ma": (1_500, 6_000), "battery_mv": (11_800, 15_000),
}  # fmt: skip
FULL = 4095
EOL_OHM = 4_700
CUT_OHM = 10**9

# fault: the code that must be found. The twelve of the promise first.
IDLE_FAULTS = {
    "line cut": "line_open", "line shorted": "line_short", "joint corroded": "line_high",
    "line to earth": "line_ground", "battery flat": "battery_low", "mains off": "mains_off",
    "button wet": "button_wet", "button stuck": "button_stuck", "box open": "tamper",
    "meter dead": "measure_missing",
}  # fmt: skip
TEST_FAULTS = {"contact welded": "contact_welded", "coil cut": "coil_open"}
TWELVE = IDLE_FAULTS | TEST_FAULTS
MORE_IDLE = {
    "charger too high": "battery_high", "driver stuck": "contact_welded",
    "series contact open": "isolate_open", "output gone": "output_lost",
    "other horn current": "horn_stray",
}  # fmt: skip
MORE_TEST = {"contact jammed": "contact_open", "series contact stuck": "isolate_stuck"}
SOUNDING = {"horn silent": "horn_silent", "horn shorted": "horn_over"}


def siren(output: dict) -> SimpleNamespace:
    """Return what the guard is told of this siren."""
    supervision = {
        name: {
            "at": at, "low": LIMITS[name][0], "high": LIMITS[name][1], "full": FULL,
            "per_count": PER_COUNT.get(name, 1.0), "series_ohm": SERIES_OHM.get(name, 0),
        }
        for name, at in CHANNELS.items()
    }  # fmt: skip
    places = output.pop("places", PLACES)
    supervision |= {name: places[name] for name in ("mains", "tamper")}
    key = {name: places[name] for name in ("mute_no", "mute_nc", "bypass")}
    return SimpleNamespace(id="mairie", output=output, supervision=supervision, key=key)


class Line:
    """The wires; ``on`` and ``isolate`` are the two coils as driven, ``fault`` what is broken."""

    def __init__(self, seed: int = 1, noise: float = 1.0) -> None:
        self.random = random.Random(seed)
        self.noise = noise
        self.on = self.isolate = False
        self.fault = ""
        self.pressed = self.key = False
        self.flips: set[str] = set()  # readings that a disturbance turns over now
        self._was_closed = False
        self.sounded_s = 0  # looks at which the horn could be heard

    def closed(self) -> bool:
        """Tell whether the siren's contact is closed."""
        driven = self.on or self.fault == "driver stuck"
        closed = driven and self.fault not in ("coil cut", "contact jammed")
        closed |= self._was_closed and self.fault == "contact welded"
        self._was_closed = closed
        return closed

    def apart(self) -> bool:
        """Tell whether the contact in series is open."""
        stuck = self.fault == "series contact stuck"
        return (self.isolate and not stuck) or self.fault == "series contact open"

    def sounds(self) -> bool:
        """Tell whether the horn has power."""
        return self.closed() and not self.apart()

    def contacts(self) -> dict[str, int]:
        """Return every contact: 1 is closed."""
        wet, stuck = self.fault == "button wet", self.fault == "button stuck"
        pressed = self.pressed or stuck
        true = {
            "contact": self.closed(), "isolated": self.apart(), "mains": self.fault != "mains off",
            "tamper": self.fault != "box open", "mute_no": pressed or wet,
            "mute_nc": not pressed, "bypass": self.key,
        }  # fmt: skip
        return {name: int(state != (name in self.flips)) for name, state in true.items()}

    def counts(self) -> dict[str, int]:
        """Return every measured value as the converter gives it."""
        values = self._true()
        found = {}
        for name, value in values.items():
            series = SERIES_OHM.get(name)
            ideal = FULL * value / (value + series) if series else value / PER_COUNT[name]
            count = round(ideal + self.random.gauss(0, 4) * self.noise)
            if name in self.flips:
                count = self.random.randrange(FULL + 1)
            found[name] = min(max(count, 0), FULL)
        if self.fault == "meter dead":
            del found["battery_mv"]
        return found

    def _true(self) -> dict[str, float]:
        fault, sounds = self.fault, self.sounds()
        line_ohm = {"line cut": CUT_OHM, "line shorted": 30, "joint corroded": EOL_OHM + 3_000}
        horn_ma = {"horn silent": 0, "horn shorted": 9_000}.get(fault, 4_000) if sounds else 0
        battery = {"battery flat": 11_200, "charger too high": 15_600, "mains off": 12_700}
        driven = self.on or fault == "driver stuck"
        return {
            "line_ohm": CUT_OHM if sounds else line_ohm.get(fault, EOL_OHM),
            "earth_ohm": 8_000 if fault == "line to earth" else 2_000_000,
            "coil_ma": 75 if driven and fault != "coil cut" else 0,
            "horn_ma": 3_000 if fault == "other horn current" else horn_ma,
            "battery_mv": battery.get(fault, 13_600) - (800 if sounds else 0),
        }


class LineRelay:
    """The wires with nothing in between: the port that ``Output`` drives."""

    simulated = False

    def __init__(self, line: Line) -> None:
        self.line = line
        self.switched: list[tuple[bool, bool]] = []

    def switch(self, on: bool, isolated: bool) -> None:
        if self.line.fault == "output gone":
            raise OSError("no device")
        self.line.on, self.line.isolate = on, isolated
        if self.switched[-1:] != [(on, isolated)]:
            self.switched.append((on, isolated))

    def read(self) -> dict[str, int]:
        if self.line.fault == "output gone":
            raise OSError("no device")
        return self.line.contacts() | self.line.counts()

    def close(self) -> None:
        pass
