"""Run the SX126x adapter, and a bridge on it, with micropython-lib's ``lora`` on MicroPython.

The library is not ours to commit, so CI does not run this: ``make radio-check`` does, wherever it
can be had. It comes by ``firmware/radio.lock`` as ``amont-provision deps`` fetches it; without a
network from a folder with a checkout of micropython-lib. What is not the locked file is refused.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from hashlib import sha256
from pathlib import Path

from amont_hil.process import import_path, micropython_path
from amont_provision import deps
from amont_provision.cache import Cache
from amont_provision.texts import Refused

HERE = Path(__file__).parent
LOCK = HERE.parents[1] / "firmware" / "radio.lock"
SCRIPTS = ("real_sx1262.py", "real_bridge.py")
LIMIT_S = 600


def taken(folder: Path, lock: deps.Lock, cache: Cache) -> int:
    """Keep the files of a folder that the lock names, whatever they are called; count them."""
    wanted = {held["sha256"] for entry in lock.values() for held in entry["files"].values()}
    contents = [path.read_bytes() for path in folder.rglob("*.py")]
    found = [content for content in contents if sha256(content).hexdigest() in wanted]
    for content in found:
        cache.keep(content)
    return len(found)


def main(folders: list[str]) -> int:
    """Run the checks; return 0, or 1 with what to do where the library cannot be had."""
    cache, lock = Cache(), deps.read_lock(LOCK)
    for folder in folders:
        _say(f"{folder}: {taken(Path(folder), lock, cache)} of the locked files")
    try:
        deps.complete(lock, cache)
    except Refused as refused:
        _say(f"{refused}\nmake radio-check FROM=… with a folder that holds micropython-lib")
        return 1
    with tempfile.TemporaryDirectory() as library:
        for name, content in deps.sources(lock, cache).items():
            path = Path(library, name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
        return _run(library)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _run(library: str) -> int:
    executable = micropython_path()
    if executable is None:
        _say("MicroPython's Unix port is not installed")
        return 1
    folders = [*import_path(), str(HERE / "device"), library, ".frozen"]
    environment = {**os.environ, "MICROPYPATH": ":".join(map(str, folders))}
    for script in SCRIPTS:
        line = [str(executable), "-X", "heapsize=8m", str(HERE / "device" / script)]
        if subprocess.run(line, env=environment, timeout=LIMIT_S, check=False).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
