"""Times are measured, energy is told from them by two assumptions, and both reach the cards."""

import pytest

from amont_models import cli, cost


def test_every_task_is_timed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(cost, "RUNS", 5)
    monkeypatch.setattr(cost, "NETWORK_DAYS", 2)
    monkeypatch.setattr(cost, "FLOWS_DAYS", 2)
    path = tmp_path / "cost.json"
    assert cli.main(["cost", "--write", str(path)]) == 0
    found = cost.read(path)
    for name in ("river", "leak", "network", "flows"):
        assert 0.0 < found[name]["median_ms"] <= found[name]["p99_ms"]
    assert found["machine"] in capsys.readouterr().out


def test_energy_follows_from_the_assumptions():
    facts = cost.facts({"machine": "m", "river": {"median_ms": 0.2, "p99_ms": 1.0}}, "river")
    # 0.2 ms here, five times as long there, one watt more: 1 mJ, 144 times a day.
    assert float(facts["pi_mj"]) == pytest.approx(0.2 * cost.PI_SLOWER * cost.PI_WATTS)
    assert float(facts["pi_day_j"]) == pytest.approx(144 * 1e-3 * float(facts["pi_mj"]), rel=0.5)


def test_the_committed_figures_are_there():
    assert {"machine", "river", "leak", "network"} <= set(cost.read())
