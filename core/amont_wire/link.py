# The lines between bridge and guard: what each says, as classes. amont_wire/cobs.py has the bytes.

from struct import unpack as unpack_fields

from amont_wire.cobs import MAX_LINE, Deframer, cobs_decode, cobs_encode, crc16, pack
from amont_wire.const import MAX_FRAME, MIN_FRAME
from amont_wire.errors import Malformed, UnknownType

__all__ = ["MAX_LINE", "Deframer", "cobs_decode", "cobs_encode", "crc16", "pack", "unpack",
           "Ask", "Identity", "Line", "RadioState", "Received", "Send", "Sent", "Service",
           "Settings", "Status"]  # fmt: skip

KIND_RECEIVED = 1
KIND_SEND = 2
KIND_SENT = 3
KIND_STATUS = 4
KIND_IDENTITY = 5
KIND_SETTINGS = 6
KIND_ASK = 7
KIND_SERVICE = 8

SENT_OK = 0
SENT_BUSY = 1  # given up for want of room
SENT_AIRTIME = 2  # given up for want of airtime
SENT_MALFORMED = 3
SENT_EXPIRED = 4  # its window never came, or a newer one made it void
SENT_MAX = 4

# What a bridge is for. NONE: it was not told; a simulated one sends, one with a radio is silent.
ROLE_NONE = 0
ROLE_TRANSMIT = 1
ROLE_LISTEN = 2

# What it has for a radio. IDLE: a radio that waits for settings.
RADIO_SIMULATED = 0
RADIO_IDLE = 1
RADIO_LISTENS = 2
RADIO_FAULT = 3

UNIQUE_BYTES = 8  # of the board's own number; shorter ones end in zeros
CHANNELS_MAX = 8
SFS_MAX = 6
FAULT_BYTES_MAX = 48
_KHZ_MAX = 0xFFFFFF
_ASK = b"who?"
_SERVICE = b"amont service"  # no noise says that


def _u(value: int, size: int) -> bytes:
    if value < 0 or value >> size * 8:
        raise Malformed("value out of range")
    return value.to_bytes(size, "little")


def _i(value: int, size: int) -> bytes:
    half = 1 << size * 8 - 1
    if not -half <= value < half:
        raise Malformed("value out of range")
    return (value + 2 * half if value < 0 else value).to_bytes(size, "little")


def _frame(frame: bytes) -> bytes:
    if not MIN_FRAME <= len(frame) <= MAX_FRAME:
        raise Malformed("frame of %d bytes" % len(frame))
    return bytes(frame)


class Line:
    KIND = 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Line) and self.payload() == other.payload()

    def __hash__(self) -> int:
        return hash(self.payload())

    def payload(self) -> bytes:
        raise NotImplementedError

    # Ready for the port.
    def pack(self) -> bytes:
        return pack(self.payload())


# A frame that the bridge heard.
class Received(Line):
    KIND = KIND_RECEIVED

    def __init__(self, tick_ms: int, rssi_dbm: int, snr_db4: int, frame: bytes) -> None:
        self.tick_ms = tick_ms  # the bridge's clock, wraps at 2^32
        self.rssi_dbm = rssi_dbm
        self.snr_db4 = snr_db4  # quarter dB
        self.frame = frame

    def payload(self) -> bytes:
        radio = _i(self.rssi_dbm, 2) + _i(self.snr_db4, 1)
        return bytes([KIND_RECEIVED]) + _u(self.tick_ms, 4) + radio + _frame(self.frame)


# A frame that the bridge must send.
class Send(Line):
    KIND = KIND_SEND

    def __init__(self, handle: int, frame: bytes) -> None:
        self.handle = handle
        self.frame = frame

    def payload(self) -> bytes:
        return bytes([KIND_SEND]) + _u(self.handle, 2) + _frame(self.frame)


# What became of a frame to send.
class Sent(Line):
    KIND = KIND_SENT

    def __init__(self, handle: int, result: int) -> None:
        self.handle = handle
        self.result = result

    def payload(self) -> bytes:
        if not 0 <= self.result <= SENT_MAX:
            raise Malformed("unknown result")
        return bytes([KIND_SENT]) + _u(self.handle, 2) + _u(self.result, 1)


