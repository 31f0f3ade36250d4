"""Declare the alerts of the pipes: night flow, leaks, bursts, tanks."""

from __future__ import annotations

from amont_dashboards.alerts.model import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    NORMAL,
    STATE_BACK_S,
    Look,
    Query,
    Rule,
)
from amont_dashboards.query import Column
from amont_dashboards.sources import DAYS, HISTORY
from amont_gateway import series

_GROUP = ("site", "zone")
_SENSOR = ("site", "zone", "sensor")
_UNKNOWN = float(series.VERDICTS.index("unknown"))
_LEAK = ("gt", series.VERDICTS.index("leak") - 0.5)
_M3_H = 0.001  # l/h to m³/h
_NIGHT = "({} - {night_flow_usual_l_h}) / {night_flow_spread_l_h}"
_FEW = 3.0  # standard deviations: one night in 740 by chance, two in a row one in 500,000


def _zone(aggregate: str, field: str, scale: float = 1.0) -> Query:
    return Query(series.ZONE_STATE, (Column(aggregate, field, scale),), group=_GROUP)


def _verdict(measurement: series.Measurement, tag: str) -> Look:
    query = Query(
        measurement,
        (Column("last", "verdict"),),
        group=("site", tag),
        only=(("verdict", "<", _UNKNOWN),),
    )
    return Look(query, DAY_S)  # a verdict is given once a day or so


def _pressure(aggregate: str, back_s: int, until_s: int = 0) -> Look:
    columns = (Column(aggregate, "pressure_kpa"),)
    query = Query(series.PRESSURE, columns, group=_SENSOR, source=HISTORY.uid)
    return Look(query, back_s, until_s)


# What flows in on top of what the model expects, beside the mean of what it expected for a day: at
# night a small leak doubles a hamlet's flow, and is no burst.
_SURPLUS = (
    Look(
        _zone("(last({}) - last({expected_l_h}))", "inflow_l_h", _M3_H),
        STATE_BACK_S,
        shown=("{} m³/h de trop.", "{} m³/h too much."),
        decimals=1,
    ),
    Look(_zone("mean", "expected_l_h", _M3_H), DAY_S),
)

