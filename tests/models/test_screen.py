"""The scorer of the screening, its cases, its loaders and its card."""

import gzip
import json

import numpy as np
import pytest
from tests.bench import bench_screen

from amont_gateway.scoring.crosscheck import Around
from amont_models import screen, screen_cases, screen_report
from amont_models.records import sensors
from amont_models.records.table import FAULT, GOOD, MISSING, SUSPECT, DataError, channel
from amont_models.screen import Case, Doubts

STEP_MS = 900_000


def case(value, bad=(), judged=None):
    t_ms = 1_600_000_000_000 + STEP_MS * np.arange(len(value), dtype=np.int64)
    flags = np.zeros(len(value), bool)
    flags[list(bad)] = True
    kept = np.ones(len(value), bool) if judged is None else judged
    return Case("x", "stage_mm", t_ms, np.asarray(value, float), flags, kept)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_DATA", str(tmp_path))
    for name in (sensors.LOGAN, sensors.TROUT, sensors.FLOODNET):
        (tmp_path / name).mkdir()
    return tmp_path


def put(path, text):
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write(text)


# --- counting ---


def test_a_found_reading_a_doubted_good_one_and_a_half_found_run():
    value = np.zeros(40)
    one = case(value, [5, 10, 11, *range(20, 30)])
    found = np.zeros(40, bool)
    found[[5, 10, 20, 21, 22, 23, 24, 35]] = True
    ever = found.copy()
    ever[36] = True
    tally = screen.count([one], lambda _: Doubts(found, ever), 3)
    assert tally.isolated == [(1, 1), (1, 2)]
    assert tally.long == [(5, 10)]
    assert np.sum(tally.good, axis=0).tolist() == [2, 40 - 13]
    result = screen.judge(
        [one], {"r": lambda _: Doubts(found, ever)}, {"isolated_readings": 3, "seed": 1}, 50
    )["r"]
    assert result["isolated"]["value"] == pytest.approx(2 / 3)
    assert result["long"]["value"] == 0.5
    assert result["long_runs"]["value"] == 1.0


def test_what_is_not_judged_counts_nowhere():
    judged = np.arange(10) < 5
    one = case(np.zeros(10), [7], judged)
    tally = screen.count([one], lambda c: screen.once(np.ones(10, bool)), 3)
    assert tally.isolated == []
    assert np.sum(tally.good, axis=0).tolist() == [5, 5]


def test_intervals_hold_the_value_and_repeat_with_the_seed():
    units = [(1, 1)] * 30 + [(0, 1)] * 10
    first, again = (screen.share(units, 200, 7) for _ in range(2))
    assert first == again
    assert first["low"] < first["value"] == 0.75 < first["high"]
    assert np.isnan(screen.share([], 10, 1)["value"])


def test_plain_rules():
    value = np.concatenate((np.arange(20.0), [100.0], np.full(10, 20.0)))
    assert np.flatnonzero(screen.spike(50.0)(case(value)).found).tolist() == [20]
    assert np.flatnonzero(screen.flat_line(4)(case(value)).found).tolist() == [*range(24, 31)]
    both = screen.either(screen.spike(50.0), screen.flat_line(4))(case(value))
    assert both.found.sum() == 8


def test_plain_thresholds_keep_to_the_budget_on_the_tuning_part():
    rng = np.random.default_rng(3)
    noisy = case(200.0 + 10.0 * rng.standard_normal(2000))
    rules = screen.plain_rules([noisy], 0.005)
    for name in ("spike", "flat_line"):
        assert rules[name](noisy).ever.mean() <= 0.005
    assert rules["spike"](noisy).found.any() or screen.spike(50.0)(noisy).found.any() is False


def test_the_guards_cheap_flags_find_a_sensor_out_of_the_water():
    value = np.full(30, 500.0) + np.arange(30) % 2
    value[20] = 20.0
    assert np.flatnonzero(screen.watch(case(value, [20])).found).tolist() == [20]


