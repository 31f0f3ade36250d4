"""Define "Passerelle / Gateway": the small computer itself, and what waits in it."""

from __future__ import annotations

from amont_dashboards.boards.shapes import BAD_ABOVE_ZERO, GATEWAY, LONG, NOW, STATE_GAP_MS
from amont_dashboards.model import (
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    SKY,
    YELLOW,
    Annotation,
    Column,
    Dashboard,
    Panel,
    Query,
    Step,
    Text,
)
from amont_gateway import series

_ROOM: tuple[Step, ...] = ((None, RED), (10.0, YELLOW), (20.0, GREEN))
_WAIT_S: tuple[Step, ...] = ((None, GREEN), (900.0, YELLOW), (6 * 3_600.0, RED))
_HOT: tuple[Step, ...] = ((None, GREEN), (70.0, YELLOW), (80.0, RED))
_CLOCK_MS: tuple[Step, ...] = ((None, GREEN), (500.0, YELLOW), (2_000.0, RED))


def _ask(field: str, how: str, label: Text, fill: str = "", colour: str = "") -> Query:
    column = Column(how, field, unit=LONG if field == "waiting_s" else "")
    return Query(series.GATEWAY, (column,), fill=fill, label=label, colour=colour)


def _now(
    title: Text, description: Text, field: str, steps: tuple[Step, ...] = (), decimals: int = 0
) -> Panel:
    query = _ask(field, "last", title)
    coded = bool(query.declared(field).codes)
    return Panel(
        "stat", title, description, (query,), (4, 5), time_from=NOW, steps=steps,
        decimals=None if coded else decimals,
    )  # fmt: skip


def _over_time(
    title: Text,
    description: Text,
    *asked: tuple[str, Text, str],
    how: str = "mean",
    size: tuple[int, int] = (12, 7),
    steps: tuple[Step, ...] = (),
) -> Panel:
    queries = tuple(_ask(field, how, label, "null", colour) for field, label, colour in asked)
    return Panel(
        "timeseries", title, description, queries, size, gap_ms=STATE_GAP_MS, steps=steps,
        marked=bool(steps), low=0,
    )  # fmt: skip


_STATES = (
    _now(
        ("Gardien joint", "Guard reached"),
        (
            "Si la passerelle joint le gardien. « Non » : il en est coupé, ou il est arrêté ;"
            " arrêté, aucune sirène ne sonnera.",
            "Whether the gateway reaches the guard. “No”: it is cut off, or it has stopped;"
            " stopped, no siren will sound.",
        ),
        "guard_alive",
    ),
    _now(
        ("Journal", "Journal"),
        (
            "Si les mesures peuvent être gardées. Sinon les nœuds gardent les leurs.",
            "Whether readings can be kept. If not, the nodes keep theirs.",
        ),
        "journal",
    ),
    _now(
        ("Base de données", "Database"),
        (
            "Si la base prend ce que la passerelle lui donne. Une base absente ne perd rien : tout"
            " attend dans le journal.",
            "Whether the database takes what the gateway gives. A database that is away loses"
            " nothing: all waits in the journal.",
        ),
        "database",
    ),
    _now(
        ("Serveur MQTT", "MQTT broker"),
        (
            "Si la passerelle est liée au serveur MQTT, par lequel passent une partie des nœuds.",
            "Whether the gateway is linked to the MQTT broker, through which some nodes come.",
        ),
        "broker",
    ),
    _now(
        ("Horloge synchronisée", "Clock synchronised"),
        (
            "Si l'horloge est tenue à l'heure par le réseau.",
            "Whether the clock is kept right over the network.",
        ),
        "clock_synchronised",
    ),
    _now(
        ("Sous-tension", "Under-voltage"),
        (
            "Si l'alimentation a faibli : un bloc trop faible abîme la carte.",
            "Whether the supply sagged: a weak supply harms the card.",
        ),
        "under_voltage",
    ),
    _now(
        ("En attente de la base", "Waiting for the database"),
        (
            "Mesures du journal que la base n'a pas encore confirmées.",
            "Readings of the journal that the database has not confirmed yet.",
        ),
        "waiting",
        ((None, GREEN), (1_000.0, YELLOW), (50_000.0, RED)),
    ),
    _now(
        ("Attente la plus longue", "Longest wait"),
        (
            "Âge de la plus ancienne mesure qui attend. Plus de 15 minutes : la base est absente.",
            "Age of the oldest reading that waits. More than 15 minutes: the database is away.",
        ),
        "waiting_s",
        _WAIT_S,
    ),
    _now(
        ("En quarantaine", "In quarantine"),
        (
            "Lignes que la base a refusées : « amont-gateway history quarantine » les montre.",
            'Lines that the database refused: "amont-gateway history quarantine" shows them.',
        ),
        "quarantined",
        BAD_ABOVE_ZERO,
    ),
    _now(
        ("Disque libre", "Disk free"),
        (
            "Part libre de la carte. Sous 10 %, il faut agir.",
            "Free share of the card. Below 10 % something must be done.",
        ),
        "disk_free_pct",
        _ROOM,
    ),
    _now(
        ("Mémoire libre", "Memory free"),
        ("Part libre de la mémoire.", "Free share of the memory."),
        "memory_free_pct",
        _ROOM,
    ),
    _now(
        ("Démarrages", "Starts"),
        (
            "Combien de fois la passerelle a démarré ; un nombre qui monte seul est à voir.",
            "How often the gateway has started; look into a number that grows by itself.",
        ),
        "starts",
    ),
)

