"""Deploy: only what differs, into the idle slot; cut off anywhere, the same command finishes."""

import itertools
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from amont_node.pair import PairFile
from amont_node.slots import Boot, SlotError, check
from amont_provision import bootrecord, cli, cmd_deploy, deploy, release, signing
from amont_provision.texts import Refused

from .fake_board import FakePort

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = signing.public_bytes(KEY)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
LOADER = b"# the loader\n"
APP = {"amont_node/app.mpy": b"app 1", "amont_node/slots.mpy": b"slots", "amont_wire/a.mpy": b"a"}


def packed(number, key=KEY, **files):
    changed = {f"amont_node/{name}.mpy": content for name, content in files.items()}
    return release.pack(number, f"0.{number}", APP | changed, LOADER, key)


def made(number, **files):
    return release.unpack(packed(number, **files), [PUBLIC])


def silent(*_):
    return None


def put(port, what):
    """Deploy without waiting; return the plan."""
    planned = deploy.plan(port, what)
    if planned.state == deploy.INSTALL:
        deploy.install(port, what, planned, silent)
        deploy.switch(port, planned.slot)
    return planned


def booted_good(port):
    """What the loader and the application do with a release that works."""
    pair = PairFile(str(port.folder), "boot")
    record = pair.load()
    record["bad_boots"] += 1
    record["tries"] += record["trying"] is not None
    pair.save(record)
    Boot(str(port.folder)).good()


def enrol(folder):
    config = {"schema": 1, "id": 11, "version": 1}
    PairFile(str(folder), "config").save(config)


@pytest.fixture
def board(tmp_path):
    return FakePort(tmp_path)


@pytest.fixture
def running(board):
    """A board on which release 3 runs, in a."""
    enrol(board.folder)
    put(board, made(3))
    booted_good(board)
    return board


def test_a_bare_board_gets_all_of_it_in_a(board):
    planned = put(board, made(3))
    assert (planned.state, planned.slot, planned.running) == (deploy.INSTALL, "a", 0)
    assert planned.send == tuple(sorted(APP))
    assert check(str(board.folder), "a").number == 3
    assert board.read("main.py") == LOADER
    record = bootrecord.read(board)
    assert (record.slot, record.trying, record.release) == ("a", None, 3)


def test_the_next_release_goes_beside_and_is_a_trial(running):
    planned = put(running, made(4, app=b"app 2"))
    assert (planned.slot, planned.running, len(planned.send)) == ("b", 3, 3)
    record = bootrecord.read(running)
    assert (record.slot, record.trying, record.release) == ("a", "b", 3)
    assert (record.running, record.idle) == ("b", "b")


def test_only_what_differs_is_sent_and_the_rest_goes(running):
    put(running, made(4, app=b"app 2", extra=b"more"))
    booted_good(running)
    planned = put(running, made(5, app=b"app 3"))
    assert planned.slot == "a"
    assert planned.send == ("amont_node/app.mpy",)
    assert planned.kept == len(APP) - 1
    booted_good(running)
    planned = deploy.plan(running, made(6, app=b"app 2"))
    assert (planned.slot, planned.send) == ("b", ())
    assert planned.remove == ("amont_node/extra.mpy",)


def test_what_runs_already_is_left_alone(running):
    before = running.changes
    assert put(running, made(3)).state == deploy.ALREADY
    assert running.changes == before


def test_a_running_slot_that_rots_is_replaced_by_the_other(running):
    running.write("a/amont_wire/a.mpy", b"bit rot")
    planned = put(running, made(3))
    assert (planned.state, planned.slot) == (deploy.INSTALL, "b")
    assert check(str(running.folder), "b").number == 3


def test_a_board_in_safe_mode_is_not_called_well(running):
    pair = PairFile(str(running.folder), "boot")
    pair.save(pair.load() | {"bad_boots": 6})
    assert deploy.plan(running, made(3)).state == deploy.SAFE


@pytest.mark.parametrize("number", [1, 2])
def test_an_older_release_is_refused(running, number):
    with pytest.raises(Refused, match="already has release 3"):
        deploy.plan(running, made(number))


def test_without_a_boot_record_the_slots_count(running):
    for copy in bootrecord.COPIES:
        running.remove(copy)
    with pytest.raises(Refused, match="already has release 3"):
        deploy.plan(running, made(2))
    planned = put(running, made(4))
    assert planned.slot == "b"
    assert check(str(running.folder), "a").number == 3, "what may run is not touched"


