"""Word every code that the guard speaks, in French and English.

The guard says codes and numbers alone; here they become sentences. A code without words is shown
as the guard sent it, and a test holds that there is none. Places are named as the site names them:
``names`` maps the ids of sensors, stations and sirens to their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amont_gateway.bridge_words import is_bridge_code, word_bridge
from amont_gateway.finding_words import FINDINGS
from amont_gateway.view import Text

Names = Mapping[str, Text]
LANGUAGES = ("fr", "en")


def _pair(french: str, english: str) -> Text:
    return {"fr": french, "en": english}


# What brought a level: rules of amont_watch.vote and amont_watch.hazard
RULES: dict[str, Text] = {
    "level": _pair("niveau mesuré", "measured level"),
    "no data": _pair("aucune mesure valable", "no valid reading"),
    "two votes": _pair("deux capteurs d’accord", "two sensors agree"),
    "vote and support": _pair(
        "un capteur, confirmé par un autre", "one sensor, supported by another"
    ),
    "vote and lost": _pair(
        "un capteur, un autre perdu pendant la montée", "one sensor, another lost while rising"
    ),
    "lone sensor": _pair(
        "seul capteur valable, mesures répétées", "the only valid sensor, repeatedly"
    ),
    "lost while rising": _pair("capteurs perdus pendant la montée", "sensors lost while rising"),
    "votes outlast doubt": _pair(
        "deux capteurs au-dessus du seuil assez longtemps, malgré un doute",
        "two sensors above the limit long enough, in spite of doubt",
    ),
    "vote withheld": _pair(
        "un seul capteur au-dessus du seuil, non confirmé",
        "one sensor above the limit, not confirmed",
    ),
    "no data since restart": _pair(
        "aucune mesure depuis le redémarrage", "no reading since the restart"
    ),
    "cleared": _pair("niveau redescendu durablement", "level lastingly down"),
}

# Answers to a person: of the check of people, of the state machine, of changes of limits
RESULTS: dict[str, Text] = {
    "done": _pair("Fait.", "Done."),
    "second": _pair(
        "Une deuxième personne doit confirmer dans les 60 secondes.",
        "A second person must confirm within 60 seconds.",
    ),
    "agreed": _pair(
        "Deux personnes sont d’accord : les nouveaux seuils vaudront après le délai.",
        "Two people agree: the new limits will count after the delay.",
    ),
    "pin": _pair("Nom ou code inconnu.", "Unknown name or PIN."),
    "tries": _pair(
        "Trop d’essais : attendez 15 minutes, ou utilisez la clé sur place.",
        "Too many tries: wait 15 minutes, or use the key on site.",
    ),
    "expired": _pair("Demande trop ancienne : recommencez.", "Too old: try again."),
    "malformed": _pair("Demande incomplète.", "Incomplete request."),
    "unknown": _pair("Action, sirène ou station inconnue.", "Unknown action, siren or station."),
    "busy": _pair("Occupé : recommencez.", "Busy: try again."),
    "no name": _pair("Il faut un nom.", "A name is needed."),
    "nothing to acknowledge": _pair(
        "Aucune alarme à avoir vue en ce moment.", "There is no alarm to have seen now."
    ),
    "too many names": _pair("Déjà vu par assez de personnes.", "Seen by enough people already."),
    "nothing sounds": _pair("Aucune sirène ne sonne.", "No siren is sounding."),
    "mute budget used": _pair(
        "Durée de silence épuisée pour cet événement.", "No silence left for this event."
    ),
    "nothing to reset": _pair("Aucune alarme à lever.", "No alarm to clear."),
    "not acknowledged": _pair(
        "Personne n’a encore vu l’alarme : d’abord « J’ai vu l’alarme ».",
        "Nobody has seen the alarm yet: first “I have seen the alarm”.",
    ),
    "hazard not over": _pair("Le niveau est encore trop haut.", "The level is still too high."),
    "not calm": _pair(
        "Impossible maintenant : l’eau doit être basse et la sirène au repos.",
        "Not possible now: the water must be low and the siren at rest.",
    ),
    "nothing to stop": _pair("Ni essai ni exercice en cours.", "No test or drill is running."),
    "already bypassed": _pair("Déjà hors service.", "Already bypassed."),
    "two people needed": _pair("Il faut deux personnes.", "It takes two people."),
    "local key only": _pair("Seulement avec la clé, sur place.", "Only with the key, at the box."),
    "not bypassed": _pair("N’est pas hors service.", "Not bypassed."),
    "bounds": _pair(
        "Refusé : un seuil sort des bornes de cette station.",
        "Refused: a limit lies outside this station’s bounds.",
    ),
    "order": _pair(
        "Refusé : les quatre seuils doivent monter de vigilance à alarme grave.",
        "Refused: the four limits must rise from watch to severe alarm.",
    ),
    "unchanged": _pair(
        "Ces seuils valent déjà, ou sont déjà décidés.",
        "These limits are in force or agreed already.",
    ),
    "same person": _pair("Une autre personne doit être d’accord.", "Another person must agree."),
    "nothing to keep": _pair(
        "Rien à retirer : aucun changement n’est en route.",
        "Nothing to withdraw: no change is on its way.",
    ),
}
# The same code of a change of limits, where people have longer
_LIMITS_RESULTS: dict[str, Text] = {
    "second": _pair(
        "Proposé. Une deuxième personne doit saisir les mêmes seuils dans les 10 minutes.",
        "Proposed. A second person must enter the same limits within 10 minutes.",
    ),
    "done": _pair(
        "Changement retiré : les seuils en vigueur restent.",
        "Change withdrawn: the limits in force stay.",
    ),
    "not calm": _pair(
        "Refusé : ce changement ferait taire un niveau atteint en ce moment.",
        "Refused: this change would end a level that stands now.",
    ),
}

# Kinds of STATE.faults; {about} is the place's name, {detail} what the machine says
FAULTS: dict[str, Text] = {
    "config": _pair(
        "Configuration illisible, la dernière bonne copie sert : {detail}",
        "Configuration unreadable, the last good copy is in force: {detail}",
    ),
    "copy": _pair(
        "Pas de copie de secours de la configuration : {detail}",
        "No spare copy of the configuration: {detail}",
    ),
    "keys": _pair("Clés : {detail}", "Keys: {detail}"),
    "pending": _pair(
        "Réglages demandés pour les nœuds, non suivis : {detail}",
        "Settings asked for nodes, not followed: {detail}",
    ),
    "state": _pair("État enregistré illisible : {detail}", "Stored state unreadable: {detail}"),
    "audit": _pair(
        "Journal d’audit altéré à la ligne {detail}", "Audit record altered at line {detail}"
    ),
    "disk": _pair("Disque : {detail}", "Disk: {detail}"),
    "bridge": _pair("Pont radio{about} : {detail}", "Radio bridge{about}: {detail}"),
    "listener": _pair(
        "Second récepteur radio{about} : {detail}", "Second radio receiver{about}: {detail}"
    ),
    "gateway": _pair("La passerelle ne répond pas", "The gateway does not answer"),
    "internal": _pair(
        "Erreur interne du gardien, les sirènes restent servies : {detail}",
        "The guard’s own mistake, the sirens are still served: {detail}",
    ),
    "relay": _pair("{about} : {detail}", "{about}: {detail}"),
    "limits": _pair(
        "{about} : les seuils du fichier l’emportent sur ceux que des personnes avaient changés",
        "{about}: the limits of the site’s file outrank those that people had changed",
    ),
    "silent": _pair("Le capteur {about} n’est plus reçu", "Sensor {about} is no longer heard"),
    "unproved": _pair(
        "L’âge des mesures de {about} n’est pas prouvé : elles ne déclenchent pas la sirène",
        "The age of readings of {about} is not proved: they do not sound the siren",
    ),
    "drift": _pair(
        "Le capteur {about} s’écarte des autres depuis six heures : à vérifier",
        "Sensor {about} has been away from the others for six hours: check it",
    ),
    "more faults": _pair("D’autres pannes, non détaillées", "More faults, not shown one by one"),
}

_BRIDGES = {"bridge", "listener"}  # kinds that are about a port

# How a silent test or a drill went
TRIED: dict[tuple[str, bool], Text] = {
    ("test", True): _pair("essai silencieux réussi", "silent test passed"),
    ("test", False): _pair("ESSAI SILENCIEUX ÉCHOUÉ", "SILENT TEST FAILED"),
    ("drill", True): _pair("exercice tenu", "drill held"),
    ("drill", False): _pair("EXERCICE EN ÉCHEC", "DRILL FAILED"),
}

LEVELS: dict[str, Text] = {
    "normal": _pair("normal", "normal"),
    "watch": _pair("vigilance", "watch"),
    "warning": _pair("alerte", "warning"),
    "alarm": _pair("alarme", "alarm"),
    "alarm_plus": _pair("alarme grave", "severe alarm"),
    "unknown": _pair("inconnu", "unknown"),
}

# Rows of the state machine's tables
STEPS: dict[str, Text] = {
    "relay": _pair("ordre au relais", "relay commanded"),
    "asked": _pair("demandé, une seconde personne doit confirmer", "asked, one more to agree"),
    "acknowledged": _pair("vu", "seen"),
    "alarm": _pair("alarme : la sirène sonne", "alarm: the siren sounds"),
    "restart restores the alarm": _pair(
        "redémarrage : l’alarme reprend", "restart: the alarm goes on"
    ),
    "hazard over": _pair(
        "danger passé : sirène coupée, voyant allumé", "hazard over: siren off, light on"
    ),
    "level rose": _pair("niveau plus élevé", "the level rose"),
    "muted": _pair("silence accordé", "muted"),
    "level above the muted one": _pair(
        "niveau plus haut qu’au moment du silence : la sirène sonne",
        "higher than when muted: the siren sounds",
    ),
    "new vote while muted": _pair(
        "un autre capteur passe le seuil pendant le silence : la sirène sonne",
        "another sensor passed the limit while muted: the siren sounds",
    ),
    "mute over": _pair("fin du silence : la sirène sonne", "mute over: the siren sounds"),
    "reset": _pair("alarme levée", "alarm cleared"),
    "restart ends test and drill": _pair(
        "redémarrage : essai ou exercice terminé", "restart: test or drill ended"
    ),
    "hazard ends test and drill": _pair(
        "l’eau monte : essai ou exercice interrompu", "the water rises: test or drill cut short"
    ),
    "stopped": _pair("essai ou exercice arrêté", "test or drill stopped"),
    "bypass ended": _pair("clé remise : en service", "key turned back: in service"),
    "test over": _pair("essai terminé", "test over"),
    "drill over": _pair("exercice terminé", "drill over"),
    "bypass over": _pair("durée hors service écoulée", "bypass time over"),
    "bypass": _pair("hors service par la clé", "bypassed by the key"),
    "bypass goes on": _pair("toujours hors service par la clé", "still bypassed by the key"),
    "test": _pair("essai silencieux", "silent test"),
    "drill": _pair("exercice", "drill"),
    "fault": _pair("panne", "at fault"),
    "degraded": _pair("fonctionnement dégradé", "degraded"),
    "healthy": _pair("tout fonctionne", "all works"),
}


def word_result(code: str, kind: str = "") -> Text:
    """Word the answer to an action of a kind."""
    if kind in ("limits", "keep") and code in _LIMITS_RESULTS:
        return _LIMITS_RESULTS[code]
    return RESULTS.get(code) or same(code)


def word_fault(fault: Mapping[str, Any], names: Names) -> Text:
    """Word one of STATE's faults."""
    about, detail = str(fault.get("about") or ""), str(fault.get("detail") or "–")
    kind = str(fault.get("kind") or "")
    place, words = named(about, names), FAULTS.get(kind)
    details = FINDINGS.get(detail) or same(detail)
    if kind in _BRIDGES:
        place, details = same(f" {about}" if about else ""), word_bridge(detail)
    if words is None:
        return {x: f"{kind} {place[x]} {details[x]}" for x in LANGUAGES}
    return {x: words[x].format(about=place[x], detail=details[x]) for x in LANGUAGES}


