"""Carry out what was decided: outputs first, records second. Try the sirens when it is time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from amont_watch import siren as alarm

from .decide import Decision, Judge
from .practice import DRILL, TEST, Practice
from .relay import Output
from .supervise import TEST_CUT

# What the key at the box asks for, by what its contacts tell
_KEYS = {"mute": alarm.MUTE, "bypass": alarm.START_BYPASS, "bypass over": alarm.END_BYPASS}


class Sirens:
    """All outputs, and who moves them: the judge, the key at the box, the schedule."""

    def __init__(
        self, outputs: dict[str, Output], judge: Judge, practice: Practice,
        keep: Callable[[], None], record: Callable[[dict[str, Any]], None],
    ) -> None:  # fmt: skip
        """Take the outputs as they are found.

        ``keep`` stores what a restart needs, ``record`` writes the audit.
        """
        self.outputs, self.practice = outputs, practice
        self._judge, self._keep, self._record = judge, keep, record

    def drive(self, now_s: float) -> None:
        """Tell every output what it is to do now."""
        for name, output in self.outputs.items():
            output.drive(self._judge.sounding(name), now_s)

    def carry_out(self, decisions: list[Decision], now_s: float, wall_ms: int) -> None:
        """Drive the sirens that were decided about, keep that they were, then record why."""
        for name in {decision.siren for decision in decisions} - {""}:
            self.outputs[name].drive(self._judge.sounding(name), now_s)
        if any(decision.actions for decision in decisions):
            self._keep()  # a kill must leave no alarm that the audit tells and a restart ends
        for decision in decisions:
            self._record(decision.record)
            for action in decision.actions:
                self._practise(decision.siren, action, now_s, wall_ms)

    def look(self, now_s: float) -> list[Decision]:
        """Look at what is wired; return what came of the keys."""
        return [
            self._judge.ask(name, _KEYS[event], alarm.KEY, 0, now_s)
            for name, output in self.outputs.items()
            for event in output.look(now_s)
        ]

    def practise(self, now_s: float, wall_ms: int) -> list[Decision]:
        """Begin the tests and drills that are due."""
        asked = []
        for name, kind in self.practice.look(now_s, wall_ms, self._judge.at_rest):
            drill = self._judge.sirens[name].config.practice["drill"]
            asked.append((name, kind, alarm.SCHEDULE, drill["seconds"] if kind == DRILL else 0))
        return [self._judge.ask(*one, now_s) for one in asked]

    def findings(self, name: str, now_s: float, wall_ms: int) -> dict[str, int]:
        """Return what is wrong with one siren, as code and level."""
        missed = self.practice.findings(name, now_s, wall_ms)
        return {**self.outputs[name].findings(now_s), **missed}

    def close(self, now_s: float) -> None:
        """Leave every siren off."""
        for output in self.outputs.values():
            output.drive(False, now_s)
            output.close()

    def _practise(self, name: str, action: alarm.Action, now_s: float, wall_ms: int) -> None:
        output = self.outputs[name]
        if action.kind == alarm.TEST_START:
            output.start_test(now_s)
        elif action.kind == alarm.TEST_END:
            found = output.end_test(now_s)
            self._tried(name, TEST, found, now_s, wall_ms)
        elif action.rule == "drill over":
            self._tried(name, DRILL, output.findings(now_s), now_s, wall_ms)

    def _tried(
        self, name: str, kind: str, found: dict[str, int], now_s: float, wall_ms: int
    ) -> None:
        ok = False if alarm.FAULT in found.values() else None if TEST_CUT in found else True
        self.practice.done(name, kind, ok, now_s, wall_ms, self.outputs[name].result)
        self._record({"kind": "tried", "siren": name, "tried": kind, "ok": ok, "findings": found})
