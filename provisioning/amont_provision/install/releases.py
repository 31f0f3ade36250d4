"""Keep releases side by side: each a virtual environment of ours over one of other people's.

Other people's packages are installed once for each set of pins and never touched again; a release
is our wheel alone, above them. So an upgrade that brings no new pins writes a few megabytes to the
card, and the way back is a link.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from amont_provision.install.bundle import HEAD, PINS, WHEELS, Bundle
from amont_provision.install.layout import Layout, point, sync
from amont_provision.texts import Refused

KEEP = 3  # releases; the current one and the one before are never removed
BUNDLE, COMPLETE = "bundle", "complete"  # within a release: what it came in, and its last file
_PIN_MODULE = ("lgpio.py", "_lgpio*.so")  # of Debian's python3-lgpio, which has no wheel
_DEBIAN = Path("/usr/lib/python3/dist-packages")


def install(layout: Layout, bundle: Bundle) -> Path:
    """Return the release's folder, made if it is not there whole; raise Refused."""
    release = layout.releases / bundle.name
    if (release / COMPLETE).exists():
        return release
    libraries = _libraries(layout, bundle)
    shutil.rmtree(release, ignore_errors=True)
    venv.create(release, with_pip=False, symlinks=True)
    (_packages(release) / "amont-libraries.pth").write_text(f"{_packages(libraries)}\n")
    _pip(libraries, "--python", str(release / "bin/python"), "install", "--no-deps", "--no-index",
         str(bundle.wheel))  # fmt: skip
    left_out = shutil.ignore_patterns(WHEELS)
    shutil.copytree(bundle.folder, release / BUNDLE, ignore=left_out)
    (release / COMPLETE).write_text(libraries.name + "\n")
    subprocess.run(["sync", "-f", str(release)], check=False, timeout=300)
    sync(layout.releases)
    return release


def _libraries(layout: Layout, bundle: Bundle) -> Path:
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    folder = layout.libraries / f"{bundle.pins_digest}-py{python}"
    if (folder / COMPLETE).exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True, symlinks=True)
    where = ["--no-index", "--find-links", str(bundle.wheels)] if bundle.wheels else []
    _pip(folder, "install", "--require-hashes", "--only-binary=:all:", *where,
         "-r", str(bundle.folder / PINS))  # fmt: skip
    for pattern in _PIN_MODULE if layout.is_machine else ():
        for path in _DEBIAN.glob(pattern):
            (_packages(folder) / path.name).symlink_to(path)
    (folder / COMPLETE).write_text(python + "\n")
    return folder


def _pip(environment: Path, *words: str) -> None:
    command = [str(environment / "bin/python"), "-m", "pip", "--quiet", "--no-input",
               "--disable-pip-version-check", "--no-cache-dir", *words]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise Refused("install-pip", why=(done.stderr or done.stdout).strip()[-2000:])


def _packages(environment: Path) -> Path:
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return environment / "lib" / python / "site-packages"


def current(layout: Layout) -> Path | None:
    """Return the release that is chosen, None before the first."""
    return _led_to(layout.current)


def previous(layout: Layout) -> Path | None:
    """Return the release that was chosen before, None if there is none (any more)."""
    return _led_to(layout.previous)


def choose(layout: Layout, release: Path) -> None:
    """Make a release the current one; the one before stays at hand."""
    before = current(layout)
    if before is not None and before != release:
        point(layout.previous, before)
    point(layout.current, release)


def all_of(layout: Layout) -> list[Path]:
    """Return the complete releases, the newest last."""
    found = [path.parent for path in layout.releases.glob(f"*/{COMPLETE}")]
    return sorted(found, key=lambda path: (path / COMPLETE).stat().st_mtime_ns)


def version(release: Path) -> str:
    """Return the version that a release says it is."""
    return str(json.loads((release / BUNDLE / HEAD).read_bytes())["version"])


def prune(layout: Layout) -> list[Path]:
    """Remove old releases, and libraries that none needs any more; return what was removed."""
    kept = {current(layout), previous(layout)}
    old = [release for release in all_of(layout)[:-KEEP] if release not in kept]
    for release in old:
        (release / COMPLETE).unlink()  # first: half a release must not look like one
        shutil.rmtree(release)
    needed = {(release / COMPLETE).read_text().strip() for release in all_of(layout)}
    return old + list(_remove_libraries(layout, needed))


def _remove_libraries(layout: Layout, needed: set[str]) -> Iterator[Path]:
    for folder in list(layout.libraries.iterdir()) if layout.libraries.is_dir() else ():
        if folder.name not in needed:
            with contextlib.suppress(FileNotFoundError):
                (folder / COMPLETE).unlink()
            shutil.rmtree(folder)
            yield folder


def _led_to(link: Path) -> Path | None:
    target = link.parent / link.readlink() if link.is_symlink() else None
    return target.resolve() if target is not None and (target / COMPLETE).exists() else None
