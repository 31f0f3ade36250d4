"""A site whose nodes come over LoRaWAN: real guard and gateway, a network server of ``ls``."""

from __future__ import annotations

import threading
from pathlib import Path

from tests.gateway import lorawan_servers as ls
from tests.gateway import servers
from tests.gateway.conftest import eventually
from tests.gateway.processes import Child, run_guard
from tests.gateway.sim_node import SimNode
from tests.gateway.site_files import dev_eui_of, make_site, secret_of

from amont_gateway.gateway import Gateway, Options
from amont_gateway.lorawan_ingest import plan_from
from amont_gateway.mqtt_connection import Broker
from amont_gateway.places import from_site

LORA, MQTT = (31, 32), 11


class Town:
    """Guard and gateway of a site whose nodes come over LoRaWAN; one more comes over MQTT."""

    def __init__(self, folder: Path, server: servers.Server, told: str) -> None:
        self.folder, self.broker = folder, server
        carriers = {**dict.fromkeys(LORA, "lorawan"), MQTT: "mqtt"}
        self.site = make_site(folder, "/dev/no-bridge", server.port, carriers, told)
        self.nodes = {dev_eui_of(n): SimNode(n, secret_of(n)) for n in LORA}
        self._lock = threading.Lock()
        kind = ls.ThingsStackServer if "ttn" in told else ls.ChirpStackServer
        self.network = kind(server.port, self._deliver)
        self.guard = Child(run_guard, folder / "guard")
        self.guard.start()
        self.gateway = self._gateway()

    def _gateway(self) -> Gateway:
        broker = Broker("127.0.0.1", self.broker.port)
        options = Options(
            broker, plan_from(self.site, broker), commit_ms=20, mark_bytes=0, ballast_bytes=0
        )
        gateway = Gateway(
            from_site(self.site), self.folder / "data", self.folder / "guard" / "guard.sock",
            options,
        )  # fmt: skip
        gateway.start()
        eventually(lambda: gateway.link.connected and self._is_well(gateway))
        return gateway

    @staticmethod
    def _is_well(gateway: Gateway) -> bool:
        told = gateway.lorawan()
        return told is not None and told.state == "ok"

    def close(self) -> None:
        self.network.close()
        assert self.gateway.stop() == []
        assert self.gateway.failed is None
        self.guard.stop()

    def _deliver(self, dev_eui: str, frame: bytes) -> bool:
        with self._lock:
            return self.nodes[dev_eui].take(frame)

    def sample(self, count: int) -> None:
        for node in self.nodes.values():
            for _ in range(count):
                node.sample(1000 + node.seq)

    def round(self) -> None:
        """Let each device send one frame and hear what waited for it."""
        for dev_eui, node in self.nodes.items():
            with self._lock:
                frame = node.frame()
            if frame is not None:
                self.network.uplink(dev_eui, frame)

    def drained(self) -> bool:
        self.round()
        return all(node.unacknowledged == 0 for node in self.nodes.values())

    def count(self, name: str) -> int:
        return self.gateway.counters.snapshot().get(name, 0)

    def committed(self) -> int:
        reader = self.gateway.journal.reader()
        try:
            return len({(s.node, s.epoch, s.seq) for _, s in reader.samples()})
        finally:
            reader.close()
