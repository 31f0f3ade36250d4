"""Doubt single readings of one sensor, from what it said before and just after; numpy only.

Nothing is deleted or altered: a reading gets a code of causes, zero for none. The code is given
when the reading arrives and looked at again when the next three have come, and once more when
twelve have; a later look may add a cause or take back one (a spike is also a run of up to six
readings that jumped there and back: ``screening_runs``). A reading's codes rest on the
``MEMORY`` readings before it alone, so that a restart that reads the journal again finds the same.

What is usual is measured on the sensor itself: its noise around its own recent level, the
smallest step that it can tell, how fast the water moves now. Rising and falling are not alike:
water falls slowly, so a far fall is doubted at once; a rise may be the flood, so it is doubted at
once only where most of this sensor's jumps came back, where nothing around explains it, or where
it is a far jump out of the blue. Such a jump is held until the water goes on rising.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.screening_runs import returned
from amont_gateway.scoring.timeline import HOUR_MS, Floats, Times, medians_before, values_before

Codes = NDArray[np.uint8]
Bools = NDArray[np.bool_]

SPIKE = 1  # away from what came before and from what came after
DROP = 2  # fell further than water falls
JUMP = 4  # rose, on a sensor whose jumps come back, or while nothing explains it
SETTLING = 8  # the first one after far drops, or elsewhere: out of the water and in again
FLAT = 16  # stands still far longer than it ever did
FROZEN = 32  # ice around the sensor (crosscheck)
APART = 64  # drifts away from its neighbours (crosscheck)
PULSES = 128  # a pulse chain that broke or chatters (crosscheck)
CAUSES = ("spike", "drop", "jump", "settling", "flat", "frozen", "apart", "pulses")

SHORT = 9  # readings that tell where moving water is
LONG = 17  # readings that tell where still water is
LEAST = 12  # readings before which nothing is doubted on arrival
NOISE = 400  # readings whose departures tell the noise
BLOCK_MS = 3 * HOUR_MS  # the noise is measured anew so often
ODDS = 1000  # readings over which jumps that came back are counted
FLAT_HISTORY = 1000  # readings whose longest stillness is usual
# On readings from so many before it on, the codes of a reading are what they are on all.
MEMORY = 3 * FLAT_HISTORY
LOOK_AFTER = (0, 1, 2, 3, 12)  # each look comes so many readings after the one that is judged
LOOKS = len(LOOK_AFTER)

# Tuned on the records and parts that recipes/screening.toml names.
FLOOR_MM = 8.0  # no departure below this is worth a doubt
PER_NOISE = 2.0  # of the noise, above the floor
PER_STEP = 8.25  # of the smallest step: who tells whole centimetres errs by several
COARSE_NOISE = 4.5  # of the noise, where steps are coarse
PER_MOVE = 1.5  # of the third largest of the last eight steps, where the water moves
STILL_NOISE = 3.0  # so much of these steps is noise, where it does not
FALL = 8.0  # margins that no water falls between two readings
DEEP = 4.0  # margins of a drop after which the sensor has to settle
LATE = 0.5  # margins per missed reading: behind a gap the water may have moved
HASTE = (1.06, 1.1, 1.06)  # margins that a departure needs: on arrival, after one, after two
BACK = 0.5  # of a departure that must be undone to make it a spike
BACK_LATER = 0.8  # where it lasted
FAR_OUT = 2.0  # margins of one step and back that make a spike on moving water as well
NEVER = 2**40  # readings ago
ISOLATED = 3  # readings at most that are a spike and no rise
SURE = 0.75  # share of jumps that came back, from which the next is doubted on arrival
PRIOR_FALL = (2.0, 0.5)  # imagined (came back, stayed) before anything was seen
PRIOR_RISE = (0.5, 1.0)
HELD = 3  # readings at most for which a jump out of the blue waits
HELD_MM = 250.0  # no smaller jump is held: it brings no warning by itself
HELD_MARGINS = 2.0
HELD_TIMES = 6.0  # as far as the farthest rise of the three readings before it
HELD_ON = 0.2  # of the jump: so much further up is water that goes on rising,
HELD_ON_MM = 100.0  # or so much
HELD_BACK = 0.8  # of the jump: so much further down is a spike
LATE_HASTE = 1.04  # margins that it needs at the last look
LATE_MM = 60.0  # no departure below this is worth the last look
LATE_AGREE = 0.5  # of a margin, by which the stretches before and after may differ
FLAT_LEAST = 12
RESTLESS = 0.5  # share of repeated readings of a sensor whose standing still means something
FLAT_TIMES = 3  # as long as the longest stillness before
# Mean of |z| below its 80th percentile, for a normal z: makes a trimmed mean a deviation.
_TRIMMED = 0.5586


def cause_names(code: int) -> list[str]:
    """Return the names of a code's causes; empty means nothing to doubt."""
    return [name for bit, name in enumerate(CAUSES) if code >> bit & 1]


