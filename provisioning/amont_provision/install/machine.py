"""Prepare the machine: Debian's packages, two users, folders, units; as root."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from amont_provision.install.layout import Layout
from amont_provision.install.releases import BUNDLE
from amont_provision.texts import Refused

PACKAGES = ("python3-venv", "mosquitto", "python3-lgpio")
OPTIONAL = {"python3-lgpio"}  # not everywhere; only a relay on pins needs it
GUARD, GATEWAY = "amont-guard", "amont"
_DEVICES = ("dialout", "gpio")  # groups; a machine without pins has no gpio
_LINKS = ("amont-guard", "amont-gateway", "amont-provision", "amont-install", "amont-models")


def packages(wanted: Sequence[str]) -> None:
    """Install from Debian what is missing; raise Refused."""
    missing = [name for name in wanted if not _has(name)]
    if not missing:
        return
    _run("apt-get", "update", "--quiet")
    needed = [name for name in missing if name not in OPTIONAL or _is_offered(name)]
    if needed:
        _run("apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *needed)


def users() -> None:
    """Make both users, and give the guard its devices, the gateway its way to the socket."""
    for name in (GUARD, GATEWAY):
        if not _exists(pwd.getpwnam, name):
            _run("useradd", "--system", "--user-group", "--no-create-home",
                 "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name)  # fmt: skip
    for group in _DEVICES:
        if _exists(grp.getgrnam, group):
            _run("usermod", "--append", "--groups", group, GUARD)
    # a person's `sudo -u amont` reaches the guard's socket as the service does
    _run("usermod", "--append", "--groups", GUARD, GATEWAY)


def folders(layout: Layout) -> None:
    """Make the folders, each for whom it is."""
    for path in (layout.releases, layout.libraries, layout.units, layout.programs):
        path.mkdir(parents=True, exist_ok=True)
    layout.backups.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path, mode, owner, group in (
        (layout.etc, 0o751, "root", GATEWAY),  # mosquitto passes through to its certificates
        (layout.guard, 0o700, GUARD, GUARD),
        (layout.gateway, 0o750, GATEWAY, GATEWAY),
    ):
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(mode)
        if layout.is_machine:
            shutil.chown(path, owner, group)


def units(layout: Layout, release: Path) -> None:
    """Write a release's units, rules and scripts where the machine reads them."""
    bundle = release / BUNDLE
    for source in sorted((bundle / "systemd").rglob("*")):
        if source.is_file():
            _write(layout, source, layout.units / source.relative_to(bundle / "systemd"))
    _write(layout, bundle / "journald/amont.conf",
           layout.place("/etc/systemd/journald.conf.d/amont.conf"))  # fmt: skip
    for source in sorted((bundle / "udev").iterdir()):
        _write(layout, source, layout.place("/etc/udev/rules.d") / source.name)
    _write(layout, bundle / "breaker.sh", layout.home / "breaker.sh")
    for name in _LINKS:
        link = layout.programs / name
        link.unlink(missing_ok=True)
        link.symlink_to(layout.current / "bin" / name)


def models(layout: Layout, release: Path, before: Path) -> None:
    """Put the release's models beside the site, but for what was adapted there.

    before: the release whose models lie there if nobody has touched them.
    """
    target = layout.etc / "models"
    target.mkdir(parents=True, exist_ok=True)
    if not _is_part(target, before / BUNDLE / "models"):
        return  # adapted to the site: people decide (amont-models adapt --undo)
    for path in sorted((release / BUNDLE / "models").iterdir()):
        new = target / f".{path.name}.new"
        shutil.copy(path, new)
        new.replace(target / path.name)
    _give(layout, target, *target.iterdir())


def options(layout: Layout, release: Path) -> None:
    """Put the file of options and secrets where there is none."""
    path = layout.etc / "gateway.env"
    if not path.exists():
        shutil.copy(release / BUNDLE / "gateway.env", path)
        _give(layout, path)


def site(layout: Layout, given: Path) -> None:
    """Put the site's file in its place."""
    new = layout.site.with_name(".site.new")
    shutil.copy(given, new)
    new.chmod(0o640)
    _give(layout, new)
    new.replace(layout.site)


def as_guard(layout: Layout, path: Path) -> None:
    """Give a file to the guard's user."""
    if layout.is_machine:
        shutil.chown(path, GUARD, GUARD)


def _give(layout: Layout, *paths: Path) -> None:
    for path in paths:
        path.chmod(0o750 if path.is_dir() else 0o640)
        if layout.is_machine:
            shutil.chown(path, "root", GATEWAY)


def _is_part(folder: Path, other: Path) -> bool:
    """Tell whether every file here is there too, the same."""
    return all(
        (other / path.name).is_file() and (other / path.name).read_bytes() == path.read_bytes()
        for path in folder.iterdir()
        if not path.name.endswith(".new")
    )


def _write(layout: Layout, source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    new = target.with_name(f".{target.name}.new")
    new.write_text(layout.written_for(source.read_text()))
    new.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
    new.replace(target)


def _has(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${db:Status-Status}", package]
    return subprocess.run(query, capture_output=True, text=True).stdout == "installed"


def _is_offered(package: str) -> bool:
    found = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True)
    return found.returncode == 0


def _exists(look: Callable[[str], object], name: str) -> bool:
    try:
        look(name)
    except KeyError:
        return False
    return True


def _run(*command: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        why = (done.stderr or done.stdout).strip()[-1000:]
        raise Refused("install-command", command=" ".join(command), why=why)
