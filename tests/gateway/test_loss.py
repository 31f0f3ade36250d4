"""Nothing that a node forgot may be missing from the journal, whatever is killed."""

import pytest
from tests.gateway.loss_rig import Kills, LossRig

pytestmark = pytest.mark.servers


@pytest.mark.timeout(400)  # thirty seconds on an idle machine
def test_kills_lose_nothing(tmp_path):
    rig = LossRig(tmp_path, seed=1)
    outcome = rig.run(Kills(gateway=25, guard=10, broker=5, nodes=5))
    assert rig.killed == {"gateway": 25, "guard": 10, "broker": 5, "node": 5}
    assert outcome.acknowledged > 2_000
    assert (outcome.lost, outcome.wrong, outcome.twice) == (0, 0, 0)
    assert outcome.stuck == 0
    assert outcome.sound


@pytest.mark.timeout(400)
def test_the_harness_notices_an_acknowledgement_before_the_commit(tmp_path):
    outcome = LossRig(tmp_path, seed=2, early=True).run(Kills(gateway=12))
    assert outcome.lost > 0
