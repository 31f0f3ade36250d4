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


# The samples at the kept end that one frame can tell: without a gap, evenly spaced, of the same
# channels.
def steady_run(records, keeps_oldest: bool):  # type: ignore[no-untyped-def]
    ordered = records if keeps_oldest else [r for r in reversed(records)]
    run = ordered[:1]
    spacing = 0
    for record in ordered[1:]:
        before = run[-1]
        apart = abs(record.tick_s - before.tick_s)
        if len(run) == 1:
            spacing = apart
        steady = apart == spacing > 0 and abs(record.seq - before.seq) == 1
        if not steady or record.mask != before.mask:
            break
        run.append(record)
    return run if keeps_oldest else [r for r in reversed(run)]


# records: as read from the outbox, one life, in order, at least one. tick_s: the frame's, not
# before the newest sample's. backlog: see docs/wire-format.md.
def build(config, records, keeps_oldest: bool, tick_s: int, backlog: int, fast: bool, echo):  # type: ignore[no-untyped-def]
    run = steady_run(records, keeps_oldest)
    while True:
        body, carried = _message(config, run, tick_s, backlog, fast, echo).encode_trimmed()
        if carried == len(run) or not keeps_oldest:
            break
        # The encoder keeps the newest. As many of the oldest fit about as well: try those.
        run = run[:carried]
    run = run[len(run) - carried :]
    return Frame(body, run[0].seq, run[-1].seq, echo is not None and carries_echo(body))


def _message(config, run, tick_s: int, backlog: int, fast: bool, echo) -> Samples:  # type: ignore[no-untyped-def]
    newest = run[-1]
    interval_s = newest.tick_s - run[-2].tick_s if len(run) > 1 else 0
    channels = []
    for channel in config.channels:
        index = channel.index
        if newest.mask >> index & 1:
            values = [record.values[index] for record in run]
            quality = [record.quality >> 3 * index & 7 for record in run]
            channels.append(Channel(index, channel.quantity, channel.step, values, quality))
    lag_s = tick_s - newest.tick_s
    return Samples(
        newest.life, tick_s, newest.seq, lag_s, interval_s, backlog, fast, channels, echo
    )


# The value as the wire can carry it, and whether it could not.
def clamped(value: int, step: int) -> tuple[int, bool]:
    most = VALUE_MAX * step
    if value > most:
        return most, True
    if value < -most:
        return -most, True
    return value, False
