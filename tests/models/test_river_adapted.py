"""What a station's past has taught: applied safely, believed only if whole and of this model."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.models import scene

from amont_gateway.scoring.adapted_file import FILE, FORMAT, Learnt
from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import ModelError
from amont_gateway.scoring.river_adapted import (
    DESIGN,
    Adapted,
    calibrated,
    read,
    shown,
)
from amont_gateway.scoring.river_decision import Rule
from amont_gateway.scoring.river_features import (
    HORIZONS_H,
    MEDIAN,
    QUANTILES,
    RAIN,
    RIVER_FEATURES,
    VALUES,
    river_bands,
)
from amont_models.recipe import ARTIFACTS_DIR

SHA = "a" * 64
HORIZONS, LEVELS = len(HORIZONS_H), len(QUANTILES)
RISING = 1_519_804_800_000 - 2 * 3_600_000  # the demonstration's flood, two hours before its crest
STATION = "pont-neuf"


def adapted(seed=1, size=0.02, needs=(), most=0.3, **more):
    """Return an adaptation with slopes drawn at random."""
    rng = np.random.default_rng(seed)
    return Adapted(
        800.0, 400.0, rng.normal(0.0, size, (DESIGN, HORIZONS)), np.full(HORIZONS, most),
        rng.uniform(0.5, 3.0, (HORIZONS, LEVELS)), needs, **more,
    )  # fmt: skip


def forecasts(seed=2, count=50):
    """Return rows, the network's bands and stages, drawn at random."""
    rng = np.random.default_rng(seed)
    rows = np.concatenate(
        (rng.normal(0, 1, (count, VALUES)), np.ones((count, RIVER_FEATURES - VALUES))), axis=1
    )
    rises = river_bands(rng.normal(0.5, 1.0, (count, HORIZONS * LEVELS)), 800.0)
    return rows, rises, rng.uniform(0, 3000, count)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31), size=st.sampled_from([0.0, 0.01, 1.0, 1e6, 1e300]),
    most=st.floats(0.0, 3.0), carry=st.floats(0.0, 1.0),
)  # fmt: skip
def test_a_correction_keeps_a_band_a_band(seed, size, most, carry):
    rows, rises, stage = forecasts(seed)
    band = calibrated(rows, rises, stage, Rule(), adapted(seed, size, most=most, carry=carry))
    assert np.isfinite(band).all()
    assert (np.diff(band, axis=2) >= 0.0).all(), "quantiles out of order"
    assert (np.diff(band[:, 1:], axis=1) >= 0.0).all(), "a later horizon below an earlier one"
    assert (band[:, 0] <= band[:, 1]).all()
    stays = rises[:, 1:, MEDIAN:] >= 0.0
    assert (band[:, 1:, MEDIAN:][stays] >= 0.0).all(), "below now, where the network was not"


def test_no_correction_is_larger_than_the_past_asked_for():
    rows, rises, stage = forecasts()
    off = adapted(size=10.0, most=0.1).correction(rows, rises, stage)
    assert np.abs(off).max() == pytest.approx(80.0)


def test_without_what_it_was_learnt_with_nothing_is_corrected():
    rows, rises, stage = forecasts()
    rows[10:20, VALUES + RAIN.start : VALUES + RAIN.stop] = 0.0
    off = adapted(needs=("rain",)).correction(rows, rises, stage)
    assert (off[10:20] == 0.0).all()
    assert (off[:10] != 0.0).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**31), margin=st.floats(0.0, 1.0))
def test_a_margin_raises_what_people_see_and_never_to_the_mark(seed, margin):
    rows, rises, stage = forecasts(seed)
    own = adapted(seed, 0.0, margins=(margin,) * HORIZONS)
    band = calibrated(rows, rises, stage, Rule(), own)
    seen = shown(band, stage, 1500.0, own)
    assert (seen[:, :, :-1] == band[:, :, :-1]).all(), "only the upper end moves"
    assert (seen[:, 1:, -1] >= band[:, 1:, -1]).all()
    assert (np.diff(seen[:, 1:], axis=1) >= 0.0).all()
    below = stage[:, None] + band[:, :, -1] < 1500.0
    assert (stage[:, None] + seen[:, :, -1] < 1500.0)[below].all()
    assert np.array_equal(shown(band, stage, 1500.0), band)


