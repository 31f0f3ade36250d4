"""A machine's clock that jumps, and nodes whose clocks do: alarms depend on neither."""

import sys
import time

import pytest
from tests.guard.rig import SimNode
from tests.system.town import ALARM_MM, LOW_MM, OTHER_METER, next_second, secret_of, town, until

from amont_wire.const import UPLINK
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Sealer
from amont_wire.messages import Channel, Samples

pytestmark = pytest.mark.servers

START_MS = 1_800_000_000_000  # 2027-01-15: the tests' today, whatever day it is
DAY_MS = 86_400_000
IN_1970_MS, IN_2080_MS = 5 * DAY_MS, 3_471_292_800_000
LONG_AGO_S = (1 << 28) - 1  # the oldest that the wire can say: eight and a half years


class Wall:
    """The wall clock of both processes."""

    def __init__(self, path):
        self._path = path
        self.set(START_MS)

    def set(self, unix_ms):
        part = self._path.with_suffix(".part")
        part.write_text(str(unix_ms - int(time.time() * 1000)))
        part.rename(self._path)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clock")
    with town(folder, 5) as made:
        made.wall = Wall(folder / "shift")
        parts = [sys.executable, "-m", "tests.system.clocked"]
        paths = [str(folder), str(folder / "shift")]
        made.guard_command = [*parts, "guard", *paths]
        made.gateway_command = [*parts, "gateway", *paths]
        made.gateway_options = [made.page]
        made.start()
        made.prove()
        yield made


@pytest.fixture(autouse=True)
def today(place):
    yield
    place.wall.set(START_MS)


def zone(place, name="bourg"):
    return next(z for z in place.status()["zones"] if z["id"] == name)


def test_a_reading_from_long_ago(place):
    key = (secret_of(OTHER_METER), OTHER_METER, 1, UPLINK)
    sealer = Sealer(*key, ReservedCounter(0, lambda _limit: None))
    body = Samples(9, LONG_AGO_S, 3, LONG_AGO_S - 1, 0, 0, False, [Channel(0, 3, 1, [77])])
    place.mqtt.send(OTHER_METER, sealer.seal(Samples.TYPE, body.encode())[1])
    place.shows("time_implausible", "hors du possible, nœud 32", "impossible date, node 32")
    assert zone(place, "plaine")["inflow_l_h"] is None
    place.flood(0)


def test_a_clock_in_1970_shows_nothing_dated_then_and_loses_nothing(place):
    place.deliver()
    place.wall.set(IN_1970_MS)
    place.shows("clock_jump", "L’horloge de ce poste a sauté de -", "clock jumped by -")
    place.deliver()
    place.shows("time_implausible", "nœud 31", "kept, not shown", at_least=10)
    place.flood(1)
    place.kept()


def test_a_clock_in_2080_and_back_hides_no_new_reading(place):
    place.wall.set(IN_2080_MS)
    place.shows("clock_jump", "a sauté de +", "clock jumped by +")
    place.deliver()
    place.flood(2)
    place.wall.set(START_MS + DAY_MS)
    next_second()
    place.deliver()
    shown = until(lambda: (z := zone(place))["at_ms"] and z["at_ms"] < IN_2080_MS - DAY_MS and z)
    assert shown["age_s"] < 3600
    place.kept()


def test_a_node_whose_clock_leaps(place):
    """Its readings go on to be kept; they sound again once their age is proved again."""
    low, high = place.pairs[3]
    leaped = 200_000_000  # six years
    for node in (low, high):
        node.base_s -= leaped
        place.put(node.frame(ALARM_MM))
    place.shows("guard_fault", "L’âge des mesures de N103 n’est pas prouvé", "is not proved")
    assert not place.sounding(3)
    until(lambda: place.status()["counters"].get("guard_implausible_time", 0) >= 2)
    for node in (low, high):
        node.nonce = None
        place.put(node.frame(LOW_MM))
    until(lambda: place._hear() or (low.nonce and high.nonce), "new nonces")
    next_second()
    place.flood(3)


def test_a_new_life_of_a_node_is_no_jump(place):
    low, high = place.pairs[4]
    fresh = SimNode(low.number, low.clock, tick0=1, life=2, counter=low.last + 1000)
    place.pairs[4] = (fresh, high)
    place.nodes[low.number] = fresh
    place.put(fresh.frame(LOW_MM))
    until(lambda: place._hear() or fresh.nonce, "a nonce")
    next_second()
    place.flood(4)
