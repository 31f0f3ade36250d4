"""Say where things lie: on a machine of our own, or below a folder for trying things out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

# Written like this in the units and scripts; below another prefix they are written anew.
_FIXED = ("/opt/amont", "/etc/amont", "/var/lib/amont", "/run/amont-guard")


class Layout(NamedTuple):
    """The folders of one installation."""

    prefix: Path

    @property
    def is_machine(self) -> bool:
        """Tell whether this is a machine of our own: users, services and packages are our job."""
        return self.prefix == Path("/")

    @property
    def home(self) -> Path:
        """Return the folder of releases and of the links that choose one."""
        return self.prefix / "opt/amont"

    @property
    def releases(self) -> Path:
        """Return the folder with a folder for each release."""
        return self.home / "releases"

    @property
    def libraries(self) -> Path:
        """Return the folder of what releases share: other people's packages, by their pins."""
        return self.home / "libraries"

    @property
    def current(self) -> Path:
        """Return the link to the release that runs."""
        return self.home / "current"

    @property
    def previous(self) -> Path:
        """Return the link to the release before."""
        return self.home / "previous"

    @property
    def on_trial(self) -> Path:
        """Return the mark of a release that may still be taken back by itself."""
        return self.home / "on-trial"

    @property
    def etc(self) -> Path:
        """Return the folder of the site's own files."""
        return self.prefix / "etc/amont"

    @property
    def guard(self) -> Path:
        """Return the guard's state folder."""
        return self.prefix / "var/lib/amont/guard"

    @property
    def gateway(self) -> Path:
        """Return the gateway's data folder."""
        return self.prefix / "var/lib/amont/gateway"

    @property
    def backups(self) -> Path:
        """Return where a backup is put before each upgrade."""
        return self.prefix / "var/backups/amont"

    @property
    def units(self) -> Path:
        """Return systemd's folder for units of the machine's owner."""
        return self.prefix / "etc/systemd/system"

    @property
    def programs(self) -> Path:
        """Return where people find commands."""
        return self.prefix / "usr/local/bin"

    @property
    def site(self) -> Path:
        """Return the site's file."""
        return self.etc / "site.yaml"

    def written_for(self, text: str) -> str:
        """Return a unit or script with this installation's folders in it."""
        if not self.is_machine:
            for fixed in _FIXED:
                text = text.replace(fixed, str(self.prefix) + fixed)
        return text

    def place(self, path: str) -> Path:
        """Return where an absolute path lies in this installation."""
        return self.prefix / path.lstrip("/")


def sync(path: Path) -> None:
    """Put a file or folder on the disk."""
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def point(link: Path, target: Path) -> None:
    """Let a link lead somewhere else, at once and durably."""
    new = link.with_name(link.name + ".new")
    new.unlink(missing_ok=True)
    new.symlink_to(os.path.relpath(target, link.parent))
    new.replace(link)
    sync(link.parent)
