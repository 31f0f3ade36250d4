"""Hold the words about the way through a LoRaWAN network on the page."""

from __future__ import annotations

from amont_gateway.lorawan_texts import REFUSED

# key: (French, English)
LORAWAN_TEXTS: dict[str, tuple[str, str]] = {
    "lorawan.caption": (
        "LoRaWAN : ce qui est passé depuis le démarrage",
        "LoRaWAN: what has come and gone since the start",
    ),
    "lorawan.server": ("Serveur", "Server"),
    "lorawan.state": ("État", "State"),
    "lorawan.link.ok": ("joint", "reached"),
    "lorawan.link.away": ("INJOIGNABLE", "AWAY"),
    "lorawan.link.refused": ("REFUSE", "REFUSES"),
    "lorawan.sent": ("Réponses confiées", "Answers handed over"),
    "lorawan.held": ("Retenues pour la ration", "Held back for the ration"),
    "lorawan.refused": ("Refusé", "Refused"),
    "lorawan.strangers": ("Appareils inconnus", "Unknown devices"),
} | {f"lorawan.why.{reason}": words for reason, words in REFUSED.items()}
