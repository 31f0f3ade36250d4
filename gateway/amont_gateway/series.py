"""Declare the series that history holds: plain data, the contract with the dashboards.

Tags are fixed per measurement and no tag shares a field's name. Numbers are floats, codes and
counts are integers; words for codes live in the dashboards. Every point also carries the tag
``site``. Times are Unix milliseconds.

Three databases, one for each time that something is kept: ``<name>`` holds every reading and the
states, ``<name>_h`` the same readings by the hour, ``<name>_d`` by the day and all that is worked
out by the day. A reading has the same measurement, tags and field in all three, so that a query
asks for another detail by asking another database.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One field: ``type`` is "float", "int" or "text"; ``codes`` name the integers of a state."""

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
    store: str = ""  # the database's suffix: "" | HOURS | DAYS


HOURS, DAYS = "_h", "_d"
STORES = ("", HOURS, DAYS)
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
DATABASE = ("ok", "away", "refused", "none")
BROKER = DATABASE
LEAK_STATES = ("watched", "open", "repaired", "gone")
PLACE_STATES = ("good", "watch", "warning", "alarm", "silent")
# What is marked in the charts; the guard's decisions, what people did, what models found.
EVENTS = (
    "level", "siren", "acknowledge", "mute", "reset", "test", "drill", "limits", "leak", "repair",
    "calibration", "maintenance", "silent", "note", "fault",
)  # fmt: skip

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


def by(store: str, reading: Measurement) -> Measurement:
    """Return a measurement of readings as it is kept by the hour (HOURS) or by the day (DAYS).

    Its own field is the mean (of rain the sum), beside the extremes and how many good readings
    there were; the time is the beginning of the hour, or of the day in the site's time zone.
    """
    value = reading.fields[0]
    extremes = (Field(f"{end}_{value.name}", "float", value.unit) for end in ("min", "max"))
    fields = (value, *extremes, Field("readings", "int", ""))
    return Measurement(reading.name, reading.tags, fields, reading.text, store)


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
        Field("late_x", "float", ""),  # age in intervals that its fastest node promised
        Field("stage_mm", "float", "mm"),
        Field("trend_mm_h", "float", "mm/h"),
        Field("next_limit_s", "float", "s"),  # until the next limit, if it went on rising so
        Field("forecast_reaches", "int", "", ("none", "watch", "warning", "alarm")),
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
        Field("inflow_l_h", "float", "l/h"),
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
        Field("confirm_ms", "float", "ms"),  # from the last command to the contact's answer
        Field("test_age_d", "float", "d"),
        Field("drill_age_d", "float", "d"),
        Field("drill_planned", "int", "", NO_YES),
        Field("battery_mv", "float", "mV"),
    ),
    ("État de la sirène", "Siren state"),
)
SENSOR_HEALTH = Measurement(
    "sensor_health",
    ("sensor",),
    (
        Field("age_s", "float", "s"),
        Field("late_x", "float", ""),  # age in intervals that its node promised
        Field("flags", "int", ""),  # how many quality flags are up
        Field("freshness", "int", "", FRESHNESS),
        Field("full_promise", "int", "", NO_YES),
        Field("sealed", "int", "", NO_YES),  # no: a foreign sensor, which never votes
        Field("votes", "int", "", NO_YES),
        Field("battery_mv", "float", "mV"),  # of its node, as the next
        Field("rssi_dbm", "float", "dBm"),
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
        Field("late_x", "float", ""),
        Field("battery_days", "float", "d"),  # left at the pace of the last weeks
        Field("repeated_pct", "float", "%"),  # of the last day's frames: a weak link sends again
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
        Field("database", "int", "", DATABASE),
        Field("broker", "int", "", BROKER),
        Field("waiting", "int", ""),  # rows of the journal that history has not confirmed
        Field("waiting_s", "float", "s"),  # age of the oldest of them
        Field("quarantined", "int", ""),
        Field("lines_written", "int", ""),  # since the start
        Field("disk_free_pct", "float", "%"),
        Field("memory_free_pct", "float", "%"),
        Field("cpu_c", "float", "°C"),
        Field("load_pct", "float", "%"),  # of all cores, the last minute
        Field("clock_ms", "float", "ms"),  # estimated error of the clock; absent: not known
        Field("clock_synchronised", "int", "", NO_YES),
        Field("under_voltage", "int", "", NO_YES),
        Field("uptime_s", "float", "s"),  # of the gateway
        Field("starts", "int", ""),  # of the gateway, ever
    ),
    ("Passerelle", "Gateway"),
)
# What a map and its table show of each place.
PLACE = Measurement(
    "place",
    ("place", "kind"),  # kind: station, zone, gauge, siren
    (
        Field("latitude", "float", "°"),
        Field("longitude", "float", "°"),
        Field("state", "int", "", PLACE_STATES),
    ),
    ("Lieu", "Place"),
)
# How far the middle of the band was from the highest stage that came, at the end of its horizon.
FORECAST_ERROR = Measurement(
    "forecast_error",
    ("station", "model", "horizon"),
    (Field("error_mm", "float", "mm"), Field("inside", "int", "", NO_YES)),
    ("Erreur de prévision", "Forecast error"),
)

