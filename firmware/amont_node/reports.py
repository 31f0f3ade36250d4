# The frames that a node tells itself with, and the one that carries its samples. From the node's
# state to a frames.Frame; nothing is sent here.

from amont_node import frames
from amont_node.delivery import HEALTH, HELLO, PROGRESS, URGENT
from amont_wire import const
from amont_wire.uplink import Health, Hello, Progress

_BATTERY_MV_MAX = 8191
_VALUES_MAX = 64


# (frame, wire type) of a plan; (None, 0): there is nothing left to tell.
def build(node, plan, tick_s: int, echo):  # type: ignore[no-untyped-def]
    node.duty.tune(getattr(node.carrier, "sf", 0))
    if plan.kind == HELLO:
        return _alone(hello(node, tick_s, echo), echo), const.HELLO
    if plan.kind == HEALTH:
        return _alone(health(node, tick_s, echo), echo), const.HEALTH
    if plan.kind == PROGRESS:
        return _alone(progress(node, tick_s, echo), echo), const.PROGRESS
    kind = const.URGENT if plan.kind == URGENT else const.SAMPLES
    return samples(node, plan, tick_s, echo), kind


def _alone(message, echo) -> frames.Frame:  # type: ignore[no-untyped-def]
    return frames.Frame(message.encode(), 0, 0, echo is not None)


# A frame holds so many values at most, and the heap has no room for more than it holds.
def _bound(plan, channels: int) -> None:  # type: ignore[no-untyped-def]
    most = max(1, _VALUES_MAX // channels)
    if plan.keeps_oldest():
        plan.last = min(plan.last, plan.first + most - 1)
    else:
        plan.first = max(plan.first, plan.last - most + 1)


def samples(node, plan, tick_s: int, echo):  # type: ignore[no-untyped-def]
    _bound(plan, len(node._config.channels))
    records = node.outbox.read(plan.life, plan.first, plan.last)
    if not records:
        return None
    if plan.keeps_oldest():  # what cannot be read must not hold up all that comes after it
        node.outbox.give_up(plan.life, plan.first, records[0].seq - 1)
    fast = node.duty.fast(tick_s)
    if plan.life != node._life.number:
        # That clock is gone: the tick of its last sample is the latest that it is known to
        # have reached. And no echo: nothing of that life is fresh.
        tick_s = node.outbox.last_tick_s(plan.life) or records[-1].tick_s
        echo = None
        fast = False
    span = node.outbox.spans.get(plan.life)
    backlog = 0 if span is None else max(0, span.last - span.first)
    return frames.build(node._config, records, plan.keeps_oldest(), tick_s, backlog, fast, echo)


def hello(node, tick_s: int, echo) -> Hello:  # type: ignore[no-untyped-def]
    return Hello(
        node._life.number, tick_s, node.reset_cause, node._lives.boots, node.release,
        node._config.version, [channel.quantity for channel in node._config.channels], echo,
    )  # fmt: skip


def health(node, tick_s: int, echo) -> Health:  # type: ignore[no-untyped-def]
    carrier = node.carrier
    return Health(
        node._life.number, tick_s, battery_mv(node), 0, node.reset_cause, node._lives.boots,
        node.outbox.waiting(), node.outbox.dropped,
        node._rejected + node.duty.delivery.rejected, carrier.rssi_dbm, carrier.snr_db4,
        node.hal.free_heap_bytes() // 256, node._config.version, node.release, _faults(node), echo,
    )  # fmt: skip


def progress(node, tick_s: int, echo) -> Progress:  # type: ignore[no-untyped-def]
    release, following, state = node.upkeep.told()
    return Progress(node._life.number, tick_s, release, following, state, echo)


def _faults(node) -> int:  # type: ignore[no-untyped-def]
    faults = node._fault_bits | node.duty.faults()
    faults |= const.FAULT_RADIO if node.carrier.fault else 0
    faults |= const.FAULT_OUTBOX_FULL if node.outbox.dropped else 0
    faults |= const.FAULT_SAFE_MODE if node.boot.is_safe else 0
    faults |= const.FAULT_UPDATE if node.boot.failed else 0
    short = getattr(node.carrier, "short", False)  # by the radio module's own account
    faults |= const.FAULT_AIRTIME if node.duty.airtime.news() or short else 0
    return int(faults)


# The last value of the channel that measures it, 0 if none does.
def battery_mv(node) -> int:  # type: ignore[no-untyped-def]
    for channel in node._config.channels:
        if channel.quantity == const.QUANTITY_CODES["battery_mv"]:
            return int(max(0, min(node._values[channel.index], _BATTERY_MV_MAX)))
    return 0
