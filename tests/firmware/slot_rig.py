"""Releases for tests: compiled modules, slots in folders, images for the air."""

import hashlib
import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from amont_hil.process import import_path, micropython_path
from amont_hil.tiny_guard import NODE, SECRET
from amont_provision.compile import compiled
from amont_wire.keys import UPDATE_LABEL, derive, hmac_sha256

PARTS = 6


def probe_files(number: int, parts: int = PARTS) -> dict[str, bytes]:
    """Return the compiled files of a small release that says its own number.

    It stands for an application where only slots are tried: modules that belong together, one
    that is the same in each release, and one that only this release has.
    """
    filler = hashlib.sha256(b"%d" % number).hexdigest()
    sources = {"probe/__init__.py": b"", "probe/same.py": b"SAME = 1\n"}
    sources[f"probe/only_{number}.py"] = b"ONLY = %d\n" % number
    for part in range(parts):
        text = f"PART = {number}\nFILLER = {filler * (part % 4 * 4)!r}\n"
        sources[f"probe/part_{part}.py"] = text.encode()
    names = [f"probe.part_{part}" for part in range(parts)]
    lines = [f"from {name} import PART as {name[6:].upper()}\n" for name in names]
    checks = [f"assert {name[6:].upper()} == {number}\n" for name in names]
    sources["probe/app.py"] = "".join([*lines, f"RELEASE = {number}\n", *checks]).encode()
    return compiled(sources)


def manifest(number: int, files: Mapping[str, bytes]) -> bytes:
    """Return the bytes of release.json."""
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    value = {"schema": 1, "release": number, "name": f"0.1.{number}", "files": hashes}
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write_slot(folder: Path, number: int, files: Mapping[str, bytes]) -> None:
    """Write a whole slot as a deploy would leave it."""
    for path, content in {**files, "release.json": manifest(number, files)}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def image(
    number: int, files: Mapping[str, bytes], secret: bytes = SECRET, claims: bytes | None = None
) -> bytes:
    """Return the image for the rig's node; ``claims``: another release.json."""
    members = {**files, "release.json": claims or manifest(number, files)}
    body = b"AMU1" + number.to_bytes(2, "little") + len(members).to_bytes(2, "little")
    for path, content in members.items():
        body += bytes([len(path)]) + path.encode() + len(content).to_bytes(4, "little") + content
    key = derive(secret, NODE, 1, UPDATE_LABEL)
    return body + hmac_sha256(key, body)[:16]


DEVICE = Path(__file__).parent / "device"
WAYS = ("serial", "serial-over", "chunks", "chunks-over", "back")
FAULTS = ("no-sync", "early-json", "in-place", "torn-rename")


def make_way(folder: Path, parts: int = PARTS) -> Path:
    """Write what update_cut.py needs: an old release, a new one, the new one's image."""
    for number, name in ((1, "old"), (2, "new")):
        write_slot(folder / name, number, probe_files(number, parts))
    (folder / "new.img").write_bytes(image(2, probe_files(2, parts)))
    return folder


def cut(way: str, folder: Path, stride: int, fault: str = "") -> tuple[int, int, str]:
    """Cut the power at every ``stride``-th operation of a way, clean and torn.

    Return how many cuts there were, how many were not survived, and what the first of them left.
    """
    executable = micropython_path()
    assert executable is not None, "MicroPython's Unix port is not installed"
    done = subprocess.run(
        [str(executable), "-X", "heapsize=8m", str(DEVICE / "update_cut.py"), way, str(folder),
         str(stride), *([fault] if fault else [])],
        cwd=folder, env={"MICROPYPATH": ":".join([*import_path(), str(DEVICE), ".frozen"])},
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    found = re.search(r"cuts=(\d+) broken=(\d+)(?: first=(.*))?", done.stdout)
    assert found, done.stdout[-2000:] + done.stderr[-2000:]
    return int(found[1]), int(found[2]), found[3] or ""
