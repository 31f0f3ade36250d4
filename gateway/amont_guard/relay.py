"""Drive a siren's relay and watch with ``supervise`` what it and its surroundings really do."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .config import Siren
from .supervise import BYPASS, GAP_MAX_S, MAX_ON, MUTE, TEST_CUT, TEST_PARTIAL, Supervisor, points
from .supervise import RelayError as RelayError  # who builds a relay catches it

MAX_ON_S = 350  # below the 6 min of the hardware timer, which only a contact that opens resets
REST_S = 10  # then it sounds on: no timer ends a standing alarm
# A silent test opens the contact in series, pulses the relay in the second of three steps, and
# closes the contact again. A step is longer than a finding of contacts or coil needs.
STEP_S = 8.0
TEST_S = 3 * STEP_S
ISOLATE_OPEN = "isolate_open"  # seen open without being told so
HEARD_MAX_S = 2  # looks at which the horn draws current in a silent test: one may be noise
# what only a pulse shows: it stands until the next test
_TESTED = {
    "contact_open", "contact_welded", "coil_open", "coil_over", "isolate_stuck", "horn_stray",
}  # fmt: skip


class Relay(Protocol):
    """One output: the siren's relay, the relay that isolates it, and what is read around.

    Any of its methods may raise whatever its library does when the output is not there.
    """

    simulated: bool

    def switch(self, on: bool, isolated: bool) -> None:
        """Command both relays; ``isolated`` opens the normally closed contact in series."""

    def read(self) -> dict[str, int]:
        """Return what can be read now: of a contact 1 if closed, of a measure its count."""

    def close(self) -> None:
        """Carry out what was commanded last, and give the output back."""


class SimulatedRelay:
    """A relay made of a small file, which outlives the process as a real contact does.

    The file holds ``<0 or 1> <CLOCK_MONOTONIC ns of the last change>`` of what is heard; it is
    never synced, so a slow disk does not slow the switch. ``listeners`` hear each change.
    """

    simulated = True

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the state file; without one the state lives in memory."""
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

    def switch(self, on: bool, isolated: bool) -> None:
        """Switch; a pulse while isolated is not heard."""
        self._on, self._isolated, heard = on, isolated, on and not isolated
        if heard == self._heard:
            return
        self._heard = heard
        if self._fd >= 0:
            os.pwrite(self._fd, b"%d %020d\n" % (heard, time.monotonic_ns()), 0)
        for listener in self.listeners:
            listener(heard)

    def read(self) -> dict[str, int]:
        """Return both contacts."""
        return {"contact": int(self._on), "isolated": int(self._isolated)}

    def close(self) -> None:
        """Keep the file: the contact stays as it is."""


class GpioRelay:
    """A relay on pins of the Pi, by gpiozero, with contacts and an MCP3208 to read."""

    simulated = False

    def __init__(self, siren: Siren) -> None:
        """Claim the pins, off: lgpio claims them low, which is on where low is active."""
        import gpiozero  # type: ignore[import-untyped]  # only a Pi has it

        output, (contacts, measures) = siren.output, points(siren)
        high = output["active_high"]
        self._relays = [
            gpiozero.OutputDevice(output[key], active_high=high, initial_value=False)
            for key in ("pin", "isolate_pin")
            if output[key] is not None
        ]
        self._contacts = {
            name: gpiozero.DigitalInputDevice(pin, pull_up=True) for name, pin in contacts.items()
        }
        self._channels = {
            name: gpiozero.MCP3208(channel=measure.at) for name, measure in measures.items()
        }

    def switch(self, on: bool, isolated: bool) -> None:
        """Switch."""
        for relay, state in zip(self._relays, (on, isolated), strict=False):
            relay.value = state

    def read(self) -> dict[str, int]:
        """Return the contacts, and the counts of the converter's channels."""
        contacts = {name: int(contact.value) for name, contact in self._contacts.items()}
        return contacts | {name: channel.raw_value for name, channel in self._channels.items()}

    def close(self) -> None:
        """Make all pins inputs again: the pull-downs hold the relays off."""
        for device in (*self._relays, *self._contacts.values(), *self._channels.values()):
            device.close()


def make_relay(siren: Siren, state_dir: Path) -> Relay:
    """Build the output that the site file names; raise RelayError if it cannot be had."""
    try:
        if siren.output["kind"] == "gpio":
            return GpioRelay(siren)
        if siren.output["kind"] == "modbus":
            from .modbus import ModbusRelay  # its library only where it is wired

            return ModbusRelay(siren)
        if siren.output["kind"] == "simulated":
            return SimulatedRelay(state_dir / f"relay-{siren.id}")
        raise RelayError(f"no output is {siren.output['kind']}")
    except Exception as error:  # gpiozero's pin factories raise many kinds
        raise RelayError(f"siren {siren.id}: {error}") from error


