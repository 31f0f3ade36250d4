"""Reach a site's database from a command, beside the gateway that runs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.delivery import Delivery
from amont_gateway.environment import secrets
from amont_gateway.events import Events
from amont_gateway.quarantine import FILE, Quarantine
from amont_gateway.running import database_of
from amont_site import Site

CONSUMER = "history"


def target_of(site: Site) -> Influx:
    """Return the site's database with its token; raise LookupError or PermissionError."""
    target = database_of(site, secrets())
    if target is None:
        raise LookupError("the site's file names no history database")
    return target


@contextmanager
def delivery_of(target: Influx, data: Path) -> Iterator[Delivery]:
    """Open a way to the database beside the running gateway's; what is refused joins its own."""
    from amont_gateway.influx import InfluxWriter  # large: see there

    counters = Counters()
    events = Events(counters, _now_ms)
    quarantine = Quarantine(data / FILE)
    delivery = Delivery(CONSUMER, InfluxWriter(target), quarantine, counters, events, _now_ms)
    try:
        yield delivery
    finally:
        delivery.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