# What a bridge with a radio and settings tells of them beside its counts.
class RadioState:
    def __init__(
        self, crc_errors: int, airtime_ms: int, waiting: int, refused: int, lost: int, fault: str
    ) -> None:
        self.crc_errors = crc_errors  # frames that came damaged
        self.airtime_ms = airtime_ms  # sent in this sliding hour
        self.waiting = waiting  # frames that wait for their window
        self.refused = refused  # how often airtime held something up
        self.lost = lost  # lines that the guard did not take
        self.fault = fault  # "" while all is well, else what is wrong with the radio

    def payload(self) -> bytes:
        counts = _u(self.crc_errors, 4) + _u(self.airtime_ms, 4) + _u(self.waiting, 1)
        text = self.fault[:FAULT_BYTES_MAX]
        fault = bytes([ord(c) if " " <= c <= "~" else 63 for c in text])
        return counts + _u(self.refused, 4) + _u(self.lost, 4) + fault


# The bridge's own state, now and then. radio: None where there is nothing to tell.
class Status(Line):
    KIND = KIND_STATUS

    def __init__(
        self, tick_ms: int, received: int, bad: int, sent: int, version: int,
        radio: RadioState | None = None,
    ) -> None:  # fmt: skip
        self.tick_ms = tick_ms
        self.received = received  # frames heard
        self.bad = bad  # lines from the guard that were damaged
        self.sent = sent
        self.version = version
        self.radio = radio

    def payload(self) -> bytes:
        counts = _u(self.received, 4) + _u(self.bad, 4) + _u(self.sent, 4)
        head = bytes([KIND_STATUS]) + _u(self.tick_ms, 4) + counts + _u(self.version, 1)
        return head if self.radio is None else head + self.radio.payload()


# Which bridge this is: at its start, after settings, and when it is asked.
class Identity(Line):
    KIND = KIND_IDENTITY

    def __init__(
        self, version: int, unique: bytes, role: int, radio: int, release: int = 0
    ) -> None:
        self.version = version
        self.unique = unique  # the board's own number
        self.role = role
        self.radio = radio
        self.release = release  # that it runs, 0: from no slot

    def payload(self) -> bytes:
        if len(self.unique) != UNIQUE_BYTES:
            raise Malformed("unique id of %d bytes" % len(self.unique))
        _among("role", self.role, ROLE_NONE, ROLE_LISTEN)
        _among("radio", self.radio, RADIO_SIMULATED, RADIO_FAULT)
        head = bytes([KIND_IDENTITY]) + _u(self.version, 1)
        return head + bytes(self.unique) + bytes([self.role, self.radio]) + _u(self.release, 2)


# What the guard wants of a bridge. airtime_ms: what the guard knows that it sent in the hour
# before; a bridge that was reset in between has forgotten that.
class Settings(Line):
    KIND = KIND_SETTINGS

    def __init__(
        self, role: int, channels_khz: list[int], sfs: list[int], power_dbm: int = 14,
        airtime_permille: int = 10, listen_ms: int = 2600, airtime_ms: int = 0,
    ) -> None:  # fmt: skip
        self.role = role
        self.channels_khz = channels_khz
        self.sfs = sfs
        self.power_dbm = power_dbm
        self.airtime_permille = airtime_permille
        self.listen_ms = listen_ms  # how long nodes listen after an uplink
        self.airtime_ms = airtime_ms

    def payload(self) -> bytes:
        _among("role", self.role, ROLE_TRANSMIT, ROLE_LISTEN)
        _among("channels", len(self.channels_khz), 1, CHANNELS_MAX)
        _among("spreading factors", len(self.sfs), 1, SFS_MAX)
        for khz in self.channels_khz:
            _among("channel", khz, 1, _KHZ_MAX)
        for sf in self.sfs:
            _among("spreading factor", sf, 7, 12)
        _among("airtime", self.airtime_permille, 0, 1000)
        numbers = _i(self.power_dbm, 1) + _u(self.airtime_permille, 2) + _u(self.listen_ms, 2)
        channels = b"".join([_u(khz, 3) for khz in self.channels_khz])
        head = bytes([KIND_SETTINGS, self.role]) + numbers + _u(self.airtime_ms, 4)
        counts = bytes([len(self.channels_khz) << 4 | len(self.sfs)])
        return head + counts + channels + bytes(self.sfs)


