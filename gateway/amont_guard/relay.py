"""Drive a siren's relay and watch with ``supervise`` what it and its surroundings really do."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from .config import Siren
from .supervise import (
    MAX_ON,
    TEST_CUT,
    TEST_PARTIAL,
    TESTED,
    Held,
    Points,
    Supervisor,
    points,
)
from .supervise import RelayError as RelayError  # callers know it by the relay

MAX_ON_S = 350  # below the 6 min of the hardware timer, which only a contact that opens resets
REST_S = 10  # then it sounds on: no timer ends a standing alarm
# The silent test: (isolate contact open, relay pulsed), each for longer than a finding needs.
_STEPS = ((True, False), (True, True), (True, False), (False, False))
_PULSE, _RELEASE, _CLOSE = 1, 2, 3
STEP_S = 7.0
TEST_MAX_S = 40.0


class Relay(Protocol):
    """One output: the siren's relay, the relay that isolates it, and what is read around."""

    simulated: bool
    points: Points

    def set(self, on: bool) -> None:
        """Switch; raise RelayError if the output cannot be driven."""

    def isolate(self, on: bool) -> None:
        """Open the normally closed contact in series, or let it close; nothing without one."""

    def read(self) -> dict[str, int]:
        """Return the counts of all points that can be read now; raise RelayError if none can."""

    def read_back(self) -> bool | None:
        """Return what the contact does, None if there is no contact to read."""

    def close(self) -> None:
        """Carry out what was commanded last, then give the output back."""


class SimulatedRelay:
    """A relay made of a small file, which outlives the process as a real contact does.

    The file holds ``<0 or 1> <CLOCK_MONOTONIC ns of the last change>``; it is never synced,
    so a slow disk does not slow the switch. ``listeners`` hear each change.
    """

    simulated = True

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the state file; without one the state lives in memory."""
        self.points = Points({"contact": 0, "isolated": 1})
        self._on = self._isolated = self._heard = False
        self._fd = -1
        self.listeners: list[Callable[[bool], None]] = []
        if path is not None:
            try:
                self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                if error.errno not in (errno.EROFS, errno.ENOSPC):
                    raise
                return  # a real contact needs no disk either
            self._on = self._heard = os.pread(self._fd, 1, 0) == b"1"

    def set(self, on: bool) -> None:
        """Switch; a pulse while isolated is not heard: the file and ``listeners`` know nothing."""
        self._on = on
        heard = on and not self._isolated
        if heard == self._heard:
            return
        self._heard = heard
        if self._fd >= 0:
            os.pwrite(self._fd, b"%d %020d\n" % (heard, time.monotonic_ns()), 0)
        for listener in self.listeners:
            listener(heard)

    def isolate(self, on: bool) -> None:
        """Open or close the contact in series; ``set`` follows."""
        self._isolated = on

    def read(self) -> dict[str, int]:
        """Return both contacts."""
        return {"contact": int(self._on), "isolated": int(self._isolated)}

    def read_back(self) -> bool | None:
        """Return the contact's state."""
        return self._on

    def close(self) -> None:
        """Keep the file: the contact stays as it is."""


