"""Run our device scripts on MicroPython's Unix port: from source, or compiled as on a board."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from amont_hil.process import import_path, micropython_path
from amont_provision.compile import application, compiled

DEVICE = Path(__file__).parent / "device"
SHARED = Path(__file__).parents[1] / "firmware" / "device"  # the flash chip whose power can be cut


def command(heap: str, *arguments: Path | str) -> list[str]:
    """Return the command line that runs MicroPython; raise RuntimeError without it."""
    executable = micropython_path()
    if executable is None:
        raise RuntimeError("MicroPython's Unix port is not installed")
    return [str(executable), "-X", f"heapsize={heap}", *map(str, arguments)]


def environment(folders: Sequence[Path | str]) -> dict[str, str]:
    """Return the environment in which MicroPython imports from these folders alone."""
    return {"MICROPYPATH": ":".join([*map(str, folders), ".frozen"])}


def run(script: str, *arguments: str, heap: str, timeout_s: float) -> str:
    """Run a script of ours with the device's packages as they are in the sources."""
    folders = [*import_path(), SHARED, DEVICE]
    done = subprocess.run(
        command(heap, DEVICE / script, *arguments), env=environment(folders),
        capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def counts(said: str) -> dict[str, int]:
    """Return the ``name=number`` pairs of a script's last line."""
    pairs = (word.partition("=") for word in said.splitlines()[-1].split(" first=")[0].split())
    return {name: int(value) for name, equals, value in pairs if equals}


def compile_all(target: Path) -> None:
    """Write the bytecode that a release would hold, and that of the scripts that drive it here."""
    scripts = {path.name: path.read_bytes() for path in DEVICE.glob("*.py")}
    for path, code in compiled(application() | scripts).items():
        file = target / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(code)
