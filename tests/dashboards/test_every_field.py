"""What is declared is written: after the scripted month every field is there, with its type."""

import pytest

from amont_gateway import series

pytestmark = pytest.mark.servers

TYPES = {"float": "float", "int": "integer", "text": "string"}


def expected(store):
    """Return the (type, tags) of each field of each measurement that a store must hold."""
    readings = [m for m, _ in series.QUANTITY.values()]
    kept = [m for m in series.MEASUREMENTS if m.store == store]
    if store:
        kept += [series.by(store, reading) for reading in readings]
    return {m.name: {f.name: TYPES[f.type] for f in m.fields} for m in kept}


@pytest.mark.parametrize("store", ["", series.HOURS, series.DAYS])
def test_no_declared_field_is_never_written_and_nothing_else_is(month, store):
    found = {
        one["name"]: dict(one["values"]) for one in month.query("SHOW FIELD KEYS", store=store)
    }
    assert found == expected(store)


@pytest.mark.parametrize("store", ["", series.HOURS, series.DAYS])
def test_every_point_carries_the_declared_tags(month, store):
    tags = {m.name: m.tags for m in series.MEASUREMENTS}
    for one in month.query("SHOW TAG KEYS", store=store):
        assert {row[0] for row in one["values"]} == {"site", *tags[one["name"]]}, one["name"]
