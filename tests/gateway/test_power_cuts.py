"""No power cut may take an acknowledged sample: the same model as the bench, fewer cuts."""

from tests.bench import journal_cuts


def test_no_cut_loses_or_damages_anything():
    tally = journal_cuts.run(1_000, seed=1)
    assert tally.cuts >= 1_000
    assert (tally.lost, tally.damaged, tally.reasons) == (0, 0, [])


def test_the_model_notices_a_weaker_journal():
    assert journal_cuts.run(300, seed=1, synchronous="NORMAL").lost > 0
