"""Hold the words of the incident report, French and English side by side."""

from __future__ import annotations

TEXTS: dict[str, tuple[str, str]] = {
    "title": ("Rapport d’incident", "Incident report"),
    "title.drill": ("Rapport d’exercice", "Drill report"),
    "made": ("Établi le {when} par Amont.", "Made on {when} by Amont."),
    "running": ("Incident en cours : rapport provisoire.", "Still going on: provisional report."),
    "training": (
        "ENTRAÎNEMENT – cette crue n’a pas eu lieu.",
        "TRAINING – this flood did not happen.",
    ),
    # what happened, in three sentences
    "what": ("Ce qui s’est passé", "What happened"),
    "rose": (
        "Le {when}, {station} a atteint le niveau « {level} » : {stage} mesurés, seuil {limit} "
        "({rule}).",
        "On {when}, {station} reached “{level}”: {stage} measured, limit {limit} ({rule}).",
    ),
    "rose.short": (
        "Le {when}, {station} a atteint le niveau « {level} ».",
        "On {when}, {station} reached “{level}”.",
    ),
    "drilled": (
        "Le {when}, un exercice de sirène a été tenu ; aucune crue n’était en cours.",
        "On {when} a siren drill was held; there was no flood.",
    ),
    "sounded": (
        "{siren} : ordre de sonner ({on}), {confirmed} ; dernier arrêt ({off}), pauses comprises.",
        "{siren}: ordered to sound ({on}), {confirmed}; last stop ({off}), pauses included.",
    ),
    "sounding": (
        "{siren} : ordre de sonner ({on}), {confirmed} ; elle sonne encore, pauses comprises.",
        "{siren}: ordered to sound ({on}), {confirmed}; it still sounds, pauses included.",
    ),
    "silent": ("Aucune sirène n’a sonné.", "No siren sounded."),
    "confirmed": ("confirmé par son contact ({at})", "confirmed by its contact ({at})"),
    "unconfirmed": (
        "sans confirmation par un contact (voir « Ce qui n’est pas connu »)",
        "not confirmed by a contact (see “What is not known”)",
    ),
    "people.did": ("Ont agi : {who}.", "People who acted: {who}."),
    "people.none": ("Personne n’a agi sur l’alarme.", "Nobody acted on the alarm."),
    "over": ("Retour au calme le {when}.", "Calm again on {when}."),
    # the curve
    "curve": ("Hauteur d’eau, seuils et sirène", "Stage, limits and siren"),
    "curve.about": (
        "Chaque trait numéroté renvoie au déroulé. Barre rouge : sirène commandée ; barre noire : "
        "contact fermé.",
        "Each numbered line refers to the sequence. Red bar: siren commanded; black bar: contact "
        "closed.",
    ),
    "curve.empty": ("Aucune mesure dans le journal.", "No reading in the journal."),
    "limits.recorded": (
        "Seuils en vigueur au début de l’incident, enregistrés alors.",
        "Limits in force as the incident began, recorded then.",
    ),
    "limits.file": (
        "Seuils du fichier de configuration d’aujourd’hui : ceux d’alors ne sont pas enregistrés.",
        "Limits of today’s site file: those of that day were not recorded.",
    ),
    "bar.commanded": ("commandée", "commanded"),
    "bar.confirmed": ("contact", "contact"),
    # tables
    "decided": ("Ce qui a décidé", "What decided"),
    "decided.about": (
        "Le gardien juge seul, par des règles fixes. Les modèles de prévision ne font jamais "
        "sonner.",
        "The guard alone judges, by fixed rules. Forecast models never sound the siren.",
    ),
    "col.no": ("N°", "No."),
    "col.when": ("Heure", "Time"),
    "col.what": ("Événement", "Event"),
    "col.level": ("Niveau", "Level"),
    "col.rule": ("Règle et seuil", "Rule and limit"),
    "col.readings": ("Mesures", "Readings"),
    "at.level": ("{station} : {level}", "{station}: {level}"),
    "at.limit": (", seuil {limit}", ", limit {limit}"),
    "reading": (
        "{sensor} : {value}, âge {age}{flags}, {freshness}",
        "{sensor}: {value}, {age} old{flags}, {freshness}",
    ),
    "fresh.0": ("âge prouvé", "age proved"),
    "fresh.1": ("âge supposé", "age assumed"),
    "fresh.2": ("âge inconnu", "age unknown"),
    "sequence": ("Déroulé, heure locale", "Sequence, local time"),
    "cut": (
        "{n} enregistrements au milieu ne sont pas montrés ici.",
        "{n} records in the middle are not shown here.",
    ),
    "people": ("Qui a fait quoi", "Who did what"),
    "people.about": (
        "Noms et heures tels que le gardien les a enregistrés après contrôle du code.",
        "Names and times as the guard recorded them after checking the PIN.",
    ),
    "forecast": ("Prévision avant l’incident", "Forecast before the incident"),
    "forecast.step": (
        "à {h} h : {p05} à {p95}, médiane {p50}",
        "within {h} h: {p05} to {p95}, median {p50}",
    ),
    "forecast.reaches": (
        "Émise le {when}. Niveau annoncé : {level}.",
        "Issued on {when}. Level foreseen: {level}.",
    ),
    "forecast.none": (
        "Aucune prévision enregistrée avant l’incident.",
        "No forecast was recorded before the incident.",
    ),
    # what is not known
    "unknown": ("Ce qui n’est pas connu", "What is not known"),
    "unknown.contact": (
        "{siren} : aucun contact ne confirme qu’elle a sonné ; le rapport ne dit que l’ordre.",
        "{siren}: no contact confirms that it sounded; the report tells the command only.",
    ),
    "unknown.simulated": (
        "{siren} est simulée : rien n’a sonné dehors.",
        "{siren} is simulated: nothing sounded outside.",
    ),
    "unknown.heard": (
        "Ce qui s’est entendu dans la commune : aucun microphone n’écoute.",
        "What was heard in the commune: no microphone listens.",
    ),
    "unknown.silent": (
        "{sensor} : pas de mesure valable entre {since} et {until}.",
        "{sensor}: no valid reading from {since} to {until}.",
    ),
    "unknown.deaf": (
        "Entre {since} et {until}, la passerelle n’entendait pas le gardien : des décisions "
        "peuvent manquer ici ; elles sont dans le fichier du gardien.",
        "From {since} to {until} the gateway did not hear the guard: decisions may be missing "
        "here; the guard’s own file has them.",
    ),
    "unknown.copy": (
        "Ce rapport repose sur la copie de la passerelle, non sur le fichier du gardien.",
        "This report rests on the gateway’s copy, not on the guard’s own file.",
    ),
    "unknown.journal": (
        "Le journal des mesures n’a pas pu être lu ({why}).",
        "The journal of readings could not be read ({why}).",
    ),
    "unknown.clock": (
        "Les heures sont celles de l’horloge de ce poste, qui peut avoir été fausse.",
        "Times are those of this machine’s clock, which may have been wrong.",
    ),
    "now": ("maintenant", "now"),
    # the audit
    "audit": ("Preuve", "Evidence"),
    "audit.head": (
        "Dernière ligne d’audit vue par la passerelle : n° {n}, empreinte {head}.",
        "Newest audit line that the gateway saw: no. {n}, hash {head}.",
    ),
    "audit.nohead": (
        "La passerelle n’a encore noté aucune empreinte de l’audit.",
        "The gateway has not yet noted any hash of the audit.",
    ),
    "audit.good": (
        "Fichier du gardien vérifié, intact. Réponse de la vérification : « {said} »",
        "The guard’s file was verified and is intact. The check answers: “{said}”",
    ),
    "audit.bad": (
        "LE FICHIER DU GARDIEN N’EST PAS INTACT : {said}",
        "THE GUARD’S FILE IS NOT INTACT: {said}",
    ),
    "audit.unchecked": (
        "Fichier du gardien non vérifié ici. Pour le faire, sur le poste : "
        "sudo amont-guard verify",
        "The guard’s file was not verified here. To do so, on the machine: "
        "sudo amont-guard verify",
    ),
    "promise": (
        "Amont complète les alertes officielles, ne les remplace pas, et n’est certifié à aucun "
        "niveau de sûreté.",
        "Amont supplements official warnings, does not replace them, and is certified to no "
        "safety level.",
    ),
    # events of the gateway and of relays
    "relay.on": ("{siren} : ordre de sonner", "{siren}: commanded to sound"),
    "relay.off": ("{siren} : ordre d’arrêt ou pause", "{siren}: commanded off, or pause"),
    "contact.closed": (
        "{siren} : le contact confirme qu’elle est alimentée",
        "{siren}: the contact confirms that it is powered",
    ),
    "contact.open": ("{siren} : le contact est ouvert", "{siren}: the contact is open"),
    "link.lost": (
        "La passerelle n’entend plus le gardien",
        "The gateway no longer hears the guard",
    ),
    "link.back": (
        "La passerelle entend de nouveau le gardien",
        "The gateway hears the guard again",
    ),
    "fault": ("Panne : {text}", "Fault: {text}"),
    "fault over": ("Fin de panne : {text}", "Fault over: {text}"),
    "start": ("Le gardien a démarré", "The guard started"),
    "stop": ("Le gardien s’est arrêté", "The guard stopped"),
}


class Words:
    """Look texts up in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._column = 1 if lang == "en" else 0

    def __call__(self, key: str, **values: object) -> str:
        """Return a text, its fields filled in."""
        return TEXTS[key][self._column].format(**values)
