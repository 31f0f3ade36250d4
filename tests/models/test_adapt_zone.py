"""A zone adapted from its own past: kept where it helps, refused where it harms, and why."""

import json
import math
import time
from datetime import date
from itertools import pairwise
from statistics import median

import numpy as np
import pytest
from tests.models import scene
from tests.models.site_journal import METER, PROMPT_MS, SITE, ZONE, readings, write_journal

from amont_gateway.records import FILE as RECORDS
from amont_gateway.records import append
from amont_gateway.scoring.adapted_file import FILE
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.zone_adapted import AS_IT_CAME, ZoneAdapted, read
from amont_gateway.scoring.zone_test import LeakRule
from amont_models import (
    adapt_cli,
    adapt_site,
    adapt_trials,
    adapt_zone,
    cli,
    leak_text,
    score_zone,
    zone_chain,
)
from amont_models.adapt_site import Adapting
from amont_models.adapt_trials import Figures, ZonePast, holiday_type
from amont_models.adapt_zone import is_worse
from amont_models.data import Zone
from amont_models.leak_events import Alarm
from amont_models.recipe import ARTIFACTS_DIR, HOUR_MS
from amont_models.records.table import Record, Site, Source, channel
from amont_models.river_chain import shipped
from amont_models.site_past import SitePast

RULE = LeakRule(network=0.0)
DAYS = 300
DAY_MS = 24 * HOUR_MS
SOURCE = Source("made", "made", "CC0", "none")


def day_rule(days, rule, _predict):
    """Say when a day stands above its two weeks by the rule's step: a test for tests, quick."""
    level, found = days.l_h.mean(axis=1).tolist(), []
    for index in range(14, len(level)):
        known = [one for one in level[index - 14 : index] if math.isfinite(one)]
        if len(known) < 7 or not level[index] - median(known) > 0.01 * rule.step * 7000.0:
            continue
        at_ms = int(days.end_ms[index].max())
        if not found or at_ms - found[-1].at_ms > 14 * DAY_MS:
            found.append(Alarm(at_ms))
    return found


@pytest.fixture
def quick(monkeypatch):
    """Judge with a test that takes no time."""
    monkeypatch.setattr(adapt_trials, "gateway_alarms", day_rule)


def nothing(rows):
    return np.zeros(len(rows))


def zone(days=DAYS, bursts=(), size_l_h=2500.0, seed=1):
    """Return a quiet zone; on the days of ``bursts`` more flows for two days."""
    t_ms, l_h = scene.zone_hours(days, seed=seed)
    day = (t_ms - t_ms[0]) // DAY_MS
    for first in bursts:
        l_h = l_h + np.where((day >= first) & (day < first + 2), size_l_h, 0.0)
    return Zone("bourg", t_ms, l_h)


def past(inflow, **more):
    return ZonePast(inflow, "Europe/Rome", **more)


def adapted(inflow, **more):
    return adapt_zone.adapt_zone(past(inflow, **more), RULE, nothing)


@pytest.mark.usefixtures("quick")
def test_a_quiet_zone_learns_lower_thresholds_and_finds_more():
    made = adapted(zone())
    assert made.reason == ""
    assert made.adapted.step < 1.0
    first, then = made.figures["first"], made.figures["adapted"]
    assert then["large_saved"] > first["large_saved"]
    assert (first["false"], then["false"]) == (0, 0)
    assert made.about()["refused"] == ""


@pytest.mark.usefixtures("quick")
def test_a_zone_that_comes_and_goes_learns_higher_ones():
    bursts = range(60, DAYS - 5, 24)
    made = adapted(zone(bursts=bursts, size_l_h=560.0))
    assert made.figures["first"]["false"] > made.figures["adapted"]["false"]
    assert made.adapted is not None
    assert made.adapted.step > 1.0


@pytest.mark.usefixtures("quick")
def test_alarms_before_a_repair_that_people_noted_were_true():
    bursts = (80, 130, 180)
    inflow = zone(bursts=bursts)
    mended = tuple(int(inflow.t_ms[0]) + (first + 2) * DAY_MS for first in bursts)
    trials = [
        adapt_trials.Trials(past(inflow, repairs_ms=known), RULE, nothing)
        for known in ((), mended)
    ]
    span = int(inflow.t_ms[0]), int(inflow.t_ms[-1])
    first, noted = (one.figures(AS_IT_CAME, *span) for one in trials)
    assert first.false == 3
    assert noted.false == 0
    assert noted.large_found == first.large_found


