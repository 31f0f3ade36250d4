"""Define "Crues / Floods": where each river place stands, what comes, how far to believe it."""

from __future__ import annotations

from amont_dashboards.boards.shapes import (
    FLOOD_MARKS,
    FLOODS,
    GAP_MS,
    LIMITS,
    LONG,
    METRES,
    NOW,
    SENSOR,
    SIRENS,
    STATE_GAP_MS,
    M,
    both,
    latest,
    line,
)
from amont_dashboards.model import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Column,
    Dashboard,
    Opens,
    Panel,
    Query,
    Text,
    Variable,
)
from amont_dashboards.sources import HISTORY
from amont_gateway import series

_CHOSEN = (("station", "station"),)
_RISE = ((None, GREEN), (100.0, YELLOW), (500.0, RED))  # mm an hour
_SOON = ((None, RED), (3_600.0, ORANGE), (4 * 3_600.0, GREEN))
_MANY_MM = ((None, BLUE), (20.0, YELLOW), (50.0, RED))


def _limit(field: str, label: Text, colour: str) -> Query:
    column = Column("last", field, M)
    return line(series.STATION_STATE, column, "station", label, colour, _CHOSEN, dashed=True)


def _band(field: str, percent: str) -> Query:
    names = (f"Prévision {percent}", f"Forecast {percent}")
    where = (*_CHOSEN, ("horizon", "horizon"))
    columns = (Column("max", field, M),)
    return Query(series.FORECAST, columns, ("station",), where, "null", names, colour=PURPLE)


def _rain(hours: int) -> Panel:
    column = Column("sum", "rain_um", M)
    return Panel(
        "stat",
        (f"Pluie, {hours} h", f"Rain, {hours} h"),
        (
            f"Ce que chaque pluviomètre a reçu depuis {hours} h. Repères : 20 et 50 mm.",
            f"What each rain gauge has caught in the last {hours} h. Marks: 20 and 50 mm.",
        ),
        (Query(series.RAIN, (column,), ("gauge",), label=both("$tag_gauge")),),
        (4, 7),
        steps=_MANY_MM,
        decimals=1,
        source=HISTORY.uid,
        time_from=f"{hours}h",
    )


STANDING = Panel(
    "table",
    ("Où en est chaque station", "Where each station stands"),
    (
        "Niveau jugé par le gardien, hauteur, tendance de la dernière heure, temps avant le"
        " prochain seuil si la montée continue ainsi, et seuil que la prévision atteint."
        " Un clic sur la station ouvre sa courbe.",
        "Level as the guard judges it, stage, trend of the last hour, time to the next limit if"
        " it went on rising so, and the limit that the forecast reaches. Click a station for its"
        " chart.",
    ),
    (
        latest(
            series.STATION_STATE,
            "station",
            "level",
            Column("last", "stage_mm", M, unit=METRES, decimals=2),
            Column("last", "trend_mm_h", steps=_RISE, cell="colour", decimals=0),
            Column("last", "next_limit_s", unit=LONG, steps=_SOON, cell="colour"),
            "forecast_reaches",
            "rung",
            Column("last", "age_s", unit=LONG),
        ),
    ),
    (24, 7),
    time_from=NOW,
    opens=(Opens(FLOODS, "station", "station"),),
)

STAGE = Panel(
    "timeseries",
    ("Hauteur d'eau, seuils et prévision", "Stage, thresholds and forecast"),
    (
        "Hauteur mesurée par chaque capteur de la station choisie, seuils en tirets, et bande où"
        " la prévision attend la plus haute eau à l'échéance choisie (5 à 95 %). Une coupure de"
        " plus de deux heures reste visible. Les traits verticaux : alarmes et gestes.",
        "Stage measured by each sensor of the chosen station, limits dashed, and the band in"
        " which the forecast expects the highest water at the chosen horizon (5 to 95 %). A gap of"
        " more than two hours stays visible. Vertical lines: alarms and what people did.",
    ),
    (
        _band("p05_mm", "5 %"),
        _band("p95_mm", "95 %"),
        line(series.STAGE, Column("mean", "stage_mm", M), "sensor", where=_CHOSEN),
        *(_limit(field, label, colour) for field, label, colour in LIMITS),
    ),
    (24, 11),
    unit=METRES,
    decimals=2,
    gap_ms=GAP_MS,
    band=(0, 1),
    opens=(Opens(SENSOR, "sensor", "sensor"),),
)

