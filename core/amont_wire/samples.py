# Samples and urgent: up to 64 samples of up to four channels at a steady interval. The encoder
# drops the oldest readings until the body fits; the newest sample always fits once the echo is
# left to another frame.

from amont_wire import rice
from amont_wire.bits import BitReader, BitWriter, var_cost, zigzag
from amont_wire.const import (
    CHANNELS_MAX,
    INTERVAL_BITS,
    INTERVAL_OTHER,
    INTERVALS,
    MAX_BODY,
    QUALITY_MAX,
    QUANTITIES,
    READINGS_MAX,
    SAMPLES,
    SEQ_BITS,
    STEPS,
    TICK_BITS,
    VALUE_BITS,
    VALUE_MAX,
)
from amont_wire.errors import Malformed
from amont_wire.uplink import get_head, put_head

_INTERVAL_INDEX = {seconds: index for index, seconds in enumerate(INTERVALS)}
_STEP_INDEX = {step: index for index, step in enumerate(STEPS)}


# One channel's readings, oldest first. `values` are in the quantity's unit; they are carried
# rounded to the nearest multiple of `step` (one of STEPS). `quality` is one code a value; None
# says all good. Two channels with the same readings are equal: the step is only how they travel.
class Channel:
    __slots__ = ("index", "quality", "quantity", "step", "values")

    def __init__(
        self,
        index: int,
        quantity: int,
        step: int,
        values: list[int],
        quality: list[int] | None = None,
    ) -> None:
        self.index = index
        self.quantity = quantity
        self.step = step
        self.values = values
        self.quality = [0] * len(values) if quality is None else quality

    def _fields(self) -> tuple[object, ...]:
        return (self.index, self.quantity, tuple(self.values), tuple(self.quality))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Channel) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        fields = self._fields()
        return "Channel%r" % (fields[:2] + (self.step,) + fields[2:],)

    # The step to carry and the values divided by it. Many probes say whole centimetres: where all
    # values are multiples of a larger step, that one costs fewer bits and loses nothing.
    def scaled(self) -> tuple[int, list[int]]:
        step = self.step
        if step not in _STEP_INDEX:
            raise Malformed("step %d" % step)
        half = step // 2
        scaled = [(value + half) // step for value in self.values]
        if max(scaled) > VALUE_MAX or min(scaled) < -VALUE_MAX:
            raise Malformed("value out of range")
        factor = 1
        for coarse in STEPS:
            if coarse % step == 0 and not any([value % (coarse // step) for value in scaled]):
                factor = coarse // step
        return step * factor, [value // factor for value in scaled]


# Bits of one channel for a growing number of readings, newest first.
class _ChannelSize:
    def __init__(self, scaled: list[int], quality: list[int]) -> None:
        self._scaled = scaled
        self._quality = quality
        self._cost = rice.DeltaCost()
        self._good = True

    # Takes reading `at` into account; the bits of at … end.
    def extend(self, at: int, count: int) -> int:
        scaled = self._scaled
        if self._quality[at]:
            self._good = False
        bits = 9 + var_cost(zigzag(scaled[at])) + (0 if self._good else 3 * count)
        if count > 1:
            self._cost.add(zigzag(scaled[at + 1] - scaled[at]))
            bits += 4 + self._cost.cheapest()[0]
        return bits


class Samples:
    TYPE = SAMPLES

    def __init__(
        self,
        life: int,
        tick_s: int,
        seq: int,
        lag_s: int,
        interval_s: int,
        backlog: int,
        fast: bool,
        channels: list[Channel],
        echo: tuple[int, int] | None = None,
    ) -> None:
        self.life = life
        self.tick_s = tick_s
        self.seq = seq  # of the newest sample
        self.lag_s = lag_s  # tick_s minus the newest sample's tick
        self.interval_s = interval_s  # 0 after decoding a single sample
        self.backlog = backlog
        self.fast = fast
        self.channels = channels
        self.echo = echo

    def _fields(self) -> tuple[object, ...]:
        return (
            (self.life, self.tick_s, self.seq, self.lag_s, self.interval_s, self.backlog),
            (bool(self.fast), tuple(self.channels), self.echo),
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Samples) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        return "Samples%r" % (self._fields(),)

    # Samples per channel.
    @property
    def count(self) -> int:
        return len(self.channels[0].values)

    # For each sample, oldest first: (seq, tick_s, [(index, quantity, value, quality) of each
    # channel]).
    def rows(self) -> list[tuple[int, int, list[tuple[int, int, int, int]]]]:
        count = self.count
        columns = [
            [(c.index, c.quantity, v, q) for v, q in zip(c.values, c.quality)]  # noqa: B905
            for c in self.channels
        ]
        first = self.seq - count + 1
        tick_s = self.tick_s - self.lag_s - (count - 1) * self.interval_s
        step = self.interval_s
        return [
            (first + i, tick_s + i * step, list(row))
            for i, row in enumerate(zip(*columns))  # noqa: B905
        ]

    def encode(self, max_body: int = MAX_BODY) -> bytes:
        return self.encode_trimmed(max_body)[0]

    # The body, and how many samples it carries: the newest ones. uplink.carries_echo tells about
    # the echo.
    def encode_trimmed(self, max_body: int = MAX_BODY) -> tuple[bytes, int]:
        self._check()
        steps, scaled = zip(*[channel.scaled() for channel in self.channels])  # noqa: B905
        for echo in (self.echo, None):
            frame = BitWriter()
            put_head(frame, self.life, self.tick_s, echo)
            carried = self._fitting(scaled, max_body * 8 - frame.bit_length)
            if carried:
                self._put(frame, steps, scaled, carried)
                return frame.tobytes(), carried
        raise Malformed("one sample does not fit %d bytes" % max_body)

    def _check(self) -> None:
        if not 1 <= len(self.channels) <= CHANNELS_MAX:
            raise Malformed("%d channels" % len(self.channels))
        count = self.count
        if not 1 <= count <= READINGS_MAX:
            raise Malformed("%d readings" % count)
        last = -1
        for channel in self.channels:
            _check_channel(channel, count, last)
            last = channel.index
        _check_times(self.seq, count, self.lag_s, self.tick_s)
        if count > 1 and (self.interval_s < 1 or self.interval_s >> INTERVAL_BITS):
            raise Malformed("interval out of range")

    # The most samples, newest first, whose bits fit; 0 if not even one does.
    def _fitting(self, scaled: tuple[list[int], ...], room: int) -> int:
        room -= 11 + var_cost(self.seq) + var_cost(self.lag_s) + var_cost(self.backlog)
        sizes = [
            _ChannelSize(values, channel.quality)
            for values, channel in zip(scaled, self.channels)  # noqa: B905
        ]
        fitting = 0
        total = self.count
        for count in range(1, total + 1):
            bits = sum([size.extend(total - count, count) for size in sizes])
            if count > 1:
                bits += self._interval_bits()
            if bits <= room:
                fitting = count
            elif bits - room > VALUE_BITS * len(sizes):
                break  # only the oldest values can become shorter, by less than this
        return fitting

    def _interval_bits(self) -> int:
        return 4 if self.interval_s in _INTERVAL_INDEX else 4 + var_cost(self.interval_s)

    def _put(
        self,
        writer: BitWriter,
        steps: tuple[int, ...],
        scaled: tuple[list[int], ...],
        carried: int,
    ) -> None:
        mask = 0
        for channel in self.channels:
            mask |= 1 << channel.index
        writer.put(mask, 4)
        writer.put(carried - 1, 6)
        writer.var(self.seq, SEQ_BITS)
        writer.var(self.lag_s, TICK_BITS)
        if carried > 1:
            index = _INTERVAL_INDEX.get(self.interval_s, INTERVAL_OTHER)
            writer.put(index, 4)
            if index == INTERVAL_OTHER:
                writer.var(self.interval_s, INTERVAL_BITS)
        writer.var(self.backlog, SEQ_BITS)
        writer.put(1 if self.fast else 0, 1)
        for channel, step, values in zip(self.channels, steps, scaled):  # noqa: B905
            writer.put(channel.quantity, 5)
            writer.put(_STEP_INDEX[step], 3)
            rice.encode(writer, values[-carried:])
            _put_quality(writer, channel.quality[-carried:])


def _check_channel(channel: Channel, count: int, last_index: int) -> None:
    if not last_index < channel.index < CHANNELS_MAX:
        raise Malformed("channels out of order")
    if channel.quantity not in QUANTITIES:
        raise Malformed("unknown quantity %d" % channel.quantity)
    if len(channel.values) != count or len(channel.quality) != count:
        raise Malformed("channels of different length")
    if min(channel.quality) < 0 or max(channel.quality) > QUALITY_MAX:
        raise Malformed("unknown quality")


def _check_times(seq: int, count: int, lag_s: int, tick_s: int) -> None:
    if seq < count - 1:
        raise Malformed("more readings than the life has samples")
    if lag_s > tick_s:
        raise Malformed("sample before its life began")


def _put_quality(writer: BitWriter, quality: list[int]) -> None:
    if not any(quality):
        writer.put(1, 1)
        return
    writer.put(0, 1)
    for code in quality:
        writer.put(code, 3)


def _get_interval(reader: BitReader) -> int:
    index = reader.get(4)
    if index != INTERVAL_OTHER:
        return INTERVALS[index]
    interval_s = reader.var(INTERVAL_BITS)
    if interval_s == 0 or interval_s in _INTERVAL_INDEX:
        raise Malformed("interval out of range")
    return interval_s


def _get_channel(reader: BitReader, index: int, count: int) -> Channel:
    quantity = reader.get(5)
    if quantity not in QUANTITIES:
        raise Malformed("unknown quantity %d" % quantity)
    step = STEPS[reader.get(3)]
    values = rice.decode(reader, count)
    if step > 1:
        values = [value * step for value in values]
    if reader.get(1):
        return Channel(index, quantity, step, values)
    quality = [reader.get(3) for _ in range(count)]
    if max(quality) > QUALITY_MAX or not any(quality):
        raise Malformed("unknown quality")
    return Channel(index, quantity, step, values, quality)


def decode_samples(body: bytes) -> Samples:
    reader = BitReader(body)
    life, tick_s, echo = get_head(reader)
    mask = reader.get(4)
    if mask == 0:
        raise Malformed("no channel")
    count = reader.get(6) + 1
    seq = reader.var(SEQ_BITS)
    lag_s = reader.var(TICK_BITS)
    _check_times(seq, count, lag_s, tick_s)
    interval_s = _get_interval(reader) if count > 1 else 0
    backlog = reader.var(SEQ_BITS)
    fast = reader.get(1) == 1
    channels = [
        _get_channel(reader, index, count) for index in range(CHANNELS_MAX) if mask >> index & 1
    ]
    reader.finish()
    return Samples(life, tick_s, seq, lag_s, interval_s, backlog, fast, channels, echo)