NIGHT_FLOW = Rule(
    "amont-night-flow",
    "network",
    "warning",
    ("Débit nocturne anormal", "Abnormal night flow"),
    (
        "Le débit nocturne de {zone} dépasse l'habitude depuis deux nuits.",
        "The night flow of {zone} has been above the usual for two nights.",
    ),
    (
        "Deux nuits de suite, le débit nocturne minimal a dépassé l'habituel du secteur de plus de"
        " trois fois son écart habituel. Une fuite est la cause la plus fréquente.",
        "Two nights running the minimum night flow was above the zone's usual one by more than"
        " three times its usual spread. A leak is the most frequent cause.",
    ),
    (
        "Regardez la pression de nuit à côté du débit : si elle a monté, une partie s'explique."
        " Demandez si quelqu'un remplit une piscine ou purge ; sinon, cherchez la fuite.",
        "Look at the night pressure beside the flow: if it rose, part is explained. Ask whether"
        " somebody fills a pool or flushes; otherwise look for the leak.",
    ),
    (
        Look(
            Query(
                series.ZONE_DAY,
                (Column(_NIGHT, "night_flow_l_h", name="spreads"),),
                group=_GROUP,
                # a day whose night is to come, or without a usual one, is no night
                only=(("night_flow_l_h", ">=", 0), ("night_flow_spread_l_h", ">", 0)),
                newest_first=True,
                limit=2,
            ),
            4 * DAY_S,
            reducer="min",  # of the two newest nights: both are above
            shown=("{} fois l'écart habituel.", "{} times the usual spread."),
            decimals=1,
        ),
        Look(
            Query(
                series.ZONE_DAY,
                (Column("count", "night_flow_l_h", name="nights"),),
                group=_GROUP,
            ),
            4 * DAY_S,
        ),
    ),
    ("gt", 0.5),
    "amont-network",
    "Night flows, 60 days",
    math=f"($V1 > {_FEW:g}) && ($V2 >= 2)",
)
LEAK = Rule(
    "amont-leak-zone",
    "network",
    "warning",
    ("Fuite probable dans un secteur", "Probable leak in a zone"),
    ("Fuite probable dans {zone}.", "Probable leak in {zone}."),
    (
        "Le modèle du secteur juge qu'une fuite est probable. C'est un avis, pas une preuve.",
        "The zone's model judges that a leak is probable. It is advice, not proof.",
    ),
    (
        "Ouvrez la page Fuites : depuis quand, combien, avec quelle probabilité. Faites une"
        " recherche acoustique de nuit, puis notez la réparation avec « amont-gateway note repair"
        " ».",
        "Open the Leaks page: since when, how much, how probable. Listen along the pipes by night,"
        " then note the repair with “amont-gateway note repair”.",
    ),
    (_verdict(series.ZONE_STATE, "zone"),),
    _LEAK,
    "amont-leaks",
    "List of leaks",
    lasts_s=15 * MINUTE_S,
)
NETWORK_LEAK = Rule(
    "amont-leak-network",
    "network",
    "warning",
    ("Fuite probable dans un réseau", "Probable leak in a network"),
    ("Fuite probable dans le réseau {network}.", "Probable leak in the network {network}."),
    (
        "L'épreuve qui compare débits et pressions de tout le réseau trouve une fuite ouverte, et"
        " nomme les capteurs de pression les plus proches, s'il y en a. C'est un avis, pas une"
        " preuve.",
        "The test that compares flows and pressures of the whole network finds an open leak and"
        " names the nearest pressure sensors, where there are some. It is advice, not proof.",
    ),
    (
        "La page locale nomme les capteurs les plus proches : commencez la recherche là, puis"
        " notez la réparation avec « amont-gateway note repair ». Par les débits seuls, aucun lieu"
        " n'est nommé : fermez des vannes de nuit pour trouver le tronçon.",
        "The local page names the nearest sensors: begin there, then note the repair with"
        " “amont-gateway note repair”. By flows alone no place is named: close valves by night to"
        " find the stretch.",
    ),
    (_verdict(series.NETWORK_STATE, "network"),),
    _LEAK,
    "amont-leaks",
    "List of leaks",
    lasts_s=15 * MINUTE_S,
)
HIGH_FLOW = Rule(
    "amont-flow-high",
    "network",
    "warning",
    ("Débit anormalement fort", "Abnormally high flow"),
    (
        "{zone} prend, en plus de l'attendu, autant que sa consommation moyenne.",
        "{zone} takes, on top of what is expected, as much as its mean consumption.",
    ),
    (
        "Depuis une demi-heure, ce qui entre en plus de l'attendu vaut à lui seul la consommation"
        " moyenne du dernier jour : casse, poteau d'incendie ouvert, gros remplissage.",
        "For half an hour what flows in on top of what is expected has been worth the mean"
        " consumption of the last day: burst, open fire hydrant, something large being filled.",
    ),
    (
        "Demandez aux pompiers et au fontainier si un poteau est ouvert. Sinon, traitez-le comme"
        " une casse : cherchez l'eau en surface, préparez la fermeture du secteur.",
        "Ask the fire brigade and the fitter whether a hydrant is open. Otherwise treat it as a"
        " burst: look for water on the surface, prepare to close the zone.",
    ),
    _SURPLUS,
    ("gt", 0.5),
    "amont-network",
    "Inflow",
    lasts_s=30 * MINUTE_S,
    math="$V1 > $V2",
    absent=NORMAL,  # no model, no expected flow
)
BURST = Rule(
    "amont-burst",
    "network",
    "critical",
    ("Casse probable", "Probable burst"),
    (
        "Casse probable dans {zone} : débit en hausse et pression en chute ({sensor}).",
        "Probable burst in {zone}: flow up and pressure down ({sensor}).",
    ),
    (
        "Ce qui entre en plus de l'attendu dépasse la moitié de la consommation moyenne et, en"
        " même temps, la pression est tombée sous 85 % de sa moyenne du dernier jour.",
        "What flows in on top of what is expected is more than half of the mean consumption and,"
        " at the same time, the pressure has fallen below 85 % of its mean of the last day.",
    ),
    (
        "Envoyez quelqu'un dans le secteur tout de suite ; prévenez les abonnés sensibles (école,"
        " dialyse, élevages) ; fermez le secteur si l'eau menace route ou maisons.",
        "Send somebody into the zone at once; tell customers who cannot do without (school,"
        " dialysis, farms); close the zone if the water threatens road or houses.",
    ),
    (
        *_SURPLUS,
        _pressure("last", 70 * MINUTE_S),
        _pressure("mean", DAY_S + HOUR_S, HOUR_S),
    ),
    ("gt", 0.5),
    "amont-network",
    "Inflow",
    lasts_s=5 * MINUTE_S,
    math="($V1 > 0.5 * $V2) && ($V3 < 0.85 * $V4)",
    absent=NORMAL,  # a zone without pressure sensors
)
TANK = Rule(
    "amont-tank-low",
    "network",
    "critical",
    ("Réservoir bas", "Tank low"),
    (
        "Le réservoir {sensor} est plus bas que jamais ce mois-ci.",
        "The tank {sensor} is lower than at any time this month.",
    ),
    (
        "Le niveau est descendu sous 80 % du plus bas des trente derniers jours : le réservoir se"
        " vide plus qu'il ne se remplit.",
        "The level has fallen below 80 % of the lowest of the last thirty days: the tank empties"
        " more than it fills.",
    ),
    (
        "Vérifiez l'alimentation (pompe, source, vanne) et le débit de sortie. Sans explication en"
        " une heure, préparez un secours et prévenez le maire.",
        "Check the supply (pump, spring, valve) and the outflow. Without an explanation within the"
        " hour prepare a relief supply and tell the mayor.",
    ),
    (
        Look(
            Query(
                series.TANK,
                (Column("last", "level_mm", 0.001),),
                group=_SENSOR,
                source=HISTORY.uid,
            ),
            2 * HOUR_S,
            shown=("Niveau {} m.", "Level {} m."),
            decimals=2,
        ),
        Look(
            Query(
                series.by(series.DAYS, series.TANK),
                (Column("min", "min_level_mm", 0.001),),
                group=_SENSOR,
                source=DAYS.uid,
            ),
            31 * DAY_S,
            DAY_S,  # today's own day would hide it
            shown=("Plus bas du mois {} m.", "Month's lowest {} m."),
            decimals=2,
        ),
    ),
    ("gt", 0.5),
    "amont-network",
    "Tanks",
    lasts_s=10 * MINUTE_S,
    math="$V1 < 0.8 * $V2",
)

RULES = (NIGHT_FLOW, LEAK, NETWORK_LEAK, HIGH_FLOW, BURST, TANK)
