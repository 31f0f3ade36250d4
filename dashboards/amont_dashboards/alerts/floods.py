"""Declare the alerts of the river: levels, forecast, fast rise, a station that is silent."""

from __future__ import annotations

from amont_dashboards.alerts.model import (
    KNOWN_BACK_S,
    MINUTE_S,
    NORMAL,
    STATE_BACK_S,
    Look,
    Query,
    Rule,
)
from amont_dashboards.query import Column
from amont_gateway import series

_UNKNOWN = float(series.LEVELS.index("unknown"))
_GROUP = ("site", "station")


def _station(aggregate: str, field: str, scale: float = 1.0, known: bool = False) -> Query:
    only = (("level", "<", _UNKNOWN),) if known else ()
    columns = (Column(aggregate, field, scale),)
    return Query(series.STATION_STATE, columns, group=_GROUP, only=only)


# The last level that was known: a guard that is not reached makes it unknown, and that must not
# end an alert.
_LEVEL = (Look(_station("last", "level", known=True), KNOWN_BACK_S),)


def _at_least(level: str) -> tuple[str, float]:
    return "gt", series.LEVELS.index(level) - 0.5


WATCH = Rule(
    "amont-flood-watch",
    "floods",
    "warning",
    ("Crue : vigilance", "Flood: watch"),
    (
        "{station} a atteint son seuil de vigilance.",
        "{station} has reached its watch limit.",
    ),
    (
        "Le gardien juge, d'après les capteurs qui votent, que l'eau a dépassé le seuil de"
        " vigilance en vigueur. La sirène ne sonne pas à ce niveau.",
        "The guard judges from the sensors that vote that the water has passed the watch limit in"
        " force. The siren does not sound at this level.",
    ),
    (
        "Ouvrez la page Crues : la tendance et le temps avant le seuil suivant disent s'il faut"
        " prévenir l'astreinte. Comparez les deux capteurs de la station.",
        "Open the Floods page: trend and time to the next limit say whether to call the person on"
        " duty. Compare the station's two sensors.",
    ),
    _LEVEL,
    _at_least("watch"),
    "amont-floods",
    "Stage, thresholds and forecast",
    lasts_s=2 * MINUTE_S,
)
WARNING = Rule(
    "amont-flood-warning",
    "floods",
    "critical",
    ("Crue : alerte", "Flood: warning"),
    ("{station} a atteint son seuil d'alerte.", "{station} has reached its warning limit."),
    (
        "Le niveau d'alerte en vigueur est dépassé. La sirène sonne au seuil d'alarme, plus haut ;"
        " le gardien seul en décide.",
        "The warning limit in force is passed. The siren sounds at the alarm limit, higher up;"
        " the guard alone decides on it.",
    ),
    (
        "Prévenez le maire et l'astreinte ; préparez ce que le plan communal prévoit à ce niveau."
        " Ne vous fiez pas à Grafana pour la sirène : regardez la page locale.",
        "Call the mayor and the person on duty; prepare what the emergency plan foresees at this"
        " level. Do not rely on Grafana for the siren: look at the local page.",
    ),
    _LEVEL,
    _at_least("warning"),
    "amont-floods",
    "Stage, thresholds and forecast",
    lasts_s=MINUTE_S,
    implies=("amont-flood-watch",),
)
ALARM = Rule(
    "amont-flood-alarm",
    "floods",
    "critical",
    ("Crue : alarme", "Flood: alarm"),
    ("{station} a atteint son seuil d'alarme.", "{station} has reached its alarm limit."),
    (
        "Le niveau d'alarme est atteint : le gardien fait sonner les sirènes de cette station,"
        " sans attendre ce message.",
        "The alarm level is reached: the guard sounds this station's sirens, without waiting for"
        " this message.",
    ),
    (
        "Vérifiez sur la page locale que la sirène sonne et qu'elle est confirmée ; sinon,"
        " prévenez les habitants par les autres moyens du plan communal.",
        "Check on the local page that the siren sounds and is confirmed; if not, warn the"
        " inhabitants by the other means of the emergency plan.",
    ),
    _LEVEL,
    _at_least("alarm"),
    "amont-floods",
    "Stage, thresholds and forecast",
    implies=("amont-flood-watch", "amont-flood-warning"),
)
FORECAST = Rule(
    "amont-flood-forecast",
    "floods",
    "warning",
    ("Crue : seuil d'alerte prévu", "Flood: warning limit forecast"),
    (
        "La prévision de {station} peut atteindre le seuil d'alerte.",
        "The forecast of {station} may reach the warning limit.",
    ),
    (
        "Le haut de la bande de prévision (une chance sur vingt de le dépasser) atteint le seuil"
        " d'alerte en vigueur. C'est un conseil du modèle ; il ne fait sonner aucune sirène.",
        "The top of the forecast band (passed one time in twenty) reaches the warning limit in"
        " force. It is the model's advice; it sounds no siren.",
    ),
    (
        "Regardez l'échéance et la pluie sur la page Crues, et l'écart entre prévisions et mesures"
        " des derniers jours. Prévenez l'astreinte si la pluie continue.",
        "Look at the horizon and the rain on the Floods page, and at how far forecasts were from"
        " readings these days. Tell the person on duty if the rain goes on.",
    ),
    (Look(_station("last", "forecast_reaches"), STATE_BACK_S),),
    ("gt", 1.5),  # of none, watch, warning, alarm
    "amont-floods",
    "Stage, thresholds and forecast",
    lasts_s=10 * MINUTE_S,
)
RISING = Rule(
    "amont-flood-rising",
    "floods",
    "critical",
    ("Crue : montée rapide", "Flood: fast rise"),
    (
        "{station} atteindra son prochain seuil en moins d'une heure à ce rythme.",
        "{station} will reach its next limit within the hour at this pace.",
    ),
    (
        "Si l'eau continue de monter comme dans la dernière heure, le seuil suivant (vigilance,"
        " alerte ou alarme) sera atteint dans moins d'une heure.",
        "If the water goes on rising as in the last hour, the next limit (watch, warning or"
        " alarm) will be reached in less than an hour.",
    ),
    (
        "Ouvrez la page Crues. Prévenez l'astreinte dès maintenant : le délai annoncé ne vaut que"
        " si le rythme reste le même.",
        "Open the Floods page. Call the person on duty now: the time told holds only if the pace"
        " stays the same.",
    ),
    (
        Look(
            _station("last", "next_limit_s", 1 / 60),
            STATE_BACK_S,
            shown=("Seuil suivant dans {} min.", "Next limit in {} min."),
        ),
    ),
    ("lt", 60.0),  # minutes: what is told is what is compared
    "amont-floods",
    "Stage, thresholds and forecast",
    lasts_s=10 * MINUTE_S,
    absent=NORMAL,  # the field is there while the water rises
)
SILENT = Rule(
    "amont-station-silent",
    "floods",
    "critical",
    ("Station de crue muette", "Flood station silent"),
    (
        "{station} ne dit plus rien : personne ne voit la rivière à cet endroit.",
        "{station} says nothing any more: nobody sees the river there.",
    ),
    (
        "Aucun capteur de la station n'a été entendu depuis plus de trois intervalles promis. Le"
        " silence n'est pas un niveau normal : la sirène ne peut plus sonner pour cette station"
        " que par ses autres capteurs.",
        "No sensor of the station was heard for more than three promised intervals. Silence is"
        " not a normal level: the siren can sound for this station only through other sensors.",
    ),
    (
        "S'il pleut ou si la rivière monte, envoyez quelqu'un la regarder. Sinon, vérifiez la pile"
        " et le signal sur la page Parc, puis le capteur sur place.",
        "If it rains or the river rises, send somebody to look at it. Otherwise check battery and"
        " signal on the Fleet page, then the sensor on the spot.",
    ),
    (
        Look(
            _station("last", "late_x"),
            STATE_BACK_S,
            shown=("Retard : {} intervalles.", "Late by {} intervals."),
        ),
    ),
    ("gt", 3.0),
    "amont-floods",
    "Where each station stands",
    lasts_s=5 * MINUTE_S,
    implies=("amont-sensor-silent",),
)

