"""Declare the alerts of the sirens: fault, not confirmed, out of service, not tried."""

from __future__ import annotations

from amont_dashboards.alerts.model import (
    DAY_S,
    HOUR_S,
    KNOWN_BACK_S,
    MINUTE_S,
    STATE_BACK_S,
    Look,
    Query,
    Rule,
)
from amont_dashboards.query import Column
from amont_gateway import series

_GROUP = ("site", "siren")
_UNKNOWN = float(series.SIREN_STATES.index("unknown"))


def _siren(aggregate: str, field: str, known: bool = False) -> Query:
    only = (("state", "<", _UNKNOWN),) if known else ()
    return Query(series.SIREN_STATE, (Column(aggregate, field),), group=_GROUP, only=only)


FAULT = Rule(
    "amont-siren-fault",
    "sirens",
    "critical",
    ("Sirène en défaut", "Siren fault"),
    ("La sirène {siren} est en défaut.", "The siren {siren} has a fault."),
    (
        "La surveillance du gardien a trouvé un défaut à la sortie de cette sirène : ligne,"
        " relais, batterie ou retour de contact. Elle pourrait ne pas sonner.",
        "The guard's supervision found a fault at this siren's output: line, relay, battery or"
        " contact. It might not sound.",
    ),
    (
        "Lisez le défaut en clair sur la page locale, envoyez l'électricien. Jusqu'à la"
        " réparation, prévoyez un autre moyen d'alerter ce quartier.",
        "Read the fault in words on the local page, send the electrician. Until it is repaired,"
        " have another means of warning this quarter.",
    ),
    # a guard that is not reached shows every siren as faulty; another alert says that
    (Look(_siren("last", "health", known=True), KNOWN_BACK_S),),
    ("gt", series.HEALTH.index("fault") - 0.5),
    "amont-sirens",
    "Ready to sound",
    lasts_s=2 * MINUTE_S,
)
UNCONFIRMED = Rule(
    "amont-siren-unconfirmed",
    "sirens",
    "critical",
    ("Sirène commandée, non confirmée", "Siren commanded, not confirmed"),
    (
        "La sirène {siren} a reçu l'ordre de sonner et son contact ne le confirme pas.",
        "The siren {siren} was told to sound and its contact does not confirm it.",
    ),
    (
        "Le gardien commande la sirène et le retour de contact dit qu'elle ne sonne pas.",
        "The guard commands the siren and the contact reads that it does not sound.",
    ),
    (
        "Une crue est en cours, ou un exercice. Allez écouter, et alertez tout de suite par les"
        " autres moyens du plan communal.",
        "There is a flood, or a drill. Go and listen, and warn at once by the other means of the"
        " emergency plan.",
    ),
    # 1: commanded and not confirmed; without a contact ("unknown", 2) it is never above 0
    (Look(_siren("last({}) - last({confirmed})", "commanded"), STATE_BACK_S),),
    ("gt", 0.5),
    "amont-sirens",
    "Ready to sound",
    lasts_s=MINUTE_S,
)
BYPASS = Rule(
    "amont-siren-bypass",
    "sirens",
    "warning",
    ("Sirène hors service", "Siren out of service"),
    (
        "La sirène {siren} est hors service depuis plus d'une heure.",
        "The siren {siren} has been out of service for more than an hour.",
    ),
    (
        "La clé locale a mis la sirène hors service : elle ne sonnera pas, quoi qu'il arrive.",
        "The local key has put the siren out of service: it will not sound, whatever happens.",
    ),
    (
        "Demandez qui travaille dessus. Si personne, remettez la clé en place et vérifiez sur la"
        " page locale que la sirène est armée.",
        "Ask who works on it. If nobody, turn the key back and check on the local page that the"
        " siren is armed.",
    ),
    (Look(_siren("last", "mode"), STATE_BACK_S),),
    ("gt", series.SIREN_MODES.index("bypass") - 0.5),
    "amont-sirens",
    "Modes over time",
    lasts_s=HOUR_S,
)
TEST_LATE = Rule(
    "amont-siren-test-late",
    "sirens",
    "warning",
    ("Essai silencieux en retard", "Silent test overdue"),
    (
        "La sirène {siren} n'a pas été essayée depuis deux jours.",
        "The siren {siren} has had no silent test for two days.",
    ),
    (
        "Le gardien essaie chaque sirène chaque jour sans bruit. Deux jours sans essai : on ne"
        " sait plus si elle sonnerait.",
        "The guard tries each siren each day without a sound. Two days without a test: nobody"
        " knows any more whether it would sound.",
    ),
    (
        "Lancez un essai depuis la page locale ; s'il échoue, traitez-le comme un défaut.",
        "Start a test from the local page; if it fails, treat it as a fault.",
    ),
    (Look(_siren("last", "test_age_d"), STATE_BACK_S, shown=("{} jours.", "{} days.")),),
    ("gt", 2.5),
    "amont-sirens",
    "Ready to sound",
    lasts_s=HOUR_S,
)
DRILL_LATE = Rule(
    "amont-siren-drill-late",
    "sirens",
    "info",
    ("Exercice mensuel en retard", "Monthly drill overdue"),
    (
        "La sirène {siren} n'a pas sonné d'exercice depuis plus de quarante jours.",
        "The siren {siren} has not sounded a drill for more than forty days.",
    ),
    (
        "Un exercice sonore est prévu chaque mois, et le dernier date de plus de quarante jours.",
        "An audible drill is planned each month, and the last was more than forty days ago.",
    ),
    (
        "Fixez un exercice avec le maire ; deux personnes le confirment sur la page locale.",
        "Settle a drill with the mayor; two people confirm it on the local page.",
    ),
    # times 0 where no drill is planned: that siren is never late
    (
        Look(
            _siren("last({}) * last({drill_planned})", "drill_age_d"),
            DAY_S,
            shown=("{} jours.", "{} days."),
        ),
    ),
    ("gt", 40.0),  # the nth weekday of a month comes at most 35 days after the last
    "amont-sirens",
    "Ready to sound",
    lasts_s=HOUR_S,
)

RULES = (FAULT, UNCONFIRMED, BYPASS, TEST_LATE, DRILL_LATE)
