"""Copy all that a site needs to live again, while guard and gateway work; read it back, checked.

A backup is a folder: ``backup.json`` (which site, when, how it is locked), the files, and
``SHA256SUMS``, which is written last. Databases are copied by SQLite itself, as of one moment.
The gateway's files are taken before the guard's, because the gateway keeps heads of the guard's
audit: those must not name lines that the copy of the audit does not have yet.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import stat
import time
import zoneinfo
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from amont_provision.bundle import PASSPHRASE_MIN, stretched
from amont_provision.sealed_files import seal_in_place, unseal
from amont_provision.texts import Refused

FORMAT = "amont backup 1"
HEAD, SUMS, PARTIAL, RESTORES = "backup.json", "SHA256SUMS", ".partial", "restores.txt"
EARLIEST_S = 1_750_000_000  # a clock that says less has not been set
AUDIT = "audit.jsonl"
_SQLITE = b"SQLite format 3\0"
# What means nothing elsewhere: SQLite's side files, half-written files, the journal's reserve.
_LEFT_OUT = ("-wal", "-shm", "-journal", ".part", ".new", ".lock", ".partial")
_BALLAST = "ballast"
_TRIES = 5  # of a look at the audit while it begins a new file
_CHUNK = 1 << 20
Json = dict[str, Any]


class Places(NamedTuple):
    """The three folders that a site lives in, in the order in which they are copied."""

    etc: Path  # site.yaml, certificates, models beside it
    gateway: Path
    guard: Path


class Made(NamedTuple):
    """A finished backup."""

    path: Path
    files: int
    size_bytes: int


class Opened(NamedTuple):
    """A backup that holds what its list says."""

    path: Path
    head: Json
    names: tuple[str, ...]

    @property
    def made_s(self) -> int:
        """Return when it was made, as Unix time."""
        return int(self.head["made_s"])

    @property
    def time_zone(self) -> zoneinfo.ZoneInfo:
        """Return the time by which the site's people live."""
        return zoneinfo.ZoneInfo(self.head["time_zone"])

    @property
    def modes(self) -> dict[str, tuple[int, str, str]]:
        """Return mode, owner and group of what was in the site's folder."""
        told = self.head.get("etc", {})
        return {str(name): (int(mode), str(u), str(g)) for name, (mode, u, g) in told.items()}

    @property
    def site(self) -> str:
        """Return which site it is of."""
        return str(self.head["site"])


def make(places: Places, to: Path, passphrase: str = "", now_s: int | None = None) -> Made:
    """Write a backup into a new folder below ``to``; raise Refused or OSError.

    It has another name until it is complete and on the disk.
    """
    made_s = int(time.time()) if now_s is None else now_s
    salt = secrets.token_bytes(16).hex() if passphrase else ""
    key = _key(passphrase, salt)
    site, time_zone = _site_of(places.guard)
    if made_s < EARLIEST_S:
        raise Refused("backup-clock", now=time.strftime("%Y-%m-%d", time.gmtime(made_s)))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(made_s))
    final = to / f"amont-{site}-{stamp}"
    if final.exists():
        raise Refused("backup-there", path=final)
    partial = final.with_name(final.name + PARTIAL)
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700, parents=True)
    names = [name for part in places._fields for name in _copy_part(part, places, partial)]
    for name in names if key else ():
        seal_in_place(partial / name, key, name)
    head = {
        "format": FORMAT, "site": site, "time_zone": time_zone, "made_s": made_s, "salt": salt,
        "release": metadata.version("amont"), "etc": _modes(places.etc),
    }  # fmt: skip
    (partial / HEAD).write_text(json.dumps(head, indent=1) + "\n")
    lines = [f"{_digest(partial / name)}  {name}\n" for name in sorted([HEAD, *names])]
    (partial / SUMS).write_text("".join(lines))
    size = _settle(partial)
    partial.rename(final)
    _sync(to)
    return Made(final, len(names), size)


