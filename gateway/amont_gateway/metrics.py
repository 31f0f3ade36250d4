"""Show the gateway's counts and states to Prometheus."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from amont_gateway.gateway import Gateway

_GOOD = {"ok", "none"}


class _Collector:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def collect(self) -> Iterable[Metric]:
        """Yield every count as ``amont_<name>_total`` and the states as gauges."""
        for name, value in self._gateway.counters.snapshot().items():
            yield CounterMetricFamily(f"amont_{name}", name.replace("_", " "), value=value)
        states = GaugeMetricFamily("amont_ok", "1 while this part works", labels=["part"])
        for part, state in self._gateway.states().items():
            states.add_metric([part], float(state in _GOOD))
        states.add_metric(["guard"], float(self._gateway.link.connected))
        states.add_metric(["models"], float(self._gateway.advisor.state == "ok"))
        yield states


def make_metrics(gateway: Gateway) -> CollectorRegistry:
    """Return a registry of this gateway's metrics."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(gateway))
    return registry


def render(registry: CollectorRegistry) -> bytes:
    """Return the metrics in Prometheus' text format."""
    return bytes(generate_latest(registry))
