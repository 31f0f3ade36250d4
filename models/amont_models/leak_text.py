"""Print a leak score for people: the event table, and the alarms where nobody knows the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

COLUMNS: tuple[tuple[str, str], ...] = (
    ("found", "found"),
    ("found_15", ">= 15 %"),
    ("strict", "strict"),
    ("placed", "placed"),
    ("repeats", "repeats"),
    ("false", "false"),
    ("alarms", "alarms"),
    ("abrupt", "abrupt, h"),
    ("incipient", "incipient, h"),
    ("size_error_m3h", "size off, m3/h"),
)
GOALS: tuple[tuple[str, str, str], ...] = (
    ("found_15", "found of >= 15 %", "all"),
    ("false_per_year", "false a year and place", "<= 1"),
    ("abrupt", "abrupt: median, h", "<= 24"),
    ("strict_f1", "strict F1", "network >= 0.95, flows alone >= 0.85"),
)

MOST_LINES = 40  # of one place's leaks and false alarms that the text tells one by one
WHY = {
    "short": "its training part is too short to adapt to",
    "few": "too few trial leaks in its last weeks to judge by",
    "worse": "not adapted, that does worse on its own last weeks",
    "loose": "not adapted, its whole past lets expect too many false alarms",
}


def render(result: Mapping[str, Any]) -> str:
    """Return the tables of a score, and what ships has said where there are no labels."""
    table = result["table"]
    lines = [_head(result), ""]
    if result["labelled"]:
        lines += [f"what the goals name; in brackets 95 %, {result['drawn']} drawn again"]
        large = next(iter(table.values()))["leaks_15"] > 0  # a network's are told in m3/h
        columns = [one for one in COLUMNS if large or one[0] != "found_15"]
        lines += [*_goals(table, large), "", "counts; delays in hours with quartiles"]
        lines += [*_grid(table, columns), *_leaks(result)]
    else:
        listed = (("alarms", "alarms"), ("alarms_per_year", "alarms a year and place"))
        lines += [*_grid(table, listed), "", *_alarms(result["alarms"])]
    left_out = [f"left out: {reason}" for reason in result.get("left_out", {}).values()]
    return "\n".join([*lines, *_adapted(result.get("adapted", {})), *left_out]) + "\n"


def _adapted(made: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return which places their own past adapts, and why the others are as they came."""
    kept = [place for place, one in made.items() if not one["refused"]]
    lines = ["", f"adapted by their training part: {', '.join(kept) or 'none'}"] if made else []
    for place, one in made.items():
        if one["refused"]:
            lines.append(f"{place}: {WHY[one['refused']]}")
    return lines


def _head(result: Mapping[str, Any]) -> str:
    ours = next(iter(result["table"].values()))
    count = len(result["places"])
    line = f"{count} place{'s' if count != 1 else ''}, {ours['years']:.2f} years together"
    if result.get("flows_only"):
        line += "; by the flows alone, so no place is named"
    if not result["labelled"]:
        return f"{line}; no labels, so alarms are listed, not judged"
    if not ours["leaks"]:
        return f"{line}; labelled, no leak began in it"
    large = f", {ours['leaks_15']} of >= 15 % of the night flow" if ours["leaks_15"] else ""
    return f"{line}; {ours['leaks']} leaks known{large}"


def _goals(table: Mapping[str, Mapping[str, Any]], large: bool) -> list[str]:
    goals = [goal for goal in GOALS if large or goal[0] != "found_15"]
    rows = [["rule", *(title for _, title, _ in goals)]]
    rows += [[name, *(_goal(row, key) for key, _, _ in goals)] for name, row in table.items()]
    rows.append(["goal", *(goal for _, _, goal in goals)])
    return _lines(rows)


def _goal(row: Mapping[str, Any], key: str) -> str:
    value = row["abrupt_h"] if key == "abrupt" else row[key]
    digits = 0 if key == "abrupt" else 2
    if key == "found_15":
        value = value / row["leaks_15"] if row["leaks_15"] else None
    if value is None:
        return "-"
    low, high = row.get(f"{key}_95", (math.nan, math.nan))
    ends = f" ({low:.{digits}f}-{high:.{digits}f})" if math.isfinite(low) else ""
    return f"{value:.{digits}f}{ends}"


def _grid(table: Mapping[str, Mapping[str, Any]], columns: Sequence[tuple[str, str]]) -> list[str]:
    rows = [[name, *(_cell(row, key) for key, _ in columns)] for name, row in table.items()]
    return _lines([["rule", *(title for _, title in columns)], *rows])


def _lines(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _cell(row: Mapping[str, Any], key: str) -> str:
    if key in ("abrupt", "incipient"):
        marks = [row[f"{key}_h"], row[f"{key}_q1_h"], row[f"{key}_q3_h"]]
        return "-" if marks[0] is None else "{:.0f} ({:.0f}-{:.0f})".format(*marks)
    of = {"found": "leaks", "found_15": "leaks_15", "strict": "leaks", "placed": "leaks"}
    value = row[key]
    if value is None:
        return "-"
    return f"{value:g}/{row[of[key]]:g}" if key in of else f"{value:g}"


def _leaks(result: Mapping[str, Any]) -> list[str]:
    """Return each leak and what became of it, the false alarms, and the leaks left out."""
    lines = []
    for place in result["places"]:
        leaks, false = result["leaks"][place], result["false_alarms"][place]
        if len(leaks) + len(false) > MOST_LINES:
            told = [f"{place}: {len(leaks)} leaks, {len(false)} false alarms; --json has them all"]
        else:
            told = [f"{place}: {len(leaks)} leaks", *map(_leak, leaks)]
            told += [f"  false: {_alarm(one)}" for one in false]
        lines += ["", *told]
        lines += [
            f"  left out: {_when(one['start_ms'])} to {_when(one['end_ms'])}, did not begin in "
            "the judged part"
            for one in result["outside"][place]
        ]
    return lines


def _leak(one: Mapping[str, Any]) -> str:
    about = f"  {_when(one['start_ms'])}  {one['kind']}, {_size(one)}"
    if not one["found"]:
        return f"{about}: missed"
    placed = ", placed" if one["placed"] else ""
    return f"{about}: found after {one['delay_h']:.0f} h{', strictly' * one['strict']}{placed}"


def _size(one: Mapping[str, Any]) -> str:
    return "unknown size" if one["size_m3h"] is None else f"{one['size_m3h']} m3/h"


def _alarms(alarms: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    lines = []
    for place, said in alarms.items():
        lines += [f"{place}: {len(said)} alarms", *(f"  {_alarm(alarm)}" for alarm in said)]
    return lines


def _alarm(alarm: Mapping[str, Any]) -> str:
    likely = "" if alarm["probability"] is None else f", p {alarm['probability']}"
    near = f", near {', '.join(alarm['places'][:3])}" if alarm["places"] else ""
    since = f" since {_when(alarm['since_ms'])}" if alarm["since_ms"] else ""
    return f"{_when(alarm['at_ms'])}  {_size(alarm)}{since}{likely}{near}"


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
