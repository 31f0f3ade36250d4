"""Word every event that people see, in French and English.

A text may use ``{n}`` (node), ``{detail}``; a missing value shows as a dash.
"""

from __future__ import annotations

from amont_gateway.lorawan_texts import LORAWAN_EVENTS
from amont_gateway.view import Text

INFO, NOTICE, FAULT, ALARM = "info", "notice", "fault", "alarm"

# kind: (severity, French, English)
EVENTS: dict[str, tuple[str, str, str]] = {
    # frames that the guard refused, in the order of guard.messages.REASONS
    "frame_length": (
        NOTICE,
        "Trame de longueur impossible ({n})",
        "Frame of impossible length ({n})",
    ),
    "frame_version": (
        NOTICE,
        "Trame d’une autre version du format, nœud {n}",
        "Frame of another format version, node {n}",
    ),
    "frame_type": (NOTICE, "Trame de type inconnu, nœud {n}", "Frame of unknown type, node {n}"),
    "node_unknown": (
        NOTICE,
        "Nœud inconnu : {n} n’est pas inscrit sur ce site",
        "Unknown node: {n} is not enrolled at this site",
    ),
    "frame_key": (
        NOTICE,
        "Trame refusée, nœud {n} : mauvaise clé ou octets abîmés",
        "Frame refused, node {n}: wrong key or damaged bytes",
    ),
    "frame_replay": (
        NOTICE,
        "Trame rejouée ou trop ancienne refusée, nœud {n}",
        "Replayed or too old frame refused, node {n}",
    ),
    "frame_body": (
        FAULT,
        "Trame authentique mais illisible, nœud {n} : {detail}",
        "Authentic but unreadable frame, node {n}: {detail}",
    ),
    "frame_direction": (
        NOTICE,
        "Message descendant reçu de l’extérieur, nœud {n}",
        "Downlink received from outside, node {n}",
    ),
    "time_implausible": (
        NOTICE,
        "Mesure datée hors du possible, nœud {n} : gardée, non montrée ({detail})",
        "Reading with an impossible date, node {n}: kept, not shown ({detail})",
    ),
    # the broker
    "topic_mismatch": (
        NOTICE,
        "Message MQTT refusé : le sujet ne nomme pas le nœud {n} ({detail})",
        "MQTT message refused: the topic does not name node {n} ({detail})",
    ),
    "payload_size": (
        NOTICE,
        "Message MQTT refusé : {detail}",
        "MQTT message refused: {detail}",
    ),
    "broker_refused": (
        FAULT,
        "Le serveur MQTT refuse la passerelle : {detail}",
        "The MQTT broker refuses the gateway: {detail}",
    ),
    "broker_away": (
        NOTICE,
        "Serveur MQTT injoignable : {detail}",
        "MQTT broker unreachable: {detail}",
    ),
    "broker_ok": (
        INFO,
        "Serveur MQTT joint ({detail})",
        "MQTT broker reached ({detail})",
    ),
    "broker_session_lost": (
        NOTICE,
        "Le serveur MQTT a oublié notre session ; les nœuds renverront ({detail})",
        "The MQTT broker forgot our session; nodes will send again ({detail})",
    ),
    # other people's sensors
    "foreign_refused": (NOTICE, "Capteurs tiers – {detail}", "Foreign sensors – {detail}"),
    "foreign_silent": (
        NOTICE,
        "Capteurs tiers – {detail} ; voir amont-gateway sensors try",
        "Foreign sensors – {detail}; see amont-gateway sensors try",
    ),
    "foreign_conflict": (
        NOTICE,
        "Capteurs tiers – {detail} : deux valeurs pour la même seconde, la première reste",
        "Foreign sensors – {detail}: two values for the same second, the first one stays",
    ),
    # the journal
    "journal_full": (
        FAULT,
        "Disque plein : rien n’est acquitté, les nœuds gardent leurs mesures ({detail})",
        "Disk full: nothing is acknowledged, nodes keep their readings ({detail})",
    ),
    "journal_read_only": (
        FAULT,
        "Disque en lecture seule : rien n’est acquitté, les nœuds gardent tout ({detail})",
        "Disk is read-only: nothing is acknowledged, nodes keep their readings ({detail})",
    ),
    "journal_fault": (
        FAULT,
        "Panne du journal : rien n’est acquitté, les nœuds gardent leurs mesures ({detail})",
        "Journal fault: nothing is acknowledged, nodes keep their readings ({detail})",
    ),
    "journal_damaged": (
        FAULT,
        "Journal abîmé, mis de côté ; un nouveau commence ({detail})",
        "Journal damaged, moved aside; a new one starts ({detail})",
    ),
    "journal_row": (
        FAULT,
        "Ligne du journal abîmée, ignorée ({detail})",
        "Damaged journal row, left out ({detail})",
    ),
    "journal_ballast": (
        NOTICE,
        "Réserve de disque impossible : {detail}",
        "No disk reserve: {detail}",
    ),
    "journal_retired": (
        INFO,
        "Mesures anciennes, confirmées par l’historique, retirées",
        "Old readings, confirmed by the history, retired",
    ),
    "journal_retired_early": (
        NOTICE,
        "Disque presque plein : mesures de plus de 90 jours, déjà dans l’historique, retirées",
        "Disk nearly full: readings older than 90 days, already in the history, retired",
    ),
    "journal_lost": (
        FAULT,
        "Disque presque plein : vieilles mesures retirées, que l’historique n’avait jamais prises",
        "Disk nearly full: old readings retired that the history had never taken",
    ),
    "journal_ok": (INFO, "Le journal enregistre à nouveau", "The journal records again"),
    # the guard
    "guard_away": (
        FAULT,
        "Le gardien ne répond pas : rien n’est acquitté ({detail})",
        "The guard does not answer: nothing is acknowledged ({detail})",
    ),
    "guard_ok": (INFO, "Gardien joint", "Guard reached"),
    "guard_message": (
        FAULT,
        "Message illisible du gardien : {detail}",
        "Unreadable message from the guard: {detail}",
    ),
    "guard_audit": (INFO, "Gardien : {detail}", "Guard: {detail}"),
    "guard_start": (INFO, "Le gardien a démarré", "The guard started"),
    "guard_stop": (NOTICE, "Le gardien s’est arrêté", "The guard stopped"),
    "siren_sounds": (ALARM, "{detail}", "{detail}"),
    "siren_changes": (NOTICE, "{detail}", "{detail}"),
    "siren_tried": (INFO, "{detail}", "{detail}"),
    "siren_failed": (FAULT, "{detail}", "{detail}"),
    "station_level": (NOTICE, "{detail}", "{detail}"),
    "limits_changed": (NOTICE, "Seuils – {detail}", "Limits – {detail}"),
    "guard_lost": (
        FAULT,
        "Le gardien n’a pas pu noter {detail} décisions : son disque ne suivait pas",
        "The guard could not record {detail} decisions: its disk was too slow",
    ),
    "person_asked": (INFO, "{detail}", "{detail}"),
    "person_pin": (NOTICE, "Code refusé – {detail}", "Wrong PIN – {detail}"),
    "guard_fault": (FAULT, "Gardien : {detail}", "Guard: {detail}"),
    "audit_shrank": (
        FAULT,
        "Le journal d’audit du gardien a perdu des lignes ({detail}) : "
        "copiez-le et lancez amont-guard verify",
        "The guard’s audit lost lines ({detail}): copy it and run amont-guard verify",
    ),
    "witness_fault": (
        FAULT,
        "Le témoin du journal d’audit ne s’écrit pas : {detail}",
        "The witness of the audit cannot be written: {detail}",
    ),
    "records_fault": (
        FAULT,
        "Les décisions du gardien ne sont plus recopiées pour les rapports : {detail}",
        "The guard’s decisions are no longer copied for reports: {detail}",
    ),
    "overload": (
        NOTICE,
        "Trop de trames à la fois : certaines seront renvoyées par leur nœud ({detail})",
        "Too many frames at once: their nodes will send some again ({detail})",
    ),
    # history
    "history_away": (
        NOTICE,
        "Base de données injoignable ; l’historique attend dans le journal ({detail})",
        "Database unreachable; history waits in the journal ({detail})",
    ),
    "history_ok": (INFO, "Base de données jointe", "Database reached"),
    "history_emptied": (
        FAULT,
        "La base de données était perdue, elle est recréée vide ; pour la remplir :"
        " amont-gateway history replay --since start",
        "The database was gone and is made anew, empty; to fill it:"
        " amont-gateway history replay --since start",
    ),
    "history_refused": (
        FAULT,
        "La base de données refuse l’accès : {detail}",
        "The database refuses access: {detail}",
    ),
    "history_quarantine": (
        FAULT,
        "La base de données refuse une mesure, mise de côté : {detail}",
        "The database refuses a reading, set aside: {detail}",
    ),
    # models
    "model_missing": (
        FAULT,
        "Modèle absent : les seuils décident seuls ({detail})",
        "Model missing: thresholds decide alone ({detail})",
    ),
    "model_fault": (
        FAULT,
        "Panne d’un modèle : les seuils décident seuls ({detail})",
        "Model fault: thresholds decide alone ({detail})",
    ),
    "model_new": (INFO, "Modèles en service : {detail}", "Models in service: {detail}"),
    "model_refused": (
        FAULT,
        "Nouveaux modèles refusés, les précédents continuent : {detail}",
        "New models refused, those before go on: {detail}",
    ),
    "model_unkept": (
        NOTICE,
        "Les modèles en service n’ont pas pu être gardés pour un redémarrage : {detail}",
        "The models in service could not be kept for a restart: {detail}",
    ),
    "model_unlearnt": (
        NOTICE,
        "Ce que le passé du site a appris est laissé de côté : {detail}",
        "What the site's own past has taught is left aside: {detail}",
    ),
    "model_workdays": (
        NOTICE,
        "Jours fériés inconnus, ils comptent comme les autres jours : {detail}",
        "Public holidays not known, they count as other days: {detail}",
    ),
    "model_ok": (INFO, "Les modèles calculent à nouveau", "Models compute again"),
    # networks
    "network_leak": (NOTICE, "Fuite dans un réseau – {detail}", "Leak in a network – {detail}"),
    "network_watch": (
        INFO,
        "Peut-être une fuite dans un réseau – {detail}",
        "Perhaps a leak in a network – {detail}",
    ),
    "network_rung": (
        NOTICE,
        "Un réseau est jugé autrement – {detail}",
        "A network is judged in another way – {detail}",
    ),
    "network_calm": (INFO, "Plus de fuite connue – {detail}", "No known leak any more – {detail}"),
    "round_fault": (
        FAULT,
        "Un travail pour l’historique est en panne, les relevés continuent : {detail}",
        "Some work for the history has failed, readings go on: {detail}",
    ),
    "network_fault": (
        FAULT,
        "La recherche de fuites des réseaux est en panne : {detail}",
        "The search for leaks in networks has failed: {detail}",
    ),
    "rain_forecast": (
        NOTICE,
        "Prévision de pluie écartée, les modèles s’en passent ({detail})",
        "Rain forecast left aside, the models do without ({detail})",
    ),
    # nodes and time
    "node_fault": (NOTICE, "Nœud {n} signale : {detail}", "Node {n} reports: {detail}"),
    "node_boot": (INFO, "Nœud {n} a démarré ({detail})", "Node {n} started ({detail})"),
    "node_updated": (INFO, "Nœud {n} : version {detail} en service", "Node {n} runs {detail}"),
    "node_update_refused": (
        FAULT,
        "Nœud {n} refuse la version {detail} ; refaites-la avec amont-provision update",
        "Node {n} refuses release {detail}; make it again with amont-provision update",
    ),
    "update_unreadable": (
        NOTICE,
        "Mise à jour du nœud {n} illisible : {detail}",
        "Update of node {n} unreadable: {detail}",
    ),
    "node_dropped": (
        FAULT,
        "Nœud {n} a perdu {detail} mesures faute de place",
        "Node {n} lost {detail} readings for want of room",
    ),
    "clock_jump": (
        NOTICE,
        "L’horloge de ce poste a sauté de {detail} s ; les alarmes n’en dépendent pas",
        "This machine’s clock jumped by {detail} s; alarms do not depend on it",
    ),
    "configuration_bad": (
        FAULT,
        "Configuration illisible : {detail}",
        "Unreadable configuration: {detail}",
    ),
    "page_port": (FAULT, "Page locale impossible : {detail}", "No local page: {detail}"),
    **LORAWAN_EVENTS,
}

