"""Define "Veille / Duty overview": what rises, leaks, is silent and is lost, on one screen."""

from __future__ import annotations

from dataclasses import replace

from amont_dashboards.boards import fleet, floods, leaks, monthly, network, sirens
from amont_dashboards.boards.shapes import (
    DUTY,
    FLEET,
    FLOODS,
    GATEWAY,
    LATE,
    LEAKS,
    LONG,
    MONTHLY,
    NETWORK,
    NIGHTS,
    NOW,
    QUALITY,
    SENSOR,
    SIRENS,
    latest,
    line,
)
from amont_dashboards.boards.told import told
from amont_dashboards.model import (
    GREEN,
    ORANGE,
    RED,
    YELLOW,
    Column,
    Dashboard,
    Opens,
    Panel,
    Query,
)
from amont_gateway import series

_OF_WATCH = ((None, GREEN), (100.0, ORANGE))
_MORE_PCT = ((None, GREEN), (20.0, YELLOW), (50.0, RED))

LEVELS = Panel(
    "stat",
    ("Niveau par station", "Level of each station"),
    (
        "Le niveau que juge le gardien, d'après les capteurs qui votent. Un clic : les crues.",
        "The level as the guard judges it from the sensors that vote. A click: floods.",
    ),
    (latest(series.STATION_STATE, "station", "level"),),
    (7, 4),
    time_from=NOW,
    opens=(Opens(FLOODS, "station", "station"),),
)

RISING = Panel(
    "timeseries",
    ("Hauteur en part du seuil de vigilance, 24 h", "Stage as a share of the watch limit, 24 h"),
    (
        "Toutes les stations sur une même échelle : 100 % est le seuil de vigilance de chacune.",
        "All stations on one scale: 100 % is the watch limit of each.",
    ),
    (
        line(
            series.STATION_STATE,
            Column("max({}) / max({watch_mm})", "stage_mm", 100.0, unit="percent"),
            "station",
        ),
    ),
    (10, 6),
    decimals=0,
    low=0,
    steps=_OF_WATCH,
    marked=True,
    gap_ms=2 * 3_600_000,
    time_from="24h",
    opens=(Opens(FLOODS, "station", "station"),),
)

NIGHT = Panel(
    "bargauge",
    ("Débit de la nuit : écart à la référence", "Night flow: difference to its reference"),
    (
        "De combien le débit nocturne de chaque secteur dépasse celui des nuits habituelles. Plus"
        " de 20 % : à surveiller ; plus de 50 % : à chercher.",
        "By how much the night flow of each zone is above that of usual nights. More than 20 %:"
        " watch; more than 50 %: search.",
    ),
    (
        latest(
            series.ZONE_DAY,
            "zone",
            Column(network.MORE, "night_flow_l_h", 100.0, "more", unit="percent"),
        ),
    ),
    (7, 6),
    decimals=0,
    low=-50,
    high=100,
    steps=_MORE_PCT,
    time_from=NIGHTS,
    opens=(Opens(NETWORK, "zone", "zone"),),
)

SILENT = Panel(
    "table",
    ("Capteurs muets", "Silent sensors"),
    (
        "Capteurs en retard de plus de quatre intervalles promis. Vide : tous parlent. Un clic"
        " ouvre la fiche du capteur.",
        "Sensors that are late by more than four promised intervals. Empty: all speak. A click"
        " opens the sensor's sheet.",
    ),
    (
        Query(
            series.SENSOR_HEALTH,
            (
                Column("last", "age_s", unit=LONG),
                Column("last", "late_x", steps=LATE, cell="colour", decimals=0),
            ),
            ("sensor",),
            having=(("late_x", ">", 4),),
            outer_group=("sensor",),
        ),
    ),
    (6, 6),
    time_from=NOW,
    empty=("✓ aucun", "✓ none"),
    opens=(Opens(SENSOR, "sensor", "sensor"),),
)


def _link(title: tuple[str, str], description: tuple[str, str], field: str) -> Panel:
    label = title
    query = Query(series.GATEWAY, (Column("last", field),), label=label)
    return Panel(
        "stat", title, description, (query,), (4, 3), time_from=NOW, opens=(Opens(GATEWAY),)
    )


GUARD = _link(
    ("Gardien joint", "Guard reached"),
    (
        "Si la passerelle joint le gardien. « Non » : il en est coupé, ou il est arrêté ; arrêté,"
        " aucune sirène ne sonnera. Rien d'affiché : la passerelle n'écrit plus.",
        "Whether the gateway reaches the guard. “No”: it is cut off, or it has stopped; stopped,"
        " no siren will sound. Nothing shown: the gateway does not write any more.",
    ),
    "guard_alive",
)
STORED = _link(
    ("Base de données", "Database"),
    (
        "Si la base prend les mesures. Ce qu'elle manque attend dans le journal, rien ne se perd.",
        "Whether the database takes readings. What it misses waits in the journal; nothing is"
        " lost.",
    ),
    "database",
)

FRESH = Panel(
    "stat",
    ("Dernière mesure reçue", "Newest reading"),
    (
        "Temps depuis la mesure la plus récente de tout le site. Plus de 20 minutes : c'est la"
        " liaison ou la passerelle, pas un capteur.",
        "Time since the newest reading of the whole site. More than 20 minutes: the link or the"
        " gateway, not one sensor.",
    ),
    (
        Query(
            series.SENSOR_HEALTH,
            (Column("last", "age_s", unit=LONG),),
            ("sensor",),
            outer="min",
        ),
    ),
    (3, 4),
    steps=((None, GREEN), (1_200.0, YELLOW), (3_600.0, RED)),
    time_from=NOW,
    opens=(Opens(FLEET),),
)

TOLD = told(
    ("Derniers événements", "Latest events"),
    (
        "Ce qui s'est passé et ce que les personnes ont fait, du plus récent au plus ancien.",
        "What happened and what people did, newest first.",
    ),
    tuple(kind for kind in series.EVENTS if kind != "test"),  # each day of each siren
    (12, 6),
    "7d",
)

BOARD = Dashboard(
    DUTY,
    ("Veille", "Duty overview"),
    (
        "Rivière, réseau et sirènes en un écran. Grafana montre ; il ne commande aucune sirène.",
        "River, network and sirens on one screen. Grafana shows; it drives no siren.",
    ),
    (
        LEVELS,
        replace(sirens.STATE, size=(5, 4), opens=(Opens(SIRENS),)),
        replace(network.VERDICTS, size=(6, 4)),
        replace(GUARD, size=(3, 4)),
        FRESH,
        replace(floods.STANDING, size=(14, 6)),
        RISING,
        NIGHT,
        replace(leaks.FLOWING, size=(4, 6), opens=(Opens(LEAKS),)),
        replace(leaks.LOST, size=(4, 6), opens=(Opens(LEAKS),)),
        replace(monthly.YIELD, size=(4, 6), opens=(Opens(MONTHLY),)),
        replace(SILENT, size=(5, 6)),
        replace(fleet.MAP, size=(8, 6)),
        TOLD,
        replace(STORED, size=(4, 6)),
    ),
    level=0,
    hours=24,
    below=(FLOODS, NETWORK, LEAKS, SIRENS, FLEET, QUALITY, GATEWAY, MONTHLY),
    ahead="",
)
