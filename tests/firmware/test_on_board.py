"""A node as a board with Wi-Fi runs it: its radio, its sleep, its watchdog; a real broker."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hil_tests.rig_parts import MqttLine, free_port, mosquitto, node_config, wait_for
from tests.firmware.slot_rig import write_slot
from tests.firmware.test_device import DEVICE

from amont_hil.process import Process, import_path, micropython_path
from amont_hil.simulated import write_config
from amont_hil.tiny_guard import SECRET, TinyGuard, until
from amont_node.config import save_secret
from amont_node.pair import PairFile
from amont_provision.compile import application, compiled
from amont_provision.settings import wifi as wifi_file

pytestmark = [pytest.mark.micropython, pytest.mark.servers]
NET, PASSWORD = "mairie", "rivière-12"
POINT = [PASSWORD, 100, 50, -61]
LIMIT_S = 60.0


class OnBoard:
    """A board's folder, its air, and the process that it is."""

    def __init__(self, root: Path, port: int) -> None:
        self.root, self._port = root, port
        root.mkdir()
        self.enrol()
        save_secret(str(root), SECRET)
        (root / "wifi.json").write_bytes(wifi_file(NET, PASSWORD))
        self.air({NET: POINT})
        self.expected: set[str] = set()  # wrongs
        self._process: Process | None = None

    def enrol(self, **changes: object) -> None:
        """Give it a configuration."""
        probe = {"kind": "constant", "value": 1234}
        carrier = {"kind": "mqtt", "host": "127.0.0.1", "port": self._port, "site": "here",
                   "answer_ms": 1000}  # fmt: skip
        settings: dict[str, object] = {
            "interval_s": 1, "fast_interval_s": 1, "max_awake_s": 10, "board": {"name": "pico-w"},
            "channels": [{"index": 0, "quantity": 1, "step": 1, "probe": probe}],
        }  # fmt: skip
        write_config(self.root, node_config(carrier, **{**settings, **changes}))

    def air(self, points: dict[str, list[object]]) -> None:
        """Say what is on the air from now on."""
        new = self.root / "air.new"
        new.write_text(json.dumps(points))
        new.rename(self.root / "air.json")

    def start(self, fault: str = "") -> None:
        """Give it power; fault: see desk_board.py."""
        path = ":".join([*import_path(), str(DEVICE), ".frozen"])
        line = [
            str(micropython_path()),
            "-X",
            "heapsize=512k",
            str(DEVICE / "desk_board.py"),
            fault,
        ]
        environment = {"MICROPYPATH": path, "PATH": os.environ["PATH"]}
        self._process = Process(line, environment, self.root, self.root / "board.log")

    def running(self) -> bool:
        """Tell whether it runs."""
        return self._process is not None and self._process.running()

    def kill(self) -> None:
        """Cut the power."""
        if self._process is not None:
            self._process.kill()

    def wrongs(self) -> set[str]:
        """Return what it did that no board must do."""
        return {note for note in self.notes() if note.startswith("WRONG")}

    def log(self) -> str:
        """Return what its console said."""
        return (self.root / "board.log").read_text(errors="replace")

    def notes(self) -> list[str]:
        """Return what it did with its radio."""
        path = self.root / "board.txt"
        return [line.split(" ", 1)[1] for line in path.read_text().splitlines()]


@pytest.fixture
def guard() -> TinyGuard:
    return TinyGuard()


@pytest.fixture
def board(tmp_path: Path, guard: TinyGuard) -> Iterator[tuple[OnBoard, Callable[..., None]]]:
    port = free_port()
    with mosquitto(tmp_path, f"listener {port} 127.0.0.1\nallow_anonymous true\n"):
        wait_for(port)
        line = MqttLine(port, guard)
        one = OnBoard(tmp_path / "board", port)
        yield one, lambda condition: until(line.pump, condition, LIMIT_S)
        one.kill()
        line.close()
    assert one.wrongs() == one.expected
    assert "Traceback" not in one.log()
    assert NET not in one.log() and PASSWORD not in one.log()  # noqa: PT018


Bench = tuple[OnBoard, Callable[..., None]]


def newest(guard: TinyGuard) -> int:
    return max((seq for _, seq in guard.readings), default=-1)


