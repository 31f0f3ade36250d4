"""Say whether a network leaks, where to look first, and why. Pure: a view in, words out."""

from __future__ import annotations

from amont_gateway.page.formatting import Format
from amont_gateway.page.texts import Words
from amont_gateway.view import Network, NetworkLeak, Sensor, Zone

PA10_PER_KPA = 100


def verdict(network: Network, now_ms: int, t: Words, f: Format) -> str:
    """Say whether the network leaks; one leak with its size and time, several by their number."""
    if network.model_status == "ok" and network.leaks:
        if len(network.leaks) > 1:
            several = "several" if network.verdict == "leak" else "several.watch"
            return t(f"network.{several}", count=f.number(len(network.leaks)))
        return leak(network.leaks[0], now_ms, t, f)
    if network.model_status == "ok" and network.verdict in ("normal", "watch"):
        return t("network.normal" if network.verdict == "normal" else "network.suspects")
    if network.learning:
        return t("network.learning")
    return t.either(f"network.model.{network.model_status}", t("network.unknown"))


def leak(found: NetworkLeak, now_ms: int, t: Words, f: Format) -> str:
    """Say how large a leak is and since when."""
    key = f"network.{'leak' if found.is_sure else 'watch'}"
    moment = f.moment(found.since_ms, now_ms)
    if not found.size_l_h:
        return t(f"{key}.no_flow", moment=moment)
    return t(key, flow=f.flow(found.size_l_h), moment=moment)


def near(found: NetworkLeak, sensors: list[Sensor], t: Words) -> str:
    """Say near which sensors to look first, nearest first."""
    names = {sensor.id: t.of(sensor.name, sensor.id) for sensor in sensors}
    places = [names.get(sensor, sensor) for sensor in found.sensors]
    return t("network.near", places=", ".join(places)) if places else ""


def why(
    found: NetworkLeak, sensors: list[Sensor], t: Words, f: Format
) -> list[tuple[str, str, str]]:
    """Return what was read before and after: (what, before, after), the inflow last."""
    names = {sensor.id: t.of(sensor.name, sensor.id) for sensor in sensors}
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
