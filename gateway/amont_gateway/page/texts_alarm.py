"""Hold the words about the page itself, frozen values, the siren and people's actions."""

from __future__ import annotations

ALARM_TEXTS: dict[str, tuple[str, str]] = {
    # page
    "page.skip": ("Aller à la sirène", "Skip to the siren"),
    "page.other_language": ("English", "Français"),
    "page.time": ("à {time}", "at {time}"),
    "page.languages": ("Langue", "Language"),
    "page.no_siren": (
        "Aucune sirène n’est déclarée pour ce site.",
        "This site declares no siren.",
    ),
    "page.title_sounding": ("LA SIRÈNE SONNE", "THE SIREN IS SOUNDING"),
    "page.title_frozen": ("VALEURS FIGÉES", "VALUES FROZEN"),
    "page.table": ("Les mêmes chiffres en tableau", "The same figures as a table"),
    # without JavaScript
    "plain.reloads": (
        "Sans JavaScript, cette page se recharge toutes les 10 secondes.",
        "Without JavaScript, this page reloads itself every 10 seconds.",
    ),
    "plain.hold": (
        "Arrêter le rechargement pour saisir un code",
        "Stop reloading, to type a code",
    ),
    "plain.held": (
        "Page arrêtée à {time} : elle ne se met PAS à jour.",
        "Page stopped at {time}: it does NOT update.",
    ),
    "plain.resume": ("Reprendre la mise à jour", "Resume updating"),
    # frozen
    "frozen.link": (
        "VALEURS FIGÉES — liaison perdue avec la passerelle depuis",
        "VALUES FROZEN — link with the gateway lost for",
    ),
    "frozen.link_advice": (
        "Ce qui est affiché est ancien. Ne vous y fiez pas : allez voir la rivière et la sirène. "
        "La page reprendra seule.",
        "What you see is old. Do not rely on it: go and look at the river and the siren. "
        "The page will recover by itself.",
    ),
    "frozen.guard": (
        "LE GARDIEN NE RÉPOND PLUS depuis {age}.",
        "THE GUARD HAS NOT ANSWERED for {age}.",
    ),
    "frozen.guard_unknown": (
        "LE GARDIEN NE RÉPOND PAS.",
        "THE GUARD DOES NOT ANSWER.",
    ),
    "frozen.guard_advice": (
        "Allez voir la rivière et la sirène. Prévenez le technicien : le gardien est le programme "
        "qui décide de la sirène.",
        "Go and look at the river and the siren. Call the technician: the guard is the program "
        "that decides about the siren.",
    ),
    "frozen.view": (
        "VALEURS FIGÉES — la passerelle ne met plus rien à jour depuis {age}.",
        "VALUES FROZEN — the gateway has updated nothing for {age}.",
    ),
    "frozen.view_advice": (
        "La page répond, mais ses valeurs ne bougent plus. Prévenez le technicien.",
        "The page answers, but its values no longer move. Call the technician.",
    ),
    "frozen.station": (
        "RELEVÉ ANCIEN — {name} : dernier relevé {age}.",
        "OLD READING — {name}: last reading {age}.",
    ),
    "frozen.station_none": (
        "AUCUN RELEVÉ — {name} n’a encore rien envoyé.",
        "NO READING — {name} has sent nothing yet.",
    ),
    "frozen.station_advice": (
        "La hauteur affichée n’est plus à jour : allez voir la rivière.",
        "The level shown is out of date: go and look at the river.",
    ),
    "status.database": (
        "La base d’historique ne répond pas : les relevés attendent au journal, rien n’est perdu.",
        "The history database does not answer: readings wait in the journal, nothing is lost.",
    ),
    "status.broker_away": (
        "Le serveur MQTT ne répond pas : les capteurs qui en dépendent gardent leurs relevés.",
        "The MQTT broker does not answer: the sensors that depend on it keep their readings.",
    ),
    "status.broker_refused": (
        "Le serveur MQTT refuse la passerelle : vérifiez identité et droits.",
        "The MQTT broker refuses the gateway: check identity and rights.",
    ),
    "status.journal_full": (
        "JOURNAL PLEIN : les relevés ne sont plus acquittés, les nœuds les gardent.",
        "JOURNAL FULL: readings are no longer acknowledged, the nodes keep them.",
    ),
    "status.journal_read-only": (
        "JOURNAL EN LECTURE SEULE : les relevés ne sont plus acquittés, les nœuds les gardent.",
        "JOURNAL READ-ONLY: readings are no longer acknowledged, the nodes keep them.",
    ),
    "status.journal_fault": (
        "JOURNAL EN DÉFAUT : les relevés ne sont plus acquittés, les nœuds les gardent.",
        "JOURNAL FAULT: readings are no longer acknowledged, the nodes keep them.",
    ),
    # siren: headline and explanation
    "siren.section": ("Sirène — {name}", "Siren — {name}"),
    "siren.idle": ("Sirène au repos", "Siren at rest"),
    "siren.idle.more": ("Elle ne sonne pas.", "It is not sounding."),
    "siren.sound": ("LA SIRÈNE SONNE", "THE SIREN IS SOUNDING"),
    "siren.sound.more": ("Suivez le plan communal.", "Follow the emergency plan."),
    "siren.pause": ("ALARME — la sirène fait une pause", "ALARM — the siren is pausing"),
    "siren.pause.more": ("Elle va sonner de nouveau.", "It will sound again."),
    "siren.exercise": ("La sirène sonne : EXERCICE", "The siren sounds: DRILL"),
    "siren.exercise.more": ("Ceci n’est pas une alarme.", "This is not an alarm."),
    "siren.muted": ("Sirène coupée un moment", "Siren muted for a while"),
    "siren.muted.more": (
        "L’alarme dure toujours. Elle sonnera de nouveau à {time}.",
        "The alarm is still on. It will sound again at {time}.",
    ),
    "siren.muted.more_unknown": (
        "L’alarme dure toujours. Elle sonnera de nouveau.",
        "The alarm is still on. It will sound again.",
    ),
    "siren.latch": ("Sirène arrêtée, alarme à lever", "Siren stopped, alarm to be cleared"),
    "siren.latch.more": (
        "L’eau a baissé. Une personne doit lever l’alarme.",
        "The water has fallen. A person must clear the alarm.",
    ),
    "siren.fault": ("SIRÈNE EN DÉFAUT", "SIREN FAULT"),
    "siren.fault.more": ("Elle pourrait ne pas sonner.", "It may not sound."),
    "siren.unconfirmed": ("SIRÈNE COMMANDÉE, NON CONFIRMÉE", "SIREN COMMANDED, NOT CONFIRMED"),
    "siren.unconfirmed.more": (
        "Le relais ne répond pas : elle ne sonne peut-être pas. Allez voir.",
        "The relay does not answer: it may not be sounding. Go and look.",
    ),
    "siren.stuck": ("LA SIRÈNE SONNE SANS ORDRE", "THE SIREN SOUNDS WITHOUT AN ORDER"),
    "siren.stuck.more": (
        "Le relais est resté fermé. Allez voir.",
        "The relay stayed closed. Go and look.",
    ),
    "siren.unknown": ("ÉTAT DE LA SIRÈNE INCONNU", "STATE OF THE SIREN UNKNOWN"),
    "siren.unknown.more": ("Allez la voir.", "Go and look at it."),
    # siren: facts
    "siren.since": ("Depuis", "Since"),
    "siren.since.value": ("{moment}, soit {duration}", "{moment}, that is {duration}"),
    "siren.why": ("Pourquoi", "Why"),
    "siren.order": ("Ordre du gardien", "Guard’s order"),
    "siren.order.on": ("sonner", "sound"),
    "siren.order.off": ("se taire", "stay silent"),
    "siren.relay": ("Relais relu", "Relay read back"),
    "siren.relay.on": ("fermé : la sirène est alimentée", "closed: the siren is powered"),
    "siren.relay.off": ("ouvert : la sirène est hors tension", "open: the siren is unpowered"),
    "siren.relay.none": ("pas de relecture : non confirmé", "no read-back: not confirmed"),
    "siren.seen": ("Vu par", "Seen by"),
    "siren.seen.nobody": ("personne encore", "nobody yet"),
    "siren.mode": ("Mode", "Mode"),
    "siren.mode.armed": ("armée", "armed"),
    "siren.mode.test": ("essai", "test"),
    "siren.mode.drill": ("exercice", "drill"),
    "siren.mode.bypass": ("HORS SERVICE par la clé locale", "BYPASSED by the local key"),
    "siren.health": ("Santé", "Health"),
    "siren.health.ok": ("bonne", "good"),
    "siren.health.degraded": ("dégradée", "degraded"),
    "siren.health.fault": ("EN DÉFAUT", "FAULT"),
    "siren.simulated": ("Sirène simulée — {name}", "Simulated siren — {name}"),
    "siren.kind": ("Sortie", "Output"),
    "siren.kind.simulated": ("simulée, rien ne sonne dehors", "simulated, nothing sounds outside"),
    "siren.kind.real": ("relais réel", "real relay"),
    "siren.hear": ("Entendre", "Hear"),
    "siren.hear.long": ("Entendre la sirène sur cet appareil", "Hear the siren on this device"),
    "siren.line.unknown": ("Dernier état connu : plus à jour.", "Last known state: out of date."),
    "siren.line.relay.on": ("Relais confirmé : sous tension.", "Relay confirmed: powered."),
    "siren.line.relay.off": ("Relais confirmé : hors tension.", "Relay confirmed: unpowered."),
    "siren.line.relay.none": ("Relais non relu.", "Relay not read back."),
    "siren.line.mode.armed": ("Sirène armée.", "Siren armed."),
    "siren.line.mode.test": ("Essai en cours.", "A test is under way."),
    "siren.line.mode.drill": ("Exercice en cours.", "A drill is under way."),
    "siren.line.mode.bypass": ("HORS SERVICE par la clé locale.", "BYPASSED by the local key."),
    "siren.line.since": ("Depuis {moment} ({duration}).", "Since {moment} ({duration})."),
    "siren.line.seen": ("Vue par {names}.", "Seen by {names}."),
    "siren.line.unseen": ("Pas encore vue.", "Not yet seen."),
    # actions
    "act.title": ("Agir sur la sirène", "Act on the siren"),
    "act.note": (
        "Votre nom est enregistré. Cela ne coupe jamais la sirène.",
        "Your name is recorded. This never silences the siren.",
    ),
    "act.open": ("Agir, voir le détail", "Act, see details"),
    "act.person": ("Votre nom", "Your name"),
    "act.choose": ("Choisissez votre nom", "Choose your name"),
    "act.pin": ("Votre code", "Your PIN"),
    "act.acknowledge": ("J’ai vu l’alarme", "I have seen the alarm"),
    "act.more": ("Couper, lever, essayer, détail", "Mute, clear, test, details"),
    "act.mute": ("Couper", "Mute"),
    "act.minutes": ("Couper pendant", "Mute for"),
    "act.minutes.value": ("{count} min", "{count} min"),
    "act.mute.note": (
        "Couper demande deux personnes différentes en 60 secondes, pour 10 minutes au plus. "
        "Une montée plus grave sonne aussitôt.",
        "Muting takes two different people within 60 seconds, for 10 minutes at most. "
        "A worse rise sounds at once.",
    ),
    "act.reset": ("Lever l’alarme", "Clear the alarm"),
    "act.reset.note": ("Possible quand l’eau a baissé.", "Possible once the water has fallen."),
    "act.test": ("Essai court", "Short test"),
    "act.drill": ("Exercice", "Drill"),
    "act.test.note": (
        "L’essai et l’exercice font sonner. Une vraie alarme passe avant.",
        "A test and a drill do sound. A real alarm comes first.",
    ),
    "act.nobody": ("Personne n’est déclaré pour agir.", "Nobody is declared who may act."),
    "act.sending": ("Envoi…", "Sending…"),
    "act.lost": (
        "Pas de réponse : rien n’est sûr. Réessayez ou allez à la sirène.",
        "No answer: nothing is certain. Try again or go to the siren.",
    ),
    "act.unanswered": (
        "Le gardien n’a pas répondu : rien n’est sûr. Réessayez ou allez à la sirène.",
        "The guard did not answer: nothing is certain. Try again or go to the siren.",
    ),
    "act.busy": (
        "Trop de demandes à la fois. Réessayez.",
        "Too many requests at once. Try again.",
    ),
    # refusals before the guard is asked
    "refused.origin": (
        "Demande venue d’un autre site : refusée.",
        "Request from another site: refused.",
    ),
    "refused.token": (
        "Formulaire périmé : rechargez la page et recommencez.",
        "Form out of date: reload the page and try again.",
    ),
    "refused.size": ("Demande trop longue : refusée.", "Request too long: refused."),
    "refused.type": ("Format de demande refusé.", "Request format refused."),
    "refused.field": (
        "Champ manquant ou invalide : {field}.",
        "Missing or invalid field: {field}.",
    ),
    "refused.speed": ("Vitesse inconnue : {speed}.", "Unknown speed: {speed}."),
    "refused.clients": ("Trop de pages ouvertes.", "Too many open pages."),
    "refused.back": ("Retour à la page", "Back to the page"),
}
