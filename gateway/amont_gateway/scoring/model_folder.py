"""Serve the models of a folder that may be replaced, damaged or foreign while they run.

What lies in the folder is read whole, checked aside and swapped in whole; what is refused changes
nothing. Files that arrive one after another are looked at when they have come to rest. The models
that were served last are kept in the gateway's own folder: with them a restart goes on where the
folder is half written, and their public key is the one that counts. It is trusted on first use and
changed by a person alone (``accept``).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from amont_gateway.scoring.model_files import (
    MANIFEST,
    MAX_MODEL_BYTES,
    MAX_TEXT_BYTES,
    PUBLIC_KEY,
    SIGNATURE,
    Model,
    ModelError,
    read_bounded,
    read_key,
    read_manifest,
)
from amont_gateway.scoring.river_decision import rule_of
from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES, RIVER_FEATURES
from amont_gateway.scoring.zone_features import ZONE_FEATURES
from amont_gateway.scoring.zone_test import LeakRule

# What the gateway feeds and reads: a model of another release is refused before it is asked.
SHAPES = {
    "river": (RIVER_FEATURES, len(HORIZONS_H) * len(QUANTILES)),
    "leak": (ZONE_FEATURES, 1),
}
NAMES = tuple(SHAPES)
KEPT = "models"  # in the gateway's folder
LOOK_S = 1.0  # real time between looks at the folder
REST_S = 5.0  # real time for which a changed folder must rest before it is judged
_TEXTS = (MANIFEST, SIGNATURE, PUBLIC_KEY)

Stamp = tuple[tuple[str, int, int, int], ...]  # name, time, size, inode of each file


@dataclass(frozen=True)
class ModelSet:
    """Models that came together; ``faults`` says per missing one why."""

    models: dict[str, Model] = field(default_factory=dict)
    rule: LeakRule = field(default_factory=LeakRule)
    faults: dict[str, str] = field(default_factory=dict)
    sha256: str = ""  # of the manifest, which holds those of the files

    @property
    def text(self) -> str:
        """Name the models with the beginning of their SHA-256."""
        return ", ".join(model.name for model in self.models.values())


def load_set(folder: Path, trusted: str | None = None) -> ModelSet:
    """Load and check the models of a folder; what is off is a fault of its model."""
    try:
        manifest = read_manifest(folder, trusted)
    except (ModelError, ValueError) as error:
        return ModelSet(faults=dict.fromkeys(NAMES, str(error)))
    sha256 = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
    models, faults, rule = {}, {}, LeakRule()
    for name in NAMES:
        try:
            model = Model(folder, manifest["models"][name])
            if model.shape != SHAPES[name]:
                raise ModelError(f"rows and outputs of {model.shape}, not {SHAPES[name]}")
            if name == "leak":
                rule = LeakRule.from_manifest(model.rule)
            else:
                rule_of(model)  # it must be one that can be used
            models[name] = model
        except (ModelError, KeyError, TypeError, ValueError) as error:
            faults[name] = f"{name}: {type(error).__name__}: {error}"
            if isinstance(error, ModelError):
                faults[name] = f"{name}: {error}"
    return ModelSet(models, rule, faults, sha256)


class ModelFolder:
    """A folder of models, looked at again and again; called from one thread."""

    def __init__(
        self,
        folder: Path,
        data: Path | None = None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the folder, and the gateway's own one to keep what was served (None: nowhere)."""
        self._folder = folder
        self._kept = None if data is None else data / KEPT
        self._now_s = now_s
        self._serves = ""  # SHA-256 of the manifest
        self._judged = self._seen = (_marks(folder), self._kept_marks())
        self._looked_s = self._changed_s = self._stirred_s = now_s()
        self._stirs = False
        self.refused = ""  # why what lies in the folder is not what is served
        self.unkept = ""  # why what is served could not be kept

    def first(self) -> ModelSet:
        """Return the folder's models, or those kept where the folder's are not all sound."""
        folder, _ = self._judged
        found = self._load()
        if not found.faults:
            return self._serve(found, folder)
        kept = ModelSet() if self._kept is None else load_set(_current(self._kept))
        if not kept.models or kept.faults:
            return found
        self.refused, self._serves = _why(found), kept.sha256
        return kept

    def stirs(self) -> bool:
        """Tell whether something lies there that was not judged yet; cheap, and asked often."""
        now_s = self._now_s()
        if now_s - self._stirred_s >= LOOK_S:
            self._stirred_s = now_s
            self._stirs = (_marks(self._folder), self._kept_marks()) != self._judged
        return self._stirs

    def renewed(self) -> ModelSet | None:
        """Return the folder's models if they are others than before, sound, and at rest."""
        now_s = self._now_s()
        if now_s - self._looked_s < LOOK_S:
            return None
        self._looked_s = now_s
        stamp = (_marks(self._folder), self._kept_marks())
        if stamp != self._seen:
            self._seen, self._changed_s = stamp, now_s
        if stamp == self._judged or now_s - self._changed_s < REST_S:
            return None
        self._judged = stamp
        found = self._load()
        self.refused = _why(found)
        if found.faults or found.sha256 == self._serves:
            return None
        return self._serve(found, stamp[0])

    def _load(self) -> ModelSet:
        try:
            trusted = None if self._kept is None else trusted_key(self._kept.parent)
        except ModelError as error:
            return ModelSet(
                faults=dict.fromkeys(NAMES, f"the trusted key cannot be read: {error}")
            )
        return load_set(self._folder, trusted)

    def _serve(self, found: ModelSet, folder: Stamp) -> ModelSet:
        self.unkept = ""
        if self._kept is not None:
            try:
                keep(self._folder, self._kept, found.sha256)
            except (OSError, ModelError) as error:
                self.unkept = str(error)
        self._serves = found.sha256
        self._judged = self._seen = (folder, self._kept_marks())
        return found

    def _kept_marks(self) -> Stamp:
        return () if self._kept is None else _marks(self._kept)


