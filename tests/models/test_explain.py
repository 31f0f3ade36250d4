"""Past moments explained: the same numbers as were served, the mark that was reached, and why."""

import json
import shutil
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests.models import scene
from tests.models.site_journal import (
    METER,
    PROMPT_MS,
    RAIN,
    SITE,
    STAGE_A,
    STAGE_B,
    STATION,
    ZONE,
    readings,
    write_journal,
)

from amont_gateway.counters import Counters
from amont_gateway.records import Records
from amont_gateway.scoring.adapted_file import FILE as ADAPTED_FILE
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.river_adapted import DESIGN, Adapted
from amont_gateway.scoring.river_decision import Rule
from amont_gateway.scoring.river_features import HORIZONS_H
from amont_gateway.scoring.zone_adapted import ZoneAdapted
from amont_models import cli, data, explain, explain_text, zone_chain
from amont_models.recipe import ARTIFACTS_DIR, DEMO_RIVER, HOUR_MS
from amont_models.records import DataError
from amont_models.site_past import SitePast

CREST = 1_519_804_800_000
RISING, CALM = CREST - 2 * HOUR_MS, CREST - 20 * HOUR_MS
SPIKE_MS = RISING - 30 * HOUR_MS


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The demonstration's flood at both sensors, its rain, a zone that leaks, and one spike."""
    folder = tmp_path_factory.mktemp("state")
    record = data.river(DEMO_RIVER.record)
    part = record.between(CREST - 90 * HOUR_MS, CREST + 6 * HOUR_MS)
    stage_ms = np.arange(part.t_ms[0], part.t_ms[-1], HOUR_MS // 4)
    stage = np.interp(stage_ms, part.t_ms, part.stage_mm)
    spiked = np.where(stage_ms == SPIKE_MS, stage + 1500, stage)
    told = readings(STAGE_A, stage_ms, spiked) + readings(STAGE_B, stage_ms, stage + 5)
    told += readings(RAIN, part.t_ms, 1000 * part.rain_mm)
    t_ms, l_h = scene.zone_hours(35, leak_l_h=1800.0)
    told += readings(METER, t_ms - t_ms[-1] + CREST, l_h)
    return write_journal(folder, told)


def found(state, place=STATION, at_ms=RISING):
    return explain.explain(SitePast(SITE, state), place, at_ms + PROMPT_MS, ARTIFACTS_DIR)


def test_the_numbers_are_those_that_were_served(state):
    at_ms = RISING + PROMPT_MS
    windows = SitePast(SITE, state).windows(at_ms)
    scoring = Scoring(ARTIFACTS_DIR, SitePast(SITE, state).site)
    advice = scoring.update(windows, at_ms)
    forecast = scoring.forecast(STATION)
    said = found(state)
    assert said["computed"] == said["level"] == advice[0].level == "warning"
    assert (said["rung"], said["issued_ms"]) == (forecast.inputs, forecast.issued_ms)
    for row, step in zip(said["band"], forecast.steps, strict=True):
        assert row["horizon_h"] == step.horizon_h
        assert round(row["mm"]["0.05"]) == step.p05_mm
        assert round(row["mm"]["0.95"]) == step.p95_mm
    assert said["sha256"] == scoring.serves[forecast.model]


def test_it_names_the_quantile_that_decided_and_the_mark_that_it_reached(state):
    said = found(state)
    marks = {"watch": 1200, "warning": 1800}
    assert {(one["level"], one["mark_mm"]) for one in said["asked"]} == set(marks.items())
    reached = [one for one in said["asked"] if one["reached"]]
    assert {one["level"] for one in reached} == {"watch", "warning"}
    assert all(round(one["height_mm"]) >= one["mark_mm"] for one in reached)
    assert said["backed"] or said["supported"]


def test_a_calm_moment_reaches_no_warning(state):
    said = found(state, at_ms=CALM - 40 * HOUR_MS)
    assert said["computed"] != "warning"
    assert not any(one["reached"] for one in said["asked"] if one["level"] == "warning")


def test_what_was_left_out_is_named_with_its_cause(state):
    (spike,) = [one for one in found(state)["doubted"] if one["t_ms"] == SPIKE_MS]
    assert spike["sensor"] == STAGE_A
    assert spike["causes"]


def test_what_came_later_is_not_seen(state, tmp_path):
    early = tmp_path / "early"
    early.mkdir()
    past = SitePast(SITE, state)
    windows = past.windows(RISING + PROMPT_MS)
    told = []
    for sensor in (STAGE_A, STAGE_B, RAIN):
        series = windows.told(sensor)
        told += readings(sensor, series.t_ms, series.value)
    write_journal(early, told)
    assert found(early)["band"] == found(state)["band"]


def test_a_silent_station_is_a_lost_watch(state):
    said = found(state, at_ms=CREST + 60 * HOUR_MS)
    assert (said["status"], said["rung"]) == ("no data", "watch lost")
    assert "band" not in said


def test_a_zone_shows_its_nights_and_its_sum(state):
    said = found(state, ZONE, CREST)
    assert said["verdict"] == "leak"
    last = said["nights"][-1]
    assert last["sum"] >= said["leak_sum"]
    assert last["flow_l_h"] - last["expected_l_h"] == pytest.approx(1800, rel=0.3)
    assert said["since_ms"] < CREST
    assert 0.5 < said["probability"] <= 1.0


def test_a_zone_shows_its_own_thresholds_and_its_holidays(state, tmp_path):
    rule = zone_chain.shipped(ARTIFACTS_DIR)
    said = found(state, ZONE, CREST)
    assert (said["adapted"], said["step"]) == (None, rule.settings.step)
    assert said["holidays"] == []
    folder = tmp_path / "adapted"
    shutil.copytree(state, folder)
    own = ZoneAdapted(1.5, 1.25, 1)
    zones = {"made_for": rule.made_for, "zones": {ZONE: own.to_json()}}
    whole = {"format": 1, "model_sha256": "a" * 64, "stations": {}, "zones": zones}
    (folder / ADAPTED_FILE).write_text(json.dumps(whole), encoding="utf-8")
    said = found(folder, ZONE, CREST)
    assert said["adapted"] == own.to_json()
    assert said["step"] == 1.5 * rule.settings.step
    assert said["leak_sum"] == 1.25 * rule.settings.alarm
    said["holidays"] = ["2018-02-27"]
    text = explain_text.text(said, "en", ZoneInfo("Europe/Paris"))
    assert "learnt from its own past: hours × 1.50, nights × 1.25" in text
    assert "2018-02-27: public holiday, expected like a Saturday" in text
    text = explain_text.text(said | {"adapted": None}, "fr", ZoneInfo("Europe/Paris"))
    assert "Seuils tels que livrés" in text
    assert "2018-02-27 : jour férié, attendu comme un dimanche" in text


def test_what_a_station_learnt_from_its_past_is_named_part_by_part(state, tmp_path):
    assert found(state)["adapted"] == []
    folder = tmp_path / "adapted station"
    shutil.copytree(state, folder)
    nothing = np.zeros((DESIGN, len(HORIZONS_H))), np.zeros(len(HORIZONS_H)), Rule().width_table()
    own = Adapted(800.0, 400.0, *nothing, margins=(0.1,) * 4, parts=("widths", "margins"))
    sha256 = found(state)["sha256"]
    whole = {"format": 1, "model_sha256": sha256, "stations": {STATION: own.to_json()}}
    (folder / ADAPTED_FILE).write_text(json.dumps(whole), encoding="utf-8")
    said = found(folder)
    assert said["adapted"] == ["widths", "margins"]
    text = explain_text.text(said, "en", ZoneInfo("Europe/Paris"))
    assert "learnt from its own past: widths of the band, margin for floods" in text


def test_what_was_advised_then_stands_beside_it(state, tmp_path):
    folder = tmp_path / "with records"
    shutil.copytree(state, folder)
    records = Records(folder, Counters(), lambda *_: None)
    model = {"river 0 feedbeef0000": "feedbeef" * 8}
    for kind, at_ms, more in (
        ("seen models", RISING - HOUR_MS, {"models": model}),
        ("seen advice", RISING - 1000, {"station": STATION, "level": "watch", "model": "river 0"}),
        ("seen advice", RISING + HOUR_MS, {"station": STATION, "level": "warning", "model": "x"}),
        ("seen forecast", RISING - 9000, {"station": STATION, "reaches": "alarm",
                                          "steps": [[6, 1, 2, 3456]]}),
    ):  # fmt: skip
        records.take({"at_ms": at_ms, "kind": kind, **more})
    records._write_all()
    records._close()
    said = found(folder)
    assert said["recorded"]["advice"]["level"] == "watch"
    assert said["recorded"]["models"] == model
    text = explain.explain_text.text(explain._plain(said), "en", explain.ZoneInfo("UTC"))
    assert "Advice given then: watch (river 0" in text
    assert "another model was served then (river 0 feedbeef0000)" in text
    assert "highest 3456 mm within 6 h" in text
    late = found(folder, at_ms=RISING + 20 * HOUR_MS)
    assert late["recorded"]["advice"] is None, "advice that had run out long ago"


@pytest.mark.parametrize(("place", "words"), [
    (STATION, {"fr": ["ATTEINT", "pluie, de 1 à 0 h avant", "écarté", "SHA-256"],
               "en": ["REACHED", "rain, 1 to 0 h before", "left out", "SHA-256"]}),
    (ZONE, {"fr": ["fuite probable", "somme"], "en": ["probable leak", "sum"]}),
])  # fmt: skip
def test_people_read_it_in_both_languages(state, capsys, place, words):
    at = "2018-02-28T07:05"  # in Paris: an hour before the crest, and a quarter
    for lang, wanted in words.items():
        arguments = ["explain", str(SITE), place, "--at", at, "--state", str(state)]
        assert cli.main([*arguments, "--lang", lang]) == 0
        said = capsys.readouterr().out
        assert all(word in said for word in wanted), said
        assert "2018-02-28 07:05" in said
    assert cli.main([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["place"] == place


def test_mistakes_are_one_line(state, capsys):
    base = ["explain", str(SITE), STATION, "--state", str(state), "--at"]
    assert cli.main([*base, "yesterday"]) == 2
    assert "2026-11-03T04:00" in capsys.readouterr().err
    with pytest.raises(DataError, match="pont-neuf"):
        found(state, "nowhere")
    assert cli.main([*base[:-2], str(state / "absent"), "--at", "now"]) == 2
    assert "journal" in capsys.readouterr().err


def test_nothing_is_written(state):
    names = sorted(path.name for path in state.iterdir() if "-shm" not in path.name)
    found(state)
    after = sorted(path.name for path in state.iterdir() if "-shm" not in path.name)
    assert [n for n in after if "-wal" not in n] == [n for n in names if "-wal" not in n]


@pytest.mark.parametrize(
    ("at", "why"), [("2011-01-01T00:00", "journal begins later, 2018"), ("2999-01-01", "future")]
)
def test_a_moment_that_the_journal_cannot_know_is_refused(state, capsys, at, why):
    arguments = ["explain", str(SITE), STATION, "--state", str(state), "--at", at]
    assert cli.main(arguments) == 2
    assert why in capsys.readouterr().err
