"""Go the README's way from a bare simulated board to a verified station, and break it off.

The commands are the README's own, taken out of its section; only ports that were not free here
are put in. What a technician's laptop keeps (keys, releases' key, caches) lies in a home of this
rig's own.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from amont_demo.village import PAGE_PORT
from amont_provision.enrol import RADIO

README = Path(__file__).parents[2] / "README.md"
SECTION = "A station in ten minutes"
NODE = 11
READY_S = 90.0
STEP_S = 240.0
_PROGRAM = "amont-provision"


@dataclass(frozen=True)
class Done:
    """One command that ran to its end."""

    step: str
    code: int
    seconds: float
    output: str


@dataclass
class Way:
    """The commands after one another, for one node of a village that runs."""

    folder: Path  # the village's
    environment: dict[str, str]
    node: int = NODE
    done: list[Done] = field(default_factory=list)

    def steps(self) -> list[list[str]]:
        """Return the README's commands for this node, each as words."""
        return [self._adapted(line) for line in provision_lines()]

    def start(self, words: list[str]) -> subprocess.Popen[str]:
        """Start one command."""
        line = [sys.executable, "-m", "amont_provision.cli", *words[1:]]
        return subprocess.Popen(
            line, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def finish(self, words: list[str]) -> Done:
        """Run one command to its end."""
        began = time.monotonic()
        output, code = _end(self.start(words), STEP_S)
        self.done.append(Done(words[1], code, time.monotonic() - began, output))
        return self.done[-1]

    def interrupt(self, words: list[str], after_s: float) -> bool:
        """Start one command and kill it after so long; return whether it was still running."""
        process = self.start(words)
        try:
            process.communicate(timeout=after_s)
            return False
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return True

    def said(self) -> str:
        """Return all that the commands said, for a person to read."""
        return "\n".join(
            f"{d.step}: exit {d.code}, {d.seconds:.1f} s\n{d.output}" for d in self.done
        )

    def _adapted(self, line: str) -> list[str]:
        ports = json.loads((self.folder / "village.json").read_text())
        line = line.replace(f"boards/{NODE}", f"boards/{self.node}")
        line = line.replace(f"--node {NODE}", f"--node {self.node}")
        line = line.replace(f":{PAGE_PORT}", f":{ports['page']}")
        words = shlex.split(line)
        if words[1] == "enrol" and ports["radio"] != RADIO[1]:
            words += ["--radio", f"{RADIO[0]}:{ports['radio']}"]
        return words


def section() -> str:
    """Return the README's section."""
    found = re.search(rf"^## {SECTION}$(.*?)(?=^## )", README.read_text("utf-8"), re.M | re.S)
    assert found, f"README.md has no section '{SECTION}'"
    return found[1]


def blocks() -> list[list[str]]:
    """Return the lines of the section's shell blocks."""
    return [b.strip().splitlines() for b in re.findall(r"```sh\n(.*?)```", section(), re.S)]


def provision_lines() -> list[str]:
    """Return the lines that provision the board."""
    return [line for block in blocks() for line in block if line.startswith(_PROGRAM)]


@contextmanager
def village(folder: Path, *words: str) -> Iterator[Way]:
    """Run the village of the README in a folder, with further options; yield the way in it."""
    home = folder / "home"
    home.mkdir(parents=True)
    environment = {**os.environ, "HOME": str(home), "LANG": "C.UTF-8"}
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    place = folder / "village"
    line = shlex.split(blocks()[0][0], comments=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "amont_demo.cli", line[1], str(place), *line[3:], *words],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _await_ready(process)
        yield Way(place, environment)
    finally:
        process.send_signal(signal.SIGINT)
        _end(process, 30)


def _await_ready(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if line.startswith(f"  {_PROGRAM}"):
            return
    raise RuntimeError("the village ended: " + "".join(said))


def _end(process: subprocess.Popen[str], limit_s: float) -> tuple[str, int]:
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        process.kill()
        output, _ = process.communicate()
    return output, process.returncode
