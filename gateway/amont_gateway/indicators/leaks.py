"""Follow each leak from its first sign to its repair: what it has cost, what its repair saves.

A leak's size is what the models said of it, day by day; between two days it keeps the elder size,
and before anybody saw it, its first. *Lost* is that, from its beginning to its end. *Saved* is
what it would have gone on losing at its last size since it was repaired, for one year at most.
Both are estimates, as sizes are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from amont_gateway.notes import Note

DAY_MS = 86_400_000
SAME_MS = 3 * DAY_MS  # what is said anew of the same leak moves its beginning at most so far
HOLDS_MS = 7 * DAY_MS  # a leak that is still seen so long after its repair was not repaired
LATE_MS = 14 * DAY_MS  # a repair that people note so long after the leak was gone is its repair
YEAR_MS = 365 * DAY_MS
WATCHED, OPEN, REPAIRED, GONE = range(4)  # series.LEAK_STATES


@dataclass(frozen=True)
class Shown:
    """What a model says of a leak now; ``number`` is its own count, 0 where it has none."""

    since_ms: int
    size_l_h: float | None
    probability: float | None
    is_sure: bool
    number: int = 0


@dataclass(frozen=True)
class Leak:
    """One leak of a zone or network, under a number of its own that is never used again.

    ``sizes``: day number -> (l/h or None, probability or None), the last of each day.
    """

    place: str
    number: int
    since_ms: int
    seen_ms: int  # last
    is_shown: bool
    is_sure: bool
    model_number: int = 0
    sizes: Mapping[int, tuple[float | None, float | None]] = field(default_factory=dict)


def seen(
    leaks: Sequence[Leak], place: str, shown: Iterable[Shown], now_ms: int, day: int
) -> list[Leak]:
    """Return a place's leaks after a look at what is shown of it now, changed ones and all.

    ``leaks`` are all known of that place. A leak that is shown again soon after it was gone, or
    after a restart, is the same one.
    """
    left = {leak.number: leak for leak in leaks}
    taken: set[int] = set()
    for one in shown:
        leak = _same([x for x in left.values() if x.number not in taken], one)
        if leak is None:
            number = max(left, default=0) + 1
            leak = Leak(place, number, one.since_ms, now_ms, True, one.is_sure, one.number)
        size = {day: (one.size_l_h, one.probability)}
        left[leak.number] = replace(
            leak,
            since_ms=min(leak.since_ms, one.since_ms),
            seen_ms=now_ms,
            is_shown=True,
            is_sure=leak.is_sure or one.is_sure,
            model_number=one.number,
            sizes={**leak.sizes, **size},
        )
        taken.add(leak.number)
    return [
        replace(leak, is_shown=leak.number in taken) if leak.is_shown else leak
        for leak in left.values()
    ]


def _same(leaks: Sequence[Leak], one: Shown) -> Leak | None:
    """Return which of the leaks is meant, None if it is a new one.

    Its beginning tells more than its number, which another start of the gateway may give anew.
    """
    near = [leak for leak in leaks if abs(leak.since_ms - one.since_ms) <= SAME_MS]
    # one that was gone comes back only if it was gone for a short time
    near = [x for x in near if x.is_shown or one.since_ms <= x.seen_ms + SAME_MS]
    numbered = [leak for leak in leaks if leak.is_shown and leak.model_number == one.number]
    both = [leak for leak in near if leak in numbered]
    return max(both or near or numbered, key=lambda leak: leak.seen_ms, default=None)


@dataclass(frozen=True)
class LeakState:
    """What may be said of a leak at one moment; litres become m³ here."""

    state: int
    size_l_h: float | None
    probability: float | None
    open_d: float
    lost_m3: float | None
    saved_m3: float | None


def repaired_ms(leak: Leak, notes: Iterable[Note], now_ms: int) -> int | None:
    """Return when people say that a leak was repaired, if nothing seen since contradicts it."""
    limit_ms = now_ms if leak.is_shown else leak.seen_ms + LATE_MS
    times = [
        note.at_ms
        for note in notes
        if note.kind == "repair"
        and note.place == leak.place
        and note.leak in (None, leak.number)
        and leak.since_ms - DAY_MS <= note.at_ms <= limit_ms
    ]
    holding = [at for at in times if leak.seen_ms <= at + HOLDS_MS]
    return min(holding, default=None)


def state_at(leak: Leak, fixed_ms: int | None, at_ms: int, days: Mapping[int, int]) -> LeakState:
    """Return what was so at a moment, knowing what is known now.

    ``fixed_ms`` of ``repaired_ms``; ``days``: when each day of ``leak.sizes`` begins.
    """
    gone_ms = None if leak.is_shown else leak.seen_ms
    if gone_ms is not None and fixed_ms is not None and 0 < fixed_ms - gone_ms <= DAY_MS:
        gone_ms = fixed_ms  # it ran until then, as far as anybody can tell
    ends = [x for x in (fixed_ms, gone_ms, at_ms) if x is not None]
    end_ms = max(leak.since_ms, min(ends))
    state = OPEN if leak.is_sure else WATCHED
    if fixed_ms is not None and fixed_ms <= at_ms:
        state = REPAIRED
    elif gone_ms is not None and gone_ms <= at_ms:
        state = GONE
    size, chance = _last_size(leak, days, end_ms)
    saved = None
    if state == REPAIRED and leak.is_sure and size is not None and fixed_ms is not None:
        saved = size * min(at_ms - fixed_ms, YEAR_MS) / 3_600_000 / 1000
    return LeakState(
        state,
        size,
        chance,
        (end_ms - leak.since_ms) / DAY_MS,
        lost_m3(leak, days, end_ms) if leak.is_sure else None,
        saved,
    )


def lost_m3(leak: Leak, days: Mapping[int, int], end_ms: int) -> float | None:
    """Return what a leak has lost from its beginning to ``end_ms``, None without any size."""
    steps = [
        (days[day], size) for day, (size, _) in sorted(leak.sizes.items()) if size is not None
    ]
    if not steps:
        return None
    begins = [leak.since_ms, *(max(begin, leak.since_ms) for begin, _ in steps[1:])]
    total_l = 0.0
    for k, (_, size) in enumerate(steps):
        until_ms = begins[k + 1] if k + 1 < len(steps) else end_ms
        total_l += size * max(0, min(until_ms, end_ms) - begins[k]) / 3_600_000
    return total_l / 1000


def _last_size(
    leak: Leak, days: Mapping[int, int], end_ms: int
) -> tuple[float | None, float | None]:
    """Return the last size and probability that were said before a moment, or the first."""
    told = [pair for day, pair in sorted(leak.sizes.items()) if pair[0] is not None]
    before = [
        pair
        for day, pair in sorted(leak.sizes.items())
        if days[day] < end_ms and pair[0] is not None
    ]
    return (before or told[:1] or [(None, None)])[-1]
