"""Give each code of the series its words and colour, in French and English.

Codes, never words, are stored: a state reads the same in every language and can be compared.
Each word carries a sign, so that nothing depends on colour alone.
"""

from __future__ import annotations

from amont_dashboards.model import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, SKY, YELLOW, Text
from amont_gateway import series

Word = tuple[Text, str]  # words, colour

_UNKNOWN: Word = (("? Inconnu", "? Unknown"), GREY)
_OK: Word = (("✓ Bon", "✓ Good"), GREEN)
_FAULT: Word = (("✕ Défaut", "✕ Fault"), RED)
_NO: Word = (("✕ Non", "✕ No"), ORANGE)
_YES: Word = (("✓ Oui", "✓ Yes"), GREEN)
_WATCH: Word = (("△ Vigilance", "△ Watch"), YELLOW)
_WARNING: Word = (("▲ Alerte", "▲ Warning"), ORANGE)

_BY_CODES: dict[tuple[str, ...], tuple[Word, ...]] = {
    series.LEVELS: (
        (("✓ Normal", "✓ Normal"), GREEN),
        _WATCH,
        _WARNING,
        (("▲▲ Alarme", "▲▲ Alarm"), RED),
        (("▲▲▲ Alarme +", "▲▲▲ Alarm +"), PURPLE),
        _UNKNOWN,
    ),
    series.ADVICE: ((("– Aucun", "– None"), GREEN), _WATCH, _WARNING),
    series.VERDICTS: (
        (("✓ Normal", "✓ Normal"), GREEN),
        (("△ À surveiller", "△ Watch"), YELLOW),
        (("▲ Fuite probable", "▲ Probable leak"), RED),
        _UNKNOWN,
    ),
    series.SIREN_STATES: (
        (("✓ Au repos", "✓ Idle"), GREEN),
        (("▲▲ SONNE", "▲▲ SOUNDING"), RED),
        (("△ Coupée", "△ Muted"), ORANGE),
        (("● À lever", "● To clear"), YELLOW),
        _UNKNOWN,
    ),
    series.SIREN_MODES: (
        (("✓ Armée", "✓ Armed"), GREEN),
        (("○ Essai", "○ Test"), SKY),
        (("○ Exercice", "○ Drill"), BLUE),
        (("✕ Hors service", "✕ Bypass"), RED),
    ),
    series.HEALTH: (_OK, (("△ Dégradé", "△ Degraded"), ORANGE), _FAULT),
    series.FRESHNESS: (
        (("✓ Prouvée", "✓ Proved"), GREEN),
        (("△ Supposée", "△ Assumed"), YELLOW),
        _UNKNOWN,
        (("✕ Périmée", "✕ Stale"), RED),
    ),
    series.JOURNAL: (
        _OK,
        (("✕ Plein", "✕ Full"), RED),
        (("✕ Lecture seule", "✕ Read-only"), RED),
        _FAULT,
    ),
    series.MODEL: (_OK, _FAULT, (("? Sans données", "? No data"), GREY)),
    series.RUNGS: (
        (("✓ Complète", "✓ Full"), GREEN),
        (("△ Sans pluie", "△ No rain"), YELLOW),
        (("△ Sans l'amont", "△ No upstream"), YELLOW),
        (("△ Cette station seule", "△ This station alone"), SKY),
        (("▲ Seuils seuls", "▲ Thresholds only"), ORANGE),
        (("✕ Veille perdue", "✕ Watch lost"), RED),
    ),
    series.NO_YES: (_NO, _YES),
    (*series.NO_YES, "unknown"): (_NO, _YES, _UNKNOWN),
    series.DATABASE: (
        _OK,
        (("✕ Injoignable", "✕ Away"), RED),
        (("✕ Refusée", "✕ Refused"), RED),
        (("– Aucune", "– None"), GREY),
    ),
    series.LEAK_STATES: (
        (("△ À surveiller", "△ Watched"), YELLOW),
        (("▲ Ouverte", "▲ Open"), RED),
        (("✓ Réparée", "✓ Repaired"), GREEN),
        (("– Disparue", "– Gone"), GREY),
    ),
    ("none", "watch", "warning", "alarm"): (
        (("– Aucun", "– None"), GREEN),
        _WATCH,
        _WARNING,
        (("▲▲ Alarme", "▲▲ Alarm"), RED),
    ),
    ("info", "notice", "fault", "alarm"): (
        (("○ Information", "○ Information"), BLUE),
        (("△ À voir", "△ Notice"), YELLOW),
        _FAULT,
        (("▲▲ Alarme", "▲▲ Alarm"), RED),
    ),
    series.PLACE_STATES: (
        _OK,
        _WATCH,
        _WARNING,
        (("▲▲ Alarme", "▲▲ Alarm"), RED),
        (("✕ Muet", "✕ Silent"), GREY),
    ),
    series.QUALITY: (
        _OK,
        (("△ Douteuse", "△ Suspect"), YELLOW),
        (("✕ Hors limites", "✕ Out of range"), ORANGE),
        (("✕ Défaut capteur", "✕ Sensor fault"), RED),
        (("? Manquante", "? Missing"), GREY),
        (("● Figée", "● Held"), SKY),
        (("○ Essai", "○ Test"), BLUE),
    ),
}

