"""Say once how the dashboards ask: what is so now, lines over time, events, and their marks."""

from __future__ import annotations

from amont_dashboards.model import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Annotation,
    Column,
    Query,
    Step,
    Text,
)
from amont_gateway import series

M = 0.001  # mm to m
M3_H = 0.001  # l/h to m³/h
NOW = "30m"  # states come every five minutes at least: older ones are no longer "now"
NIGHTS = "3d"  # what is worked out by the day is there on the morning after
YEARS = "730d"
DAY_MS = 24 * 3_600_000
GAP_MS = 2 * 3_600_000  # nodes sample each 15 min; eight missed in a row are a gap
STATE_GAP_MS = 10 * 60_000

# Ages and waits read the same in both languages so: "8 d 02:15:00".
LONG = "dtdhms"
METRES = "suffix:m"  # Grafana's own metre turns into millimetres below one

# The dashboards' uids.
DUTY, FLOODS, NETWORK, LEAKS = "amont-duty", "amont-floods", "amont-network", "amont-leaks"
SIRENS, FLEET, SENSOR = "amont-sirens", "amont-fleet", "amont-sensor"
QUALITY, GATEWAY, MONTHLY = "amont-quality", "amont-gateway", "amont-monthly"

# From which value on a number is of which colour; the number itself is always written.
GOOD_ABOVE: tuple[Step, ...] = ((None, RED), (80.0, YELLOW), (95.0, GREEN))
BAD_ABOVE_ZERO: tuple[Step, ...] = ((None, GREEN), (1.0, RED))
LATE: tuple[Step, ...] = ((None, GREEN), (2.0, YELLOW), (4.0, RED))

FLOOD_MARKS = (
    Annotation(("Niveaux", "Levels"), ("level",), ORANGE),
    Annotation(("Sirènes", "Sirens"), ("siren", "mute", "reset"), RED),
    Annotation(("Vu", "Seen"), ("acknowledge",), GREEN),
    Annotation(("Essais", "Tests"), ("test", "drill"), SKY, shown=False),
    Annotation(("Seuils changés", "Limits changed"), ("limits",), BLUE),
)
WATER_MARKS = (
    Annotation(("Fuites", "Leaks"), ("leak",), RED),
    Annotation(("Réparations", "Repairs"), ("repair",), GREEN),
    Annotation(("Entretien", "Maintenance"), ("maintenance", "calibration"), BLUE, shown=False),
)
CARE_MARKS = (
    Annotation(("Étalonnages", "Calibrations"), ("calibration",), BLUE),
    Annotation(("Entretien", "Maintenance"), ("maintenance", "repair"), GREEN),
    Annotation(("Silences", "Silences"), ("silent",), GREY),
    Annotation(("Notes", "Notes"), ("note",), PURPLE),
)
LIMITS: tuple[tuple[str, Text, str], ...] = (
    ("watch_mm", ("Vigilance", "Watch"), YELLOW),
    ("warning_mm", ("Alerte", "Warning"), ORANGE),
    ("alarm_mm", ("Alarme", "Alarm"), RED),
)


def both(text: str) -> Text:
    """Return words that are the same in both languages, as Grafana's "$tag_station"."""
    return text, text


def latest(
    measurement: series.Measurement, tag: str, *columns: Column | str, label: Text = ("", "")
) -> Query:
    """Return the newest value of each column, of each thing that ``tag`` names."""
    made = tuple(c if isinstance(c, Column) else Column("last", c) for c in columns)
    return Query(measurement, made, (tag,), label=label if label[0] else both(f"$tag_{tag}"))


def line(
    measurement: series.Measurement,
    column: Column,
    tag: str,
    label: Text = ("", ""),
    colour: str = "",
    where: tuple[tuple[str, str], ...] = (),
    dashed: bool = False,
) -> Query:
    """Return one line over time for each thing that ``tag`` names; ``label`` goes before it."""
    names = (f"{label[0]} $tag_{tag}".strip(), f"{label[1]} $tag_{tag}".strip())
    return Query(
        measurement, (column,), (tag,), where, "null", names, colour=colour, dashed=dashed
    )


def nights(where: tuple[tuple[str, str], ...]) -> tuple[Query, Query]:
    """Return the minimum night flow of the chosen zone, and its reference dashed."""

    def night(field: str, label: Text, colour: str, dashed: bool) -> Query:
        column = Column("max", field, M3_H)
        return line(series.ZONE_DAY, column, "zone", label, colour, where, dashed)

    return (
        night("night_flow_l_h", ("Nuit", "Night"), BLUE, False),
        night("night_flow_usual_l_h", ("Référence", "Reference"), GREEN, True),
    )
