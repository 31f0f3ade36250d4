"""Declare what the page tells of a leak in a network: plain data, as ``view``."""

from __future__ import annotations

import msgspec


class NetworkLeak(msgspec.Struct, kw_only=True):
    """A leak that the network test believes open."""

    number: int = 1  # the same as long as it is open
    found_ms: int
    since_ms: int
    size_l_h: int | None = None
    probability: float | None = None
    is_sure: bool = True  # probable, and the inflow shows it, too: else it is watched
    score: float | None = None  # how far it stands from chance, as its test counts
    alarm: float | None = None  # from which score on it is said
    sensors: list[str] = []  # pressure sensors, nearest first
    # what was read at the same hours of day: in the week before it began, and in the week since,
    # as far as it has come; None where nothing was
    before_kpa: list[int | None] = []  # of each of ``sensors``
    after_kpa: list[int | None] = []
    inflow_before_l_h: int | None = None
    inflow_after_l_h: int | None = None
