"""Events of history: each record of guard, models and people becomes one, in both languages."""

import re

import pytest

from amont_gateway import series
from amont_gateway.database import Away
from amont_gateway.event_lines import KINDS, EventFeed, Teller
from amont_gateway.notes import Note, write
from amont_gateway.places import Network
from amont_gateway.records import FILE, append
from amont_gateway.seen import Seen

T_MS = 1_800_000_000_000
TAGS = re.compile(r"^event,kind=([^,]+),place=([^,]+),site=essai ")
TEXTS = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def told(line):
    """Return kind, place, texts, severity and time of a line."""
    kind, place = TAGS.match(line).groups()
    severity = series.EVENT.fields[0].codes[int(re.search(r"severity=(\d)i", line)[1])]
    return kind, place, dict(TEXTS.findall(line)), severity, int(line.rsplit(" ", 1)[1])


def leak(number, is_sure=True):
    return {
        "number": number, "found_ms": T_MS, "since_ms": T_MS - 86_400_000, "size_l_h": 1_200,
        "probability": 0.9, "is_sure": is_sure, "sensors": ["centre"],
    }  # fmt: skip


def siren(state, *rules, **more):
    actions = [{"kind": "record", "rule": rule, "value": 1, "person": ""} for rule in rules]
    return {"kind": "siren", "siren": "mairie", "state": state, "mode": "armed",
            "actions": actions, **more}  # fmt: skip


RECORDS = [
    ({"kind": "level", "station": "pont", "level": "alarm", "rule": "two votes",
      "limit_mm": 2500}, ("level", "pont", "alarm")),
    ({"kind": "level", "station": "pont", "level": "normal", "rule": "two votes",
      "limit_mm": 1200}, ("level", "pont", "info")),
    (siren("sound", "alarm"), ("siren", "mairie", "alarm")),
    (siren("sound", "acknowledged", asked="acknowledge", person="Anne"),
     ("acknowledge", "mairie", "notice")),
    (siren("muted", "muted", asked="mute", person="Anne"), ("mute", "mairie", "notice")),
    (siren("idle", "reset", asked="reset", person="Anne"), ("reset", "mairie", "notice")),
    (siren("idle", "drill", asked="drill", person="Anne"), ("drill", "mairie", "notice")),
    (siren("idle", "bypass", asked="bypass", person="local key"),
     ("maintenance", "mairie", "notice")),
    ({"kind": "asked", "siren": "mairie", "asked": "mute", "person": "Anne"},
     ("mute", "mairie", "info")),
    ({"kind": "wrong pin", "asked": "mute", "person": "Anne"}, ("mute", "guard", "notice")),
    ({"kind": "limits", "station": "pont", "limits_mm": [1, 2, 3, 4], "code": "in force"},
     ("limits", "pont", "notice")),
    ({"kind": "tried", "siren": "mairie", "tried": "test", "ok": True, "findings": {}},
     ("test", "mairie", "info")),
    ({"kind": "tried", "siren": "mairie", "tried": "drill", "ok": False,
      "findings": {"line_open": 2}}, ("drill", "mairie", "fault")),
    ({"kind": "fault", "name": "silent pont-a"}, ("silent", "pont-a", "fault")),
    ({"kind": "fault over", "name": "silent pont-a"}, ("silent", "pont-a", "info")),
    ({"kind": "fault", "name": "disk no space"}, ("fault", "guard", "fault")),
    ({"kind": "start"}, ("maintenance", "guard", "info")),
    ({"kind": "stop"}, ("maintenance", "guard", "notice")),
    ({"kind": "lost", "count": 3}, ("maintenance", "guard", "fault")),
    ({"kind": "seen link", "up": False}, ("fault", "guard", "fault")),
    ({"kind": "seen link", "up": True}, ("fault", "guard", "info")),
    ({"kind": "seen network", "network": "vallee", "leaks": [leak(1)]},
     ("leak", "vallee", "notice")),
    ({"kind": "seen zone", "zone": "centre", "verdict": "leak", "leak_l_h": 800},
     ("leak", "centre", "notice")),
    ({"kind": "note repair", "place": "centre", "by": "Luc", "text": "vanne 3"},
     ("repair", "centre", "info")),
    ({"kind": "note calibration", "place": "pont", "by": "Luc", "text": "règle"},
     ("calibration", "pont", "info")),
]  # fmt: skip


@pytest.fixture
def places(places):
    network = Network("vallee", {"fr": "Vallée", "en": "Valley"}, ("centre",), ())
    return places.__class__(**{
        **{f: getattr(places, f) for f in places.__dataclass_fields__ if not f.startswith("by_")
           and f != "names"}, "networks": (network,),
    })  # fmt: skip


