"""Vary a network test's alarm setting, and hold what it tells as likely against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from amont_gateway.scoring.network_rung import Rules
from amont_gateway.scoring.network_test import NetworkRule
from amont_models import score_network
from amont_models.card import number, table
from amont_models.leak_events import Alarm, Label, match

SHIPS = NetworkRule().alarm
OTHERS = (5.0, 6.0, 8.0)  # normal scores from which a change is no chance, beside what ships
FIGURES = ("strict_f1", "false_per_year", "repeats")


def settings() -> dict[float, Rules]:
    """Return the alarm settings of the test with pressures, what ships among them."""
    return {
        alarm: Rules(pressures=replace(NetworkRule(), alarm=alarm))
        for alarm in sorted((SHIPS, *OTHERS))
    }


def curve(
    networks: Sequence[score_network.Network],
    labels: Sequence[Sequence[Label]],
    settings: Mapping[float, Rules],
    alarm: float,
    ships: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the figures for each alarm setting; ``ships`` is the row of ``alarm``."""
    rules = {
        str(each): score_network.shipped(settings[each]) for each in settings if each != alarm
    }
    found = score_network.score_networks(networks, labels, rules)["table"]
    return [
        {
            "alarm": each,
            "ships": each == alarm,
            **{key: (ships if each == alarm else found[str(each)])[key] for key in FIGURES},
        }
        for each in settings
    ]


def reliability(
    said: Sequence[Sequence[Mapping[str, Any]]], labels: Sequence[Sequence[Label]]
) -> list[dict[str, Any]]:
    """Return for each probability told how many alarms told it and how many found a leak.

    ``said`` are each network's alarms as the event table lists them. A repeat finds nothing. An
    alarm without a probability is left out.
    """
    counts: dict[float, list[int]] = {}
    for alarms, known in zip(said, labels, strict=True):
        ordered = sorted(alarms, key=lambda one: int(one["at_ms"]))
        events = [Alarm(int(one["at_ms"]), places=tuple(one["places"])) for one in ordered]
        for one, leak in zip(ordered, match(events, known), strict=True):
            if one["probability"] is None:
                continue
            count = counts.setdefault(float(one["probability"]), [0, 0])
            count[0] += 1
            count[1] += leak is not None and leak >= 0
    return [
        {"told": told, "alarms": count, "found": found}
        for told, (count, found) in sorted(counts.items())
    ]


def curve_table(rows: Sequence[Mapping[str, Any]], head: str) -> str:
    """Return the curve for a card; what ships is bold."""
    lines = []
    for row in rows:
        values = [
            number(row["alarm"], 1),
            number(row["strict_f1"]),
            number(row["false_per_year"]),
            number(row["repeats"], 0),
        ]
        lines.append([f"**{value}**" for value in values] if row["ships"] else values)
    return table(head.split("|"), lines)


def reliability_table(
    settings: Sequence[Mapping[str, Any]], judged: Sequence[Mapping[str, Any]], head: str
) -> str:
    """Return what was told and what came, on the years of the settings and on those that judge."""
    kinds = [{float(row["told"]): row for row in rows} for rows in (settings, judged)]
    lines = [
        [number(told), *(_share(rows.get(told)) for rows in kinds)]
        for told in sorted({told for rows in kinds for told in rows})
    ]
    return table(head.split("|"), lines)


def _share(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    return f"{row['found']}/{row['alarms']} = {number(row['found'] / row['alarms'])}"
