"""A station from a bare board, over its serial port alone, and what its cable shows and hides."""

import functools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import littlefs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hil_tests.rig_parts import clock_line, stage_table

from amont_hil.rig import SimBoard
from amont_hil.tiny_guard import NODE, SECRET, AirLine, TinyGuard, until
from amont_provision import board as board_files
from amont_provision import cli, release, signing
from amont_provision import compile as compiling
from amont_provision.serial_port import SerialPort
from amont_provision.texts import Refused

pytestmark = [pytest.mark.micropython, pytest.mark.needs("node")]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SEGMENTS = 8
BLOCKS = 2 * SEGMENTS + 32  # as hal_unix.flash_folder makes a chip


class Station:
    """A board on the bench, its guard on the air, and the laptop's folder."""

    def __init__(self, board: SimBoard, laptop: Path) -> None:
        self.board, self.laptop = board, laptop
        self.guard = TinyGuard()
        self.air = AirLine(self.guard)
        self.clock = clock_line(laptop / "clock", 0, 200)

    def deploy(self) -> int:
        """Put the application of this checkout on the board, with the technician's command."""
        files = application()
        packed = self.laptop / "node.amont"
        packed.write_bytes(release.pack(2, "0.2", files, compiling.loader(), KEY))
        trust = signing.public_bytes(KEY).hex()
        return cli.main(
            ["--lang", "en", "deploy", "--port", self.board.virtual.terminal(),
             "--release", str(packed), "--trust", trust]
        )  # fmt: skip

    def enrol(self, port: SerialPort, *, button: bool) -> None:
        """Give it identity, probe, chip and clock."""
        config = {
            "schema": 1, "id": NODE, "generation": 1, "version": 1, "interval_s": 60,
            "fast_interval_s": 60, "high_mark": None, "rise_mark": None, "alarm_mark": None,
            "outbox_segments": SEGMENTS, "airtime_permille": 1000,
            "channels": [{"index": 0, "quantity": 1, "step": 1,
                          "probe": {"kind": "replay", "file": "stage.txt"}}],
            "carrier": {"kind": "radio", "port": self.air.port, "answer_ms": 300},
        }  # fmt: skip
        port.write("stage.txt", stage_table(200_000).encode())
        port.write(board_files.SECRET, board_files.secret_text(SECRET))
        port.write(board_files.COPIES[0], board_files.pair_text(config, 1))
        if button:
            port.write("button", b"held")
        (self.board.root / "flash.img").write_bytes(blank_chip())
        (self.board.root / "clock").symlink_to(self.clock)

    def newest(self) -> int:
        """Return the number of the newest sample that the guard has."""
        return max((seq for _, seq in self.guard.readings), default=-1)

    def until_more(self, count: int = 3) -> None:
        """Serve the air until so many more samples have come."""
        before = self.newest()
        until(self.air.pump, lambda: self.newest() >= before + count)

    def console(self, port: SerialPort, seconds: float, kinds: set[str]) -> list[str]:
        """Read the console while the air is served, until it has shown events of these kinds."""
        heard: list[str] = []

        def read() -> None:
            for line in port.lines(seconds):
                heard.append(line)
                if kinds and {str(event["event"]) for event in events(heard)} >= kinds:
                    return

        reader = threading.Thread(target=read)
        reader.start()
        while reader.is_alive():
            self.air.pump(0.1)
        reader.join()
        return heard


@functools.cache
def application() -> dict[str, bytes]:
    return compiling.compiled(compiling.application())


def blank_chip() -> bytes:
    chip = littlefs.LittleFS(block_size=4096, block_count=BLOCKS, prog_size=256, read_size=64)
    return bytes(chip.context.buffer)


def chip_files(image: Path) -> list[str]:
    chip = littlefs.LittleFS(
        block_size=4096, block_count=BLOCKS, prog_size=256, read_size=64, mount=False
    )
    chip.context.buffer = bytearray(image.read_bytes())
    chip.mount()
    return sorted(name for _, _, names in chip.walk("/") for name in names)


def events(lines: list[str]) -> list[dict[str, object]]:
    return [json.loads(line[6:]) for line in lines if line.startswith("amont {")]


@pytest.fixture
def station(rigged: SimBoard, tmp_path: Path) -> Iterator[Station]:
    made = Station(rigged, tmp_path)
    yield made
    made.air.close()


def test_a_bare_board_becomes_a_station_over_its_serial_port(station: Station) -> None:
    assert station.deploy() == 0
    port = station.board.open()
    station.enrol(port, button=True)
    port.reset()
    kinds = {"boot", "sample", "sent", "ack"}
    lines = station.console(port, 30, kinds)
    told = events(lines)
    assert {event["event"] for event in told} >= kinds
    boot = next(event for event in told if event["event"] == "boot")
    assert (boot["node"], boot["slot"], boot["release"], boot["safe"]) == (NODE, "a", 2, False)
    assert not any(SECRET.hex() in line for line in lines)
    port.close()
    # The cable goes, then the power: nothing of that reaches the guard.
    station.board.virtual.pull()
    station.until_more()
    station.board.virtual.reset()
    station.until_more()
    station.board.virtual.plug()
    seqs = sorted(seq for _, seq in station.guard.readings)
    assert seqs == list(range(seqs[-1] + 1))
    assert "crash.txt" not in {path.name for path in station.board.root.iterdir()}
    station.board.virtual.stop()
    assert chip_files(station.board.root / "flash.img"), "the outbox lies on the littlefs chip"


def test_without_its_button_a_station_shows_nothing_and_takes_no_commands(
    station: Station,
) -> None:
    assert station.deploy() == 0
    port = station.board.open()
    station.enrol(port, button=False)
    port.reset()
    lines = station.console(port, 1, set())
    assert events(lines) == []
    with pytest.raises(Refused, match="hold its button") as caught:
        port._repl.enter(1)
    assert caught.value.code == "repl-silent"
    port.close()
    station.until_more()
    (station.board.root / "button").touch()
    station.board.virtual.reset()
    port = station.board.open()
    assert port.exec("print(6*7)") == b"42\r\n"
    port.close()
