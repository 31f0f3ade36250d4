"""Say what the siren would have done on a station's readings, clean and with each kind of fault.

The guard's own code, reading by reading, a station with one sensor. Its limits come from the
training part alone: the alarm lies half as far again over the median as the mark of early warning.
Lived through is the first year after the training part, the same for every copy.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amont_models import detection
from amont_models.detection import LASTS_S, LEAST, Found
from amont_models.detection_faults import FAULT_MS, Trial, faulty_feed, trial
from amont_models.faults import KINDS
from amont_models.guard_replay import Feed, Limits, Span, Station, eventful, samples
from amont_models.metrics import ratio
from amont_models.river_station import Station as Known
from amont_models.river_truth import cleaned
from amont_models.score_tally import SEED

CLEAN, ALL = "clean", "all"
COPIES = (CLEAN, ALL, *KINDS)


def sirens(feed: Feed, limits: Limits, step_s: int) -> list[Span]:
    """Return when the siren of a station with this one sensor sounded, in seconds."""
    heard = eventful(list(samples(feed, 0, limits)), limits)
    return Station(limits, 1, step_s).live(heard)


def judge(known: Known, raw: bool) -> dict[str, Found]:
    """Return, by copy, the crossings that the siren of one station met and its false ones."""
    since_ms = known.constants.train_until_ms
    one = trial(known.stage, since_ms, since_ms + FAULT_MS, limits_of(known))
    if len(one.part.t_ms) < LEAST:
        return dict.fromkeys(COPIES, Found())
    water = _water(one) if raw else one.crossings()
    out = {}
    for name in COPIES:
        kinds = () if name == CLEAN else tuple(KINDS) if name == ALL else (name,)
        feed = faulty_feed(one.part, since_ms, SEED, kinds, raw)
        out[name] = detection.judge(water, sirens(feed, one.limits, one.step_s), one.years)
    return out


def _water(one: Trial) -> list[Span]:
    true = cleaned(one.part)
    t_s = (true.t_ms // 1000).tolist()
    return detection.events(t_s, true.value, one.limits.alarm_mm, LASTS_S)


def limits_of(known: Known) -> Limits:
    """Return the limits of a station's siren, from its training part."""
    median = known.constants.median_mm
    return detection.limits_over(median, known.constants.alarm_mm - median)


def table(stations: Sequence[Known], raw: bool) -> dict[str, Any]:
    """Return the sirens of a record's stations added up: by copy, counts and what faults add."""
    total = dict.fromkeys(COPIES, Found())
    for known in stations:
        for name, found in judge(known, raw).items():
            total[name] += found
    calm = total[CLEAN].false
    return {
        "sensors": 1,
        "years": round(total[CLEAN].years, 2),
        "copies": {
            name: {
                "crossings": found.events,
                "met": found.met,
                "missed": found.events - found.met,
                "false": found.false,
                "from_faults_a_year": ratio(max(0, found.false - calm), found.years),
            }
            for name, found in total.items()
        },
    }
