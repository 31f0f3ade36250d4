"""What nodes are told to hold, and that no gateway and no file makes them less watchful."""

import json
from collections import Counter

import pytest
from tests.guard.rig import WALL_MS, FakeClock, SimNode, site, write_site

from amont_guard import messages
from amont_guard.config import parse
from amont_guard.decide import Judge
from amont_guard.freshness import Freshness
from amont_guard.intake import CHUNKS, Batch, Intake
from amont_guard.keys import Keyring
from amont_guard.pending import AGAIN_S, Pending
from amont_wire.const import HEALTH, HELLO, PROGRESS
from amont_wire.errors import WireError
from amont_wire.messages import Config, Health, Hello, Progress, UpdateChunk, decode

NODE, RAIN = 17, 30
FILE_MM = [1200, 1800, 2500, 3200]
USUAL = {
    "interval_s": 900, "fast_interval_s": 60, "high_mark": 1200, "rise_mark": 6,
    "alarm_mark": 2500,
}  # fmt: skip
NAMES = {1: "interval_s", 2: "fast_interval_s", 3: "high_mark", 4: "rise_mark", 6: "alarm_mark"}


class Desk:
    """A guard's folder, its limits, and a node that tells what it holds."""

    def __init__(self, folder):
        self.folder, self.limits_mm, self.writes = folder, list(FILE_MM), 0
        self.config = parse(json.dumps(site()).encode())
        self.start()

    def start(self):
        self.pending = Pending(
            self.folder, self._put, self.config, lambda _station: list(self.limits_mm)
        )

    def _put(self, path, content, _done):
        self.writes += 1
        path.write_bytes(content)

    def ask(self, items, node=NODE):
        content = json.dumps({"format": 1, "nodes": {str(node): items}})
        (self.folder / "pending.json").write_text(content)
        self.refresh()

    def refresh(self):
        self.pending.refresh(lambda look: look())

    def tells(self, version, node=NODE, firmware=3):
        body = Hello(1, 5, 1, 2, firmware, version, [1]).encode()
        self.pending.reports.append((node, HELLO, body))
        self.refresh()

    def due(self, now_s=0.0, node=NODE):
        found = self.pending.due(node, now_s)
        return found and (found[0], {NAMES[key]: value for key, value in found[1]})


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_node_that_holds_what_it_should_is_told_nothing(desk):
    assert desk.due() is None, "it has told nothing yet"
    desk.tells(4)
    assert desk.due() is None
    assert desk.pending.faults == []


def test_what_people_ask_is_told_until_the_node_says_that_it_holds_it(desk):
    desk.tells(4)
    desk.ask({"interval_s": 300})
    assert desk.due(0.0) == (5, {**USUAL, "interval_s": 300})
    assert desk.due(AGAIN_S - 1) is None, "the air is not free"
    assert desk.due(AGAIN_S) == (5, {**USUAL, "interval_s": 300})
    desk.tells(4)
    assert desk.due(2 * AGAIN_S) is not None
    desk.tells(5)
    assert desk.due(3 * AGAIN_S) is None


def test_what_is_asked_no_more_goes_back_to_the_site_s_file(desk):
    desk.tells(4)
    desk.ask({"interval_s": 300})
    assert desk.due()[0] == 5
    desk.tells(5)
    (desk.folder / "pending.json").unlink()
    desk.refresh()
    assert desk.due(AGAIN_S) == (6, USUAL)


def test_changed_limits_reach_the_node_as_marks(desk):
    desk.tells(1)
    desk.limits_mm = [1000, 1500, 2000, 3000]
    assert desk.due() == (2, {**USUAL, "high_mark": 1000, "alarm_mark": 2000})
    desk.tells(2)
    desk.limits_mm = list(FILE_MM)
    assert desk.due(AGAIN_S) == (3, USUAL)


def test_limits_that_were_changed_before_the_first_hello_count_too(desk):
    desk.limits_mm = [1000, 1500, 2000, 3000]
    desk.tells(9)
    assert desk.due()[1]["alarm_mark"] == 2000


def test_a_new_site_s_file_reaches_nodes_over_a_restart(desk):
    desk.tells(1)
    changed = site()
    del changed["sha256"]
    changed["nodes"][0]["interval_s"] = 600
    desk.config.nodes[NODE].interval_s = 600
    desk.start()
    desk.tells(1)
    assert desk.due() == (2, {**USUAL, "interval_s": 600})


def test_a_version_means_one_thing_over_restarts(desk):
    desk.tells(4)
    desk.ask({"interval_s": 300})
    assert desk.due()[0] == 5
    desk.start()
    assert desk.due() == (5, {**USUAL, "interval_s": 300}), "not told before this start"
    desk.ask({"interval_s": 120})
    assert desk.due(AGAIN_S) == (6, {**USUAL, "interval_s": 120})


def test_what_came_by_cable_is_taken_for_the_site_s_own(desk):
    desk.tells(4)
    desk.ask({"interval_s": 300})
    assert desk.due()[0] == 5
    desk.tells(8)
    assert desk.due(AGAIN_S) == (9, {**USUAL, "interval_s": 300}), "people still ask for it"