# The guard asks who is there. Whoever is no bridge gets the line, too: none of its bytes means
# anything to a MicroPython prompt.
class Ask(Line):
    KIND = KIND_ASK

    def payload(self) -> bytes:
        return bytes([KIND_ASK]) + _ASK


# Whoever provisions the board wants its prompt: the bridge restarts without its program, once.
class Service(Line):
    KIND = KIND_SERVICE

    def payload(self) -> bytes:
        return bytes([KIND_SERVICE]) + _SERVICE


# One payload of the Deframer, as one of the classes above.
def unpack(payload: bytes) -> Line:
    if not payload:
        raise Malformed("empty payload")
    reader = _READERS.get(payload[0])
    if reader is None:
        raise UnknownType("serial kind %d" % payload[0])
    return reader(payload)


def _received(payload: bytes) -> Received:
    _at_least(payload, 8 + MIN_FRAME)
    tick_ms, rssi_dbm, snr_db4 = unpack_fields("<Ihb", payload[1:8])
    return Received(tick_ms, rssi_dbm, snr_db4, _frame(payload[8:]))


def _send(payload: bytes) -> Send:
    _at_least(payload, 3 + MIN_FRAME)
    return Send(payload[1] | payload[2] << 8, _frame(payload[3:]))


def _sent(payload: bytes) -> Sent:
    _exactly(payload, 4)
    _among("result", payload[3], 0, SENT_MAX)
    return Sent(payload[1] | payload[2] << 8, payload[3])


def _status(payload: bytes) -> Status:
    if len(payload) == 18:
        return Status(*unpack_fields("<IIIIB", payload[1:]))
    _at_least(payload, 35)
    _among("fault", len(payload) - 35, 0, FAULT_BYTES_MAX)
    for byte in payload[35:]:
        _among("fault", byte, 32, 126)
    fault = bytes(payload[35:]).decode()
    tick_ms, received, bad, sent, version = unpack_fields("<IIIIB", payload[1:18])
    crc_errors, airtime_ms, waiting, refused, lost = unpack_fields("<IIBII", payload[18:35])
    radio = RadioState(crc_errors, airtime_ms, waiting, refused, lost, fault)
    return Status(tick_ms, received, bad, sent, version, radio)


def _identity(payload: bytes) -> Identity:
    _exactly(payload, 6 + UNIQUE_BYTES)
    _among("role", payload[10], ROLE_NONE, ROLE_LISTEN)
    _among("radio", payload[11], RADIO_SIMULATED, RADIO_FAULT)
    release = payload[12] | payload[13] << 8
    return Identity(payload[1], bytes(payload[2:10]), payload[10], payload[11], release)


def _settings(payload: bytes) -> Settings:
    _at_least(payload, 12)
    channels, sfs = payload[11] >> 4, payload[11] & 15
    _exactly(payload, 12 + 3 * channels + sfs)
    power_dbm, permille, listen_ms, airtime_ms = unpack_fields("<bHHI", payload[2:11])
    end = 12 + 3 * channels
    channels_khz = [
        payload[at] | payload[at + 1] << 8 | payload[at + 2] << 16 for at in range(12, end, 3)
    ]
    settings = Settings(
        payload[1], channels_khz, list(payload[end:]), power_dbm, permille, listen_ms, airtime_ms
    )
    settings.payload()  # checks each field
    return settings


def _ask(payload: bytes) -> Ask:
    _says(payload, _ASK)
    return Ask()


def _service(payload: bytes) -> Service:
    _says(payload, _SERVICE)
    return Service()


_READERS = {
    KIND_RECEIVED: _received,
    KIND_SEND: _send,
    KIND_SENT: _sent,
    KIND_STATUS: _status,
    KIND_IDENTITY: _identity,
    KIND_SETTINGS: _settings,
    KIND_ASK: _ask,
    KIND_SERVICE: _service,
}


def _at_least(payload: bytes, length: int) -> None:
    if len(payload) < length:
        raise Malformed("payload too short")


def _exactly(payload: bytes, length: int) -> None:
    if len(payload) != length:
        raise Malformed("payload of %d bytes" % len(payload))


def _among(what: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise Malformed("%s: %d is not in %d to %d" % (what, value, low, high))


def _says(payload: bytes, words: bytes) -> None:
    if payload[1:] != words:
        raise Malformed("kind %d: other words" % payload[0])
