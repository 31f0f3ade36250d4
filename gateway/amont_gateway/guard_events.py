"""Word the guard's audit records for people; what is not known is shown by its kind."""

from __future__ import annotations

from typing import Any

from amont_gateway.guard_words import LEVELS
from amont_gateway.view import Text

_STATES: dict[str, Text] = {
    "idle": {"fr": "au repos", "en": "idle"},
    "sound": {"fr": "SONNE", "en": "SOUNDS"},
    "muted": {"fr": "rendue muette", "en": "muted"},
    "latch": {"fr": "arrêtée, alerte à lever", "en": "off, alert to be reset"},
}
_MODES: dict[str, Text] = {
    "test": {"fr": "essai", "en": "test"},
    "drill": {"fr": "exercice", "en": "drill"},
    "bypass": {"fr": "neutralisée à la clé", "en": "bypassed by key"},
}
_ASKED: dict[str, Text] = {
    "acknowledge": {"fr": "a vu l'alerte", "en": "has seen the alert"},
    "mute": {"fr": "demande le silence", "en": "asks for silence"},
    "reset": {"fr": "lève l'alerte", "en": "resets the alert"},
    "test": {"fr": "demande un essai", "en": "asks for a test"},
    "drill": {"fr": "demande un exercice", "en": "asks for a drill"},
}


def word_audit(record: dict[str, Any]) -> tuple[str, Text, str] | None:
    """Return (event kind, detail, what keeps it apart), or None if the state already shows it."""
    kind = record.get("kind")
    if kind in ("fault", "fault over"):  # STATE carries these with their own words
        return None
    if kind == "siren":
        return _siren(record)
    if kind == "level":
        station = str(record.get("station"))
        level = str(record.get("level"))
        return "station_level", _both(station, LEVELS.get(level), level), f"{station} {level}"
    if kind in ("asked", "wrong pin"):
        event = "person_asked" if kind == "asked" else "person_pin"
        person, asked = str(record.get("person")), str(record.get("asked"))
        return event, _both(person, _ASKED.get(asked), asked), f"{person} {asked}"
    known = {"start": "guard_start", "stop": "guard_stop"}
    return known.get(str(kind), "guard_audit"), {"fr": str(kind), "en": str(kind)}, str(kind)


def _siren(record: dict[str, Any]) -> tuple[str, Text, str]:
    siren, state, mode = (str(record.get(name)) for name in ("siren", "state", "mode"))
    event = "siren_sounds" if state == "sound" else "siren_changes"
    text = _both(siren, _STATES.get(state), state)
    if mode in _MODES:
        word, how = _STATES.get(state, {}), _MODES[mode]
        words = {x: f"{word.get(x, state)} ({how[x]})" for x in ("fr", "en")}
        text = _both(siren, words, state)
    person = record.get("person")
    if person:
        text = {x: f"{t} – {person}" for x, t in text.items()}
    return event, text, f"{siren} {state} {mode}"


def _both(what: str, words: Text | None, otherwise: str) -> Text:
    words = words or {"fr": otherwise, "en": otherwise}
    return {"fr": f"{what} : {words['fr']}", "en": f"{what}: {words['en']}"}
