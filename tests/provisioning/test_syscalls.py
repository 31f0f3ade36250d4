"""Guard and gateway, traced: they use no system call that their units forbid."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from functools import cache
from pathlib import Path

import pytest
from tests.gateway.servers import free_port
from tests.gateway.site_files import make_site
from tests.provisioning.test_units import INSTALL

ROOT = Path(__file__).parents[2]
LIMIT_S = 90
# Refused without harm: the unit sets the priority; SQLite gives files away as root alone.
TOLD_NO = {"guard": {"setpriority"}, "gateway": {"fchown"}}


@cache
def group(name):
    """All system calls of one of systemd's groups."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", name],
        capture_output=True, text=True, timeout=30, check=True,
    ).stdout.splitlines()[1:]  # fmt: skip
    lines = [line.strip() for line in said if line.strip() and "#" not in line]
    return {call for line in lines for call in (group(line) if line[0] == "@" else {line})}


def allowed(unit):
    """What a unit's filters leave, each in its turn, as systemd reads them."""
    text = (INSTALL / "systemd" / f"{unit}.service").read_text()
    left = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", text, re.M):
        away = words.startswith("~")
        for word in words.lstrip("~").split():
            calls = group(word) if word[0] == "@" else {word}
            left = left - calls if away else left | calls
    return left


class Traced:
    """A program under strace."""

    def __init__(self, folder, name, *words):
        self.log = folder / f"{name}.strace"
        program = Path(sys.prefix) / "bin" / f"amont-{name}"
        with (folder / f"{name}.log").open("wb") as out:
            self.process = subprocess.Popen(
                ["strace", "-f", "-qq", "-o", self.log, program, "run", *map(str, words)],
                stdout=out, stderr=out, env={**os.environ, "NOTIFY_SOCKET": str(folder / "none")},
            )  # fmt: skip

    def stop(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        for child in children.split():  # strace itself would only let go of it
            os.kill(int(child), 15)
        self.process.wait(60)

    def calls(self):
        lines = self.log.read_text(errors="replace")
        return set(re.findall(r"^\d+ +(?:<\.\.\. )?([a-z_0-9]+)[( ]", lines, re.M))


@pytest.mark.timeout(240)
def test_they_use_nothing_that_their_units_forbid(tmp_path):
    site, port = make_site(tmp_path, "/dev/null", free_port(), {11: "bridge"}), free_port()
    guard = Traced(tmp_path, "guard", "--state", tmp_path / "guard")
    gateway = Traced(
        tmp_path, "gateway", "--site", tmp_path / "site.yaml", "--data", tmp_path / "gateway",
        "--guard-socket", tmp_path / "guard" / "guard.sock", "--page", f"127.0.0.1:{port}",
        "--page-https", f"127.0.0.1:{free_port()}", "--artifacts", ROOT / "models" / "artifacts",
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/view.json", gateway.process)
    finally:
        gateway.stop()
        guard.stop()
    assert site.id == "essai"
    for name, traced in (("guard", guard), ("gateway", gateway)):
        used = traced.calls()
        assert len(used) > 30, "it was really traced"
        assert used - allowed(f"amont-{name}") - TOLD_NO[name] == set()


def wait_for(url, process):
    end_s = time.monotonic() + LIMIT_S
    while time.monotonic() < end_s and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                if json.load(answer)["guard_alive"]:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the page did not show the guard")


def test_the_filters_are_read_as_systemd_reads_them():
    guard, gateway = allowed("amont-guard"), allowed("amont-gateway")
    assert {"read", "futex", "execve"} <= guard & gateway
    assert not {"settimeofday", "mount", "ptrace", "chown", "setpriority"} & (guard | gateway)
    assert "adjtimex" in gateway - guard