def test_a_trial_of_another_release_ends_and_its_slot_is_taken(running):
    put(running, made(4))
    planned = put(running, made(5))
    assert (planned.slot, planned.cancels) == ("b", 4)
    record = bootrecord.read(running)
    assert (record.slot, record.trying, record.release) == ("a", "b", 3)


def test_a_board_that_is_no_station_gets_our_loader_a_station_keeps_its_own(board):
    board.write("main.py", b"print('blink')")
    assert put(board, made(3)).loader == "install"
    assert board.read("main.py") == LOADER
    board.write("main.py", b"# an older loader\n")
    assert put(board, made(4)).loader == "kept"
    assert board.read("main.py") == b"# an older loader\n"


# --- refused before anything is sent


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mpy": 5}, "reads code of version 5"),
        ({"free_bytes": 40_000}, "40000 are free; remove files from it, nothing was sent"),
    ],
)
def test_the_wrong_interpreter_or_a_full_flash_is_refused(tmp_path, change, says):
    port = FakePort(tmp_path, **change)
    with pytest.raises(Refused, match=says):
        put(port, made(3))
    assert list(tmp_path.iterdir()) == []


def test_what_answers_something_else_is_refused(board):
    board.exec = lambda code, timeout_s=10: b"hello \xff"
    with pytest.raises(Refused, match="does not say what it is"):
        put(board, made(3))
    assert board.changes == 0


def test_a_slot_that_the_board_finds_damaged_is_refused(running):
    what = made(4)
    deploy.install(running, what, deploy.plan(running, what), silent)
    running.write("b/amont_wire/a.mpy", b"bit rot")
    with pytest.raises(Refused, match=r"damaged: b/amont_wire/a\.mpy"):
        deploy.switch(running, "b")
    assert bootrecord.read(running).trying is None
    assert put(running, what).send == ("amont_wire/a.mpy",)


def test_an_error_of_the_board_that_is_none_of_its_slots_is_told_as_it_is(running, monkeypatch):
    def broken(root, slot):
        raise slots_error

    slots_error = deploy.BoardError("fake", "Traceback\r\nMemoryError: 4096\r\n")
    monkeypatch.setattr("amont_node.slots.switch", broken)
    with pytest.raises(Refused, match="MemoryError"):
        deploy.switch(running, "b")


def test_a_switch_that_leaves_no_trace_is_refused(running):
    running.exec = lambda code, timeout_s=10: b"switched {}"
    with pytest.raises(Refused, match="keeps the one before"):
        deploy.switch(running, "b")


# --- cut off


def bootable(folder):
    """Which releases the loader could start, by the record; SlotError if one is damaged."""
    record = bootrecord.read(FakePort(folder))
    slots = {record.slot, record.trying} - {None} if record else ()
    return {check(str(folder), slot).number for slot in slots}


def cut_off(folder, cut, what, first):
    """Deploy with a cable that is out after ``cut`` changes; tell whether it was pulled."""
    if not first:
        old = FakePort(folder)
        put(old, made(3, gone=b"gone"))
        booted_good(old)
    code = ""
    try:
        put(FakePort(folder, cut=cut), what)
    except Refused as error:
        code = error.code
    assert code in ("", "port-pulled")
    assert bootable(folder) <= {3, what.number}
    assert first or 3 in bootable(folder), "the one before can always boot"
    return bool(code)


def pulled_everywhere(folder, first):
    """Pull the cable at every change in turn; return how many there were."""
    what = made(4, app=b"app 2", more=b"more")
    for cut in itertools.count():
        here = folder / str(cut)
        here.mkdir()
        if not cut_off(here, cut, what, first):
            return cut
        again = FakePort(here)
        put(again, what)
        slot = bootrecord.read(again).running
        assert check(str(here), slot).number == 4
        assert not [name for name in again.list(slot) if name.endswith(".new")]
    return 0


@pytest.mark.parametrize("first", [True, False])
def test_pulled_at_any_point_the_old_one_boots_and_the_same_command_finishes(tmp_path, first):
    assert pulled_everywhere(tmp_path, first) > 10


def test_a_flash_that_fills_up_on_the_way_leaves_what_ran(running):
    def full(name, content):
        if name.endswith("slots.mpy"):
            raise Refused("board-full", port="x", name=name)
        FakePort.write(running, name, content)

    running.write = full
    with pytest.raises(Refused, match="no room left"):
        put(running, made(4))
    assert bootable(running.folder) == {3}
    assert "release.json" not in running.list("b")
    del running.write
    put(running, made(4))
    assert bootable(running.folder) == {3, 4}