# Index: guard.messages.REASONS
REJECTION_KINDS = (
    "frame_body",
    "frame_length",
    "frame_version",
    "frame_type",
    "node_unknown",
    "frame_key",
    "frame_replay",
    "frame_body",
    "frame_direction",
    "time_implausible",
)

NODE_FAULTS: tuple[tuple[str, str], ...] = (
    ("sonde", "probe"),
    ("mémoire flash", "flash"),
    ("horloge", "clock"),
    ("radio", "radio"),
    ("file d’envoi pleine", "outbox full"),
    ("configuration", "configuration"),
    ("mise à jour", "update"),
    ("batterie", "battery"),
    ("mode sans échec", "safe mode"),
    ("temps d’antenne épuisé : des trames attendent", "airtime used up: frames wait"),
)

RESULTS: dict[str, Text] = {
    "guard-away": {
        "fr": "Le gardien ne répond pas. Utilisez la clé locale.",
        "en": "The guard does not answer. Use the local key.",
    },
    "timeout": {
        "fr": "Le gardien n’a pas répondu à temps.",
        "en": "The guard did not answer in time.",
    },
}


def word(kind: str, node: int | None = None, detail: str | Text = "") -> tuple[str, Text]:
    """Return the severity and both texts of an event."""
    severity, french, english = EVENTS[kind]
    details = detail if isinstance(detail, dict) else {"fr": detail, "en": detail}
    n = "–" if node is None else str(node)
    return severity, {
        "fr": french.format(n=n, detail=details.get("fr") or "–"),
        "en": english.format(n=n, detail=details.get("en") or "–"),
    }
