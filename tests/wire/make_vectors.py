"""Write vectors.json, known answers of the wire format: ``python -m tests.wire.make_vectors``.

Bodies and frames come from the codec itself, so they hold both Pythons to one another and every
change of the format shows in review. Known answers from outside are RFC 3610's, in rfc3610.json;
bodies assembled by hand are in test_layout.py.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.wire.check_vectors import From, build, refusal

from amont_wire import const, frame, keys, link
from amont_wire.counters import NEW, OLD, SEEN

HERE = Path(__file__).parent
SECRET = bytes(range(16))
RIVER = [1040, 1041, 1041, 1043, 1042, 1042, 1044, 1049, 1061, 1083, 1120, 1166]
RIVER += [1219, 1274, 1330, 1381, 1427, 1466, 1499, 1524, 1543, 1557, 1566, 1571]
ECHO = [0xDEADBEEF, 40]
BIG = const.VALUE_MAX

MESSAGES: list[tuple[int, list[Any]]] = [
    (1, ["Samples", 1, 3600, 0, 0, 0, 0, False, [[0, 1, 1, [1040], [0]]], None]),
    (1, ["Samples", 1, 21600, 23, 5, 900, 3, False, [[0, 1, 1, RIVER, [0] * 24]], None]),
    (2, ["Samples", 1, 21600, 23, 5, 60, 3, True, [[0, 1, 1, RIVER, [0] * 24]], ECHO]),
    (1, ["Samples", 4095, 90000, 70, 1, 77, 70, True,
         [[0, 1, 1, RIVER, [0] * 20 + [1, 2, 3, 4]], [3, 8, 10, [3300] * 24, [0] * 24]], ECHO]),
    (1, ["Samples", 7, 5000, 40, 9, 60, 40, False,
         [[1, 3, 100, [-400, 90000, -400, 90000], [5, 6, 0, 4]]], None]),
    (1, ["Samples", 7, 5000, 90, 9, 60, 40, False, [[2, 2, 1, [0] * 64, [0] * 64]], ECHO]),
    (1, ["Samples", 7, 5000, 90, 9, 60, 40, False,
         [[2, 5, 1, [7, 7, 7, 100000, 100001, 100003], [0] * 6]], ECHO]),
    (1, ["Samples", 4095, 2**28 - 1, 2**24 - 1, 2**28 - 1, 7200, 2**24 - 1, True,
         [[i, 10, 200, [0, -BIG * 200], [0, 1]] for i in range(4)], [2**32 - 1, 2**16 - 1]]),
    (3, ["Health", 1, 3600, 3700, -12, 1, 4, 96, 0, 2, -103, -7, 300, 2, 10, 129, None]),
    (3, ["Health", 4095, 2**28 - 1, 8191, 127, 5, 2**20 - 1, 2**24 - 1, 2**24 - 1, 2**20 - 1,
         -256, -128, 2**16 - 1, 65535, 2**24 - 1, 65535, None]),
    (4, ["Hello", 0, 0, 1, 1, 10, 0, [], None]),
    (4, ["Hello", 2, 2**28 - 1, 5, 2**20 - 1, 2**24 - 1, 65535, [1, 8, 6, 10], ECHO]),
    (5, ["Progress", 1, 3600, 7, 0, 0, ECHO]),
    (5, ["Progress", 4095, 2**28 - 1, 65535, 2**24 - 1, 3, None]),
    (8, ["Ack", 12, 0x01020304, 1, 23, 0b101, 3, 0]),
    (8, ["Ack", 2**32 - 1, 2**32 - 1, 4095, 2**24 - 1, 2**63 - 1, 63, 2]),
    (8, ["Ack", 12, 7, 1, -1, 0, 0, 1]),
    (9, ["Time", 12, 7, 1_780_000_000, 2]),
    (10, ["Config", 12, 7, 3, [[1, 900], [2, 60], [3, 1500], [4, 20], [5, 20]]]),
    (10, ["Config", 12, 7, 65535, [[63, -(2**30)], [1, 2**30 - 1], [2, 0], [3, -1]]]),
    (11, ["Resend", 12, 7, 1, [[0, 1], [500, 256], [2**24 - 256, 256], [9, 9]]]),
    (12, ["UpdateChunk", 12, 7, 3, 0, "00ff"]),
    (12, ["UpdateChunk", 12, 7, 3, 2**24 - 1, "11" * 22]),
]  # fmt: skip

REFUSED: list[tuple[int, str, str]] = [
    (1, "00", "Malformed"),
    (1, "00" * 37, "Malformed"),
    (1, "", "Malformed"),
    (5, "00" * 3, "Malformed"),
    (6, "00" * 8, "UnknownType"),
    (8, "00" * 12, "Malformed"),
    (9, "00" * 12 + "c0", "Malformed"),
]


def message_vector(kind: int, spec: list[Any]) -> dict[str, Any]:
    """Return one body; for samples also how many were carried and what remains after trimming."""
    message = build(spec)
    if spec[0] != "Samples":
        return {"type": kind, "message": spec, "body": message.encode().hex()}
    body, carried = message.encode_trimmed()
    channels = [[*fields[:3], fields[3][-carried:], fields[4][-carried:]] for fields in spec[8]]
    interval_s = spec[5] if carried > 1 else 0
    echo = spec[9] if carries(body) else None
    trimmed = [*spec[:5], interval_s, *spec[6:8], channels, echo]
    return {"type": kind, "message": spec, "body": body.hex(), "carried": carried,
            "trimmed": trimmed}  # fmt: skip


def carries(body: bytes) -> bool:
    """Return whether an uplink body has an echo, found without the codec's classes."""
    bits = "".join(f"{byte:08b}" for byte in body)
    return bits[12 + 5 + max(0, int(bits[12:17], 2) - 1)] == "1"


