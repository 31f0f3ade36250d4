"""Word what supervision and practice find at a siren, in French and English.

docs/wiring.en.md and docs/wiring.fr.md tell how each is wired, and what to do about it.
"""

from __future__ import annotations

from amont_gateway.view import Text


def _pair(french: str, english: str) -> Text:
    return {"fr": french, "en": english}


FINDINGS: dict[str, Text] = {
    "line_open": _pair(
        "Ligne de la sirène coupée : elle ne sonnerait pas",
        "The siren’s line is cut: it would not sound",
    ),
    "line_short": _pair(
        "Ligne de la sirène en court-circuit : elle ne sonnerait pas",
        "The siren’s line is shorted: it would not sound",
    ),
    "line_ground": _pair(
        "Ligne de la sirène : défaut d’isolement à la terre",
        "The siren’s line leaks to earth",
    ),
    "line_high": _pair(
        "Ligne de la sirène : résistance trop élevée, connexion oxydée ?",
        "The siren’s line: resistance too high, a corroded connection?",
    ),
    "contact_open": _pair(
        "Le relais commandé ne se ferme pas : la sirène ne sonne pas",
        "The relay does not close when told to: the siren does not sound",
    ),
    "contact_welded": _pair(
        "Le contact du relais reste fermé sans ordre : contact soudé ?",
        "The relay’s contact stays closed without an order: welded?",
    ),
    "isolate_open": _pair(
        "Le relais d’isolement est ouvert : la sirène ne sonnerait pas",
        "The isolating relay is open: the siren would not sound",
    ),
    "isolate_stuck": _pair(
        "Le relais d’isolement ne s’ouvre pas : un contact soudé ne pourrait être coupé",
        "The isolating relay does not open: a welded contact could not be cut off",
    ),
    "coil_open": _pair(
        "Bobine du relais coupée : la sirène ne sonnerait pas",
        "The relay’s coil is open: the siren would not sound",
    ),
    "coil_over": _pair(
        "Bobine du relais : courant trop fort", "The relay’s coil draws too much current"
    ),
    "coil_stray": _pair(
        "Bobine du relais sous tension sans ordre", "The relay’s coil is powered without an order"
    ),
    "horn_silent": _pair(
        "La sirène commandée ne consomme rien : elle se tait",
        "The siren draws no current when commanded: it is silent",
    ),
    "horn_over": _pair("La sirène consomme trop de courant", "The siren draws too much current"),
    "horn_stray": _pair(
        "La sirène consomme du courant sans ordre : sonne-t-elle ?",
        "The siren draws current without an order: does it sound?",
    ),
    "battery_low": _pair(
        "Batterie de la sirène faible : elle ne sonnerait pas longtemps",
        "The siren’s battery is low: it would not sound for long",
    ),
    "battery_high": _pair(
        "Batterie de la sirène : tension trop haute, chargeur à voir",
        "The siren’s battery: voltage too high, see the charger",
    ),
    "mains_off": _pair(
        "Secteur absent : la sirène vit sur sa batterie",
        "Mains are off: the siren lives on its battery",
    ),
    "tamper": _pair("Coffret de la sirène ouvert", "The siren’s box is open"),
    "button_wet": _pair(
        "Bouton local : ses deux contacts se contredisent (humidité, fil coupé ?)",
        "Local button: its two contacts disagree (damp, a cut wire?)",
    ),
    "button_stuck": _pair("Bouton local coincé", "The local button is stuck"),
    "measure_missing": _pair(
        "Une mesure de surveillance n’arrive plus", "A supervised value no longer arrives"
    ),
    "output_lost": _pair(
        "La sortie de la sirène ne répond plus : elle ne sonnerait pas",
        "The siren’s output does not answer: it would not sound",
    ),
    "max_on": _pair(
        "La sirène sonne près de six minutes sans pause : le relais est relâché 10 secondes",
        "The siren sounded for nearly six minutes without a pause: the relay rests for 10 seconds",
    ),
    "test_partial": _pair(
        "Essai silencieux incomplet : il manque un contact ou un relais d’isolement",
        "The silent test is incomplete: a contact or the isolating relay is missing",
    ),
    "test_cut": _pair("Essai interrompu", "The test was cut short"),
    "test_missed": _pair(
        "Essai silencieux manqué depuis deux jours : la sirène n’est plus prouvée",
        "Silent test missed for two days: the siren is no longer proved",
    ),
    "drill_missed": _pair("Exercice prévu non tenu", "A planned drill was not held"),
}
