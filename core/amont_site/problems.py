"""Say what is wrong in a site's file, where, and what to write instead, in two languages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from amont_site.texts import TEXTS, WARNINGS


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where (line from 1; 0: nowhere), which of TEXTS, its values."""

    file: str
    line: int
    path: str
    code: str
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def warning(self) -> bool:
        """Tell whether the site works all the same."""
        return self.code in WARNINGS

    def text(self, language: str = "en") -> str:
        """Return the sentence in "en" or "fr"."""
        return TEXTS[self.code][language == "fr"].format(**self.values)

    def line_text(self, language: str = "en") -> str:
        """Return file, line, severity, key path and sentence on one line."""
        severity = {"en": ("error", "warning"), "fr": ("erreur", "avertissement")}[language]
        place = f"{self.file}:{self.line}" if self.line else self.file
        path = f"{self.path}: " if self.path else ""
        return f"{place}: {severity[self.warning]}: {path}{self.text(language)}"


class SiteError(ValueError):
    """A site's file with errors; ``problems`` holds all that were found, warnings too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(problem.line_text() for problem in self.problems))


def dotted(path: tuple[str | int, ...]) -> str:
    """Return ("nodes", 0, "id") as nodes[0].id."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