@pytest.mark.usefixtures("quick")
def test_what_does_worse_in_the_last_weeks_is_refused():
    # Quiet until the last weeks: what the older part teaches cries wolf there.
    late = range(int(0.78 * DAYS), DAYS - 4, 20)
    made = adapted(zone(bursts=late, size_l_h=340.0))
    assert (made.adapted, made.reason) == (None, "worse")
    assert made.figures["adapted"]["false"] > made.figures["first"]["false"]


@pytest.mark.usefixtures("quick")
def test_what_lets_expect_more_false_alarms_than_the_budget_is_refused(monkeypatch):
    # No false alarm in ten quiet months, and more found: still too little to trust so low a mark.
    monkeypatch.setattr(adapt_trials.Trials, "best", lambda *_: ZoneAdapted(0.6, 0.7))
    made = adapted(zone())
    assert (made.adapted, made.reason) == (None, "loose")
    for words in adapt_cli.WORDS.values():
        assert adapt_cli._zone_line(words, "bourg", made).startswith("bourg")
    assert made.figures["adapted"]["large_saved"] > made.figures["first"]["large_saved"]
    whole = made.figures["whole"]
    assert whole["adapted"]["false"] == 0
    assert whole["adapted"]["expected"] > adapt_trials.BUDGET > whole["first"]["expected"]


@pytest.mark.parametrize(("days", "reason"), [(200, "short"), (0, "short")])
def test_a_short_past_teaches_nothing(days, reason):
    made = adapted(zone(max(days, 1)).between(0, 0 if not days else 1 << 60))
    assert (made.adapted, made.reason) == (None, reason)
    assert made.figures["least"] == adapt_zone.LEAST_DAYS


@pytest.mark.usefixtures("quick")
def test_without_trial_leaks_in_the_last_weeks_nothing_is_judged():
    inflow = zone()
    silent = np.where(inflow.t_ms > inflow.t_ms[-1] - 70 * DAY_MS, np.nan, inflow.inflow_l_h)
    made = adapted(Zone("bourg", inflow.t_ms, silent))
    assert (made.adapted, made.reason) == (None, "few")


def test_the_gateway_s_own_test_is_tried(monkeypatch):
    monkeypatch.setattr(adapt_trials, "SEEDS", (32,))
    inflow = zone(110)
    trials = adapt_trials.Trials(past(inflow), RULE, nothing)
    span = int(inflow.t_ms[0]), int(inflow.t_ms[-1])
    (_, leaks) = adapt_trials.opened(inflow, 32)
    first = trials.figures(AS_IT_CAME, *span)
    assert (first.found, first.false) == (len(leaks), 0) == (1, 0)
    assert 0.5 < first.saved < 1.0
    deaf = trials.figures(ZoneAdapted(4.0, 4.0), *span)
    assert deaf.saved < first.saved


@pytest.mark.parametrize("seed", adapt_trials.SEEDS)
def test_leaks_are_opened_apart_and_for_good(seed):
    inflow = zone()
    flow, leaks = adapt_trials.opened(inflow, seed)
    assert len(leaks) >= 5
    assert all(one.end_ms < two.start_ms for one, two in pairwise(leaks))
    assert leaks[0].start_ms >= inflow.t_ms[0] + adapt_trials.WARM_UP_MS
    assert leaks[-1].end_ms <= inflow.t_ms[-1]
    assert {one.abrupt for one in leaks} == {True, False}
    assert all(0.12 * 3900 < one.size_l_h < 0.4 * 4100 for one in leaks)
    assert (flow.inflow_l_h >= inflow.inflow_l_h).all()
    assert adapt_trials.opened(inflow, seed)[1] == leaks


