"""Let systemd run guard and gateway, or nobody where it is not ours to say."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from typing import Protocol

UNITS = ("amont-guard.service", "amont-gateway.service")
UP_S = 120.0  # a Raspberry Pi imports slowly, and the journal may be long
_STEADY = 3  # looks in a row, a second apart


class Services(Protocol):
    """What runs guard and gateway."""

    def reload(self) -> None:
        """Read changed units."""

    def restart(self) -> None:
        """Start what stands, and start again what runs."""

    def stay_up(self) -> bool:
        """Tell whether both come up and stay up."""

    def describe(self) -> dict[str, str]:
        """Return the state of each unit."""


class Systemd:
    """systemd."""

    def __init__(self, up_s: float = UP_S, sleep: Callable[[float], None] = time.sleep) -> None:
        """Wait at most so long for both to come up."""
        self._up_s, self._sleep = up_s, sleep

    def reload(self) -> None:
        """Read changed units, names of devices, limits of logs; let both start by themselves."""
        _systemctl("daemon-reload")
        _systemctl("enable", *UNITS)
        _systemctl("try-restart", "systemd-journald.service")
        if shutil.which("udevadm"):
            for words in (("control", "--reload"), ("trigger", "--subsystem-match=tty")):
                subprocess.run(["udevadm", *words], capture_output=True, timeout=60)

    def restart(self) -> None:
        """Start again, also after too many failures; the guard first."""
        _systemctl("reset-failed", *UNITS)
        _systemctl("restart", *UNITS)

    def stay_up(self) -> bool:
        """Look each second until both were active three times in a row."""
        steady = 0
        for _ in range(max(1, int(self._up_s))):
            steady = steady + 1 if set(self.describe().values()) == {"active"} else 0
            if steady == _STEADY:
                return True
            self._sleep(1.0)
        return False

    def describe(self) -> dict[str, str]:
        """Return what ``systemctl is-active`` says of each."""
        said = _systemctl("is-active", *UNITS).stdout.split()
        return dict(zip(UNITS, [*said, *["unknown"] * len(UNITS)], strict=False))


class Nobody:
    """Below a prefix: whoever tries things out starts them himself."""

    def reload(self) -> None:
        """Do nothing."""

    def restart(self) -> None:
        """Do nothing."""

    def stay_up(self) -> bool:
        """Say yes: there is nothing to look at."""
        return True

    def describe(self) -> dict[str, str]:
        """Return nothing."""
        return {}


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, timeout=300)
