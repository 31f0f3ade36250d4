"""Decide how fast a training flood runs: slowly while people have something to do, else quickly.

Pure: snapshots of the page and real time come in, a speed and a sentence come out. Rules that
people meet (two of them within 60 seconds, ten minutes to agree) are in the guard's time, so
whenever they act that time must be their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Text = dict[str, str]
SLOW = 1.0

PHASES: dict[str, Text] = {
    "calm": {
        "fr": "Calme : essayez un essai silencieux, un exercice, des seuils.",
        "en": "Calm: try a silent test, a drill, new limits.",
    },
    "rise": {"fr": "L’eau monte (temps accéléré).", "en": "The water rises (time runs faster)."},
    "act": {
        "fr": "La sirène sonne : à vous. Voir l’alarme, couper à deux.",
        "en": "The siren sounds: your turn. See the alarm, mute it, two of you.",
    },
    "fall": {
        "fr": "L’alarme dure, puis l’eau baisse (temps accéléré).",
        "en": "The alarm stands, then the water falls (time runs faster).",
    },
    "clear": {
        "fr": "L’eau a baissé : allez « voir la rivière », levez l’alarme.",
        "en": "The water has fallen: go and “look at the river”, clear the alarm.",
    },
    "end": {"fr": "Fin de l’entraînement.", "en": "The training is over."},
}


@dataclass(frozen=True)
class Pace:
    """How fast, and how long people get (real seconds)."""

    fast: float = 60.0
    calm_s: float = 180.0
    patience_s: float = 300.0  # for what is to be done, before time goes on without it


class Director:
    """Follow the flood from phase to phase."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self.phase = "calm"
        self._since_s: float | None = None

    @property
    def speed(self) -> float:
        """Return how fast time runs in this phase."""
        return self._pace.fast if self.phase in ("rise", "fall") else SLOW

    def look(self, view: Mapping[str, Any], real_s: float, flood_over: bool) -> bool:
        """Take a snapshot; return whether the phase changed."""
        if self._since_s is None:
            self._since_s = real_s
        after = self._next(view, real_s - self._since_s, flood_over)
        if after == self.phase:
            return False
        self.phase, self._since_s = after, real_s
        return True

    def go_on(self, real_s: float) -> None:
        """End a slow phase by hand."""
        after = {"calm": "rise", "act": "fall", "clear": "end"}.get(self.phase)
        if after is not None:
            self.phase, self._since_s = after, real_s

    def _next(self, view: Mapping[str, Any], for_s: float, flood_over: bool) -> str:
        sirens = view.get("sirens") or []
        states = {str(s.get("state")) for s in sirens}
        impatient = for_s >= self._pace.patience_s
        if self.phase in ("calm", "rise") and "sound" in states:
            return "act"
        if self.phase == "calm":
            return "rise" if for_s >= self._pace.calm_s else "calm"
        if self.phase == "rise":
            return "end" if flood_over else "rise"
        if self.phase == "act":
            return "fall" if impatient or all(map(_handled, sirens)) else "act"
        if self.phase == "fall":
            if states & {"sound", "muted"} or not (_low(view) or flood_over):
                return "fall"
            return "clear" if "latch" in states else "end"
        if self.phase == "clear":
            return "end" if impatient or states == {"idle"} else "clear"
        return "end"


def _low(view: Mapping[str, Any]) -> bool:
    """Tell whether every station is low enough for an alarm to be cleared."""
    levels = {str(s.get("level")) for s in view.get("stations") or []}
    return levels <= {"normal", "watch"}


def _handled(siren: Mapping[str, Any]) -> bool:
    """Tell whether people did with a siren what there is to do."""
    seen = bool(siren.get("acknowledged_by"))
    return siren.get("state") != "sound" and (seen or siren.get("state") == "idle")
