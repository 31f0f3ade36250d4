"""Foretell a site from its file: who is heard, how long all are on the air, how long cells last.

Pure: no network, no map. What the file does not say is named, or taken and said to be taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from amont_provision import board, energy_site, framesizes, linkbudget, traffic
from amont_provision.board import LORAWAN_BYTES, LORAWAN_SF
from amont_provision.energy_site import Station
from amont_provision.linkbudget import Estimate, Link
from amont_provision.traffic import Air, Load, Rhythm
from amont_site import Site
from amont_site.lorawan import downlinks_day
from amont_site.model import Node, frame_samples
from amont_site.radio import Bridge, Radio, spreading_factor
from amont_wire.airtime import PREAMBLE, scan_preamble

GOOD, MARGINAL, UNKNOWN, UNLIKELY = "good", "marginal", "unknown", "unlikely"
WORDS = (UNLIKELY, MARGINAL, UNKNOWN, GOOD)  # worst first
LOSS_UNKNOWN = 0.2  # of frames, where nothing is known of the way
NODE_M, BRIDGE_M = 2.0, 8.0  # of antennas whose height the file does not say
NODE_GAIN_DB, BRIDGE_GAIN_DB = 0.0, 2.0
HEALTH_S, LASTING_HEALTH_S = 3_600, 21_600  # of a node without and with a profile
FAIR_S = 30.0  # of The Things Network: airtime a node and day
SLOW_S, SLOW = 180.0, 2.0  # frames further apart in a flood, and than asked for, are too slow
YEARS = 0.5  # cells that last less are changed more than twice a year


@dataclass(frozen=True)
class Outlook:
    """What is to be expected of one node; ``link`` is None where no radio of ours leads to it.

    ``missing``: fields without which nothing can be said; ``taken``: figures that stand for
    fields. ``readings``: share that arrives if no answer ever comes back, and with answers, at
    nine of ten such places at least.
    """

    node: Node
    rhythm: Rhythm
    station: Station
    air: Air | None = None
    load: Load | None = None
    way: Link | None = None
    link: Estimate | None = None
    missing: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    readings: tuple[float, float] = (1.0, 1.0)
    fair_sf: int | None = None  # of LoRaWAN: the slowest that stays within fair use; 0: none

    @property
    def years(self) -> float:
        """Return how long two AA cells last."""
        return self.station.budget().years

    @property
    def heard(self) -> tuple[float, float, float] | None:
        """Return the share of frames heard: worse edge, expected, better edge."""
        return None if self.link is None else self.link.frames

    @property
    def is_slow(self) -> bool:
        """Return whether the law's share of airtime slows the flood's samples down much."""
        if self.load is None or self.fair_sf is not None or not self.rhythm.alarms:
            return False
        return self.load.fast_s > max(SLOW_S, SLOW * self.rhythm.fast_interval_s)

    @property
    def word(self) -> str:
        """Return the worst that can be said: "unlikely", "marginal", "unknown" or "good"."""
        said = [GOOD]
        if self.missing:
            said.append(UNKNOWN)
        if self.link is not None:
            said.append(self.link.word)
        if self.fair_sf is not None and self.fair_sf <= LORAWAN_SF:
            said.append(UNLIKELY if self.fair_sf < 7 else MARGINAL)
        if self.is_slow or (self.load is not None and self.years < YEARS):
            said.append(MARGINAL)
        return min(said, key=WORDS.index)


@dataclass(frozen=True)
class Answers:
    """What a bridge would have to answer in an hour, calm and flood, of ``share_s`` that it may.

    ``nodes``: how many nodes such as these it can answer while it is calm.
    """

    calm_s: float
    flood_s: float
    share_s: float
    nodes: int

    @property
    def calm(self) -> float:
        """Return the share of a calm day's frames that it can answer."""
        return min(1.0, self.share_s / self.calm_s) if self.calm_s else 1.0

    @property
    def flood(self) -> float:
        """Return the share of a flood's frames that it can answer."""
        return min(1.0, self.share_s / self.flood_s) if self.flood_s else 1.0


@dataclass(frozen=True)
class Plan:
    """A site's nodes, the worst first, and its bridge, if a node needs one."""

    site: Site
    nodes: tuple[Outlook, ...]
    answers: Answers | None
    factors: tuple[int, ...]
    taken: tuple[str, ...]

    def count(self, word: str) -> int:
        """Return how many nodes are called so."""
        return sum(outlook.word == word for outlook in self.nodes)

    @property
    def is_good(self) -> bool:
        """Return whether there is nothing to mend and nothing to ask."""
        return self.count(GOOD) == len(self.nodes)


