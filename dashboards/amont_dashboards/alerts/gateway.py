"""Declare the alerts of the small computer in the town hall, and the sign of life to outside."""

from __future__ import annotations

from amont_dashboards.alerts.model import (
    ALERT,
    DAY_S,
    HOUR_S,
    MINUTE_S,
    NORMAL,
    STATE_BACK_S,
    Look,
    Query,
    Rule,
    Text,
)
from amont_dashboards.query import Column
from amont_gateway import series

_YES = 1.0


def _gateway(aggregate: str, field: str) -> Query:
    return Query(series.GATEWAY, (Column(aggregate, field),), group=("site",))


def _last(field: str, shown: Text = ("", ""), decimals: int = 0) -> tuple[Look, ...]:
    return (Look(_gateway("last", field), STATE_BACK_S, shown=shown, decimals=decimals),)


# Rows of each ten minutes of the last day, so that a site that fell silent stays in the answer
# with a zero; the mean of the last two, because the very last has only begun.
_ROWS = Query(
    series.GATEWAY,
    (Column("moving_average(count({}), 2)", "guard_alive", name="rows"),),
    group=("site",),
    fill="0",
    every="10m",
)

SILENT = Rule(
    "amont-gateway-silent",
    "gateway",
    "critical",
    ("Passerelle ou base muette", "Gateway or database silent"),
    (
        "Plus rien n'arrive dans la base : aucune autre alerte ne peut plus naître ni s'éteindre.",
        "Nothing reaches the database any more: no other alert can begin or end.",
    ),
    (
        "La passerelle n'écrit plus, ou la base ne répond plus. Les sirènes n'ont besoin ni de"
        " l'une ni de l'autre ; mais si toute la machine de la mairie est arrêtée, le gardien"
        " l'est aussi. Les mesures attendent dans le journal ou dans les nœuds et seront"
        " rattrapées.",
        "The gateway writes no more, or the database does not answer. Sirens need neither; but if"
        " the whole machine in the town hall has stopped, the guard has stopped, too. Readings"
        " wait in the journal or in the nodes and will be caught up.",
    ),
    (
        "Ouvrez la page locale tout de suite. Si elle répond et montre le gardien, les sirènes"
        " sont là : regardez la base, « amont-gateway history status ». Sinon, allez à la mairie :"
        " courant, machine, réseau.",
        "Open the local page at once. If it answers and shows the guard, the sirens are there:"
        " look at the database, “amont-gateway history status”. If not, go to the town hall:"
        " power, machine, network.",
    ),
    (Look(_ROWS, DAY_S),),
    ("lt", 0.01),
    "amont-gateway",
    "Database",
    lasts_s=2 * MINUTE_S,
    absent=ALERT,
    failing=ALERT,
)
GUARD = Rule(
    "amont-guard-lost",
    "gateway",
    "critical",
    ("Gardien non joint", "Guard not reached"),
    (
        "La passerelle ne joint plus le gardien : les niveaux et les sirènes ne sont plus vus.",
        "The gateway reaches the guard no more: levels and sirens are not seen.",
    ),
    (
        "Le gardien décide seul des sirènes. S'il est arrêté, aucune sirène ne sonnera ; s'il"
        " n'est que coupé de la passerelle, elles sonneront.",
        "The guard alone decides on the sirens. If it has stopped, no siren will sound; if it is"
        " only cut off from the gateway, they will.",
    ),
    (
        "Sur la machine, « systemctl status amont-guard » : s'il est arrêté, redémarrez-le, et"
        " restez jusqu'à ce que la page locale le montre.",
        "On the machine, “systemctl status amont-guard”: if it has stopped, restart it, and stay"
        " until the local page shows it.",
    ),
    _last("guard_alive"),
    ("lt", _YES / 2),
    "amont-gateway",
    "Guard reached",
    lasts_s=2 * MINUTE_S,
)
JOURNAL = Rule(
    "amont-journal-fault",
    "gateway",
    "critical",
    ("Journal en défaut", "Journal fault"),
    (
        "Le journal n'accepte plus de mesures.",
        "The journal takes no more readings.",
    ),
    (
        "Carte pleine, en lecture seule ou abîmée : rien n'est plus acquitté, et les nœuds gardent"
        " leurs mesures. Les sirènes restent actives.",
        "Card full, read-only or damaged: nothing is acknowledged any more and nodes keep their"
        " readings. Sirens still work.",
    ),
    (
        "Libérez de la place ou remplacez la carte dans les jours qui viennent : la mémoire des"
        " nœuds est limitée.",
        "Free space or replace the card within days: the nodes' memory is limited.",
    ),
    _last("journal"),
    ("gt", series.JOURNAL.index("ok") + 0.5),
    "amont-gateway",
    "Journal",
    lasts_s=MINUTE_S,
)
LATE = Rule(
    "amont-history-late",
    "gateway",
    "warning",
    ("Base en retard", "Database behind"),
    (
        "Des mesures attendent depuis plus d'un quart d'heure d'entrer dans la base.",
        "Readings have waited for more than a quarter of an hour to enter the database.",
    ),
    (
        "La base était absente ou n'écrit pas assez vite. Rien n'est perdu : le journal rattrape,"
        " les mesures neuves d'abord.",
        "The database was away or does not write fast enough. Nothing is lost: the journal catches"
        " up, new readings first.",
    ),
    (
        "Attendez dix minutes ; si l'attente grandit, voyez « amont-gateway history status » et la"
        " place sur le disque de la base.",
        "Wait ten minutes; if the backlog grows, see “amont-gateway history status” and the space"
        " on the database's disk.",
    ),
    _last("waiting_s", ("Attente {} s.", "Waiting for {} s.")),
    ("gt", 900.0),
    "amont-gateway",
    "Age of what waits",
    lasts_s=5 * MINUTE_S,
)
REFUSED = Rule(
    "amont-history-refused",
    "gateway",
    "info",
    ("Lignes mises de côté", "Lines set aside"),
    (
        "La base a refusé des lignes ; elles sont mises de côté.",
        "The database refused lines; they are set aside.",
    ),
    (
        "La base n'accepte pas ces lignes telles quelles. Elles attendent, avec la raison, et tout"
        " le reste passe.",
        "The database does not take these lines as they are. They wait, with the reason, and all"
        " else goes on.",
    ),
    (
        "« amont-gateway history quarantine list » dit lesquelles et pourquoi ; « resend » les"
        " renvoie une fois la cause levée.",
        "“amont-gateway history quarantine list” says which and why; “resend” sends them again"
        " once the cause is gone.",
    ),
    _last("quarantined", ("{} lignes.", "{} lines.")),
    ("gt", 0.5),
    "amont-gateway",
    "In quarantine",
    lasts_s=HOUR_S,
)
BROKER = Rule(
    "amont-broker-lost",
    "gateway",
    "warning",
    ("Serveur MQTT non joint", "MQTT broker not reached"),
    (
        "La passerelle n'entend plus les nœuds qui passent par MQTT.",
        "The gateway no longer hears the nodes that come by MQTT.",
    ),
    (
        "Le serveur MQTT est arrêté ou refuse la passerelle. Les nœuds radio et les sirènes n'en"
        " dépendent pas ; les autres nœuds gardent leurs mesures.",
        "The broker has stopped or refuses the gateway. Radio nodes and sirens do not depend on"
        " it; the other nodes keep their readings.",
    ),
    (
        "Sur la machine : l'état du service mosquitto, puis la date de ses certificats.",
        "On the machine: the state of the mosquitto service, then the date of its certificates.",
    ),
    # the code "none" (3) is a site without a broker
    (
        Look(
            Query(
                series.GATEWAY,
                (Column("last", "broker"),),
                group=("site",),
                only=(("broker", "<", float(series.BROKER.index("none"))),),
            ),
            STATE_BACK_S,
        ),
    ),
    ("gt", series.BROKER.index("ok") + 0.5),
    "amont-gateway",
    "MQTT broker",
    lasts_s=10 * MINUTE_S,
    absent=NORMAL,
)
DISK = Rule(
    "amont-disk-full",
    "gateway",
    "warning",
    ("Disque presque plein", "Disk almost full"),
    ("Il reste peu de place sur la carte.", "Little space is left on the card."),
    (
        "Moins de 10 % de libre. Le journal s'arrêtera d'acquitter avant de perdre quoi que ce"
        " soit, mais il s'arrêtera.",
        "Less than 10 % free. The journal will stop acknowledging before it loses anything, but it"
        " will stop.",
    ),
    (
        "Voyez ce qui a grandi (base sur la même carte, copies, journaux du système) et libérez.",
        "See what has grown (database on the same card, backups, system logs) and free it.",
    ),
    _last("disk_free_pct", ("{} % libres.", "{} % free.")),
    ("lt", 10.0),
    "amont-gateway",
    "Room and load",
    lasts_s=15 * MINUTE_S,
)
HOT = Rule(
    "amont-gateway-hot",
    "gateway",
    "warning",
    ("Passerelle trop chaude", "Gateway too hot"),
    ("Le processeur dépasse 80 °C.", "The processor is above 80 °C."),
    (
        "À cette température la machine ralentit, et la carte vieillit vite.",
        "At this temperature the machine slows down and the card ages fast.",
    ),
    (
        "Aérez l'armoire, dépoussiérez, éloignez-la du soleil.",
        "Air the cabinet, remove dust, keep it out of the sun.",
    ),
    _last("cpu_c", ("{} °C.", "{} °C.")),
    ("gt", 80.0),
    "amont-gateway",
    "Processor temperature",
    lasts_s=10 * MINUTE_S,
)
CLOCK = Rule(
    "amont-clock-wrong",
    "gateway",
    "warning",
    ("Horloge fausse", "Clock wrong"),
    (
        "L'horloge de la passerelle s'écarte de plus de deux secondes.",
        "The gateway's clock is off by more than two seconds.",
    ),
    (
        "Les heures des mesures et des décisions sont fausses d'autant. Les sirènes ne dépendent"
        " pas de l'heure.",
        "Times of readings and decisions are wrong by as much. Sirens do not depend on the time.",
    ),
    (
        "Vérifiez l'accès au serveur de temps, et la pile de l'horloge si la machine en a une.",
        "Check access to the time server, and the clock's battery if the machine has one.",
    ),
    _last("clock_ms", ("{} ms.", "{} ms.")),
    ("outside_range", -2000.0, 2000.0),
    "amont-gateway",
    "Error of the clock",
    lasts_s=10 * MINUTE_S,
    absent=NORMAL,  # not every machine tells
)
UNSYNCHRONISED = Rule(
    "amont-clock-free",
    "gateway",
    "info",
    ("Horloge non synchronisée", "Clock not synchronised"),
    (
        "La passerelle n'a plus l'heure du réseau depuis six heures.",
        "The gateway has had no network time for six hours.",
    ),
    (
        "L'horloge tourne seule et dérive de quelques secondes par semaine.",
        "The clock runs on its own and drifts by some seconds a week.",
    ),
    (
        "Sans internet, c'est attendu : remettez-la à l'heure à la prochaine visite.",
        "Without internet this is expected: set it at the next visit.",
    ),
    _last("clock_synchronised"),
    ("lt", _YES / 2),
    "amont-gateway",
    "Clock synchronised",
    lasts_s=6 * HOUR_S,
    absent=NORMAL,
)
UNDER_VOLTAGE = Rule(
    "amont-under-voltage",
    "gateway",
    "warning",
    ("Sous-tension", "Under-voltage"),
    (
        "L'alimentation de la passerelle est trop faible.",
        "The gateway's power supply is too weak.",
    ),
    (
        "La machine signale une tension trop basse : elle peut s'arrêter ou abîmer sa carte.",
        "The machine reports too low a voltage: it may stop or damage its card.",
    ),
    (
        "Remplacez l'alimentation ou le câble ; vérifiez l'onduleur.",
        "Replace the power supply or the cable; check the UPS.",
    ),
    _last("under_voltage"),
    ("gt", _YES / 2),
    "amont-gateway",
    "Under-voltage",
    lasts_s=MINUTE_S,
    absent=NORMAL,  # not every machine tells
)
# Not an alert: it fires as long as all is well, and an outside watcher alerts when it stops.
HEARTBEAT = Rule(
    "amont-heartbeat",
    "gateway",
    "info",
    ("Signe de vie", "Sign of life"),
    (
        "La chaîne passerelle, base, Grafana fonctionne.",
        "The chain gateway, database, Grafana works.",
    ),
    (
        "Cette règle « alerte » tant que tout va bien. Un veilleur extérieur, prévenu toutes les"
        " cinq minutes, appelle quand ces messages cessent.",
        "This rule “alerts” as long as all is well. An outside watcher, told each five minutes,"
        " calls when these messages stop.",
    ),
    (
        "Si le veilleur extérieur appelle : internet, courant ou Grafana manquent. Ouvrez la page"
        " locale sur place.",
        "If the outside watcher calls: internet, power or Grafana is missing. Open the local page"
        " on the spot.",
    ),
    (Look(_ROWS, DAY_S),),
    ("gt", 0.01),
    "amont-gateway",
    "Links over time",
    absent=NORMAL,
    failing=NORMAL,
)

RULES = (
    SILENT, GUARD, JOURNAL, LATE, REFUSED, BROKER, DISK, HOT, CLOCK, UNSYNCHRONISED,
    UNDER_VOLTAGE,
)  # fmt: skip
