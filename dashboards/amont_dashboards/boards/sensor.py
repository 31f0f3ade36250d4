"""Define "Fiche capteur / Sensor sheet": all about one sensor and the node that carries it."""

from __future__ import annotations

from dataclasses import replace

from amont_dashboards.boards.shapes import (
    CARE_MARKS,
    DAY_MS,
    GAP_MS,
    GOOD_ABOVE,
    LONG,
    METRES,
    NOW,
    SENSOR,
    STATE_GAP_MS,
    M,
    both,
    latest,
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
    Panel,
    Query,
    Text,
    Variable,
)
from amont_dashboards.sources import HISTORY
from amont_gateway import series

_SENSOR = (("sensor", "sensor"),)
# What a sensor measures: a sheet shows one of them, on an axis with its unit.
_MEASURED: tuple[tuple[series.Measurement, float, str], ...] = (
    (series.STAGE, M, BLUE),
    (series.RANGE, M, SKY),
    (series.TANK, M, BLUE),
    (series.RAIN, M, SKY),
    (series.FLOW, 0.001, BLUE),
    (series.VOLUME, 0.001, BLUE),
    (series.PRESSURE, 0.01, PURPLE),
    (series.WATER_TEMP, 1.0, ORANGE),
    (series.AIR_TEMP, 1.0, ORANGE),
    (series.BATTERY, 1.0, GREEN),
)
_UNITS = {
    "stage": METRES, "range": METRES, "tank": METRES, "rain": "suffix:mm",
    "flow": "suffix:m³/h", "volume": "suffix:m³", "pressure": "pressurebar",
    "water_temp": "celsius", "air_temp": "celsius", "battery": "volt",
}  # fmt: skip


def _reading(measurement: series.Measurement, scale: float, colour: str) -> Query:
    how = "sum" if measurement is series.RAIN else "mean"
    column = Column(how, measurement.fields[0].name, scale)
    unit = _UNITS[measurement.name]
    return Query(
        measurement, (column,), ("sensor",), _SENSOR, "null", measurement.text,
        colour=colour, unit=unit,
    )  # fmt: skip


def _quality(measurement: series.Measurement) -> Query:
    column = Column("max", "quality")
    return Query(measurement, (column,), ("sensor",), _SENSOR, "null", measurement.text)


READING = Panel(
    "timeseries",
    ("Mesure", "Reading"),
    (
        "Ce que le capteur a mesuré, dans son unité. Le choix « Détail » passe des mesures aux"
        " moyennes d'une heure ou d'un jour (pour la pluie : aux sommes).",
        'What the sensor measured, in its unit. The choice "Detail" goes from readings to means of'
        " an hour or a day (for rain: sums).",
    ),
    tuple(_reading(*measured) for measured in _MEASURED),
    (24, 9),
    gap_ms=GAP_MS,
)

_QUALITIES = Panel(
    "state-timeline",
    ("Qualité des mesures", "Quality of the readings"),
    (
        "La moins bonne qualité de chaque intervalle affiché. « Douteuse » est gardée mais ne vaut"
        " pas preuve ; hors limites et défaut ne comptent nulle part.",
        'The least good quality of each interval shown. "Suspect" is kept but proves nothing; out'
        " of range and sensor fault count nowhere.",
    ),
    tuple(_quality(measurement) for measurement, _, _ in _MEASURED),
    (24, 4),
    gap_ms=GAP_MS,
    source=HISTORY.uid,
)

_NOW = Panel(
    "table",
    ("Le capteur maintenant", "The sensor now"),
    (
        "Fraîcheur, âge, retard en intervalles promis, anomalies, vote et promesse.",
        "Freshness, age, lateness in promised intervals, flags, vote and promise.",
    ),
    (
        replace(
            latest(
                series.SENSOR_HEALTH,
                "sensor",
                "freshness",
                Column("last", "age_s", unit=LONG),
                Column("last", "late_x", decimals=1),
                "flags",
                "votes",
                "full_promise",
            ),
            where=_SENSOR,
        ),
    ),
    (24, 4),
    time_from=NOW,
)

_COMPLETE = Panel(
    "timeseries",
    ("Complétude par jour", "Completeness by day"),
    (
        "Part des mesures promises qui sont arrivées chaque jour, et part des douteuses. Sous"
        " 80 %, les bilans du jour sont en partie estimés.",
        "Share of the promised readings that came each day, and share of suspect ones. Below 80 %"
        " the day's balances are partly estimated.",
    ),
    tuple(
        Query(
            series.QUALITY_DAY,
            (Column("min" if field.startswith("comp") else "max", field),),
            ("sensor",),
            _SENSOR,
            "null",
            label,
            colour=colour,
            every="1d",
        )
        for field, label, colour in (
            ("completeness_pct", ("Complétude", "Completeness"), GREEN),
            ("suspect_pct", ("Douteuses", "Suspect"), YELLOW),
            ("refused_pct", ("Refusées", "Refused"), RED),
        )
    ),
    (12, 7),
    low=0,
    high=100,
    steps=GOOD_ABOVE,
    gap_ms=2 * DAY_MS,
    time_from="90d",
)

_LATE = Panel(
    "timeseries",
    ("Âge de la dernière mesure", "Age of the last reading"),
    (
        "Temps depuis la dernière mesure reçue : des dents de scie régulières sont normales.",
        "Time since the last reading came: regular saw teeth are normal.",
    ),
    (
        Query(
            series.SENSOR_HEALTH,
            (Column("max", "age_s", unit=LONG),),
            ("sensor",),
            (("sensor", "sensor"),),
            "null",
            both("$tag_sensor"),
        ),
    ),
    (12, 7),
    gap_ms=STATE_GAP_MS,
)


def _carried(
    title: Text, description: Text, field: str, scale: float, range_: str, colour: str
) -> Panel:
    column = Column("mean", field, scale)
    query = Query(
        series.SENSOR_HEALTH, (column,), ("sensor",), _SENSOR, "null", title, colour=colour
    )
    return Panel(
        "timeseries", title, description, (query,), (12, 7), gap_ms=DAY_MS, time_from=range_
    )


_BATTERY = _carried(
    ("Pile du nœud, 1 an", "The node's battery, 1 year"),
    (
        "Tension de pile du nœud qui porte ce capteur : la pente dit quand la changer, une marche"
        " vers le haut quand elle l'a été.",
        "Battery voltage of the node that carries this sensor: its slope says when to change it, a"
        " step up when it was changed.",
    ),
    "battery_mv",
    0.001,
    "365d",
    GREEN,
)
_RADIO = _carried(
    ("Signal du nœud", "The node's signal"),
    (
        "Force du signal reçu du nœud qui porte ce capteur.",
        "Strength of the signal from the node that carries this sensor.",
    ),
    "rssi_dbm",
    1.0,
    "",
    PURPLE,
)

BOARD = Dashboard(
    SENSOR,
    ("Fiche capteur", "Sensor sheet"),
    (
        "Un capteur et son nœud : ce qu'il mesure, à quel point le croire, ce qu'on y a fait.",
        "One sensor and its node: what it measures, how far to believe it, what was done to it.",
    ),
    (_NOW, READING, _QUALITIES, _COMPLETE, _LATE, _BATTERY, _RADIO),
    (Variable("sensor", ("Capteur", "Sensor"), series.SENSOR_HEALTH, "sensor", several=False),),
    hours=7 * 24,
    level=2,
    annotations=CARE_MARKS,
    ahead="",
)
