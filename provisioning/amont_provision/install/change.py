"""Go from one release to another, or back, and never stay on one that does not stand."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from amont_provision.install import machine, releases
from amont_provision.install.layout import Layout
from amont_provision.install.services import Services
from amont_provision.texts import Refused

Say = Callable[..., None]


class Changed(NamedTuple):
    """From which release to which."""

    before: str
    after: str


def install(layout: Layout, release: Path, site: Path | None, services: Services) -> None:
    """Choose the first release; start it if there is a site's file. Raise Refused.

    With the release that is chosen already it writes everything again, as after a power cut.
    """
    releases.choose(layout, release)
    machine.units(layout, release)
    machine.models(layout, release, release)
    machine.options(layout, release)
    if site is not None:
        machine.site(layout, site)
    if layout.site.exists():
        give_site(layout, release)
        services.reload()
        services.restart()
        if not services.stay_up():
            raise Refused("install-down", states=_states(services))


def give_site(layout: Layout, release: Path) -> None:
    """Check the site's file and write the guard's from it; raise Refused."""
    done = _run(release, "amont-provision", "site", "--site", layout.site, "--guard", layout.guard)
    if done.returncode:
        raise Refused("install-site", path=layout.site, why=done.stderr.strip())
    keys = layout.guard / "keys.json"
    if not keys.exists():
        keys.touch(mode=0o600)
        keys.write_text('{"format":1,"nodes":{}}\n')
        machine.as_guard(layout, keys)


def upgrade(layout: Layout, release: Path, services: Services, say: Say) -> Changed:
    """Try a release, then change to it; go back if it does not stay up. Raise Refused."""
    before = releases.current(layout)
    if before is None:
        raise Refused("install-none")
    if before == release:
        raise Refused("install-same", release=release.name)
    if layout.site.exists():
        attempt(layout, release, say)
        _doctor(layout, before, release)
        _back_up(layout, before)
        say("install-backed-up", path=layout.backups)
    layout.on_trial.touch()
    _switch(layout, before, release, services)
    if layout.site.exists() and not services.stay_up():
        states = _states(services)
        roll_back(layout, services)
        raise Refused("install-back", release=release.name, before=before.name, states=states)
    releases.prune(layout)
    return Changed(before.name, release.name)


def roll_back(layout: Layout, services: Services) -> Changed:
    """Change to the release before; raise Refused if there is none."""
    now, before = releases.current(layout), releases.previous(layout)
    if now is None or before is None:
        raise Refused("install-no-previous")
    layout.on_trial.unlink(missing_ok=True)
    _switch(layout, now, before, services)
    return Changed(now.name, before.name)


def attempt(layout: Layout, release: Path, say: Say) -> None:
    """Start a release on a copy of what is here; raise Refused with what failed."""
    layout.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="trial-", dir=layout.backups) as work:
        if layout.is_machine:
            Path(work).chmod(0o711)
            layout.backups.chmod(0o711)  # the copies' user passes through, and reads nothing
        done = subprocess.run(
            [release / "bin/python", "-m", "amont_provision.install.trial",
             "--etc", layout.etc, "--gateway", layout.gateway, "--guard", layout.guard,
             "--work", work, *(["--user", machine.GATEWAY] if layout.is_machine else [])],
            capture_output=True, text=True, cwd="/",
        )  # fmt: skip
    for line in done.stdout.splitlines():
        part = json.loads(line)
        if not part["ok"]:
            raise Refused("install-trial", part=part["part"], why=part["why"])
        say("install-tried", part=part["part"])
    if done.returncode:
        raise Refused("install-trial", part="-", why=done.stderr.strip()[-1500:])


def _doctor(layout: Layout, before: Path, release: Path) -> None:
    """Raise Refused if the new release finds something bad that the one before does not."""
    worse = _bad(layout, release) - _bad(layout, before)
    if worse:
        raise Refused("install-doctor", parts=", ".join(sorted(worse)))


def _bad(layout: Layout, release: Path) -> set[str]:
    done = _run(
        release, "amont-gateway", "doctor", "--site", layout.site, "--data", layout.gateway,
        "--guard-socket", layout.place("/run/amont-guard/guard.sock"), "--json",
    )  # fmt: skip
    try:
        return {one["part"] for one in json.loads(done.stdout) if one["verdict"] == "bad"}
    except (ValueError, KeyError, TypeError):
        return {f"doctor: {done.stderr.strip()[-500:]}"}


def _back_up(layout: Layout, release: Path) -> None:
    done = _run(
        release, "amont-provision", "backup", "--to", layout.backups, "--keep", "3",
        "--etc", layout.etc, "--gateway", layout.gateway, "--guard", layout.guard,
    )  # fmt: skip
    if done.returncode:
        raise Refused("install-backup", why=done.stderr.strip())


def _switch(layout: Layout, now: Path, to: Path, services: Services) -> None:
    releases.choose(layout, to)
    machine.units(layout, to)
    machine.models(layout, to, now)
    if layout.site.exists():
        services.reload()
        services.restart()


def _states(services: Services) -> str:
    return ", ".join(f"{unit}: {state}" for unit, state in services.describe().items())


def _run(release: Path, program: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [str(release / "bin" / program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=1800, cwd="/")
