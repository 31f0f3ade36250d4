"""Put a backup where guard and gateway live; all of it, or nothing.

What is there already is moved aside, never overwritten, and only if that is asked for. Everything
is unpacked and changed beside its place first; a command that was cut off is run again, the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from amont_provision.backup import Opened, Places, remember_restore, restores, unpack
from amont_provision.leap import BAD, Leapt, prepare
from amont_provision.texts import Refused
from amont_provision.whole import replace

BESIDE = ".restoring"
AGREED_S = 300  # by which a watch and the machine may differ
APART_S = 7200  # between restores on different machines (docs/adr/0018-restore-leaps.md)
AGAIN_S = 150  # on one machine, by whose clock all is counted
_MACHINE = (
    "/etc/machine-id", "/sys/firmware/devicetree/base/serial-number",
    "/sys/class/dmi/id/product_uuid",
)  # fmt: skip


class Restored(NamedTuple):
    """What a restore did."""

    leapt: Leapt
    aside: tuple[Path, ...]  # what was there before


def check_clock(opened: Opened, told: datetime, now_s: int) -> None:
    """Raise Refused unless person, machine and backup agree on the time: counters depend on it.

    told: date and time on the person's watch, in the site's time zone.
    """
    zone = opened.time_zone
    # in the hour that autumn repeats, either one will do
    moments = [told.replace(tzinfo=zone, fold=fold).timestamp() for fold in (0, 1)]
    told_at, now = told.isoformat(" ", "minutes"), _moment(now_s, zone)
    if min(abs(moment - now_s) for moment in moments) > AGREED_S:
        raise Refused("restore-clock", told=told_at, now=now)
    if opened.made_s > now_s + AGREED_S:
        raise Refused("restore-future", made=_moment(opened.made_s, zone), now=now)
    here = this_machine()
    for before_s, machine in restores(opened.path):
        after_s = before_s + (AGAIN_S if machine == here else APART_S)
        if now_s < after_s:
            after = _moment(after_s + 60, zone)
            raise Refused("restore-again", before=_moment(before_s, zone), after=after)


def this_machine() -> str:
    """Return what tells this machine from others, also from one with a copy of its card."""
    known = b""
    for path in _MACHINE:
        with contextlib.suppress(OSError):
            known += Path(path).read_bytes()
    return hashlib.sha256(known).hexdigest()[:16]


def restore(
    opened: Opened, places: Places, now_s: int, passphrase: Callable[[], str], replace_it: bool
) -> Restored:
    """Put every part into its place; raise Refused or OSError."""
    parts = [part for part in Places._fields if _holds(opened, part)]
    targets = {part: getattr(places, part) for part in parts}
    with contextlib.ExitStack() as held:
        for target in targets.values():
            held.enter_context(_free(target, replace_it))
        once = _once(passphrase)
        for part, target in targets.items():
            _stage(opened, part, target, once)
        try:
            leapt = prepare(_beside(places.guard), opened.made_s, now_s, places.guard)
        except BAD as error:
            raise Refused("restore-keys", path=opened.path, why=error) from None
        remember_restore(opened.path, now_s, this_machine())
        for part, target in targets.items():
            _settle(opened, part, target)
        aside = [_swap(target) for target in targets.values()]
    return Restored(leapt, tuple(path for path in aside if path))


def time_of(text: str) -> datetime:
    """Return the date and time that "YYYY-MM-DD HH:MM" names; raise ValueError."""
    return datetime.strptime(text, "%Y-%m-%d %H:%M")  # noqa: DTZ007 - the site's zone is added


def _moment(at_s: float, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at_s, zone).strftime("%Y-%m-%d %H:%M")


def _holds(opened: Opened, part: str) -> bool:
    return any(name.startswith(f"{part}/") for name in opened.names)


def _once(passphrase: Callable[[], str]) -> Callable[[], str]:
    """Ask one time, however many parts there are."""
    answers: list[str] = []

    def answer() -> str:
        if not answers:
            answers.append(passphrase())
        return answers[0]

    return answer


@contextlib.contextmanager
def _free(target: Path, replace_it: bool) -> Iterator[None]:
    """Hold a folder against guard and gateway; raise Refused if one works there."""
    if not target.exists():
        yield
        return
    if any(target.iterdir()) and not replace_it:
        raise Refused("restore-full", path=target)
    held = os.open(target, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Refused("restore-running", path=target) from None
    finally:
        os.close(held)


def _beside(target: Path) -> Path:
    return target.with_name(target.name + BESIDE)


def _stage(opened: Opened, part: str, target: Path, passphrase: Callable[[], str]) -> None:
    beside = _beside(target)
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700, parents=True)
    unpack(opened, part, beside, passphrase)
    if part == "guard":
        note = f'{{"made_s": {opened.made_s}, "restored_s": {int(time.time())}}}\n'
        replace(beside / "restored.json", note.encode())


def _settle(opened: Opened, part: str, target: Path) -> None:
    """Give files to whom the place belongs; in the site's own folder each has its own owner."""
    beside = _beside(target)
    was = target.stat() if target.exists() else beside.stat()
    for path in [beside, *beside.rglob("*")]:
        if os.geteuid() == 0:
            os.chown(path, was.st_uid, was.st_gid)
        path.chmod(0o700 if path.is_dir() else 0o600)
    for name, (mode, owner, group) in opened.modes.items() if part == "etc" else ():
        if (beside / name).exists():
            (beside / name).chmod(mode & 0o777)
            with contextlib.suppress(LookupError, PermissionError):  # nobody is called so here
                shutil.chown(beside / name, owner, group)
    beside.chmod(stat.S_IMODE(was.st_mode))


def _swap(target: Path) -> Path | None:
    """Put what is beside into its place; return where that went which was there."""
    aside = None
    if target.exists() and any(target.iterdir()):
        aside = target.with_name(f"{target.name}.before-{time.strftime('%Y%m%dT%H%M%SZ')}")
        target.rename(aside)
    elif target.exists():
        target.rmdir()
    _beside(target).rename(target)
    return aside
