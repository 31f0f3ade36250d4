"""Judge networks' records as `amont-models score` does, and records of which a site knows less."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from amont_models import network_curve, score_network
from amont_models.leak_events import Label, leak_label
from amont_models.records.ltown import PUMP
from amont_models.records.table import Record
from amont_models.records.table import channel as make_channel

Change = Callable[[Record], Record]


def without(record: Record, *names: str) -> Record:
    """Return a record that some sensors never told."""
    kept = tuple(one for one in record.channels if one.name not in names)
    return replace(record, channels=kept)


def without_kind(record: Record, quantity: str) -> Record:
    """Return a record that no sensor of some quantity told."""
    return without(record, *(one.name for one in record.of(quantity)))


def without_pressures(record: Record) -> Record:
    """Return what a record tells of flows alone."""
    return without_kind(record, "pressure")


def pump_as_inlet(record: Record) -> Record:
    """Return a record whose pump is taken for an inlet: a mistake that sites make."""
    channels = tuple(
        make_channel(one.name, "inflow", one.t_ms, one.value, one.quality)
        if one.name == PUMP
        else one
        for one in record.channels
    )
    return replace(record, channels=channels)


# What a site may not know: each is judged as what ships would be there.
LESS: dict[str, Change] = {
    "pump as inlet": pump_as_inlet,
    "no pump": lambda record: without(record, PUMP),
    "neither pump nor tank": lambda record: without_kind(without(record, PUMP), "level"),
}


def judge(records: Sequence[Record], only: str | None = None) -> dict[str, Any]:
    """Return each rule's row over some records of one network; with ``only`` one rule's."""
    rows: dict[str, Any] = events(records, only)["table"]
    return rows


def events(records: Sequence[Record], only: str | None = None) -> dict[str, Any]:
    """Return the event table of some records, and ``told``: what was told as likely and came."""
    networks, labels = known(records)
    chosen = score_network.rules(records[0].time_zone, bool(networks[0].sensors))
    if only is not None:
        chosen = {only: chosen[only]}
    found = score_network.score_networks(networks, labels, chosen)
    said = [found["alarms"][one.name] for one in networks]
    return {**found, "told": network_curve.reliability(said, labels)}


def known(
    records: Sequence[Record],
) -> tuple[list[score_network.Network], list[list[Label]]]:
    """Return records by the hour, and the leaks that are known of each."""
    labels = [[leak_label(each) for each in record.labels] for record in records]
    return [score_network.network(record) for record in records], labels
