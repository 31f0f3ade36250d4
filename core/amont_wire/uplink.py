# The head of every uplink body, and the small uplinks: health, hello and progress. Samples have
# their own file.

from amont_wire.bits import BitReader, BitWriter
from amont_wire.const import (
    CHANNELS_MAX,
    ECHO_AGE_BITS,
    HEALTH,
    HELLO,
    LIFE_MAX,
    MAX_BODY,
    PROGRESS,
    PROGRESS_RUNNING,
    QUANTITIES,
    RESET_MAX,
    TICK_BITS,
)
from amont_wire.errors import Malformed

# Bits of the widest count that a field carries; larger counts are sent as the largest.
BOOTS_BITS = 20
OUTBOX_BITS = 24
DROPPED_BITS = 24
REJECTED_BITS = 20
HEAP_BITS = 16
FIRMWARE_BITS = 24
NEXT_BITS = 24  # as OFFSET_BITS of an update chunk
TEMP_BITS = 8  # -128 … 127
RSSI_BITS = 9
SNR_BITS = 8


def put_head(writer: BitWriter, life: int, tick_s: int, echo: tuple[int, int] | None) -> None:
    if not 0 <= life <= LIFE_MAX:
        raise Malformed("life out of range")
    writer.put(life, 12)
    writer.var(tick_s, TICK_BITS)
    if echo is None:
        writer.put(0, 1)
        return
    writer.put(1, 1)
    writer.put(echo[0], 32)
    writer.var(echo[1], ECHO_AGE_BITS)


def get_head(reader: BitReader) -> tuple[int, int, tuple[int, int] | None]:
    life = reader.get(12)
    tick_s = reader.var(TICK_BITS)
    echo = None
    if reader.get(1):
        nonce = reader.get(32)
        echo = (nonce, reader.var(ECHO_AGE_BITS))
    return life, tick_s, echo


# Whether an encoded uplink body carries the echo: an encoder leaves it out when there is no room.
def carries_echo(body: bytes) -> bool:
    return get_head(BitReader(body))[2] is not None


def put_count(writer: BitWriter, value: int, bits: int) -> None:
    writer.var(min(value, (1 << bits) - 1), bits)


def reset_cause(value: int) -> int:
    if not 0 <= value <= RESET_MAX:
        raise Malformed("unknown reset cause")
    return value


def quantity(code: int) -> int:
    if code not in QUANTITIES:
        raise Malformed("unknown quantity %d" % code)
    return code


# Head and fields; without the echo if the body would be too long with it.
def assemble(message: "Health | Hello | Progress", max_body: int) -> bytes:
    echo = message.echo
    while True:
        writer = BitWriter()
        put_head(writer, message.life, message.tick_s, echo)
        message.put_fields(writer)
        body = writer.tobytes()
        if len(body) <= max_body:
            return body
        if echo is None:
            raise Malformed("body of %d bytes" % len(body))
        echo = None


class Health:
    TYPE = HEALTH

    def __init__(
        self,
        life: int,
        tick_s: int,
        battery_mv: int,
        temp_c: int,
        reset_cause: int,
        boots: int,
        outbox: int,
        dropped: int,
        rejected: int,
        rssi_dbm: int,
        snr_db4: int,
        free_heap: int,
        config_version: int,
        firmware: int,
        faults: int,
        echo: tuple[int, int] | None = None,
    ) -> None:
        self.life = life
        self.tick_s = tick_s
        self.battery_mv = battery_mv
        self.temp_c = temp_c
        self.reset_cause = reset_cause
        self.boots = boots
        self.outbox = outbox  # samples kept, all lives
        self.dropped = dropped  # samples overwritten unacknowledged
        self.rejected = rejected  # downlinks refused
        self.rssi_dbm = rssi_dbm  # of the last downlink, 0: none
        self.snr_db4 = snr_db4
        self.free_heap = free_heap  # units of 256 bytes
        self.config_version = config_version
        self.firmware = firmware
        self.faults = faults  # FAULT_ bits
        self.echo = echo

    def _fields(self) -> tuple[object, ...]:
        return (
            (self.life, self.tick_s, self.battery_mv, self.temp_c, self.reset_cause, self.boots),
            (self.outbox, self.dropped, self.rejected, self.rssi_dbm, self.snr_db4),
            (self.free_heap, self.config_version, self.firmware, self.faults, self.echo),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Health) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return "Health%r" % (self._fields(),)

    def put_fields(self, writer: BitWriter) -> None:
        writer.put(self.battery_mv, 13)
        writer.svar(self.temp_c, TEMP_BITS)
        writer.put(reset_cause(self.reset_cause), 3)
        put_count(writer, self.boots, BOOTS_BITS)
        put_count(writer, self.outbox, OUTBOX_BITS)
        put_count(writer, self.dropped, DROPPED_BITS)
        put_count(writer, self.rejected, REJECTED_BITS)
        writer.svar(self.rssi_dbm, RSSI_BITS)
        writer.svar(self.snr_db4, SNR_BITS)
        put_count(writer, self.free_heap, HEAP_BITS)
        writer.put(self.config_version, 16)
        writer.var(self.firmware, FIRMWARE_BITS)
        writer.put(self.faults, 16)

    def encode(self, max_body: int = MAX_BODY) -> bytes:
        return assemble(self, max_body)


