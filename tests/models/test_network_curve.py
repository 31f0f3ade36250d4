"""What the network test tells as likely is held against what came; the curve names what ships."""

from amont_models import network_curve
from amont_models.leak_events import DAY_MS, Label

LEAK = Label(10 * DAY_MS, 10 * DAY_MS, 40 * DAY_MS, True, 9_000.0, ("p", "n1"))


def said(day, probability):
    return {"at_ms": day * DAY_MS, "probability": probability, "places": ["n1"]}


def test_a_repeat_and_a_false_alarm_find_nothing():
    alarms = [said(50, 0.9), said(11, 0.9), said(12, 0.5)]
    rows = network_curve.reliability([alarms], [[LEAK]])
    assert rows == [
        {"told": 0.5, "alarms": 1, "found": 0},
        {"told": 0.9, "alarms": 2, "found": 1},
    ]


def test_alarms_count_in_the_order_in_which_they_came():
    late_first = [said(12, 0.5), said(11, 0.9)]
    rows = network_curve.reliability([late_first], [[LEAK]])
    assert [row["found"] for row in rows] == [0, 1]


def test_the_card_shows_both_kinds_of_years():
    rows = [{"told": 0.9, "alarms": 4, "found": 3}]
    text = network_curve.reliability_table(rows, [], "told|settings|judged")
    assert "| 0.90 | 3/4 = 0.75 | – |" in text


def test_what_ships_is_bold_in_the_curve():
    rows = [
        {"alarm": 6.0, "ships": True, "strict_f1": 0.8, "false_per_year": 0.0, "repeats": 3},
        {"alarm": 7.0, "ships": False, "strict_f1": 0.7, "false_per_year": 0.0, "repeats": 2},
    ]
    text = network_curve.curve_table(rows, "a|b|c|d")
    assert "| **6.0** | **0.80** | **0.00** | **3** |" in text
    assert "| 7.0 | 0.70 | 0.00 | 2 |" in text
