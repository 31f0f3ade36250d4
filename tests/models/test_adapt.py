"""Adapt to a station from its own past: kept if better on weeks it never saw, refused if worse."""

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from tests.models import made_river
from tests.models.site_journal import PROMPT_MS, RAIN, SITE, STAGE_A, readings, write_journal

from amont_gateway.scoring.adapted_file import FILE
from amont_gateway.scoring.river_adapted import read
from amont_gateway.scoring.river_decision import Rule
from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES
from amont_models import adapt as adaptation
from amont_models import adapt_site, cli, river_rule
from amont_models.adapt import LEAST_DAYS, Outcome, adapt, cut, is_worse
from amont_models.adapt_fit import fit, margins, needed_widths, plain
from amont_models.adapt_site import Adapting, Earlier
from amont_models.river_chain import Chain, past_of
from amont_models.river_station import prepare
from amont_models.site_past import SitePast

DAY_MS = 86_400_000
SHAPE = (len(HORIZONS_H), len(QUANTILES))


def sleepy(rows):
    """Stand for a network that hardly believes in floods: a narrow band about nothing."""
    band = np.tile(0.2 * (np.array(QUANTILES) - 0.5), len(HORIZONS_H))
    return np.tile(band, (len(rows), 1))


@pytest.fixture(scope="module")
def past():
    """Return the training part of a made river with a flood every five days and rain before."""
    made = made_river.record(days=260, step_min=30)
    station = prepare(made, made.sites[0])
    return past_of(station.clean, station.water, station.constants, sleepy)


def test_what_a_network_does_not_know_of_a_river_is_learnt(past):
    made = adapt(past, Rule())
    assert made.reason == ""
    first, then = made.figures["first"], made.figures["adapted"]
    assert then["loss"] < 0.8 * first["loss"]
    assert then["pi"] > first["pi"] + 0.3
    assert then["warned"] > first["warned"] == 0
    assert made.figures["held_back_days"] == pytest.approx(32.5, abs=1)


def test_what_does_worse_on_the_last_weeks_is_refused(past):
    since_ms = int(past.t_ms[-1]) - 33 * DAY_MS
    late = past.t_ms >= since_ms
    known = np.nan_to_num(past.true_mm)
    # What the network said of the last weeks is the very truth; earlier it was nothing.
    rises = np.where(late[:, None, None], known[:, :, None] + past.rises_mm, past.rises_mm)
    made = adapt(replace(past, rises_mm=rises), Rule())
    assert "line" in made.figures["left"]
    assert made.figures["left"]["line"]["loss"] > made.figures["first"]["loss"]
    assert made.adapted is None or "line" not in made.adapted.parts


def test_each_part_is_kept_or_refused_by_itself(monkeypatch, past):
    refuse = {"line", "shift"}
    monkeypatch.setattr(adaptation, "is_worse", lambda part, *_: part in refuse)
    made = adapt(past, Rule())
    assert not refuse & set(made.adapted.parts)
    assert "widths" in made.adapted.parts
    assert not made.adapted.slopes.any()
    assert made.adapted.shift == 0.0
    assert "line" in made.figures["left"]
    monkeypatch.setattr(adaptation, "is_worse", lambda *_: True)
    none = adapt(past, Rule())
    assert (none.adapted, none.reason) == (None, "worse")
    assert (none.about()["refused"], made.about()["refused"]) == ("worse", "")
    assert made.about()["parts"] == list(made.adapted.parts)


def test_too_short_and_too_still_a_past_is_refused(past):
    short = cut(past, int(past.t_ms[0]) + round((LEAST_DAYS - 1) * DAY_MS))
    assert adapt(short, Rule()).reason == "short"
    still = replace(past, stage_mm=np.full(len(past.t_ms), 400.0))
    assert adapt(still, Rule()).reason == "still"


def test_what_comes_after_a_cut_teaches_nothing(past):
    until_ms = int(past.t_ms[0]) + 80 * DAY_MS
    wild = replace(
        past,
        true_mm=np.where((past.t_ms >= until_ms)[:, None], 9000.0, past.true_mm),
        rows=np.where((past.t_ms >= until_ms)[:, None], 0.5, past.rows),
    )
    ours, theirs = (fit(cut(one, until_ms), Rule()) for one in (past, wild))
    assert np.array_equal(ours.slopes, theirs.slopes)
    assert np.array_equal(ours.widths, theirs.widths)