def plan(site: Site) -> Plan:
    """Return what is to be expected of a site as its file says it."""
    ours = [node for node in site.nodes if node.carrier == "bridge"]
    factors = tuple(sorted({spreading_factor(site.bridge, node.radio) for node in ours}))
    first = {node.id: _sent(site, node, factors) for node in ours}
    answers = _answers(list(first.values())) if ours else None
    calm_s = sum(found.load.day_s / 24 for found in first.values() if found.load)
    flood_s = sum(found.load.flood_hour_s for found in first.values() if found.load)
    found = []
    for node in site.nodes:
        if node.carrier == "bridge":
            assert answers is not None
            mine = first[node.id]
            assert mine.load is not None
            others = (calm_s - mine.load.day_s / 24, flood_s - mine.load.flood_hour_s)
            found.append(_among(mine, others, answers))
        else:
            found.append(_lorawan(site, node) if node.carrier == "lorawan" else _wifi(site, node))
    found.sort(key=_rank)
    taken = tuple(_taken_of_bridge(site.bridge or Bridge())) if ours else ()
    return Plan(site, tuple(found), answers, factors, taken)


def rhythm(site: Site, node: Node) -> Rhythm:
    """Return how often a node speaks, as enrolment would write it."""
    alarms = "alarm_mark" in board.usual(site, node)
    return Rhythm(
        tuple(channel.quantity for channel in node.channels), node.interval_s,
        frame_samples(node), min(node.fast_interval_s, node.interval_s),
        HEALTH_S if node.profile is None else LASTING_HEALTH_S, alarms,
    )  # fmt: skip


def way(site: Site, node: Node) -> tuple[Link | None, tuple[str, ...]]:
    """Return a node's way to the bridge, or what the file lacks for it."""
    bridge, radio = site.bridge or Bridge(), node.radio or Radio()
    away_m = _distance_m(site, node, bridge, radio)
    missing = [] if away_m is not None else ["distance_m"]
    missing += [] if radio.setting is not None else ["setting"]
    if away_m is None or radio.setting is None:
        return None, tuple(missing)
    return Link(
        away_m, radio.setting, spreading_factor(bridge, radio),
        _or(radio.antenna_m, NODE_M), _or(bridge.antenna_m, BRIDGE_M),
        _or(radio.antenna_gain_db, NODE_GAIN_DB), _or(bridge.antenna_gain_db, BRIDGE_GAIN_DB),
        bridge.power_dbm, _or(radio.obstacle_m, linkbudget.OBSTACLE_M),
        sum(bridge.channels_khz) / len(bridge.channels_khz) / 1000, 1 + len(bridge.listeners),
    ), ()  # fmt: skip


def _or(said: float | None, usual: float) -> float:
    return usual if said is None else float(said)


def _distance_m(site: Site, node: Node, bridge: Bridge, radio: Radio) -> float | None:
    if radio.distance_m is not None:
        return float(radio.distance_m)
    if bridge.latitude is None or bridge.longitude is None:
        return None
    sensors = {channel.sensor for channel in node.channels}
    known = [(one.latitude, one.longitude) for one in site.stations if sensors & {*one.sensors}]
    known += [(one.latitude, one.longitude) for one in site.rain_gauges if one.sensor in sensors]
    for latitude, longitude in known:
        if latitude is not None and longitude is not None:
            here = (bridge.latitude, bridge.longitude)
            return linkbudget.distance_m(here, (latitude, longitude))
    return None


def _taken(node: Node) -> Iterator[str]:
    radio = node.radio or Radio()
    if radio.antenna_m is None:
        yield "antenna_m"
    if radio.antenna_gain_db is None:
        yield "antenna_gain_db"
    if radio.setting == "valley" and radio.obstacle_m is None:
        yield "obstacle_m"


def _taken_of_bridge(bridge: Bridge) -> Iterator[str]:
    for name in ("antenna_m", "antenna_gain_db"):
        if getattr(bridge, name) is None:
            yield name


