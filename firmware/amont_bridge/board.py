# The bridge as a board's program, from main.py. `bridge.json` in its folder says how its radio is
# wired: {"chip": "sx1262", "pins": {…}}; see firmware/boards.

import json
import sys

from amont_bridge.air import Air, NoRadio, make_radio
from amont_bridge.app import BridgeApp
from amont_bridge.bridge import Bridge
from amont_wire.link import RADIO_IDLE

SETTINGS = "bridge.json"


# The radio of a board's settings, and the bridge for it. hal: hal_unix or hal_board.
def parts(path: str, hal, ticks, release: int = 0) -> tuple[Air, Bridge]:  # type: ignore[no-untyped-def]
    unique = hal.unique_id()
    bridge = Bridge(ticks(), unique, RADIO_IDLE, hal.forgot(), release)
    try:
        with open(path) as file:
            config = json.load(file)
        radio = make_radio(config, unique[-1])
    except (OSError, ValueError) as error:
        radio = NoRadio("%s: %s" % (SETTINGS, error))
    return Air(radio), bridge


# From the loader. dog: None or a watchdog. good: called once the release has shown that it works:
# a guard spoke to it. Returns when somebody wants the board's prompt.
def start(folder: str, dog, good, release: int) -> None:  # type: ignore[no-untyped-def]
    hal, port = _hal()
    ticks = hal.Ticks()
    radio, bridge = parts(folder + "/" + SETTINGS, hal, ticks, release)
    app = BridgeApp(port, radio, bridge, ticks, dog)
    known = False
    while not bridge.service:
        app.turn()
        if not known and bridge.known:
            known = True
            good()


def _hal():  # type: ignore[no-untyped-def]
    if sys.platform in ("rp2", "esp32"):
        from amont_bridge import hal_board

        return hal_board, hal_board.SerialPort()
    from amont_bridge import hal_unix

    return hal_unix, hal_unix.SerialPort(0)
