# Every message of the wire, and decode(type, body), which raises nothing but WireError.

from amont_wire import downlink
from amont_wire.const import HEALTH, HELLO, MAX_BODY, PROGRESS, SAMPLES, URGENT
from amont_wire.downlink import Ack, Config, Resend, Time, UpdateChunk
from amont_wire.errors import Malformed
from amont_wire.samples import Channel, Samples, decode_samples
from amont_wire.uplink import (
    Health,
    Hello,
    Progress,
    carries_echo,
    decode_health,
    decode_hello,
    decode_progress,
)

__all__ = [
    "Ack",
    "Channel",
    "Config",
    "Health",
    "Hello",
    "Progress",
    "Resend",
    "Samples",
    "Time",
    "UpdateChunk",
    "carries_echo",
    "decode",
]

_DECODERS = {
    SAMPLES: decode_samples,
    URGENT: decode_samples,
    HEALTH: decode_health,
    HELLO: decode_hello,
    PROGRESS: decode_progress,
}


def decode(
    type: int, body: bytes
) -> Samples | Health | Hello | Progress | Ack | Time | Config | Resend | UpdateChunk:
    if type not in _DECODERS:
        return downlink.decode(type, body)
    if not 1 <= len(body) <= MAX_BODY:
        raise Malformed("body of %d bytes" % len(body))
    return _DECODERS[type](body)  # type: ignore[return-value]  # mypy joins the functions to object
