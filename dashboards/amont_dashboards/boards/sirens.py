"""Define "Sirènes / Sirens": would each one sound, who did what, does it answer in time."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    FLOOD_MARKS,
    FLOODS,
    NOW,
    SIRENS,
    STATE_GAP_MS,
    latest,
    line,
)
from amont_dashboards.boards.told import told
from amont_dashboards.model import GREEN, ORANGE, RED, YELLOW, Column, Dashboard, Panel, Variable
from amont_gateway import series

_TEST = ("Dernier essai (jours)", "Last test (days)")
_DRILL = ("Dernier exercice (jours)", "Last drill (days)")
_ONES = (("siren", "siren"),)
_TEST_D = ((None, GREEN), (2.0, YELLOW), (7.0, RED))
_DRILL_D = ((None, GREEN), (35.0, YELLOW), (70.0, RED))
_BATTERY_V = ((None, RED), (11.5, YELLOW), (12.2, GREEN))
_CONFIRM_MS = ((None, GREEN), (2_000.0, ORANGE), (5_000.0, RED))
_LOGGED = ("siren", "acknowledge", "mute", "reset", "test", "drill", "limits", "level")

STATE = Panel(
    "stat",
    ("Sirènes", "Sirens"),
    (
        "L'état de chaque sirène, selon le gardien. Grafana montre ; il n'en commande aucune.",
        "The state of each siren, from the guard. Grafana shows; it drives none.",
    ),
    (latest(series.SIREN_STATE, "siren", "state"),),
    (8, 6),
    time_from=NOW,
)

READY = Panel(
    "table",
    ("Prêtes à sonner", "Ready to sound"),
    (
        "Mode, santé, contact de retour, jours depuis le dernier essai silencieux et le dernier"
        " exercice, batterie. Une sirène en défaut ou hors service ne protège personne : à voir le"
        " jour même.",
        "Mode, health, contact that confirms, days since the last silent test and the last drill,"
        " battery. A siren at fault or bypassed protects nobody: look the same day.",
    ),
    (
        latest(
            series.SIREN_STATE,
            "siren",
            "mode",
            "health",
            "confirmed",
            Column(
                "last",
                "test_age_d",
                title=_TEST,
                unit="none",
                steps=_TEST_D,
                cell="colour",
                decimals=0,
            ),
            Column(
                "last",
                "drill_age_d",
                title=_DRILL,
                unit="none",
                steps=_DRILL_D,
                cell="colour",
                decimals=0,
            ),
            Column("last", "battery_mv", 0.001, steps=_BATTERY_V, cell="colour", decimals=1),
        ),
    ),
    (16, 6),
    time_from=NOW,
)

_OVER_TIME = Panel(
    "state-timeline",
    ("États dans le temps", "States over time"),
    (
        "Quand chaque sirène a sonné, a été coupée, ou attendait d'être levée.",
        "When each siren sounded, was muted, or waited to be cleared.",
    ),
    (line(series.SIREN_STATE, Column("last", "state"), "siren", where=_ONES),),
    (12, 6),
    gap_ms=STATE_GAP_MS,
)

_MODES = Panel(
    "state-timeline",
    ("Modes dans le temps", "Modes over time"),
    (
        "Armée, en essai, en exercice ou hors service à la clé.",
        "Armed, in test, in a drill, or bypassed by key.",
    ),
    (line(series.SIREN_STATE, Column("last", "mode"), "siren", where=_ONES),),
    (12, 6),
    gap_ms=STATE_GAP_MS,
)

_LOG = told(
    ("Journal : qui, quand, pourquoi", "Log: who, when, why"),
    (
        "Alarmes, gestes des personnes, essais et exercices, du plus récent au plus ancien.",
        "Alarms, what people did, tests and drills, newest first.",
    ),
    _LOGGED,
    (24, 9),
    "31d",
)

_CONFIRM = Panel(
    "timeseries",
    ("Délai entre commande et confirmation", "From command to confirmation"),
    (
        "Temps jusqu'à ce que le contact de la sirène confirme la commande. Un délai qui s'allonge"
        " annonce un relais ou une ligne qui fatigue.",
        "Time until the siren's contact confirms the command. A time that grows foretells a relay"
        " or a line that wears out.",
    ),
    (line(series.SIREN_STATE, Column("max", "confirm_ms"), "siren", where=_ONES),),
    (12, 7),
    points=True,
    steps=_CONFIRM_MS,
    marked=True,
)

_BATTERY = Panel(
    "timeseries",
    ("Batterie des sirènes", "Batteries of the sirens"),
    (
        "Tension de la batterie de secours. Sous 11,5 V, elle ne tiendra pas une nuit.",
        "Voltage of the back-up battery. Below 11.5 V it will not last a night.",
    ),
    (line(series.SIREN_STATE, Column("mean", "battery_mv", 0.001), "siren", where=_ONES),),
    (12, 7),
    gap_ms=STATE_GAP_MS,
)

BOARD = Dashboard(
    SIRENS,
    ("Sirènes", "Sirens"),
    (
        "Les sirènes : prêtes ou non, ce qui s'est passé, et qui a fait quoi.",
        "The sirens: ready or not, what happened, and who did what.",
    ),
    (STATE, READY, _OVER_TIME, _MODES, _LOG, _CONFIRM, _BATTERY),
    (Variable("siren", ("Sirène", "Siren"), series.SIREN_STATE, "siren"),),
    refresh="30s",
    hours=7 * 24,
    below=(FLOODS,),
    annotations=FLOOD_MARKS,
    ahead="",
)