def unbroken(guard: TinyGuard) -> bool:
    return sorted(seq for _, seq in guard.readings) == list(range(newest(guard) + 1))


def test_it_wakes_sends_and_sleeps_dark(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    one.start()
    serve(lambda: newest(guard) >= 5)
    assert unbroken(guard)
    radio = [note for note in one.notes() if note.startswith("radio")]
    assert len(radio) >= 8  # on and off again around each sample
    assert radio[0::2] == ["radio on"] * len(radio[0::2])
    assert radio[1::2] == ["radio off"] * len(radio[1::2])
    pair = PairFile(str(one.root), "wifi")
    assert pair.load() == [NET, PASSWORD]


def test_an_outage_of_the_access_point_loses_nothing(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    (one.root / "button").touch()
    one.start()
    serve(lambda: newest(guard) >= 1)
    one.air({})
    serve(lambda: "no access point" in one.log())
    one.air({NET: ["changed", *POINT[1:]]})
    serve(lambda: "wrong password" in one.log())
    one.air({NET: POINT})
    before = newest(guard)
    serve(lambda: newest(guard) > before + 3 and unbroken(guard))


def test_it_vanishes_in_the_middle_of_a_session(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    (one.root / "button").touch()
    guard.answering = False  # so that the session lasts
    one.start()
    serve(lambda: bool(guard.frames))
    one.air({})
    serve(lambda: "the access point is gone" in one.log())
    one.air({NET: POINT})
    guard.answering = True
    serve(lambda: newest(guard) >= 4 and unbroken(guard))


def test_what_nobody_can_answer_keeps_nobody_awake(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    one.enrol(max_awake_s=600)
    guard.answering = False
    one.start()
    serve(lambda: bool(guard.frames))
    one.air({})
    before = one.notes().count("asleep")
    serve(lambda: one.notes().count("asleep") > before + 2)


def test_a_slip_in_the_new_password_strands_nobody(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    one.start()
    serve(lambda: newest(guard) >= 1)
    one.kill()
    (one.root / "wifi.json").write_bytes(wifi_file(NET, "rivière-21"))
    one.start()
    before = newest(guard)
    serve(lambda: newest(guard) > before + 2 and unbroken(guard))
    assert PairFile(str(one.root), "wifi").load() == [NET, PASSWORD]


@pytest.mark.parametrize(
    ("fault", "wrong"),
    [("radio-on", "asleep with the radio on"), ("no-wait", "a connection without a network")],
)
def test_the_bench_sees_what_no_board_must_do(board: Bench, fault: str, wrong: str) -> None:
    one, serve = board
    one.expected = {f"WRONG: {wrong}"}
    one.start(fault)
    serve(lambda: (one.root / "board.txt").exists() and bool(one.wrongs()))


def install(one: OnBoard, **changed: bytes) -> None:
    """Put a release into slot a that finds a board where a host would be."""
    sources = application()
    sources["amont_node/hal_unix.py"] = sources["amont_node/hal_board.py"]
    sources |= {f"amont_node/{name}.py": text for name, text in changed.items()}
    write_slot(one.root / "a", 1, compiled(sources))
    record = {"schema": 1, "slot": "a", "trying": None, "tries": 0, "bad_boots": 0, "release": 1}
    PairFile(str(one.root), "boot").save(record)


def test_from_the_loader_on(board: Bench, guard: TinyGuard) -> None:
    one, serve = board
    install(one)
    one.start("loader")
    serve(lambda: newest(guard) >= 3 and unbroken(guard))
    assert one.log() == ""
    assert one.notes()[:2] == ["radio on", "radio off"]
    boot = PairFile(str(one.root), "boot").load()
    assert isinstance(boot, dict)
    assert boot["bad_boots"] == 0


def test_a_release_that_fails_ends_in_a_whole_reset(board: Bench) -> None:
    one, serve = board
    install(one, app=b"def start(folder, service):\n    raise OSError(5)\n")
    (one.root / "board.txt").touch()
    one.start("loader")
    serve(lambda: not one.running())
    assert (one.root / "restart").exists()
    assert "OSError: [Errno 5] EIO" in (one.root / "crash.txt").read_text()