def _sent(site: Site, node: Node, factors: tuple[int, ...]) -> Outlook:
    """Return a node of the bridge as if it were alone and always answered."""
    bridge = site.bridge or Bridge()
    sf = spreading_factor(bridge, node.radio)
    preamble = scan_preamble(len(bridge.channels_khz), list(factors), sf)
    link, missing = way(site, node)
    estimate = None if link is None else linkbudget.estimate(link)
    loss = LOSS_UNKNOWN if estimate is None else 1 - estimate.frames[1]
    mine = rhythm(site, node)
    air = Air(sf, preamble, loss=loss, flood_loss=loss)
    chip = None if node.radio is None else node.radio.chip
    carrier = {"kind": "lora", "chip": chip, "lora": {"sf": sf, "preamble": preamble}}
    station = _station(site, node, carrier)
    taken = () if missing else tuple(_taken(node))
    return Outlook(
        node, mine, station, air, traffic.load(mine, air), link, estimate, missing, taken
    )


def _among(mine: Outlook, others_s: tuple[float, float], answers: Answers) -> Outlook:
    """Return the same node among the others, with the answers that the bridge may give."""
    assert mine.air is not None
    calm, flood = (1 - traffic.collisions(seconds) for seconds in others_s)
    heard = 1 - mine.air.loss
    air = replace(
        mine.air, loss=1 - heard * calm, flood_loss=1 - heard * flood,
        calm_answered=answers.calm, flood_answered=answers.flood,
    )  # fmt: skip
    least = heard if mine.link is None else mine.link.frames[0]
    at_worst = replace(air, loss=1 - least * calm)
    return replace(
        mine, air=air, load=traffic.load(mine.rhythm, air),
        readings=_readings(mine.rhythm, at_worst),
        station=replace(mine.station, tries=air.tries()),
    )  # fmt: skip


def _readings(mine: Rhythm, air: Air) -> tuple[float, float]:
    frame = framesizes.full(mine.quantities, mine.frame_samples, mine.interval_s)
    alone = 1 - traffic.lost_readings(air.loss, mine.frame_samples, frame.readings)
    return alone, max(alone, traffic.recovered(mine, air))


def _answers(nodes: list[Outlook]) -> Answers:
    """Return what the bridge of these nodes would have to answer, and may."""
    calm_s = flood_s = 0.0
    for found in nodes:
        assert found.air is not None
        answer_s = Air(found.air.sf, PREAMBLE).on_air_s(framesizes.ack_size())
        heard = 1 - found.air.loss
        calm_s += found.rhythm.frames_day / 24 * answer_s * heard
        flood_s += found.rhythm.fast_frames * answer_s * heard
    borne = int(traffic.ANSWERS_S / calm_s * len(nodes)) if calm_s else 0
    return Answers(calm_s, flood_s, traffic.ANSWERS_S, borne)


def _lorawan(site: Site, node: Node) -> Outlook:
    """Return a node whose way the network knows, not we."""
    mine = rhythm(site, node)
    downlinks = None if site.lorawan is None else downlinks_day(site.lorawan)
    answered = 1.0 if downlinks is None else min(1.0, downlinks / mine.frames_day)
    air = Air(
        LORAWAN_SF, PREAMBLE, LORAWAN_BYTES, LOSS_UNKNOWN, LOSS_UNKNOWN, answered, 0.0,
        repeats=False,
    )  # fmt: skip
    fair = [sf for sf in range(7, 13) if traffic.load(mine, replace(air, sf=sf)).day_s <= FAIR_S]
    limited = site.lorawan is not None and site.lorawan.server == "ttn"
    carrier = {"kind": "lorawan", "lora": {"sf": LORAWAN_SF}}
    return Outlook(
        node, mine, _station(site, node, carrier), air, traffic.load(mine, air),
        readings=_readings(mine, air), fair_sf=max(fair, default=0) if limited else 12,
    )  # fmt: skip


def _wifi(site: Site, node: Node) -> Outlook:
    return Outlook(node, rhythm(site, node), _station(site, node, {"kind": "mqtt"}))


def _station(site: Site, node: Node, carrier: board.Json) -> Station:
    return energy_site.station(board.configuration(site, node, 1, 1, carrier))


def _rank(outlook: Outlook) -> tuple[int, float, int]:
    """Order the worst first; of those alike the weaker link."""
    margin_db = 0.0 if outlook.link is None else outlook.link.margin_db
    return WORDS.index(outlook.word), margin_db, outlook.node.id
