"""List why a foreign message, or a part of it, is not a good reading: French, English."""

from __future__ import annotations

# why: (French, English)
WHY: dict[str, tuple[str, str]] = {
    "oversize": ("message trop grand", "message too large"),
    "malformed": ("message illisible", "message cannot be read"),
    "retained": (
        "message conservé par le courtier, sans heure : son âge est inconnu",
        "message kept by the broker, without a time: its age is not known",
    ),
    "flood": (
        "trop de messages sur ce sujet, ceux de trop sont perdus",
        "too many messages on this topic, those beyond the allowance are lost",
    ),
    "device": ("appareil sans capteur déclaré", "device without a declared sensor"),
    "path": ("rien à cet endroit du message", "nothing at this place of the message"),
    "number": ("n'est pas un nombre", "not a number"),
    "unit": ("unité inconnue ou autre que prévue", "unit unknown, or not the expected one"),
    "time": ("heure absente ou illisible", "time absent or not readable"),
    "future": ("daté dans le futur", "dated in the future"),
    "old": ("trop ancien (plus de 90 jours)", "too old (more than 90 days)"),
    "bounds": ("hors limites", "out of bounds"),
    "overtaken": (
        "total plus ancien que le dernier pris : déjà compté dans celui-ci",
        "total older than the last one taken: counted in that one already",
    ),
    "reset": (
        "le total a reculé : on repart de là, ce qui manque est inconnu",
        "the total went back: begun again from there, what is missing is not known",
    ),
    "many": ("trop de mesures en un message", "too many readings in one message"),
}
