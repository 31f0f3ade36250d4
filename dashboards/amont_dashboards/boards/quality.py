"""Define "Qualité des données / Data quality": which readings came, which count, how late."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    CARE_MARKS,
    DAY_MS,
    GOOD_ABOVE,
    LONG,
    NIGHTS,
    QUALITY,
    SENSOR,
    both,
    latest,
    line,
)
from amont_dashboards.model import (
    GREEN,
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

_CHOSEN = (("sensor", "sensor"),)
_MONTH = "31d"  # whatever range the reader came with
_FEW = ((None, GREEN), (1.0, YELLOW), (5.0, RED))
_LONG_S = ((None, GREEN), (7_200.0, YELLOW), (86_400.0, RED))
_SLOW_S = ((None, GREEN), (900.0, YELLOW), (7_200.0, RED))

WORST = Panel(
    "stat",
    ("Capteurs sous 80 %", "Sensors below 80 %"),
    (
        "Capteurs dont moins de 80 % des mesures promises sont arrivées depuis minuit.",
        "Sensors of which less than 80 % of the promised readings have come since midnight.",
    ),
    (
        Query(
            series.QUALITY_DAY,
            (Column("last", "gaps"), Column("last", "completeness_pct")),
            ("sensor",),
            outer="count",
            having=(("completeness_pct", "<", 80.0),),
        ),
    ),
    (5, 7),
    unit="none",
    steps=((None, GREEN), (1.0, RED)),
    empty=("✓ aucun", "✓ none"),
    time_from=NIGHTS,
)

LAST = Panel(
    "table",
    ("Dernier jour, par capteur", "The last day, by sensor"),
    (
        "Depuis minuit : complétude, mesures douteuses et refusées, trous de plus de deux heures,"
        " retard médian et retard que 95 % des mesures ne dépassent pas. Un clic ouvre la fiche.",
        "Since midnight: completeness, suspect and refused readings, gaps of more than two hours,"
        " median delay, and what 95 % of the readings stay below. A click opens the sheet.",
    ),
    (
        latest(
            series.QUALITY_DAY,
            "sensor",
            Column("last", "completeness_pct", steps=GOOD_ABOVE, cell="gauge", low=0, high=100,
                   decimals=0),
            Column("last", "suspect_pct", steps=_FEW, cell="colour", decimals=1),
            Column("last", "refused_pct", steps=_FEW, cell="colour", decimals=1),
            Column("last", "gaps", steps=_FEW, cell="colour"),
            Column("last", "longest_gap_s", unit=LONG, steps=_LONG_S, cell="colour"),
            Column("last", "delay_p50_s"),
            Column("last", "delay_p95_s", steps=_SLOW_S, cell="colour"),
        ),
    ),
    (19, 7),
    time_from=NIGHTS,
    opens=(Opens(SENSOR, "sensor", "sensor"),),
)  # fmt: skip

_BY_DAY = Panel(
    "status-history",
    ("Complétude par capteur et par jour", "Completeness by sensor and day"),
    (
        "Une case par jour : la part des mesures promises qui sont arrivées, en chiffres et en"
        " couleur (rouge sous 80 %, jaune sous 95 %). Une colonne rouge : une panne commune ; une"
        " ligne rouge : un capteur.",
        "One cell a day: the share of the promised readings that came, as a number and a colour"
        " (red below 80 %, yellow below 95 %). A red column: a common outage; a red row: one"
        " sensor.",
    ),
    (
        Query(
            series.QUALITY_DAY,
            (Column("min", "completeness_pct"),),
            ("sensor",),
            _CHOSEN,
            "none",
            both("$tag_sensor"),
            every="1d",
        ),
    ),
    (24, 10),
    time_from=_MONTH,
    decimals=0,
    steps=GOOD_ABOVE,
)

_BAD = Panel(
    "timeseries",
    ("Mesures douteuses et refusées", "Suspect and refused readings"),
    (
        "Part de chaque jour, par capteur. Une part qui monte : capteur encrassé, câble, glace.",
        "Share of each day, by sensor. A share that rises: a fouled sensor, a cable, ice.",
    ),
    (
        line(
            series.QUALITY_DAY,
            Column("max", "suspect_pct"),
            "sensor",
            ("Douteuses", "Suspect"),
            where=_CHOSEN,
        ),
        line(
            series.QUALITY_DAY,
            Column("max", "refused_pct"),
            "sensor",
            ("Refusées", "Refused"),
            where=_CHOSEN,
            dashed=True,
        ),
    ),
    (12, 8),
    time_from=_MONTH,
    low=0,
    gap_ms=2 * DAY_MS,
    interval="1d",
)

_GAPS = Panel(
    "table",
    ("Trous de plus de deux heures", "Gaps of more than two hours"),
    (
        "Chaque jour où un capteur s'est tu plus de deux heures : combien de fois, et le plus long"
        " trou. Ce qui est arrivé en retard n'est plus un trou.",
        "Each day on which a sensor fell silent for more than two hours: how often, and the"
        " longest gap. What came late is no gap any more.",
    ),
    (
        Query(
            series.QUALITY_DAY,
            (
                Column("", "gaps"),
                Column("", "longest_gap_s", unit=LONG, steps=_LONG_S, cell="colour"),
                Column("", "completeness_pct", decimals=0),
            ),
            ("sensor",),
            _CHOSEN,
            only=(("gaps", ">", 0),),
            newest_first=True,
            limit=100,
        ),
    ),
    (12, 8),
    time_from=_MONTH,
    with_time=True,
)

_DELAYS = Panel(
    "histogram",
    ("Retard de réception", "Delay of reception"),
    (
        "Répartition des retards entre la mesure et le journal : une valeur par capteur et par"
        " jour (95 % des mesures du jour étaient plus rapides).",
        "How the delays from reading to journal are spread: one value for each sensor and day (95"
        " % of the day's readings were faster).",
    ),
    (
        Query(
            series.QUALITY_DAY,
            (Column("", "delay_p95_s"),),
            ("sensor",),
            _CHOSEN,
            label=both("$tag_sensor"),
        ),
    ),
    (24, 8),
    time_from=_MONTH,
    options={"combine": True},
)

BOARD = Dashboard(
    QUALITY,
    ("Qualité des données", "Data quality"),
    (
        "Les mesures promises : lesquelles sont venues, lesquelles comptent, avec quel retard.",
        "The promised readings: which came, which count, how late they were.",
    ),
    (WORST, LAST, _BY_DAY, _BAD, _GAPS, _DELAYS),
    (Variable("sensor", ("Capteur", "Sensor"), series.QUALITY_DAY, "sensor"),),
    hours=31 * 24,
    level=2,
    below=(SENSOR,),
    annotations=CARE_MARKS,
    refresh="5m",
    ahead="",
)