def test_ours_finds_what_the_gateway_doubts():
    rng = np.random.default_rng(1)
    value = 400.0 + rng.standard_normal(300)
    value[200] += 150.0
    one = case(value, [200])
    assert screen.ours(one).found[200]
    assert not screen.arrival(one).found[200]
    assert not screen.ours(one, caution=40.0).found.any()


# --- cases ---


def test_faults_are_where_they_are_said_to_be():
    clean = np.round(500.0 + np.random.default_rng(2).standard_normal(20_000))
    value, bad = screen_cases.put_faults(clean, 0.5, np.random.default_rng(2))
    assert bad.sum() > 500
    assert np.array_equal(value[~bad], clean[~bad])
    assert (value[bad] != clean[bad]).mean() > 0.7


def test_the_packaged_river_has_a_tuning_and_a_judged_part():
    settings = screen_report.recipe()
    settings["synthetic"]["years"] = 1
    (tune,), (judge,) = (screen_cases.synthetic(settings, part) for part in ("tune", "judge"))
    assert tune.t_ms[-1] < judge.t_ms[0]
    assert (np.diff(judge.t_ms) >= STEP_MS).all()
    assert judge.bad.any()
    assert np.isfinite(judge.value).all()


def test_the_bench_gives_the_figures_of_a_fresh_clone(monkeypatch):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    settings = screen_report.recipe()
    settings["synthetic"]["years"] = 1
    monkeypatch.setattr(screen_report, "recipe", lambda: settings)
    found = {figure["name"]: figure for figure in bench_screen.figures(full=False, seed=1)}
    assert set(found) <= set(bench_screen.NAMES)
    isolated, good = found["screen.synthetic_isolated"], found["screen.synthetic_good"]
    assert isolated["value"] > isolated["anchor"] > 0.0
    assert good["met"]
    low, high = (found[f"screen.synthetic_isolated_{end}95"]["value"] for end in ("low", "high"))
    assert low <= isolated["value"] <= high


# --- loaders ---


def test_logan_is_read_with_its_clock_its_unit_and_its_flags(folder):
    rows = [
        "time_mst,stage_raw_cm,stage_corrected_cm,stage_flag,temp_raw_c,temp_corrected_c,temp_flag",
        "2020-01-01T00:00:00,20.5,12,,0.1,0.1,",
        "2020-01-01T00:15:00,5.1,12,1,0.1,0.1,",
        "2020-01-01T00:30:00,,12,,,,",
        "2020-01-01T00:45:00,21,,5,-0.01,,7",
    ]
    put(folder / sensors.LOGAN / "MainStreet2020.csv.gz", "\n".join(rows))
    record = sensors.logan()
    stage = record.find("MainStreet2020", "stage")
    assert stage.t_ms[0] == 1_577_862_000_000  # seven hours behind UTC
    assert stage.value[[0, 1, 3]].tolist() == pytest.approx([205.0, 51.0, 210.0])
    assert stage.quality.tolist() == [GOOD, FAULT, MISSING, SUSPECT]
    settings = {"logan": {"judge": ["MainStreet2020"], "tune": ["Nowhere"]}}
    (one,) = screen_cases.logan(settings, "judge")
    assert one.bad.tolist() == [False, True, True]
    assert one.around.water_c[1].tolist() == [0.1, 0.1, -0.01]
    with pytest.raises(DataError, match="Nowhere"):
        screen_cases.logan(settings, "tune")


