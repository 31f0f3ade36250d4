"""Look at a real water loop as a sanity check: are its faulty seconds told from its normal ones?

Each experiment is read second by second; its first 400 readings are normal and teach. Judged is
every reading by itself, without point adjustment (which lets a random score reach 0.7): F1 of all
experiments together, in brackets 95 % of experiments drawn again. The faults are valves that
close, rotors out of balance and water added or drained; only a few resemble leaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from amont_gateway.scoring.network_slopes import Drivers
from amont_gateway.scoring.network_test import Hour, NetworkRule, NetworkTest
from amont_gateway.scoring.timeline import HOUR_MS
from amont_models import bootstrap
from amont_models.records.table import Floats, Record
from amont_models.river_truth import Flags

TEACH = 400  # readings, as the record's authors say
PERCENT = 99.0
MEDIAN = 10  # readings, looking back
KPA_PER_M = 9.80665


class Experiment(NamedTuple):
    """One run of the loop: flow in l/h, pressure in kPa, which readings are faulty."""

    name: str
    flow_l_h: Floats
    pressure_kpa: Floats
    faulty: Flags

    @property
    def table(self) -> Floats:
        """Return both sensors side by side, (n, 2)."""
        return np.stack((self.flow_l_h, self.pressure_kpa), axis=1)


Rule = Callable[[Experiment], Flags]


def experiments(record: Record) -> list[Experiment]:
    """Return the runs of the record ``pipe_skab_testbed``."""
    found = []
    for flow in record.of("inflow"):
        pressure = record.find(flow.name, "pressure")
        assert pressure is not None, f"{flow.name}: no pressure beside the flow"
        faulty = np.zeros(len(flow.t_ms), bool)
        for label in record.labels:
            if label.site == flow.name:
                faulty |= (flow.t_ms >= label.start_ms) & (flow.t_ms <= label.end_ms)
        found.append(Experiment(flow.name, flow.value, pressure.value, faulty))
    return found


def network_test(one: Experiment) -> Flags:
    """Say faulty from the gateway's finding on; a reading stands for an hour."""
    test = NetworkTest(NetworkRule(), 1, Drivers(1, 0, 0))
    nothing = np.empty(0)
    said = np.zeros(len(one.faulty), bool)
    for k, (flow, pressure) in enumerate(one.table):
        level = np.array([pressure / KPA_PER_M])
        hour = Hour((k + 1) * HOUR_MS, level, np.array([flow]), nothing, nothing)
        if test.step(hour) is not None:
            said[k:] = True
    return said


def principal(one: Experiment) -> Flags:
    """Say faulty where a PCA of the normal readings leaves too much, or goes too far (Q, T2)."""
    unit = _unit(one.table)
    _, _, ways = np.linalg.svd(unit[:TEACH], full_matrices=False)
    inside, outside = unit @ ways[0], unit @ ways[1]
    return _beyond(inside**2) | _beyond(outside**2)


def residual(one: Experiment) -> Flags:
    """Say faulty where medians of ten seconds have left what both sensors usually show."""
    rows = np.lib.stride_tricks.sliding_window_view(one.table, MEDIAN, axis=0)
    calm = np.median(rows, axis=2)
    distance = (_unit(np.concatenate((calm[: MEDIAN - 1], calm))) ** 2).sum(axis=1)
    return np.asarray(distance > distance[:TEACH].max())


def everything(one: Experiment) -> Flags:
    """Say faulty always: what F1 gives for nothing."""
    return np.ones(len(one.faulty), bool)


RULES: dict[str, Rule] = {
    "network test, a second an hour": network_test,
    "residual of 10 s": residual,
    "PCA, T2 or Q": principal,
    "always faulty": everything,
}


def _unit(table: Floats) -> Floats:
    past = table[:TEACH]
    return np.asarray((table - past.mean(axis=0)) / np.maximum(past.std(axis=0), 1e-6))


def _beyond(distance: Floats) -> Flags:
    return np.asarray(distance > np.percentile(distance[:TEACH], PERCENT))


def score(runs: list[Experiment], rules: Mapping[str, Rule] = RULES) -> dict[str, Any]:
    """Return per rule F1, precision and recall with their intervals, and what normal water costs.

    ``false_share`` is of the readings of runs without any fault; None if there is no such run.
    """
    faulty = [one for one in runs if one.faulty.any()]
    calm = [one for one in runs if not one.faulty.any()]
    out: dict[str, Any] = {}
    for name, rule in rules.items():
        counts = [_count(one.faulty[TEACH:], rule(one)[TEACH:]) for one in faulty]
        false = [(int(said.sum()), len(said)) for one in calm for said in (rule(one)[TEACH:],)]
        out[name] = {
            "f1": bootstrap.of_sums(counts, _f1),
            "precision": bootstrap.of_sums(counts, lambda s: bootstrap.ratio(s[:, 0], s[:, 1])),
            "recall": bootstrap.of_sums(counts, lambda s: bootstrap.ratio(s[:, 0], s[:, 2])),
            "false_share": bootstrap.share(false)[0] if false else None,
            "experiments": len(faulty),
        }
    return out


def _count(faulty: Flags, said: Flags) -> tuple[int, int, int]:
    """Return readings found, said and faulty."""
    return int((faulty & said).sum()), int(said.sum()), int(faulty.sum())


def _f1(sums: Floats) -> Floats:
    return bootstrap.ratio(2.0 * sums[:, 0], sums[:, 1] + sums[:, 2])
