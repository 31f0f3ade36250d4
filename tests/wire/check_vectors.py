# Walks vectors.json in both directions. The same file runs on CPython and on MicroPython:
#   micropython check_vectors.py <core folder> vectors.json
# and ends with 0 only if every vector holds.

import json
import sys

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])

from amont_wire import aes, ccm, counters, frame, keys, link, messages
from amont_wire.errors import WireError


def build(spec):
    name, args = spec[0], spec[1:]
    if name == "Samples":
        channels = [messages.Channel(*fields) for fields in args[7]]
        return messages.Samples(*args[:7], channels, args[8] and tuple(args[8]))
    if name in ("Health", "Hello", "Progress"):
        return getattr(messages, name)(*args[:-1], args[-1] and tuple(args[-1]))
    if name in ("Config", "Resend"):
        return getattr(messages, name)(*args[:3], [tuple(pair) for pair in args[3]])
    if name == "UpdateChunk":
        return messages.UpdateChunk(*args[:4], bytes.fromhex(args[4]))
    return getattr(messages, name)(*args)


def check_message(vector):
    body = bytes.fromhex(vector["body"])
    message = build(vector["message"])
    decoded = messages.decode(vector["type"], body)
    if "carried" in vector:
        assert message.encode_trimmed() == (body, vector["carried"])
        assert decoded == build(vector["trimmed"])
    else:
        assert decoded == message
    assert message.encode() == body
    assert decoded.encode() == body


class From:
    def __init__(self, counter):
        self.counter = counter

    def next(self):
        return self.counter


def check_frame(vector):
    secret = bytes.fromhex(vector["secret"])
    body = bytes.fromhex(vector["body"])
    sealed = bytes.fromhex(vector["frame"])
    identity = (secret, vector["node"], vector["generation"], vector["direction"])
    sealer = frame.Sealer(*identity, From(vector["counter"]))
    assert sealer.seal(vector["type"], body) == (vector["counter"], sealed)
    header, opened = frame.Opener(*identity).open(sealed)
    assert opened == body
    assert (header.node, header.counter, header.type) == (
        vector["node"],
        vector["counter"],
        vector["type"],
    )


def refusal(call, *args):
    try:
        call(*args)
    except WireError as error:
        return type(error).__name__
    return "taken"


def check_refused(vector):
    body = bytes.fromhex(vector["body"])
    assert refusal(messages.decode, vector["type"], body) == vector["error"]


def check_refused_frame(vector):
    opener = frame.Opener(bytes.fromhex(vector["secret"]), vector["node"], 1, vector["direction"])
    assert refusal(opener.open, bytes.fromhex(vector["frame"])) == vector["error"]


def check_key(vector):
    secret = bytes.fromhex(vector["secret"])
    key = keys.derive(secret, vector["node"], vector["generation"], vector["label"].encode())
    assert key.hex() == vector["key"]


def check_ccm(vector):
    nonce, aad, plain = [bytes.fromhex(vector[name]) for name in ("nonce", "aad", "plain")]
    cipher = aes.Ccm(bytes.fromhex(vector["key"]))
    sealed = bytes.fromhex(vector["sealed"])
    assert cipher.seal(nonce, aad, plain) == sealed
    assert cipher.open(nonce, aad, sealed) == plain
    assert ccm.same(sealed, bytes.fromhex(vector["sealed"]))
    assert not ccm.same(sealed, sealed[1:])


def check_line(vector):
    payload = bytes.fromhex(vector["payload"])
    line = bytes.fromhex(vector["line"])
    assert link.pack(payload) == line
    deframer = link.Deframer()
    taken = deframer.feed(line[:1]) + deframer.feed(line[1:])
    assert taken == [payload]
    if vector["unpacks"]:
        assert link.unpack(payload).pack() == line


def check_window(vector):
    window = counters.ReplayWindow()
    for counter, verdict in vector["steps"]:
        assert window.check(counter) == verdict
        if verdict == counters.NEW:
            window.add(counter)
    assert [str(part) for part in window.state()] == vector["state"]


def check_reservation(vector):
    limits = []
    counter = counters.ReservedCounter(vector["start"], limits.append, vector["block"])
    assert [counter.next() for _ in vector["used"]] == vector["used"]
    assert limits == vector["limits"]
    if vector["used"][-1] == 0xFFFFFFFF:
        assert refusal(counter.next) == "CounterExhausted"


CHECKS = {
    "ccm": check_ccm,
    "frames": check_frame,
    "keys": check_key,
    "lines": check_line,
    "messages": check_message,
    "refused": check_refused,
    "refused_frames": check_refused_frame,
    "reservations": check_reservation,
    "windows": check_window,
}


# The names of the vectors that do not hold, and how many were walked.
def failures(vectors):
    failed = []
    walked = 0
    for group in sorted(CHECKS):
        for number, vector in enumerate(vectors[group]):
            walked += 1
            try:
                CHECKS[group](vector)
            except Exception as error:
                failed.append(f"{group}[{number}]: {error!r}")
    return failed, walked


def main():
    with open(sys.argv[2]) as file:
        vectors = json.load(file)
    failed, walked = failures(vectors)
    for line in failed:
        sys.stdout.write(line + "\n")
    sys.stdout.write(f"{walked - len(failed)} of {walked} vectors hold\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
