# What the node says over its cable.
#
# In service mode (the local button held at boot) one JSON object a line behind "amont ", for the
# technician's tool; besides them the plain lines of development. In release main.py has silenced
# print altogether. No secret ever: only what the frames' receivers see anyway.
#
#   boot    node, release, slot, trial, safe, config (version), life, reset_cause, waiting
#   sample  life, seq, tick_s, values: [[channel, value or null, quality], …]
#   sent    kind, counter, life, first, last (seq; of a frame with samples)
#   ack     counter (of the frame that it answers), life, through or null, bits (a number: bit i
#           is sample through + 1 + i), rssi_dbm, snr_db4
#   fault   fault (its bit in the health message), text; of Wi-Fi also times (failures in a row)
#   update  state ("taking", "checked", "refused", "trial", "good"), release, next, text

import json

_state = {"service": False}


def begin(service: bool) -> None:
    _state["service"] = service


# True: somebody is listening, so that a line is worth building.
def listens() -> bool:
    return _state["service"]


def tell(event: str, fields) -> None:  # type: ignore[no-untyped-def]
    if _state["service"]:
        fields["event"] = event
        print("amont " + json.dumps(fields))


# A line for people who develop; print is silent in release.
def say(text: str) -> None:
    print(text)