def trusted_key(data: Path) -> str | None:
    """Return the key that counts for a gateway's folder; None before its first models.

    Raise ModelError if there is one and it cannot be read.
    """
    kept = data / KEPT
    return read_key(_current(kept)) if _pointer(kept).exists() else None


def kept_models(data: Path) -> Path | None:
    """Return the folder of the models that a gateway served last; None if it kept none."""
    kept = data / KEPT
    return _current(kept) if _pointer(kept).exists() else None


def accept(folder: Path, data: Path) -> str:
    """Trust a folder's key from now on, and return it; ModelError unless its models are sound."""
    found = load_set(folder)
    if found.faults:
        raise ModelError(_why(found))
    keep(folder, data / KEPT, found.sha256)
    return read_key(folder)


def keep(folder: Path, kept: Path, sha256: str) -> None:
    """Copy a folder's models so that a power cut leaves the old copy or the new one whole.

    The copy is checked before it counts: files may be replaced while they are read.
    """
    files = {name: read_bounded(folder / name, MAX_TEXT_BYTES) for name in _TEXTS}
    for entry in read_manifest(folder)["models"].values():
        files[entry["file"]] = read_bounded(folder / entry["file"], MAX_MODEL_BYTES)
    if _holds(kept, files):
        _forget_others(kept)
        return
    target = kept / f"{sha256[:16]}-{os.urandom(4).hex()}"
    target.mkdir(parents=True)
    for name, content in files.items():
        _write(target / name, content)
    _sync(target)
    if load_set(target).sha256 != sha256:
        raise ModelError(f"{folder.name}: changed while it was copied")
    pointer = _pointer(kept)
    _write(pointer.with_suffix(".new"), target.name.encode())
    pointer.with_suffix(".new").replace(pointer)
    _sync(kept)
    _forget_others(kept)


def _forget_others(kept: Path) -> None:
    for old in kept.iterdir():
        if old.is_dir() and old != _current(kept):
            shutil.rmtree(old, ignore_errors=True)


def _holds(kept: Path, files: dict[str, bytes]) -> bool:
    try:
        return all(
            read_bounded(_current(kept) / name, MAX_TEXT_BYTES) == content
            for name, content in files.items()
        )
    except ModelError:
        return False


def _pointer(kept: Path) -> Path:
    return kept / "current"


def _current(kept: Path) -> Path:
    """Return the folder of the models kept last; one that is not there if there is none."""
    try:
        name = _pointer(kept).read_text("ascii").strip()
    except (OSError, ValueError):
        name = ""
    return kept / (name if name and "/" not in name and not name.startswith(".") else "none")


def _marks(folder: Path) -> Stamp:
    marks = []
    try:
        for entry in os.scandir(folder):
            about = entry.stat()
            marks.append((entry.name, about.st_mtime_ns, about.st_size, about.st_ino))
    except OSError:
        return ()
    return tuple(sorted(marks))


def _why(found: ModelSet) -> str:
    return "; ".join(dict.fromkeys(found.faults.values()))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