def test_a_deployment_into_the_running_slot_would_be_caught(tmp_path, monkeypatch):
    monkeypatch.setattr(bootrecord.Record, "idle", property(lambda record: record.slot))
    with pytest.raises(SlotError, match="missing"):
        cut_off(tmp_path, 3, made(4, app=b"app 2"), False)


# --- good, or back


def told(event, **fields):
    return "amont " + json.dumps({"event": event, **fields})


class Clock:
    """Time that passes only while somebody looks."""

    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        self.now_s += 1.0
        return self.now_s


def judged(port, number, *console):
    what = made(number)
    put(port, what)
    since = bootrecord.read(port)
    port.console = list(console)
    return deploy.wait(port, what, since, 30.0, Clock()).state


BOOTED = told("boot", release=4, slot="b")


@pytest.mark.parametrize(
    ("console", "state"),
    [
        ([BOOTED, told("update", state="good", release=4)], deploy.GOOD),
        ([BOOTED, told("sent", kind="hello")], deploy.UNKNOWN),
        ([told("boot", release=4, slot="a")], deploy.BACK),
        ([BOOTED, told("update", state="good", release=9)], deploy.UNKNOWN),
        ([BOOTED, told("boot", release=3, slot="a")], deploy.BACK),
        (["boot", "amont {", "amont []", 'amont {"event": 3}'], deploy.UNKNOWN),
        ([], deploy.UNKNOWN),
    ],
)  # fmt: skip
def test_a_trial_is_judged_by_what_the_board_says(running, console, state):
    assert judged(running, 4, *console) == state


@pytest.mark.parametrize(
    ("console", "state"),
    [
        ([told("boot", release=3, slot="a"), told("sample", seq=0)], deploy.GOOD),
        ([told("sample", seq=0)], deploy.UNKNOWN),
        ([told("boot", release=3, slot="a")], deploy.UNKNOWN),
    ],
)
def test_a_first_release_is_good_after_one_whole_wake(board, console, state):
    assert judged(board, 3, *console) == state


@given(st.lists(st.text(max_size=20) | st.builds("amont {}".format, st.text(max_size=20))))
def test_any_console_is_no_proof(lines):
    watch = deploy.Watch(4, bootrecord.Record("a", "b", 3, 0, 0))
    for line in lines:
        watch.line(line)
    assert watch.state == deploy.UNKNOWN


def test_the_record_of_a_simulated_board_proves_it_too(running):
    put(running, made(4))
    since = bootrecord.read(running)
    watch = deploy.Watch(4, since)
    watch.record(since)
    watch.record(None)
    assert watch.state == deploy.UNKNOWN
    booted_good(running)
    watch.record(bootrecord.read(running))
    assert watch.state == deploy.GOOD


def test_the_record_of_a_board_that_went_back_is_seen(running):
    put(running, made(4))
    since = bootrecord.read(running)
    pair = PairFile(str(running.folder), "boot")
    pair.save(pair.load() | {"tries": 1})
    pair.save(pair.load() | {"tries": 2})
    watch = deploy.Watch(4, since)
    watch.record(bootrecord.read(running))
    assert watch.state == deploy.UNKNOWN, "it is still being tried"
    bootrecord.cancel(running, bootrecord.read(running))
    watch.record(bootrecord.read(running))
    assert watch.state == deploy.BACK
    assert bootrecord.read(running).failed == 4


def test_giving_up_makes_the_next_boot_run_the_one_before(running):
    put(running, made(4))
    assert deploy.give_up(running, bootrecord.read(running)) == deploy.BACK
    record = bootrecord.read(running)
    assert (record.slot, record.trying, record.failed, running.resets) == ("a", None, 4, 1)
    assert Boot(str(running.folder)).release == 3


def test_a_trial_that_ended_meanwhile_is_not_ended_again(running):
    put(running, made(4))
    since = bootrecord.read(running)
    booted_good(running)
    assert deploy.give_up(running, since) == deploy.UNKNOWN
    assert bootrecord.read(running).slot == "b"
    with pytest.raises(Refused, match="has just ended"):
        deploy.on_trial(running)


def test_a_board_out_of_reach_decides_alone(running):
    put(running, made(4))
    since = bootrecord.read(running)
    running.cut = 0
    assert deploy.give_up(running, since) == deploy.UNKNOWN


@given(st.binary(max_size=60))
def test_any_file_in_the_place_of_a_record_is_none(content):
    class Board:
        def read(self, name):
            return content

    assert bootrecord.read(Board()) is None
    assert bootrecord.number(Board(), "a") == 0


@pytest.mark.parametrize("value", [[], 3, {}, {"release": "3"}, {"release": 1e999}])
def test_a_slot_of_another_kind_has_no_release(board, value):
    board.write("a/release.json", json.dumps(value).encode())
    assert bootrecord.number(board, "a") == 0


