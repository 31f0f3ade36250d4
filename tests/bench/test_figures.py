import json
from types import ModuleType

import pytest
from tests.bench import figures
from tests.bench.figures import FigureError, complete

NAMES = ("wire.bytes", "wire.worst")


def module(name, yields):
    made = ModuleType(f"tests.bench.{name}")
    made.NAMES = NAMES

    def give(full, seed):
        yield from yields(full, seed)

    made.figures = give
    return made


def good(full, seed):
    yield {
        "name": "wire.bytes",
        "value": 0.8 if full else 0.9,
        "unit": "B",
        "anchor": 1.8,
        "met": full,
    }
    yield {"name": "wire.worst", "value": 51, "unit": "B", "goal": "<= 51", "met": True}


def crashing(full, seed):
    yield {"name": "wire.bytes", "value": 1, "unit": "B"}
    raise OSError("no space")


def run(monkeypatch, tmp_path, made, only="", full=False):
    for path in made:
        (tmp_path / f"{path}.py").touch()
    monkeypatch.setattr(
        figures.importlib, "import_module", lambda name: made[name.rpartition(".")[2]]
    )
    target = tmp_path / "build" / "bench.jsonl"
    failed = figures.run(tmp_path, target, only, full, seed=7)
    return failed, [json.loads(line) for line in target.read_text().splitlines()]


def test_figure_gets_every_key_and_its_ratio():
    figure = complete(
        {"name": "wire.bytes", "value": 0.9, "unit": "B", "anchor": 1.8}, NAMES, 1.234, 7
    )
    assert list(figure) == list(figures.KEYS)
    assert (figure["ratio"], figure["seconds"], figure["seed"], figure["met"]) == (
        0.5,
        1.23,
        7,
        None,
    )


@pytest.mark.parametrize(
    "raw",
    [
        {"name": "wire.bytes", "value": float("nan"), "unit": "B"},
        {"name": "wire.bytes", "value": None, "unit": "B"},
        {"name": "wire.bytes", "value": True, "unit": "B"},
        {"name": "wire.bytes", "value": 1},
        {"name": "wire.other", "value": 1, "unit": "B"},
        {"name": "wire.bytes", "value": 1, "unit": "B", "gaol": 2},
    ],
)
def test_what_is_not_a_figure_is_refused(raw):
    with pytest.raises(FigureError):
        complete(raw, NAMES, 0.0, 1)


def test_only_filters_modules_and_figures(monkeypatch, tmp_path):
    made = {"bench_wire": module("bench_wire", good), "bench_bad": module("bench_bad", crashing)}
    made["bench_bad"].NAMES = ("loss.gateway",)
    failed, rows = run(monkeypatch, tmp_path, made, only=r"^wire\.worst")
    assert failed == []
    assert [row["name"] for row in rows] == ["wire.worst"]


def test_what_was_not_measured_is_named(monkeypatch, tmp_path, capsys):
    made = {"bench_wire": module("bench_wire", lambda full, seed: list(good(full, seed))[:1])}
    run(monkeypatch, tmp_path, made)
    assert "not measured here: wire.worst\n" in capsys.readouterr().out
    run(monkeypatch, tmp_path, made, only="bytes")
    assert "not measured" not in capsys.readouterr().out


def test_full_reaches_the_module(monkeypatch, tmp_path):
    _, rows = run(monkeypatch, tmp_path, {"bench_wire": module("bench_wire", good)}, full=True)
    assert rows[0]["value"] == 0.8


def test_a_crashing_module_is_named_and_the_others_go_on(monkeypatch, tmp_path, capsys):
    made = {"bench_a": module("bench_a", crashing), "bench_wire": module("bench_wire", good)}
    failed, rows = run(monkeypatch, tmp_path, made)
    assert failed == ["bench_a"]
    assert [row["name"] for row in rows] == ["wire.bytes", "wire.bytes", "wire.worst"]
    assert "no space" in capsys.readouterr().err