class Output:
    """One siren's relay, told again and again what to do, and watched whether it does."""

    def __init__(self, relay: Relay, siren: Siren) -> None:
        """Take the relay as it is found; raise RelayError if its supervision makes no sense."""
        self.relay = relay
        self.error = self._failed = ""  # why it cannot be driven or read, as the machine says it
        self._watch = Supervisor(siren)
        self.found = self.confirmed()
        self.commanded = False
        self._since_s = 0.0
        self._told = (False, False)  # relay, contact in series
        self._test_s: float | None = None  # when the last silent test began, unless it was cut
        self._pulsed, self._heard_s = False, 0  # in it: contact seen closed, looks with current
        self._tested: dict[str, int] = {}  # found by a test that runs, and by those before
        self.result: dict[str, int] = {}

    def drive(self, on: bool, now_s: float) -> None:
        """Command the relays; one that missed a command is told again at the next call.

        An alarm ends a silent test within this call; so does its time, whatever fails.
        """
        if on != self.commanded:
            self.commanded, self._since_s = on, now_s
        if on:
            self._test_s = None
        on_s = max(0.0, now_s - self._since_s)  # a turn's time may be older than a decision's
        rest = on_s % (MAX_ON_S + REST_S) >= MAX_ON_S
        step = self._step(now_s)
        silent = self._watch.measured.get("isolated") == 1
        # once apart, it stays so until the contact is seen open: a weld must not be heard
        seen = now_s - self._watch.last_s <= GAP_MAX_S and self._watch.measured.get("contact")
        welded = not on and ("contact_welded" in self._watch.found or (self._told[1] and seen))
        self._told = (on and not rest) or (step == 1 and silent), step is not None or bool(welded)
        self._ask(lambda: self.relay.switch(*self._told))

    def confirmed(self) -> bool | None:
        """Return what the contact does, None if it cannot be read."""
        contact = (self._ask(self.relay.read) or {}).get("contact")
        return None if contact is None else bool(contact)

    def start_test(self, now_s: float) -> None:
        """Begin a silent test; with nothing to prove that it is silent, nothing is pulsed.

        A contact in series that is seen open before it is told so proves nothing.
        """
        whole = {"contact", "isolated"} <= self._watch.contacts.keys()
        proves = whole and ISOLATE_OPEN not in self._watch.found
        self._test_s, self._pulsed, self._heard_s = now_s if proves else None, False, 0
        self._tested = {} if whole else {TEST_PARTIAL: 1}

    def end_test(self, now_s: float) -> dict[str, int]:
        """End the test, finished or not, and return what it found: nothing is a pass."""
        cut = self._test_s is None or self._step(now_s) is not None or not self._pulsed
        self._test_s = None
        self.result = self._tested | (self.result if cut else {})
        whole = TEST_PARTIAL not in self._tested
        known = {code: level for code, level in self._watch.found.items() if code == ISOLATE_OPEN}
        return self._tested | known | ({TEST_CUT: 1} if cut and whole else {})

    def look(self, now_s: float) -> list[str]:
        """Look at everything, once a second; return "mute", "bypass" or "bypass over"."""
        before = set(self._watch.found)
        counts = self._ask(self.relay.read)
        self.error, self._failed = self._failed, ""  # of the second that is over
        self._watch.look(None if self.error else counts, *self._told, now_s)
        found = self._watch.found
        if self._step(now_s) is not None:
            self._pulsed |= self._told[0] and self._watch.measured.get("contact") == 1
            self._heard_s += self._told[0] and "horn_stray" in self._watch.bad
            self._tested |= {code: found[code] for code in _TESTED & found.keys()}
            if self._heard_s == HEARD_MAX_S:
                self._tested["horn_stray"] = 2
            if "horn_stray" in self._tested or self.error:  # heard, or nobody knows
                self._test_s = None
        over = ["bypass over"] if BYPASS in before - found.keys() else []
        return [code for code in (MUTE, BYPASS) if code in found.keys() - before] + over

    def findings(self, now_s: float) -> dict[str, int]:
        """Return all that is wrong: 1 degraded, 2 fault."""
        found = {code: level for code, level in self._watch.found.items() if level}
        long = self.commanded and now_s - self._since_s >= MAX_ON_S
        return self.result | found | ({MAX_ON: 1} if long else {})

    def measured(self) -> dict[str, int]:
        """Return what was read last, in the units of the names."""
        return dict(self._watch.measured)

    def close(self) -> None:
        """Give the output back, after what was commanded last."""
        self._ask(self.relay.close)

    def _step(self, now_s: float) -> int | None:
        passed_s = TEST_S if self._test_s is None else now_s - self._test_s
        return int(passed_s // STEP_S) if passed_s < TEST_S else None

    def _ask(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except Exception as error:  # each library raises kinds of its own; none may end the guard
            self._failed = str(error) or type(error).__name__
            return None