def test_no_fit_makes_anything_but_numbers(past):
    for count in (10, 400):
        part = past.part(np.arange(len(past.t_ms)) < count)
        made = fit(part, Rule())
        assert (made is None) == (count < 300)
        if made is not None:
            assert np.isfinite(made.slopes).all()
            assert np.isfinite(made.widths).all()


BEFORE = {"loss": 1.0, "pi": 0.5, "inside": 0.8, "events": 2.0, "warned": 2.0, "false": 1.0}


@pytest.mark.parametrize(
    ("part", "change", "worse"),
    [
        ("line", {}, False), ("line", {"loss": 0.99, "pi": 0.51}, False),
        ("line", {"loss": 1.01}, True), ("line", {"pi": 0.49}, True),
        ("line", {"warned": 1.0}, True), ("line", {"warned": 1.0, "false": -2.0}, True),
        ("line", {"warned": 3.0, "false": 2.0}, False),
        ("line", {"false": 2.0}, True), ("line", {"loss": float("nan")}, True),
        ("widths", {"inside": 0.85, "loss": 2.0}, False), ("widths", {"inside": 0.99}, False),
        ("widths", {"inside": 0.79}, True), ("margins", {"inside": None}, False),
        ("shift", {}, False), ("shift", {"warned": 1.0, "false": 0.0}, True),
        ("shift", {"warned": 1.0, "false": -2.0}, False), ("shift", {"false": 2.0}, True),
    ],
)  # fmt: skip
def test_a_part_is_worse_in_what_it_is_for(part, change, worse):
    assert is_worse(part, BEFORE, BEFORE | change) == worse


def test_a_margin_is_the_least_that_holds_floods_out_of_nothing(past):
    steps = past.part(np.isfinite(past.true_mm[:, 1:]).all(axis=1))
    high = np.abs(steps.true_mm).max()
    bands = np.repeat(steps.true_mm[:, :, None], len(QUANTILES), axis=2)
    none = plain(past, Rule())
    held = margins(steps, bands, none)
    assert held[1:] == (0.0, 0.0, 0.0), "what holds all asks for none"
    low = margins(replace(steps, mark_mm=9000.0), bands - 0.08 * past.spread_mm, none)
    assert low[1] == 0.1
    lost = margins(steps, bands - high, none)
    assert lost[1:] == (0.0, 0.0, 0.0), "no margin below the mark holds it"


def test_a_band_is_as_wide_as_its_truths_and_never_narrower():
    rng = np.random.default_rng(5)
    count = 4000
    band = np.tile(np.array([-1.6449, -0.6745, 0.0, 0.6745, 1.6449]), (count, len(HORIZONS_H), 1))
    true = rng.normal(0.0, np.array([0.3, 1.0, 2.0, 9.0]), (count, len(HORIZONS_H)))
    widths = needed_widths(band, true, np.ones(count, dtype=bool))
    assert widths[0].tolist() == [1.0] * 5
    assert widths[1, -1] == pytest.approx(1.0, abs=0.06)
    assert widths[2, [0, -1]].tolist() == pytest.approx([2.0, 2.0], abs=0.15)
    assert widths[3, -1] == 3.5
    assert (widths[:, 1:-1] == 1.0).all()


# --- the pooled rule ---


def test_the_rule_warns_of_what_the_budget_allows(monkeypatch, past):
    wanted = (0.0, 0.5)
    monkeypatch.setattr(river_rule, "CHOICES", (wanted,) * 4)
    monkeypatch.setattr(river_rule, "WATCH_CHOICES", (wanted,) * 4)
    monkeypatch.setattr(river_rule, "MIN_EVENTS", 4)
    truth = np.nan_to_num(past.true_mm)[:, :, None] + past.rises_mm
    knows = replace(past, rises_mm=truth)
    rule, about = river_rule.choose_rule([knows])
    assert max(rule.warning) == 0.5
    assert about["warning"]["pod"] == 1.0
    assert about["warning"]["far"] <= river_rule.WARNING_FAR
    cries = replace(past, rises_mm=past.rises_mm + 5000.0)
    rule, about = river_rule.choose_rule([cries])
    assert about["warning"].get("pod", 0.0) == 0.0, "no quantile stays within the budget"
    assert river_rule.choose_rule([past.part(past.t_ms < past.t_ms[0])])[1] == {}


