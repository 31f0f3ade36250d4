"""Declare the series that history holds: plain data, the contract with the dashboards.

Tags are fixed per measurement and no tag shares a field's name. Numbers are floats, codes and
counts are integers; words for codes live in the dashboards. Every point also carries the tag
``site``. Times are Unix milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field: ``type`` is "float" or "int"; ``codes`` name the integers of a state."""

    name: str
    type: str
    unit: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Measurement:
    """One measurement with its fixed tags (besides ``site``) and fields."""

    name: str
    tags: tuple[str, ...]
    fields: tuple[Field, ...]
    text: tuple[str, str]  # French, English


QUALITY = ("good", "suspect", "out of range", "sensor fault", "missing", "held", "test")
LEVELS = ("normal", "watch", "warning", "alarm", "alarm_plus", "unknown")
ADVICE = ("none", "watch", "warning")
VERDICTS = ("normal", "watch", "leak", "unknown")
SIREN_STATES = ("idle", "sound", "muted", "latch", "unknown")
SIREN_MODES = ("armed", "test", "drill", "bypass")
HEALTH = ("ok", "degraded", "fault")
FRESHNESS = ("proved", "assumed", "unknown", "stale")
JOURNAL = ("ok", "full", "read-only", "fault")
MODEL = ("ok", "fault", "no data")
RUNGS = ("full", "no rain", "no upstream", "local only", "thresholds only", "watch lost")
NO_YES = ("no", "yes")

_QUALITY = Field("quality", "int", "", QUALITY)


def _readings(
    name: str, places: tuple[str, ...], field: str, unit: str, text: tuple[str, str]
) -> Measurement:
    return Measurement(name, (*places, "sensor"), (Field(field, "float", unit), _QUALITY), text)


STAGE = _readings("stage", ("station",), "stage_mm", "mm", ("Hauteur d'eau", "Stage"))
RAIN = _readings("rain", ("gauge",), "rain_um", "µm", ("Pluie", "Rain"))
FLOW = _readings("flow", ("zone",), "flow_l_h", "l/h", ("Débit d'entrée", "Inflow"))
PRESSURE = _readings("pressure", ("zone",), "pressure_kpa", "kPa", ("Pression", "Pressure"))
VOLUME = _readings("volume", ("zone",), "volume_l", "l", ("Volume", "Volume"))
WATER_TEMP = _readings(
    "water_temp", ("station",), "water_temp_c", "°C", ("Température de l'eau", "Water temperature")
)
AIR_TEMP = _readings(
    "air_temp", ("station",), "air_temp_c", "°C", ("Température de l'air", "Air temperature")
)
BATTERY = _readings("battery", (), "battery_v", "V", ("Batterie", "Battery"))
TANK = _readings("tank", ("zone",), "level_mm", "mm", ("Niveau de réservoir", "Tank level"))
RANGE = _readings("range", ("station",), "range_mm", "mm", ("Distance brute", "Raw range"))

# quantity of docs/wire-format.md -> (measurement, what one wire unit is worth)
QUANTITY: dict[str, tuple[Measurement, float]] = {
    "stage_mm": (STAGE, 1.0),
    "rain_um": (RAIN, 1.0),
    "flow_l_h": (FLOW, 1.0),
    "pressure_pa10": (PRESSURE, 0.01),
    "volume_l": (VOLUME, 1.0),
    "water_temp_cc": (WATER_TEMP, 0.01),
    "air_temp_cc": (AIR_TEMP, 0.01),
    "battery_mv": (BATTERY, 0.001),
    "level_mm": (TANK, 1.0),
    "range_mm": (RANGE, 1.0),
}

# The time of a forecast point is the end of its horizon.
FORECAST = Measurement(
    "forecast",
    ("station", "model", "horizon"),  # horizon: hours, as "3"
    (
        Field("p05_mm", "float", "mm"),
        Field("p50_mm", "float", "mm"),
        Field("p95_mm", "float", "mm"),
    ),
    ("Prévision", "Forecast"),
)
STATION_STATE = Measurement(
    "station_state",
    ("station",),
    (
        Field("level", "int", "", LEVELS),
        Field("advice", "int", "", ADVICE),
        Field("rung", "int", "", RUNGS),  # of the fallback ladder
        Field("watch_mm", "float", "mm"),
        Field("warning_mm", "float", "mm"),
        Field("alarm_mm", "float", "mm"),
        Field("age_s", "float", "s"),
    ),
    ("État de la station", "Station state"),
)
ZONE_STATE = Measurement(
    "zone_state",
    ("zone",),
    (
        Field("verdict", "int", "", VERDICTS),
        Field("model_status", "int", "", MODEL),
        Field("night_flow_l_h", "float", "l/h"),
        Field("night_flow_usual_l_h", "float", "l/h"),
        Field("leak_l_h", "float", "l/h"),
        Field("leak_probability", "float", ""),
        Field("expected_l_h", "float", "l/h"),
    ),
    ("État de la zone", "Zone state"),
)
NETWORK_STATE = Measurement(
    "network_state",
    ("network",),
    (
        Field("verdict", "int", "", VERDICTS),
        Field("model_status", "int", "", MODEL),
        Field("inflow_l_h", "float", "l/h"),
        Field("leaks", "int", ""),
        Field("leak_l_h", "float", "l/h"),
        Field("leak_probability", "float", ""),
        Field("pressures_heard", "int", ""),
    ),
    ("État du réseau", "Network state"),
)
SIREN_STATE = Measurement(
    "siren_state",
    ("siren",),
    (
        Field("state", "int", "", SIREN_STATES),
        Field("mode", "int", "", SIREN_MODES),
        Field("health", "int", "", HEALTH),
        Field("commanded", "int", "", NO_YES),
        Field("confirmed", "int", "", (*NO_YES, "unknown")),
    ),
    ("État de la sirène", "Siren state"),
)
SENSOR_HEALTH = Measurement(
    "sensor_health",
    ("sensor",),
    (
        Field("age_s", "float", "s"),
        Field("flags", "int", ""),  # how many quality flags are up
        Field("freshness", "int", "", FRESHNESS),
        Field("full_promise", "int", "", NO_YES),
        Field("votes", "int", "", NO_YES),
    ),
    ("Santé du capteur", "Sensor health"),
)
NODE_HEALTH = Measurement(
    "node_health",
    ("node",),
    (
        Field("age_s", "float", "s"),
        Field("battery_mv", "float", "mV"),
        Field("rssi_dbm", "float", "dBm"),
        Field("outbox", "int", ""),
        Field("backlog", "int", ""),
        Field("boots", "int", ""),
        Field("silent", "int", "", NO_YES),
    ),
    ("Santé du nœud", "Node health"),
)
GATEWAY = Measurement(
    "gateway",
    (),
    (
        Field("guard_alive", "int", "", NO_YES),
        Field("journal", "int", "", JOURNAL),
        Field("samples_committed", "int", ""),
        Field("samples_repeated", "int", ""),
        Field("frames_opened", "int", ""),
        Field("frames_rejected", "int", ""),
    ),
    ("Passerelle", "Gateway"),
)

MEASUREMENTS = (
    STAGE, RAIN, FLOW, PRESSURE, VOLUME, WATER_TEMP, AIR_TEMP, BATTERY, TANK, RANGE,
    FORECAST, STATION_STATE, ZONE_STATE, NETWORK_STATE, SIREN_STATE, SENSOR_HEALTH, NODE_HEALTH,
    GATEWAY,
)  # fmt: skip
