"""Say how one siren is: headline, what was ordered, what the relay confirms, what people may ask.

Pure: a view in, words out. Two things are never mixed up: what the guard ordered, and what the
relay's contact read back.
"""

from __future__ import annotations

from dataclasses import dataclass

from amont_gateway.page import sentences
from amont_gateway.page.formatting import DASH, NBSP, Format
from amont_gateway.page.texts import Words
from amont_gateway.view import Asked, Practice, Siren, View

# headlines that open what people may do: during a drill, to stop it
NEEDS_PERSON = (
    "sound", "pause", "muted", "latch", "unconfirmed", "stuck", "silenced", "exercise",
)  # fmt: skip
RELAY_SETTLES_MS = 3000  # a contact follows its coil in milliseconds; the state comes each second
FRESH_S = 3.0  # the guard speaks each second; younger than this is "now"
_STATES = ("idle", "sound", "muted", "latch")
# measurement -> (divisor, decimals, unit); others are shown as the guard sends them
_UNITS = {
    "line_ohm": (1, 0, "Ω"),
    "coil_ma": (1, 0, "mA"),
    "horn_ma": (1000, 2, "A"),
    "battery_mv": (1000, 2, "V"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One of the two steps from an order to a sound; ``mark`` is "done", "wait" or "wrong"."""

    mark: str
    text: str


def siren_key(siren: Siren, view: View) -> str:
    """Return which of the siren's headlines is true; doubt comes first."""
    if not view.guard_alive or siren.state not in _STATES:
        return "unknown"
    if siren.state == "sound" and siren.mode == "bypass":
        return "silenced"
    practice = _practice(siren)
    if practice == "test":  # it pulses the relay behind an open isolator: no sound to confirm
        return "test"
    if _mismatch(siren) and _settled(siren, view):
        return "unconfirmed" if siren.commanded else "stuck"
    return practice or _by_state(siren)


def _by_state(siren: Siren) -> str:
    if siren.state == "idle" and siren.mode == "bypass":
        return "bypass"
    if siren.state == "idle" and siren.health == "fault":
        return "fault"
    if siren.state == "sound" and not siren.commanded:
        return "pause"
    return siren.state


def _practice(siren: Siren) -> str:
    """Return "test" or "exercise" while one runs; an alarm is never called so."""
    if siren.state != "idle":
        return ""
    return {"test": "test", "drill": "exercise"}.get(siren.mode, "")


def _mismatch(siren: Siren) -> bool:
    return siren.confirmed is not None and siren.confirmed != siren.commanded


def _settled(siren: Siren, view: View) -> bool:
    settles_ms = RELAY_SETTLES_MS * max(1, view.demo.speed if view.demo else 1)
    return siren.since_ms is None or view.now_ms - siren.since_ms > settles_ms


class SirenCard:
    """What the templates show of one siren, in one language."""

    def __init__(self, siren: Siren, view: View, frozen: bool, t: Words, f: Format) -> None:
        self.siren = siren
        self.id = siren.id
        self.name = t.of(siren.name, siren.id)
        self.key = "unknown" if frozen else siren_key(siren, view)
        self.needs_person = self.key in NEEDS_PERSON
        self._view, self._t, self._f = view, t, f
        self._known = view.guard_alive and not frozen

    @property
    def more(self) -> str:
        """Return the sentence under the headline."""
        if self.key == "exercise" and self.siren.commanded and not self.siren.simulated:
            return self._t("siren.exercise.sounds")
        if self.key != "muted":
            return self._t(f"siren.{self.key}.more")
        if self.siren.muted_until_ms is None:
            return self._t("siren.muted.more_unknown")
        return self._t("siren.muted.more", time=self._f.clock_s(self.siren.muted_until_ms))

    @property
    def cause(self) -> str:
        """Return why the siren is not at rest."""
        if self.siren.state == "idle" or not self._known:
            return ""
        reason = self._t.of(self.siren.reason)
        return f"{reason}." if reason and not reason.endswith(".") else reason

    @property
    def river(self) -> str:
        """Say what the river does that caused this alarm: it belongs beside it."""
        station = next((s for s in self._view.stations if s.id == self.siren.station), None)
        if station is None or self.siren.state == "idle" or not self._known:
            return ""
        old = sentences.station_old(station, self._view)
        return sentences.station_sentence(station, old, self._t, self._f)

    @property
    def steps(self) -> list[Step]:
        """Return the two steps: what the guard ordered, and what the relay's contact confirms."""
        t, siren = self._t, self.siren
        if not self._known:
            return [Step("wrong", t("siren.step.unknown"))]
        ordered = t("siren.step.ordered.on" if siren.commanded else "siren.step.ordered.off")
        if siren.confirmed is None:
            return [Step("done", ordered), Step("wait", t("siren.step.unread"))]
        text = t("siren.step.read.on" if siren.confirmed else "siren.step.read.off", age=self._age)
        if not _mismatch(siren):
            return [Step("done", ordered), Step("done", text)]
        if _settled(siren, self._view) and self.key != "test":
            return [Step("done", ordered), Step("wrong", f"{text} {t('siren.step.differs')}")]
        return [Step("done", ordered), Step("wait", f"{text} {t('siren.step.waiting')}")]

    @property
    def _age(self) -> str:
        age_s = self._view.guard_age_s
        if age_s is not None and age_s < FRESH_S:
            return self._t("siren.step.now")
        return self._f.age(age_s)

    @property
    def line(self) -> str:
        """Say since when, who has seen the alarm, and what may still be muted; or the mode."""
        siren, t, f = self.siren, self._t, self._f
        if not self._known:
            return t("siren.line.unknown")
        parts = []
        if siren.mode != "armed" or siren.state == "idle":
            parts.append(self.mode)
        if siren.state != "idle":
            parts.append(self._since)
            names = t.join(siren.acknowledged_by)
            parts.append(t("siren.line.seen", names=names) if names else t("siren.line.unseen"))
        if siren.state in ("sound", "muted") and siren.mute_left_s is not None:
            parts.append(t("siren.line.mute_left", duration=f.duration(siren.mute_left_s)))
        return " ".join(part for part in parts if part)

    @property
    def mode(self) -> str:
        """Say the mode and when it ends by itself."""
        text = self._t.either(f"siren.line.mode.{self.siren.mode}", self.siren.mode)
        if self.siren.mode_until_ms is None or self.siren.mode == "armed":
            return text
        until = self._f.clock_s(self.siren.mode_until_ms)
        return f"{text} {self._t('siren.line.until', time=until)}"

    @property
    def _since(self) -> str:
        at_ms, now_ms = self.siren.since_ms, self._view.now_ms
        if at_ms is None:
            return ""
        duration = self._f.duration((now_ms - at_ms) / 1000)
        moment = self._f.moment(at_ms, now_ms)
        return self._t("siren.line.since", moment=moment, duration=duration)

    @property
    def asked(self) -> list[Asked]:
        """Return what one person asked and nobody confirmed in time yet."""
        if not self._known:
            return []
        return [asked for asked in self.siren.asked if asked.until_ms > self._view.now_ms]

    def asked_words(self, asked: Asked) -> str:
        """Say who asked what, and until when a second person must confirm."""
        what = self._t.either(f"act.asked.{asked.kind}", asked.kind)
        time = self._f.clock_s(asked.until_ms)
        return self._t("act.asked", person=asked.person, what=what, time=time)

    @property
    def alarm_ways(self) -> list[str]:
        """Return what people may ask about an alarm now."""
        if not self._known:
            return []
        sounding = self.siren.state == "sound" and self.siren.mode != "bypass"
        return ["mute"] * sounding + ["reset"] * (self.siren.state == "latch")

    @property
    def practice_ways(self) -> list[str]:
        """Return what people may ask about tests and drills now."""
        if not self._known or self.siren.state != "idle":
            return []
        if self.siren.mode in ("test", "drill"):
            return ["stop"]
        return ["test", "drill"] if self.siren.mode == "armed" else []

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Return what a technician wants to know, as (name, value)."""
        t, siren = self._t, self.siren
        health = t.either(f"siren.health.{siren.health}", siren.health) if self._known else DASH
        kind = "simulated" if siren.simulated else siren.output
        return [
            (t("siren.health"), health),
            (t("siren.kind"), t.either(f"siren.kind.{kind}", kind)),
            *[(t.either(f"measured.{n}", n), self._measured(n, v)) for n, v in self._measures()],
            (t("siren.silent_test"), self._practice_words(siren.silent_test)),
            (t("siren.drill"), self._practice_words(siren.drill)),
        ]

    def _measures(self) -> list[tuple[str, int]]:
        return sorted(self.siren.measured.items()) if self._known else []

    def _measured(self, name: str, value: int) -> str:
        if f"measured.{name}.{value}" in ("measured.mains.0", "measured.mains.1"):
            return self._t(f"measured.mains.{value}")
        if name == "tamper" and value in (0, 1):
            return self._t(f"measured.tamper.{value}")
        divisor, decimals, unit = _UNITS.get(name, (1, 0, ""))
        number = self._f.number(value / divisor, decimals)
        return f"{number}{NBSP}{unit}" if unit else number

    def _practice_words(self, practice: Practice) -> str:
        t, f, now_ms = self._t, self._f, self._view.now_ms
        last = t("practice.none")
        if practice.last_ms is not None:
            ok = {True: "ok", False: "failed", None: "cut"}[practice.ok]
            last = t(f"practice.{ok}", moment=f.moment(practice.last_ms, now_ms))
        if practice.next_ms is None:
            return f"{last}, {t('practice.unplanned')}"
        return f"{last}, {t('practice.next', moment=f.moment(practice.next_ms, now_ms))}"