def read(path: Path) -> Opened:
    """Return a backup after each file was compared with the list; raise Refused."""
    try:
        lines = (path / SUMS).read_text().splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        head: Json = json.loads((path / HEAD).read_bytes())
        if head["format"] != FORMAT:
            raise ValueError(f"format {head['format']!r:.40}")
        int(head["made_s"]), str(head["site"]), bytes.fromhex(head["salt"])
        zoneinfo.ZoneInfo(head["time_zone"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Refused("backup-unreadable", path=path, why=error) from None
    for name, digest in listed.items():
        if not _is_inside(name):
            raise Refused("backup-unreadable", path=path, why=repr(name))
        if not (path / name).is_file() or _digest(path / name) != digest:
            raise Refused("backup-damaged", path=path / name)
    if HEAD not in listed:
        raise Refused("backup-damaged", path=path / HEAD)
    return Opened(path, head, tuple(sorted(listed.keys() - {HEAD})))


def unpack(opened: Opened, part: str, target: Path, passphrase: Callable[[], str]) -> None:
    """Write the files of one part into an empty folder, for their owner alone; raise Refused."""
    key = _key(passphrase(), opened.head["salt"]) if opened.head["salt"] else b""
    for name in opened.names:
        if not name.startswith(f"{part}/"):
            continue
        path = target / name.partition("/")[2]
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (opened.path / name).open("rb") as source, open(path, "wb", opener=_private) as out:
            if key:
                unseal(source, out, key, name)
            else:
                shutil.copyfileobj(source, out, _CHUNK)
    _settle(target)


def restores(path: Path) -> list[tuple[int, str]]:
    """Return when and on which machine a backup was restored, as far as it remembers."""
    found = []
    with contextlib.suppress(OSError, ValueError):
        for line in (path / RESTORES).read_text().splitlines():
            at_s, _, machine = line.partition(" ")
            found.append((int(at_s), machine))
    return found


def remember_restore(path: Path, now_s: int, machine: str) -> None:
    """Note on the backup that it is being restored; a medium that takes no write cannot."""
    with contextlib.suppress(OSError), (path / RESTORES).open("a") as file:
        file.write(f"{now_s} {machine}\n")
        file.flush()
        os.fsync(file.fileno())


def prune(to: Path, site: str, keep: int) -> list[Path]:
    """Remove all but the newest backups of a site in a folder; return what was removed."""
    found = sorted(path for path in to.glob(f"amont-{site}-*Z") if (path / SUMS).is_file())
    old = found[:-keep] if keep > 0 else []
    for path in old:
        (path / SUMS).unlink()  # first: half a folder must not look like a backup
        shutil.rmtree(path)
    return old


def _key(passphrase: str, salt: str) -> bytes:
    if passphrase and len(passphrase) < PASSPHRASE_MIN:
        raise Refused("passphrase-short", least=PASSPHRASE_MIN)
    return stretched(passphrase, bytes.fromhex(salt)) if passphrase else b""


def _site_of(guard: Path) -> tuple[str, str]:
    try:
        compiled = json.loads((guard / "guard.json").read_bytes())
        return str(compiled["site"]), str(compiled["time_zone"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Refused("backup-guard", path=guard, why=error) from None


def _modes(etc: Path) -> dict[str, tuple[int, str, str]]:
    """Return mode, owner and group of everything in the site's folder: not all is everybody's."""
    found = {}
    for path in sorted(etc.rglob("*")):
        with contextlib.suppress(OSError, KeyError):
            mode = stat.S_IMODE(path.stat().st_mode)
            found[str(path.relative_to(etc))] = (mode, path.owner(), path.group())
    return found


def _copy_part(part: str, places: Places, target: Path) -> list[str]:
    folder: Path = getattr(places, part)
    names = []
    for path in _files(folder, part == "guard"):
        name = f"{part}/{path.relative_to(folder)}"
        copy = target / name
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):  # it went meanwhile
            _copy(path, copy)
            names.append(name)
    return names + (_copy_audit(folder, target / part) if part == "guard" else [])


def _files(folder: Path, of_guard: bool) -> Iterator[Path]:
    if not folder.is_dir():
        raise Refused("backup-folder", path=folder)
    for path in sorted(folder.rglob("*")):
        left_out = path.name.endswith(_LEFT_OUT) or path.name == _BALLAST
        audit = of_guard and path.name.startswith("audit")
        if path.is_file() and not left_out and not audit:
            yield path


def _copy(path: Path, copy: Path) -> None:
    with path.open("rb") as source:
        if source.read(len(_SQLITE)) != _SQLITE:
            source.seek(0)
            with open(copy, "wb", opener=_private) as target:
                shutil.copyfileobj(source, target, _CHUNK)
            return
    os.close(_private(str(copy), os.O_WRONLY))
    try:
        found = _copy_database(path, copy)
    except sqlite3.Error as error:
        found = str(error)
    if found != "ok":
        raise Refused("backup-database", path=path, why=found)


def _copy_database(path: Path, copy: Path) -> str:
    """Copy as of one moment, while others write; return "ok" or what is wrong with the copy."""
    reader = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    writer = sqlite3.connect(copy)
    with contextlib.closing(reader), contextlib.closing(writer):
        reader.backup(writer)  # all pages in one step: nobody who writes makes it begin again
        return str(writer.execute("PRAGMA quick_check(1)").fetchone()[0])


def _copy_audit(guard: Path, target: Path) -> list[str]:
    """Copy the audit as of one moment: the guard may begin a new file at any time."""
    target.mkdir(mode=0o700, exist_ok=True)
    for _ in range(_TRIES):
        before = sorted(guard.glob("audit-*.jsonl"))
        newest = (guard / AUDIT).read_bytes() if (guard / AUDIT).exists() else b""
        if sorted(guard.glob("audit-*.jsonl")) == before:
            break
    else:
        raise Refused("backup-busy", path=guard)
    for path in before:
        _copy(path, target / path.name)
    whole = newest[: newest.rfind(b"\n") + 1]  # the line that is being written comes next time
    (target / AUDIT).write_bytes(whole)
    return [f"guard/{path.name}" for path in [*before, guard / AUDIT]]


def _is_inside(name: str) -> bool:
    part, _, rest = name.partition("/")
    steps = rest.split("/")
    return name == HEAD or (part in Places._fields and not {"", ".", ".."} & set(steps))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settle(folder: Path) -> int:
    """Give each file its mode and put it on the disk; return how many bytes there are."""
    size = 0
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with contextlib.suppress(PermissionError):  # a stick with FAT knows no modes
                path.chmod(0o600)
            size += path.stat().st_size
        _sync(path)
    _sync(folder)
    return size


def _sync(path: Path) -> None:
    held = os.open(path, os.O_RDONLY)
    try:
        os.fsync(held)
    finally:
        os.close(held)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT | os.O_TRUNC, 0o600)
