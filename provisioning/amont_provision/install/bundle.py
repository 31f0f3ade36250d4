"""Read the folder that a release comes in; believe it only if each file is as its list says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from amont_provision.texts import Refused

SUMS, HEAD, PINS, WHEELS = "SHA256SUMS", "release.json", "requirements.txt", "wheels"
FORMAT = "amont release 1"


class Bundle(NamedTuple):
    """A release as it was packed."""

    folder: Path
    name: str  # of the release: its version, and eight digits that no other bundle has
    files: tuple[str, ...]

    @property
    def wheel(self) -> Path:
        """Return our own wheel."""
        return next(self.folder.glob("amont-*.whl"))

    @property
    def wheels(self) -> Path | None:
        """Return the folder of other people's wheels, None if they come from the network."""
        folder = self.folder / WHEELS
        return folder if folder.is_dir() else None

    @property
    def pins_digest(self) -> str:
        """Return what tells these pins from others."""
        return digest(self.folder / PINS)[:12]


def read(folder: Path) -> Bundle:
    """Return the bundle in a folder after each file was compared; raise Refused."""
    try:
        listing = (folder / SUMS).read_bytes()
        listed = [line.split("  ", 1) for line in listing.decode().splitlines()]
        head = json.loads((folder / HEAD).read_bytes())
        version = str(head["version"])
        if head["format"] != FORMAT or not listed:
            raise ValueError(f"format {head['format']!r:.40}")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("install-bundle", path=folder, why=error) from None
    for sum_, name in listed:
        path = folder / name
        if ".." in Path(name).parts or not path.is_file() or digest(path) != sum_:
            raise Refused("install-damaged", path=path)
    files = tuple(name for _, name in listed)
    if {HEAD, PINS} - set(files) or not any(name.endswith(".whl") for name in files):
        raise Refused("install-bundle", path=folder, why=SUMS)
    return Bundle(folder, f"{version}-{hashlib.sha256(listing).hexdigest()[:8]}", files)


def digest(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> None:
    """Write the list that makes a folder a bundle."""
    names = sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())
    lines = [f"{digest(folder / name)}  {name}\n" for name in names if name != SUMS]
    (folder / SUMS).write_text("".join(lines))
