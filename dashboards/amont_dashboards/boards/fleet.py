"""Define "Parc / Fleet": every node and sensor: heard or not, battery, radio."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    CARE_MARKS,
    DAY_MS,
    FLEET,
    LATE,
    LONG,
    NOW,
    QUALITY,
    SENSOR,
    latest,
    line,
)
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
    Variable,
)
from amont_gateway import series

_DAYS_LEFT = ("Autonomie (jours)", "Battery left (days)")
_CHOSEN = (("node", "node"),)
_YES = float(series.NO_YES.index("yes"))
_BATTERY_V = ((None, RED), (3.2, YELLOW), (3.4, GREEN))
_LIFE_D = ((None, RED), (30.0, YELLOW), (90.0, GREEN))
_RSSI_DBM = ((None, RED), (-120.0, YELLOW), (-105.0, GREEN))
_REPEATED = ((None, GREEN), (10.0, YELLOW), (30.0, RED))
_QUEUE = ((None, GREEN), (100.0, YELLOW), (1_000.0, ORANGE))
_AGAIN = (
    " Un signal sous −120 dBm ou plus de 30 % de trames répétées : déplacez l'antenne.",
    " A signal below −120 dBm or more than 30 % of repeated frames: move the antenna.",
)

SILENT = Panel(
    "stat",
    ("Nœuds muets", "Silent nodes"),
    (
        "Nœuds dont rien n'est venu depuis plus de trois de leurs intervalles.",
        "Nodes from which nothing has come for more than three of their intervals.",
    ),
    (
        Query(
            series.NODE_HEALTH,
            (Column("last", "age_s"), Column("last", "silent")),
            ("node",),
            outer="count",
            having=(("silent", "=", _YES),),
        ),
    ),
    (4, 8),
    unit="none",
    steps=((None, GREEN), (1.0, RED)),
    empty=("✓ aucun", "✓ none"),
    time_from=NOW,
)

MAP = Panel(
    "geomap",
    ("Carte", "Map"),
    (
        "Chaque lieu, son état en couleur, en signe et en mots. Sans internet le fond reste vide ;"
        " le tableau à côté dit la même chose.",
        "Each place, its state as a colour, a sign and words. Without internet the ground stays"
        " blank; the table beside it says the same.",
    ),
    (
        Query(
            series.PLACE,
            (Column("last", "latitude"), Column("last", "longitude"), Column("last", "state")),
            ("place",),
        ),
    ),
    (10, 8),
    time_from=NOW,
)

PLACES = Panel(
    "table",
    ("Lieux", "Places"),
    (
        "Les mêmes lieux que sur la carte, en lignes.",
        "The same places as on the map, as rows.",
    ),
    (
        Query(
            series.PLACE,
            (Column("last", "state"),),
            ("place", "kind"),
        ),
    ),
    (10, 8),
    time_from=NOW,
)

NODES = Panel(
    "table",
    ("Nœuds", "Nodes"),
    (
        "Chaque boîtier : muet ou non, âge de la dernière trame, retard en intervalles promis,"
        " pile, autonomie estimée, signal, trames répétées, mesures qui attendent dans le nœud."
        + _AGAIN[0],
        "Each box: silent or not, age of its last frame, lateness in promised intervals, battery,"
        " estimated life, signal, repeated frames, readings that wait in the node." + _AGAIN[1],
    ),
    (
        latest(
            series.NODE_HEALTH,
            "node",
            "silent",
            Column("last", "age_s", unit=LONG),
            Column("last", "late_x", steps=LATE, cell="colour", decimals=1),
            Column("last", "battery_mv", 0.001, steps=_BATTERY_V, cell="gauge",
                   low=3.0, high=3.7, decimals=2),
            Column("last", "battery_days", title=_DAYS_LEFT, unit="none", steps=_LIFE_D,
                   cell="colour", decimals=0),
            Column("last", "rssi_dbm", steps=_RSSI_DBM, cell="gauge", low=-130, high=-50,
                   decimals=0),
            Column("last", "repeated_pct", steps=_REPEATED, cell="colour", decimals=0),
            Column("last", "outbox", steps=_QUEUE, cell="colour"),
            "boots",
        ),
    ),
    (24, 9),
    time_from=NOW,
    opens=(Opens(FLEET, "node", "node"),),
)  # fmt: skip

SENSORS = Panel(
    "table",
    ("Capteurs", "Sensors"),
    (
        "Âge de la dernière mesure, retard, fraîcheur, anomalies relevées par le gardien, et si le"
        " capteur porte la promesse pleine (il joint le gardien sans passer par la passerelle)."
        " Un clic ouvre la fiche du capteur.",
        "Age of the last reading, lateness, freshness, what the guard flags, and whether the"
        " sensor carries the full promise (it reaches the guard without passing the gateway)."
        " A click opens the sensor's sheet.",
    ),
    (
        latest(
            series.SENSOR_HEALTH,
            "sensor",
            "freshness",
            Column("last", "age_s", unit=LONG),
            Column("last", "late_x", steps=LATE, cell="colour", decimals=1),
            Column("last", "flags", steps=((None, GREEN), (1.0, ORANGE)), cell="colour"),
            "full_promise",
            "votes",
        ),
    ),
    (24, 9),
    time_from=NOW,
    opens=(Opens(SENSOR, "sensor", "sensor"),),
)

_LIFE = Panel(
    "bargauge",
    ("Autonomie estimée, jours", "Estimated battery life, days"),
    (
        "Jours avant la pile vide, au rythme des dernières semaines. En rouge : à changer à la"
        " prochaine tournée.",
        "Days until the battery is empty at the pace of the last weeks. Red: to be changed on the"
        " next round.",
    ),
    (latest(series.NODE_HEALTH, "node", Column("last", "battery_days", unit="none")),),
    (8, 8),
    key="Estimated battery life",
    decimals=0,
    low=0,
    high=400,
    steps=_LIFE_D,
    time_from=NOW,
)

_BATTERY = Panel(
    "timeseries",
    ("Pile du nœud choisi, 1 an", "Battery of the chosen node, 1 year"),
    (
        "Tension de sa pile : la pente dit quand la changer. Un clic sur un nœud le choisit.",
        "Its battery voltage: the slope says when to change it. A click on a node chooses it.",
    ),
    (line(series.NODE_HEALTH, Column("mean", "battery_mv", 0.001), "node", where=_CHOSEN),),
    (8, 8),
    gap_ms=DAY_MS,
    time_from="365d",
)

_SIGNAL = Panel(
    "timeseries",
    ("Signal du nœud choisi, 30 jours", "Signal of the chosen node, 30 days"),
    (
        "Force du signal reçu de lui. Une baisse de dix dB sans raison : antenne,"
        " eau dans le boîtier, ou feuillage.",
        "Strength of the signal from it. Ten dB less without a reason: antenna,"
        " water in the box, or leaves.",
    ),
    (line(series.NODE_HEALTH, Column("mean", "rssi_dbm"), "node", where=_CHOSEN),),
    (8, 8),
    gap_ms=DAY_MS,
    time_from="30d",
    steps=_RSSI_DBM,
    marked=True,
)

BOARD = Dashboard(
    FLEET,
    ("Parc", "Fleet"),
    (
        "Tous les nœuds et capteurs : qui parle, qui se tait, quelle pile, quelle radio.",
        "All nodes and sensors: who speaks, who is silent, which battery, which radio.",
    ),
    (SILENT, MAP, PLACES, NODES, SENSORS, _LIFE, _BATTERY, _SIGNAL),
    (Variable("node", ("Nœud", "Node"), series.NODE_HEALTH, "node", several=False),),
    hours=48,
    below=(SENSOR, QUALITY),
    annotations=CARE_MARKS,
    ahead="",
)