def word_fault_name(name: str, names: Names) -> Text:
    """Word a fault by its name in the audit: kind, what it is about, detail."""
    kind, _, rest = name.partition(" ")
    about, _, detail = rest.partition(" ")
    if kind not in FAULTS:
        return same(name)
    port = kind in _BRIDGES and is_bridge_code(detail)
    if about not in names and not port:
        about, detail = "", rest
    return word_fault({"kind": kind, "about": about, "detail": detail}, names)


def word_reason(reason: Mapping[str, Any], names: Names) -> Text:
    """Word why a siren is as it is; empty where the guard gives no reason."""
    if not reason.get("station"):
        return {}
    place = named(str(reason["station"]), names)
    rule = RULES.get(str(reason.get("rule"))) or same(str(reason.get("rule")))
    stage, mark = metres(reason.get("stage_mm")), word_limit(reason)
    return {
        "fr": f"{place['fr']} : {stage['fr']} ({mark['fr']}), {rule['fr']}",
        "en": f"{place['en']}: {stage['en']} ({mark['en']}), {rule['en']}",
    }


def word_limit(reason: Mapping[str, Any]) -> Text:
    """Word the limit of a level: reached, not reached, or ahead when sensors were lost."""
    limit = metres(reason.get("limit_mm"))
    if reason.get("rule") == "lost while rising":
        return {"fr": f"seuil {limit['fr']}", "en": f"limit {limit['en']}"}
    sign = "<" if reason.get("level") == "normal" else "≥"
    return {x: f"{sign} {limit[x]}" for x in LANGUAGES}


def metres(value_mm: object) -> Text:
    """Write a length; a dash if it is not known."""
    if not isinstance(value_mm, int):
        return same("–")
    text = f"{value_mm / 1000:.2f}\u00a0m"
    return {"fr": text.replace(".", ","), "en": text}


def named(place: str, names: Names) -> Text:
    """Return what the site calls a place, its id if it has no name."""
    return names.get(place) or same(place)


def same(text: str) -> Text:
    """Return what needs no translation, or has none, for both languages."""
    return {"fr": text, "en": text}
