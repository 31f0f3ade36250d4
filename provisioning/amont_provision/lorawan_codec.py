"""Give the JavaScript that shows a sealed frame's header in a network server's console."""

from __future__ import annotations

from importlib import resources

FILE = "lorawan_codec.js"


def text() -> str:
    """Return the codec, for ChirpStack and The Things Stack alike."""
    return resources.files("amont_provision").joinpath(FILE).read_text(encoding="utf-8")
