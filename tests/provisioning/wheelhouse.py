"""Bundles for tests: wheels made again from what is installed here, so that nothing is fetched."""

import base64
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import zipfile

from packaging.requirements import Requirement

from amont_provision.install import bundle

# The models at run time: two thirds of the bytes, and nothing in these tests loads a model.
HEAVY = {"onnxruntime", "protobuf", "flatbuffers"}


def closure(names, left_out=frozenset()):
    """Names of distributions and of what they require here."""
    found, waiting = {}, list(names)
    while waiting:
        requirement = Requirement(waiting.pop())
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found or name in left_out:
            continue
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found[name] = importlib.metadata.distribution(name)
        waiting += found[name].requires or []
    return found


def wheel_of(distribution, folder):
    """Write a wheel of an installed distribution; return its path."""
    text = distribution.read_text("WHEEL") or ""
    tags = zip(*(tag.split("-") for tag in re.findall(r"^Tag: (\S+)$", text, re.M)), strict=True)
    tag = "-".join(".".join(dict.fromkeys(column)) for column in tags)
    name = re.sub(r"[-_.]+", "_", distribution.metadata["Name"])
    path = folder / f"{name}-{distribution.version}-{tag}.whl"
    info = next(f.parts[0] for f in distribution.files if f.parts[0].endswith(".dist-info"))
    with zipfile.ZipFile(path, "w") as archive:
        kept = []
        for file in sorted(distribution.files):
            outside = file.parts[0] == ".." or "__pycache__" in file.parts
            if outside or file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue
            archive.write(file.locate(), str(file))
            kept.append(f"{file},,")
        archive.writestr(f"{info}/RECORD", "\n".join([*kept, f"{info}/RECORD,,", ""]))
    return path


def fill(folder, left_out=HEAVY):
    """Put wheels and pins into a bundle's folder."""
    wheels = folder / bundle.WHEELS
    wheels.mkdir()
    ours = importlib.metadata.distribution("amont").requires
    plain = [line for line in ours if "extra ==" not in line]
    pins = []
    for name, distribution in sorted(closure(plain, left_out).items()):
        path = wheel_of(distribution, wheels)
        pins.append(f"{name}=={distribution.version} --hash=sha256:{bundle.digest(path)}\n")
    (folder / bundle.PINS).write_text("".join(pins))
    bundle.write_sums(folder)


def another(made, folder, version, edit=None):
    """Return a copy of a bundle that says another version; ``edit`` maps files in our wheel."""
    shutil.copytree(made, folder, copy_function=os.link)
    head = folder / bundle.HEAD
    content = {**json.loads(head.read_bytes()), "version": version}
    for shared in (head, folder / bundle.SUMS):  # not into the file that both have
        shared.unlink()
    head.write_text(json.dumps(content))
    if edit:
        rewrite(next(folder.glob("amont-*.whl")), edit)
    bundle.write_sums(folder)
    return folder


def rewrite(wheel, edit):
    """Change files in a wheel, and its record with them."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    wheel.unlink()
    for name, change in edit.items():
        files[name] = change(files[name].decode()).encode()
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    lines = []
    for line in files[record].decode().splitlines():
        name = line.split(",")[0]
        if name in edit:
            sum_ = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=")
            line = f"{name},sha256={sum_.decode()},{len(files[name])}"
        lines.append(line)
    files[record] = "\n".join([*lines, ""]).encode()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
