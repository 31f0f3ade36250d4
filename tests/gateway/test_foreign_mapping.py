"""What a mapping makes of messages: the right number, a named refusal, and never an exception."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.foreign_sites import source

from amont_gateway.foreign_fields import MAX_BYTES
from amont_gateway.foreign_mapping import MOST, OLDEST_MS, REFUSALS, Mapping
from amont_gateway.foreign_words import WHY, refusal_text

NOW_MS = int(datetime(2026, 3, 1, 9, 40, tzinfo=UTC).timestamp() * 1000)


def mapped(payload, topic="a/x", retained=False, **said):
    if not isinstance(payload, bytes):
        payload = json.dumps(payload).encode()
    return Mapping(source(**said), "Europe/Paris").map(topic, payload, NOW_MS, retained)


def value(payload, **said):
    found = mapped(payload, **said)
    assert found.refused == []
    (reading,) = found.readings
    return reading.value


def whys(payload, **said):
    return [refusal.why for refusal in mapped(payload, **said).refused]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (b'{"v": 1.005}', 1005),
        (b'{"v": 0.0015}', 2),
        (b'{"v": 2.675}', 2675),
        (b'{"v": "1.005"}', 1005),
        (b'{"v": " 2 "}', 2000),
        (b'{"v": 1e0}', 1000),
        (b'{"v": -0.25}', -250),
        (b'{"v": 1.00499999999999999999999}', 1005),
        (b'{"v": 3}', 3000),
    ],
)
def test_numbers_are_taken_exactly(told, wanted):
    assert value(told) == wanted


def test_factor_and_offset_come_before_the_unit():
    assert value({"v": 250.25}, s_unit="cm", s_factor="-1", s_offset="412.5") == 1622
    assert value({"v": 30}, s_factor="1/10") == 3000
    assert value({"v": 212}, s_quantity="water_temp_cc", s_unit="°F", s_max=20_000) == 10_000


def test_a_unit_may_be_told_by_the_message():
    said = {"s_unit": None, "s_unit_at": "u"}
    assert value({"v": 150, "u": "cm"}, **said) == 1500
    assert whys({"v": 150, "u": "furlong"}, **said) == ["unit"]
    assert whys({"v": 150, "u": 7}, **said) == ["unit"]
    assert whys({"v": 150}, **said) == ["unit"]


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "malformed"),
        (b"\xff\xfe", "malformed"),
        (b'{"v": NaN}', "malformed"),
        (b'{"v": 1}}', "malformed"),
        (b"[" * 60_000, "malformed"),
        (b" " * (MAX_BYTES + 1), "oversize"),
        (b"{}", "path"),
        (b"[1]", "path"),
        (b'{"V": 1}', "path"),
        (b'{"v": null}', "number"),
        (b'{"v": true}', "number"),
        (b'{"v": "high"}', "number"),
        (b'{"v": [1]}', "number"),
        (b'{"v": "1,5"}', "number"),
        (b'{"v": "0x10"}', "number"),
        (b'{"v": "NaN"}', "number"),
        (b'{"v": 1e999999999}', "number"),
        (b'{"v": 1e-999999999}', "number"),
        (b'{"v": ' + b"1" * 4_000 + b"}", "number"),
        (b'{"v": 1e25}', "bounds"),
        (b'{"v": 9e99999999999999999999}', "number"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_by_name(payload, why):
    found = mapped(payload)
    assert [refusal.why for refusal in found.refused] == [why]
    assert found.readings == []
    text = refusal_text("q", found.refused[0])
    assert text["fr"] != text["en"]
    assert len(text["en"]) < 300


def test_every_refusal_has_words():
    assert set(WHY) == set(REFUSALS)


def test_out_of_bounds_is_kept_as_such():
    found = mapped({"v": 12})
    assert [(r.value, r.quality) for r in found.readings] == [(12_000, 2)]
    assert [(r.why, r.seen) for r in found.refused] == [("bounds", "12000, -500 … 8000")]
    assert mapped({"v": 12}, s_max=12_000).refused == []


@pytest.mark.parametrize(
    ("told", "form", "age_s"),
    [
        ("2026-03-01T09:39:50Z", "rfc3339", 10),
        ("2026-03-01T09:39:50.999999999Z", "rfc3339", 9.001),
        ("2026-03-01t10:39:50+01:00", "rfc3339", 10),
        ("2026-03-01 04:09:50-0530", "rfc3339", 10),
        ("2026-03-01T10:39:50", "local", 10),
        ("2026-03-01T09:39:50Z", "local", 10),
        (NOW_MS // 1000 - 10, "s", 10),
        (NOW_MS / 1000 - 0.5, "s", 0.5),
        (str(NOW_MS - 10_000), "ms", 10),
    ],
)
def test_times_are_read(told, form, age_s):
    found = mapped({"v": 1, "t": told}, time={"at": "t", "form": form})
    assert found.refused == []
    assert [NOW_MS - r.at_ms for r in found.readings] == [age_s * 1000]


@pytest.mark.parametrize(
    ("told", "form", "why"),
    [
        ("2026-03-01T09:39:50", "rfc3339", "time"),
        ("2026-02-30T09:39:50Z", "rfc3339", "time"),
        ("2026-03-01T25:39:50Z", "rfc3339", "time"),
        ("yesterday", "local", "time"),
        (True, "s", "time"),
        (None, "s", "time"),
        ({}, "ms", "time"),
        (1e30, "s", "future"),
        (-5, "ms", "old"),
        ("0001-01-01T00:00:00", "local", "old"),
        ("9999-12-31T23:59:60+00:00", "rfc3339", "future"),
        (NOW_MS + 400_000, "ms", "future"),
        (NOW_MS - OLDEST_MS - 1, "ms", "old"),
    ],
)
def test_times_that_cannot_be_are_refused(told, form, why):
    assert whys({"v": 1, "t": told}, time={"at": "t", "form": form}) == [why]


def test_a_time_that_is_not_there_is_refused_not_replaced():
    assert whys({"v": 1}, time={"at": "t"}) == ["time"]


def test_of_the_hour_that_comes_twice_the_nearer_one_counts():
    said = source(time={"at": "t", "form": "local"})
    mapping = Mapping(said, "Europe/Paris")
    first = int(datetime(2026, 10, 25, 0, 31, tzinfo=UTC).timestamp() * 1000)
    for now_ms in (first, first + 3_600_000):
        (reading,) = mapping.map("a/x", b'{"v":1,"t":"2026-10-25T02:30:00"}', now_ms).readings
        assert now_ms - reading.at_ms == 60_000


@pytest.mark.parametrize(
    ("topic", "given", "matches"),
    [
        ("a/{device}", "a/x", True),
        ("a/{device}", "a/x/y", False),
        ("a/{device}", "a", False),
        ("a/+/c", "a/b/c", True),
        ("a/+/c", "a/b/d", False),
        ("a/#", "a/b/c", True),
        ("a/#", "a", True),
        ("a/{device}/#", "a/x/y/z", True),
        ("a/b", "A/b", False),
    ],
)
def test_topics_match_as_a_broker_matches_them(topic, given, matches):
    assert Mapping(source(topic=topic), "Europe/Paris").matches(given) is matches


def test_the_device_chooses_its_sensors():
    said = {"topic": "a/+", "device": "ids[0].eui", "s_device": "42"}
    assert value({"ids": [{"eui": 42}], "v": 1}, **said) == 1000
    assert value({"ids": [{"eui": "42"}], "v": 1}, **said) == 1000
    assert whys({"ids": [{"eui": "43"}], "v": 1}, **said) == ["device"]
    assert whys({"ids": [], "v": 1}, **said) == ["device"]
    assert whys({"ids": [{"eui": True}], "v": 1}, **said) == ["device"]
    assert value({"v": 1}, s_device="x") == 1000
    assert whys({"v": 1}, topic="a/{device}", s_device="y") == ["device"]


def test_a_kept_message_needs_its_own_time():
    assert whys({"v": 1}, retained=True) == ["retained"]
    dated = {"v": 1, "t": NOW_MS}
    assert mapped(dated, retained=True, time={"at": "t", "form": "ms"}).refused == []


def test_a_plain_payload_is_the_number():
    plain = {"form": "plain", "s_value": None}
    assert value(b"1.25\n", **plain) == 1250
    assert whys(b"on", **plain) == ["number"]
    assert whys(b"\xff\xff", **plain) == ["number"]
    assert whys(b"", **plain) == ["number"]


SENML = {"form": "senml", "s_value": "urn:x:level", "s_unit": None}


def test_base_fields_count_for_what_follows():
    at_s = NOW_MS // 1000 - 3600
    pack = [
        {"bn": "urn:x:", "bt": at_s, "bu": "m", "bv": 1, "n": "level", "v": 0.5},
        {"n": "level", "t": 60, "v": 0.25},
        {"n": "level", "t": 120, "u": "cm", "v": 99},
        {"bn": "urn:y:", "n": "level", "t": 180, "v": 7},
    ]
    found = mapped(pack, **SENML)
    assert found.refused == []
    assert [(r.value, r.at_ms // 1000 - at_s) for r in found.readings] == [
        (1500, 0), (1250, 60), (1000, 120),
    ]  # fmt: skip


def test_small_times_are_relative_to_the_arrival():
    pack = [
        {"bn": "urn:x:", "n": "level", "u": "m", "v": 1, "t": -5},
        {"n": "level", "u": "m", "v": 2},
    ]
    found = mapped(pack, **SENML)
    assert [NOW_MS - r.at_ms for r in found.readings] == [5000, 0]


@pytest.mark.parametrize(
    ("pack", "why"),
    [
        ({}, "malformed"),
        ([], "malformed"),
        ([1], "malformed"),
        ([{"bver": 11, "n": "urn:x:level", "u": "m", "v": 1}], "malformed"),
        ([{"bver": "5", "n": "urn:x:level", "u": "m", "v": 1}], "malformed"),
        ([{"n": "urn:x:level", "u": "m", "v": 1, "must_": 1}], "malformed"),
        ([{"n": "urn:x:other", "u": "m", "v": 1}], "path"),
        ([{"n": "urn:x:level", "u": "m"}], "path"),
        ([{"n": "urn:x:level", "u": "m", "v": "1"}], "number"),
        ([{"n": "urn:x:level", "u": "m", "vs": "full"}], "number"),
        ([{"n": "urn:x:level", "u": "m", "bv": "x", "v": 1}], "number"),
        ([{"n": "urn:x:level", "v": 1}], "unit"),
        ([{"n": "urn:x:level", "u": "Cel", "v": 1}], "unit"),
        ([{"n": "urn:x:level", "u": "m", "v": 1, "t": "noon"}], "time"),
        ([{"n": "urn:x:level", "u": "m", "v": 1, "t": 1_000_000_000_000}], "future"),
        ([{"n": "urn:x:level", "u": "m", "v": 1, "bt": 1_000_000_000}], "old"),
    ],
)  # fmt: skip
def test_a_pack_that_cannot_be_used_is_refused_by_name(pack, why):
    told = mapped(pack, **SENML)
    assert ([r.why for r in told.refused], told.readings) == ([why], [])


def test_a_unit_of_the_file_must_be_the_record_s():
    said = SENML | {"s_unit": "m"}
    assert whys([{"n": "urn:x:level", "u": "cm", "v": 1}], **said) == ["unit"]
    assert value([{"n": "urn:x:level", "v": 1}], **said) == 1000


def test_a_pack_is_bounded():
    pack = [{"n": "urn:x:level", "u": "m", "v": 1, "t": -i} for i in range(MOST + 5)]
    found = mapped(pack, **SENML)
    assert (len(found.readings), [r.why for r in found.refused]) == (MOST, ["many"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["v", "t", "n", "bn", "bt", "u", "bu", "bver", "x_", "d"]), inner
        )
    ),
    max_leaves=12,
)
SOURCES = (
    source(time={"at": "t", "form": "local"}, s_unit=None, s_unit_at="u"),
    source(time={"at": "t.v", "form": "s"}, topic="a/#", device="d"),
    source(time={"at": "t[0]", "form": "ms"}, s_value="v[1].v"),
    source(time={"at": "t"}),
    source(form="senml", s_unit=None, s_value="v"),
    source(form="plain", s_value=None),
)


@settings(max_examples=150, deadline=None)
@given(content=JSON, garbage=st.binary(max_size=60), at=st.integers(0, len(SOURCES) - 1))
def test_nothing_is_ever_raised(content, garbage, at):
    mapping = Mapping(SOURCES[at], "Europe/Paris")
    text = json.dumps(content).encode()
    for payload in (text, garbage, text[: len(garbage)] + garbage, text.replace(b"1", b"9" * 40)):
        found = mapping.map("a/x", payload, NOW_MS)
        assert all(refusal.why in REFUSALS for refusal in found.refused)
        for reading in found.readings:
            assert NOW_MS - OLDEST_MS <= reading.at_ms <= NOW_MS + 300_000
            assert abs(reading.value) < 1 << 53
