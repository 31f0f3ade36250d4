"""Hold the words about the page itself, frozen values, the siren and training."""

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
    "page.colon": (" : ", ": "),
    "page.and": ("{first} et {last}", "{first} and {last}"),
    "page.home": ("La situation maintenant", "The situation now"),
    "page.others": ("Autres pages", "Other pages"),
    "page.taken": ("État à {time}.", "State at {time}."),
    "page.to_content": ("Aller au contenu", "Skip to the content"),
    # without JavaScript
    "plain.reloads": (
        "Sans JavaScript, cette page se recharge toutes les 10 secondes.",
        "Without JavaScript, this page reloads itself every 10 seconds.",
    ),
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
    "status.database_away": (
        "La base d’historique ne répond pas{since} : les relevés attendent au journal, rien n’est"
        " perdu.",
        "The history database has not answered{since}: readings wait in the journal, nothing is"
        " lost.",
    ),
    "status.database_refused": (
        "La base d’historique refuse la passerelle{since} : les relevés attendent au journal, rien"
        " n’est perdu. À vérifier : jeton et droits.",
        "The history database has refused the gateway{since}: readings wait in the journal,"
        " nothing is lost. To check: token and rights.",
    ),
    "status.database_since": (" depuis {age}", " for {age}"),
    "status.database_waiting": ("En attente : {rows} relevés", "Waiting: {rows} readings"),
    "status.database_oldest": (", le plus ancien {age}.", ", the oldest {age}."),
    "status.quarantine": (
        "La base d’historique a refusé {lines} lignes, mises de côté : au technicien de décider.",
        "The history database refused {lines} lines, set aside: for the technician to decide.",
    ),
    "status.broker_away": (
        "Le serveur MQTT ne répond pas : les capteurs qui en dépendent gardent leurs relevés.",
        "The MQTT broker does not answer: the sensors that depend on it keep their readings.",
    ),
    "status.broker_refused": (
        "Le serveur MQTT refuse la passerelle : vérifiez identité et droits.",
        "The MQTT broker refuses the gateway: check identity and rights.",
    ),
    "status.lorawan_away": (
        "Le serveur LoRaWAN ne répond pas : ses capteurs gardent leurs relevés.",
        "The LoRaWAN server does not answer: its sensors keep their readings.",
    ),
    "status.lorawan_refused": (
        "Le serveur LoRaWAN refuse la passerelle : vérifiez identité et droits.",
        "The LoRaWAN server refuses the gateway: check identity and rights.",
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
    "siren.exercise": ("EXERCICE en cours", "DRILL under way"),
    "siren.exercise.more": ("Ceci n’est PAS une alarme.", "This is NOT an alarm."),
    "siren.exercise.sounds": (
        "La sirène sonne dehors. Ceci n’est PAS une alarme.",
        "The siren sounds outside. This is NOT an alarm.",
    ),
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
    "siren.test": ("ESSAI SILENCIEUX en cours", "SILENT TEST under way"),
    "siren.test.more": (
        "Rien ne sonne dehors. Le relais est essayé, ligne isolée.",
        "Nothing sounds outside. The relay is tried with the line cut off.",
    ),
    "siren.bypass": ("SIRÈNE HORS SERVICE", "SIREN BYPASSED"),
    "siren.bypass.more": (
        "La clé locale l’a neutralisée : elle ne sonnera pas.",
        "The local key has taken it out of service: it will not sound.",
    ),
    "siren.silenced": (
        "ALARME — SIRÈNE HORS SERVICE",
        "ALARM — SIREN BYPASSED",
    ),
    "siren.silenced.more": (
        "La clé locale l’empêche de sonner. Prévenez la population autrement.",
        "The local key keeps it from sounding. Warn people by other means.",
    ),
    # siren: what was ordered, what the relay confirms
    "siren.step.ordered.on": ("Ordre : SONNER.", "Order: SOUND."),
    "siren.step.ordered.off": ("Ordre : se taire.", "Order: stay silent."),
    "siren.step.read.on": (
        "Relais : sous tension, relu {age}.",
        "Relay: powered, read back {age}.",
    ),
    "siren.step.read.off": (
        "Relais : hors tension, relu {age}.",
        "Relay: not powered, read back {age}.",
    ),
    "siren.step.now": ("à l’instant", "just now"),
    "siren.step.unread": (
        "Relais : pas de relecture, RIEN NE CONFIRME.",
        "Relay: not read back, NOTHING CONFIRMS.",
    ),
    "siren.step.waiting": ("On attend sa confirmation.", "Waiting for it to confirm."),
    "siren.step.differs": ("IL NE SUIT PAS L’ORDRE.", "IT DOES NOT FOLLOW THE ORDER."),
    "siren.step.unknown": (
        "Ni l’ordre ni le relais ne sont connus.",
        "Neither the order nor the relay is known.",
    ),
    "siren.steps": ("Ordre et confirmation", "Order and confirmation"),
    # siren: facts
    "siren.facts": ("Mesures, essais, exercices", "Measurements, tests, drills"),
    "siren.findings": ("Surveillance de la sirène", "Supervision of the siren"),
    "siren.health": ("Santé", "Health"),
    "siren.health.ok": ("bonne", "good"),
    "siren.health.degraded": ("dégradée", "degraded"),
    "siren.health.fault": ("EN DÉFAUT", "FAULT"),
    "siren.simulated": ("Sirène simulée — {name}", "Simulated siren — {name}"),
    "siren.kind": ("Sortie", "Output"),
    "siren.kind.simulated": ("simulée, rien ne sonne dehors", "simulated, nothing sounds outside"),
    "siren.kind.gpio": ("relais sur une broche", "relay on a pin"),
    "siren.kind.modbus": ("relais sur bus Modbus", "relay on a Modbus line"),
    "siren.silent_test": ("Essai silencieux", "Silent test"),
    "siren.drill": ("Exercice", "Drill"),
    "siren.hear": ("Entendre", "Hear"),
    "siren.hear.long": ("Entendre la sirène sur cet appareil", "Hear the siren on this device"),
    "siren.line.unknown": ("Dernier état connu : plus à jour.", "Last known state: out of date."),
    "siren.line.mode.armed": ("Sirène armée.", "Siren armed."),
    "siren.line.mode.test": ("Essai silencieux en cours.", "A silent test is under way."),
    "siren.line.mode.drill": ("Exercice en cours.", "A drill is under way."),
    "siren.line.mode.bypass": ("HORS SERVICE par la clé locale.", "BYPASSED by the local key."),
    "siren.line.until": ("Fin prévue à {time}.", "It ends at {time}."),
    "siren.line.since": ("Depuis {moment} ({duration}).", "Since {moment} ({duration})."),
    "siren.line.seen": ("Vue par {names}.", "Seen by {names}."),
    "siren.line.unseen": ("Personne ne l’a encore vue.", "Nobody has seen it yet."),
    "siren.line.mute_left": (
        "On peut encore la couper {duration} en tout.",
        "It may still be muted for {duration} in all.",
    ),
    "measured.line_ohm": ("Ligne", "Line"),
    "measured.coil_ma": ("Courant de bobine", "Coil current"),
    "measured.horn_ma": ("Courant de sirène", "Horn current"),
    "measured.battery_mv": ("Batterie", "Battery"),
    "measured.mains": ("Secteur", "Mains"),
    "measured.mains.1": ("présent", "present"),
    "measured.mains.0": ("COUPÉ", "OFF"),
    "measured.tamper": ("Coffret", "Cabinet"),
    "measured.tamper.1": ("OUVERT", "OPEN"),
    "measured.tamper.0": ("fermé", "closed"),
    "practice.none": ("aucun encore", "none yet"),
    "practice.ok": ("réussi {moment}", "passed {moment}"),
    "practice.failed": ("ÉCHEC {moment}", "FAILED {moment}"),
    "practice.cut": ("interrompu {moment}", "cut short {moment}"),
    "practice.next": ("prochain {moment}", "next {moment}"),
    "practice.unplanned": ("pas de prochain prévu", "no next one planned"),
    # training and demonstration
    "training.title": ("ENTRAÎNEMENT", "TRAINING"),
    "training.stripe": (
        "ENTRAÎNEMENT – aucune sirène n’est reliée",
        "TRAINING – no siren is connected",
    ),
    "training.flood": ("On rejoue : {flood}, {speed}.", "Replayed: {flood}, {speed}."),
}
