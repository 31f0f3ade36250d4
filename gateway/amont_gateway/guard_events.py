"""Word the guard's audit records for people; a record of an unknown kind is shown by its kind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from amont_gateway.finding_words import FINDINGS
from amont_gateway.guard_words import (
    LANGUAGES,
    LEVELS,
    RESULTS,
    RULES,
    STEPS,
    TRIED,
    Names,
    metres,
    named,
    same,
    word_limit,
    word_result,
)
from amont_gateway.view import Text

_STATES: dict[str, Text] = {
    "idle": {"fr": "au repos", "en": "idle"},
    "sound": {"fr": "SONNE", "en": "SOUNDS"},
    "muted": {"fr": "rendue muette", "en": "muted"},
    "latch": {"fr": "arrêtée, alarme à lever", "en": "off, alarm to be cleared"},
}
ASKED: dict[str, Text] = {
    "acknowledge": {"fr": "a vu l’alarme", "en": "has seen the alarm"},
    "mute": {"fr": "demande le silence", "en": "asks for silence"},
    "reset": {"fr": "lève l’alarme", "en": "clears the alarm"},
    "test": {"fr": "demande un essai", "en": "asks for a test"},
    "drill": {"fr": "demande un exercice", "en": "asks for a drill"},
    "stop": {"fr": "arrête l’essai ou l’exercice", "en": "stops the test or drill"},
    "limits": {"fr": "propose des seuils", "en": "proposes limits"},
    "keep": {"fr": "garde les seuils en vigueur", "en": "keeps the limits in force"},
    "bypass": {"fr": "met hors service à la clé", "en": "bypasses by key"},
    "bypass end": {"fr": "remet en service à la clé", "en": "ends the bypass by key"},
}
PEOPLE: dict[str, Text] = {  # who is no named person
    "local key": {"fr": "la clé sur place", "en": "the key at the box"},
    "schedule": {"fr": "le calendrier convenu", "en": "the agreed schedule"},
}
_REFUSED: Text = {"fr": "refusé : ", "en": "refused: "}
_IN_FORCE: Text = {"fr": "seuils en vigueur :", "en": "limits in force:"}
_KNOWN = {"start": "guard_start", "stop": "guard_stop", "lost": "guard_lost"}


def word_audit(record: dict[str, Any], names: Names) -> tuple[str, Text, str] | None:
    """Return (event kind, detail, what keeps it apart), or None if the state already shows it."""
    kind = str(record.get("kind"))
    if kind in ("fault", "fault over"):  # STATE carries these with their own words
        return None
    if kind == "siren":
        return _siren(record, names)
    if kind == "level":
        level = str(record.get("level"))
        return "station_level", _level(record, names), f"{record.get('station')} {level}"
    if kind in ("asked", "wrong pin"):
        event = "person_asked" if kind == "asked" else "person_pin"
        return event, _request(record, names), f"{record.get('person')} {record.get('asked')}"
    if kind == "limits":
        key = f"{record.get('station')} {record.get('limits_mm')} {record.get('code')}"
        return "limits_changed", _limits(record, names), key
    if kind == "tried":
        event = "siren_tried" if record.get("ok") is True else "siren_failed"
        return event, _tried(record, names), f"{record.get('siren')} {record.get('tried')}"
    return _KNOWN.get(kind, "guard_audit"), same(str(record.get("count", kind))), kind


def steps_of(record: dict[str, Any]) -> list[str]:
    """Return the rules of the state machine that fired, in order."""
    return [str(a.get("rule")) for a in _actions(record) if a.get("kind") == "record"]


def refusal_of(record: dict[str, Any]) -> str:
    """Return why a request was refused, "" if it was not."""
    return next((str(a.get("rule")) for a in _actions(record) if a.get("kind") == "refused"), "")


def who(person: object) -> Text:
    """Return a person's name, or in words who else it was."""
    return PEOPLE.get(str(person)) or same(str(person))


def _actions(record: dict[str, Any]) -> list[dict[str, Any]]:
    actions = record.get("actions")
    return [a for a in actions if isinstance(a, dict)] if isinstance(actions, list) else []


