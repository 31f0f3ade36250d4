"""Add up stations, draw the stations' bootstrap, and print the tables."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from amont_gateway.scoring.river_features import HORIZONS_H, QUANTILES
from amont_models import bootstrap, metrics
from amont_models.river_truth import Warned
from amont_models.score_tally import CURVE, FORECASTS, JUDGED_H, Tally
from amont_models.tidy_write import iso_utc

MOST_STATIONS = 12  # that the text names one by one
NOMINAL = QUANTILES[-1] - QUANTILES[0]
_NAN = float("nan")
ORDER = (
    "warning",
    "first day",
    "watch",
    "persistence",
    "threshold",
    "p98 mark",
    "linear",
    "ridge",
    "ridge + 1 sd",
    "LightGBM",
    "random",
)
Floats = NDArray[np.float64]


def tables(tallies: Sequence[Tally]) -> dict[str, Any]:
    """Return the events, skill and coverage of some stations, with 95 % over the stations."""
    rules = [name for name in ORDER if name in tallies[0].warned]
    return {
        "warnings": {name: _warnings(tallies, name) for name in rules},
        "curve": {name: metrics.summary(total(tallies, name)) for name in CURVE},
        "skill": {
            f"{name}_{hours}h": _skill(tallies, name, hours)
            for name in FORECASTS
            for hours in JUDGED_H
            if (name, hours) in tallies[0].skill
        },
        "coverage": {f"{hours}h": _coverage(tallies, hours) for hours in HORIZONS_H},
    }


def total(tallies: Sequence[Tally], rule: str) -> Warned:
    """Return the counts of a rule over some stations."""
    return metrics.add_up([tally.warned[rule] for tally in tallies])


def _counts(parts: Sequence[Warned]) -> Floats:
    """Return (stations, 5): events, warned, groups, false, months."""
    rows = [(one.events, one.warned, one.groups, one.false, one.months) for one in parts]
    return np.array(rows, dtype=np.float64)


def _warnings(tallies: Sequence[Tally], rule: str) -> dict[str, Any]:
    parts = [tally.warned[rule] for tally in tallies]
    counts, leads = _counts(parts), [part.leads_h for part in parts]
    one = total(tallies, rule)
    quartiles = np.percentile(one.leads_h, [25, 50, 75]).tolist() if one.leads_h else [_NAN] * 3
    return {
        "events": one.events,
        "warned": one.warned,
        "groups": one.groups,
        "false": one.false,
        "pod": bootstrap.of_sums(counts, lambda sums: bootstrap.ratio(sums[:, 1], sums[:, 0])),
        "far": bootstrap.of_sums(counts, lambda sums: bootstrap.ratio(sums[:, 3], sums[:, 2])),
        "csi": bootstrap.of_sums(
            counts, lambda sums: bootstrap.ratio(sums[:, 1], sums[:, 0] + sums[:, 3])
        ),
        "lead_h": bootstrap.interval(leads, _middle_lead),
        "lead_quartiles_h": quartiles,
        "false_per_station_month": metrics.ratio(one.false, one.months),
        "months": one.months,
    }


def _middle_lead(leads: Sequence[tuple[float, ...]]) -> float:
    """Return the median lead of some stations; ``statistics`` is quicker than numpy on few."""
    every = [lead for station in leads for lead in station]
    return statistics.median(every) if every else _NAN


def _skill(tallies: Sequence[Tally], name: str, hours: float) -> dict[str, Any]:
    parts = [tally.skill[name, hours] for tally in tallies]
    squared = [(one.squared, one.squared_still) for one in parts]
    pinball = [(one.pinball, one.pinball_still) for one in parts]
    return {
        "pi": bootstrap.of_sums(squared, _skill_of),
        "pinball_skill": bootstrap.of_sums(pinball, _skill_of),
        "steps": sum(one.steps for one in parts),
    }


def _skill_of(sums: Floats) -> Floats:
    """Return 1 - loss / loss of "it stays"."""
    return 1.0 - bootstrap.ratio(sums[:, 0], sums[:, 1])


def _coverage(tallies: Sequence[Tally], hours: float) -> dict[str, Any]:
    """Return the share inside the band on event hours; its interval draws whole events."""
    blocks = [block for tally in tallies for block in tally.inside[hours]]
    return {
        "nominal": NOMINAL,
        "share": bootstrap.share(blocks),
        "events": len(blocks),
        "steps": sum(steps for _, steps in blocks),
    }


# --- as text ---


def text(result: dict[str, Any]) -> str:
    """Return the tables of ``score_river.score`` for people."""
    count, adapted = len(result["stations"]), [one["adapted"] for one in result["stations"]]
    kept = sum(not made["refused"] for made in adapted)
    lines = [
        f"{result['record']}: {count} stations judged in {result['seconds']:.0f} s",
        f"  adapted to {kept} of them by their training part: 'warning', 'watch' and 'model' are "
        "with it, 'first day' without",
    ]
    lines += [_station_line(one) for one in result["stations"][:MOST_STATIONS]]
    if len(result["stations"]) > MOST_STATIONS:
        lines.append(f"  and {len(result['stations']) - MOST_STATIONS} more (--json has them all)")
    lines += [f"  left out: {reason}" for reason in result["left_out"].values()]
    lines += ["", "clean readings", *_table_text(result["clean"])]
    lines += ["", "all faults at once", *_table_text(result["faults"]["all"])]
    lines += ["", "one fault at a time, what ships"]
    for kind, tables_ in result["faults"].items():
        if kind != "all":
            lines += [f"  {kind}:", *_warning_lines(tables_["warnings"])[1:]]
    return "\n".join(lines) + "\n"


def _station_line(one: dict[str, Any]) -> str:
    until = iso_utc(one["train_until_ms"])[:10]
    rain = f"rain of {one['rain']}" if one["rain"] else "no rain"
    return (
        f"  {one['name']}: stage {one['stage']}, every {one['step_s']} s, {rain}; learnt until "
        f"{until}, mark {one['mark_mm']} mm, {one['events']} events in {one['months']} months; "
        f"{_adapted_text(one['adapted'])}"
    )


def _adapted_text(made: dict[str, Any]) -> str:
    why = {
        "": "adapted to it",
        "short": "too short to adapt to",
        "still": "too still to adapt to",
        "worse": "adapting did worse on its last weeks: refused",
    }
    return why[made["refused"]]


def _table_text(found: dict[str, Any]) -> list[str]:
    lines = _warning_lines(found["warnings"])
    lines += ["", "  a warning at another quantile: POD, FAR, false/month, median lead h"]
    for name, row in found["curve"].items():
        told = (row["pod"], row["far"], row["false_per_station_month"], row["lead_h"])
        lines.append(f"  {name:<13} " + " ".join(f"{number(value):>6}" for value in told))
    lines += ["", "  rising limb        PI (95 %)            pinball skill (95 %)   steps"]
    for name, row in found["skill"].items():
        pi, pinball = interval(row["pi"]), interval(row["pinball_skill"])
        lines.append(f"  {name:<14} {pi:>22} {pinball:>22} {row['steps']:>8}")
    lines += ["", f"  event hours inside the band ({NOMINAL:.0%} nominal)"]
    for name, row in found["coverage"].items():
        lines.append(f"  +{name:<4} {interval(row['share']):>22}  {row['events']} events")
    return lines


def _warning_lines(rows: dict[str, Any]) -> list[str]:
    head = f"  {'rule':<13} {'events':>6} {'POD (95 %)':>18} {'FAR (95 %)':>18} {'CSI':>5}"
    lines = [f"{head} {'false/month':>11} {'lead h: median (95 %)':>22} {'quartiles':>11}"]
    for name, row in rows.items():
        low, _, high = row["lead_quartiles_h"]
        lines.append(
            f"  {name:<13} {row['events']:>6.0f} {interval(row['pod']):>18} "
            f"{interval(row['far']):>18} {number(row['csi'][0]):>5} "
            f"{number(row['false_per_station_month']):>11} {interval(row['lead_h'], 1):>22} "
            f"{number(low, 1):>5}-{number(high, 1):<5}"
        )
    return lines


def number(value: float, digits: int = 2) -> str:
    """Return a number for people; what is not known is a dash."""
    return "-" if value != value else f"{value:.{digits}f}"


def interval(values: Sequence[float], digits: int = 2) -> str:
    """Return a value with its interval, where there is one."""
    value, low, high = values
    if low != low:
        return number(value, digits)
    between = "-" if low >= 0.0 else " to "
    return f"{number(value, digits)} ({number(low, digits)}{between}{number(high, digits)})"
