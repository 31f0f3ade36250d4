import json
import shutil
import stat
import types

import pytest
from tests.models import scene

from amont_gateway.scoring.live import Scoring
from amont_gateway.scoring.model_files import read_manifest
from amont_models import cli, leak, pipeline, recipe, release, river
from amont_models.export import write_int8
from amont_models.recipe import ARTIFACTS_DIR


def small(name):
    """Return a recipe that trains in seconds: one river, one area, few leaks."""
    made = recipe.load(name)
    if name == "river":
        made["data"].update(stations=["303203"], train_until="2012-06-01", tune_until="2020-06-01")
        made["network"].update(hidden=[6], epochs=1)
    else:
        made["data"].update(areas=[9], train_until="2022-09-01")
        made["network"].update(hidden=[4], epochs=1)
        made["inject"].update(train_seeds=[1], validate_seeds=[2], per_zone=3)
        made["curve"].update(step=[0.0], drift=[2.0], alarm=[8.0])
        made["rule"].update(step=[6.0], step_shy=[0.5], drift=[1.5], alarm=[8.0])
    return made


def test_training_signs_what_the_gateway_loads(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    monkeypatch.setattr(pipeline, "load", small)
    monkeypatch.setattr(pipeline, "STEP_SHARES", (0.15, 0.3))
    monkeypatch.setenv("AMONT_RELEASE_KEY", str(tmp_path / "release.key"))
    folder, cards = tmp_path / "artifacts", tmp_path / "cards"
    assert cli.main(["train", "--artifacts", str(folder), "--cards", str(cards)]) == 0
    said = capsys.readouterr().err
    assert "river: training" in said
    assert "AMONT_DATA is not set, so the packaged rivers alone teach" in said
    assert Scoring(folder, scene.site()).status == {"river": "ok", "leak": "ok"}
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".training")]
    assert len(list(cards.iterdir())) == 4
    assert cli.main(["evaluate", "--artifacts", str(folder), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again == pipeline.read_metrics(folder)
    assert again["river"]["int8"]["stations"] == 1
    assert set(again["river"]["int8"]["levels"]) == {"warning", "watch"}


def test_one_model_is_trained_while_the_other_stays_as_it_is_signed(tmp_path, monkeypatch):
    monkeypatch.setenv("AMONT_RELEASE_KEY", str(tmp_path / "release.key"))
    folder, cards = tmp_path / "artifacts", tmp_path / "cards"
    shutil.copytree(ARTIFACTS_DIR, folder)
    before, figures = read_manifest(folder), pipeline.read_metrics(folder)
    river = (folder / "river.int8.onnx").read_bytes()
    changed = small("leak")
    changed["seed"] += 1
    monkeypatch.setattr(pipeline, "load", {"leak": changed}.__getitem__)
    monkeypatch.setattr(pipeline, "STEP_SHARES", (0.15, 0.3))
    asked = ["train", "--only", "leak", "--artifacts", str(folder), "--cards", str(cards)]
    assert cli.main(asked) == 0
    after = read_manifest(folder)
    assert (folder / "river.int8.onnx").read_bytes() == river
    for what in ("models", "recipes", "seeds"):
        assert after[what]["river"] == before[what]["river"]
    assert after["inputs"] == before["inputs"]
    assert after["seeds"]["leak"] == changed["seed"]
    assert after["models"]["leak"]["sha256"] != before["models"]["leak"]["sha256"]
    judged = pipeline.read_metrics(folder)
    assert judged["river"] == figures["river"]
    chosen = after["models"]["leak"]["rule_chosen"]  # signed: the budget, and what came of it
    assert chosen["budget_false_per_zone_year"] == changed["rule"]["false_per_zone_year"]
    assert {"without_network", "with_network"} < set(chosen)
    assert judged["leak"]["rule_chosen"].keys() == chosen.keys()
    near = judged["leak"]["int8"]
    assert near["asked"] == (after["models"]["leak"]["rule"]["network"] > 0.0)
    assert near["int8"]["of"] == judged["leak"]["network"]["leaks"]
    assert {"night CUSUM", "step test", "random"} <= set(judged["leak"]["floors"])
    assert Scoring(folder, scene.site()).status == {"river": "ok", "leak": "ok"}


def test_one_model_alone_is_not_trained_beside_what_is_not_signed(tmp_path, capsys):
    shutil.copytree(ARTIFACTS_DIR, tmp_path / "artifacts")
    (tmp_path / "artifacts" / "manifest.sig").unlink()
    asked = ["train", "--only", "river", "--artifacts", str(tmp_path / "artifacts")]
    assert cli.main(asked) == cli.USER_ERROR
    assert "manifest.sig" in capsys.readouterr().err


def test_modules_bring_their_own_commands(monkeypatch):
    def add_commands(commands):
        commands.add_parser("more").set_defaults(run=lambda asked: len(asked.command))

    module = types.SimpleNamespace(add_commands=add_commands)
    monkeypatch.setattr(cli, "MODULES", (module,))
    assert cli.main(["more"]) == len("more")


def weights(name, path):
    """Write the int8 file of a small recipe and return its bytes."""
    asked = small(name)
    if name == "river":
        asked["data"]["train_until"] = "2011-07-01"
        table = river.training_table(asked)
        network, rows = river.fit(asked, table), river.calibration_rows(asked, table, 1000)
    else:
        asked["data"]["train_until"] = "2021-09-01"
        network, rows = leak.fit(asked), pipeline.calibration_rows(asked)
    write_int8(network, rows, path)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["river", "leak"])
def test_the_same_seed_gives_the_same_bytes(name, tmp_path, monkeypatch):
    monkeypatch.delenv("AMONT_DATA", raising=False)
    assert weights(name, tmp_path / "one.onnx") == weights(name, tmp_path / "other.onnx")


@pytest.mark.parametrize("command", ["train", "evaluate", "card"])
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([command, "--help"])
    assert stop.value.code == 0
    assert "--artifacts" in capsys.readouterr().out


def test_cards_are_written_from_metrics(tmp_path, capsys):
    assert cli.main(["card", "--cards", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == pipeline.read_metrics(ARTIFACTS_DIR)
    assert {p.name for p in tmp_path.iterdir()} == {
        "river.en.md", "river.fr.md", "leak.en.md", "leak.fr.md",
    }  # fmt: skip


@pytest.mark.parametrize("command", ["evaluate", "card"])
def test_a_folder_without_models_is_one_line_and_code_2(command, tmp_path, capsys):
    assert cli.main([command, "--artifacts", str(tmp_path)]) == cli.USER_ERROR
    error = capsys.readouterr().err
    assert error.startswith(f"amont-models {command}: ")
    assert error.count("\n") == 1


def test_the_release_key_is_private_and_kept(tmp_path, monkeypatch):
    path = tmp_path / "keys" / "release.key"
    monkeypatch.setenv("AMONT_RELEASE_KEY", str(path))
    one = release.release_key()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert release.release_key().private_bytes_raw() == one.private_bytes_raw()
    path.write_text("not a key\n")
    with pytest.raises(ValueError, match="hex"):
        release.release_key()