@pytest.mark.parametrize("content", [b"", b"amont 1 1 0\n{}", b"amont 1 x y\n{}", b"amont 1 1"])
def test_a_damaged_record_is_none(board, content):
    board.write("boot.a", content)
    assert bootrecord.read(board) is None


GOOD_RECORD = {"schema": 1, "slot": "a"}
BAD_RECORDS = [[], {"schema": 2}, {"schema": 1, "slot": "c"}, GOOD_RECORD | {"trying": 3},
               GOOD_RECORD | {"release": "7"}]  # fmt: skip


@pytest.mark.parametrize("value", BAD_RECORDS)
def test_a_record_of_another_kind_is_none(board, value):
    PairFile(str(board.folder), "boot").save(value)
    assert bootrecord.read(board) is None


# --- the command


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)


class Desk:
    def __init__(self, folder, monkeypatch):
        self.folder = folder
        (folder / "board").mkdir()
        self.port = FakePort(folder / "board")
        monkeypatch.setattr(cmd_deploy, "open_port", lambda text: self.port)

    def run(self, number=3, *more, key=KEY):
        file = self.folder / "x.amont"
        file.write_bytes(packed(number, key))
        return cli.main(
            ["--lang", "en", "deploy", "--port", "x", "--release", str(file),
             "--trust", PUBLIC.hex(), *more]
        )  # fmt: skip


def test_a_board_without_identity_is_told_to_get_one(desk, capsys):
    assert desk.run() == 0
    assert "next: amont-provision enrol" in capsys.readouterr().out
    assert (desk.port.resets, desk.port.closed) == (0, 1)


def test_an_enrolled_board_is_watched_until_it_is_good(desk, capsys):
    enrol(desk.port.folder)
    desk.port.console = [told("boot", release=3, slot="a"), told("sample", seq=0)]
    assert desk.run(3, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["result"], said["slot"], said["sent"]) == ("good", "a", 3)
    booted_good(desk.port)
    assert desk.run(3) == 0
    assert "nothing to do" in capsys.readouterr().out


def test_a_release_that_does_not_prove_good_is_taken_back(desk, capsys):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    booted_good(desk.port)
    assert desk.run(4, "--wait", "0.01") == cli.REFUSED
    assert "went back to 3" in capsys.readouterr().out
    assert bootrecord.read(desk.port).failed == 4


def test_a_laptop_that_died_while_waiting_goes_on_waiting(desk, capsys):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    booted_good(desk.port)
    assert desk.run(4, "--wait", "0") == 0
    before = desk.port.changes
    assert desk.run(4, "--dry-run") == 0
    assert "only waiting would be left" in capsys.readouterr().out
    desk.port.console = [told("update", state="good", release=4)]
    assert desk.run(4) == 0
    assert desk.port.changes == before


def test_a_board_in_safe_mode_is_told(desk, capsys):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    pair = PairFile(str(desk.port.folder), "boot")
    pair.save(pair.load() | {"bad_boots": 6})
    assert desk.run(3) == cli.REFUSED
    assert desk.run(3, "--dry-run") == 0
    assert capsys.readouterr().out.count("in safe mode") == 2


def test_another_trial_is_told(desk, capsys):
    enrol(desk.port.folder)
    desk.run(3, "--wait", "0")
    booted_good(desk.port)
    desk.run(4, "--wait", "0")
    desk.port.folder.joinpath("main.py").write_bytes(b"# mine\n")
    desk.run(5, "--wait", "0")
    said = capsys.readouterr().err
    assert "the trial of release 4 is given up" in said
    assert "main.py is not this release's and stays" in said


def test_a_dry_run_shows_the_difference_and_changes_nothing(desk, capsys):
    assert desk.run(3, "--dry-run") == 0
    said = capsys.readouterr().out
    assert "release 0 -> 3 in a" in said
    assert "  + a/amont_node/app.mpy" in said
    assert "  + main.py" in said
    assert list(desk.port.folder.iterdir()) == []


def test_the_wrong_key_is_refused_before_the_board_is_touched(desk, capsys):
    assert desk.run(3, key=OTHER_KEY) == cli.REFUSED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "no trusted key signed x.amont" in said
    assert (desk.port.changes, desk.port.closed) == (0, 0)


def test_a_pulled_cable_is_one_line_and_the_port_is_given_back(desk, capsys):
    desk.port.cut = 3
    assert desk.run(3) == cli.REFUSED
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "run the same command" in said
    assert desk.port.closed == 1