class Checked(NamedTuple):
    """Codes of readings: ``t_ms`` int64[n]; ``code`` uint8[n, LOOKS], the last look last."""

    t_ms: Times
    code: Codes

    def as_of(self, now_ms: int) -> Codes:
        """Return each reading's code as far as it was known at ``now_ms``; uint8[until now]."""
        until = int(np.searchsorted(self.t_ms, now_ms, side="right"))
        look = _look(np.arange(until)[::-1])
        return self.code[np.arange(until), look]

    @property
    def ever(self) -> Bools:
        """Return which readings were doubted at any look."""
        return np.asarray(self.code.any(axis=1))

    @property
    def settled(self) -> Codes:
        """Return the codes of the last look."""
        return np.asarray(self.code[:, -1])

    @property
    def unsettled(self) -> Bools:
        """Return at which readings it, or one before, was not yet judged as the last look does."""
        sure = self.settled == 0
        out = np.zeros(len(sure), bool)
        for age, look in enumerate(_look(np.arange(LOOK_AFTER[-1])).tolist()):
            other = (self.code[:, look] == 0) != sure
            out[age:] |= other[: max(0, len(other) - age)]
        return out


def _look(age: Times) -> Times:
    """Return the number of the last look at readings after which so many have come."""
    return np.asarray(np.searchsorted(LOOK_AFTER, age, side="right") - 1)


def check(
    t_ms: Times,
    value_mm: Floats,
    still: Bools | None = None,
    agrees: Bools | None = None,
    soaked: Bools | None = None,
    caution: float = 1.0,
) -> Checked:
    """Return the codes of a level sensor's readings, oldest first; inputs are left as they are.

    ``value_mm`` must be finite and ``t_ms`` rise. ``still``: nothing around explains a rise;
    ``agrees``: a neighbour made the same move; ``soaked``: heavy rain explains any rise (each
    bool[n], by ``crosscheck``). ``caution`` widens all margins.
    """
    count = len(t_ms)
    code = np.zeros((count, LOOKS), np.uint8)
    if count < 2:
        return Checked(t_ms, code)
    moves = _Moves(t_ms, value_mm, caution)
    out = moves.out
    alone = np.ones(count, bool) if agrees is None else ~agrees
    spikes = [moves.spikes(look) & alone for look in range(1, len(HASTE))]
    came_back = spikes[-1]
    fall, rise = out & (moves.away < 0) & alone, out & (moves.away > 0) & alone
    drop = fall & ((_odds(fall, came_back, PRIOR_FALL) >= SURE) | moves.far(FALL))
    doubtful = _odds(rise, came_back, PRIOR_RISE) >= SURE
    if still is not None:
        doubtful |= still
    jump = rise & doubtful & ~_after(rise)  # the next one that is up there makes it a rise
    deep = _after(drop & moves.far(DEEP))
    settling = deep & ~fall & (moves.far(0.5) | _after(deep))
    code[:] = (DROP * drop + JUMP * jump + SETTLING * settling)[:, None]
    for look, spike in enumerate((*spikes, came_back, came_back | moves.lone & alone), start=1):
        code[:, look] |= (SPIKE * spike).astype(np.uint8)
    code |= (SPIKE * returned(value_mm, moves.margin, alone, LOOK_AFTER)).astype(np.uint8)
    stays = jump & ~came_back & moves.confirmed
    code[stays, 2:] &= 255 - JUMP
    code |= (JUMP * moves.held(alone if soaked is None else alone & ~soaked)).astype(np.uint8)
    code |= (FLAT * flat(value_mm))[:, None].astype(np.uint8)
    return Checked(t_ms, code)


