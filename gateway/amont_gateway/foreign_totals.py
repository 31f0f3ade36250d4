"""Turn a running total, as a meter's index, into what came since the reading before; pure.

The total itself is kept in the same row of the journal, as a second value of no quantity, so that
the next difference is right after any restart. When messages are lost, what they told is not.
"""

from __future__ import annotations

from typing import NamedTuple

from amont_gateway.readings import (
    CHANNEL_BYTES,
    MISSING,
    OUT_OF_RANGE,
    SUSPECT,
    pack_channels,
    unpack_channels,
)

NO_QUANTITY = 0  # of the second value: no reader of readings looks at it
FLOW = 3  # quantity code: what came is told by the hour
LONG = 3  # intervals: rain since longer ago did not fall at the time of the reading
_GOOD = 0
_HOUR_MS = 3_600_000


class Total(NamedTuple):
    """A total that was read, and when."""

    at_ms: int
    value: int


class Rule(NamedTuple):
    """What a difference must be to be good."""

    interval_s: int
    least: int
    most: int


def kept(at_ms: int, channels: bytes) -> Total | None:
    """Return the total that a row holds; None if it holds none."""
    if len(channels) != 2 * CHANNEL_BYTES:
        return None
    return Total(at_ms, unpack_channels(channels)[1].value)


def row(number: int, quantity: int, total: Total, before: Total | None, rule: Rule) -> bytes:
    """Return a row's channels: what came since ``before``, and the total."""
    value, quality = _since(quantity, total, before, rule)
    return pack_channels(
        [(number, quantity, quality, value), (number, NO_QUANTITY, _GOOD, total.value)]
    )


def went_back(total: Total, before: Total | None) -> bool:
    """Tell a meter that was changed, or began anew."""
    return before is not None and total.value < before.value


def _since(quantity: int, total: Total, before: Total | None, rule: Rule) -> tuple[int, int]:
    if before is None or went_back(total, before):
        return 0, MISSING  # where it begins; nothing is known of what came
    came, passed_ms = total.value - before.value, total.at_ms - before.at_ms
    is_flow = quantity == FLOW
    value = round(came * _HOUR_MS / passed_ms) if is_flow else came
    if not rule.least <= value <= rule.most:
        return value, OUT_OF_RANGE
    is_long = passed_ms > LONG * rule.interval_s * 1000
    return value, SUSPECT if is_long and came and not is_flow else _GOOD
