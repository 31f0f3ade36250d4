"""Read what LoRaWAN network servers publish, and write what they are asked to send down.

ChirpStack 4 and The Things Stack 3, JSON as they send it: whatever has its default value may be
absent, what we do not know is left alone, and only what is needed is read, so that nothing that
is odd beside it costs a frame. Pure: bytes in, values out, ``Refused`` for the rest.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

import msgspec

PAYLOAD_MAX = 65_536  # bytes of one message; an uplink heard by ten gateways has 5,000
RECEPTIONS_MAX_BYTES = 16_384
_TEXT_MAX = 120  # characters of a server's own words
_RSSI_DBM = (-200, 50)
_SNR_DB4 = (-128, 127)

# what is refused, in the words of the counters
SIZE, JSON, TOPIC, DEVICE, PORT, BASE64, LENGTH, NODE = REASONS = (
    "size", "json", "topic", "device", "port", "base64", "length", "node",
)  # fmt: skip
T = TypeVar("T")


class Refused(ValueError):
    """A message of which nothing can be made; ``reason`` is one of ``REASONS``."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail[:_TEXT_MAX]


class Uplink(NamedTuple):
    """What a device sent, as its network server tells it; nothing of it is authentic."""

    dev_eui: str  # lower case
    port: int  # 0: MAC commands only
    data: str  # base64
    transmission: str  # the same in each copy of this uplink and in no other; "" if not told
    time: str  # of the network server, RFC 3339; "" if not told
    receptions: bytes  # JSON: by which gateways, for ``best_signal``


class Told(NamedTuple):
    """What a server says of a downlink: which one, and what went wrong ("" nothing)."""

    downlink: str
    problem: str


class _Camel(msgspec.Struct, rename="camel"):
    pass


class _ChirpStackUp(_Camel):
    f_port: int | None = 0
    data: str | None = ""
    deduplication_id: str | None = ""
    time: str | None = ""
    rx_info: msgspec.Raw = msgspec.Raw(b"[]")


class _ChirpStackTold(_Camel):
    queue_item_id: str | None = ""
    level: str | None = ""
    code: str | None = ""
    description: str | None = ""
    context: dict[str, str] | None = None


class _TtnIds(msgspec.Struct):
    dev_eui: str | None = ""
    device_id: str | None = ""


class _TtnMessage(msgspec.Struct):
    f_port: int | None = 0
    frm_payload: str | None = ""
    received_at: str | None = ""
    rx_metadata: msgspec.Raw = msgspec.Raw(b"[]")


class _TtnUp(msgspec.Struct):
    uplink_message: _TtnMessage
    end_device_ids: _TtnIds = msgspec.field(default_factory=_TtnIds)


class _TtnError(msgspec.Struct):
    name: str | None = ""
    message_format: str | None = ""


class _TtnFailed(msgspec.Struct):
    error: _TtnError = msgspec.field(default_factory=_TtnError)


class _TtnTold(msgspec.Struct):
    downlink_failed: _TtnFailed | None = None


class _Reception(msgspec.Struct):
    rssi: float | None = 0.0
    snr: float | None = 0.0


_RECEPTIONS = msgspec.json.Decoder(list[_Reception])


