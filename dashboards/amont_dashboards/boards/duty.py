"""Define "Veille / Duty overview": the state of river, network and sirens on one screen."""

from __future__ import annotations

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
from amont_gateway import series

_GAP_MS = 2 * 3600 * 1000  # nodes sample each 15 min; eight missed in a row are a gap
_STATE_GAP_MS = 10 * 60 * 1000
_M = 0.001  # mm to m
_M3_H = 0.001  # l/h to m³/h
_NODE_COLUMNS = ("silent", "age_s", "battery_mv", "rssi_dbm", "outbox", "backlog")
_STATION = (("station", "station"),)


def _state(measurement: series.Measurement, field: str, tag: str) -> tuple[Query, ...]:
    label = f"$tag_{tag}"
    column = Column("last", field)
    return (Query(measurement, (column,), group=(tag,), label=(label, label)),)


def _stage_line(field: str, label: Text, colour: str) -> Query:
    column = Column("max", field, _M)
    names = (f"{label[0]} $tag_station", f"{label[1]} $tag_station")
    return Query(
        series.STATION_STATE, (column,), ("station",), _STATION, "null", names, colour, dashed=True
    )


def _forecast(field: str, percent: str) -> Query:
    names = (f"Prévision {percent}", f"Forecast {percent}")
    where = (*_STATION, ("horizon", "horizon"))
    columns = (Column("max", field, _M),)
    return Query(series.FORECAST, columns, ("station",), where, "null", names, PURPLE)


STAGE = Panel(
    "timeseries",
    ("Hauteur d'eau, seuils et prévision", "Stage, thresholds and forecast"),
    (
        "Hauteur mesurée par capteur, seuils du site en tirets, et bande de prévision (10 à 90 %)"
        " à l'échéance choisie. Une coupure de plus de deux heures reste visible.",
        "Measured stage of each sensor, the site's thresholds dashed, and the forecast band (10 to"
        " 90 %) at the chosen horizon. A gap of more than two hours stays visible.",
    ),
    (
        Query(
            series.STAGE,
            (Column("mean", "stage_mm", _M),),
            ("sensor",),
            _STATION,
            "null",
            ("$tag_sensor", "$tag_sensor"),
            "",
        ),
        _stage_line("watch_mm", ("Vigilance", "Watch"), YELLOW),
        _stage_line("warning_mm", ("Alerte", "Warning"), ORANGE),
        _stage_line("alarm_mm", ("Alarme", "Alarm"), RED),
        _forecast("p05_mm", "5 %"),
        _forecast("p95_mm", "95 %"),
    ),
    (14, 10),
    band=(4, 5),
    gap_ms=_GAP_MS,
)

INFLOW = Panel(
    "timeseries",
    ("Débit d'entrée des secteurs", "Inflow of the zones"),
    (
        "Débit mesuré à l'entrée de chaque secteur et débit attendu par le modèle, en tirets.",
        "Measured inflow of each zone, and the inflow that the model expects, dashed.",
    ),
    (
        Query(
            series.FLOW,
            (Column("mean", "flow_l_h", _M3_H),),
            ("zone",),
            (),
            "null",
            ("Mesuré $tag_zone", "Measured $tag_zone"),
            BLUE,
        ),
        Query(
            series.ZONE_STATE,
            (Column("mean", "expected_l_h", _M3_H),),
            ("zone",),
            (),
            "null",
            ("Attendu $tag_zone", "Expected $tag_zone"),
            GREEN,
            dashed=True,
        ),
    ),
    (10, 10),
    gap_ms=_GAP_MS,
)

RAIN = Panel(
    "timeseries",
    ("Pluie", "Rain"),
    ("Lame d'eau par intervalle affiché.", "Depth of water in each interval shown."),
    (
        Query(
            series.RAIN,
            (Column("sum", "rain_um", _M),),
            ("sensor",),
            (),
            "none",
            ("$tag_sensor", "$tag_sensor"),
            SKY,
        ),
    ),
    (14, 6),
    bars=True,
)

