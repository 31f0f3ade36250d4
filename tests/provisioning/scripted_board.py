"""A board whose files are real and whose interpreter says what a test scripts."""

import json

from amont_provision import board
from amont_provision.port import VirtualPort

NODE = 11
CONFIG = {
    "schema": 1, "id": NODE, "generation": 1, "version": 4, "interval_s": 900,
    "fast_interval_s": 60,
    "channels": [
        {"index": 0, "quantity": 1, "step": 1,
         "probe": {"kind": "a02yyuw", "uart": {"id": 1, "tx": 4, "rx": 5}}},
    ],
    "carrier": {"kind": "mqtt", "host": "h", "port": 1, "site": "s", "user": "u",
                "password": "hunter2", "tls": None},
}  # fmt: skip


def config(**changes):
    value = json.loads(json.dumps(CONFIG))
    value["channels"][0] |= changes.pop("channel", {})
    return value | changes


class ScriptedBoard(VirtualPort):
    """``readings``: (raw, quality), or a text for a probe that fails; the last one stays."""

    def __init__(self, folder, value=None, readings=((1000, 0),), console=()):
        super().__init__(folder)
        self.folder = folder
        self.readings = list(readings)
        self.console = list(console)
        self.log = []
        self.serving = []  # whether the button was held at each restart
        if value is not None:
            self.write("config.a", board.pair_text(value, 3))

    def exec(self, code, timeout_s=10.0):
        if "_probe.read" not in code:
            self.log.append(code)
            return b""
        found = self.readings.pop(0) if len(self.readings) > 1 else self.readings[0]
        answer = [None, found] if isinstance(found, str) else list(found)
        return b"noise of a driver\r\namont-raw " + json.dumps(answer).encode() + b"\r\n"

    def reset(self):
        self.serving.append(self.read("button") is not None)

    def lines(self, timeout_s):
        return iter(self.console)

    def close(self):
        self.log.append("closed")


def held_config(folder):
    """The configuration that the node would live by."""
    return board.held(VirtualPort(folder)).config


# --- what a node's console says


def event(name, **fields):
    return "amont " + json.dumps({"event": name} | fields)


def boot(**more):
    return event(
        "boot", **({"node": NODE, "release": 7, "slot": "a", "config": 4, "life": 1} | more)
    )


def sample(value=412, seq=4, quality=0, life=1):
    return event("sample", life=life, seq=seq, values=[[0, value, quality]])


def sent(counter=33, first=2, last=4, life=1):
    return event("sent", kind="samples", counter=counter, life=life, first=first, last=last)


def ack(counter=33, through=4, life=1, **more):
    return event(
        "ack", **({"counter": counter, "life": life, "through": through, "rssi_dbm": -97} | more)
    )


GOOD = [boot(), sample(), sent(), ack()]
