"""Declare the alerts of nodes and sensors: silence, battery, link, completeness."""

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
from amont_gateway import series


def _node(field: str) -> Query:
    return Query(series.NODE_HEALTH, (Column("last", field),), group=("site", "node"))


_BATTERY = Look(
    _node("battery_days"),
    DAY_S,
    shown=("Environ {} jours restants.", "About {} days left."),
)

SILENT = Rule(
    "amont-sensor-silent",
    "fleet",
    "warning",
    ("Capteur muet", "Sensor silent"),
    (
        "Le capteur {sensor} ne dit plus rien.",
        "The sensor {sensor} says nothing any more.",
    ),
    (
        "Aucune mesure de ce capteur depuis plus de quatre intervalles promis. Si tous les"
        " capteurs d'un nœud se taisent, c'est le nœud ou sa liaison.",
        "No reading of this sensor for more than four promised intervals. If all sensors of a node"
        " are silent, it is the node or its link.",
    ),
    (
        "Page Parc : pile, signal, dernier message du nœud. Les mesures gardées par le nœud"
        " reviendront seules quand il sera de nouveau entendu.",
        "Fleet page: battery, signal, the node's last message. The readings that the node has kept"
        " come back by themselves once it is heard again.",
    ),
    (
        Look(
            Query(
                series.SENSOR_HEALTH,
                (Column("last", "late_x"),),
                group=("site", "sensor"),
            ),
            STATE_BACK_S,
            shown=("Retard : {} intervalles.", "Late by {} intervals."),
        ),
    ),
    ("gt", 4.0),
    "amont-fleet",
    "Sensors",
    lasts_s=30 * MINUTE_S,
)
LOW = Rule(
    "amont-battery-low",
    "fleet",
    "info",
    ("Pile à remplacer bientôt", "Battery to be replaced soon"),
    ("La pile du nœud {node} s'épuise.", "The battery of node {node} is running down."),
    (
        "Au rythme des dernières semaines, il reste moins de soixante jours.",
        "At the pace of the last weeks less than sixty days are left.",
    ),
    (
        "Mettez ce nœud dans la prochaine tournée.",
        "Put this node on the next round.",
    ),
    (_BATTERY,),
    ("lt", 60.0),
    "amont-fleet",
    "Estimated battery life",
    lasts_s=6 * HOUR_S,
)
EMPTY = Rule(
    "amont-battery-empty",
    "fleet",
    "warning",
    ("Pile presque vide", "Battery almost empty"),
    (
        "La pile du nœud {node} sera vide dans moins de deux semaines.",
        "The battery of node {node} will be empty in less than two weeks.",
    ),
    (
        "Au rythme des dernières semaines, il reste moins de quatorze jours ; le froid peut"
        " raccourcir ce délai.",
        "At the pace of the last weeks less than fourteen days are left; cold may shorten that.",
    ),
    (
        "Remplacez la pile cette semaine, d'abord aux stations de crue.",
        "Replace the battery this week, flood stations first.",
    ),
    (_BATTERY,),
    ("lt", 14.0),
    "amont-fleet",
    "Estimated battery life",
    lasts_s=6 * HOUR_S,
    implies=("amont-battery-low",),
)
WEAK = Rule(
    "amont-link-weak",
    "fleet",
    "info",
    ("Liaison faible", "Weak link"),
    (
        "Le nœud {node} doit répéter plus de trois messages sur dix.",
        "Node {node} has to repeat more than three messages in ten.",
    ),
    (
        "Plus de 30 % des trames du dernier jour étaient des répétitions. Rien n'est perdu, mais"
        " la pile s'use et une urgence met plus de temps.",
        "More than 30 % of the last day's frames were repeated. Nothing is lost, but the battery"
        " suffers and what is urgent takes longer.",
    ),
    (
        "Vérifiez l'antenne et ce qui a poussé ou s'est garé devant.",
        "Check the antenna, and what has grown or parked before it.",
    ),
    (Look(_node("repeated_pct"), DAY_S, shown=("{} % de répétitions.", "{} % repeated.")),),
    ("gt", 30.0),
    "amont-fleet",
    "Nodes",
    lasts_s=6 * HOUR_S,
    absent=NORMAL,
)
QUALITY = Rule(
    "amont-quality-low",
    "fleet",
    "info",
    ("Journée incomplète", "Day incomplete"),
    (
        "Hier, {sensor} n'a livré qu'une partie de ses mesures.",
        "Yesterday {sensor} gave only part of its readings.",
    ),
    (
        "Moins de 80 % des mesures promises du jour sont arrivées. Le bilan du mois les dira"
        " « estimées ».",
        "Less than 80 % of the readings promised for the day came. The month's balance will call"
        " them “estimated”.",
    ),
    (
        "Page Qualité des données : un trou ou des trous ? Un retard se comblera seul ; un capteur"
        " mort, non.",
        "Data quality page: one gap or many? What is late fills by itself; a dead sensor does"
        " not.",
    ),
    (
        Look(
            Query(
                series.QUALITY_DAY,
                (Column("last", "completeness_pct"),),
                group=("site", "sensor"),
            ),
            2 * DAY_S,
            DAY_S,  # of the last day that is over
            shown=("{} % reçus.", "{} % received."),
        ),
    ),
    ("lt", 80.0),
    "amont-quality",
    "The last day, by sensor",
)

RULES = (SILENT, LOW, EMPTY, WEAK, QUALITY)
