"""The site's schema, the drivers and docs/drivers.md speak of the same fields."""

from __future__ import annotations

import doctest
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from amont_node.drivers import buses
from amont_node.probes import make_probe
from amont_site import hardware

DOCUMENT_PATH = Path(__file__).parents[2] / "docs" / "drivers.md"
DOCUMENT = DOCUMENT_PATH.read_text()
WIRED = [kind for kind in hardware.PROBE_KEYS if kind not in ("constant", "replay")]
UART = {"id": 1, "tx": 4, "rx": 5}
I2C = {"id": 0, "scl": 5, "sda": 4}
NEEDED: dict[str, object] = {
    "uart": UART, "i2c": I2C, "pin": 9, "trigger": 2, "echo": 3, "register": 0,
    "counter": {"kind": "pcf8583", "i2c": I2C},
}  # fmt: skip
EXTREME: dict[str, list[object]] = {
    "power": [{"pin": 1}, {"pin": 1, "active": 0, "warm_ms": 30_000}],
    "temperature": [{"kind": "ds18b20", "pin": 3}],
}
# Fields whose meaning, and so whose bounds, lie with the kind.
OWN: dict[tuple[str, str], list[object]] = {
    ("ads1115_420ma", "address"): [0x48, 0x4B], ("modbus_rtu", "address"): [1, 247],
    ("sdi12", "address"): ["0", "9"], ("sdi12", "value"): [0, 98],
}  # fmt: skip


def bounds(key: str) -> Iterator[object]:
    """Yield the least and the greatest value that the schema lets pass."""
    hint = get_type_hints(hardware.Probe, include_extras=True)[key]
    for choice in get_args(hint):
        if get_origin(choice) is Literal:
            yield from get_args(choice)
        elif choice is bool:
            yield from (False, True)
        for meta in getattr(choice, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.ge is not None:
                yield from (int(meta.ge), int(meta.le or 0))
            elif isinstance(meta, msgspec.Meta) and meta.max_length is not None:
                yield [65535] * meta.max_length


class Seen(dict[str, Any]):
    """A configuration that knows which of its fields were looked at."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__(data)
        self.names: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.names.add(key)
        return super().get(key, default)

    def __contains__(self, key: object) -> bool:
        self.names.add(str(key))
        return super().__contains__(key)

    def __getitem__(self, key: str) -> Any:
        self.names.add(key)
        return super().__getitem__(key)


@pytest.mark.parametrize("kind", WIRED)
def test_what_the_schema_lets_pass_the_driver_takes(kind: str) -> None:
    needed, known, _ = hardware.PROBE_KEYS[kind]
    least = {"kind": kind, **{key: NEEDED[key] for key in needed}}
    for key in [*needed, *known]:
        values = OWN.get((kind, key)) or EXTREME.get(key) or list(bounds(key))
        assert values or key in NEEDED
        for value in values:
            buses._made.clear()
            make_probe({**least, key: value}, ".")


@pytest.mark.parametrize("kind", WIRED)
def test_the_driver_looks_at_no_field_that_the_schema_does_not_know(kind: str) -> None:
    needed, known, _ = hardware.PROBE_KEYS[kind]
    config = Seen({"kind": kind, **{key: NEEDED[key] for key in needed}})
    buses._made.clear()
    make_probe(config, ".")
    # `temperature` serves ultrasonic sensors, `power` whatever has a supply of its own.
    assert config.names - {*needed, *known, "kind", "temperature", "power"} == set()


def section(title: str) -> str:
    """Return a section of the document."""
    found = re.search(rf"## {title}\n(.*?)\n## ", DOCUMENT, re.S)
    assert found is not None
    return found[1]


def test_the_document_names_every_field() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", section("Kinds"), re.M))
    shared = section("Fields that several kinds have")
    for kind, (needed, known, _) in hardware.PROBE_KEYS.items():
        for key in [*needed, *known]:
            assert f"`{key}`" in rows[kind] + shared, (kind, key)


def test_the_examples_of_the_document() -> None:
    tried = doctest.testfile(str(DOCUMENT_PATH), module_relative=False)
    assert tried.attempted > 0
    assert tried.failed == 0