# Where "yes" is the bad news, the colours change places.
_BAD_IF_YES = {"silent", "commanded", "under_voltage"}
# Where "no" is no news at all.
_NO_NEWS = {"votes", "full_promise", "sealed"}
_PLAIN: tuple[Word, ...] = ((("– Non", "– No"), GREY), _YES)
# A siren's contact at rest is open: that is good, not a missing answer.
_CONTACT: tuple[Word, ...] = (
    (("– Ouvert", "– Open"), GREEN),
    (("● Fermé", "● Closed"), ORANGE),
    _UNKNOWN,
)


def words(field: series.Field) -> tuple[Word, ...]:
    """Return words and colour of each code of a field; raise KeyError for codes without words."""
    found = _BY_CODES[field.codes]
    if field.name in _NO_NEWS:
        return _PLAIN
    if field.name == "confirmed":
        return _CONTACT
    if field.name in _BAD_IF_YES:
        return (("✓ Non", "✓ No"), GREEN), (("▲ Oui", "▲ Yes"), RED)
    if len(found) != len(field.codes):
        raise KeyError(f"{field.name}: {len(found)} words for {len(field.codes)} codes")
    return found


# Heads of a table's columns: fields, tags, and what queries work out of them.
HEADS: dict[str, Text] = {
    "Time": ("Date", "Date"),
    "station": ("Station", "Station"),
    "sensor": ("Capteur", "Sensor"),
    "node": ("Nœud", "Node"),
    "zone": ("Secteur", "Zone"),
    "network": ("Réseau", "Network"),
    "siren": ("Sirène", "Siren"),
    "gauge": ("Pluviomètre", "Rain gauge"),
    "place": ("Lieu", "Place"),
    "kind": ("Sorte", "Kind"),
    "leak": ("Fuite", "Leak"),
    "model": ("Modèle", "Model"),
    "horizon": ("Échéance (h)", "Horizon (h)"),
    "site": ("Site", "Site"),
    "quality": ("Qualité", "Quality"),
    "readings": ("Mesures", "Readings"),
    "stage_mm": ("Hauteur", "Stage"),
    "rain_um": ("Pluie", "Rain"),
    "flow_l_h": ("Débit", "Flow"),
    "pressure_kpa": ("Pression", "Pressure"),
    "level_mm": ("Niveau", "Level"),
    "battery_v": ("Pile", "Battery"),
    "p05_mm": ("Prévision 5 %", "Forecast 5 %"),
    "p50_mm": ("Prévision 50 %", "Forecast 50 %"),
    "p95_mm": ("Prévision 95 %", "Forecast 95 %"),
    "level": ("Niveau", "Level"),
    "advice": ("Avis", "Advice"),
    "rung": ("Veille", "Watch kept"),
    "watch_mm": ("Vigilance", "Watch"),
    "warning_mm": ("Alerte", "Warning"),
    "alarm_mm": ("Alarme", "Alarm"),
    "trend_mm_h": ("Tendance", "Trend"),
    "next_limit_s": ("Avant le seuil", "To the next limit"),
    "forecast_reaches": ("Seuil prévu", "Limit forecast"),
    "verdict": ("Avis", "Verdict"),
    "model_status": ("Modèle", "Model"),
    "night_flow_l_h": ("Débit nocturne", "Night flow"),
    "night_flow_usual_l_h": ("Habituel", "Usual"),
    "night_flow_spread_l_h": ("Écart habituel", "Usual spread"),
    "night_pressure_kpa": ("Pression nocturne", "Night pressure"),
    "leak_l_h": ("Fuite", "Leak"),
    "leak_probability": ("Probabilité", "Probability"),
    "expected_l_h": ("Attendu", "Expected"),
    "inflow_l_h": ("Débit d'entrée", "Inflow"),
    "leaks": ("Fuites", "Leaks"),
    "pressures_heard": ("Pressions reçues", "Pressures heard"),
    "state": ("État", "State"),
    "mode": ("Mode", "Mode"),
    "health": ("Santé", "Health"),
    "commanded": ("Commandée", "Commanded"),
    "confirmed": ("Contact", "Contact"),
    "confirm_ms": ("Délai de confirmation", "Time to confirm"),
    "test_age_d": ("Dernier essai", "Last test"),
    "drill_age_d": ("Dernier exercice", "Last drill"),
    "age_s": ("Âge", "Age"),
    "late_x": ("Retard (× intervalle)", "Late (× interval)"),
    "freshness": ("Fraîcheur", "Freshness"),
    "full_promise": ("Promesse pleine", "Full promise"),
    "sealed": ("Scellé", "Sealed"),
    "votes": ("Vote", "Votes"),
    "flags": ("Anomalies", "Flags"),
    "silent": ("Muet", "Silent"),
    "battery_mv": ("Pile", "Battery"),
    "battery_days": ("Autonomie", "Battery left"),
    "repeated_pct": ("Répétées", "Repeated"),
    "rssi_dbm": ("Signal", "Signal"),
    "outbox": ("En file", "Outbox"),
    "backlog": ("Arriéré", "Backlog"),
    "boots": ("Démarrages", "Starts"),
    "error_mm": ("Écart", "Error"),
    "inside": ("Dans la bande", "Inside the band"),
    "severity": ("Gravité", "Severity"),
    "fr": ("Événement", "Event"),
    "en": ("Événement", "Event"),
    "text": ("Événement", "Event"),
    "who": ("Par", "By"),
    "id": ("Numéro", "Number"),
    "completeness_pct": ("Complétude", "Completeness"),
    "suspect_pct": ("Douteuses", "Suspect"),
    "refused_pct": ("Refusées", "Refused"),
    "gaps": ("Trous", "Gaps"),
    "longest_gap_s": ("Plus long trou", "Longest gap"),
    "delay_p50_s": ("Retard médian", "Median delay"),
    "delay_p95_s": ("Retard à 95 %", "Delay at 95 %"),
    "inflow_m3": ("Volume entré", "Volume in"),
    "metered_m3": ("Volume compté", "Metered"),
    "balance_m3": ("Non compté", "Not metered"),
    "balance_pct": ("Non compté (%)", "Not metered (%)"),
    "estimated_pct": ("Estimé", "Estimated"),
    "volume_m3": ("Volume", "Volume"),
    "yield_pct": ("Rendement (P104.3)", "Yield (P104.3)"),
    "yield_needed_pct": ("Rendement exigé", "Yield required"),
    "reached": ("Atteint", "Reached"),
    "uncounted_m3_km_d": ("Volumes non comptés (P105.3)", "Uncounted volumes (P105.3)"),
    "losses_m3_km_d": ("Pertes en réseau (P106.3)", "Network losses (P106.3)"),
    "supplied_m3": ("Produit et acheté", "Produced and bought"),
    "used_m3": ("Consommé et vendu", "Used and sold"),
    "missing_days": ("Jours manquants", "Days missing"),
    "size_l_h": ("Débit de fuite", "Leak flow"),
    "probability": ("Probabilité", "Probability"),
    "open_d": ("Durée", "Open for"),
    "lost_m3": ("Volume perdu", "Volume lost"),
    "saved_m3": ("Volume économisé", "Volume saved"),
    "latitude": ("Latitude", "Latitude"),
    "longitude": ("Longitude", "Longitude"),
}


# Tags whose values are words of ours, not names that the site's people gave.
TAG_VALUES: dict[str, dict[str, Text]] = {
    "kind": {
        "station": ("Station", "Station"),
        "zone": ("Secteur", "Zone"),
        "gauge": ("Pluviomètre", "Rain gauge"),
        "siren": ("Sirène", "Siren"),
    },
}


def head(name: str) -> Text:
    """Return the words over a table's column; raise ValueError where there are none."""
    try:
        return HEADS[name]
    except KeyError:
        raise ValueError(f"{name}: no words for this column; give it a title") from None
