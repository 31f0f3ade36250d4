"""The signed files: what is damaged, foreign or strange is a fault, never a calm answer."""

import hashlib
import json
import shutil

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.models import scene

from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import Model, ModelError, read_manifest
from amont_models import card, pipeline, release
from amont_models.recipe import ARTIFACTS_DIR, load, recipe_sha256

SIGNED = ("manifest.json", "manifest.sig", "release.pub", "river.int8.onnx", "leak.int8.onnx")
NOW = 1_519_800_000_000


@pytest.fixture
def folder(tmp_path):
    for name in SIGNED:
        shutil.copy(ARTIFACTS_DIR / name, tmp_path / name)
    return tmp_path


def faults(folder):
    """Load the folder, run it, and return the models that say fault; ok means a real answer."""
    scoring = Scoring(folder, scene.site())
    scoring.update(scene.Windows(), NOW)
    river = scoring.forecast("pont-neuf").status
    zone = scoring.zone("bourg")["model_status"]
    assert (river == "fault") == (scoring.status["river"] != "ok")
    assert (zone == "fault") == (scoring.status["leak"] != "ok")
    return {name for name, status in (("river", river), ("leak", zone)) if status == "fault"}


def sign(folder, change):
    """Change the manifest and sign it again with a key of our own."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    release.write_signed(folder, manifest, Ed25519PrivateKey.generate())


def test_the_committed_models_load():
    scoring = Scoring(ARTIFACTS_DIR, scene.site())
    assert scoring.status == {"river": "ok", "leak": "ok"}


def test_the_private_key_is_not_there():
    assert {path.name for path in ARTIFACTS_DIR.iterdir()} == {*SIGNED, "metrics.json"}


@pytest.mark.parametrize("name", SIGNED)
def test_flipped_bits_are_never_silent(folder, name):
    rng = np.random.default_rng(20)
    path = folder / name
    whole = path.read_bytes()
    harmless = 0
    for _ in range(60):
        bit = int(rng.integers(0, 8 * len(whole)))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(damaged)
        if not faults(folder):
            # Only hex digits may change case or the last line end become another space.
            assert bytes(damaged).decode("ascii").strip().lower() == whole.decode().strip()
            harmless += 1
    assert harmless <= (0 if name.endswith((".onnx", ".json")) else 30)


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_truncated_files_are_never_silent(folder, name, share):
    path = folder / name
    path.write_bytes(path.read_bytes()[: int(share * (path.stat().st_size - 1))])
    assert faults(folder)


@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_file_is_a_fault_that_names_it(folder, name):
    (folder / name).unlink()
    assert faults(folder)
    reasons = " ".join(Scoring(folder, scene.site()).status.values())
    assert name in reasons


def test_one_bad_model_leaves_the_other_running(folder):
    (folder / "leak.int8.onnx").write_bytes(b"x")
    assert faults(folder) == {"leak"}


def test_a_manifest_signed_by_somebody_else_is_refused(folder):
    public = (folder / "release.pub").read_text()
    sign(folder, lambda manifest: None)
    assert not faults(folder)
    (folder / "release.pub").write_text(public)
    assert faults(folder) == {"river", "leak"}


def test_the_golden_vector_sees_what_a_right_hash_hides(folder):
    """Give damaged files a right hash: none may load and compute other numbers."""
    manifest = read_manifest(folder)
    entry = manifest["models"]["river"]
    whole = (folder / entry["file"]).read_bytes()
    rows = np.asarray(entry["golden"]["rows"])
    wanted = Model(folder, entry)(rows)
    rng = np.random.default_rng(4)
    refused = 0
    for _ in range(150):
        damaged = bytearray(whole)
        damaged[int(rng.integers(0, len(whole)))] ^= 0x40
        (folder / entry["file"]).write_bytes(damaged)
        hashed = {**entry, "sha256": hashlib.sha256(damaged).hexdigest()}
        try:
            got = Model(folder, hashed)(rows)
        except ModelError:
            refused += 1
            continue
        assert np.abs(got - wanted).max() <= entry["golden"]["tolerance"]
    assert refused > 12, "the damage never mattered: this test would see nothing"


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "0" * 64}, {"inputs": 7}, {"outputs": 2}, {"file": "absent.onnx"},
        {"golden": {"rows": [[0.0]], "out": [[0.0]], "tolerance": 1.0}}, {"rule": {"drift": "x"}},
    ],
)  # fmt: skip
def test_a_manifest_that_does_not_fit_is_a_fault(folder, change):
    sign(folder, lambda manifest: manifest["models"]["leak"].update(change))
    assert faults(folder) == {"leak"}


def test_a_missing_model_or_another_format_is_a_fault(folder):
    sign(folder, lambda manifest: manifest["models"].pop("river"))
    assert faults(folder) == {"river"}
    sign(folder, lambda manifest: manifest.update(format=2))
    assert faults(folder) == {"river", "leak"}


def test_the_manifest_agrees_with_recipes_metrics_and_data():
    manifest = read_manifest(ARTIFACTS_DIR)
    metrics = ARTIFACTS_DIR / "metrics.json"
    assert manifest["metrics_sha256"] == hashlib.sha256(metrics.read_bytes()).hexdigest()
    assert manifest["recipes"] == {name: recipe_sha256(name) for name in ("river", "leak")}
    inputs, packaged = manifest["inputs"], pipeline.data.sources()
    assert {name: inputs[name] for name in packaged} == packaged
    recorded = {name.partition("/")[0] for name in inputs.keys() - packaged.keys()}
    river = load("river")["recorded"]
    assert recorded == {*river["first_part"], *river["stations"]}  # and nothing held back
    assert all(entry["bytes"] <= 64 * 1024 for entry in manifest["models"].values())


@pytest.mark.parametrize("model", ["river", "leak"])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_cards_agree_with_the_metrics(model, language):
    metrics = pipeline.read_metrics(ARTIFACTS_DIR)
    text = (card_folder() / f"{model}.{language}.md").read_text(encoding="utf-8")
    assert text == card.render(metrics, model, language)
    metrics[model]["bytes"] += 1
    assert text != card.render(metrics, model, language)


def card_folder():
    return ARTIFACTS_DIR.parent.parent / "docs" / "models"


def test_the_model_beats_the_simple_rules_it_must_beat():
    metrics = pipeline.read_metrics(ARTIFACTS_DIR)
    skill = metrics["river"]["skill"]
    for hours in (1, 3, 6):
        assert skill[f"pi_{hours}h"] > max(0.0, skill[f"pi_linear_{hours}h"])
        assert abs(skill[f"pi_{hours}h"] - metrics["river"]["float_skill"][f"pi_{hours}h"]) < 0.03
    ours, leak = metrics["leak"]["shipped"], metrics["leak"]
    steps = [row for name, row in leak.items() if name.startswith("night_step_")]
    rivals = [s for s in steps if s["false_per_zone_year"] <= ours["false_per_zone_year"]]
    assert rivals, "no night-flow rule errs as rarely: nothing to compare with"
    assert ours["found_15"] > max(step["found_15"] for step in rivals)