# --- the command ---


def village(folder, days=100):
    """Write the journal of a site whose river floods every five days until just now."""
    now_ms = time.time_ns() // 1_000_000
    start_ms = now_ms - days * DAY_MS
    stage = made_river.stage(days=days, step_min=30, start_ms=start_ms)
    rain = made_river.rain(stage)
    known = np.isfinite(stage.value)
    told = readings(STAGE_A, stage.t_ms[known], stage.value[known])
    told += readings(RAIN, rain.t_ms, 1000.0 * rain.value)
    write_journal(folder, told)
    return now_ms + PROMPT_MS


def test_a_site_is_adapted_from_its_journal_and_that_can_be_undone(tmp_path, capsys):
    village(tmp_path)
    asked = ["adapt", str(SITE), "--state", str(tmp_path), "--lang", "en"]
    assert cli.main([*asked, "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "pont-neuf: " in said
    assert " s in all" in said
    assert not (tmp_path / FILE).exists()
    kept = "pont-neuf: adapted" in said
    assert cli.main(asked) == 0
    assert (tmp_path / FILE).exists() == kept
    capsys.readouterr()


def test_another_model_of_the_site_is_adapted_written_and_undone(tmp_path, capsys):
    until_ms = village(tmp_path)
    past = SitePast(SITE, tmp_path)
    made = dict(Adapting.at(past, Chain(sleepy, "a" * 64), until_ms).outcomes())
    assert made["pont-neuf"].reason == ""
    said = adapt_site.content(made, "a" * 64, until_ms)
    path = adapt_site.write(tmp_path, said)
    first = path.read_bytes()
    assert set(read(path, "a" * 64)) == {"pont-neuf"}
    assert json.loads(first)["stations"]["pont-neuf"]["judged"]["adapted"]["events"] >= 1
    adapt_site.write(tmp_path, said | {"made_utc": "later"})
    undo = ["adapt", str(SITE), "--state", str(tmp_path), "--undo", "--lang", "fr"]
    assert cli.main(undo) == 0
    assert path.read_bytes() == first
    assert capsys.readouterr().out == "revenu à l'adaptation d'avant\n"
    assert cli.main(undo) == 2, "only one step back"
    assert "nothing to undo" in capsys.readouterr().err


def test_what_cannot_be_judged_now_stays_and_what_is_refused_now_goes(tmp_path, past):
    kept = adapt(past, Rule())
    named = {"mill": kept, "bridge": kept, "weir": kept}
    adapt_site.write(tmp_path, adapt_site.content(named, "a" * 64, 0))
    now = {"mill": Outcome(None, "still", {}), "bridge": Outcome(None, "worse", {}), "weir": kept}
    said = adapt_site.content(now, "a" * 64, 1)
    assert adapt_site.carry(tmp_path, said, now, {}) == Earlier(("mill",), ("bridge",))
    adapt_site.write(tmp_path, said)
    assert set(read(tmp_path / FILE, "a" * 64)) == {"mill", "weir"}
    other = adapt_site.content(now, "b" * 64, 1)
    assert adapt_site.carry(tmp_path, other, now, {}) == Earlier(), "made for another model"
    assert set(other["stations"]) == {"weir"}


def test_undoing_the_first_adaptation_leaves_none(tmp_path):
    adapt_site.write(tmp_path, adapt_site.content({}, "a" * 64, 0))
    assert not adapt_site.undo(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_site_without_a_past_is_not_adapted(tmp_path, capsys):
    write_journal(tmp_path, readings(STAGE_A, [1_700_000_000_000], [400]))
    asked = ["adapt", str(SITE), "--state", str(tmp_path), "--lang", "fr"]
    assert cli.main(asked) == 0
    assert "aucune station ni zone adaptée" in capsys.readouterr().out
    assert not (tmp_path / FILE).exists()