class GpioRelay:
    """A relay on pins of the Pi, by gpiozero, with contacts and an MCP3208 to read."""

    simulated = False

    def __init__(
        self, output: Mapping[str, Any], supervision: Mapping[str, Any] | None = None,
        key: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        """Claim the pins without switching anything."""
        self.points = points(output, supervision or {}, key)
        try:
            import gpiozero  # type: ignore[import-untyped]  # only a Pi has it

            self._out, self._isolate = (
                pin if pin is None else gpiozero.OutputDevice(
                    pin, active_high=output.get("active_high", True), initial_value=None
                )
                for pin in (output["pin"], output.get("isolate_pin"))
            )  # fmt: skip
            self._contacts = {
                name: gpiozero.DigitalInputDevice(pin, pull_up=True)
                for name, pin in self.points.contacts.items()
            }
            self._channels = {
                name: gpiozero.MCP3208(channel=measure.at)
                for name, measure in self.points.measures.items()
            }
        except Exception as error:  # gpiozero's pin factories raise many kinds
            raise RelayError(f"GPIO {output.get('pin')}: {error}") from error

    def set(self, on: bool) -> None:
        """Switch."""
        _guarded(lambda: setattr(self._out, "value", on))

    def isolate(self, on: bool) -> None:
        """Open or close the contact in series."""
        if self._isolate is not None:
            _guarded(lambda: setattr(self._isolate, "value", on))

    def read(self) -> dict[str, int]:
        """Return the contacts, 1 if closed, and the counts of the analogue channels."""
        counts: dict[str, int] = _guarded(lambda: {
            **{name: int(contact.value) for name, contact in self._contacts.items()},
            **{name: channel.raw_value for name, channel in self._channels.items()},
        })  # fmt: skip
        return counts

    def read_back(self) -> bool | None:
        """Return the contact's state, None without a read-back pin."""
        contact = self._contacts.get("contact")
        return None if contact is None else _guarded(lambda: bool(contact.value))

    def close(self) -> None:
        """Leave the pins as they are: the kernel gives them back when the process ends."""


def _guarded(act: Callable[[], Any]) -> Any:
    try:
        return act()
    except Exception as error:  # gpiozero's pin factories raise many kinds
        raise RelayError(f"GPIO: {error}") from error


def make_relay(siren: Siren, state_dir: Path) -> Relay:
    """Build the output that the site file names; raise RelayError if it cannot be had."""
    wires = siren.output, getattr(siren, "supervision", {}), getattr(siren, "key", None)
    if siren.output["kind"] == "gpio":
        return GpioRelay(*wires)
    return SimulatedRelay(state_dir / f"relay-{siren.id}")


class Output:
    """One siren's relay, told again and again what to do, and watched whether it does."""

    def __init__(self, relay: Relay, _siren: Siren | None = None) -> None:
        """Take the relay as it is found."""
        self.relay = relay
        self.found = self.confirmed()
        self.commanded = False
        self.error = ""  # why the output cannot be driven or read, as the machine says it
        self._since_s = 0.0
        self._told = (False, False)  # relay, isolate
        self._watch = Supervisor(relay.points)
        self._mute, self._bypass = Held(), Held()
        self._step: int | None = None  # of a silent test that runs
        self._step_s = self._test_s = 0.0
        self._tested: dict[str, int] = {}  # what the test that runs has found
        self._result: dict[str, int] = {}  # what the last one found

    def drive(self, on: bool, now_s: float) -> None:
        """Command the relays; one that missed a command is told again at the next call.

        An alarm ends a silent test within this call, and so does its longest time.
        """
        if on != self.commanded:
            self.commanded, self._since_s = on, now_s
        if self._step is not None and (on or now_s - self._test_s > TEST_MAX_S):
            self._step, self._tested = None, {**self._tested, TEST_CUT: 1}
        isolate, pulse = (False, False) if self._step is None else _STEPS[self._step]
        rest = (now_s - self._since_s) % (MAX_ON_S + REST_S) >= MAX_ON_S
        isolate |= not on and "contact_welded" in self._watch.found
        self._told = ((on and not rest) or pulse, isolate)
        try:
            self.relay.isolate(isolate)
            self.relay.set(self._told[0])
            self.error = ""
        except (RelayError, OSError) as error:
            self.error = str(error)

    def confirmed(self) -> bool | None:
        """Return what the contact does, None if it cannot be read."""
        try:
            return self.relay.read_back()
        except (RelayError, OSError):
            return None

    def start_test(self, now_s: float) -> None:
        """Begin a silent test; without proof that nothing is heard the relay is not pulsed."""
        self._tested, self._step = {}, None
        if {"contact", "isolated"} <= self.relay.points.contacts.keys():
            self._step, self._step_s, self._test_s = 0, now_s, now_s
        else:
            self._tested[TEST_PARTIAL] = 1

    def end_test(self, now_s: float) -> dict[str, int]:
        """End the test, finished or not, and return what it found: nothing is a pass."""
        if self._step is not None:
            self._step, self._tested = None, {**self._tested, TEST_CUT: 1}
        self._result = {code: n for code, n in self._tested.items() if code != TEST_CUT}
        self.drive(self.commanded, now_s)
        return dict(self._tested)

    def look(self, now_s: float) -> list[str]:
        """Look at everything, once a second; return "mute", "bypass" or "bypass over"."""
        try:
            counts = self.relay.read()
        except (RelayError, OSError) as error:
            counts, self.error = None, str(error)
        self._watch.look(None if self.error else counts, *self._told, now_s)
        if self._step is not None:
            self._advance(self._step, now_s)
        return self._keys(counts or {}, now_s)

    def findings(self, now_s: float) -> dict[str, int]:
        """Return all that is wrong: 1 degraded, 2 fault."""
        long = self.commanded and now_s - self._since_s >= MAX_ON_S
        return {**self._result, **self._watch.found, **({MAX_ON: 1} if long else {})}

    def measured(self) -> dict[str, int]:
        """Return what was read last, in the units of the names."""
        return dict(self._watch.measured)

    def close(self) -> None:
        """Give the output back, after what was commanded last."""
        self.relay.close()

    def _advance(self, step: int, now_s: float) -> None:
        found = self._watch.found
        self._tested.update({code: found[code] for code in TESTED if code in found})
        heard = {"isolate_stuck", "horn_stray", "output_lost"} & self._tested.keys()
        if heard and step < _CLOSE:
            self._step, self._step_s = _CLOSE, now_s
        elif now_s - self._step_s < STEP_S:
            return
        elif step == 0 and not self._watch.measured.get("isolated"):
            return  # no pulse before the contact in series is seen open
        else:
            self._step, self._step_s = (step + 1 if step < _CLOSE else None), now_s

    def _keys(self, counts: dict[str, int], now_s: float) -> list[str]:
        no, nc, key = (counts.get(name) for name in ("mute_no", "mute_nc", "bypass"))
        pressed = None if no is None or nc is None or no == nc else bool(no)
        known = self._mute.state is not None  # one that is pressed at start is stuck
        events = ["mute"] if self._mute.changed(pressed, now_s) and pressed and known else []
        if self._bypass.changed(None if key is None else bool(key), now_s):
            events.append("bypass" if key else "bypass over")
        return events

    def fault(self, now_s: float) -> str:
        """Name what is wrong with the output, or nothing."""
        if self.error:
            return self.error
        contact = self.confirmed()
        if now_s - self._since_s > 1.0 and contact is not None and contact != self.commanded:
            return f"commanded {'on' if self.commanded else 'off'}, contact says otherwise"
        return ""