def test_a_file_of_before_margins_is_read(tmp_path):
    old = adapted(shift=0.25).to_json()
    del old["margins"], old["parts"]
    again = read(put(tmp_path, stations={"bridge": old}), SHA)["bridge"]
    assert again.margins == (0.0,) * HORIZONS
    assert again.parts == ("line", "widths", "shift")


def test_without_an_adaptation_only_the_widths_count():
    rows, rises, stage = forecasts()
    assert np.allclose(calibrated(rows, rises, stage, Rule()), rises)


def put(folder, **changed):
    """Write a sound file, or one with other fields."""
    said = {"format": FORMAT, "model_sha256": SHA, "stations": {"bridge": adapted().to_json()}}
    (folder / FILE).write_text(json.dumps(said | changed), encoding="utf-8")
    return folder / FILE


def test_a_file_is_read_as_it_was_written(tmp_path):
    again = read(put(tmp_path), SHA)["bridge"]
    assert np.allclose(again.slopes, adapted().slopes, rtol=1e-5)
    assert np.array_equal(again.widths, adapted().widths)
    assert read(tmp_path / "none.json", SHA) == {}


BAD = {
    "spread_mm": 0.0, "median_mm": float("nan"), "shift": 9.0, "carry": 2.0,
    "most": [-1.0] * HORIZONS, "slopes": [[0.0]], "needs": None,
    "margins": [0.1, 0.1], "parts": ["luck"],
    "widths": [[float("inf")] * LEVELS] * HORIZONS,
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_a_number_that_cannot_be_is_refused(tmp_path, name):
    with pytest.raises(ModelError, match=FILE):
        read(put(tmp_path, stations={"bridge": adapted().to_json() | {name: BAD[name]}}), SHA)


def test_another_model_and_another_format_are_refused(tmp_path):
    with pytest.raises(ModelError, match="another model"):
        read(put(tmp_path), "b" * 64)
    with pytest.raises(ModelError, match="format"):
        read(put(tmp_path, format=2), SHA)


def test_what_is_cut_short_is_refused(tmp_path):
    path = put(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 997):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError, match=FILE):
            read(path, SHA)


def test_a_file_is_taken_when_it_comes_and_left_when_it_goes(tmp_path):
    known = Learnt(tmp_path / FILE, read)
    assert known.renewed(SHA)
    assert not known.renewed(SHA)
    path = put(tmp_path)
    assert known.renewed(SHA)
    assert set(known.places) == {"bridge"}
    path.write_text("{", encoding="utf-8")
    assert known.renewed(SHA)
    assert known.places == {}
    assert FILE in known.fault
    path.unlink()
    assert known.renewed(SHA)
    assert known.fault is None


def test_the_gateway_says_why_a_damaged_file_is_not_used(tmp_path):
    plain = Scoring(ARTIFACTS_DIR, scene.site())
    own = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    windows = scene.river_windows(RISING)
    (tmp_path / FILE).write_text("{}", encoding="utf-8")
    advice = plain.update(windows, RISING)
    assert own.update(windows, RISING) == advice
    assert own.status["adapted"].startswith(FILE)
    assert "adapted" not in plain.status
    assert own.forecast(STATION) == plain.forecast(STATION)


def test_the_gateway_uses_a_sound_one_and_takes_it_back(tmp_path):
    scoring = Scoring(ARTIFACTS_DIR, scene.site(), tmp_path)
    windows = scene.river_windows(RISING)
    scoring.update(windows, RISING)
    before = scoring.forecast(STATION)
    sha256 = next(sha for name, sha in scoring.serves.items() if name.startswith("river"))
    own = adapted(margins=(0.1,) * HORIZONS, parts=("line", "margins"))
    path = put(tmp_path, model_sha256=sha256, stations={STATION: own.to_json()})
    scoring.update(windows, RISING)
    assert scoring.status["river"] == "ok"
    assert scoring.forecast(STATION).steps != before.steps
    basis, last = scoring.basis(STATION), scoring.forecast(STATION).steps[-1]
    assert basis.adapted.parts == ("line", "margins")
    assert round(basis.band_mm[-1, -1]) == last.p95_mm
    path.unlink()
    scoring.update(windows, RISING)
    assert scoring.forecast(STATION) == before
