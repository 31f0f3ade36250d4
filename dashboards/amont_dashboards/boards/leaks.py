"""Define "Fuites / Leaks": which are open, what they cost, what a repair has saved."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    DAY_MS,
    LEAKS,
    M3_H,
    NETWORK,
    NIGHTS,
    WATER_MARKS,
    both,
    line,
    nights,
)
from amont_dashboards.model import (
    GREEN,
    PURPLE,
    RED,
    YELLOW,
    Column,
    Dashboard,
    Panel,
    Query,
    Variable,
)
from amont_gateway import series

_OPEN = float(series.LEAK_STATES.index("open"))
_LEAK = ("place", "leak")
_ZONE = (("zone", "zone"),)
_SEASON = "90d"  # a repair shows against the weeks before it


def _by_place(how: str, column: Column, state: float | None = None) -> Query:
    columns = (column,) if state is None else (column, Column("last", "state"))
    having = () if state is None else (("state", "=", state),)
    return Query(
        series.LEAK_DAY, columns, _LEAK, outer=how, outer_group=("place",),
        label=both("$tag_place"), having=having,
    )  # fmt: skip


OPEN = Panel(
    "stat",
    ("Fuites ouvertes", "Open leaks"),
    (
        "Combien de fuites sont tenues pour ouvertes, par secteur et par réseau. Un secteur peut"
        " être dans un réseau : la même fuite y est alors vue deux fois, et ne s'additionne pas.",
        "How many leaks are believed open, by zone and by network. A zone may lie in a network:"
        " the same leak is then seen twice there, and does not add up.",
    ),
    (_by_place("count", Column("last", "size_l_h"), state=_OPEN),),
    (6, 5),
    unit="none",
    steps=((None, GREEN), (1.0, RED)),
    empty=("✓ aucune", "✓ none"),
    time_from=NIGHTS,
)

LOST = Panel(
    "stat",
    ("Perdu par les fuites ouvertes", "Lost through open leaks"),
    (
        "Eau perdue depuis que les fuites encore ouvertes ont commencé, par secteur et réseau.",
        "Water lost since the leaks that are still open began, by zone and by network.",
    ),
    (_by_place("sum", Column("last", "lost_m3"), state=_OPEN),),
    (6, 5),
    decimals=0,
    steps=((None, YELLOW),),
    empty=("✓ rien", "✓ nothing"),
    time_from=NIGHTS,
)

SAVED = Panel(
    "stat",
    ("Économisé en un an par les réparations", "Saved by repairs within a year"),
    (
        "Pour chaque fuite réparée : ce qu'elle aurait encore perdu depuis, un an au plus.",
        "For each repaired leak: what it would have lost since, a year at most.",
    ),
    (_by_place("sum", Column("last", "saved_m3")),),
    (6, 5),
    decimals=0,
    steps=((None, GREEN),),
    time_from="365d",
)

FLOWING = Panel(
    "stat",
    ("Débit des fuites ouvertes", "Flow of open leaks"),
    (
        "Ce qui s'échappe en ce moment, selon les modèles, par secteur et par réseau.",
        "What escapes just now, as the models estimate it, by zone and by network.",
    ),
    (_by_place("sum", Column("last", "size_l_h", M3_H), state=_OPEN),),
    (6, 5),
    decimals=1,
    steps=((None, YELLOW), (1.0, RED)),
    empty=("✓ rien", "✓ nothing"),
    time_from=NIGHTS,
)

LIST = Panel(
    "table",
    ("Liste des fuites", "List of leaks"),
    (
        "Chaque fuite de l'année : où, état, débit, durée, eau perdue, eau économisée depuis"
        " la réparation, et probabilité. Le numéro sert à la commande « note repair ».",
        "Each leak of the year: where, state, flow, how long, water lost, water saved since the"
        ' repair, and probability. Its number is what the command "note repair" takes.',
    ),
    (
        Query(
            series.LEAK_DAY,
            (
                Column("last", "state"),
                Column("last", "size_l_h", M3_H, decimals=2),
                Column("last", "open_d", title=("Jours", "Days"), unit="none", decimals=0),
                Column("last", "lost_m3", decimals=0),
                Column("last", "saved_m3", decimals=0),
                Column("last", "probability", 100.0, decimals=0, cell="gauge", low=0, high=100),
            ),
            _LEAK,
        ),
    ),
    (24, 8),
    time_from="365d",
)

_OVER_TIME = Panel(
    "state-timeline",
    ("Vie de chaque fuite", "The life of each leak"),
    (
        "Une ligne par fuite : d'abord surveillée, puis ouverte, réparée ou disparue d'elle-même.",
        "One line for each leak: first watched, then open, repaired, or gone by itself.",
    ),
    (
        Query(
            series.LEAK_DAY,
            (Column("last", "state"),),
            _LEAK,
            fill="null",
            label=both("$tag_place · $tag_leak"),
        ),
    ),
    (24, 7),
    gap_ms=2 * DAY_MS,
    interval="1d",
    time_from=_SEASON,
)

_BEFORE_AFTER = Panel(
    "timeseries",
    ("Nuits avant et après réparation", "Nights before and after repair"),
    (
        "Débit nocturne minimal du secteur choisi et sa référence en tirets. Les traits rouges :"
        " fuites trouvées ; verts : réparations. Après une bonne réparation, la courbe retombe"
        " sur la référence.",
        "Minimum night flow of the chosen zone and its reference dashed. Red lines: leaks found;"
        " green: repairs. After a good repair the curve falls back to the reference.",
    ),
    nights(_ZONE),
    (14, 9),
    unit="suffix:m³/h",
    gap_ms=2 * DAY_MS,
    interval="1d",
    time_from=_SEASON,
)

_PRESSURE = Panel(
    "timeseries",
    ("Pression de la nuit", "Pressure by night"),
    (
        "Pression aux heures du débit nocturne. Si elle monte, une partie de la hausse du débit"
        " vient d'elle et non d'une nouvelle fuite.",
        "Pressure at the hours of the night flow. If it rises, part of the rise in flow comes from"
        " it and not from a new leak.",
    ),
    (
        line(
            series.ZONE_DAY,
            Column("mean", "night_pressure_kpa", 0.01),
            "zone",
            colour=PURPLE,
            where=_ZONE,
        ),
    ),
    (10, 9),
    gap_ms=2 * DAY_MS,
    interval="1d",
    time_from=_SEASON,
)

BOARD = Dashboard(
    LEAKS,
    ("Fuites", "Leaks"),
    (
        "Ce qui fuit, depuis quand, combien d'eau cela coûte, ce que les réparations ont rendu.",
        "What leaks, since when, how much water it costs, what repairs have given back.",
    ),
    (OPEN, FLOWING, LOST, SAVED, LIST, _OVER_TIME, _BEFORE_AFTER, _PRESSURE),
    (Variable("zone", ("Secteur", "Zone"), series.ZONE_DAY, "zone", several=False),),
    hours=90 * 24,
    below=(NETWORK,),
    annotations=WATER_MARKS,
    detail=series.DAYS,
    refresh="5m",
    ahead="",
)