def _decode(payload: bytes, kind: type[T]) -> T:
    if len(payload) > PAYLOAD_MAX:
        raise Refused(SIZE, f"{len(payload)} bytes, {PAYLOAD_MAX} at most")
    try:
        return msgspec.json.decode(payload, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise Refused(JSON, str(error)) from None


class ChirpStack:
    """The messages of ChirpStack 4: one item of its queue at a time, told by its id."""

    replaces = False  # its queue can only be added to

    def __init__(self, application: str) -> None:
        self.root = f"application/{application}/device"
        # the broker at ChirpStack's side may have QoS 1, which a session that was away gets later
        self.subscriptions = [(f"{self.root}/+/event/+", 1)]

    def event(self, topic: str) -> tuple[str, str]:
        """Return an event's kind and the device that its topic names."""
        parts = topic.removeprefix(self.root + "/").split("/")
        if len(parts) != 3 or parts[1] != "event":
            raise Refused(TOPIC, topic)
        return parts[2], parts[0]

    def uplink(self, payload: bytes, device: str) -> Uplink:
        """Read an event ``up``."""
        up = _decode(payload, _ChirpStackUp)
        return Uplink(
            device.lower(), up.f_port or 0, up.data or "", up.deduplication_id or "",
            up.time or "", bytes(up.rx_info),
        )  # fmt: skip

    def told(self, kind: str, payload: bytes) -> Told | None:
        """Read what an event ``txack`` or ``log`` says of a downlink."""
        if kind not in ("txack", "log"):
            return None
        told = _decode(payload, _ChirpStackTold)
        if kind == "txack":
            return Told(told.queue_item_id or "", "")
        if told.level not in ("WARNING", "ERROR"):
            return None
        problem = f"{told.code}: {told.description}"[:_TEXT_MAX]
        return Told((told.context or {}).get("queue_item_id", ""), problem)

    def downlink(
        self, device: str, port: int, frame: bytes, name: str, expires: str | None, urgent: bool
    ) -> tuple[str, bytes]:
        """Return topic and payload that add a frame to the device's queue."""
        del urgent  # its queue knows no priority
        command = {"id": name, "devEui": device, "confirmed": False, "fPort": port}
        command["data"] = base64.b64encode(frame).decode()
        if expires is not None:
            command["expiresAt"] = expires
        return f"{self.root}/{device}/command/down", json.dumps(command).encode()


class ThingsStack:
    """The messages of The Things Stack 3: its queue is replaced by the newest downlink."""

    replaces = True

    def __init__(self, application: str, tenant: str | None) -> None:
        self.user = f"{application}@{tenant}" if tenant else application
        self.root = f"v3/{self.user}/devices"
        kinds = ("up", "join", "down/sent", "down/failed")
        self.subscriptions = [(f"{self.root}/+/{kind}", 0) for kind in kinds]  # it has QoS 0 only

    def event(self, topic: str) -> tuple[str, str]:
        """Return an event's kind and the id of the device that its topic names."""
        device, _, kind = topic.removeprefix(self.root + "/").partition("/")
        if not kind:
            raise Refused(TOPIC, topic)
        return kind, device

    def uplink(self, payload: bytes, device: str) -> Uplink:
        """Read a message ``up``."""
        told = _decode(payload, _TtnUp)
        ids, up = told.end_device_ids, told.uplink_message
        return Uplink(
            (ids.dev_eui or device).lower(), up.f_port or 0, up.frm_payload or "",
            up.received_at or "", up.received_at or "", bytes(up.rx_metadata),
        )  # fmt: skip

    def told(self, kind: str, payload: bytes) -> Told | None:
        """Read what a message ``down/sent`` or ``down/failed`` says of a downlink."""
        if kind != "down/failed":
            return Told("", "") if kind == "down/sent" else None
        failed = _decode(payload, _TtnTold).downlink_failed or _TtnFailed()
        problem = failed.error.message_format or failed.error.name or "failed"
        return Told("", problem[:_TEXT_MAX])

    def downlink(
        self, device: str, port: int, frame: bytes, name: str, expires: str | None, urgent: bool
    ) -> tuple[str, bytes]:
        """Return topic and payload that make a frame all that the device's queue holds."""
        del expires  # only for classes B and C
        one = {
            "f_port": port,
            "frm_payload": base64.b64encode(frame).decode(),
            "priority": "HIGH" if urgent else "NORMAL",
            "correlation_ids": [f"amont:{name}"],
        }
        return f"{self.root}/{device}/down/replace", json.dumps({"downlinks": [one]}).encode()


def frame_of(data: str) -> bytes:
    """Return the bytes of a base64 text, in either alphabet, padded or not."""
    plain = data.translate(str.maketrans("-_", "+/")).rstrip("=")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise Refused(BASE64, str(error)) from None


def best_signal(receptions: bytes) -> tuple[int, int] | None:
    """Return rssi in dBm and snr in quarters of a dB of the gateway that heard it best."""
    if len(receptions) > RECEPTIONS_MAX_BYTES:
        return None
    try:
        heard = [(r.snr or 0.0, r.rssi or 0.0) for r in _RECEPTIONS.decode(receptions)]
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    if not heard:
        return None
    snr_db, rssi_dbm = max(heard)
    return _within(rssi_dbm, _RSSI_DBM), _within(4 * snr_db, _SNR_DB4)


def _within(value: float, bounds: tuple[int, int]) -> int:
    return int(max(bounds[0], min(bounds[1], value)))


def later(time: str, seconds: int) -> str | None:
    """Return a server's own time and some seconds, RFC 3339; None if it is no time."""
    try:
        at = datetime.fromisoformat(time) + timedelta(seconds=seconds)
    except (ValueError, OverflowError):
        return None
    return None if at.tzinfo is None else at.isoformat(timespec="milliseconds")


Server = ChirpStack | ThingsStack


def server_of(named: str, application: str, tenant: str | None) -> Server:
    """Return the messages of the named network server."""
    return ChirpStack(application) if named == "chirpstack" else ThingsStack(application, tenant)
