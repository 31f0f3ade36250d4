"""Load the signed models: nothing that is damaged, foreign or strange may compute in silence.

A folder of models holds ``manifest.json``, its Ed25519 signature ``manifest.sig`` (hex), the
public key ``release.pub`` (hex) and the ONNX files. Order of checks: signature over the
manifest's bytes, SHA-256 of each file, weights that are numbers, shapes, then a golden vector
through the session. Of all single flipped bits in an ONNX file, 41 % load without an error and
compute other numbers.

The key beside the models proves only that nothing was damaged: who can replace the folder can
replace the key with it. Whoever remembers a key passes it as ``trusted`` (``model_folder``).
"""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from amont_gateway.scoring.onnx_weights import all_finite
from amont_gateway.scoring.timeline import Floats

FORMAT = 1
MANIFEST, SIGNATURE, PUBLIC_KEY = "manifest.json", "manifest.sig", "release.pub"
MAX_MODEL_BYTES = 64 * 1024
MAX_TEXT_BYTES = 256 * 1024


class ModelError(Exception):
    """A model must not be used; the message says what and where."""


def read_bounded(path: Path, most: int) -> bytes:
    """Return a file's bytes; absent, unreadable or larger than ``most`` raises ModelError."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ModelError(f"{path.name}: {error.strerror or error}") from error
    if len(content) > most:
        raise ModelError(f"{path.name}: larger than {most} bytes")
    return content


def read_key(folder: Path) -> str:
    """Return the public key beside a folder's models, 64 hex digits; else raise ModelError."""
    try:
        text = read_bounded(folder / PUBLIC_KEY, 256).decode("ascii").strip().lower()
        if len(bytes.fromhex(text)) != 32:
            raise ValueError(text)
    except ValueError as error:
        raise ModelError(f"{PUBLIC_KEY}: no Ed25519 key") from error
    return text


def read_manifest(folder: Path, trusted: str | None = None) -> dict[str, Any]:
    """Return the manifest if its signature holds; else raise ModelError.

    With ``trusted`` only that key counts, whatever lies in the folder.
    """
    key = read_key(folder)
    if trusted is not None and key != trusted:
        raise ModelError(f"{PUBLIC_KEY}: another key ({key[:16]}…) than the one trusted here")
    content = read_bounded(folder / MANIFEST, MAX_TEXT_BYTES)
    try:
        signature = bytes.fromhex(read_bounded(folder / SIGNATURE, 256).decode("ascii").strip())
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, content)
    except (ValueError, InvalidSignature) as error:
        raise ModelError(f"{MANIFEST}: the signature does not hold") from error
    manifest = json.loads(content)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelError(f"{MANIFEST}: format is not {FORMAT}")
    return manifest


class Model:
    """One network in one ONNX Runtime session, checked with its golden vector."""

    def __init__(self, folder: Path, entry: dict[str, Any]) -> None:
        """Load the file that ``entry`` of the manifest names; ModelError if anything is off."""
        self.sha256 = str(entry["sha256"])
        self.name = f"{entry['name']} {entry['version']} {self.sha256[:12]}"
        self.rule: dict[str, float] = {k: float(v) for k, v in entry.get("rule", {}).items()}
        self._inputs, self._outputs = int(entry["inputs"]), int(entry["outputs"])
        content = read_bounded(folder / entry["file"], MAX_MODEL_BYTES)
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise ModelError(f"{entry['file']}: SHA-256 is not the manifest's")
        self._session = _open_session(content, entry["file"])
        _check_weights(content, entry["file"])
        self._check_golden(entry)

    @property
    def shape(self) -> tuple[int, int]:
        """Return how many numbers a row holds, and how many come out."""
        return self._inputs, self._outputs

    def __call__(self, rows: Floats) -> Floats:
        """Return the outputs (n, outputs) of ``rows`` (n, inputs); ModelError if not finite."""
        if rows.ndim != 2 or rows.shape[1] != self._inputs:
            raise ModelError(f"{self.name}: rows of shape {rows.shape}, not (n, {self._inputs})")
        if not np.isfinite(rows).all():
            raise ModelError(f"{self.name}: an input is not a finite number")
        answer = self._session.run(None, {"rows": rows.astype(np.float32)})[0]
        out = np.asarray(answer, dtype=np.float64)
        if out.shape != (len(rows), self._outputs) or not np.isfinite(out).all():
            raise ModelError(f"{self.name}: an output is not a finite number")
        return out

    def _check_golden(self, entry: dict[str, Any]) -> None:
        golden = entry["golden"]
        wanted = np.asarray(golden["out"], dtype=np.float64)
        got = self(np.asarray(golden["rows"], dtype=np.float64))
        # Written so that NaN fails.
        if got.shape != wanted.shape or not np.abs(got - wanted).max() <= golden["tolerance"]:
            raise ModelError(f"{entry['file']}: computes other values than its golden vector")


def _check_weights(content: bytes, file: str) -> None:
    try:
        finite = all_finite(content)
    except ValueError as error:
        raise ModelError(f"{file}: weights cannot be read: {error}") from error
    if not finite:
        raise ModelError(f"{file}: a weight is not a finite number")


def _open_session(content: bytes, file: str) -> Any:
    try:
        # Imported here: it takes a second and 50 MiB, and a site without models needs neither.
        ort: Any = import_module("onnxruntime")  # carries no types

        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = options.enable_mem_pattern = False
        options.log_severity_level = 3
        return ort.InferenceSession(
            content, options, providers=["CPUExecutionProvider"], enable_fallback=0
        )
    except Exception as error:  # the runtime raises many types of its own, and may be absent
        raise ModelError(f"{file}: {type(error).__name__}: {error}"[:200]) from error
