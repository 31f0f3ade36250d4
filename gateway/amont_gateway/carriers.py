"""Hold together what carries frames to the guard other than its own bridge: MQTT and LoRaWAN."""

from __future__ import annotations

from pathlib import Path

from amont_gateway.clock import Clock
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.guard_link import GuardLink
from amont_gateway.lorawan_ingest import LorawanIngest, LorawanPlan
from amont_gateway.mqtt_connection import Broker
from amont_gateway.mqtt_ingest import MqttIngest
from amont_gateway.view import LorawanState
from amont_gateway.worker import Crew
from amont_guard.messages import Opened


class Carriers:
    """The carriers of one site; a site may have none, one or both."""

    def __init__(
        self,
        site: str,
        data: Path,
        broker: Broker | None,
        lorawan: LorawanPlan | None,
        link: GuardLink,
        counters: Counters,
        events: Events,
        clock: Clock,
    ) -> None:
        self._counters = counters
        self._mqtt = self._lorawan = None
        if broker is not None:
            self._mqtt = MqttIngest(site, broker, link, counters, events)
        if lorawan is not None:
            self._lorawan = LorawanIngest(site, lorawan, link, counters, events, clock, data)

    @property
    def broker(self) -> str:
        """Return how the site's broker is: "ok", "away", "refused", or "none"."""
        return self._mqtt.state if self._mqtt else "none"

    @property
    def lorawan(self) -> LorawanState | None:
        """Return how LoRaWAN is, None without it."""
        return self._lorawan.state if self._lorawan else None

    def start(self, crew: Crew) -> None:
        """Start a thread for each."""
        if (mqtt := self._mqtt) is not None:
            crew.start("mqtt", lambda: mqtt.run(crew.stopping))
        if (lorawan := self._lorawan) is not None:
            crew.start("lorawan", lambda: lorawan.run(crew.stopping))

    def save(self) -> None:
        """Write what is to be known after a restart."""
        if self._lorawan is not None:
            self._lorawan.save()

    def opened(self, frames: list[Opened]) -> list[Opened]:
        """Return authentic frames with what their carrier tells of them."""
        return frames if self._lorawan is None else self._lorawan.opened(frames)

    def downlinks(self, items: list[tuple[int, bytes]]) -> None:
        """Carry sealed downlinks, each by its node's carrier."""
        over_lorawan = []
        if self._lorawan is not None:
            over_lorawan = [item for item in items if self._lorawan.carries(item[0])]
            self._lorawan.publish_downlinks(over_lorawan)
        others = [item for item in items if item not in over_lorawan] if over_lorawan else items
        if self._mqtt is not None:
            self._mqtt.publish_downlinks(others)
        else:
            self._counters.add("downlinks_dropped", len(others))
