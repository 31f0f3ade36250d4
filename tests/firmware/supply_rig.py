"""A board as its supply sees it: main.py on MicroPython in a folder, started again as it asks.

The guard is a datagram socket away, without bridge: the simulated radio's own format.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from hil_tests.rig_parts import node_config
from tests.firmware.slot_rig import write_slot

from amont_hil.process import Process, micropython_path
from amont_hil.simulated import write_config
from amont_hil.tiny_guard import NODE, NONCE, SECRET
from amont_node.config import save_secret
from amont_wire import const
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Opener, Sealer
from amont_wire.messages import Ack, Config, Health, Hello, Progress, Samples, UpdateChunk, decode

HEAD = struct.pack("<hb", -80, 36)
EXIT_RESET, EXIT_DEEP_SLEEP = 70, 75
CAUSES = {EXIT_RESET: const.RESET_SOFT, EXIT_DEEP_SLEEP: const.RESET_DEEP_SLEEP}
PART_BYTES, PARTS = 22, 8
LOADER = Path(__file__).parents[2] / "firmware" / "main.py"


class Guard:
    """Answers every frame; passes on an image as the gateway does."""

    def __init__(self) -> None:
        self._opener = Opener(SECRET, NODE, 1, const.UPLINK)
        self._sealer = Sealer(SECRET, NODE, 1, const.DOWNLINK, ReservedCounter(0, lambda _: None))
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.port = int(self.socket.getsockname()[1])
        self.answering = True
        self.image, self.release = b"", 0
        self.config: Config | None = None
        self.progress: list[Progress] = []
        self.healths: list[Health] = []
        self.hellos: list[Hello] = []
        self.samples = self.urgents = 0
        self.lives: set[int] = set()
        self._next: dict[int, int] = {}

    def serve(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Answer for some time, or until something holds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not until():
            try:
                data, address = self.socket.recvfrom(256)
            except TimeoutError:
                continue
            header, body = self._opener.open(data[len(HEAD) :])
            self.urgents += header.type == const.URGENT
            for answer in self._answers(header.counter, decode(header.type, body)):
                sealed = self._sealer.seal(answer.TYPE, answer.encode())[1]
                self.socket.sendto(HEAD + sealed, address)

    def _answers(self, counter: int, message: object) -> list[Ack | Config | UpdateChunk]:
        self._note(message)
        if not self.answering:
            return []
        found: list[Ack | Config | UpdateChunk] = []
        if self.config is not None:
            found.append(Config(counter, NONCE, self.config.version, self.config.items))
        life = getattr(message, "life", 0)
        ack = Ack(counter, NONCE, life, self._next.get(life, 0) - 1, 0, 0, 0)
        return [*found, ack, *self._chunks(counter, message)]

    def _note(self, message: object) -> None:
        if isinstance(message, Samples):
            self.samples += 1
            self.lives.add(message.life)
            self._next[message.life] = max(self._next.get(message.life, 0), message.seq + 1)
        for kind, kept in (
            (Progress, self.progress),
            (Health, self.healths),
            (Hello, self.hellos),
        ):
            if isinstance(message, kind):
                kept.append(message)  # type: ignore[attr-defined]

    def _chunks(self, counter: int, message: object) -> list[UpdateChunk]:
        at, parts = 0, 0
        if isinstance(message, Hello) and message.firmware < self.release:
            parts = 1
        elif isinstance(message, Progress) and message.state == const.PROGRESS_WANTS:
            at, parts = message.next, PARTS * (message.release == self.release)
        return [
            UpdateChunk(
                counter, NONCE, self.release, start, self.image[start : start + PART_BYTES]
            )
            for start in range(at, min(at + parts * PART_BYTES, len(self.image)), PART_BYTES)
        ]


class Supply:
    """A board's folder, and the process that it is while it has power."""

    def __init__(self, root: Path, heap: str = "192k") -> None:
        self.root, self._heap = root, heap
        root.mkdir(exist_ok=True)
        (root / "main.py").write_bytes(LOADER.read_bytes())
        self.exits: list[int] = []
        self._process: Process | None = None

    def install(self, number: int, files: dict[str, bytes]) -> None:
        """Write a release into slot a, with the record that a first deploy leaves."""
        write_slot(self.root / "a", number, files)
        self.record({"schema": 1, "slot": "a", "trying": None, "tries": 0, "bad_boots": 0,
                     "release": number})  # fmt: skip

    def enrol(self, port: int, **changes: object) -> None:
        """Give it a configuration and the rig's secret."""
        settings = {"channels": [{"index": 0, "quantity": 1, "step": 1,
                                  "probe": {"kind": "constant", "value": 1234}}],
                    "interval_s": 2, "fast_interval_s": 1, "airtime_permille": 1000}  # fmt: skip
        carrier = {"kind": "radio", "port": port, "answer_ms": 300,
                   "lora": {"sf": 7, "bw_khz": 500}}  # fmt: skip
        write_config(self.root, node_config(carrier, **{**settings, **changes}))
        save_secret(str(self.root), SECRET)

    def record(self, value: dict[str, object] | None = None) -> dict[str, object]:
        """Return the boot record, or store another one first."""
        from amont_node.pair import PairFile

        pair = PairFile(str(self.root), "boot")
        found = pair.load()
        if value is not None:
            pair.save(value)
            found = value
        assert isinstance(found, dict)
        return found

    def start(self, cause: int = const.RESET_POWER) -> None:
        """Give it power."""
        executable = micropython_path()
        assert executable is not None, "MicroPython's Unix port is not installed"
        line = [str(executable), "-X", f"heapsize={self._heap}", "main.py"]
        environment = {"MICROPYPATH": ".frozen", "AMONT_RESET_CAUSE": str(cause), **_path()}
        self._process = Process(line, environment, self.root, self.root / "board.log")

    def tend(self) -> None:
        """Start it again if it ended."""
        process = self._process
        assert process is not None
        if not process.running():
            self.exits.append(process._child.wait())
            self.start(CAUSES.get(self.exits[-1], const.RESET_WATCHDOG))

    def kill(self) -> None:
        """Cut the power."""
        if self._process is not None:
            self._process.kill()

    def log(self) -> str:
        """Return what its console said."""
        return (self.root / "board.log").read_text(errors="replace")


def _path() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/bin:/usr/bin")}
