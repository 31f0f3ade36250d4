"""Files on a board that can only open, list and remove: what is written is read back."""

from __future__ import annotations

from hashlib import sha256

from amont_provision.repl_asking import Asking

CHUNK_BYTES = 48  # 9 KB of heap on a micro:bit
NEW = ".new"


class FlatFiles:
    """One folder of files, without hashes; renames: whether the board can rename."""

    def __init__(self, asking: Asking, renames: bool) -> None:
        self._ask = asking.ask
        self._garbled = asking.garbled
        self._renames = renames

    def read(self, name: str) -> bytes | None:
        """Return a file's content, piece by piece."""
        if name not in self.names():
            return None
        self._ask(f"_f=open({name!r},'rb')")
        content = b""
        while piece := self._piece():
            content += piece
        self._ask("_f.close()")
        return content

    def write(self, name: str, content: bytes) -> None:
        """Replace a file; without renaming the old one is lost when this is cut off."""
        beside = self._beside(name)
        self._ask(f"import gc;_f=open({beside!r},'wb')")
        for start in range(0, len(content), CHUNK_BYTES):
            self._ask(f"_f.write({content[start : start + CHUNK_BYTES]!r});gc.collect()")
        self._ask("_f.close()")
        self._compare(beside, content)
        if self._renames:
            self.remove(name)
            self._ask(f"import os;os.rename({beside!r},{name!r})")
            self._compare(name, content)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        if name in self.names():
            self._ask(f"import os;os.remove({name!r})")

    def discard(self, name: str) -> None:
        """Remove what a write that did not end has left."""
        self.remove(self._beside(name))

    def list(self, folder: str) -> dict[str, tuple[int, str]]:
        """Return size and SHA-256 of all files, which have to be read for that."""
        if folder:
            return {}
        found = {name: self.read(name) for name in self.names() if not name.startswith(".")}
        return {
            name: (len(content), sha256(content).hexdigest())
            for name, content in found.items()
            if content is not None
        }

    def names(self) -> set[str]:
        """Return the names of all files."""
        return set(self._ask("import os;_r=' '.join(os.listdir())").split())

    def _beside(self, name: str) -> str:
        return name + NEW if self._renames else name

    def _piece(self) -> bytes:
        said = self._ask(f"_r=''.join(['%02x'%_b for _b in _f.read({CHUNK_BYTES})])")
        try:
            return bytes.fromhex(said)
        except ValueError:
            raise self._garbled("no hex") from None

    # Worn flash shows here, and nowhere else.
    def _compare(self, name: str, content: bytes) -> None:
        if self.read(name) != content:
            raise self._garbled("content differs")