@pytest.mark.parametrize(("record", "expected"), RECORDS)
def test_a_record_is_told_in_both_languages(places, record, expected):
    (line,) = Teller(places).lines(7, {"at_ms": T_MS, **record})
    kind, place, words, severity, at_ms = told(line)
    assert (kind, place, severity) == expected
    assert kind in series.EVENTS
    assert words["fr"]
    assert words["en"]
    assert (words["id"], at_ms) == ("7", T_MS)
    if record["kind"] != "wrong pin":
        assert words.get("who", "") in (
            record.get("person"),
            record.get("by"),
            "",
            "la clé sur place",
        )


def test_every_kind_of_record_that_is_read_has_its_case():
    tried = {record["kind"] for record, _ in RECORDS}
    assert tried | {"note maintenance", "note note"} == set(KINDS)


def test_two_events_of_one_moment_are_two_points(places):
    teller = Teller(places)
    record = {"at_ms": T_MS, "kind": "level", "station": "pont", "level": "watch",
              "rule": "two votes"}  # fmt: skip
    times = [told(line)[4] for n in range(3) for line in teller.lines(n, record)]
    assert times == [T_MS, T_MS + 1, T_MS + 2]
    (later,) = teller.lines(9, {**record, "at_ms": T_MS - 60_000})  # a clock that was set
    assert told(later)[4] == T_MS - 60_000


def test_a_leak_is_told_when_found_when_sure_and_when_gone(places):
    teller, base = Teller(places), {"at_ms": T_MS, "kind": "seen network", "network": "vallee"}
    steps = [[leak(1, False)], [leak(1, False)], [leak(1)], [leak(2), leak(1)], []]
    counts = [len(teller.lines(n, {**base, "leaks": found})) for n, found in enumerate(steps)]
    assert counts == [1, 0, 1, 1, 1]


def test_a_network_that_is_judged_in_another_way_is_told_and_its_leak_is_the_same(places):
    teller, base = Teller(places), {"at_ms": T_MS, "kind": "seen network", "network": "vallee"}
    steps = [
        {"leaks": [leak(1)]},
        {"leaks": [leak(4)], "rung": "flows only", "left_out": []},
        {"leaks": [], "rung": "full", "left_out": []},
    ]
    lines = [teller.lines(n, {**base, **step}) for n, step in enumerate(steps)]
    assert [[told(one)[0] for one in each] for each in lines] == [["leak"], ["fault"], ["fault"]]
    assert "by its flows alone" in told(lines[1][0])[2]["en"]


def test_a_zone_is_told_when_its_verdict_changes(places):
    teller, base = Teller(places), {"at_ms": T_MS, "kind": "seen zone", "zone": "centre"}
    verdicts = ["normal", "watch", "watch", "unknown", "leak", "normal"]
    lines = [teller.lines(n, {**base, "verdict": v}) for n, v in enumerate(verdicts)]
    assert [len(x) for x in lines] == [0, 1, 0, 0, 1, 1]


def test_the_gateway_keeps_a_zone_verdict_that_changed():
    kept = []
    seen = Seen(kept.append, lambda: T_MS)
    for verdict in ("unknown", "normal", "normal", "leak", "unknown", "leak"):
        seen.zones([("centre", {"verdict": verdict, "leak_l_h": 5})])
    assert [r["verdict"] for r in kept] == ["normal", "leak"]
    assert kept[1]["leak_l_h"] == 5


class Sink:
    def __init__(self):
        self.lines, self.away = [], False

    def write(self, lines, store=""):
        if self.away:
            raise Away("gone")
        assert store == series.DAYS
        self.lines += lines

    def close(self):
        pass


def test_what_is_new_is_told_once_and_all_of_it_after_a_failure(places, tmp_path):
    sink = Sink()
    feed = EventFeed(places, tmp_path / FILE, sink)
    assert feed.step() is False  # no file yet
    for n, (record, _) in enumerate(RECORDS):
        append(tmp_path / FILE, {"at_ms": T_MS + n, **record})
    feed.step()
    first = list(sink.lines)
    assert len(first) == len(RECORDS)
    feed.step()
    assert sink.lines == first
    write(tmp_path, Note("maintenance", "pont", T_MS + 99, "Luc", "pile changée"), T_MS + 100)
    sink.away = True
    with pytest.raises(Away):
        feed.step()
    sink.away = False
    feed.step()
    assert sink.lines[len(first) : -1] == first  # the same points once more
    assert told(sink.lines[-1])[:2] == ("maintenance", "pont")


def test_a_record_of_another_version_costs_itself_alone(places, tmp_path):
    sink = Sink()
    odd = [{"kind": "siren", "siren": "mairie", "actions": 5, "state": None},
           {"kind": "seen network", "network": "vallee", "leaks": [{"number": "x"}]},
           {"kind": "limits", "station": "pont", "limits_mm": "high"},
           {"kind": "tried", "findings": 3},
           {"kind": "level"}]  # fmt: skip
    for n, record in enumerate([*odd, RECORDS[0][0]]):
        append(tmp_path / FILE, {"at_ms": T_MS + n, **record})
    EventFeed(places, tmp_path / FILE, sink).step()
    assert told(sink.lines[-1])[:2] == ("level", "pont")
