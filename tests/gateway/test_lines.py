"""Lines of readings, which are made in a hurry, are those that the declaration asks for."""

from hypothesis import given
from hypothesis import strategies as st

from amont_gateway import series
from amont_gateway.lines import line, sample_lines
from amont_gateway.readings import (
    BAD_TIME,
    MISSING,
    QUANTITIES,
    SUSPECT,
    Sample,
    pack_channels,
    unpack_channels,
)

NAMES = st.text(min_size=1, max_size=8).filter(lambda name: name.isprintable())
KNOWN = st.tuples(NAMES, NAMES, st.sampled_from([*QUANTITIES.values(), "unheard_of"]))
CHANNEL = st.tuples(
    st.integers(0, 2),
    st.sampled_from([*QUANTITIES, 99]),
    st.integers(0, 6),
    st.integers(-(2**63), 2**63 - 1),
)
SAMPLE = st.builds(
    Sample,
    node=st.integers(1, 3),
    epoch=st.just(1),
    seq=st.integers(0, 9),
    at_ms=st.integers(0, 2**42),
    time_quality=st.just(0),
    received_ms=st.just(0),
    flags=st.sampled_from([0, 1, BAD_TIME]),
    channels=st.lists(CHANNEL, max_size=3).map(pack_channels),
)


def expected(site, tags, sample, channel, doubt):
    """Return what ``line`` makes of one channel of one sample, None if nothing."""
    index, code, quality, value = channel
    sensor, place, quantity = tags.get((sample.node, index), ("", "", ""))
    if QUANTITIES.get(code) != quantity or quality == MISSING or sample.flags & BAD_TIME:
        return None
    measurement, unit = series.QUANTITY[quantity]
    named = {tag: sensor if tag == "sensor" else place for tag in measurement.tags}
    quality = quality or (SUSPECT if doubt(sensor, sample.at_ms) else quality)
    fields = {measurement.fields[0].name: value * unit, "quality": quality}
    return line(measurement, site, named, fields, sample.at_ms)


def doubt(sensor, at_ms):
    return (len(sensor) + at_ms) % 2


@given(
    site=NAMES,
    tags=st.dictionaries(st.tuples(st.integers(1, 3), st.integers(0, 2)), KNOWN),
    samples=st.lists(SAMPLE, max_size=6),
)
def test_each_reading_is_the_line_that_its_declaration_makes(site, tags, samples):
    wanted = [
        expected(site, tags, sample, channel, doubt)
        for sample in samples
        for channel in unpack_channels(sample.channels)
    ]
    found = sample_lines(site, tags, samples, doubt)
    assert found == [written for written in wanted if written is not None]


def test_every_quantity_has_its_measurement():
    assert set(series.QUANTITY) == set(QUANTITIES.values())