def flat(value: Floats) -> Bools:
    """Return which readings repeat the one before for far longer than the sensor ever did.

    Only a sensor that is restless by itself is judged: one that tells whole centimetres stands
    still for days in calm water, and is right.
    """
    out = np.zeros(len(value), bool)
    repeats = np.concatenate(([0], np.cumsum(np.diff(value) == 0.0)))
    edges = np.flatnonzero(np.diff(value) != 0.0) + 1
    starts = np.concatenate(([0], edges))
    lengths = np.diff(np.concatenate((starts, [len(value)])))
    for run in np.flatnonzero((lengths > FLAT_LEAST) & (starts >= FLAT_HISTORY // 2)):
        start, first = int(starts[run]), max(0, int(starts[run]) - FLAT_HISTORY)
        if repeats[start] - repeats[first] > RESTLESS * (start - first):
            continue
        if value[start] <= value[first:start].min():
            continue  # a dry bed
        past = lengths[np.searchsorted(starts, first) : run]
        limit = max(FLAT_LEAST, FLAT_TIMES * int(past.max(initial=1)))
        out[start + limit : start + int(lengths[run])] = True
    return out


def margins(t_ms: Times, value_mm: Floats) -> Floats:
    """Return by how many mm each reading may differ from the recent level without a doubt."""
    return _Moves(t_ms, value_mm).margin


class _Moves:
    """Where a sensor's readings lie against its own recent level."""

    def __init__(self, t_ms: Times, value: Floats, caution: float = 1.0) -> None:
        self.value, self.step = value, np.abs(np.diff(value, prepend=value[0]))
        near, _ = medians_before(value, SHORT)
        level, self.known = _trimmed(values_before(value, LONG))
        from_near, from_level = value - near, value - level
        blocks = _Blocks(t_ms)
        noise = np.minimum(
            blocks.each(np.abs(from_level), _deviation), blocks.each(np.abs(from_near), _deviation)
        )
        recent = np.sort(np.nan_to_num(values_before(self.step, 8)), axis=1)[:, -3]
        coarse = np.minimum(PER_STEP * blocks.each(self.step, _fine), COARSE_NOISE * noise)
        margin = FLOOR_MM + np.maximum(PER_NOISE * noise, coarse - FLOOR_MM)
        self.calm = np.abs(near - level) <= margin / 2.0
        self.moving = np.maximum(0.0, recent - np.where(self.calm, STILL_NOISE * noise, 0.0))
        margin = np.maximum(margin, PER_MOVE * self.moving) * _patience(t_ms) * caution
        judged = (self.known >= LEAST) & np.isfinite(margin)
        self.margin = np.where(np.isfinite(margin), margin, 3.0 * FLOOR_MM + recent)
        same = np.sign(from_near) == np.sign(from_level)
        nearer = np.where(np.abs(from_near) < np.abs(from_level), from_near, from_level)
        self.away = np.where(self.calm, from_level, np.where(same, nearer, 0.0))
        self.away = np.nan_to_num(self.away)
        self.out = self._since_a_jump(judged & self.far(HASTE[0]), self.away) < NEVER

    def far(self, margins: float) -> Bools:
        """Return which readings are further off than so many margins."""
        return np.asarray(np.abs(self.away) > margins * self.margin)

    def spikes(self, look: int) -> Bools:
        """Return which readings are away from what came before and from ``look`` after it."""
        ahead = [_after_next(self.value, k + 1) for k in range(look)]
        around = np.concatenate(
            (values_before(self.value, LONG - 4), np.stack(ahead, axis=1)), axis=1
        )
        away = np.where(self.calm, self.value - _trimmed(around)[0], self.away)
        gone = (self.known >= 4) & (np.abs(away) > HASTE[look] * self.margin)
        since = self._since_a_jump(gone, away)
        # the crest of a quick flood falls again, too, but not at once to where it came from
        share = np.where(since > 0, BACK_LATER, BACK)
        own = np.diff(self.value, prepend=self.value[0])
        alone = (np.sign(own) == np.sign(away)) & (np.abs(own) > FAR_OUT * self.margin)
        found = np.zeros(len(away), bool)
        for other in ahead:
            left = self.value - other
            same = np.sign(left) == np.sign(away)
            found |= same & (since < ISOLATED) & (np.abs(left) > share * np.abs(away))
            found |= same & (since < NEVER) & alone & (np.abs(left) > BACK_LATER * np.abs(own))
        return gone & found

    @property
    def lone(self) -> Bools:
        """Return which readings stand alone between two stretches that agree: the last look."""
        count = LOOK_AFTER[-1]
        first, known = medians_before(self.value, count)
        limit = np.maximum(LATE_MM, LATE_HASTE * self.margin)
        far = (known == count) & (np.abs(self.value - first) > limit / 2.0)
        place = np.flatnonzero(far[: max(0, len(far) - count)])
        ages = np.arange(1, count + 1)
        before, after = (self.value[place[:, None] + way * ages] for way in (-1, 1))
        middle = np.median(np.concatenate((before, after), axis=1), axis=1)
        off, limit = self.value[place] - middle, limit[place]
        apart = np.abs(first[place] - np.median(after, axis=1))
        run = np.ones(len(place))
        for side in (before, after):
            beyond = (side[:, :ISOLATED] - middle[:, None]) * np.sign(off)[:, None]
            run += np.cumprod(beyond > limit[:, None], axis=1).sum(axis=1)
        lone = (np.abs(off) > limit) & (run <= ISOLATED)
        lone &= apart <= LATE_AGREE * self.margin[place]
        out = np.zeros(len(far), bool)
        out[place] = lone
        return out

    def held(self, unexplained: Bools) -> Bools:
        """Return which readings are held at each look: a jump out of the blue and its plateau.

        An echo or a leaf stays where it jumped to, a flood goes on: what rises further is believed
        at once, all of it, and what stays up is believed after ``HELD`` readings.
        """
        rises = np.diff(self.value, prepend=self.value[0])
        before = np.nan_to_num(values_before(np.maximum(rises, 0.0), 3)).max(axis=1)
        far = np.maximum(HELD_MM, np.maximum(HELD_MARGINS * self.margin, HELD_TIMES * before))
        jumps = unexplained & (self.known >= LEAST) & (self.away > 0.0) & (rises > far)
        out = np.zeros((len(rises), LOOKS), bool)
        looks = np.array(LOOK_AFTER)
        for first in np.flatnonzero(jumps):
            behind, believed = self._plateau(int(first), float(rises[first]))
            for place in range(first, behind):
                out[place] |= place + looks < believed
        return out

    def _plateau(self, first: int, jump: float) -> tuple[int, int]:
        """Return behind which reading a jump is held no more, and at which it is believed."""
        on = max(min(HELD_ON * jump, HELD_ON_MM), self.margin[first] / 2.0)
        highest = self.value[first]
        for place in range(first + 1, min(first + HELD, len(self.value) - 1) + 1):
            value = self.value[place]
            if value < self.value[first] - HELD_BACK * jump:
                return place, NEVER
            if value > highest + on or place == first + HELD:
                return place, place
            highest = max(highest, value)
        return len(self.value), NEVER

    @property
    def confirmed(self) -> Bools:
        """Return which readings the next two do not take back."""
        nexts = [_after_next(self.value, k) for k in (1, 2)]
        return np.asarray(np.all([other > self.value - self.margin for other in nexts], axis=0))

    def _since_a_jump(self, out: Bools, away: Floats) -> Times:
        """Return how many readings ago a run of departures to one side jumped; else a lot."""
        place = np.arange(len(out))
        goes_on = np.zeros(len(out), bool)
        goes_on[1:] = out[:-1] & (np.sign(away[1:]) == np.sign(away[:-1]))
        start = np.maximum.accumulate(np.where(out & ~goes_on, place, 0))
        # water that begins to fall gently leaves its level as well, but not by a step
        least = np.where(away < 0.0, self.margin / 2.0, 0.0)
        jump = self.step > np.maximum(least, PER_MOVE * self.moving)
        first = np.minimum.accumulate(np.where(jump, place, NEVER)[::-1])[::-1][start]
        return np.where(out & (first <= place), place - first, NEVER)


class _Blocks:
    """Measure something of the readings before each block of time."""

    def __init__(self, t_ms: Times) -> None:
        block = t_ms // BLOCK_MS
        self._first = np.flatnonzero(np.diff(block, prepend=block[0] - 1))
        self._of = np.searchsorted(self._first, np.arange(len(t_ms)), side="right") - 1

    def each(self, value: Floats, measure: Callable[[Floats], float]) -> Floats:
        """Return, for each reading, the measure of the ``NOISE`` values before its block."""
        found = np.full(len(self._first), np.nan)
        for place, first in enumerate(self._first):
            past = value[max(0, first - NOISE) : first]
            past = past[np.isfinite(past)]
            if len(past) >= LEAST:
                found[place] = measure(past)
        return np.asarray(found[self._of])


def _after_next(value: Floats, count: int) -> Floats:
    """Return the value ``count`` readings later; NaN where it has not come."""
    return np.concatenate((value[count:], np.full(min(count, len(value)), np.nan)))


def _after(flags: Bools) -> Bools:
    """Return which readings follow a flagged one."""
    return np.concatenate(([False], flags[:-1]))


def _trimmed(table: Floats) -> tuple[Floats, Times]:
    """Return each row's mean without its lowest and highest fifth, and how many were known."""
    ordered = np.sort(table, axis=1)
    known = np.isfinite(ordered).sum(axis=1)
    cut = known // 5
    sums = np.cumsum(np.nan_to_num(ordered), axis=1)
    sums = np.concatenate((np.zeros((len(table), 1)), sums), axis=1)
    row = np.arange(len(table))
    total = sums[row, known - cut] - sums[row, cut]
    return np.where(known > 0, total / np.maximum(known - 2 * cut, 1), np.nan), known


def _deviation(past: Floats) -> float:
    ordered = np.sort(past)
    return float(ordered[: max(1, len(past) * 4 // 5)].mean()) / _TRIMMED


def _fine(past: Floats) -> float:
    """Return the smallest step that a sensor tells, but for the rarest."""
    steps = past[past > 0.01]
    return float(np.partition(steps, len(steps) // 50)[len(steps) // 50]) if len(steps) else 0.0


def _patience(t_ms: Times) -> Floats:
    """Return by what to widen the margin of readings that come after missing ones."""
    gap = np.diff(t_ms, prepend=t_ms[0]).astype(np.float64)
    usual, _ = medians_before(np.where(gap > 0.0, gap, np.nan), LONG)
    missed = np.nan_to_num(gap / usual) - 1.0
    return np.asarray(1.0 + LATE * np.where(missed > 0.5, missed, 0.0))


def _odds(moves: Bools, came_back: Bools, prior: tuple[float, float]) -> Floats:
    """Return, before each reading, the share of earlier moves that came back."""

    def counted(flags: Bools) -> Floats:
        total = np.concatenate(([0.0], np.cumsum(flags, dtype=np.float64)))
        last = np.maximum(np.arange(len(flags)) - 1, 0)  # whose two next readings have come
        return np.asarray(total[last] - total[np.maximum(last - ODDS, 0)])

    back, all_moves = counted(moves & came_back), counted(moves)
    return (back + prior[0]) / (all_moves + sum(prior))
