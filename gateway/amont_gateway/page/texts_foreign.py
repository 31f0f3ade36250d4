"""Hold the words about other people's sensors on the page."""

from __future__ import annotations

from amont_gateway.foreign_reasons import WHY

# key: (French, English)
FOREIGN_TEXTS: dict[str, tuple[str, str]] = {
    "foreign.caption": (
        "Capteurs tiers : ce qui est venu depuis le démarrage",
        "Foreign sensors: what has come since the start",
    ),
    "foreign.watch": (
        "Le capteur tiers {name} voit la vigilance ou plus : simple avis, il ne fait rien sonner.",
        "Foreign sensor {name} sees watch or above: advice alone, it makes nothing sound.",
    ),
    "foreign.name": ("Source", "Source"),
    "foreign.state": ("État", "State"),
    "foreign.heard": ("entendue", "heard"),
    "foreign.waiting": ("attendue", "waited for"),
    "foreign.silent": ("MUETTE", "SILENT"),
    "foreign.cut": ("SANS COURTIER", "NO BROKER"),
    "foreign.seen": ("Dernier relevé utile", "Last usable reading"),
    "foreign.messages": ("Messages", "Messages"),
    "foreign.readings": ("Mesures nouvelles", "New readings"),
    "foreign.refused": ("Refusé", "Refused"),
} | {f"refused.{why}": words for why, words in WHY.items()}
