"""Word what happens on LoRaWAN, in French and English, as ``texts`` does the rest."""

from __future__ import annotations

# kind: (severity, French, English)
LORAWAN_EVENTS: dict[str, tuple[str, str, str]] = {
    "lorawan_refused": (
        "notice",
        "Message LoRaWAN refusé : {detail}",
        "LoRaWAN message refused: {detail}",
    ),
    "lorawan_joined": (
        "info",
        "Le nœud {n} a rejoint le réseau LoRaWAN",
        "Node {n} has joined the LoRaWAN network",
    ),
    "lorawan_problem": (
        "notice",
        "Le serveur LoRaWAN dit du nœud {n} : {detail}",
        "The LoRaWAN server says of node {n}: {detail}",
    ),
}

# reason of a refusal: what people are told
REFUSED: dict[str, tuple[str, str]] = {
    "size": ("message trop long", "message too long"),
    "json": ("ce n’est pas le JSON attendu", "not the JSON expected"),
    "topic": ("sujet inconnu", "unknown topic"),
    "device": (
        "l’appareil n’est pas un nœud de ce site",
        "the device is no node of this site",
    ),
    "port": ("port LoRaWAN d’un autre usage", "LoRaWAN port of another use"),
    "base64": ("base64 abîmé", "damaged base64"),
    "length": ("longueur impossible", "impossible length"),
    "node": ("trame d’un autre nœud", "another node’s frame"),
}