# Apart from SILENT, which must not depend on a level that may not be known.
LOST = Rule(
    "amont-station-lost",
    "floods",
    "critical",
    ("Station muette pendant une crue", "Station silent in a flood"),
    (
        "{station} s'est tue alors que l'eau était au-dessus de la vigilance.",
        "{station} has fallen silent while the water was above the watch limit.",
    ),
    (
        "Le dernier niveau connu était la vigilance ou plus, et rien n'est venu depuis plus d'un"
        " intervalle et demi. En crue on n'attend pas trois intervalles : le capteur peut être"
        " emporté.",
        "The last known level was watch or higher, and nothing has come for more than one and a"
        " half intervals. In a flood nobody waits for three: the sensor may have been swept away.",
    ),
    (
        "Envoyez quelqu'un regarder la rivière, d'un endroit sûr, et suivez les stations en amont"
        " sur la page Crues.",
        "Send somebody to look at the river, from a safe place, and follow the stations upstream"
        " on the Floods page.",
    ),
    (
        Look(
            _station("last", "late_x"),
            STATE_BACK_S,
            shown=("Retard : {} intervalles.", "Late by {} intervals."),
            decimals=1,
        ),
        *_LEVEL,
    ),
    ("gt", 0.5),
    "amont-floods",
    "Where each station stands",
    lasts_s=2 * MINUTE_S,
    math="($V1 > 1.5) && ($V2 >= 1)",
    implies=("amont-flood-watch",),
)

RULES = (WATCH, WARNING, ALARM, FORECAST, RISING, SILENT, LOST)
