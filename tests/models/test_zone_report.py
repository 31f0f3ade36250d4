"""What adapting brings the areas: both rows judged alike, and told in the leak's card."""

import re

import numpy as np
import pytest
from tests.models import scene

from amont_gateway.scoring.zone_adapted import ZoneAdapted
from amont_models import card, leak, pipeline, zone_report
from amont_models.adapt_zone import ZoneOutcome
from amont_models.data import Zone
from amont_models.inject import inject
from amont_models.recipe import ARTIFACTS_DIR, HOUR_MS


@pytest.fixture
def made(monkeypatch, tmp_path):
    """Two made areas: one keeps deaf thresholds of its own, one is refused."""
    t_ms, l_h = scene.zone_hours(150)
    areas = [Zone(name, t_ms, l_h) for name in ("3", "4")]
    later = [Zone(one.name, t_ms + 200 * 24 * HOUR_MS, l_h) for one in areas]
    monkeypatch.setattr(leak, "zones", lambda _, part: areas if part == "train" else later)
    monkeypatch.setattr(leak, "injected", lambda *_: [inject(one, 11, 2) for one in later])
    monkeypatch.setattr(zone_report, "METRICS", tmp_path / "leak.metrics.json")
    deaf = ZoneOutcome(ZoneAdapted(4.0, 4.0), "", {"days": 1.0})
    refused = ZoneOutcome(None, "worse", {"days": 1.0})
    outcomes = {"3": deaf, "4": refused}
    monkeypatch.setattr(zone_report, "adapt_zone", lambda past, *_: outcomes[past.inflow.name])
    said = []
    metrics = zone_report.measure(ARTIFACTS_DIR, said.append)
    assert said[:2] == ["area 3: adapted", "area 4: worse"]
    return metrics


def test_both_rows_are_judged_and_told_in_the_card(made):
    assert made["areas"]["3"]["own"]["step"] == 4.0
    assert made["areas"]["4"]["refused"] == "worse"
    assert made["first"]["leaks"] == made["adapted"]["leaks"] == 4
    assert made["adapted"] != made["first"], "an area's own thresholds are used"
    zone_report.write(made)
    metrics = pipeline.read_metrics(ARTIFACTS_DIR)
    for language, own in (("en", "1 of 2 took theirs"), ("fr", "1 sur 2")):
        told = card._leak_tables(metrics["leak"], language)["adapted"]
        assert own in told
        assert len(re.findall(r"\d+/\d+ \(", told)) == 2
        before = card.RULES[language]["adapted_when"]
        assert before not in told
        other = {**metrics["leak"], "rule": {**metrics["leak"]["rule"], "step": 99.0}}
        assert before in card._leak_tables(other, language)["adapted"]
    assert not np.isnan(made["first"]["found_15_share_low"])


def test_before_it_was_measured_the_card_says_nothing_of_it(monkeypatch, tmp_path):
    monkeypatch.setattr(zone_report, "METRICS", tmp_path / "leak.metrics.json")
    metrics = pipeline.read_metrics(ARTIFACTS_DIR)
    assert card._leak_tables(metrics["leak"], "en")["adapted"] == ""