def test_trout_creek_is_labelled_by_the_hours_around(folder):
    lines = ["Lib = 0.3.0 SN = 1", "Time [UTC], Bat [V], Range [cm],Pitch [deg],"]
    for step in range(60):
        distance = 360 if step in (30, 45) else 370 + step % 2
        minutes = 5 * step
        lines.append(f"2021/09/20 {minutes // 60:02}:{minutes % 60:02}:00,4.7,{distance}.00,91,")
    put(folder / sensors.TROUT / "Log1.txt.gz", "\n".join(lines))
    settings = screen_report.recipe()
    (one,) = screen_cases.trout(settings, "judge")
    assert one.quantity == "range_mm"
    assert np.flatnonzero(one.bad).tolist() == [30, 45]
    assert not one.judged[:12].any()
    assert screen_cases.trout(settings, "tune") == []
    (clear,) = screen_cases.trout(settings, "judge", clear=True)
    assert clear.judged.sum() == one.judged.sum() == 36
    assert one.level[0] == -3700.0


def test_floodnet_keeps_floods_and_tells_absurd_ones(folder):
    head = "sensor_id,flood_start_time,onset_time_mins,"
    head += "flood_profile_depth_inches,flood_profile_time_secs"
    depths = json.dumps([0, *([10.0] * 100), 0])
    seconds = json.dumps([60 * k for k in range(102)])
    rows = [
        f'a-street,2023-01-01T00:00:00.000,20,"{depths}","{seconds}"',
        f'a-street,2023-02-01T00:00:00.000,2000,"{depths}","{seconds}"',
    ]
    put(folder / sensors.FLOODNET / "flood_events.csv.gz", "\n".join([head, *rows]))
    record = sensors.floodnet()
    assert [label.kind for label in record.labels] == ["flood", "absurd"]
    assert record.channels[0].value.max() == 254.0
    settings = screen_report.recipe()
    found = screen_cases.floodnet(settings, "tune") + screen_cases.floodnet(settings, "judge")
    (one,) = found
    assert (np.diff(one.t_ms) > 0).all()
    runs = [last - first for first, last in screen.runs(one.bad)]
    assert max(runs) == 102  # the absurd event; the others are spikes put in
    assert 1 <= len(runs) - 1 <= 3
    assert not one.judged[:120].any()


@pytest.mark.parametrize("load", [sensors.logan, sensors.trout_creek, sensors.floodnet])
def test_a_record_that_is_not_here_says_so(folder, load):
    with pytest.raises(DataError, match="record"):
        load()


def test_rises_are_counted_and_hardly_doubted(monkeypatch):
    rng = np.random.default_rng(4)
    value = 500.0 + rng.standard_normal(600)
    value[300:320] += np.linspace(0.0, 1500.0, 20)
    value[320:] += 1500.0
    t_ms = 1_600_000_000_000 + STEP_MS * np.arange(600, dtype=np.int64)
    record = type("R", (), {"of": lambda *_: (channel("x", "stage", t_ms, value),)})()
    monkeypatch.setitem(screen_report.RIVERS, "made", lambda: record)
    counts = screen_report.rises("made")
    assert counts["readings"] > 10
    assert counts["doubted"] == 0


# --- the card ---


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_card_says_what_the_metrics_say(language):
    metrics = screen_report.read()
    page = screen_report.Path(__file__).parents[2] / "docs" / "models" / f"screening.{language}.md"
    assert page.read_text(encoding="utf-8") == screen_report.render(metrics, language)
    found = metrics["records"]["logan"]["ours"]["isolated"]["value"]
    assert f"{100 * found:.1f} %" in page.read_text(encoding="utf-8")


def test_without_metrics_there_is_no_card(tmp_path):
    with pytest.raises(DataError, match="amont-models screen"):
        screen_report.read(tmp_path / "none.json")


def test_metrics_are_written_and_read_again(tmp_path):
    metrics = screen_report.read()
    screen_report.write(metrics, tmp_path / "m.json")
    assert screen_report.read(tmp_path / "m.json") == metrics
    assert [p.name for p in screen_report.write_cards(metrics, tmp_path)] == [
        "screening.en.md",
        "screening.fr.md",
    ]


def test_the_split_leaves_nothing_on_both_sides():
    settings = screen_report.recipe()
    assert not set(settings["logan"]["tune"]) & set(settings["logan"]["judge"])
    assert Around() == case(np.zeros(3)).around
