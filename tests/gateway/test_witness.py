"""Heads of the guard's audit, written down where the guard cannot reach."""

import json
import threading

import pytest

from amont_gateway.counters import Counters
from amont_gateway.seen import Seen
from amont_gateway.view import Forecast, ForecastStep
from amont_gateway.witness import EVERY_S, FILE, Witness
from amont_guard import audit


class Notes(list):
    def __call__(self, kind, _detail):
        self.append(kind)


class Real:
    now_s = 1000.0

    def __call__(self):
        return self.now_s


def state(n, head="aa", at_ms=5):
    return {"at_ms": at_ms, "audit": {"lines": n, "head": head}}


def once(witness):
    stopping = threading.Event()
    stopping.set()
    witness.run(stopping)


@pytest.fixture
def notes():
    return Notes()


def lines(folder):
    return [json.loads(line) for line in (folder / FILE).read_bytes().splitlines() if line]


def test_a_head_is_written_once_and_a_new_one_after(tmp_path, notes):
    witness = Witness(tmp_path, notes, Real())
    for n in (3, 3, 4):
        witness.take(state(n, "bb" * 32))
        assert witness.write()
    assert lines(tmp_path) == [{"at_ms": 5, "n": n, "head": "bb" * 32} for n in (3, 4)]
    assert notes == []


def test_an_hour_apart_and_soon_after_a_siren(tmp_path, notes):
    real = Real()
    witness = Witness(tmp_path, notes, real)
    stopping = threading.Event()

    def due():
        witness._wake.set()
        return real.now_s >= witness._next_s

    witness.take(state(1))
    assert due()
    witness.write()
    real.now_s += EVERY_S - 1
    assert not due()
    witness.siren_event()
    real.now_s += 1
    assert due()
    assert not stopping.is_set()


def test_a_guard_that_lost_lines_is_told_also_over_a_restart(tmp_path, notes):
    first = Witness(tmp_path, notes, Real())
    first.take(state(9))
    once(first)
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"at_ms":1,"n":')  # a power cut
    second = Witness(tmp_path, notes, Real())
    second._recall()
    second.take(state(9, "cc"))
    assert notes == []
    once(second)
    third = Witness(tmp_path, notes, Real())
    third._recall()
    third.take(state(8))
    assert notes == ["audit_shrank"]
    whole = [x for x in (tmp_path / FILE).read_bytes().splitlines() if x.endswith(b"}")]
    assert [json.loads(x)["n"] for x in whole] == [9, 9]


def test_a_full_disk_costs_the_line_alone(tmp_path, notes):
    witness = Witness(tmp_path / "nowhere", notes, Real())
    witness.take(state(1))
    assert not witness.write()
    assert notes == ["witness_fault"]


@pytest.mark.parametrize("odd", [None, [], {"lines": "9"}, {"lines": 1, "head": None}])
def test_a_state_without_a_head_is_nothing(tmp_path, notes, odd):
    witness = Witness(tmp_path, notes, Real())
    witness.take({"at_ms": 1, "audit": odd})
    assert witness.write()
    assert not (tmp_path / FILE).exists()


def test_the_guards_own_check_reads_what_was_witnessed(tmp_path, notes):
    folder = tmp_path / "guard"
    folder.mkdir()

    def append(path, at, content):
        with path.open("r+b" if path.exists() else "wb") as file:
            file.seek(at)
            file.write(content)

    log = audit.AuditLog(folder / audit.NAME)
    log.append([{"kind": "start"}, {"kind": "stop"}], append)
    witness = Witness(tmp_path, notes, Real())
    witness.take(state(*log.head))
    once(witness)
    found = audit.verify(folder, tmp_path / FILE)
    assert (found.ok, found.witnessed) == (True, 2)
    content = (folder / audit.NAME).read_bytes().splitlines(keepends=True)
    (folder / audit.NAME).write_bytes(content[0])  # somebody cut off the end
    assert not audit.verify(folder, tmp_path / FILE).ok


def test_only_what_changed_is_recorded():
    records = []
    seen = Seen(records.append, lambda: 7)
    siren = {"id": "m", "commanded": False, "confirmed": False, "state": "idle", "mode": "armed"}
    station = {"id": "p", "level": "normal", "limits_mm": [1, 2, 3, 4]}
    for commanded in (False, False, True):
        now = {**siren, "commanded": commanded}
        seen.state({"sirens": [now, "odd"], "stations": [station]})
    assert [r["kind"] for r in records] == [
        "seen output", "seen limits", "seen calm", "seen output",
    ]  # fmt: skip
    assert records[-1] == {
        "at_ms": 7, "kind": "seen output", "siren": "m", "commanded": True, "confirmed": False,
    }  # fmt: skip


def test_a_forecast_is_kept_each_half_hour_or_when_it_reaches_more():
    records = []
    seen = Seen(records.append, lambda: 7)
    step = ForecastStep(horizon_h=3, p05_mm=1, p50_mm=2, p95_mm=3)
    for minute, reaches in (
        (0, "none"),
        (10, "none"),
        (20, "watch"),
        (40, "watch"),
        (50, "watch"),
    ):
        issued_ms = minute * 60_000
        seen.forecasts([("p", Forecast(status="ok", issued_ms=issued_ms, reaches=reaches,
                                       steps=[step]))])  # fmt: skip
    seen.forecasts([("p", Forecast(status="fault"))])
    assert [(r["issued_ms"] // 60_000, r["reaches"]) for r in records] == [
        (0, "none"), (20, "watch"), (50, "watch"),
    ]  # fmt: skip
    assert records[0]["steps"] == [[3, 1, 2, 3]]


def test_counters_tell_records_that_found_no_room(tmp_path, monkeypatch):
    from amont_gateway import records

    monkeypatch.setattr(records, "MAX_WAITING", 2)
    counters = Counters()
    store = records.Records(tmp_path, counters, lambda *_: None)
    for _ in range(3):
        store.take({"kind": "x"})
    assert counters.snapshot()["records_dropped"] == 1
