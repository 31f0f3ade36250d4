"""Say whether a network leaks, where to look first, and why. Pure: a view in, words out."""

from __future__ import annotations

from amont_gateway.page.formatting import Format
from amont_gateway.page.texts import Words
from amont_gateway.view import Network, Sensor, Zone
from amont_gateway.view_network import NetworkLeak

PA10_PER_KPA = 100


FLOWS = "network-inflow"  # the test that needs no pressures


def by_flows(network: Network) -> bool:
    """Tell whether a network is judged by its flows alone."""
    return network.model == FLOWS or not network.pressures


def _of(key: str, network: Network) -> str:
    return f"{key}.flows" if by_flows(network) else key


def verdict(network: Network, now_ms: int, t: Words, f: Format) -> str:
    """Say whether the network leaks; one leak with its size and time, several by their number."""
    if network.model_status == "ok" and network.leaks:
        if len(network.leaks) > 1:
            several = "several" if network.verdict == "leak" else "several.watch"
            return t(f"network.{several}", count=f.number(len(network.leaks)))
        return leak(network.leaks[0], now_ms, t, f)
    if network.model_status == "ok" and network.verdict in ("normal", "watch"):
        key = "network.normal" if network.verdict == "normal" else "network.suspects"
        return t(_of(key, network))
    if network.learning:
        return t(_of("network.learning", network))
    return t.either(f"network.model.{network.model_status}", t("network.unknown"))


def rung(network: Network, sensors: list[Sensor], t: Words) -> list[str]:
    """Say what a network is judged without, one sentence each; none where all of it speaks."""
    said = [t("network.rung.flows only")] if network.rung == "flows only" else []
    if network.left_out:
        names = _names(sensors, t)
        key = "network.left_out" if len(network.left_out) == 1 else "network.left_out.several"
        said.append(t(key, meters=", ".join(names.get(x, x) for x in network.left_out)))
    return said


def calm(network: Network, t: Words) -> str:
    """Say why no leak is seen."""
    if network.verdict == "normal":
        return t(_of("network.why.none", network))
    return t("network.why.unknown")


def leak(found: NetworkLeak, now_ms: int, t: Words, f: Format) -> str:
    """Say how large a leak is and since when."""
    key = f"network.{'leak' if found.is_sure else 'watch'}"
    moment = f.moment(found.since_ms, now_ms)
    if not found.size_l_h:
        return t(f"{key}.no_flow", moment=moment)
    return t(key, flow=f.flow(found.size_l_h), moment=moment)


def near(found: NetworkLeak, sensors: list[Sensor], t: Words) -> str:
    """Say near which sensors to look first, nearest first."""
    names = _names(sensors, t)
    places = [names.get(sensor, sensor) for sensor in found.sensors]
    return t("network.near", places=", ".join(places)) if places else ""


def _names(sensors: list[Sensor], t: Words) -> dict[str, str]:
    return {sensor.id: t.of(sensor.name, sensor.id) for sensor in sensors}


def why(
    found: NetworkLeak, sensors: list[Sensor], t: Words, f: Format
) -> list[tuple[str, str, str]]:
    """Return what was read before and after: (what, before, after), the inflow last."""
    names = _names(sensors, t)
    rows = [
        (names.get(sensor, sensor), _bar(before, f), _bar(after, f))
        for sensor, before, after in zip(
            found.sensors, found.before_kpa, found.after_kpa, strict=False
        )
    ]
    flows = (found.inflow_before_l_h, found.inflow_after_l_h)
    return [*rows, (t("network.inflow"), f.flow(flows[0]), f.flow(flows[1]))]


def drawn(network: Network) -> Zone:
    """Return a network's inflow as the chart of a zone draws it."""
    return Zone(
        id=network.id,
        name=network.name,
        verdict=network.verdict,
        series=network.series,
        since_ms=network.leaks[0].since_ms if network.leaks else None,
    )


def _bar(value_kpa: int | None, f: Format) -> str:
    return f.quantity("pressure_pa10", None if value_kpa is None else value_kpa * PA10_PER_KPA)
