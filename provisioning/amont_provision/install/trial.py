"""Start a release on a copy of the site's own data, with nothing real at its hands.

Runs on the new release's Python. The copy has simulated sirens, no bridge, no database and a
broker that is not there, so that neither siren nor readings notice. The guard must tell its
supervisor twice that its loop is well, the page must show guard and journal, every row of the
journal must hold.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from amont_provision import backup
from amont_provision.backup import Places
from amont_provision.texts import Refused
from amont_site import Site, SiteError, load, write_guard

PARTS = ("site", "copy", "guard", "gateway", "journal")
_UP_S = 120.0
_BEATS = 2
_NOBODY = {"host": "127.0.0.1", "port": 9, "tls": False}  # discard: nobody answers
_BIN = Path(sys.prefix) / "bin"


class Failed(Exception):
    """What did not work, and why."""


def main(arguments: list[str] | None = None) -> int:
    """Try everything in turn; print a JSON line a part; return 1 at the first that fails."""
    parser = argparse.ArgumentParser(prog="trial", description=__doc__)
    for part in Places._fields:
        parser.add_argument(f"--{part}", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="folder with room for a copy")
    parser.add_argument("--user", default="", help="who runs the copies, when root asks")
    asked = parser.parse_args(arguments)
    try:
        for part in attempt(Places(asked.etc, asked.gateway, asked.guard), asked.work, asked.user):
            print(json.dumps({"part": part, "ok": True}), flush=True)  # noqa: T201 - the answer
    except Failed as failed:
        part, why = failed.args
        print(json.dumps({"part": part, "ok": False, "why": why}), flush=True)  # noqa: T201 - same
        return 1
    return 0


def attempt(places: Places, work: Path, user: str) -> Iterator[str]:
    """Yield each part that works; raise Failed."""
    with _because("site", SiteError):
        site = load(places.etc / "site.yaml")
    yield "site"
    with _because("copy", Refused, OSError, SiteError):
        made = backup.make(places, work)
        tame(site, made.path)
        owner = _owner(made.path, user)
    yield "copy"
    with tempfile.TemporaryDirectory(prefix="amont-") as sockets, contextlib.ExitStack() as stack:
        if owner is not None:
            os.chown(sockets, owner, -1)
        yield from _start(made.path, Path(sockets), owner, stack)
    found = _program("amont-gateway", "journal", "check", "--data", made.path / "gateway")
    if found.returncode not in (0, 3):  # 3: there is none yet
        raise Failed("journal", found.stdout + found.stderr)
    yield "journal"
    shutil.rmtree(made.path)


def tame(site: Site, folder: Path) -> None:
    """Take everything real from a copy of a site; the guard's file is written to match."""
    plain: dict[str, Any] = json.loads(msgspec.json.encode(site))
    plain = _without_none(plain)
    plain.pop("history", None)
    for asking in (plain, plain.get("lorawan") or {}, *(plain.get("foreign_sources") or ())):
        if asking.get("broker"):
            asking["broker"] = dict(_NOBODY)
    if plain.get("bridge"):
        plain["bridge"] |= {"port": "/nonexistent/bridge", "listeners": []}
    for siren in plain.get("sirens") or ():
        for real in ("supervision", "key", "practice"):
            siren.pop(real, None)
        siren["output"] = {"kind": "simulated"}
    path = folder / "etc" / "site.yaml"
    for other in path.parent.iterdir():
        if other.name not in ("site.yaml", "models"):  # certificates, passwords
            shutil.rmtree(other) if other.is_dir() else other.unlink()
    _blind(folder / "guard" / "keys.json")
    path.write_text(json.dumps(plain, ensure_ascii=False))
    write_guard(load(path), folder / "guard" / "guard.json")


def _blind(keys: Path) -> None:
    """Put other secrets in the place of the nodes': whoever runs the copy must not have them."""
    if keys.exists():
        secret = re.compile(rb'("secret"\s*:\s*")[0-9a-f]{32}')
        content = secret.sub(
            lambda found: found[1] + os.urandom(16).hex().encode(), keys.read_bytes()
        )
        keys.write_bytes(content)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    return [_without_none(one) for one in value] if isinstance(value, list) else value


def _start(
    folder: Path, sockets: Path, owner: int | None, stack: contextlib.ExitStack
) -> Iterator[str]:
    notices = stack.enter_context(_notices(sockets / "notify"))
    if owner is not None:
        os.chown(sockets / "notify", owner, -1)
    guard = _Child(
        owner, sockets / "guard.log", {"NOTIFY_SOCKET": str(sockets / "notify")},
        "amont-guard", "run", "--state", folder / "guard", "--sockets", sockets,
    )  # fmt: skip
    stack.callback(guard.stop)
    beats = _beats(notices)
    _until(lambda: next(beats) >= _BEATS, guard, "guard")
    yield "guard"
    port = _free_port()
    gateway = _Child(
        owner, sockets / "gateway.log", {}, "amont-gateway", "run",
        "--site", folder / "etc" / "site.yaml", "--data", folder / "gateway",
        "--guard-socket", sockets / "guard.sock", "--page", f"127.0.0.1:{port}",
        "--page-https", "none",
    )  # fmt: skip
    stack.callback(gateway.stop)
    _until(lambda: _shows(port), gateway, "gateway")
    guard.must_live("guard")
    yield "gateway"


class _Child:
    """A program of the new release, and what it said."""

    def __init__(self, owner: int | None, log: Path, more: dict[str, str], *words: object) -> None:
        self._log = log
        environment = {k: v for k, v in os.environ.items() if not k.startswith("AMONT_")}
        command = [str(_BIN / str(words[0])), *map(str, words[1:])]
        as_user: dict[str, Any] = {} if owner is None else {"user": owner, "extra_groups": []}
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                command, env={**environment, **more}, stdout=file, stderr=file, **as_user
            )

    def must_live(self, part: str) -> None:
        """Raise Failed with its last words if it has ended."""
        if self.process.poll() is not None:
            raise Failed(part, self.last_words())

    def last_words(self) -> str:
        """Return the end of what it said."""
        return self._log.read_text(errors="replace").strip()[-1500:]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _until(true: Callable[[], bool], child: _Child, part: str) -> None:
    end_s = time.monotonic() + _UP_S
    while not true():
        child.must_live(part)
        if time.monotonic() > end_s:
            raise Failed(part, f"not well after {_UP_S:g} s: {child.last_words()}")
        time.sleep(0.1)


@contextlib.contextmanager
def _because(part: str, *errors: type[Exception]) -> Iterator[None]:
    try:
        yield
    except errors as error:
        raise Failed(part, str(error)) from error


@contextlib.contextmanager
def _notices(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.bind(str(path))
        notices.setblocking(False)
        yield notices


def _beats(notices: socket.socket) -> Iterator[int]:
    """Yield how often the guard said so far that its loop is well."""
    beats = 0
    while True:
        with contextlib.suppress(BlockingIOError):
            beats += b"WATCHDOG=1" in notices.recv(4096)
        yield beats


def _shows(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/view.json", timeout=5) as answer:
            view = json.load(answer)
        return bool(view["guard_alive"]) and view["journal"] == "ok"
    except (OSError, ValueError, KeyError):
        return False


def _owner(folder: Path, user: str) -> int | None:
    if not user or os.geteuid() != 0:
        return None
    owner = pwd.getpwnam(user)
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, owner.pw_uid, owner.pw_gid)
    return owner.pw_uid


def _program(name: str, *words: object) -> subprocess.CompletedProcess[str]:
    command = [str(_BIN / name), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
