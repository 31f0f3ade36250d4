"""Print a river score for people: what the goals name, then every table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from amont_models.metrics import ratio
from amont_models.score_tables import NOMINAL
from amont_models.tidy_write import iso_utc

Table = Mapping[str, Any]
MOST_STATIONS = 12  # that the text names one by one
MOST_EVENTS = 40
OURS, MARK = "warning", "p98 mark"
# Skill on the rising limb by horizon: of checked readings, and with faulty sensors left in.
PI_GOALS = {"1h": (0.60, 0.50), "2h": (0.55, 0.45), "3h": (0.50, 0.40)}
WHY = {
    "": "adapted",
    "short": "too short to adapt to",
    "still": "too still to adapt to",
    "worse": "adapting refused: worse on its last weeks",
}


def render(result: Table) -> str:
    """Return the tables of ``score_river.score``."""
    clean, faults = result["clean"], result["faults"]
    lines = [*_stations(result), "", *_goals(result), "", *_events(result["stations"]), ""]
    lines += ["clean readings", *_tables(clean), "", "all faults at once", *_tables(faults["all"])]
    lines += ["", "one fault at a time, what ships", *_faults(clean, faults)]
    lines += ["", *_sirens(result["sirens"])]
    return "\n".join(lines) + "\n"


def _stations(result: Table) -> list[str]:
    stations = result["stations"]
    kept = sum(not one["adapted"]["refused"] for one in stations)
    lines = [f"{result['record']}: {len(stations)} stations judged, {kept} of them adapted"]
    if kept:
        lines.append("  'warning', 'watch' and 'model' are with it, 'first day' without")
    for one in stations[:MOST_STATIONS]:
        until = iso_utc(one["train_until_ms"])[:10]
        rain = f"rain of {one['rain']}" if one["rain"] else "no rain"
        lines += [
            f"  {one['name']}: stage {one['stage']}, every {one['step_s']} s, {rain}; learnt "
            f"until {until}",
            f"    mark {one['mark_mm']} mm, {one['events']} events in {one['months']} months; "
            f"{WHY[one['adapted']['refused']]}",
        ]
    if len(stations) > MOST_STATIONS:
        lines.append(f"  and {len(stations) - MOST_STATIONS} more (--json has them all)")
    return lines + [f"  left out: {reason}" for reason in result["left_out"].values()]


# --- what the goals name ---


def _goals(result: Table) -> list[str]:
    clean, faulted = result["clean"], result["faults"]["all"]
    head = f"  {'':<41} {'ours (95 %)':>20} {'goal':>18}   {'met':<4} p98 mark"
    lines = ["what the goals name", head]
    for name, ours, goal, met, beside in (
        *_warning_goals(clean["warnings"]),
        *_pi_goals(clean["skill"], bool(result.get("raw"))),
        *_coverage_goals(clean["coverage"]),
        *_fault_goals(clean["warnings"], faulted["warnings"]),
    ):
        said = "-" if met is None else "yes" if met else "NO"
        lines.append(f"  {name:<41} {ours:>20} {goal:>18}   {said:<4} {beside}".rstrip())
    return lines


Goal = tuple[str, str, str, bool | None, str]


def _warning_goals(rows: Table) -> Iterator[Goal]:
    ours, mark = rows[OURS], rows[MARK]
    for what, goal, sign in (("pod", 0.95, 1.0), ("far", 0.30, -1.0)):
        value = ours[what][0]
        met = None if value != value else sign * value >= sign * goal
        bound = f"{'>=' if sign > 0 else '<='} {goal:.2f}"
        name = f"{what.upper()} of the warning, {ours['events']:.0f} events"
        yield name, interval(ours[what]), bound, met, interval(mark[what])
    lead, floor = ours["lead_h"][0], mark["lead_h"][0]
    met = None if lead != lead or floor != floor else lead >= floor
    told = interval(ours["lead_h"], 1)
    yield "median lead, h", told, "the p98 mark's", met, interval(mark["lead_h"], 1)


def _pi_goals(rows: Table, raw: bool) -> Iterator[Goal]:
    for horizon, goals in PI_GOALS.items():
        row, goal = rows[f"model_{horizon}"]["pi"], goals[raw]
        met = None if row[0] != row[0] else row[0] >= goal
        where = ", faulty sensors left in" if raw else ""
        yield f"PI, rising limb, +{horizon}{where}", interval(row), f">= {goal:.2f}", met, ""


def _coverage_goals(rows: Table) -> Iterator[Goal]:
    for horizon, row in rows.items():
        value, low, high = row["share"]
        met = None if low != low else low <= NOMINAL <= high
        if value == value:
            name = f"inside the {NOMINAL:.0%} band, event hours, +{horizon}"
            yield name, interval(row["share"]), f"holds {NOMINAL:.2f}", met, ""


def _fault_goals(clean: Table, faulted: Table) -> Iterator[Goal]:
    more, mark = (extra_a_year(clean[rule], faulted[rule]) for rule in (OURS, MARK))
    missed = events_missed(clean[OURS], faulted[OURS])
    name = "faults: more warnings a station-year"
    yield name, number(more), "<= 1", more <= 1.0, number(mark)
    beside = number(events_missed(clean[MARK], faulted[MARK]), 0)
    of = f"{missed:.0f} of {clean[OURS]['warned']:.0f}"
    yield "faults: events no longer warned of", of, "0", missed <= 0.0, beside


def extra_a_year(clean: Table, faulted: Table) -> float:
    """Return how many false warnings a station-year faults add to a rule."""
    more = max(0.0, faulted["false"] - clean["false"])
    return ratio(more, faulted["months"] / 12.0)


def events_missed(clean: Table, faulted: Table) -> float:
    """Return how many events a rule no longer warns of when faults are put in."""
    return max(0.0, float(clean["warned"] - faulted["warned"]))


# --- events ---


def _events(stations: Sequence[Table]) -> list[str]:
    """Return what the warning made of each event, where there are few."""
    total = sum(len(one["event_list"]) for one in stations)
    if not 0 < total <= MOST_EVENTS:
        return [f"{total} events{' (--json lists them)' if total else ''}"]
    lines = ["events: when the water reached the mark (UTC), and the first warning of it"]
    for one in stations:
        for event in one["event_list"]:
            said = f"warned {event['lead_h']:.1f} h before" if event["warned"] else "missed"
            when = iso_utc(event["crossing_ms"])[:16].replace("T", " ")
            lines.append(f"  {when}  {one['name']}: {said}")
    return lines


# --- tables ---


def _tables(found: Table) -> list[str]:
    lines = _warnings(found["warnings"])
    lines += ["", "  a warning at another quantile: POD, FAR, false/month, median lead h"]
    for name, row in found["curve"].items():
        told = (row["pod"], row["far"], row["false_per_station_month"], row["lead_h"])
        lines.append(f"  {name:<13} " + " ".join(f"{number(value):>6}" for value in told))
    lines += ["", "  rising limb                PI (95 %)   pinball skill (95 %)    steps"]
    for name, row in found["skill"].items():
        if row["steps"]:
            pi, pinball = interval(row["pi"]), interval(row["pinball_skill"])
            lines.append(f"  {name:<14} {pi:>22} {pinball:>22} {row['steps']:>8}")
    lines += ["", f"  event hours inside the band ({NOMINAL:.0%} nominal)"]
    for name, row in found["coverage"].items():
        if row["events"]:
            lines.append(f"  +{name:<4} {interval(row['share']):>22}  {row['events']} events")
    return lines


def _warnings(rows: Table) -> list[str]:
    head = f"  {'rule':<13} {'events':>6} {'POD (95 %)':>18} {'FAR (95 %)':>18} {'CSI':>5}"
    lines = [f"{head} {'false/month':>11} {'lead, h (95 %)':>18} {'quartiles':>11}"]
    for name, row in rows.items():
        low, _, high = row["lead_quartiles_h"]
        lines.append(
            f"  {name:<13} {row['events']:>6.0f} {interval(row['pod']):>18} "
            f"{interval(row['far']):>18} {number(row['csi'][0]):>5} "
            f"{number(row['false_per_station_month']):>11} {interval(row['lead_h'], 1):>18} "
            f"{number(low, 1):>5}-{number(high, 1)}"
        )
    return lines


def _faults(clean: Table, faults: Table) -> list[str]:
    lines = [f"  {'fault':<13} {'POD':>5} {'FAR':>5}  more warnings a year  no longer warned of"]
    before = clean["warnings"][OURS]
    for kind, found in faults.items():
        row = found["warnings"][OURS]
        more, missed = extra_a_year(before, row), events_missed(before, row)
        lines.append(
            f"  {kind:<13} {number(row['pod'][0]):>5} {number(row['far'][0]):>5} "
            f"{number(more):>21} {missed:>20.0f}"
        )
    return lines


def _sirens(found: Table) -> list[str]:
    lines = [
        f"the siren, one sensor a station, {number(found['years'], 1)} station-years: the first "
        "year after each training part",
        f"  {'readings':<13} {'crossings':>9} {'met':>5} {'missed':>6} {'false':>5}  "
        "from faults alone, a year (goal 0.02)",
    ]
    for name, row in found["copies"].items():
        lines.append(
            f"  {name:<13} {row['crossings']:>9} {row['met']:>5} {row['missed']:>6} "
            f"{row['false']:>5}  {number(row['from_faults_a_year']):>19}"
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
