"""What hurts a real database loses nothing; the bench does the same more often."""

import pytest
from tests.bench import influx_kills

pytestmark = pytest.mark.servers


def test_kill_9_under_load(tmp_path):
    out = influx_kills.kills(tmp_path, 3, seed=1)
    assert (out.lost, out.trials) == (0, 3)
    assert out.rows > 500


def test_files_cut_off_are_rebuilt_by_a_replay(tmp_path):
    out = influx_kills.truncations(tmp_path, 2, seed=2)
    assert out.before > 0  # it did lose some
    assert out.lost == 0


def test_a_full_disk(tmp_path):
    assert influx_kills.full_disk(tmp_path).lost == 0


def test_a_revoked_token(tmp_path):
    assert influx_kills.revoked(tmp_path).lost == 0