NIGHT_FLOW = Panel(
    "timeseries",
    ("Débit nocturne et fuite estimée", "Night flow and estimated leak"),
    (
        "Débit nocturne minimal, sa valeur habituelle en tirets,"
        " et la fuite qui expliquerait le reste.",
        "Minimum night flow, its usual value dashed, and the leak that would explain the rest.",
    ),
    (
        *(
            Query(
                series.ZONE_STATE,
                (Column("last", field, _M3_H),),
                ("zone",),
                (),
                "null",
                (f"{fr} $tag_zone", f"{en} $tag_zone"),
                colour,
                dashed,
            )
            for field, fr, en, colour, dashed in (
                ("night_flow_l_h", "Nocturne", "Night flow", BLUE, False),
                ("night_flow_usual_l_h", "Habituel", "Usual", GREEN, True),
                ("leak_l_h", "Fuite", "Leak", RED, False),
            )
        ),
        Query(
            series.NETWORK_STATE,
            (Column("last", "leak_l_h", _M3_H),),
            ("network",),
            (),
            "null",
            ("Fuite du réseau $tag_network", "Leak of network $tag_network"),
            ORANGE,
        ),
    ),
    (10, 6),
    gap_ms=26 * 3600 * 1000,  # one value a night
)

DUTY = Dashboard(
    "amont-duty",
    ("Veille", "Duty overview"),
    (
        "Rivière, réseau et sirènes en un écran. Grafana montre ; il ne commande aucune sirène.",
        "River, network and sirens on one screen. Grafana shows; it drives no siren.",
    ),
    (
        Panel(
            "stat",
            ("Niveau par station", "Level of each station"),
            (
                "Le niveau que juge le gardien, d'après les capteurs qui votent.",
                "The level as the guard judges it from the sensors that vote.",
            ),
            _state(series.STATION_STATE, "level", "station"),
            (6, 5),
        ),
        Panel(
            "stat",
            ("Sirènes", "Sirens"),
            (
                "L'état de chaque sirène, selon le gardien.",
                "The state of each siren, from the guard.",
            ),
            _state(series.SIREN_STATE, "state", "siren"),
            (6, 5),
        ),
        Panel(
            "stat",
            ("Fuites", "Leaks"),
            (
                "L'avis pour chaque secteur et chaque réseau ; un avis, pas une preuve.",
                "The verdict for each zone and each network; advice, not proof.",
            ),
            (
                *_state(series.ZONE_STATE, "verdict", "zone"),
                *_state(series.NETWORK_STATE, "verdict", "network"),
            ),
            (6, 5),
        ),
        Panel(
            "stat",
            ("Gardien joint", "Guard reached"),
            (
                "Si la passerelle joint le gardien. Sans passerelle, les sirènes restent actives.",
                "Whether the gateway reaches the guard. Without the gateway, sirens still work.",
            ),
            (
                Query(
                    series.GATEWAY,
                    (Column("last", "guard_alive"),),
                    ("site",),
                    label=("$tag_site", "$tag_site"),
                ),
            ),
            (6, 5),
        ),
        STAGE,
        INFLOW,
        RAIN,
        NIGHT_FLOW,
        Panel(
            "state-timeline",
            ("Sirènes dans le temps", "Sirens over time"),
            (
                "Quand chaque sirène a sonné, s'est tue ou a été levée.",
                "When each siren sounded, fell silent or was cleared.",
            ),
            (
                Query(
                    series.SIREN_STATE,
                    (Column("last", "state"),),
                    ("siren",),
                    (),
                    "null",
                    ("$tag_siren", "$tag_siren"),
                ),
            ),
            (24, 5),
            gap_ms=_STATE_GAP_MS,
        ),
        Panel(
            "table",
            ("Capteurs", "Sensors"),
            (
                "Âge de la dernière mesure, fraîcheur, et si le capteur porte la promesse pleine"
                " (il joint le gardien sans passer par la passerelle).",
                "Age of the last reading, freshness, and whether the sensor carries the full"
                " promise (it reaches the guard without passing the gateway).",
            ),
            (
                Query(
                    series.SENSOR_HEALTH,
                    tuple(
                        Column("last", name)
                        for name in ("age_s", "freshness", "full_promise", "votes", "flags")
                    ),
                    ("sensor",),
                ),
            ),
            (12, 8),
        ),
        Panel(
            "table",
            ("Nœuds", "Nodes"),
            (
                "Silence, âge, pile, signal et mesures en attente de chaque nœud.",
                "Silence, age, battery, signal and waiting readings of each node.",
            ),
            (
                Query(
                    series.NODE_HEALTH,
                    tuple(Column("last", name) for name in _NODE_COLUMNS),
                    ("node",),
                ),
            ),
            (12, 8),
        ),
    ),
    (
        # One at a time: Grafana fills a band between two names, and two stations share them.
        Variable("station", ("Station", "Station"), series.STAGE, "station", several=False),
        Variable(
            "horizon", ("Échéance (h)", "Horizon (h)"), series.FORECAST, "horizon", several=False
        ),
    ),
    level=0,
)