_BARS = Panel(
    "timeseries",
    ("Pluie", "Rain"),
    (
        "Lame d'eau de chaque pluviomètre, par intervalle affiché.",
        "Depth of water of each rain gauge, in each interval shown.",
    ),
    (
        Query(
            series.RAIN,
            (Column("sum", "rain_um", M),),
            ("gauge",),
            (),
            "none",
            both("$tag_gauge"),
            colour=SKY,
        ),
    ),
    (12, 7),
    bars=True,
)

_LEVELS = Panel(
    "state-timeline",
    ("États d'alerte, 7 jours", "Alert states, 7 days"),
    (
        "Le niveau de chaque station dans le temps ; un blanc : rien n'a été dit. Les sept"
        " derniers jours, ou la période si vous en choisissez une par ses dates.",
        "The level of each station over time; a blank: nothing was said. The last seven days, or"
        " the range if you choose one by its dates.",
    ),
    (line(series.STATION_STATE, Column("last", "level"), "station"),),
    (24, 6),
    gap_ms=STATE_GAP_MS,
    time_from="7d",
    interval="10m",
)

_ERROR = Panel(
    "timeseries",
    ("Écart entre prévision et mesure", "Forecast error"),
    (
        "À la fin de chaque échéance : milieu de la bande moins la plus haute eau venue. Au-dessus"
        " de zéro, la prévision annonçait trop.",
        "At the end of each horizon: middle of the band less the highest water that came. Above"
        " zero the forecast said too much.",
    ),
    (
        Query(
            series.FORECAST_ERROR,
            (Column("mean", "error_mm"),),
            ("station", "horizon"),
            _CHOSEN,
            "null",
            ("$tag_station à $tag_horizon h", "$tag_station at $tag_horizon h"),
        ),
    ),
    (16, 7),
    gap_ms=GAP_MS,
)

_INSIDE = Panel(
    "bargauge",
    ("Prévisions dans leur bande", "Forecasts inside their band"),
    (
        "Part des prévisions dont la bande contenait la plus haute eau venue : 90 % sont promis."
        " En dessous, croyez moins la bande.",
        "Share of forecasts whose band held the highest water that came: 90 % are promised. Below"
        " that, believe the band less.",
    ),
    (
        Query(
            series.FORECAST_ERROR,
            (Column("mean", "inside", 100.0, unit="percent"),),
            ("horizon",),
            _CHOSEN,
            label=("à $tag_horizon h", "at $tag_horizon h"),
        ),
    ),
    (8, 7),
    unit="percent",
    low=0,
    high=100,
    decimals=0,
    steps=((None, RED), (70.0, YELLOW), (85.0, GREEN)),
)

BOARD = Dashboard(
    FLOODS,
    ("Crues", "Floods"),
    (
        "La rivière : où elle en est, ce qui vient, et à quel point le croire.",
        "The river: where it stands, what comes, and how far to believe it.",
    ),
    (STANDING, STAGE, _rain(1), _rain(6), _rain(24), _BARS, _LEVELS, _ERROR, _INSIDE),
    (
        Variable(
            "station", ("Station", "Station"), series.STATION_STATE, "station", several=False
        ),
        Variable(
            "horizon", ("Échéance (h)", "Horizon (h)"), series.FORECAST, "horizon", several=False
        ),
    ),
    below=(SIRENS, SENSOR),
    annotations=FLOOD_MARKS,
)
