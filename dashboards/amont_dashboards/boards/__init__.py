"""The dashboards, one file each; this list is what is built, checked and linked."""

from amont_dashboards.boards import (
    duty,
    fleet,
    floods,
    gateway,
    leaks,
    monthly,
    network,
    quality,
    sensor,
    sirens,
)

ALL = (
    duty.BOARD, floods.BOARD, network.BOARD, leaks.BOARD, sirens.BOARD, fleet.BOARD, sensor.BOARD,
    quality.BOARD, gateway.BOARD, monthly.BOARD,
)  # fmt: skip
