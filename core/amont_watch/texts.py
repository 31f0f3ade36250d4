# What people read of rules and refusals, in both languages.

# Rules of vote.py and hazard.py
RULES = {
    "level": {"fr": "niveau mesuré", "en": "measured level"},
    "no data": {"fr": "aucune mesure valable", "en": "no valid reading"},
    "two votes": {"fr": "deux capteurs d'accord", "en": "two sensors agree"},
    "vote and support": {
        "fr": "un capteur, confirmé par un autre",
        "en": "one sensor, supported by another",
    },
    "vote and lost": {
        "fr": "un capteur, un autre perdu pendant la montée",
        "en": "one sensor, another lost while rising",
    },
    "lone sensor": {
        "fr": "seul capteur valable, mesures répétées",
        "en": "the only valid sensor, repeatedly",
    },
    "lost while rising": {
        "fr": "capteurs perdus pendant la montée",
        "en": "sensors lost while rising",
    },
    "vote withheld": {
        "fr": "un seul capteur au-dessus du seuil, non confirmé",
        "en": "one sensor above the limit, not confirmed",
    },
    "no data since restart": {
        "fr": "aucune mesure depuis le redémarrage",
        "en": "no reading since the restart",
    },
    "cleared": {"fr": "niveau redescendu durablement", "en": "level lastingly down"},
}

# Why the state machine refused what a person asked
REFUSALS = {
    "no name": {"fr": "il faut un nom", "en": "a name is needed"},
    "nothing to acknowledge": {"fr": "rien à acquitter", "en": "nothing to acknowledge"},
    "too many names": {
        "fr": "déjà vu par assez de personnes",
        "en": "seen by enough people already",
    },
    "nothing sounds": {"fr": "aucune sirène ne sonne", "en": "no siren is sounding"},
    "mute budget used": {
        "fr": "durée de silence épuisée pour cet événement",
        "en": "no silence left for this event",
    },
    "nothing to reset": {"fr": "rien à réarmer", "en": "nothing to reset"},
    "not acknowledged": {
        "fr": "personne n'a encore acquitté l'alarme",
        "en": "nobody has acknowledged the alarm yet",
    },
    "hazard not over": {
        "fr": "le niveau est encore trop haut",
        "en": "the level is still too high",
    },
    "not calm": {
        "fr": "impossible : niveau, sirène ou mode hors du calme",
        "en": "not possible: level, siren or mode is not calm",
    },
    "nothing to stop": {
        "fr": "ni essai ni exercice en cours",
        "en": "no test or drill is running",
    },
    "already bypassed": {"fr": "déjà hors service", "en": "already bypassed"},
    "two people needed": {"fr": "il faut deux personnes", "en": "it takes two people"},
    "local key only": {
        "fr": "seulement avec la clé, sur place",
        "en": "only with the key, at the box",
    },
    "not bypassed": {"fr": "n'est pas hors service", "en": "not bypassed"},
}

# Rows of the state machine's tables, and what people did, for the audit as people read it
STEPS = {
    "relay": {"fr": "ordre au relais", "en": "relay commanded"},
    "asked": {
        "fr": "demandé, une seconde personne doit confirmer",
        "en": "asked, one more to agree",
    },
    "acknowledged": {"fr": "vu", "en": "seen"},
    "alarm": {"fr": "alarme : la sirène sonne", "en": "alarm: the siren sounds"},
    "restart restores the alarm": {
        "fr": "redémarrage : l'alarme reprend",
        "en": "restart: the alarm goes on",
    },
    "hazard over": {
        "fr": "danger passé : sirène coupée, voyant allumé",
        "en": "hazard over: siren off, light on",
    },
    "level rose": {"fr": "niveau plus élevé", "en": "the level rose"},
    "muted": {"fr": "silence demandé", "en": "muted"},
    "level above the muted one": {
        "fr": "niveau plus haut qu'au moment du silence : la sirène sonne",
        "en": "higher than when muted: the siren sounds",
    },
    "mute over": {"fr": "fin du silence : la sirène sonne", "en": "mute over: the siren sounds"},
    "reset": {"fr": "réarmée", "en": "reset"},
    "restart ends test and drill": {
        "fr": "redémarrage : essai ou exercice terminé",
        "en": "restart: test or drill ended",
    },
    "hazard ends test and drill": {
        "fr": "l'eau monte : essai ou exercice interrompu",
        "en": "the water rises: test or drill cut short",
    },
    "stopped": {"fr": "essai ou exercice arrêté", "en": "test or drill stopped"},
    "bypass ended": {"fr": "clé remise : en service", "en": "key turned back: in service"},
    "test over": {"fr": "essai terminé", "en": "test over"},
    "drill over": {"fr": "exercice terminé", "en": "drill over"},
    "bypass over": {"fr": "durée hors service écoulée", "en": "bypass time over"},
    "bypass": {"fr": "hors service par la clé", "en": "bypassed by the key"},
    "test": {"fr": "essai silencieux", "en": "silent test"},
    "drill": {"fr": "exercice", "en": "drill"},
    "fault": {"fr": "panne", "en": "at fault"},
    "degraded": {"fr": "fonctionnement dégradé", "en": "degraded"},
    "healthy": {"fr": "tout fonctionne", "en": "all works"},
}
