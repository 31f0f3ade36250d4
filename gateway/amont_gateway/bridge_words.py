"""Word what the guard finds wrong with a bridge, in French and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# code: French, English; what follows the code is said behind it
_FOUND: dict[str, tuple[str, str]] = {
    "absent": (
        "introuvable ; vérifier câble et alimentation, et son nom dans le fichier du site",
        "not there; check cable and power, and its name in the site’s file",
    ),
    "full": (
        "n’accepte plus rien ; le débrancher et le rebrancher",
        "takes nothing any more; pull it out and put it back",
    ),
    "alike": (
        "plusieurs cartes branchées portent ce nom ; ajouter le numéro de série dans le fichier"
        " du site",
        "several boards that are plugged in have this name; add the serial number in the site’s"
        " file",
    ),
    "twin": (
        "deux cartes ont le même numéro ; ne garder que la bonne",
        "two boards have the same number; keep only the right one",
    ),
    "silent": (
        "branché mais muet ; le débrancher et le rebrancher",
        "plugged in but says nothing; pull it out and put it back",
    ),
    "radio": (
        "sa radio est en panne ; vérifier le module et l’antenne",
        "its radio has failed; check the module and the antenna",
    ),
    "idle": ("n’a pas pris ses réglages", "did not take its settings"),
    "deaf": (
        "n’entend aucun nœud ; vérifier l’antenne et les canaux",
        "hears no node; check the antenna and the channels",
    ),
    "airtime": (
        "temps d’émission de l’heure presque épuisé : seules les réponses urgentes partent",
        "this hour’s airtime is nearly used up: only urgent answers go out",
    ),
}
_SEEN: dict[str, tuple[str, str]] = {
    "transmit": ("émet et écoute", "transmits and listens"),
    "listen": ("écoute seulement", "only listens"),
}


def is_bridge_code(detail: str) -> bool:
    """Tell whether a fault's detail begins with a code of a bridge."""
    return detail.partition(":")[0] in _FOUND


def word_bridge(detail: str) -> dict[str, str]:
    """Word a fault's detail: a code, and behind it what helps a technician."""
    code, _, rest = detail.partition(": ")
    if code not in _FOUND:
        return {"fr": detail, "en": detail}
    french, english = _FOUND[code]
    behind = f" ({rest})" if rest else ""
    return {"fr": french + behind, "en": english + behind}


def describe_bridge(bridge: Mapping[str, Any]) -> str:
    """Say in a line how a bridge is, from ``/view.json``."""
    parts = [_SEEN.get(bridge["role"], ("", bridge["role"]))[1]]
    if not bridge["connected"]:
        return f"bridge {bridge['port']}: NOT THERE, {parts[0]}"
    if bridge["radio"]:
        parts.append(f"radio {bridge['radio']}")
    heard_s = bridge["heard_s"]
    since = "" if heard_s is None else f", the newest {heard_s} s ago"
    parts.append(f"{bridge['frames']} frames{since}")
    named = {
        "damaged": "damaged lines", "crc_errors": "frames damaged by the air",
        "waiting": "downlinks wait", "refused": "times held up by airtime",
        "lost": "lines lost",
    }  # fmt: skip
    parts += [f"{bridge[key]} {words}" for key, words in named.items() if bridge.get(key)]
    if bridge["airtime_ms"] is not None:
        parts.append(f"{bridge['airtime_ms'] / 36_000:.2f} % airtime")
    return f"bridge {bridge['port']}: {', '.join(parts)}"