def frame_vectors(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a sealed frame of each message, under changing nodes, generations and counters."""
    out = []
    for number, vector in enumerate(messages):
        node, generation = 1 + number * 3120 % 65534, 1 + number * 3276 % 65535
        counter = (1 << number * 32 // len(messages)) + number
        direction = const.DIRECTIONS[vector["type"]]
        sealer = frame.Sealer(SECRET, node, generation, direction, From(counter))
        sealed = sealer.seal(vector["type"], bytes.fromhex(vector["body"]))[1]
        out.append({"secret": SECRET.hex(), "node": node, "generation": generation,
                    "direction": direction, "counter": counter, "type": vector["type"],
                    "body": vector["body"], "frame": sealed.hex()})  # fmt: skip
    return out


def refused_frames() -> list[dict[str, Any]]:
    """Return one good frame damaged in each way that the header knows."""
    sealer = frame.Sealer(SECRET, 17, 1, const.UPLINK, From(1))
    good = sealer.seal(const.SAMPLES, b"\x01\x02\x03")[1]
    damaged = {
        "OtherVersion": b"\x21" + good[1:],
        "UnknownType": b"\x16" + good[1:],
        "Forged": good[:-1] + bytes([good[-1] ^ 1]),
    }
    cases = [(name, data, const.UPLINK) for name, data in damaged.items()]
    cases.append(("Malformed", good[:15], const.UPLINK))
    cases.append(("Malformed", good + bytes(40), const.UPLINK))
    cases.append(("Malformed", good[:3] + bytes(4) + good[7:], const.UPLINK))
    cases.append(("Malformed", good[:1] + b"\xff\xff" + good[3:], const.UPLINK))
    cases.append(("UnknownType", good, const.DOWNLINK))
    out = []
    for error, data, direction in cases:
        assert refusal(frame.Opener(SECRET, 17, 1, direction).open, data) == error
        out.append({"secret": SECRET.hex(), "node": 17, "direction": direction,
                    "frame": data.hex(), "error": error})  # fmt: skip
    return out


def line_vectors(sealed: bytes) -> list[dict[str, Any]]:
    """Return payloads of all kinds, and payloads that are hard for COBS."""
    kinds = [
        link.Received(2**32 - 1, -137, -80, sealed),
        link.Send(65535, sealed),
        link.Sent(1, link.SENT_AIRTIME),
        link.Status(0, 1, 2, 3, const.VERSION),
        link.Status(9, 1, 2, 3, const.VERSION, link.RadioState(4, 36000, 64, 5, 6, "chip absent")),
        link.Identity(2, bytes(range(8)), link.ROLE_TRANSMIT, link.RADIO_LISTENS, 7),
        link.Settings(link.ROLE_LISTEN, [868100, 868300, 868500], [7, 9], -3, 10, 2600, 1234),
        link.Ask(),
        link.Service(),
    ]
    hard = [b"\x00", b"\x00\x00", b"\x01" * 253, b"\x02" * 254, b"\x03" * 255, b"\x04\x00" * 127]
    payloads = [(kind.payload(), True) for kind in kinds] + [(data, False) for data in hard]
    return [
        {"payload": data.hex(), "line": link.pack(data).hex(), "unpacks": unpacks}
        for data, unpacks in payloads
    ]


def generate() -> dict[str, Any]:
    """Return everything that vectors.json holds."""
    messages = [message_vector(kind, spec) for kind, spec in MESSAGES]
    frames = frame_vectors(messages)
    labels = (keys.UPLINK_LABEL, keys.DOWNLINK_LABEL, keys.UPDATE_LABEL)
    steps = [(5, NEW), (5, SEEN), (3, NEW), (3, SEEN), (1029, NEW), (5, SEEN), (4, OLD),
             (6, NEW), (0, OLD), (4000, NEW), (1029, OLD), (3999, NEW)]  # fmt: skip
    return {
        "ccm": json.loads((HERE / "rfc3610.json").read_text()),
        "messages": messages,
        "refused": [{"type": t, "body": b, "error": e} for t, b, e in REFUSED],
        "frames": frames,
        "refused_frames": refused_frames(),
        "keys": [
            {"secret": SECRET.hex(), "node": 258, "generation": 772, "label": label.decode(),
             "key": keys.derive(SECRET, 258, 772, label).hex()} for label in labels
        ],
        "lines": line_vectors(bytes.fromhex(frames[1]["frame"])),
        "reservations": [
            {"start": 0, "block": 3, "used": [1, 2, 3, 4], "limits": [3, 6]},
            {"start": 6, "block": 3, "used": [7], "limits": [9]},
            {"start": 2**32 - 3, "block": 64, "used": [2**32 - 2, 2**32 - 1],
             "limits": [2**32 - 1]},
        ],
        "windows": [{"steps": [list(step) for step in steps],
                     "state": ["4000", "1", "1024"]}],
    }  # fmt: skip


def main() -> None:
    """Write the file, one vector a line."""
    groups = [
        f"{json.dumps(group)}: [\n" + ",\n".join(json.dumps(v) for v in vectors) + "\n]"
        for group, vectors in generate().items()
    ]
    (HERE / "vectors.json").write_text("{\n" + ",\n".join(groups) + "\n}\n")


if __name__ == "__main__":
    main()
