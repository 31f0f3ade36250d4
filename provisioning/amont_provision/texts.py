"""Say things in French and English: every ``texts_*.py`` beside this file adds its part."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from typing import Any

Texts = dict[str, tuple[str, str]]  # code: (French, English)


def _merged() -> Texts:
    """Return all parts as one; a code that two parts use is a mistake of ours."""
    found: Texts = {}
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if module.name.startswith("texts_"):
            part: Texts = importlib.import_module(f"amont_provision.{module.name}").TEXTS
            twice = found.keys() & part.keys()
            if twice:
                raise ValueError(f"{module.name}: used twice: {', '.join(sorted(twice))}")
            found |= part
    return found


TEXTS = _merged()


def say(code: str, language: str, **values: Any) -> str:
    """Return the sentence in "fr" or "en"."""
    return TEXTS[code][language == "en"].format(**values)


class Refused(Exception):
    """Something asked for that did not happen; ``text`` says why and what to do."""

    def __init__(self, code: str, **values: Any) -> None:
        self.code, self.values = code, values
        super().__init__(self.text("en"))

    def text(self, language: str) -> str:
        """Return the reason and the next step in "fr" or "en"."""
        return say(self.code, language, **self.values)
