"""Say things in French and English: every ``texts_*.py`` beside this file adds its part."""

from __future__ import annotations

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


def say(code: str, language: str, **values: Any) -> str:
    """Return the sentence in "fr" or "en"; a reason among the values speaks that one too."""
    shown = {
        name: value.text(language) if isinstance(value, Told) else value
        for name, value in values.items()
    }
    return TEXTS[code][language == "en"].format(**shown)