def _siren(record: dict[str, Any], names: Names) -> tuple[str, Text, str]:
    siren, state, mode = (str(record.get(name)) for name in ("siren", "state", "mode"))
    steps, refusal = steps_of(record), refusal_of(record)
    sounds = state == "sound" and not refusal and "acknowledged" not in steps
    event = "siren_sounds" if sounds else "siren_changes"
    if "asked" in record:
        words = _request(record, names)
        return event, words, f"{siren} {state} {mode} {record['asked']} {record.get('person')}"
    plain = _STATES.get(state) or same(state)
    words = _joined(STEPS.get(s) or same(s) for s in steps) if steps else plain
    what = _both(named(siren, names), words)
    return event, what, f"{siren} {state} {mode} {steps}"


def _request(record: dict[str, Any], names: Names) -> Text:
    """Return who asked for what, and what came of it."""
    words = _both(who(record.get("person")), _asked(record))
    if record.get("siren") or record.get("station"):
        place = named(str(record.get("siren") or record.get("station")), names)
        words = {x: f"{words[x]} ({place[x]})" for x in LANGUAGES}
    refusal, steps = refusal_of(record), [s for s in steps_of(record) if s != "acknowledged"]
    if refusal:
        why = RESULTS.get(refusal) or same(refusal)
        return {x: f"{words[x]} – {_REFUSED[x]}{_inside(why[x])}" for x in LANGUAGES}
    if steps:
        done = _joined(STEPS.get(s) or same(s) for s in steps)
        return {x: f"{words[x]} – {done[x]}" for x in LANGUAGES}
    return words


def _asked(record: dict[str, Any]) -> Text:
    asked = str(record.get("asked"))
    return ASKED.get(asked) or same(asked)


def _level(record: dict[str, Any], names: Names) -> Text:
    level, rule = str(record.get("level")), str(record.get("rule"))
    words = LEVELS.get(level) or same(level)
    because, limit = RULES.get(rule) or same(rule), word_limit(record)
    mark = {x: "" if level == "normal" else f" ({limit[x]})" for x in LANGUAGES}
    what = {x: f"{words[x]}{mark[x]}, {because[x]}" for x in LANGUAGES}
    return _both(named(str(record.get("station")), names), what if record.get("rule") else words)


def _limits(record: dict[str, Any], names: Names) -> Text:
    """Return what became of a change of limits; one without a person came into force."""
    four = record.get("limits_mm")
    marks = [metres(mm) for mm in four] if isinstance(four, list) else []
    numbers = {x: " / ".join(mark[x] for mark in marks) for x in LANGUAGES}
    place = named(str(record.get("station")), names)
    if not record.get("person"):
        return _both(place, {x: f"{_IN_FORCE[x]} {numbers[x]}" for x in LANGUAGES})
    outcome, asked = word_result(str(record.get("code")), "limits"), _asked(record)
    by, keeps = who(record["person"]), record.get("asked") == "keep"
    said = {x: f"{asked[x]}{'' if keeps else ' ' + numbers[x]} – " for x in LANGUAGES}
    words = {x: f"{by[x]} {said[x]}{_inside(outcome[x])}" for x in LANGUAGES}
    return _both(place, words)


def _tried(record: dict[str, Any], names: Names) -> Text:
    """Return how a silent test or a drill went, and what it found."""
    words = TRIED.get((str(record.get("tried")), record.get("ok") is True)) or same("?")
    codes = record.get("findings")
    found = [FINDINGS.get(c) or same(c) for c in codes] if isinstance(codes, dict) else []
    return _both(named(str(record.get("siren")), names), _joined([words, *found]))


def _joined(texts: Iterable[Text]) -> Text:
    found = list(texts)
    return {x: ", ".join(text[x] for text in found) for x in LANGUAGES}


def _both(what: Text, words: Text) -> Text:
    return {"fr": f"{what['fr']} : {words['fr']}", "en": f"{what['en']}: {words['en']}"}


def _inside(sentence: str) -> str:
    """Return a sentence as part of another one."""
    return sentence[:1].lower() + sentence[1:].rstrip(".")