def test_a_board_made_new_is_lifted_to_the_version_in_force(desk):
    desk.tells(7)
    desk.tells(1)
    assert desk.due() == (7, USUAL)


def test_a_node_without_a_station_has_no_marks(desk):
    desk.tells(1, node=RAIN)
    desk.ask({"interval_s": 300, "high_mark": 5}, node=RAIN)
    assert desk.due(node=RAIN) == (2, {"interval_s": 300, "fast_interval_s": 60})


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"interval_s": 86_400}, {}),  # never slower than the site
        ({"fast_interval_s": 900}, {}),
        ({"high_mark": 9_999, "alarm_mark": 9_999, "rise_mark": 99}, {}),  # never less watchful
        ({"interval_s": 0}, {"interval_s": 60}),
        ({"interval_s": -(2**40)}, {"interval_s": 60}),
        ({"interval_s": 60, "fast_interval_s": 1}, {"interval_s": 60, "fast_interval_s": 10}),
        ({"rise_mark": 0}, {"rise_mark": 1}),
        ({"high_mark": -(2**60)}, {"high_mark": -(1 << 24)}),
        ({"alarm_mark": 2_400}, {"alarm_mark": 2_400}),
    ],
)
def test_what_is_asked_stays_within_bounds(desk, asked, told):
    desk.tells(1)
    desk.ask(asked)
    assert desk.due() == ((2, {**USUAL, **told}) if told else None)
    if told:
        items = [(key, told.get(name, USUAL[name])) for key, name in NAMES.items()]
        assert len(Config(1, 2, 3, items).encode()) <= 36


def test_an_own_mark_gives_way_when_the_limit_falls_below_it(desk):
    desk.tells(1)
    desk.ask({"alarm_mark": 2_400})
    assert desk.due()[1]["alarm_mark"] == 2_400
    desk.limits_mm = [1000, 1500, 2000, 3000]
    assert desk.due(AGAIN_S)[1]["alarm_mark"] == 2000


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", "{", '{"format":2,"nodes":{}}', '{"format":1}', '{"format":1,"nodes":[]}',
        '{"format":1,"nodes":{"17":[]}}', '{"format":1,"nodes":{"17":{"interval_s":true}}}',
        '{"format":1,"nodes":{"17":{"interval_s":1.5}}}',
        '{"format":1,"nodes":{"17":{"interval_s":"300"}}}',
        '{"format":1,"nodes":{"17":{"interval_s":null}}}',
        '{"format":1,"nodes":{"17":{"siren":0}}}', '{"format":1,"nodes":{"17":5}}',
        '{"format":1,"nodes":{"17":{"interval_s":300},"x":{"y":1}}}', "[" * 50_000,
    ],
)  # fmt: skip
def test_a_damaged_wish_is_told_and_what_was_asked_before_stands(desk, content):
    desk.tells(1)
    desk.ask({"interval_s": 300})
    (desk.folder / "pending.json").write_text(content)
    desk.refresh()
    assert len(desk.pending.faults) == 1
    assert desk.due()[1]["interval_s"] == 300
    desk.ask({"interval_s": 600})
    assert desk.pending.faults == []
    assert desk.due(AGAIN_S)[1]["interval_s"] == 600


@pytest.mark.parametrize(
    "content",
    [
        "", "[]", '{"format":1,"nodes":{"17":{"version":1}}}',
        '{"format":1,"nodes":{"17":{"version":"x","items":{},"told":1,"firmware":1}}}',
        '{"format":1,"nodes":{"17":{"version":1,"items":[],"told":1,"firmware":1}}}',
        '{"format":1,"nodes":{"17":{"version":1,"items":{},"told":1,"firmware":1,"more":2}}}',
        '{"format":1,"nodes":{"x":{"version":1,"items":{},"told":1,"firmware":1}}}',
    ],
)  # fmt: skip
def test_a_lost_memory_of_what_was_told_begins_anew(desk, content):
    (desk.folder / "configs.json").write_text(content)
    desk.start()
    desk.tells(4)
    desk.ask({"interval_s": 300})
    assert desk.due()[0] == 5


def test_strange_nodes_and_bodies_change_nothing(desk):
    desk.tells(1, node=99)
    desk.pending.reports.append((NODE, HELLO, b"\xff" * 36))
    desk.pending.reports.append((NODE, HEALTH, b""))
    desk.refresh()
    assert (desk.due(node=99), desk.due()) == (None, None)
    assert desk.writes == 0


def test_the_last_version_is_the_end_and_no_error(desk):
    desk.tells(65_535)
    desk.ask({"interval_s": 300})
    version, items = desk.pending.due(NODE, 0.0)
    with pytest.raises(WireError):
        Config(1, 2, version, items).encode()


