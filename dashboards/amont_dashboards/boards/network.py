"""Define "Réseau / Network": what each zone takes by day and by night, and what comes of it."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    DAY_MS,
    GAP_MS,
    LEAKS,
    M3_H,
    METRES,
    MONTHLY,
    NETWORK,
    NIGHTS,
    NOW,
    WATER_MARKS,
    YEARS,
    M,
    latest,
    line,
    nights,
)
from amont_dashboards.model import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    YELLOW,
    Column,
    Dashboard,
    Opens,
    Panel,
    Query,
    Variable,
)
from amont_dashboards.sources import HISTORY
from amont_gateway import series

_ZONE = (("zone", "zone"),)
_MORE_PCT = ((None, GREEN), (20.0, YELLOW), (50.0, RED))
MORE = "(last({}) - last({night_flow_usual_l_h})) / last({night_flow_usual_l_h})"
_NIGHT_MS = 2 * DAY_MS

VERDICTS = Panel(
    "stat",
    ("Avis par secteur", "Verdict of each zone"),
    (
        "Ce que le modèle dit de chaque secteur et de chaque réseau. Un avis, pas une preuve : le"
        " débit de la nuit, à côté, en est la raison.",
        "What the model says of each zone and each network. Advice, not proof: the night's flow"
        " beside it is the reason.",
    ),
    (
        latest(series.ZONE_STATE, "zone", "verdict"),
        latest(series.NETWORK_STATE, "network", "verdict"),
    ),
    (8, 7),
    time_from=NOW,
    opens=(Opens(LEAKS),),
)

NIGHT = Panel(
    "table",
    ("Débit de la nuit et référence", "Last night's flow and its reference"),
    (
        "Débit nocturne minimal de la dernière nuit, celui des nuits habituelles, l'écart, et la"
        " pression de la nuit : une pression plus haute augmente à elle seule ce qui fuit.",
        "Minimum night flow of the last night, that of usual nights, the difference, and the"
        " night's pressure: a higher pressure alone makes more water leak.",
    ),
    (
        latest(
            series.ZONE_DAY,
            "zone",
            Column("last", "night_flow_l_h", M3_H, decimals=2),
            Column("last", "night_flow_usual_l_h", M3_H, decimals=2),
            Column(
                MORE,
                "night_flow_l_h",
                100.0,
                "more",
                ("Écart", "Difference"),
                "percent",
                "colour",
                _MORE_PCT,
                decimals=0,
            ),
            Column("last", "night_pressure_kpa", 0.01, decimals=1),
        ),
    ),
    (16, 7),
    time_from=NIGHTS,
    opens=(Opens(LEAKS, "zone", "zone"),),
)

INFLOW = Panel(
    "timeseries",
    ("Débit d'entrée", "Inflow"),
    (
        "Débit mesuré à l'entrée du secteur choisi, et en tirets celui que le modèle attend. Ce"
        " qui dépasse longtemps la nuit s'échappe.",
        "Flow measured into the chosen zone, and dashed the flow that the model expects. What"
        " stays above it by night escapes.",
    ),
    (
        line(series.FLOW, Column("mean", "flow_l_h", M3_H), "sensor", where=_ZONE),
        line(
            series.ZONE_STATE,
            Column("mean", "expected_l_h", M3_H),
            "zone",
            ("Attendu", "Expected"),
            GREEN,
            _ZONE,
            dashed=True,
        ),
    ),
    (24, 9),
    unit="suffix:m³/h",
    gap_ms=GAP_MS,
)

_NIGHTS_60 = Panel(
    "timeseries",
    ("Débits nocturnes, 60 jours", "Night flows, 60 days"),
    (
        "Débit nocturne minimal de chaque nuit du secteur choisi, sa référence en tirets, et la"
        " limite de l'habituel (référence plus deux écarts). Une marche qui reste est une fuite ;"
        " une pointe d'une nuit est souvent un arrosage.",
        "Minimum night flow of each night of the chosen zone, its reference dashed, and the limit"
        " of what is usual (reference plus two deviations). A step that stays is a leak; a peak of"
        " one night is often watering.",
    ),
    (
        *nights(_ZONE),
        line(
            series.ZONE_DAY,
            Column("(max({}) + 2 * max({night_flow_spread_l_h}))", "night_flow_usual_l_h", M3_H),
            "zone",
            ("Limite", "Limit"),
            ORANGE,
            _ZONE,
            dashed=True,
        ),
    ),
    (12, 8),
    unit="suffix:m³/h",
    gap_ms=_NIGHT_MS,
    time_from="60d",
    interval="1d",
)

_PRESSURE = Panel(
    "timeseries",
    ("Pression : moyenne et plus basse", "Pressure: mean and lowest"),
    (
        "Pression moyenne de chaque heure par capteur et, en tirets, la plus basse. Sous 100 kPa"
        " (1 bar), le robinet du dernier étage le sent ; une chute soudaine avec plus de débit est"
        " une casse.",
        "Mean pressure of each hour by sensor and, dashed, the lowest. Below 100 kPa"
        " (1 bar) the tap upstairs feels it; a sudden fall with more flow is a burst.",
    ),
    (
        line(
            series.by(series.HOURS, series.PRESSURE),
            Column("mean", "pressure_kpa", 0.01),
            "sensor",
            colour=BLUE,
        ),
        line(
            series.by(series.HOURS, series.PRESSURE),
            Column("min", "min_pressure_kpa", 0.01),
            "sensor",
            ("Plus basse", "Lowest"),
            PURPLE,
            dashed=True,
        ),
    ),
    (12, 8),
    unit="pressurebar",
    gap_ms=2 * GAP_MS,
)

_TANKS = Panel(
    "bargauge",
    ("Réservoirs", "Tanks"),
    (
        "Dernier niveau mesuré dans chaque réservoir, sur les six dernières heures.",
        "Last level measured in each tank, within the last six hours.",
    ),
    (latest(series.TANK, "sensor", Column("last", "level_mm", M, unit=METRES)),),
    (6, 8),
    decimals=2,
    low=0,
    source=HISTORY.uid,
    time_from="6h",
)

_YIELD = Panel(
    "stat",
    ("Rendement et pertes sur 12 mois", "Yield and losses over 12 months"),
    (
        "P104.3 rendement, le rendement exigé, P105.3 volumes non comptés et P106.3 pertes en"
        " réseau, sur les douze derniers mois complets. Le détail est dans le bilan mensuel.",
        "P104.3 yield, the yield required, P105.3 uncounted volumes and P106.3 losses, over the"
        " last twelve whole months. The monthly report has the detail.",
    ),
    tuple(
        Query(series.YIELD_YEAR, (Column("last", field),), label=label)
        for field, label in (
            ("yield_pct", ("Rendement %", "Yield %")),
            ("yield_needed_pct", ("Exigé %", "Required %")),
            ("uncounted_m3_km_d", ("Non comptés m³/km/j", "Uncounted m³/km/d")),
            ("losses_m3_km_d", ("Pertes m³/km/j", "Losses m³/km/d")),
        )
    ),
    (6, 8),
    unit="none",
    decimals=1,
    time_from="100d",
    opens=(Opens(MONTHLY),),
)

_YIELD_24 = Panel(
    "timeseries",
    ("Rendement glissant, 24 mois", "Rolling yield, 24 months"),
    (
        "Rendement de chaque période de douze mois, au mois qui la termine, et en tirets celui que"
        " demande le décret.",
        "Yield of each twelve months, at the month that ends them, and dashed the yield that the"
        " decree asks for.",
    ),
    tuple(
        Query(
            series.YIELD_YEAR,
            (Column("max", field),),
            fill="none",
            every="1d",
            label=label,
            colour=colour,
            dashed=dashed,
        )
        for field, label, colour, dashed in (
            ("yield_pct", ("Rendement", "Yield"), BLUE, False),
            ("yield_needed_pct", ("Exigé", "Required"), GREY, True),
        )
    ),
    (12, 8),
    points=True,
    time_from=YEARS,
)

_BALANCE = Panel(
    "table",
    ("Bilan du mois par secteur", "Monthly balance of each zone"),
    (
        "Dernier mois complet : volume entré, volume compté chez les abonnés, différence, et part"
        " de l'entrée qui est estimée faute de mesure.",
        "The last whole month: volume in, volume metered at customers, difference, and the share"
        " of the inflow that is estimated for lack of readings.",
    ),
    (
        latest(
            series.ZONE_MONTH,
            "zone",
            Column("last", "inflow_m3", decimals=0),
            Column("last", "metered_m3", decimals=0),
            Column("last", "balance_m3", decimals=0),
            Column("last", "balance_pct", decimals=1, cell="gauge", low=0, high=100),
            Column("last", "estimated_pct", decimals=1),
        ),
    ),
    (24, 7),
    time_from="62d",
)

BOARD = Dashboard(
    NETWORK,
    ("Réseau", "Network"),
    (
        "L'eau qui part : ce que prend chaque secteur, de jour, de nuit, et sur l'année.",
        "The water that goes out: what each zone takes by day, by night, and over the year.",
    ),
    (
        VERDICTS, NIGHT, INFLOW, _NIGHTS_60, _PRESSURE, _TANKS, _YIELD, _YIELD_24, _BALANCE,
    ),
    (Variable("zone", ("Secteur", "Zone"), series.ZONE_STATE, "zone", several=False),),
    below=(LEAKS, MONTHLY),
    annotations=WATER_MARKS,
)  # fmt: skip
