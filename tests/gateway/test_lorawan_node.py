"""One chain: real MicroPython node, its module's double, network server, gateway and guard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.firmware.rak_pty import PtyModule
from tests.gateway import lorawan_servers as ls
from tests.gateway import servers
from tests.gateway.conftest import eventually
from tests.gateway.lorawan_town import LORA, Town
from tests.gateway.site_files import dev_eui_of, secret_of

from amont_hil.simulated import SimulatedBoard
from amont_site.lorawan import FPORT

pytestmark = [pytest.mark.servers, pytest.mark.micropython]
NODE = LORA[0]
EUI = dev_eui_of(NODE)
KEY = "00112233445566778899aabbccddeeff"
CONFIG = {
    "schema": 1, "id": NODE, "generation": 1, "interval_s": 1, "fast_interval_s": 1,
    "channels": [{"index": 0, "quantity": 3, "probe": {"kind": "constant", "value": 1200}}],
    "carrier": {
        "kind": "lorawan", "chip": "rak3172", "uart": {"port": "modem"}, "dev_eui": EUI,
        "join_eui": "0" * 16, "lora": {"sf": 7, "overhead_bytes": 13},
    },
    "airtime_permille": 1000,
}  # fmt: skip


class Air:
    """Brings what the module sent to the network server, and one downlink back after each."""

    def __init__(self, line: PtyModule, town: Town) -> None:
        self._line, self._town, self._taken = line, town, 0
        town.nodes = {EUI: self}  # type: ignore[dict-item]  # takes downlinks as a node does

    def take(self, frame: bytes) -> bool:
        with self._line.lock:
            self._line.module.downlinks.append((FPORT, frame))
        return True

    def tend(self) -> None:
        with self._line.lock:
            sent = self._line.module.uplinks[self._taken :]
        for _, port, frame in sent:
            self._taken += 1
            assert port == FPORT
            self._town.network.uplink(EUI, frame)


def test_a_real_node_is_heard_answered_and_proved_fresh(tmp_path: Path) -> None:
    broker = servers.mosquitto(tmp_path / "mosquitto")
    broker.start()
    town = Town(tmp_path, broker, ls.CHIRPSTACK)
    known = {"AT+DEVEUI": EUI.upper(), "AT+APPKEY": KEY.upper()}
    with PtyModule(known, join_ms=300, windows_ms=150, is_joined=True) as line:
        files = {
            "modem": line.port, "lorawan.json": json.dumps({"schema": 1, "app_key": KEY}),
        }  # fmt: skip
        board = SimulatedBoard(tmp_path / "board", CONFIG, secret_of(NODE), files=files)
        air = Air(line, town)

        def proved() -> bool:
            """The node took a downlink: it echoed the guard's nonce."""
            air.tend()
            sensors = town.gateway.view().sensors
            return next(s for s in sensors if s.node == NODE).freshness == "proved"

        board.start()
        try:
            eventually(proved, 30)
            eventually(lambda: (air.tend(), town.committed() >= 8)[1], 20)
        finally:
            board.stop()
            town.close()
            broker.stop()
    reader = town.gateway.journal.reader()
    seqs = sorted({s.seq for _, s in reader.samples()})
    reader.close()
    assert seqs == list(range(len(seqs)))  # none is missing