@pytest.mark.usefixtures("quick")
def test_the_held_back_weeks_do_not_choose():
    inflow = zone()
    cut = int(inflow.t_ms[-1]) - 76 * DAY_MS
    swing = np.where((inflow.t_ms - cut) // DAY_MS % 2 == 0, 3000.0, -3000.0)
    other = inflow.inflow_l_h + np.where(inflow.t_ms > cut, swing, 0.0)  # the mean is the same
    chosen = [
        adapt_trials.Trials(past(one), RULE, nothing).best(int(inflow.t_ms[0]), cut)
        for one in (inflow.between(0, cut + 1), Zone("bourg", inflow.t_ms, other))
    ]
    # Sizes of the leaks that are opened follow the mean inflow; what is chosen does not.
    assert chosen[0] == chosen[1]


GOOD = Figures(10, 8, 9, 0.6, 0.5, 0, 0.5, 0.7, 20.0)


@pytest.mark.parametrize(
    ("then", "worse"),
    [
        (GOOD, False),
        (Figures(10, 9, 9, 0.7, 0.5, 0, 0.5, 0.7, 20.0), False),
        (Figures(10, 7, 9, 0.5, 0.5, 0, 0.5, 0.7, 20.0), True),  # finds less
        (Figures(10, 9, 9, 0.7, 0.5, 1, 0.5, 1.3, 20.0), False),  # one false alarm is the budget
        (Figures(10, 9, 9, 0.7, 0.5, 2, 0.5, 2.0, 20.0), True),  # two are not
        (Figures(10, 8, 9, 0.55, 0.5, 0, 0.5, 0.7, 60.0), True),  # as many, later
        (Figures(10, 8, 9, float("nan"), 0.5, 0, 0.5, 0.7, 20.0), True),
    ],
)
def test_worse_is_what_finds_less_later_or_falsely(then, worse):
    assert is_worse(GOOD, then) is worse


def test_many_leaks_lost_are_not_made_up_for():
    noisy = Figures(10, 8, 9, 0.6, 0.5, 4, 0.5, 3.3, 20.0)
    assert not is_worse(noisy, Figures(10, 6, 7, 0.5, 0.4, 0, 0.5, 0.7, 20.0))
    assert is_worse(noisy, Figures(10, 5, 7, 0.5, 0.4, 0, 0.5, 0.7, 20.0))


def test_what_is_to_be_expected_is_drawn_to_any_zone():
    expected = adapt_trials.expected
    assert expected(AS_IT_CAME, 1, 1.0) == pytest.approx(1.0), "the budget, and as it came"
    low, high = ZoneAdapted(0.7, 0.7), ZoneAdapted(1.5, 1.4)
    assert expected(high, 0, 1.0) < expected(AS_IT_CAME, 0, 1.0) < expected(low, 0, 1.0)
    assert expected(low, 0, 1.0) > 1.0, "a quiet year alone allows nobody that much"
    assert expected(low, 0, 3.0) < 1.0, "three do"
    assert expected(low, 3, 3.0) > 1.0


# --- holidays ---


@pytest.mark.parametrize(("like", "kind"), [(0.0, 0), (2000.0, 1), (4000.0, 2)])
def test_which_day_a_holiday_is_like(like, kind):
    t_ms, _ = scene.zone_hours(120)
    day = date(2022, 1, 1).toordinal() + np.repeat(np.arange(120), 24)
    t_ms = (day - date(1970, 1, 1).toordinal()) * DAY_MS + np.tile(np.arange(24), 120) * HOUR_MS
    free = frozenset(date(2022, month, 12).toordinal() for month in (1, 4)) | {
        date(2022, 2, 10).toordinal(), date(2022, 3, 9).toordinal(),
    }  # fmt: skip
    weekday = (day - 1) % 7
    more = np.where(weekday == 5, 2000.0, np.where(weekday == 6, 4000.0, 0.0))
    more = np.where(np.isin(day, list(free)), like, more)
    inflow = Zone("x", t_ms + HOUR_MS, 6000.0 + more)
    told = ZonePast(inflow, "UTC", free)
    assert holiday_type(told, int(inflow.t_ms[-1])) == kind
    assert holiday_type(told, int(inflow.t_ms[50 * 24])) == 2, "two holidays say nothing"


# --- a site's journal ---


def village(folder, days=DAYS):
    """Write the journal of a site whose zone has been quiet until just now."""
    inflow = zone(days)
    now_ms = time.time_ns() // HOUR_MS // 1_000_000 * HOUR_MS
    write_journal(
        folder, readings(METER, inflow.t_ms - inflow.t_ms[-1] + now_ms, inflow.inflow_l_h)
    )
    return now_ms + PROMPT_MS


@pytest.mark.usefixtures("quick")
def test_a_site_s_zone_is_adapted_served_after_a_restart_too_and_undone(tmp_path, capsys):
    now_ms = village(tmp_path)
    asked = ["adapt", str(SITE), "--state", str(tmp_path), "--lang", "en"]
    assert cli.main([*asked, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert f"{ZONE}: adapted. Trial leaks" in said
    assert "nothing is written" in said
    assert not (tmp_path / FILE).exists()
    assert cli.main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["zones"][ZONE]["refused"] == ""
    leak = zone_chain.shipped(ARTIFACTS_DIR)
    own = read(tmp_path / FILE, leak.made_for)
    assert own[ZONE].step < 1.0
    past = SitePast(SITE, tmp_path)
    verdicts = []
    for _ in range(2):
        scoring = Scoring(ARTIFACTS_DIR, past.site, tmp_path, keep=False)
        scoring.update(past.windows(now_ms), now_ms)
        assert scoring.adapted_zone(ZONE) == own[ZONE]
        verdicts.append(scoring.zone(ZONE))
    assert verdicts[0] == verdicts[1]
    assert verdicts[0]["verdict"] == "normal"
    assert cli.main([*asked, "--undo"]) == 0
    assert not (tmp_path / FILE).exists()
    assert "back to the model without adaptation" in capsys.readouterr().out


def test_repairs_on_record_and_the_site_s_holidays_are_used(tmp_path):
    now_ms = village(tmp_path, 3)
    for place, at_ms in ((ZONE, 5), ("elsewhere", 6)):
        said = {"at_ms": at_ms, "kind": "note repair", "place": place, "by": "A", "text": "x"}
        append(tmp_path / RECORDS, said)
    past = SitePast(SITE, tmp_path)
    adapting = Adapting.at(past, shipped(ARTIFACTS_DIR), now_ms)
    assert adapting._repairs(ZONE) == (5,)
    seen = {}

    def judged(told, *_):
        seen[told.inflow.name] = told
        return adapt_zone.ZoneOutcome(None, "short", {})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adapt_site, "adapt_zone", judged)
        list(adapting.zone_outcomes(zone_chain.shipped(ARTIFACTS_DIR)))
    assert seen[ZONE].repairs_ms == (5,)
    assert date(2026, 7, 14).toordinal() in seen[ZONE].holidays
    assert seen[ZONE].days == pytest.approx(3, abs=0.1)


# --- score ---


def record(inflow, until_ms, holidays="IT"):
    one = channel(inflow.name, "inflow", inflow.t_ms, inflow.inflow_l_h)
    site = Site(inflow.name, train_until_ms=until_ms)
    return Record(
        "made", "zone", SOURCE, (one,), (site,), time_zone="Europe/Rome", holidays=holidays
    )


def scored(inflow, until_ms):
    return score_zone.score(record(inflow, until_ms), ARTIFACTS_DIR)


@pytest.mark.usefixtures("quick")
def test_a_record_s_training_part_adapts_the_zone_and_the_rest_is_judged(monkeypatch):
    monkeypatch.setattr(score_zone, "zone_rules", dict)
    inflow = zone(DAYS + 60, bursts=(20, DAYS + 30))
    until = int(inflow.t_ms[0]) + DAYS * DAY_MS
    result = scored(inflow, until)
    assert set(result["table"]) == {score_zone.SHIPPED, score_zone.FIRST_DAY, "random"}
    assert result["adapted"][inflow.name]["refused"] == ""
    assert [alarm["at_ms"] > until for alarm in result["alarms"][inflow.name]] == [True]
    assert result["table"][score_zone.SHIPPED]["years"] == pytest.approx(60 / 365.25, rel=0.02)
    assert f"adapted by their training part: {inflow.name}" in leak_text.render(result)
    later = inflow.inflow_l_h.copy()
    later[-10 * 24 :] *= 4.0
    other = scored(Zone(inflow.name, inflow.t_ms, later), until)
    first = result["alarms"][inflow.name][0]
    assert other["alarms"][inflow.name][0] == first, "the future changes no past decision"
    assert other["adapted"] == result["adapted"]


def test_without_a_split_the_whole_record_is_judged_as_it_comes(monkeypatch):
    monkeypatch.setattr(score_zone, "zone_rules", dict)
    inflow = zone(60, bursts=(30,))
    result = scored(inflow, None)
    assert set(result["table"]) == {score_zone.SHIPPED, "random"}
    assert result["adapted"] == {}
    assert len(result["alarms"][inflow.name]) == 1
