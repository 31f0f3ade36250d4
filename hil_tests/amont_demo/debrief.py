"""Sum a training up from the guard's own audit: who did what, and how long it took.

Reaction times are in people's own seconds: replayed time is turned back by the marks that were
made whenever its speed changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from amont_gateway.guard_events import ASKED, refusal_of, steps_of
from amont_gateway.guard_words import same, word_result

Record = dict[str, Any]
Marks = Sequence[tuple[float, int]]  # (real s, replayed Unix ms) at each new speed

_TEXTS = {
    "sounded": ("La sirène a sonné.", "The siren sounded."),
    "silent": ("La sirène n’a pas sonné.", "The siren did not sound."),
    "acknowledge": ("{who} a vu l’alarme après {s}.", "{who} saw the alarm after {s}."),
    "unseen": ("Personne n’a dit avoir vu l’alarme.", "Nobody said that they saw the alarm."),
    "asked": (
        "{who} a demandé le silence après {s} ; il fallait une deuxième personne.",
        "{who} asked for silence after {s}; a second person was needed.",
    ),
    "muted": (
        "Silence accordé, confirmé par {who}, après {s}.",
        "Silence granted, confirmed by {who}, after {s}.",
    ),
    "unmuted": ("La sirène n’a pas été coupée.", "The siren was not muted."),
    "reset": (
        "{who} a levé l’alarme {s} après la fin du danger.",
        "{who} cleared the alarm {s} after the danger was over.",
    ),
    "unreset": ("Personne n’a levé l’alarme.", "Nobody cleared the alarm."),
    "drill": ("Exercice, confirmé par {who}.", "Drill, confirmed by {who}."),
    "test": ("Essai silencieux lancé par {who}.", "A silent test was started by {who}."),
    "limits": ("Seuils, {who} : {outcome}", "Limits, {who}: {outcome}"),
    "refused": ("{who} {asked} – refusé : {outcome}", "{who} {asked} – refused: {outcome}"),
    "pins": ("Codes faux : {n} ({who}).", "Wrong PINs: {n} ({who})."),
}


def read(folder: Path) -> list[Record]:
    """Return the training guard's records, oldest first."""
    found = []
    for path in sorted(folder.glob("audit*.jsonl"), key=lambda p: p.stat().st_mtime):
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            if isinstance(record, dict):
                found.append(record)
    return found


def summary(records: Sequence[Record], marks: Marks, lang: str) -> list[str]:
    """Return the summary, a sentence a line."""
    return list(_lines(records, marks, lang))


def real_s(at_ms: int, marks: Marks) -> float:
    """Return the real second of a replayed moment; marks have rising times."""
    before = marks[0]
    for mark in marks[1:]:
        if mark[1] > at_ms:
            passed = (at_ms - before[1]) / max(1, mark[1] - before[1])
            return before[0] + passed * (mark[0] - before[0])
        before = mark
    return before[0] + (at_ms - before[1]) / 1000


def _lines(records: Sequence[Record], marks: Marks, lang: str) -> Iterator[str]:
    def say(key: str, **values: object) -> str:
        return _TEXTS[key][lang == "en"].format(**values)

    sounded = _first(records, "alarm")
    yield say("sounded" if sounded else "silent")
    if sounded:
        begin = real_s(sounded["at_ms"], marks)
        told = {"acknowledge": "acknowledged", "asked": "asked", "muted": "muted"}
        otherwise = {"acknowledge": "unseen", "muted": "unmuted"}
        after = [r for r in records if r.get("at_ms", 0) >= sounded["at_ms"]]
        for key, step in told.items():
            found = _first(after, step)
            if found and found.get("person"):
                passed = real_s(found["at_ms"], marks) - begin
                yield say(key, who=found["person"], s=_seconds(passed))
            elif key in otherwise:
                yield say(otherwise[key])
        yield from _reset(after, marks, say)
    yield from _others(records, lang, say)


def _reset(after: Sequence[Record], marks: Marks, say: Any) -> Iterator[str]:
    over, reset = _first(after, "hazard over"), _first(after, "reset")
    if over and reset:
        passed = real_s(reset["at_ms"], marks) - real_s(over["at_ms"], marks)
        yield say("reset", who=reset.get("person"), s=_seconds(passed))
    elif over:
        yield say("unreset")


def _others(records: Sequence[Record], lang: str, say: Any) -> Iterator[str]:
    for record in records:
        kind, asked, who = record.get("kind"), record.get("asked"), record.get("person")
        if kind == "limits" and who:
            outcome = word_result(str(record.get("code")), str(asked))
            yield say("limits", who=who, outcome=outcome[lang])
        elif kind == "siren" and who and refusal_of(record):
            wish, outcome = (
                ASKED.get(str(asked)) or same(str(asked)),
                word_result(refusal_of(record)),
            )
            yield say("refused", who=who, asked=wish[lang], outcome=outcome[lang])
        elif kind == "siren" and asked in ("test", "drill") and asked in steps_of(record):
            yield say(str(asked), who=who)
    wrong = [str(r.get("person")) for r in records if r.get("kind") == "wrong pin"]
    if wrong:
        yield say("pins", n=len(wrong), who=", ".join(dict.fromkeys(wrong)))


def _first(records: Sequence[Record], step: str) -> Record | None:
    return next((r for r in records if r.get("kind") == "siren" and step in steps_of(r)), None)


def _seconds(seconds: float) -> str:
    whole = max(0, round(seconds))
    return f"{whole // 60} min {whole % 60:02} s" if whole >= 60 else f"{whole} s"
