"""Define "Bilan mensuel RPQS / Monthly report": the indicators that the state asks for."""

from __future__ import annotations

from amont_dashboards.boards.shapes import MONTHLY, WATER_MARKS, YEARS
from amont_dashboards.model import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Column,
    Dashboard,
    Panel,
    Query,
    Text,
    sorted_by,
)
from amont_gateway import series

_ESTIMATED = ((None, GREEN), (10.0, YELLOW), (25.0, RED))
_LAST = "100d"


def _whole(field: str, label: Text) -> Query:
    """Return the newest value over twelve months of which every day is known."""
    only = (("missing_days", "=", 0.0),)
    return Query(series.YIELD_YEAR, (Column("last", field),), only=only, label=label)


YIELD = Panel(
    "gauge",
    ("Rendement sur 12 mois (P104.3)", "Yield over 12 months (P104.3)"),
    (
        "Part de l'eau produite ou achetée qui est consommée ou vendue, sur les douze mois les"
        " plus récents dont chaque jour est connu. La valeur exigée est à côté.",
        "Share of the water produced or bought that is used or sold, over the newest twelve months"
        " of which every day is known. The value that is required stands beside.",
    ),
    (_whole("yield_pct", ("Rendement", "Yield")),),
    (6, 7),
    low=0,
    high=100,
    decimals=1,
    steps=((None, RED), (65.0, YELLOW), (85.0, GREEN)),
    time_from=_LAST,
)

REACHED = Panel(
    "stat",
    ("Rendement exigé", "Yield required"),
    (
        "Si le rendement exigé par le décret 2012-97 est atteint. « Inconnu » : il manque des"
        " volumes.",
        'Whether the yield that décret 2012-97 requires is reached. "Unknown": volumes are'
        " missing.",
    ),
    (_whole("reached", ("Atteint", "Reached")),),
    (6, 7),
    time_from=_LAST,
)

INDICATORS = Panel(
    "table",
    ("Indicateurs, mois par mois", "Indicators, month by month"),
    (
        "Chaque ligne : les douze mois qui finissent avec ce mois. Rendement P104.3 et valeur"
        " exigée, P105.3 et P106.3 en m³/km/j, volumes, part estimée, jours sans aucune donnée."
        " Menu du tableau, « Inspecter », « Données » : export CSV.",
        "Each row: the twelve months that end with this one. Yield P104.3 and the value required,"
        " P105.3 and P106.3 in m³/km/d, volumes, estimated share, days without any data. The"
        ' table\'s menu, "Inspect", "Data": CSV export.',
    ),
    (
        Query(
            series.YIELD_YEAR,
            (
                Column("", "yield_pct", decimals=1),
                Column("", "yield_needed_pct", decimals=1),
                Column("", "reached"),
                Column("", "uncounted_m3_km_d", decimals=2),
                Column("", "losses_m3_km_d", decimals=2),
                Column("", "supplied_m3", decimals=0),
                Column("", "used_m3", decimals=0),
                Column("", "estimated_pct", steps=_ESTIMATED, cell="colour", decimals=1),
                Column("", "missing_days"),
            ),
            newest_first=True,
        ),
    ),
    (24, 9),
    with_time=True,
    time_from=YEARS,
)

# As the import names them, in the order of the yearly sheet.
_VOLUME_KINDS: tuple[tuple[str, Text, str], ...] = (
    ("produced", ("Produit", "Produced"), BLUE),
    ("imported", ("Acheté", "Imported"), SKY),
    ("exported", ("Vendu", "Exported"), PURPLE),
    ("metered_domestic", ("Compté domestique", "Metered domestic"), GREEN),
    ("metered_other", ("Compté autre", "Metered other"), YELLOW),
    ("unmetered", ("Sans comptage", "Unmetered"), ORANGE),
    ("service", ("Service", "Service"), GREY),
)

_VOLUMES = Panel(
    "timeseries",
    ("Volumes de chaque mois", "Volumes of each month"),
    (
        "Volumes produits, achetés, vendus, comptés et sans comptage, au mois.",
        "Volumes produced, bought, sold, metered and unmetered, by the month.",
    ),
    tuple(
        Query(
            series.VOLUME_MONTH,
            (Column("sum", "volume_m3"),),
            fill="none",
            every="1d",
            tags=(("kind", (kind,)),),
            label=label,
            colour=colour,
        )
        for kind, label, colour in _VOLUME_KINDS
    ),
    (12, 9),
    points=True,
    decimals=0,
    time_from=YEARS,
)

_TREND = Panel(
    "timeseries",
    ("Pertes sur 12 mois", "Losses over 12 months"),
    (
        "P105.3 volumes non comptés et P106.3 pertes en réseau, par kilomètre et par jour.",
        "P105.3 uncounted volumes and P106.3 network losses, by kilometre and day.",
    ),
    tuple(
        Query(
            series.YIELD_YEAR,
            (Column("max", field),),
            fill="none",
            every="1d",
            label=label,
            colour=colour,
        )
        for field, label, colour in (
            ("uncounted_m3_km_d", ("Non comptés P105.3", "Uncounted P105.3"), ORANGE),
            ("losses_m3_km_d", ("Pertes P106.3", "Losses P106.3"), PURPLE),
        )
    ),
    (12, 9),
    points=True,
    low=0,
    time_from=YEARS,
)

_SHARES = Panel(
    "bargauge",
    ("Part estimée du dernier mois", "Estimated share of the last month"),
    (
        "Part de chaque volume du dernier mois qui est estimée et non mesurée. Sans comptage et"
        " service le sont par nature.",
        "Share of each volume of the last month that is estimated and not measured. Unmetered and"
        " service are so by nature.",
    ),
    tuple(
        Query(
            series.VOLUME_MONTH,
            (Column("last", "estimated_pct"),),
            tags=(("kind", (kind,)),),
            label=label,
        )
        for kind, label, _ in _VOLUME_KINDS
    ),
    (12, 7),
    low=0,
    high=100,
    decimals=0,
    steps=_ESTIMATED,
    time_from=_LAST,
)

_ZONES = Panel(
    "table",
    ("Bilan de chaque secteur et mois", "Balance of each zone and month"),
    (
        "Volume entré, compté, différence, et part estimée. La différence comprend les fuites, le"
        " service et ce qui n'a pas de compteur.",
        "Volume in, metered, difference, and estimated share. The difference holds leaks, service"
        " and what has no meter.",
    ),
    (
        Query(
            series.ZONE_MONTH,
            (
                Column("", "inflow_m3", decimals=0),
                Column("", "metered_m3", decimals=0),
                Column("", "balance_m3", decimals=0),
                Column("", "balance_pct", decimals=1, cell="gauge", low=0, high=100),
                Column("", "estimated_pct", steps=_ESTIMATED, cell="colour", decimals=1),
            ),
            ("zone",),
            newest_first=True,
        ),
    ),
    (24, 9),
    with_time=True,
    time_from="365d",
    transformations=(sorted_by("Time"),),
)

BOARD = Dashboard(
    MONTHLY,
    ("Bilan mensuel RPQS", "Monthly report"),
    (
        "Les chiffres que la commune doit à l'État chaque année, mois après mois : rendement,"
        " pertes, volumes, et ce qui en est estimé.",
        "The figures that the commune owes the state each year, month after month: yield, losses,"
        " volumes, and how much of them is estimated.",
    ),
    (YIELD, REACHED, _SHARES, INDICATORS, _VOLUMES, _TREND, _ZONES),
    hours=730 * 24,
    level=2,
    annotations=WATER_MARKS[:2],
    refresh="1h",
    ahead="",
)
