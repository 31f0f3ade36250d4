"""Give a command's answers: results on stdout, everything else on stderr, in one language."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from amont_provision.texts import say

BAR_WIDTH = 24  # leaves room for label and count on 80 columns


class Output:
    """Where one command writes; the same calls serve a person and ``--json``."""

    def __init__(self, command: str, language: str, as_json: bool) -> None:
        self.command, self.language, self.as_json = command, language, as_json
        self._open_bar = False

    def text(self, code: str, **values: Any) -> str:
        """Return the sentence in the language asked for."""
        return say(code, self.language, **values)

    def say(self, code: str, **values: Any) -> None:
        """Tell a person a sentence on stderr; ``--json`` leaves it out."""
        if not self.as_json:
            self._aside(self.text(code, **values))

    def line(self, text: str) -> None:
        """Print a part of the result at once, for a person who waits; not with ``--json``."""
        if not self.as_json:
            self._end_bar()
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def progress(self, label: str, done: int, total: int) -> None:
        """Draw a bar on stderr if that is a terminal, and end it when all is done."""
        if not sys.stderr.isatty():
            return
        share = min(done, total) / total if total else 1.0
        full = int(share * BAR_WIDTH)
        bar = "█" * full + "·" * (BAR_WIDTH - full)
        sys.stderr.write(f"\r\x1b[K{label} {bar} {share:4.0%}")
        self._open_bar = True
        if done >= total:
            self._end_bar()
        sys.stderr.flush()

    def result(
        self, values: Mapping[str, Any], code: str | None = None, lines: Iterable[str] = ()
    ) -> None:
        """Print the command's one result.

        With ``--json`` that is ``values``; for a person it is the sentence ``code`` filled with
        ``values``, then ``lines``, or, with neither, one ``name: value`` a line.
        """
        self._end_bar()
        if self.as_json:
            sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
            return
        shown = [*([self.text(code, **values)] if code else []), *lines]
        shown = shown or [f"{name}: {value}" for name, value in values.items()]
        sys.stdout.write("".join(line + "\n" for line in shown))

    def refuse(self, code: str, text: str) -> None:
        """Say on stderr why nothing was done and what to do next, and in the object if asked."""
        self._end_bar()
        if self.as_json:
            self.result({"error": code, "text": text})
        self._aside(f"amont-provision {self.command}: {text}")

    def _aside(self, text: str) -> None:
        self._end_bar()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def _end_bar(self) -> None:
        if self._open_bar:
            self._open_bar = False
            sys.stderr.write("\n")
