"""Say things in French and English: every ``texts_*.py`` beside this file adds its part.

A number brings its word along: ``{files:file|files}`` says "1 file" or "2 files".
"""

from __future__ import annotations

import errno
import importlib
import pkgutil
from pathlib import Path
from typing import Any

Texts = dict[str, tuple[str, str]]  # code: (French, English)


def parts() -> dict[str, Texts]:
    """Return each part's texts by its module's name; no code stands in two of them."""
    names = [module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])]
    return {
        name: importlib.import_module(f"amont_provision.{name}").TEXTS
        for name in names
        if name.startswith("texts_")
    }


TEXTS: Texts = {code: both for part in parts().values() for code, both in part.items()}


_SYSTEM = {
    errno.ENOENT: "system-absent",
    errno.EACCES: "system-denied",
    errno.EPERM: "system-denied",
    errno.EISDIR: "system-folder",
    errno.ENOTDIR: "system-no-folder",
    errno.ENOSPC: "system-full",
    errno.EROFS: "system-read-only",
}


class _Count(int):
    """A number in a sentence of one language."""

    french: bool

    def __format__(self, spec: str) -> str:
        one, bar, many = spec.partition("|")
        if not bar:
            return int(self).__format__(spec)
        alone = abs(self) < 2 if self.french else self == 1
        return f"{int(self)} {one if alone else many}"


class Told(Exception):
    """A reason that can be said in either language, also inside another one's sentence."""

    def __init__(self, code: str, **values: Any) -> None:
        self.code, self.values = code, values
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """Return the reason and the next step in "fr" or "en"."""
        return say(self.code, language, **self.values)


class Refused(Told):
    """Something asked for that did not happen; ``text`` says why and what to do."""


class Flaw(Told, ValueError):
    """What is wrong with a file; a Refused says with which, and what to do."""


def cause(error: OSError) -> Told | str:
    """Return why the system refused a file, without the file's name."""
    code = _SYSTEM.get(error.errno or 0)
    return Flaw(code) if code else error.strerror or str(error)


def say(code: str, language: str, **values: Any) -> str:
    """Return the sentence in "fr" or "en"; a reason among the values speaks that one too."""
    shown = {name: _in(language, value) for name, value in values.items()}
    return TEXTS[code][language == "en"].format(**shown)


def _in(language: str, value: object) -> object:
    if isinstance(value, Told):
        return value.text(language)
    if isinstance(value, OSError) and language == "fr" and value.errno in _SYSTEM:
        why = say(_SYSTEM[value.errno], language)
        return why if value.filename is None else f"{why} : {str(value.filename)!r}"
    if type(value) is not int:
        return value
    count = _Count(value)
    count.french = language == "fr"
    return count
