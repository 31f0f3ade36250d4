"""One dashboard with every kind of panel and every choice that the model offers."""

from amont_dashboards import model
from amont_dashboards.model import (
    GREEN,
    ORANGE,
    RED,
    Annotation,
    Column,
    Dashboard,
    Opens,
    Panel,
    Query,
    Variable,
    first_rows,
    sorted_by,
)
from amont_gateway import series

PLACE = series.Measurement(
    "place",
    ("place", "kind"),
    (
        series.Field("latitude", "float", "°"),
        series.Field("longitude", "float", "°"),
        series.Field("state", "int", "", series.LEVELS),
    ),
    ("Lieu", "Place"),
)
_NIGHT = Column("", "night_flow_l_h", 0.001, steps=((None, GREEN), (5, RED)), cell="gauge", low=0)
_LABEL = ("$tag_zone", "$tag_zone")
_WHERE = (("zone", "zone"),)
_ASKED = {
    "geomap": (
        Query(
            PLACE,
            tuple(Column("last", name) for name in ("latitude", "longitude", "state")),
            ("place",),
        ),
    ),
    "timeseries": (
        Query(series.FLOW, (Column("mean", "flow_l_h", 0.001),), ("zone",), _WHERE, "null",
              _LABEL),
        Query(series.ZONE_STATE, (Column("last", "expected_l_h", 0.001),), fill="null",
              label=("Bas", "Low"), dashed=True, colour=ORANGE, unit="percent"),
        Query(series.ZONE_STATE, (Column("max", "expected_l_h", 0.001),), fill="null",
              label=("Haut", "High"), hidden=True),
    ),
    "state-timeline": (
        Query(series.ZONE_STATE, (Column("last", "verdict"),), ("zone",), (), "null", _LABEL),
    ),
    "table": (
        Query(series.ZONE_DAY, (_NIGHT, Column("", "estimated_pct", cell="colour")), ("zone",)),
        Query(series.ZONE_STATE, (Column("last", "verdict"),), ("zone",)),
    ),
}  # fmt: skip


def _panel(kind):
    silent = kind in model.SILENT_KINDS
    usual = (Query(series.ZONE_DAY, (_NIGHT,), ("zone",), _WHERE, label=_LABEL),)
    return Panel(
        kind,
        (f"Un {kind}", f"A {kind}"),
        ("Pour essai", "For a test"),
        () if silent else _ASKED.get(kind, usual),
        (24, 4),
        decimals=1,
        low=0,
        high=9,
        steps=((None, GREEN), (3.5, ORANGE)),
        marked=True,
        gap_ms=60_000,
        stacked=True,
        points=True,
        bars=kind == "timeseries",
        band=(1, 0) if kind == "timeseries" else None,
        time_from="60d",
        time_shift="1d",
        interval="1d",
        repeat="zone" if kind in ("row", "stat") else "",
        transformations=(sorted_by("zone"), first_rows(9)) if kind == "table" else (),
        text=("Bonjour", "Hello"),
        empty=("Aucun", "None"),
        opens=() if silent else (Opens("amont-other", "zone", "zone"), Opens("amont-other")),
        with_time=kind == "barchart",
    )


EVERY = Dashboard(
    "amont-every",
    ("Tout", "Everything"),
    ("Chaque sorte de panneau", "Every kind of panel"),
    tuple(map(_panel, model.KINDS)),
    (
        Variable("zone", ("Secteur", "Zone"), series.ZONE_DAY, "zone"),
        Variable("one", ("Un", "One"), series.FLOW, "sensor", False, (("zone", "zone"),)),
        Variable("pick", ("Choix", "Choice"), series.FLOW, "zone", False,
                 choices=(("3", ("3 heures", "3 hours")), ("6", ("6 heures", "6 hours")))),
    ),
    annotations=(
        Annotation(("Réparations", "Repairs"), ("repair", "calibration"), GREEN, place="zone"),
    ),
    level=0,
    below=("amont-other",),
    detail=series.HOURS,
)  # fmt: skip
OTHER = Dashboard(
    "amont-other",
    ("Autre", "Other"),
    ("Où mènent les liens", "Where links lead"),
    (Panel("text", ("Texte", "Text"), ("Texte", "Text"), (), (24, 4), text=("…", "…")),),
    (Variable("zone", ("Secteur", "Zone"), series.ZONE_DAY, "zone"),),
)
ALL = (EVERY, OTHER)
