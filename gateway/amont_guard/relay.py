"""Drive a siren's relay and read back what its contact really does."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .config import Siren

CONFIRM_S = 1.0  # a relay's contact settles in 20 ms; a slow interposing relay in a few tenths


class RelayError(RuntimeError):
    """The output cannot be driven: not there, in use, or not what the configuration says."""


class Relay(Protocol):
    """One output."""

    simulated: bool

    def set(self, on: bool) -> None:
        """Switch; raise RelayError if the output cannot be driven."""

    def read_back(self) -> bool | None:
        """Return what the contact does, None if there is no contact to read."""


class SimulatedRelay:
    """A relay made of a small file, which outlives the process as a real contact does.

    The file holds ``<0 or 1> <CLOCK_MONOTONIC ns of the last change>``; it is never synced,
    so a slow disk does not slow the switch. ``listeners`` hear each change.
    """

    simulated = True

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the state file; without one the state lives in memory."""
        self._on = False
        self._fd = -1
        self.listeners: list[Callable[[bool], None]] = []
        if path is not None:
            try:
                self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            except OSError as error:
                if error.errno not in (errno.EROFS, errno.ENOSPC):
                    raise
                return  # a real contact needs no disk either
            self._on = os.pread(self._fd, 1, 0) == b"1"

    def set(self, on: bool) -> None:
        """Switch."""
        if on == self._on:
            return
        self._on = on
        if self._fd >= 0:
            os.pwrite(self._fd, b"%d %020d\n" % (on, time.monotonic_ns()), 0)
        for listener in self.listeners:
            listener(on)

    def read_back(self) -> bool | None:
        """Return the contact's state."""
        return self._on


class GpioRelay:
    """A relay on a pin of the Pi, by gpiozero, with an optional contact to read back."""

    simulated = False

    def __init__(self, output: dict[str, Any]) -> None:
        """Claim ``pin`` and, if given, ``readback_pin``, without switching the relay."""
        try:
            from gpiozero import (  # type: ignore[import-untyped]  # only a Pi has it
                DigitalInputDevice,
                OutputDevice,
            )

            active_high = output.get("active_high", True)
            self._out = OutputDevice(output["pin"], active_high=active_high, initial_value=None)
            pin = output.get("readback_pin")
            self._contact = DigitalInputDevice(pin, pull_up=True) if pin is not None else None
        except Exception as error:  # gpiozero's pin factories raise many kinds
            raise RelayError(f"GPIO {output.get('pin')}: {error}") from error

    def set(self, on: bool) -> None:
        """Switch."""
        try:
            self._out.value = on
        except Exception as error:
            raise RelayError(f"GPIO: {error}") from error

    def read_back(self) -> bool | None:
        """Return the contact's state, None without a read-back pin."""
        try:
            return None if self._contact is None else bool(self._contact.value)
        except Exception as error:
            raise RelayError(f"GPIO: {error}") from error


def make_relay(siren: Siren, state_dir: Path) -> Relay:
    """Build the output that the site file names."""
    if siren.output["kind"] == "gpio":
        return GpioRelay(siren.output)
    return SimulatedRelay(state_dir / f"relay-{siren.id}")


class Output:
    """One siren's relay, told again and again what to do, and watched whether it does."""

    def __init__(self, relay: Relay) -> None:
        """Take the relay as it is found."""
        self.relay = relay
        self.found = self.confirmed()
        self.commanded = False
        self._changed_s = 0.0
        self._error = ""

    def drive(self, on: bool, now_s: float) -> None:
        """Command the relay; a relay that missed a command is told again at the next call."""
        if on != self.commanded:
            self.commanded, self._changed_s = on, now_s
        try:
            self.relay.set(on)
            self._error = ""
        except (RelayError, OSError) as error:
            self._error = str(error)

    def confirmed(self) -> bool | None:
        """Return what the contact does, None if it cannot be read."""
        try:
            return self.relay.read_back()
        except (RelayError, OSError):
            return None

    def fault(self, now_s: float) -> str:
        """Name what is wrong with the output, or nothing."""
        if self._error:
            return self._error
        contact = self.confirmed()
        settled = now_s - self._changed_s > CONFIRM_S
        if settled and contact is not None and contact != self.commanded:
            return f"commanded {'on' if self.commanded else 'off'}, contact says otherwise"
        return ""
