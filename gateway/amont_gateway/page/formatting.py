"""Write numbers, units, durations and dates as people in France and in Britain read them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

NBSP = "\u00a0"  # between a number and its unit, so that a line never breaks there
DASH = "—"  # not known

_DAYS = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_MONTHS = {
    "fr": (
        "janvier", "février", "mars", "avril", "mai", "juin",
        "juillet", "août", "septembre", "octobre", "novembre", "décembre",
    ),
    "en": (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    ),
}  # fmt: skip
_RELATIVE = {
    "fr": {0: "aujourd’hui", -1: "hier", 1: "demain"},
    "en": {0: "today", -1: "yesterday", 1: "tomorrow"},
}
_UNITS = {
    "fr": {"s": "s", "min": "min", "h": "h", "d": "j"},
    "en": {"s": "s", "min": "min", "h": "h", "d": "d"},
}
# quantity -> (divisor, decimals, unit); the divisor turns the wire's integer into the unit
_QUANTITIES: dict[str, tuple[float, int, str]] = {
    "stage_mm": (1000, 2, "m"),
    "level_mm": (1000, 2, "m"),
    "rain_um": (1000, 1, "mm"),
    "flow_l_h": (1000, 1, "m³/h"),
    "pressure_pa10": (10_000, 2, "bar"),
    "volume_l": (1000, 1, "m³"),
    "water_temp_cc": (100, 1, "°C"),
    "air_temp_cc": (100, 1, "°C"),
    "battery_mv": (1000, 2, "V"),
}
STEADY_MM_H = 10  # below 1 cm/h people see no movement


class Format:
    """Write values in one language and one time zone."""

    def __init__(self, lang: str, zone: ZoneInfo) -> None:
        self.lang = lang
        self.zone = zone

    def number(self, value: float, decimals: int = 0) -> str:
        """Write ``value`` with French or English separators and a true minus sign."""
        text = f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: never "−0"
        if self.lang == "fr":
            text = text.replace(",", NBSP).replace(".", ",")
        return text.replace("-", "−")

    def quantity(self, quantity: str, value: int | None) -> str:
        """Write a sensor's integer ``value`` of a declared ``quantity`` in the unit of people."""
        if value is None:
            return DASH
        divisor, decimals, unit = _QUANTITIES.get(quantity, (1, 0, quantity))
        return f"{self.number(value / divisor, decimals)}{NBSP}{unit}"

    def metres(self, value_mm: int | None) -> str:
        """Write a length of ``value_mm`` in metres."""
        return self.quantity("stage_mm", value_mm)

    def gap(self, value_mm: int) -> str:
        """Write a difference of levels: centimetres below a metre, else metres."""
        if abs(value_mm) < 1000:
            return f"{self.number(round(value_mm / 10))}{NBSP}cm"
        return self.metres(value_mm)

    def rate(self, value_mm_h: int) -> str:
        """Write a speed of the water's level, without sign."""
        return self.gap(abs(value_mm_h)) + "/h"

    def flow(self, value_l_h: int | None) -> str:
        """Write a flow of ``value_l_h`` in cubic metres an hour."""
        return self.quantity("flow_l_h", value_l_h)

    def volts(self, value_mv: int | None) -> str:
        """Write a battery's voltage."""
        return self.quantity("battery_mv", value_mv)

    def percent(self, share: float | None) -> str:
        """Write a share (0 to 1) in per cent."""
        if share is None:
            return DASH
        space = NBSP if self.lang == "fr" else ""
        return f"{self.number(round(share * 100))}{space}%"

    def duration(self, seconds: float) -> str:
        """Write a duration with at most two units: ``42 s``, ``1 h 20 min``, ``3 j``."""
        units, total = _UNITS[self.lang], max(0, int(seconds))
        if total < 60:
            return f"{total}{NBSP}{units['s']}"
        if total < 3600:
            return f"{total // 60}{NBSP}{units['min']}"
        if total < 86_400:
            hours, minutes = total // 3600, total % 3600 // 60
            tail = f" {minutes}{NBSP}{units['min']}" if minutes else ""
            return f"{hours}{NBSP}{units['h']}{tail}"
        days, hours = total // 86_400, total % 86_400 // 3600
        tail = f" {hours}{NBSP}{units['h']}" if hours and days < 3 else ""
        return f"{days}{NBSP}{units['d']}{tail}"

    def age(self, seconds: float | None) -> str:
        """Write how old a reading is."""
        if seconds is None:
            return "âge inconnu" if self.lang == "fr" else "age unknown"
        words = self.duration(seconds)
        return f"il y a {words}" if self.lang == "fr" else f"{words} ago"

    def local(self, at_ms: int) -> dt.datetime:
        """Return the site's local time of a Unix time in ms."""
        return dt.datetime.fromtimestamp(at_ms / 1000, self.zone)

    def clock(self, at_ms: int | None) -> str:
        """Write the time of day: ``14 h 05`` or ``14:05``."""
        if at_ms is None:
            return DASH
        time = self.local(at_ms)
        if self.lang == "fr":
            return f"{time.hour}{NBSP}h{NBSP}{time.minute:02}"
        return f"{time.hour}:{time.minute:02}"

    def clock_s(self, at_ms: int | None) -> str:
        """Write the time of day to the second: ``14 h 03 min 20 s`` or ``14:03:20``."""
        if at_ms is None:
            return DASH
        second = self.local(at_ms).second
        if self.lang == "fr":
            return f"{self.clock(at_ms)}{NBSP}min{NBSP}{second:02}{NBSP}s"
        return f"{self.clock(at_ms)}:{second:02}"

    def hour(self, at_ms: int) -> str:
        """Write a full hour, for an axis: ``14 h`` or ``14:00``."""
        time = self.local(at_ms)
        return f"{time.hour}{NBSP}h" if self.lang == "fr" else f"{time.hour}:00"

    def weekday(self, at_ms: int) -> str:
        """Write a day for an axis: ``mar. 3`` or ``Tue 3``."""
        time = self.local(at_ms)
        name = _DAYS[self.lang][time.weekday()][:3]
        return f"{name}.{NBSP}{time.day}" if self.lang == "fr" else f"{name}{NBSP}{time.day}"

    def day(self, at_ms: int, now_ms: int) -> str:
        """Write a date as seen from ``now_ms``: today, yesterday, Tuesday, 3 November."""
        then, now = self.local(at_ms), self.local(now_ms)
        days = (then.date() - now.date()).days
        if days in _RELATIVE[self.lang]:
            return _RELATIVE[self.lang][days]
        if -7 < days < 0:
            return _DAYS[self.lang][then.weekday()]
        text = self._date(then)
        if then.year != now.year:
            text += f"{NBSP}{then.year}"
        return f"le {text}" if self.lang == "fr" else text

    def _date(self, then: dt.datetime) -> str:
        first = "er" if self.lang == "fr" and then.day == 1 else ""
        return f"{then.day}{first}{NBSP}{_MONTHS[self.lang][then.month - 1]}"

    def moment_s(self, at_ms: int, now_ms: int) -> str:
        """Write a date and time to the second as seen from ``now_ms``; only a time today."""
        day = self.day(at_ms, now_ms)
        time = self.clock_s(at_ms)
        return time if day == _RELATIVE[self.lang][0] else f"{day} {time}"

    def dated_s(self, at_ms: int, day_of_ms: int) -> str:
        """Write a time to the second, with its date unless that is the one of ``day_of_ms``."""
        then, time = self.local(at_ms), self.clock_s(at_ms)
        if then.date() == self.local(day_of_ms).date():
            return time
        return f"{self._date(then)}, {time}"

    def full(self, at_ms: int) -> str:
        """Write a date and time that will be read another day: ``3 November 2024, 14:05``."""
        then = self.local(at_ms)
        between = " à" if self.lang == "fr" else ","
        return f"{self._date(then)}{NBSP}{then.year}{between} {self.clock(at_ms)}"

    def moment(self, at_ms: int | None, now_ms: int) -> str:
        """Write a date and time as seen from ``now_ms``: ``mardi 3 h 00``; only a time today."""
        if at_ms is None:
            return DASH
        day = self.day(at_ms, now_ms)
        if day == _RELATIVE[self.lang][0]:
            return self.clock(at_ms)
        return f"{day} {self.clock(at_ms)}"
