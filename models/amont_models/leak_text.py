"""Print a leak score for people: the event table, and the alarms where nobody knows the truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

COLUMNS: tuple[tuple[str, str], ...] = (
    ("found", "found"),
    ("found_15", ">= 15 %"),
    ("strict", "strict"),
    ("strict_f1", "strict F1"),
    ("placed", "placed"),
    ("repeats", "repeats"),
    ("false", "false"),
    ("false_per_year", "false/year"),
    ("alarms", "alarms"),
    ("abrupt", "abrupt, h"),
    ("incipient", "incipient, h"),
    ("size_error_m3h", "size error, m3/h"),
)


def render(result: Mapping[str, Any]) -> str:
    """Return the table of a score, and what ships has said where there are no labels."""
    lines = _table(result["table"], result["labelled"])
    if not result["labelled"]:
        lines += ["", *_alarms(result["alarms"])]
    return "\n".join(lines) + "\n"


def _table(table: Mapping[str, Mapping[str, Any]], labelled: bool) -> list[str]:
    columns = COLUMNS if labelled else (("alarms", "alarms"), ("alarms_per_year", "alarms/year"))
    head = ["rule", *(title for _, title in columns)]
    rows = [[name, *(_cell(row, key) for key, _ in columns)] for name, row in table.items()]
    widths = [max(len(line[k]) for line in [head, *rows]) for k in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if k else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in [head, *rows]
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


def _alarms(alarms: Mapping[str, list[Mapping[str, Any]]]) -> list[str]:
    lines = []
    for place, said in alarms.items():
        lines.append(f"{place}: {len(said)} alarms")
        for alarm in said:
            size = "unknown size" if alarm["size_m3h"] is None else f"{alarm['size_m3h']} m3/h"
            likely = "" if alarm["probability"] is None else f", p {alarm['probability']}"
            near = f", near {', '.join(alarm['places'][:3])}" if alarm["places"] else ""
            since = f" since {_when(alarm['since_ms'])}" if alarm["since_ms"] else ""
            lines.append(f"  {_when(alarm['at_ms'])}  {size}{since}{likely}{near}")
    return lines


def _when(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
