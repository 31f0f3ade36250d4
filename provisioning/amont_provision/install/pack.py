"""Make a bundle from a checkout: our wheel, the pins, units and scripts, the models."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from amont_provision.install import bundle
from amont_provision.texts import Refused

_SCRIPTS = ("install.sh", "breaker.sh", "gateway.env", "systemd", "journald", "udev")
# A Raspberry Pi with its 64-bit system; wheels are asked for by these, whatever packs them.
PI_PLATFORMS = ("manylinux_2_28_aarch64", "manylinux2014_aarch64", "manylinux_2_17_aarch64")


def pack(checkout: Path, out: Path, wheels_for: str = "") -> Path:
    """Write ``out/amont-<version>``; return it. Raise Refused.

    wheels_for: "here", "pi-3.11", "pi-3.13" … brings other people's wheels along, for a machine
    without a network.
    """
    building = out / "packing"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir(parents=True)
    _pip(
        "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(building), str(checkout)
    )
    wheel = next(building.glob("amont-*.whl"))
    version = wheel.name.split("-")[1]
    scripts = checkout / "provisioning" / "install"
    for name in _SCRIPTS:
        _copy(scripts / name, building / name)
    _copy(checkout / "requirements" / "pi.txt", building / bundle.PINS)
    _copy(checkout / "models" / "artifacts", building / "models")
    head = {"format": bundle.FORMAT, "version": version}
    (building / bundle.HEAD).write_text(json.dumps(head) + "\n")
    if wheels_for:
        _pip("download", "--quiet", "--require-hashes", "--only-binary=:all:",
             "-d", str(building / bundle.WHEELS), "-r", str(building / bundle.PINS),
             *_platform(wheels_for))  # fmt: skip
    bundle.write_sums(building)
    final = out / f"amont-{version}"
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    return final


def _platform(wheels_for: str) -> list[str]:
    kind, _, python = wheels_for.partition("-")
    if kind == "here":
        return []
    words = [word for name in PI_PLATFORMS for word in ("--platform", name)]
    return [*words, "--python-version", python or "3.11", "--implementation", "cp"]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    if done.returncode:
        raise Refused("install-pip", why=(done.stderr or done.stdout).strip()[-2000:])
