"""Damage folders of models in every way that we know, and ask the real loader about each.

Silent is a folder that the loader takes although it holds something else than what was signed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from onnx import numpy_helper

from amont_gateway.scoring.model_files import Model, ModelError, read_key
from amont_gateway.scoring.model_folder import load_set
from amont_models import release

FILES = ("manifest.json", "manifest.sig", "release.pub", "river.int8.onnx", "leak.int8.onnx")
TEXTS = FILES[:3]
TOLD_APART = 1e-6  # of a network's output
Rng = np.random.Generator


class Damage:
    """A sound folder, signed by a key of our own, that each trial damages in its own way."""

    def __init__(self, artifacts: Path, work: Path) -> None:
        self.key, self.folder = Ed25519PrivateKey.generate(), work
        work.mkdir(exist_ok=True)
        for name in FILES:
            shutil.copy(artifacts / name, work / name)
        self.manifest: dict[str, Any] = json.loads((artifacts / "manifest.json").read_text())
        release.write_signed(work, self.manifest, self.key)
        self.whole = {name: (work / name).read_bytes() for name in FILES}
        self.trusted = read_key(work)
        assert not load_set(work, self.trusted).faults, "the folder was not sound to begin with"

    def silent(self, kind: str, rng: Rng) -> bool:
        """Damage the folder once; return whether the loader took it. The folder is whole again."""
        KINDS[kind](self, rng)
        try:
            taken = not load_set(self.folder, self.trusted).faults
            return taken and not self._means_the_same()
        finally:
            for name, content in self.whole.items():
                (self.folder / name).write_bytes(content)

    def unchecked(self, rng: Rng) -> tuple[bool, bool]:
        """Flip a bit of the river's file and give it the right hash.

        Return whether it loads and computes other numbers: with no check at all, and past the
        golden vector. The first shows that this bench would see what the hash hides.
        """
        entry = self.manifest["models"]["river"]
        damaged = _flipped(self.whole[entry["file"]], rng)
        (self.folder / entry["file"]).write_bytes(damaged)
        hashed = {**entry, "sha256": hashlib.sha256(damaged).hexdigest()}
        rows = rng.standard_normal((64, entry["inputs"]))
        blind = {**hashed, "golden": {**entry["golden"], "tolerance": float("inf")}}
        try:
            return tuple(self._differs(one, rows) for one in (blind, hashed))
        finally:
            (self.folder / entry["file"]).write_bytes(self.whole[entry["file"]])

    def _differs(self, entry: dict[str, Any], rows: np.ndarray) -> bool:
        try:
            got = Model(self.folder, entry)(rows)
        except ModelError:
            return False
        return bool(np.abs(got - self._sound(rows)).max() > TOLD_APART)

    def _sound(self, rows: np.ndarray) -> np.ndarray:
        entry = self.manifest["models"]["river"]
        path = self.folder / entry["file"]
        damaged = path.read_bytes()
        path.write_bytes(self.whole[entry["file"]])
        wanted = Model(self.folder, entry)(rows)
        path.write_bytes(damaged)
        return wanted

    def _means_the_same(self) -> bool:
        """Hex digits may change their case, and a last line end may be another space."""
        now = {name: (self.folder / name).read_bytes() for name in FILES}
        return all(
            now[name].strip().lower() == content.strip().lower()
            if name in ("manifest.sig", "release.pub")
            else now[name] == content
            for name, content in self.whole.items()
        )

    def write(self, manifest: dict[str, Any], key: Ed25519PrivateKey) -> None:
        release.write_signed(self.folder, manifest, key)


def _flipped(content: bytes, rng: Rng) -> bytes:
    damaged = bytearray(content)
    for bit in rng.integers(0, 8 * len(content), int(rng.integers(1, 4))):
        damaged[bit // 8] ^= 1 << (bit % 8)
    return bytes(damaged)


def _flip(names: tuple[str, ...]) -> Callable[[Damage, Rng], None]:
    def damage(of: Damage, rng: Rng) -> None:
        name = names[int(rng.integers(len(names)))]
        (of.folder / name).write_bytes(_flipped(of.whole[name], rng))

    return damage


def _truncate(of: Damage, rng: Rng) -> None:
    name = FILES[int(rng.integers(len(FILES)))]
    content = of.whole[name].rstrip() if name in TEXTS else of.whole[name]
    (of.folder / name).write_bytes(content[: int(rng.integers(0, len(content)))])


def _nan(of: Damage, rng: Rng, key: Ed25519PrivateKey) -> None:
    """Put a NaN or an infinity into a scale or bias; hash and signature hold."""
    manifest = json.loads(json.dumps(of.manifest))
    entry = manifest["models"]["river" if rng.random() < 0.5 else "leak"]
    model = onnx.load_from_string(of.whole[entry["file"]])
    floats = [one for one in model.graph.initializer if one.data_type == onnx.TensorProto.FLOAT]
    chosen = floats[int(rng.integers(len(floats)))]
    value = numpy_helper.to_array(chosen).copy()
    value.reshape(-1)[int(rng.integers(value.size))] = rng.choice([np.nan, np.inf])
    chosen.CopyFrom(numpy_helper.from_array(value, chosen.name))
    content = model.SerializeToString()
    (of.folder / entry["file"]).write_bytes(content)
    entry["sha256"] = hashlib.sha256(content).hexdigest()
    of.write(manifest, key)


def _shape(of: Damage, rng: Rng) -> None:
    """Sign a model of another shape, or one whose manifest says another, as ours."""
    manifest = json.loads(json.dumps(of.manifest))
    models = manifest["models"]
    river, leak = models["river"], models["leak"]
    kind = int(rng.integers(4))
    if kind == 0:  # consistent in itself, and not what the gateway feeds
        models["river"] = {**leak, "name": "river"}
    elif kind == 1:
        models["leak"] = {**river, "name": "leak", "rule": leak.get("rule", {})}
    else:
        entry = river if rng.random() < 0.5 else leak
        part = "inputs" if kind == 2 else "outputs"
        entry[part] += int(rng.integers(1, 9)) * (1 if rng.random() < 0.5 else -1)
    of.write(manifest, of.key)


KINDS: dict[str, Callable[[Damage, Rng], None]] = {
    "flip in a network": _flip(FILES[3:]),
    "flip in a text": _flip(TEXTS),
    "truncation": _truncate,
    "NaN, another's key": lambda of, rng: _nan(of, rng, Ed25519PrivateKey.generate()),
    "NaN, our own key": lambda of, rng: _nan(of, rng, of.key),
    "wrong shape, our own key": _shape,
}
SHARES = (0.45, 0.2, 0.2, 0.05, 0.05, 0.05)


def trials(of: Damage, count: int, rng: Rng) -> tuple[Counter[str], Counter[str]]:
    """Return how many trials of each kind there were, and how many were silent."""
    tried: Counter[str] = Counter()
    silent: Counter[str] = Counter()
    for kind in rng.choice(list(KINDS), count, p=SHARES).tolist():
        tried[kind] += 1
        silent[kind] += of.silent(kind, rng)
    return tried, silent
