"""What history promises while the database is away, slow, forgetful or refuses."""

import threading

import pytest
from tests.gateway.conftest import eventually
from tests.gateway.history_rig import T_MS, Rig, Server, sample

from amont_gateway import history as module
from amont_gateway.database import Denied
from amont_gateway.history_pace import Pace, Settled
from amont_gateway.readings import BACKLOG

ROWS = 12_000


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def rig(tmp_path, places, clock, server):
    made = Rig(tmp_path, places, clock, server)
    yield made
    made.close()


class Gate:
    """Lets requests through one at a time."""

    def __init__(self, server):
        self._room, self.waiting = threading.Semaphore(0), threading.Semaphore(0)
        server.before = self._pass

    def _pass(self, _lines):
        self.waiting.release()
        assert self._room.acquire(timeout=30)

    def let(self, requests):
        for _ in range(requests):
            assert self.waiting.acquire(timeout=30)
            self._room.release()

    def open(self):
        self._room.release(100_000)


def seqs(request):
    return [(int(line.split(" ")[2]) - T_MS) // 1000 for line in request]


def back_and_live(requests):
    """Split requests into the lane that goes on from the first row and the other one."""
    back, live, following = [], [], 0
    for request in map(seqs, requests):
        if request[0] == following:
            back.append(request)
            following = request[-1] + 1
        else:
            live.append(request)
    return back, live


def test_what_is_new_goes_before_what_was_missed(rig, server):
    gate = Gate(server)
    rig.journal.append([sample(seq) for seq in range(ROWS)])
    rig.start()
    gate.let(3)
    rig.journal.append([sample(ROWS)])
    gate.let(3)
    eventually(lambda: T_MS + ROWS * 1000 in server.times("stage"))
    assert len(server.points) < ROWS / 2
    gate.open()
    eventually(lambda: rig.cursor() == ROWS + 1)
    assert len(server.points) == ROWS + 1


def test_each_lane_keeps_the_order(rig, server):
    gate = Gate(server)
    rig.journal.append([sample(seq) for seq in range(ROWS)])
    rig.start()
    for more in range(8):
        gate.let(1)
        rig.journal.append([sample(ROWS + more)])
    gate.open()
    eventually(lambda: rig.cursor() == ROWS + 8)
    back, live = back_and_live(server.requests)
    assert [seq for request in back for seq in request] == list(range(ROWS + 8))
    beside = [seq for request in live for seq in request]
    assert beside == sorted(set(beside))
    assert set(range(ROWS, ROWS + 3)) <= set(beside)


def test_a_nodes_backlog_is_not_taken_for_new(rig, server):
    gate = Gate(server)
    rig.journal.append([sample(seq, flags=BACKLOG) for seq in range(ROWS)])
    rig.journal.append([sample(ROWS)])
    rig.start()
    gate.let(1)
    eventually(lambda: server.requests)
    assert [seqs(request) for request in server.requests] == [[ROWS]]
    gate.open()
    eventually(lambda: rig.cursor() == ROWS + 1)


def test_halving_a_bad_batch_does_not_delay_what_is_new(rig, server):
    server.refuses = lambda line: "odd" if line.split("stage_mm=")[1][0] == "9" else ""
    gate = Gate(server)
    rig.journal.append([sample(s, 9000 if s < 400 else 1000) for s in range(ROWS)])
    rig.start()
    gate.let(2)  # the newest, then the first batch, of which nearly all is refused
    rig.journal.append([sample(ROWS)])
    gate.let(2)
    eventually(lambda: T_MS + ROWS * 1000 in server.times("stage"))
    assert rig.quarantine.count() == 0
    gate.open()
    eventually(lambda: rig.cursor() == ROWS + 1)
    assert (rig.quarantine.count(), len(server.points)) == (400, ROWS + 1 - 400)


class Forgetful(Server):
    """Confirms, then loses what it confirmed last, as a server does that answers too early."""

    def __init__(self):
        super().__init__()
        self.deaths = 0

    def write(self, lines, store="", meanwhile=None):
        if self.deaths < 3 and len(self.requests) >= 3:
            self.deaths += 1
            for line in [x for request in self.requests[-3:] for x in request]:
                self.points.pop(("", line.split(" ")[0], int(line.split(" ")[2])), None)
            self.requests.clear()
            self.away = 1
        super().write(lines, store)


@pytest.mark.parametrize(("settle_s", "whole"), [(30.0, True), (0.0, False)])
def test_what_a_server_confirmed_too_early_is_written_again(
    tmp_path, places, clock, settle_s, whole
):
    server = Forgetful()
    rig = Rig(tmp_path, places, clock, server, settle_s)
    rig.journal.append([sample(seq) for seq in range(ROWS)])
    rig.start()
    try:
        eventually(lambda: server.deaths == 3 and rig.history.state == "ok")
        rig.journal.append([sample(ROWS)])
        eventually(lambda: T_MS + ROWS * 1000 in server.times("stage"))
        eventually(lambda: rig.history.status.waiting == 0)
        assert (len(server.points) == ROWS + 1) is whole
    finally:
        rig.close()


def test_a_silent_site_notices_an_outage_and_its_end(rig, server, monkeypatch):
    monkeypatch.setattr(module, "BEAT_S", 0.05)
    rig.journal.append([sample(0)])
    rig.start()
    eventually(lambda: rig.history.status.state == "ok")
    server.away = 3
    eventually(lambda: rig.history.status.state == "away")
    assert rig.history.status.reason == "gone"
    eventually(lambda: rig.history.status.state == "ok")
    assert len(server.points) == 1


def test_a_refusal_is_told_with_what_waits_since_when(rig, server, clock):
    def refuse(_lines):
        raise Denied("token revoked")

    server.before = refuse
    rig.journal.append([sample(seq) for seq in range(30)])
    rig.start()
    eventually(lambda: rig.history.status.waiting == 30)
    status = rig.history.status
    assert (status.state, status.reason) == ("refused", "token revoked")
    assert (status.waiting_since_ms, status.since_ms) == (T_MS, clock.wall_ms())
    assert rig.cursor() == 0
    server.before = None
    eventually(lambda: rig.cursor() == 30)
    eventually(lambda: rig.history.status.waiting == 0)
    assert rig.history.status.state == "ok"


def test_nothing_is_confirmed_that_the_quarantine_could_not_keep(rig, server, tmp_path):
    (tmp_path / "quarantine.db").mkdir()
    server.refuses = lambda _line: "never"
    rig.journal.append([sample(0)])
    rig.start()
    eventually(lambda: "journal_fault" in rig.kinds())
    assert rig.cursor() == 0
    (tmp_path / "quarantine.db").rmdir()
    eventually(lambda: rig.cursor() == 1)
    assert rig.quarantine.entries()[0].reason == "never"


def test_doubts_reach_what_is_written_late(rig, server):
    """The windows have forgotten; what was doubted before the outage is still told."""
    server.away = 1
    rig.journal.append([sample(seq) for seq in range(10)])
    rig.history.doubted([("pont-a", T_MS + 3000, 2), ("pont-a", T_MS + 4000, 1)])
    rig.start()
    eventually(lambda: rig.cursor() == 10)
    rig.history.doubted([("pont-a", T_MS + 4000, 0), ("pont-a", T_MS + 5000, 1)])
    eventually(lambda: server.times("stage").count(T_MS + 5000) == 2)
    doubted = {at for (_, _, at), f in server.points.items() if f["quality"] == "1i"}
    assert doubted == {T_MS + 3000, T_MS + 5000}
    assert all("stage_mm" in fields for fields in server.points.values())


def test_doubts_are_told_once_over_a_restart(tmp_path, places, clock, server):
    for _ in range(2):
        rig = Rig(tmp_path, places, clock, server)
        rig.journal.append([sample(0)])
        rig.history.doubted([("pont-a", T_MS, 2)])  # found again from the windows
        rig.start()
        eventually(lambda rig=rig: rig.cursor() == 1)
        eventually(lambda rig=rig: rig.doubts.told("history") == 1)
        rig.close()
    assert [len(request) for request in server.requests].count(1) == len(server.requests)
    assert sum("stage_mm" not in request[0] for request in server.requests) == 1


def test_a_batch_lasts_a_fraction_of_a_second_at_any_server():
    slow, quick = Pace(), Pace()
    for _ in range(20):
        slow.took(slow.rows / 200, slow.rows)
        quick.took(quick.rows / 100_000, quick.rows)
    assert slow.rows / 200 < 0.5
    assert quick.rows == 4_000
    quick.failed()
    assert quick.rows == 2_000


def test_a_server_that_fails_again_and_again_still_gets_on():
    now_s, done, place = [0.0], 0, 0
    settled = Settled(10.0, lambda: now_s[0])
    for _ in range(10):
        place = done
        for _ in range(5):
            now_s[0] += 1.0
            place += 100
            settled.reached(place)
        done = settled.failed()
    assert done >= 1_500
