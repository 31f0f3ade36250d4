"""Sign a folder of models: manifest, golden vectors, signature, public key."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from amont_models.data import Floats
from amont_models.recipe import MODELS_DIR

KEY_VARIABLE = "AMONT_RELEASE_KEY"
DEFAULT_KEY = MODELS_DIR.parent / "build" / "release.key"
# In the network's units: 5 % of a zone's mean inflow, 1/400 of a station's spread near zero.
# Processors round int8 sums differently by less; a wrong file differs by more, if its hash held.
GOLDEN_TOLERANCE = 0.05
GOLDEN_ROWS = 6


def release_key() -> Ed25519PrivateKey:
    """Return the key named by AMONT_RELEASE_KEY, made on first use; it is never committed."""
    path = Path(os.environ.get(KEY_VARIABLE, DEFAULT_KEY))
    if path.is_file():
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    key = Ed25519PrivateKey.generate()
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(raw.hex() + "\n")
    return key


def golden(rows: Floats, outputs: Floats) -> dict[str, Any]:
    """Return a golden vector: some rows, what they gave, and how exactly it must come again."""
    rows32 = rows[:GOLDEN_ROWS].astype(np.float32)
    return {
        "rows": [[float(value) for value in row] for row in rows32],
        "out": [[round(float(value), 6) for value in row] for row in outputs[:GOLDEN_ROWS]],
        "tolerance": GOLDEN_TOLERANCE,
    }


def entry(name: str, version: str, path: Path, rows: Floats, outputs: Floats) -> dict[str, Any]:
    """Return a model's entry of the manifest."""
    content = path.read_bytes()
    return {
        "name": name,
        "version": version,
        "file": path.name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "inputs": rows.shape[1],
        "outputs": outputs.shape[1],
        "golden": golden(rows, outputs),
    }


def write_signed(folder: Path, manifest: dict[str, Any], key: Ed25519PrivateKey) -> None:
    """Write manifest.json, manifest.sig and release.pub."""
    content = (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    (folder / "manifest.json").write_bytes(content)
    (folder / "manifest.sig").write_text(key.sign(content).hex() + "\n")
    (folder / "release.pub").write_text(public.hex() + "\n")