class Guarded:
    """The intake with real keys: what it seals for a node, opened as the node does."""

    def __init__(self, folder):
        write_site(folder)
        self.clock, self.counters = FakeClock(), Counter()
        self.keys = Keyring(folder, self._put, self.clock.monotonic_s)
        self.keys.reserve()
        config = parse((folder / "guard.json").read_bytes())
        self.pending = Pending(folder, self._put, config, lambda _station: list(FILE_MM))
        self.intake = Intake(self.keys, Freshness(), Judge(config), self.counters, self.pending)
        self.node = SimNode(NODE, self.clock)

    def _put(self, path, content, done):
        path.write_bytes(content)
        if done:
            done()

    def hears(self, message):
        self.node.last, frame = self.node.sealer.seal(message.TYPE, message.encode())
        batch = Batch()
        now_s = self.clock.monotonic_s()
        self.intake.take(batch, 1, frame, now_s, WALL_MS, None)
        self.pending.refresh(lambda look: look())
        return batch

    def commits(self, counter=None, epoch=None):
        item = messages.Committed(
            NODE, epoch or self.node.epoch, -1, 0, 0, counter or self.node.last
        )
        return self.opened(self.intake.acknowledge([item], self.clock.monotonic_s()))

    def updates(self, *chunks):
        return self.opened(self.intake.update(chunks, self.clock.monotonic_s()))

    def opened(self, sealed):
        found = []
        for node, frame, _by_bridge in sealed:
            assert node == NODE
            header, body = self.node.opener.open(frame)
            found.append(decode(header.type, body))
        return found

    def chunk(self, offset=0, release=4, counter=None, node=NODE, data=b"part"):
        return messages.Chunk(
            node, self.node.epoch, counter or self.node.last, release, offset, data
        )


@pytest.fixture
def guarded(tmp_path):
    return Guarded(tmp_path)


HELLO_4 = Hello(1, 5000, 1, 2, 3, 4, [1])
HEALTH_4 = Health(1, 5000, 3000, 20, 1, 2, 0, 0, 0, 0, 0, 100, 4, 3, 0)
PROGRESS_0 = Progress(1, 5000, 4, 0, 0)


@pytest.mark.parametrize("report", [HELLO_4, HEALTH_4], ids=["hello", "health"])
def test_a_report_is_answered_with_the_configuration_beside_the_ack(guarded, report, tmp_path):
    (tmp_path / "pending.json").write_text('{"format":1,"nodes":{"17":{"interval_s":300}}}')
    guarded.hears(report)
    ack, config = guarded.commits()
    assert ack.answers == config.answers == guarded.node.last
    assert (config.version, dict(config.items)[1]) == (5, 300)


def test_the_way_to_the_sirens_waits_for_no_report(guarded):
    guarded.pending._take = None  # whatever it does
    guarded.node.last, frame = guarded.node.sealer.seal(HELLO, b"\x00")
    batch = Batch()
    guarded.intake.take(batch, 1, frame, guarded.clock.monotonic_s(), WALL_MS, None)
    assert len(batch.opened) + len(batch.rejected) == 1


@pytest.mark.parametrize("report", [HELLO_4, HEALTH_4, PROGRESS_0])
def test_a_report_is_answered_by_so_many_parts_and_no_more(guarded, report):
    guarded.hears(report)
    found = guarded.updates(*(guarded.chunk(22 * at) for at in range(20)))
    assert [type(one) for one in found] == [UpdateChunk] * CHUNKS
    assert [one.offset for one in found] == [22 * at for at in range(CHUNKS)]
    assert guarded.counters["update not asked for"] == 20 - CHUNKS
    assert guarded.updates(guarded.chunk()) == []


def test_parts_go_to_nobody_who_did_not_report(guarded):
    guarded.hears(PROGRESS_0)
    for strange in (
        guarded.chunk(counter=guarded.node.last + 1), guarded.chunk(node=18),
        guarded.chunk(node=999), guarded.chunk(node=0),
    ):  # fmt: skip
        assert guarded.intake.update([strange], guarded.clock.monotonic_s()) == []
    assert guarded.counters["update not asked for"] == 4


def test_samples_ask_for_no_parts(guarded):
    frame = guarded.node.frame(300)
    guarded.intake.take(Batch(), 1, frame, guarded.clock.monotonic_s(), WALL_MS, None)
    assert guarded.updates(guarded.chunk()) == []


@pytest.mark.parametrize(
    "values", [{"data": b""}, {"data": b"x" * 29}, {"offset": 1 << 24}, {"offset": 2**32 - 1}]
)
def test_parts_of_another_form_are_counted(guarded, values):
    guarded.hears(PROGRESS_0)
    assert guarded.updates(guarded.chunk(**values)) == []
    assert guarded.counters["no downlink: Malformed"] == 1


def test_no_message_of_the_gateway_makes_a_configuration(guarded):
    guarded.hears(HELLO_4)
    for counter in (1, guarded.node.last, 2**32 - 1):
        for epoch in (guarded.node.epoch, 0, 2**32 - 1):
            guarded.clock.pass_s(AGAIN_S)
            found = guarded.commits(counter, epoch)
            assert [type(one).__name__ for one in found] == ["Ack"]
    assert PROGRESS == 5