# By the day, and kept for ever. A day begins at midnight in the site's time zone.
EVENT = Measurement(
    "event",
    ("kind", "place"),  # of EVENTS; station, zone, network, siren, sensor, node, or "guard"
    (
        Field("severity", "int", "", ("info", "notice", "fault", "alarm")),
        Field("fr", "text", ""),
        Field("en", "text", ""),
        Field("who", "text", ""),
        Field("id", "text", ""),  # in the record it comes from: told once, however often written
    ),
    ("Événement", "Event"),
    DAYS,
)
QUALITY_DAY = Measurement(
    "quality_day",
    ("sensor",),
    (
        Field("completeness_pct", "float", "%"),  # of the readings that its interval promises
        Field("suspect_pct", "float", "%"),
        Field("refused_pct", "float", "%"),  # out of range, sensor fault, missing
        Field("gaps", "int", ""),  # of more than two hours
        Field("longest_gap_s", "float", "s"),
        Field("delay_p50_s", "float", "s"),  # from reading to journal
        Field("delay_p95_s", "float", "s"),
    ),
    ("Qualité du jour", "Quality of the day"),
    DAYS,
)
ZONE_DAY = Measurement(
    "zone_day",
    ("zone",),
    (
        Field("inflow_m3", "float", "m³"),
        Field("estimated_pct", "float", "%"),  # of the day that no good reading covers
        Field("night_flow_l_h", "float", "l/h"),  # minimum night flow
        Field("night_flow_usual_l_h", "float", "l/h"),
        Field("night_flow_spread_l_h", "float", "l/h"),  # of usual nights, one standard deviation
        Field("night_pressure_kpa", "float", "kPa"),
    ),
    ("Journée d'une zone", "A zone's day"),
    DAYS,
)
# By the month, at its first day.
ZONE_MONTH = Measurement(
    "zone_month",
    ("zone",),
    (
        Field("inflow_m3", "float", "m³"),
        Field("metered_m3", "float", "m³"),
        Field("balance_m3", "float", "m³"),  # inflow less metered: leaks, service, unmetered
        Field("balance_pct", "float", "%"),
        Field("estimated_pct", "float", "%"),
    ),
    ("Bilan mensuel d'une zone", "A zone's monthly balance"),
    DAYS,
)
VOLUME_MONTH = Measurement(
    "volume_month",
    ("kind",),  # of the yearly sheet: produced, imported, …
    (Field("volume_m3", "float", "m³"), Field("estimated_pct", "float", "%")),
    ("Volumes du mois", "Volumes of the month"),
    DAYS,
)
# Over the twelve months that end with this one.
YIELD_YEAR = Measurement(
    "yield_year",
    (),
    (
        Field("yield_pct", "float", "%"),  # P104.3
        Field("yield_needed_pct", "float", "%"),
        Field("reached", "int", "", (*NO_YES, "unknown")),
        Field("uncounted_m3_km_d", "float", "m³/km/d"),  # P105.3
        Field("losses_m3_km_d", "float", "m³/km/d"),  # P106.3
        Field("supplied_m3", "float", "m³"),  # produced and imported
        Field("used_m3", "float", "m³"),  # metered, unmetered, service, exported
        Field("estimated_pct", "float", "%"),
        Field("missing_days", "int", ""),
    ),
    ("Rendement sur douze mois", "Yield over twelve months"),
    DAYS,
)
LEAK_DAY = Measurement(
    "leak_day",
    ("place", "leak"),  # place: zone or network; leak: its number there
    (
        Field("state", "int", "", LEAK_STATES),
        Field("size_l_h", "float", "l/h"),
        Field("probability", "float", ""),
        Field("open_d", "float", "d"),
        Field("lost_m3", "float", "m³"),  # since it began
        Field("saved_m3", "float", "m³"),  # since it was repaired, one year at most
    ),
    ("Fuite", "Leak"),
    DAYS,
)

MEASUREMENTS = (
    STAGE, RAIN, FLOW, PRESSURE, VOLUME, WATER_TEMP, AIR_TEMP, BATTERY, TANK, RANGE,
    FORECAST, STATION_STATE, ZONE_STATE, NETWORK_STATE, SIREN_STATE, SENSOR_HEALTH, NODE_HEALTH,
    GATEWAY, PLACE, FORECAST_ERROR, EVENT, QUALITY_DAY, ZONE_DAY, ZONE_MONTH, VOLUME_MONTH,
    YIELD_YEAR, LEAK_DAY,
)  # fmt: skip
