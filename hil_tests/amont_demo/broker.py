"""Run the embedded MQTT broker of the demonstration (amqtt) in a process of its own.

It listens on loopback and lets everybody in: what protects the readings is the sealed frame, not
the broker. A site uses mosquitto with TLS and one identity a node (``make run-servers``).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker


def configuration(port: int) -> dict[str, object]:
    """Return amqtt's configuration for one loopback listener."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
        },
    }


async def serve(port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    broker = Broker(configuration(port))
    await broker.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(sys.argv[1])))