def decode_health(body: bytes) -> Health:
    reader = BitReader(body)
    life, tick_s, echo = get_head(reader)
    message = Health(
        life,
        tick_s,
        reader.get(13),
        reader.svar(TEMP_BITS),
        reset_cause(reader.get(3)),
        reader.var(BOOTS_BITS),
        reader.var(OUTBOX_BITS),
        reader.var(DROPPED_BITS),
        reader.var(REJECTED_BITS),
        reader.svar(RSSI_BITS),
        reader.svar(SNR_BITS),
        reader.var(HEAP_BITS),
        reader.get(16),
        reader.var(FIRMWARE_BITS),
        reader.get(16),
        echo,
    )
    reader.finish()
    return message


class Hello:
    TYPE = HELLO

    def __init__(
        self,
        life: int,
        tick_s: int,
        reset_cause: int,
        boots: int,
        firmware: int,
        config_version: int,
        channels: list[int],
        echo: tuple[int, int] | None = None,
    ) -> None:
        self.life = life
        self.tick_s = tick_s
        self.reset_cause = reset_cause
        self.boots = boots
        self.firmware = firmware
        self.config_version = config_version
        self.channels = channels  # quantity codes of channels 0, 1 …
        self.echo = echo

    def _fields(self) -> tuple[object, ...]:
        return (
            (self.life, self.tick_s, self.reset_cause, self.boots, self.firmware),
            (self.config_version, tuple(self.channels), self.echo),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Hello) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return "Hello%r" % (self._fields(),)

    def put_fields(self, writer: BitWriter) -> None:
        if len(self.channels) > CHANNELS_MAX:
            raise Malformed("%d channels" % len(self.channels))
        writer.put(reset_cause(self.reset_cause), 3)
        put_count(writer, self.boots, BOOTS_BITS)
        writer.var(self.firmware, FIRMWARE_BITS)
        writer.put(self.config_version, 16)
        writer.put(len(self.channels), 3)
        for code in self.channels:
            writer.put(quantity(code), 5)

    def encode(self, max_body: int = MAX_BODY) -> bytes:
        return assemble(self, max_body)


def decode_hello(body: bytes) -> Hello:
    reader = BitReader(body)
    life, tick_s, echo = get_head(reader)
    cause = reset_cause(reader.get(3))
    boots = reader.var(BOOTS_BITS)
    firmware = reader.var(FIRMWARE_BITS)
    config_version = reader.get(16)
    count = reader.get(3)
    if count > CHANNELS_MAX:
        raise Malformed("%d channels" % count)
    channels = [quantity(reader.get(5)) for _ in range(count)]
    reader.finish()
    return Hello(life, tick_s, cause, boots, firmware, config_version, channels, echo)


# How far the node is with a release: `next` is the offset of the image that it wants to have now.
class Progress:
    TYPE = PROGRESS

    def __init__(
        self,
        life: int,
        tick_s: int,
        release: int,
        next: int,
        state: int,
        echo: tuple[int, int] | None = None,
    ) -> None:
        self.life = life
        self.tick_s = tick_s
        self.release = release
        self.next = next
        self.state = state  # PROGRESS_ codes
        self.echo = echo

    def _fields(self) -> tuple[object, ...]:
        return (self.life, self.tick_s, self.release, self.next, self.state, self.echo)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Progress) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return "Progress%r" % (self._fields(),)

    def put_fields(self, writer: BitWriter) -> None:
        if not 0 <= self.state <= PROGRESS_RUNNING:
            raise Malformed("unknown state of progress")
        writer.put(self.release, 16)
        writer.var(self.next, NEXT_BITS)
        writer.put(self.state, 2)

    def encode(self, max_body: int = MAX_BODY) -> bytes:
        return assemble(self, max_body)


def decode_progress(body: bytes) -> Progress:
    reader = BitReader(body)
    life, tick_s, echo = get_head(reader)
    release = reader.get(16)
    following = reader.var(NEXT_BITS)
    state = reader.get(2)
    reader.finish()
    return Progress(life, tick_s, release, following, state, echo)
