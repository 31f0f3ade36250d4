"""What a lower rung costs: from the judged ladder to the gateway's file, for one model alone."""

import json

import pytest

from amont_gateway.scoring import rung_costs as gateway
from amont_gateway.scoring.model_files import read_manifest
from amont_models import river_report, rung_costs
from amont_models.recipe import ARTIFACTS_DIR

SHA = "ab" * 32


def row(stations, lead_h, pod, far, pi):
    warning = {"lead_h": [lead_h], "pod": [pod], "far": [far]}
    return {"stations": stations, "warning": warning, "pi": {"3h": [pi]}}


@pytest.fixture
def metrics():
    full = row(51, 2.5, 0.974, 0.19, 0.64)
    lower = row(51, 1.8333, 0.95, 0.14, 0.5644)
    dry = row(12, 1.0, 0.6, 0.4, 0.3)
    french = {"full": full, "no rain": full, "no upstream": lower, "stage alone": lower}
    long = {"full": dry, "no rain": row(12, 1.0, 0.6, 0.5, 0.2)}
    return {"model_sha256": SHA, "ladder": {"french": french, "long": long}}


def test_a_rung_is_told_by_the_widest_set_to_which_it_makes_a_difference(metrics):
    found = rung_costs.costs(metrics).rungs
    assert set(found) == {"no rain", "no upstream", "local only"}
    assert found["no rain"].stations == 12  # the 51 had no rain to lose
    assert found["no rain"].notice_min == (60, 60)
    assert found["no rain"].false_percent == (50, 40)
    assert found["no upstream"] == found["local only"]
    assert found["no upstream"].notice_min == (110, 150)
    assert found["no upstream"].told_percent == (95, 97)
    assert found["no upstream"].error_more_percent == 10  # the root of .4356 / .36


def test_a_rung_that_nothing_shows_has_no_cost(metrics):
    metrics["ladder"]["long"]["no rain"]["warning"]["lead_h"] = [None]
    assert set(rung_costs.costs(metrics).rungs) == {"no upstream", "local only"}


def test_the_gateway_reads_what_was_written_for_its_model_alone(metrics, tmp_path):
    path = tmp_path / "costs.json"
    rung_costs.write(metrics, path)
    assert gateway.costs_of(SHA, path) == rung_costs.costs(metrics).rungs
    assert gateway.costs_of("cd" * 32, path) == {}
    path.write_text(json.dumps({"model_sha256": SHA, "rungs": {"no rain": {"stations": "many"}}}))
    assert gateway.costs_of(SHA, path) == {}
    assert gateway.costs_of(SHA, tmp_path / "none.json") == {}


def test_what_is_packaged_is_what_was_measured():
    measured = river_report.read()
    assert gateway.costs_of(measured["model_sha256"]) == rung_costs.costs(measured).rungs
    manifest = read_manifest(ARTIFACTS_DIR)
    shipped = gateway.costs_of(manifest["models"]["river"]["sha256"])
    assert shipped == {} or shipped == rung_costs.costs(measured).rungs
