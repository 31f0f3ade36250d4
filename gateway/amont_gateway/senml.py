"""Resolve a SenML pack in JSON (RFC 8428) into plain records; pure."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

from amont_gateway.foreign_fields import Malformed, exact

VERSION = 10  # the newest that this reads
_RELATIVE_S = 1 << 28  # times below it are relative to now


class Record(NamedTuple):
    """One resolved record; ``value`` None: it holds no number."""

    name: str
    unit: str | None
    value: Fraction | None
    at_ms: int | None  # None: its time is no number


def records(pack: Any, now_ms: int) -> Iterator[Record]:
    """Yield the records of a pack with its base fields applied; raise Malformed if it is none."""
    if not isinstance(pack, list) or not pack:
        raise Malformed("a SenML pack is a list of records")
    base: dict[str, Any] = {}
    for record in pack:
        if not isinstance(record, dict):
            raise Malformed("a SenML record is an object")
        base |= {name: record[name] for name in ("bn", "bt", "bu", "bv", "bver") if name in record}
        _understood(record, base)
        if any(name in record for name in ("v", "vs", "vb", "vd", "s")):
            yield _resolved(record, base, now_ms)


def _understood(record: dict[str, Any], base: dict[str, Any]) -> None:
    version = base.get("bver", VERSION)
    if not isinstance(version, int) or isinstance(version, bool) or version > VERSION:
        raise Malformed(f"SenML version {version!r:.20}, this reads up to {VERSION}")
    must = next((name for name in record if name.endswith("_")), None)
    if must is not None:  # section 4.4: a field that must be understood, and is not
        raise Malformed(f"field {must:.40} is not known")


def _resolved(record: dict[str, Any], base: dict[str, Any], now_ms: int) -> Record:
    names = base.get("bn", ""), record.get("n", "")
    name = "".join(part for part in names if isinstance(part, str))
    unit = record.get("u", base.get("bu"))
    value = exact(record["v"]) if _is_number(record.get("v")) else None
    told = base.get("bv", 0)
    basis = exact(told) if _is_number(told) else None
    total = None if value is None or basis is None else value + basis
    return Record(
        name, unit if isinstance(unit, str) else None, total, _at_ms(record, base, now_ms)
    )


def _at_ms(record: dict[str, Any], base: dict[str, Any], now_ms: int) -> int | None:
    told = base.get("bt", 0), record.get("t", 0)
    first, second = (exact(part) if _is_number(part) else None for part in told)
    if first is None or second is None:
        return None
    at_s = first + second
    return int(at_s * 1000) + (now_ms if at_s < _RELATIVE_S else 0)


def _is_number(value: Any) -> bool:
    """Tell a JSON number; SenML has no numbers in texts."""
    return not isinstance(value, str | bool) and exact(value) is not None
