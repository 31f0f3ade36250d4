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


def words(field: series.Field) -> tuple[Word, ...]:
    """Return words and colour of each code of a field; raise KeyError for codes without words."""
    found = _BY_CODES[field.codes]
    if field.name in _BAD_IF_YES:
        return (("✓ Non", "✓ No"), GREEN), (("▲ Oui", "▲ Yes"), RED)
    if len(found) != len(field.codes):
        raise KeyError(f"{field.name}: {len(found)} words for {len(field.codes)} codes")
    return found
