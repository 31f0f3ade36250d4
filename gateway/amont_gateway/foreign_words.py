"""Word what becomes of other people's sensors' messages, in French and English."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from amont_gateway.foreign_mapping import Refusal
from amont_gateway.foreign_reasons import WHY
from amont_gateway.view import Text

PROMISE: Text = {
    "fr": "non scellé : ne vote jamais, n'appuie aucun vote ; au plus une vigilance, comme avis",
    "en": "unsealed: never votes nor supports a vote; a watch at most, as advice",
}


STATES: dict[str, tuple[str, str]] = {
    "heard": ("entendue", "heard"),
    "waiting": ("attendue", "waited for"),
    "silent": ("MUETTE", "SILENT"),
    "cut": ("SANS COURTIER", "NO BROKER"),
}


def describe(sources: Iterable[Mapping[str, Any]]) -> list[str]:
    """Say of each source in ``/view.json`` what came of it and is worth, in both languages."""
    lines = [line for source in sources for line in of_source(source)]
    return [*lines, f"foreign sensors: {PROMISE['en']} · {PROMISE['fr']}"] if lines else []


def of_source(source: Mapping[str, Any]) -> list[str]:
    """Say of one source what came of it since the start, and what was refused."""
    state = STATES.get(source["state"], (source["state"],) * 2)
    counts = [source[name] for name in ("messages", "readings", "repeated")]
    french = "{} messages, {} mesures, {} déjà là".format(*counts)
    english = "{} messages, {} readings, {} repeats".format(*counts)
    head = f"foreign source {source['id']}: {state[1]}, {english} · {state[0]}, {french}"
    known = [(name, count) for name, count in source["refused"].items() if name in WHY]
    return [head] + [
        f"foreign source {source['id']}: {count} x {WHY[name][1]} · {WHY[name][0]}"
        for name, count in known
    ]


def why(code: str) -> Text:
    """Return the words of a refusal's code."""
    french, english = WHY[code]
    return {"fr": french, "en": english}


def refusal_text(source: str, refusal: Refusal) -> Text:
    """Say what was refused, and what was seen."""
    about = f"{source}/{refusal.sensor}" if refusal.sensor else source
    seen = f" ({refusal.seen})" if refusal.seen else ""
    words = why(refusal.why)
    return {
        "fr": f"{about} : {words['fr']}{seen}",
        "en": f"{about}: {words['en']}{seen}",
    }


def silent_text(source: str, topic: str, after_s: int, messages: int) -> Text:
    """Say that no usable reading of a source came for too long, and what to look at."""
    minutes = after_s // 60
    if messages:
        french, english = "rien d'utilisable", "nothing usable"
    else:
        french, english = f"rien n'est venu sur {topic}", f"nothing has come on {topic}"
    return {
        "fr": f"{source} : {french} depuis {minutes} min",
        "en": f"{source}: {english} for {minutes} min",
    }
