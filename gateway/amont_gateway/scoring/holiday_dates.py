"""Know a country's public holidays without holding the package that knows them.

The package ``holidays`` takes 18 MiB once it is imported, the dates of sixty years 60 kB. So a
process of its own computes them, once for each country (docs/adr/0024-holidays.md).
"""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib import import_module
from typing import Any

FIRST_YEAR, LAST_YEAR = 1990, 2060  # the same whenever it is asked: a restart changes nothing
WAIT_S = 20.0  # less than a round of the models may take; it needs one
LONG_S = 300.0  # where nobody waits
MOST = 20_000  # dates: more is no country's calendar


class HolidayError(Exception):
    """The holidays of a country are not known; the message says of which, and why."""


def computed(country: str) -> list[int]:
    """Return a country's public holidays as day numbers (``date.toordinal``), oldest first.

    Imports the package: not for a process that has to stay small. HolidayError if it is absent or
    does not know the country (two letters, ISO 3166).
    """
    try:
        package: Any = import_module("holidays")
        found = package.country_holidays(country, years=range(FIRST_YEAR, LAST_YEAR + 1))
    except (ImportError, NotImplementedError) as error:
        raise HolidayError(f"holidays of {country}: {error}"[:200]) from error
    return sorted(day.toordinal() for day in found)


@functools.lru_cache(maxsize=8)
def public_holidays(country: str, wait_s: float = WAIT_S) -> frozenset[int]:
    """Return the same as a set, computed by a process of its own; HolidayError says why not."""
    command = [sys.executable, "-P", "-m", __name__, country]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=wait_s, stdin=subprocess.DEVNULL
        )
        said = json.loads(done.stdout) if done.returncode == 0 else None
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise HolidayError(
            f"holidays of {country}: {type(error).__name__}: {error}"[:200]
        ) from error
    if said is None:
        why = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise HolidayError(why[:200])
    if not isinstance(said, list) or len(said) > MOST or not all(type(d) is int for d in said):
        raise HolidayError(f"holidays of {country}: an answer that is no list of days")
    return frozenset(said)


def main() -> int:
    """Print the holidays of the country that is named, as JSON."""
    try:
        sys.stdout.write(json.dumps(computed(sys.argv[1])))
    except HolidayError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
