# From stored records to the body of a frame. Pure.

from amont_wire.const import VALUE_MAX
from amont_wire.samples import Channel, Samples
from amont_wire.uplink import carries_echo


# What a frame says besides its samples.
class Frame:
    def __init__(self, body: bytes, first: int, last: int, echoes: bool) -> None:
        self.body = body
        self.first = first  # oldest sample in it
        self.last = last
        self.echoes = echoes  # there was room for the echo


# Where the samples lie that one frame can tell, (first, end): at the kept end, without a gap,
# evenly spaced, of the same channels.
def steady_run(records, keeps_oldest: bool) -> tuple[int, int]:  # type: ignore[no-untyped-def]
    count = len(records)
    step = 1 if keeps_oldest else -1
    at = 0 if keeps_oldest else count - 1
    before = records[at]
    spacing = 0
    length = 1
    while length < count:
        record = records[at + step * length]
        apart = abs(record.tick_s - before.tick_s)
        if length == 1:
            spacing = apart
        steady = apart == spacing > 0 and abs(record.seq - before.seq) == 1
        if not steady or record.mask != before.mask:
            break
        before = record
        length += 1
    return (0, length) if keeps_oldest else (count - length, count)


# records: as read from the outbox, one life, in order, at least one. tick_s: the frame's, not
# before the newest sample's. backlog: see docs/wire-format.md.
def build(config, records, keeps_oldest: bool, tick_s: int, backlog: int, fast: bool, echo):  # type: ignore[no-untyped-def]
    first, end = steady_run(records, keeps_oldest)
    while True:
        message = _message(config, records, first, end)
        message.lag_s = tick_s - message.tick_s
        message.tick_s = tick_s
        message.backlog = backlog
        message.fast = fast
        message.echo = echo
        body, carried = message.encode_trimmed()
        if carried == end - first or not keeps_oldest:
            break
        # The encoder keeps the newest. As many of the oldest fit about as well: try those.
        end = first + carried
    last = records[end - 1].seq
    return Frame(body, last - carried + 1, last, echo is not None and carries_echo(body))


# Of the newest sample's own tick, and nothing beside the samples.
def _message(config, records, first: int, end: int) -> Samples:  # type: ignore[no-untyped-def]
    newest = records[end - 1]
    interval_s = newest.tick_s - records[end - 2].tick_s if end - first > 1 else 0
    channels = []
    for channel in config.channels:
        if newest.mask >> channel.index & 1:
            channels.append(Channel(channel.index, channel.quantity, channel.step, [], []))
    for at in range(first, end):
        record = records[at]
        for told in channels:
            told.values.append(record.values[told.index])
            told.quality.append(record.quality >> 3 * told.index & 7)
    return Samples(newest.life, newest.tick_s, newest.seq, 0, interval_s, 0, False, channels)


# The value as the wire can carry it, and whether it could not.
def clamped(value: int, step: int) -> tuple[int, bool]:
    most = VALUE_MAX * step
    if value > most:
        return most, True
    if value < -most:
        return -most, True
    return value, False