_QUEUE = _over_time(
    ("File d'attente de la base", "Queue for the database"),
    (
        "Mesures qui attendent : une montée droite est une base absente, une descente son retour.",
        "Readings that wait: a straight rise is a database away, a fall its return.",
    ),
    ("waiting", ("Mesures en attente", "Readings waiting"), BLUE),
    how="max",
)
_WAIT = _over_time(
    ("Âge de l'attente", "Age of what waits"),
    (
        "Âge de la plus ancienne mesure que la base n'a pas confirmée.",
        "Age of the oldest reading that the database has not confirmed.",
    ),
    ("waiting_s", ("Attente", "Wait"), ORANGE),
    how="max",
    steps=_WAIT_S,
)
_HEAT = _over_time(
    ("Température du processeur", "Processor temperature"),
    (
        "Au-dessus de 80 °C la machine ralentit : soleil sur l'armoire, ventilation bouchée.",
        "Above 80 °C the machine slows down: sun on the cabinet, vents blocked.",
    ),
    ("cpu_c", ("Processeur", "Processor"), RED),
    how="max",
    steps=_HOT,
)
_ROOM_LEFT = _over_time(
    ("Place et charge", "Room and load"),
    (
        "Parts libres du disque et de la mémoire, et charge des cœurs.",
        "Free shares of disk and memory, and load of the cores.",
    ),
    ("disk_free_pct", ("Disque libre", "Disk free"), GREEN),
    ("memory_free_pct", ("Mémoire libre", "Memory free"), SKY),
    ("load_pct", ("Charge", "Load"), PURPLE),
)
_CLOCK = _over_time(
    ("Erreur de l'horloge", "Error of the clock"),
    (
        "Erreur estimée de l'horloge ; au-delà de deux secondes, les mesures sont mal datées.",
        "Estimated error of the clock; beyond two seconds readings are misdated.",
    ),
    ("clock_ms", ("Erreur", "Error"), BLUE),
    how="max",
    steps=_CLOCK_MS,
)


def _rate(field: str, label: Text, colour: str) -> Query:
    column = Column("non_negative_derivative(max({}), 1h)", field, unit="none")
    return Query(series.GATEWAY, (column,), fill="none", label=label, colour=colour, every="1h")


_WORK = Panel(
    "timeseries",
    ("Travail par heure", "Work by the hour"),
    (
        "Mesures gardées, mesures répétées par les nœuds, trames refusées par le gardien et lignes"
        " écrites dans la base, par heure. Des refus qui montent : quelqu'un essaie, ou une clé a"
        " changé.",
        "Readings kept, readings repeated by nodes, frames that the guard refused and lines"
        " written to the database, by the hour. Refusals that rise: somebody tries, or a key was"
        " changed.",
    ),
    (
        _rate("samples_committed", ("Mesures gardées", "Readings kept"), BLUE),
        _rate("samples_repeated", ("Répétées", "Repeated"), YELLOW),
        _rate("frames_rejected", ("Trames refusées", "Frames refused"), RED),
        _rate("lines_written", ("Lignes écrites", "Lines written"), GREEN),
    ),
    (12, 7),
    unit="none",
    low=0,
    decimals=0,
)

_LINKS = Panel(
    "state-timeline",
    ("Liens dans le temps", "Links over time"),
    (
        "Base de données et serveur MQTT, dans le temps.",
        "Database and MQTT broker, over time.",
    ),
    (
        _ask("database", "max", ("Base de données", "Database"), "null"),
        _ask("broker", "max", ("Serveur MQTT", "MQTT broker"), "null"),
    ),
    (24, 5),
    gap_ms=STATE_GAP_MS,
)

BOARD = Dashboard(
    GATEWAY,
    ("Passerelle", "Gateway"),
    (
        "Le petit ordinateur de la mairie : ses liens, sa place, sa chaleur, ce qui y attend.",
        "The small computer in the town hall: its links, its room, its heat, what waits in it.",
    ),
    (*_STATES, _LINKS, _QUEUE, _WAIT, _HEAT, _ROOM_LEFT, _CLOCK, _WORK),
    hours=48,
    level=2,
    annotations=(
        Annotation(("Entretien", "Maintenance"), ("maintenance", "note"), BLUE),
        Annotation(("Silences", "Silences"), ("silent",), YELLOW),
    ),
    ahead="",
)
