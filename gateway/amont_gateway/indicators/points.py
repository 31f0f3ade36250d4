"""Write what was worked out as lines of the declared series."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from amont_gateway import series
from amont_gateway.indicators.leaks import LeakState
from amont_gateway.indicators.meter_day import Filled
from amont_gateway.indicators.months import Year
from amont_gateway.indicators.store import Night
from amont_gateway.lines import line
from amont_gateway.yearly.balance import EXPORTED, IMPORTED, PRODUCED
from amont_gateway.yearly.window import Window

M3_L = 1000.0
_UNKNOWN = 2  # of "reached"


@dataclass(frozen=True)
class ZoneDay:
    """A zone's day; ``meters`` with +1 for what flows in, -1 for what flows on.

    ``meters`` is empty while the day is not over.
    """

    night: Night | None
    usual: tuple[float, float] | None
    meters: tuple[tuple[int, Filled], ...] = ()

    @property
    def inflow_m3(self) -> float | None:
        """Return the net inflow, None while some of it cannot even be estimated."""
        volumes = [(sign, filled.volume_l) for sign, filled in self.meters]
        if not volumes or any(litres is None for _, litres in volumes):
            return None
        return sum(sign * (litres or 0.0) for sign, litres in volumes) / M3_L

    @property
    def estimated_m3(self) -> float:
        """Return what of all that passed the zone's meters is estimated."""
        return sum(abs(filled.estimated_l) for _, filled in self.meters) / M3_L

    @property
    def passed_m3(self) -> float:
        """Return all that passed the zone's meters, in and out."""
        known_l = sum(abs(f.measured_l) + abs(f.counted_l) for _, f in self.meters)
        return self.estimated_m3 + known_l / M3_L

    @property
    def estimated_percent(self) -> float | None:
        """Return which share of the day some meter's reading does not cover.

        Hour by hour the meters' open times are added, to an hour at most: where two are silent
        at different times, neither hides the other.
        """
        if not self.meters:
            return None
        hours = len(self.meters[0][1].estimated_s)
        open_s = [
            min(3600, sum(f.estimated_s[h] + f.unknown_s[h] for _, f in self.meters))
            for h in range(hours)
        ]
        return 100.0 * sum(open_s) / (3600 * hours)


def zone_day_line(site: str, zone: str, day: ZoneDay, at_ms: int) -> str | None:
    """Return the line of a zone's day; what is not known is left out."""
    night = day.night or Night(None, None)
    usual, spread = day.usual or (None, None)
    fields = {
        "inflow_m3": day.inflow_m3,
        "estimated_pct": day.estimated_percent,
        "night_flow_l_h": night.flow_l_h,
        "night_flow_usual_l_h": usual,
        "night_flow_spread_l_h": spread,
        "night_pressure_kpa": night.pressure_kpa,
    }
    return line(series.ZONE_DAY, site, {"zone": zone}, _rounded(fields), at_ms)


def zone_month_line(
    site: str, zone: str, days: list[ZoneDay], metered: Window | None, at_ms: int
) -> str | None:
    """Return the line of a zone's month so far: nothing unless each of its days is known.

    ``metered`` holds what the zone's customers were metered in the same days, None if unknown.
    """
    volumes = [day.inflow_m3 for day in days]
    if not volumes or any(volume is None for volume in volumes):
        return None
    inflow = sum(volume or 0.0 for volume in volumes)
    estimated, whole = sum(d.estimated_m3 for d in days), sum(d.passed_m3 for d in days)
    fields: dict[str, float | int | str | None] = {"inflow_m3": inflow}
    if metered is not None:
        used = float(sum(metered.volume_m3.values(), Decimal(0)))
        fields |= {"metered_m3": used, "balance_m3": inflow - used}
        fields["balance_pct"] = 100.0 * (inflow - used) / inflow if inflow > 0 else None
        estimated += float(sum(metered.estimated_m3.values(), Decimal(0)))
        whole += used
    fields["estimated_pct"] = 100.0 * estimated / whole if whole > 0 else None
    return line(series.ZONE_MONTH, site, {"zone": zone}, _rounded(fields), at_ms)


def volume_month_lines(site: str, window: Window, at_ms: int) -> Iterator[str]:
    """Yield the line of each kind of volume of which no day is missing."""
    missing = {gap.kind for gap in window.gaps}
    for kind, volume in window.volume_m3.items():
        if kind in missing:
            continue
        estimated = window.estimated_m3.get(kind, Decimal(0))
        share = float(100 * estimated / volume) if volume else 0.0
        fields = {"volume_m3": float(volume), "estimated_pct": share}
        written = line(series.VOLUME_MONTH, site, {"kind": kind}, _rounded(fields), at_ms)
        if written is not None:
            yield written


def year_line(site: str, year: Year, at_ms: int) -> str | None:
    """Return the line of twelve months; without a balance only what was supplied, and why."""
    volume, made = year.window.volume_m3, year.balance
    supplied = sum((volume.get(k, Decimal(0)) for k in (PRODUCED, IMPORTED)), Decimal(0))
    fields: dict[str, float | int | str | None] = {
        "supplied_m3": float(supplied),
        "estimated_pct": float(100 * year.window.estimated_share),
        "missing_days": year.missing_days,
        "reached": _UNKNOWN if year.reached is None else int(year.reached),
    }
    if made is not None:
        fields |= {
            "yield_pct": float(made.yield_percent),
            "yield_needed_pct": float(made.asked_percent),
            "uncounted_m3_km_d": float(made.uncounted_m3_km_day),
            "losses_m3_km_d": float(made.losses_m3_km_day),
            "used_m3": float(made.authorised_m3 + made.volume_m3[EXPORTED]),
        }
    return line(series.YIELD_YEAR, site, {}, _rounded(fields), at_ms)


def leak_line(site: str, place: str, number: int, state: LeakState, at_ms: int) -> str | None:
    """Return the line of a leak's day."""
    fields = {
        "state": state.state,
        "size_l_h": state.size_l_h,
        "probability": state.probability,
        "open_d": state.open_d,
        "lost_m3": state.lost_m3,
        "saved_m3": state.saved_m3,
    }
    tags = {"place": place, "leak": str(number)}
    return line(series.LEAK_DAY, site, tags, _rounded(fields), at_ms)


def _rounded(
    fields: Mapping[str, float | int | str | None],
) -> dict[str, float | int | str | None]:
    """Return the fields with what is no more than the arithmetic's noise left out."""
    return {k: round(v, 6) if isinstance(v, float) else v for k, v in fields.items()}
