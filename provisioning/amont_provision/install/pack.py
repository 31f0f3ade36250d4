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
        _fetch(building, wheels_for)
    bundle.write_sums(building)
    final = out / f"amont-{version}"
    shutil.rmtree(final, ignore_errors=True)
    building.rename(final)
    return final


def _fetch(building: Path, wheels_for: str) -> None:
    kind, _, python = wheels_for.partition("-")
    pins, words = building / bundle.PINS, list[str]()
    if kind != "here":
        python = python or "3.11"
        pins = building / "pins"
        pins.write_text(pins_for((building / bundle.PINS).read_text(), python))
        words = [word for name in PI_PLATFORMS for word in ("--platform", name)]
        words += ["--python-version", python, "--implementation", "cp"]
    _pip("download", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:",
         "-d", str(building / bundle.WHEELS), "-r", str(pins), *words)  # fmt: skip
    (building / "pins").unlink(missing_ok=True)


def pins_for(pins: str, python: str) -> str:
    """Return the pins that hold on a Pi with this Python; pip would judge them by its own."""
    from packaging.markers import Marker  # not there yet where a release is only installed

    there = {
        "python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux",
        "implementation_name": "cpython", "platform_python_implementation": "CPython",
        "platform_machine": "aarch64", "platform_system": "Linux", "os_name": "posix",
    }  # fmt: skip
    kept = []
    for pin in pins.replace("\\\n", " ").splitlines():
        requirement, bar, hashes = pin.partition("--hash")
        name, _, marker = requirement.partition(";")
        if name.strip() and (not marker.strip() or Marker(marker).evaluate(there)):
            kept.append(f"{name.strip()} {bar}{hashes}\n")
    return "".join(kept)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def _pip(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True)
    if done.returncode:
        raise Refused("install-pip", why=(done.stderr or done.stdout).strip()[-2000:])
