"""List every alert rule."""

from __future__ import annotations

from amont_dashboards.alerts import fleet, floods, gateway, network, sirens
from amont_dashboards.alerts.model import Rule

HEARTBEAT = gateway.HEARTBEAT
# What tells people; the sign of life is apart, because it tells a machine.
RULES: tuple[Rule, ...] = (
    *floods.RULES,
    *network.RULES,
    *sirens.RULES,
    *fleet.RULES,
    *gateway.RULES,
)
