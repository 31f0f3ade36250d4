"""Hold every word of the local page, in French and English.

One row a text: ``key: (French, English)``. Placeholders are ``str.format`` names and are the
same in both languages; a test holds that.
"""

from __future__ import annotations

from amont_gateway.view import Text

LANGUAGES = ("fr", "en")

TEXTS: dict[str, tuple[str, str]] = {
    # page
    "page.tagline": ("rivière et eau potable", "river and drinking water"),
    "page.skip": ("Aller à la sirène", "Skip to the siren"),
    "page.other_language": ("English", "Français"),
    "page.time": ("Heure de la passerelle : {time}", "Gateway time: {time}"),
    "page.languages": ("Langue", "Language"),
    "page.no_siren": ("Aucune sirène n’est déclarée pour ce site.", "This site declares no siren."),
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
        "LE GARDIEN NE RÉPOND PLUS depuis {age} : l’état de la sirène est inconnu.",
        "THE GUARD HAS NOT ANSWERED for {age}: the state of the siren is unknown.",
    ),
    "frozen.guard_unknown": (
        "LE GARDIEN NE RÉPOND PAS : l’état de la sirène est inconnu.",
        "THE GUARD DOES NOT ANSWER: the state of the siren is unknown.",
    ),
    "frozen.guard_advice": (
        "Le gardien est le programme qui décide de la sirène. Allez voir la rivière et la sirène, "
        "et prévenez le technicien. Aucun relevé n’est perdu : les nœuds les gardent.",
        "The guard is the program that decides about the siren. Go and look at the river and the "
        "siren, and call the technician. No reading is lost: the nodes keep them.",
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
        "La base d’historique ne répond pas : les relevés attendent dans le journal, rien n’est perdu.",
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
    "siren.stuck.more": ("Le relais est resté fermé. Allez voir.", "The relay stayed closed. Go and look."),
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
    "siren.simulated": (
        "Sirène simulée : rien ne sonne dehors.",
        "Simulated siren: nothing sounds outside.",
    ),
    "siren.hear": ("Entendre la sirène sur cet appareil", "Hear the siren on this device"),
    "siren.hush": ("Ne plus l’entendre sur cet appareil", "Stop hearing it on this device"),
    # actions
    "act.title": ("J’ai vu l’alarme", "I have seen the alarm"),
    "act.note": (
        "« Vu » enregistre votre nom. Cela ne coupe jamais la sirène.",
        "“Seen” records your name. It never silences the siren.",
    ),
    "act.open": ("Signaler « vu », essayer, couper, lever…", "Mark seen, test, mute, clear…"),
    "act.person": ("Votre nom", "Your name"),
    "act.choose": ("Choisissez votre nom", "Choose your name"),
    "act.pin": ("Votre code", "Your PIN"),
    "act.acknowledge": ("Vu", "Seen"),
    "act.more": ("Couper, lever l’alarme, essayer", "Mute, clear the alarm, test"),
    "act.mute": ("Couper", "Mute"),
    "act.minutes": ("Couper pendant", "Mute for"),
    "act.minutes.value": ("{count} min", "{count} min"),
    "act.mute.note": (
        "Couper demande deux personnes différentes en 60 secondes, pour 10 minutes au plus. "
        "Une montée plus grave sonne aussitôt.",
        "Muting takes two different people within 60 seconds, for 10 minutes at most. "
        "A graver rise sounds at once.",
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
    "act.forgotten": (
        "La réponse à cet envoi n’est plus connue.",
        "The answer to this request is no longer known.",
    ),
    "act.busy": ("Trop de demandes à la fois. Réessayez.", "Too many requests at once. Try again."),
    # refusals before the guard is asked
    "refused.method": ("Méthode refusée.", "Method refused."),
    "refused.origin": ("Demande venue d’un autre site : refusée.", "Request from another site: refused."),
    "refused.token": (
        "Formulaire périmé : rechargez la page et recommencez.",
        "Form out of date: reload the page and try again.",
    ),
    "refused.size": ("Demande trop longue : refusée.", "Request too long: refused."),
    "refused.type": ("Format de demande refusé.", "Request format refused."),
    "refused.field": ("Champ manquant ou invalide : {field}.", "Missing or invalid field: {field}."),
    "refused.speed": ("Vitesse inconnue : {speed}.", "Unknown speed: {speed}."),
    "refused.clients": ("Trop de pages ouvertes.", "Too many open pages."),
    "refused.back": ("Retour à la page", "Back to the page"),
    # stations
    "station.section": ("Rivière — {name}", "River — {name}"),
    "station.on": ("sur {river}", "on the {river}"),
    "station.stage": ("Hauteur d’eau", "Water level"),
    "station.trend.up": ("monte de {rate}", "rising {rate}"),
    "station.trend.down": ("baisse de {rate}", "falling {rate}"),
    "station.trend.steady": ("stable", "steady"),
    "station.trend.unknown": ("tendance inconnue", "trend unknown"),
    "station.level": ("Niveau", "Level"),
    "level.normal": ("Normal", "Normal"),
    "level.watch": ("Vigilance", "Watch"),
    "level.warning": ("Alerte", "Warning"),
    "level.alarm": ("ALARME", "ALARM"),
    "level.alarm_plus": ("ALARME GRAVE", "GRAVE ALARM"),
    "level.unknown": ("Inconnu", "Unknown"),
    "station.sentence": ("{name} : {stage}, {trend} — {rest}.", "{name}: {stage}, {trend} — {rest}."),
    "station.sentence.none": ("{name} : hauteur inconnue.", "{name}: water level unknown."),
    "rest.normal": ("normal, {gap} sous la vigilance", "normal, {gap} below watch"),
    "rest.watch": ("vigilance, {gap} sous l’alerte", "watch, {gap} below warning"),
    "rest.warning": ("alerte, {gap} sous l’alarme", "warning, {gap} below alarm"),
    "rest.alarm": ("ALARME, {gap} au-dessus du seuil", "ALARM, {gap} above the threshold"),
    "rest.alarm_plus": ("ALARME GRAVE, {gap} au-dessus du seuil", "GRAVE ALARM, {gap} above the threshold"),
    "rest.held": (
        "{level} maintenue, l’eau est repassée sous le seuil",
        "{level} held, the water is back below the threshold",
    ),
    "rest.pending": (
        "au-dessus du seuil « {level} », pas encore confirmé",
        "above the “{level}” threshold, not yet confirmed",
    ),
    "rest.unknown": ("niveau d’alerte inconnu", "alert level unknown"),
    "station.read": ("Relevé {age}", "Read {age}"),
    "station.voting": ("Capteurs qui votent : {voting}", "Sensors that vote: {voting}"),
    "voting.one": (
        "un seul : un capteur en panne peut retarder ou fausser l’alarme",
        "one only: a faulty sensor may delay or falsify the alarm",
    ),
    "voting.two": ("deux", "two"),
    "voting.three": ("trois", "three"),
    "voting.one of two": ("un sur deux : l’autre manque", "one of two: the other is missing"),
    "voting.none": (
        "aucun : la sirène ne peut pas sonner d’elle-même",
        "none: the siren cannot sound by itself",
    ),
    "forecast.title": ("Prévision", "Forecast"),
    "forecast.range": ("dans les {hours} h : {low} à {high} au plus haut", "within {hours} h: {low} to {high} at the highest"),
    "forecast.reaches.none": ("aucun seuil en vue", "no threshold in sight"),
    "forecast.reaches.watch": ("peut atteindre la vigilance", "may reach watch"),
    "forecast.reaches.warning": ("peut atteindre l’alerte", "may reach warning"),
    "forecast.reaches.alarm": ("peut atteindre l’ALARME", "may reach ALARM"),
    "forecast.note": (
        "La prévision conseille. Elle ne fait jamais sonner.",
        "The forecast advises. It never sounds the siren.",
    ),
    "forecast.fault": (
        "Pas de prévision : modèle en défaut. Les seuils veillent.",
        "No forecast: model fault. The thresholds keep watch.",
    ),
    "forecast.no data": (
        "Pas de prévision : pas assez de relevés. Les seuils veillent.",
        "No forecast: not enough readings. The thresholds keep watch.",
    ),
    "forecast.inputs.no rain": ("calculée sans la pluie", "made without the rain"),
    "forecast.inputs.stage only": ("calculée avec la hauteur seule", "made from the level alone"),
    "advice.watch": ("Le modèle conseille : vigilance", "The model advises: watch"),
    "advice.warning": ("Le modèle conseille : alerte", "The model advises: warning"),
    # charts
    "chart.station": (
        "Courbe de la hauteur d’eau, {name} : {sentence}",
        "Chart of the water level, {name}: {sentence}",
    ),
    "chart.zone": (
        "Courbe du débit entrant, {name} : {sentence}",
        "Chart of the inflow, {name}: {sentence}",
    ),
    "chart.now": ("maintenant", "now"),
    "chart.watch": ("vigilance", "watch"),
    "chart.warning": ("alerte", "warning"),
    "chart.alarm": ("ALARME", "ALARM"),
    "chart.alarm_plus": ("ALARME GRAVE", "GRAVE ALARM"),
    "chart.no_data": ("aucun relevé à montrer", "no reading to show"),
    "legend.stage": ("hauteur mesurée", "measured level"),
    "legend.band": ("prévision, 8 chances sur 10 dans la bande", "forecast, 8 chances in 10 within the band"),
    "legend.history": ("relevés anciens, arrivés après coup", "older readings, arrived later"),
    "legend.inflow": ("débit mesuré", "measured inflow"),
    "legend.expected": ("débit attendu", "expected inflow"),
    "table.time": ("Heure", "Time"),
    "table.stage": ("Hauteur", "Level"),
    "table.inflow": ("Débit", "Inflow"),
    "table.expected": ("Attendu", "Expected"),
    "table.threshold": ("Seuil", "Threshold"),
    "table.horizon": ("Prévision à", "Forecast for"),
    "table.low": ("Bas", "Low"),
    "table.middle": ("Milieu", "Middle"),
    "table.high": ("Haut", "High"),
    # zones
    "zone.section": ("Eau potable — {name}", "Drinking water — {name}"),
    "zone.normal": ("Pas de fuite visible.", "No leak in sight."),
    "zone.watch": ("À surveiller : le débit dépasse l’habitude.", "To watch: the flow is above the usual."),
    "zone.leak": ("Fuite probable : ≈ {flow}, depuis {moment}.", "Probable leak: ≈ {flow}, since {moment}."),
    "zone.leak.no_time": ("Fuite probable : ≈ {flow}.", "Probable leak: ≈ {flow}."),
    "zone.leak.no_flow": ("Fuite probable.", "Probable leak."),
    "zone.unknown": ("Fuites : pas encore d’avis.", "Leaks: no opinion yet."),
    "zone.model.fault": ("Modèle en défaut : pas d’avis.", "Model fault: no opinion."),
    "zone.model.no data": ("Pas assez de relevés pour un avis.", "Not enough readings for an opinion."),
    "zone.inflow": ("Débit entrant", "Inflow"),
    "zone.night": ("Débit de nuit", "Night flow"),
    "zone.night.usual": ("{flow}, d’habitude {usual}", "{flow}, usually {usual}"),
    "zone.probability": ("Probabilité de fuite", "Probability of a leak"),
    "zone.old": ("Débit ancien : dernier relevé {age}.", "Old flow: last reading {age}."),
    # sensors and nodes
    "sensors.title": ("Capteurs", "Sensors"),
    "sensors.caption": ("Dernier relevé de chaque capteur", "Last reading of each sensor"),
    "sensors.promise": (
        "« Pleine » : le capteur parle directement au gardien, la sirène ne dépend de rien d’autre. "
        "« Réduite » : ses relevés passent par le réseau et la passerelle ; si l’un des deux tombe, "
        "le gardien ne les voit plus.",
        "“Full”: the sensor speaks straight to the guard, the siren depends on nothing else. "
        "“Weaker”: its readings pass through the network and the gateway; if either fails, "
        "the guard no longer sees them.",
    ),
    "sensors.name": ("Capteur", "Sensor"),
    "sensors.value": ("Valeur", "Value"),
    "sensors.age": ("Âge", "Age"),
    "sensors.freshness": ("Fraîcheur", "Freshness"),
    "sensors.promise.head": ("Promesse", "Promise"),
    "sensors.vote": ("Vote", "Vote"),
    "sensors.quality": ("Qualité", "Quality"),
    "freshness.proved": ("prouvée", "proved"),
    "freshness.assumed": ("supposée", "assumed"),
    "freshness.unknown": ("inconnue", "unknown"),
    "freshness.stale": ("PÉRIMÉE", "OUT OF DATE"),
    "promise.full": ("✔ pleine", "✔ full"),
    "promise.weaker": ("réduite", "weaker"),
    "vote.yes": ("oui", "yes"),
    "vote.no": ("non", "no"),
    "quality.good": ("bonne", "good"),
    "flag.range": ("hors limites", "out of range"),
    "flag.rate": ("variation trop vive", "changes too fast"),
    "flag.spike": ("pic isolé", "spike"),
    "flag.flat": ("figé", "flat line"),
    "flag.suspect": ("douteux", "suspect"),
    "flag.missing": ("manquant", "missing"),
    "flag.fault": ("capteur en défaut", "sensor fault"),
    "flag.held": ("valeur retenue", "held value"),
    "flag.test": ("essai", "test"),
    "flag.stale": ("périmé", "out of date"),
    "nodes.title": ("Nœuds", "Nodes"),
    "nodes.caption": ("Santé de chaque nœud", "Health of each node"),
    "nodes.name": ("Nœud", "Node"),
    "nodes.seen": ("Entendu", "Heard"),
    "nodes.state": ("État", "State"),
    "nodes.silent": ("MUET", "SILENT"),
    "nodes.talking": ("répond", "answers"),
    "nodes.battery": ("Pile", "Battery"),
    "nodes.radio": ("Signal", "Signal"),
    "nodes.outbox": ("À envoyer", "To send"),
    "nodes.backlog": ("Rattrapés", "Caught up"),
    "nodes.boots": ("Démarrages", "Starts"),
    "nodes.carrier": ("Par", "By"),
    "carrier.bridge": ("radio, direct", "radio, direct"),
    "carrier.mqtt": ("réseau (MQTT)", "network (MQTT)"),
    # events
    "events.title": ("Événements", "Events"),
    "events.none": ("Rien à signaler.", "Nothing to report."),
    "events.count": ("× {count}", "× {count}"),
    "severity.info": ("info", "info"),
    "severity.notice": ("à noter", "notice"),
    "severity.fault": ("défaut", "fault"),
    "severity.alarm": ("ALARME", "ALARM"),
    # demonstration
    "demo.title": ("Ceci est une démonstration", "This is a demonstration"),
    "demo.recorded": ("Enregistré pour de vrai", "Really recorded"),
    "demo.added": ("Ajouté", "Added"),
    "demo.phase": ("En ce moment", "Right now"),
    "demo.speed": ("Vitesse : {speed}", "Speed: {speed}"),
    "demo.speed.value": ("× {speed}", "× {speed}"),
    "demo.speed.pause": ("pause", "pause"),
    "demo.speed.choose": ("Choisir la vitesse", "Choose the speed"),
    # footer
    "foot.honest": (
        "Amont complète les alertes officielles (Vigicrues, préfecture, Météo-France). "
        "Il ne les remplace pas. En danger : 112.",
        "Amont adds to official warnings (Vigicrues, prefecture, Météo-France). "
        "It does not replace them. In danger: 112.",
    ),
    "foot.version": ("Amont {version}, site {site}", "Amont {version}, site {site}"),
    "foot.counters": ("Compteurs", "Counters"),
    "foot.data": ("Données brutes (JSON)", "Raw data (JSON)"),
    "foot.metrics": ("Mesures (Prometheus)", "Metrics (Prometheus)"),
}


class Words:
    """Look texts up in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._column = LANGUAGES.index(lang)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key``; an unknown key is a bug and raises ``KeyError``."""
        text = TEXTS[key][self._column]
        return text.format(**values) if values else text

    def either(self, key: str, fallback: str) -> str:
        """Return the text of ``key``, or ``fallback`` for words that come from outside."""
        return self(key) if key in TEXTS else fallback

    def of(self, text: Text, fallback: str = "") -> str:
        """Return this language of a bilingual ``text``, else the other one, else ``fallback``."""
        return text.get(self.lang) or next((t for t in text.values() if t), fallback)
