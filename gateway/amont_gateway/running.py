"""Run the service from a command line, and put its state into words."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import os
import signal
import types
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from amont_gateway import history_texts, logs
from amont_gateway.app import build
from amont_gateway.bridge_words import describe_bridge
from amont_gateway.database import Influx
from amont_gateway.foreign import brokers_of
from amont_gateway.foreign_words import describe as describe_foreign
from amont_gateway.lorawan_ingest import LorawanPlan, plan_from
from amont_gateway.mqtt_connection import Broker
from amont_gateway.notify import notify, watchdog_s
from amont_gateway.storer import COMMIT_MS
from amont_site import Site
from amont_site.parts import Broker as BrokerAddress

EXIT_BUG = 70
HTTPS_PORT = 8443
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of malloc.h
_LARGE_BYTES = 131_072  # what malloc(3) begins with
_ROUND_S = 1.0

_log = structlog.get_logger("amont.gateway")


@dataclass(frozen=True)
class Plan:
    """What a gateway with these options would use."""

    site: Site
    data: Path
    guard_socket: Path
    artifacts: Path | None
    broker: Broker | None
    influx: Influx | None
    page: tuple[str, int] | None = None
    page_https: tuple[str, int] | None = None
    page_names: tuple[str, ...] = ()
    foreign: Mapping[str, Broker] = field(default_factory=dict)  # by the id of the source
    lorawan: LorawanPlan | None = None


def plan(site: Site, asked: argparse.Namespace, environment: Mapping[str, str]) -> Plan:
    """Combine the site's file, the command line and the environment's secrets."""
    broker = broker_of(site.broker, asked, environment, "mqtt") if site.broker else None
    page = address("--page", asked.page)
    return Plan(
        site,
        asked.data,
        asked.guard_socket,
        asked.artifacts,
        broker,
        database_of(site, environment),
        page,
        _https(page, asked.page_https),
        tuple(asked.page_name),
        brokers_of(site.foreign_sources, environment),
        lorawan_of(site, broker, asked, environment),
    )


def broker_of(
    told: BrokerAddress, asked: argparse.Namespace, environment: Mapping[str, str], name: str
) -> Broker:
    """Return where a broker is and who we are there: ``--NAME-user``, ``AMONT_NAME_PASSWORD``."""
    user, ca, cert, key = (getattr(asked, f"{name}_{x}") for x in ("user", "ca", "cert", "key"))
    password = environment.get(f"AMONT_{name.upper()}_PASSWORD")
    return Broker(told.host, told.port, user, password, ca, cert, key, tls=told.tls)


def lorawan_of(
    site: Site, broker: Broker | None, asked: argparse.Namespace, environment: Mapping[str, str]
) -> LorawanPlan | None:
    """Return how the site's network server is reached; None without one."""
    told = site.lorawan
    if told is not None and told.broker is not None:
        broker = broker_of(told.broker, asked, environment, "lorawan")
        if broker.user is None and told.server == "ttn":
            user = f"{told.application}@{told.tenant}" if told.tenant else told.application
            broker = replace(broker, user=user)
    return None if broker is None else plan_from(site, broker)


def database_of(site: Site, environment: Mapping[str, str]) -> Influx | None:
    """Return where a site's history goes, with the environment's token; None if it has none."""
    kept, token = site.history, environment.get("AMONT_INFLUX_TOKEN", "")
    if kept is None:
        return None
    return Influx(kept.url, kept.database, token, org=kept.org or "", keep_days=kept.keep_days)


def _spare_memory() -> None:
    """Keep the C library from heaps for each thread, and from keeping large blocks.

    5 and 3 MiB. Without bounds of ours, the library takes what it frees once as a measure,
    and from then on keeps blocks as large as a model's past for itself, between small ones.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library has no such thing
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_ARENA_MAX, 2)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _LARGE_BYTES)


def _hold(data: Path) -> int:
    """Return a descriptor that keeps a second gateway out of the data folder, or raise OSError."""
    data.mkdir(parents=True, exist_ok=True)
    held = os.open(data, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        raise OSError(f"{data}: another gateway works here") from None
    return held


def run(site: Site, asked: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Run until SIGTERM or SIGINT; return 0, or 70 if a bug ended it (the supervisor restarts).

    Raise OSError if the data folder is held by another gateway or cannot be had.
    """
    _spare_memory()
    logs.set_up(asked.log_level)
    planned = plan(site, asked, environment)
    held = _hold(planned.data)
    service = build(
        site,
        planned.data,
        planned.guard_socket,
        broker=planned.broker,
        lorawan=planned.lorawan,
        foreign=planned.foreign,
        influx=planned.influx,
        artifacts=planned.artifacts,
        page=planned.page,
        page_https=planned.page_https,
        page_names=planned.page_names,
        commit_ms=COMMIT_MS if asked.commit_ms is None else asked.commit_ms,
    )

    def stop(_signal: int, _frame: types.FrameType | None) -> None:
        service.gateway.stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    service.start()
    notify("READY=1")
    _log.info("started", site=site.id, page=asked.page, data=str(planned.data))
    while not service.wait(min(_ROUND_S, watchdog_s() or _ROUND_S)):
        notify("WATCHDOG=1")
    notify("STOPPING=1")
    left = service.stop()
    os.close(held)
    _log.info("stopped", threads_left=left)
    return EXIT_BUG if service.failed else 0


def describe(view: Mapping[str, Any]) -> list[str]:
    """Say in a few lines how the gateway is, from its ``/view.json``."""
    links = ", ".join(f"{name} {view[name]}" for name in ("journal", "broker", "database"))
    lines = [f"{view['site']}: guard {'alive' if view['guard_alive'] else 'SILENT'}, {links}"]
    lines += _history(view.get("history")) + _lorawan(view.get("lorawan"))
    lines += [describe_bridge(bridge) for bridge in view.get("bridges") or ()]
    for s in view["stations"]:
        stage, rung = _with(s["stage_mm"], "mm"), _rung(s["forecast"])
        lines.append(f"station {s['id']}: {s['level']}, {stage}, forecast: {rung}")
    for z in view["zones"]:
        lines.append(f"zone {z['id']}: {z['verdict']}, {_with(z['inflow_l_h'], 'l/h')}")
    for n in view["networks"]:
        lines.append(f"network {n['id']}: {n['verdict']}, {_heard(n)}")
        lines += [f"leak in network {n['id']}: {_leak(leak)}" for leak in n["leaks"]]
    for s in view["sirens"]:
        lines.append(f"siren {s['id']}: {s['state']}, {s['mode']}, {s['health']}")
    for s in view["sensors"]:
        flags = ",".join(s["flags"]) or "good"
        lines.append(f"sensor {s['id']}: {s['promise']} promise, {s['freshness']}, {flags}")
    lines += describe_foreign(view["foreign"])
    for n in view["nodes"]:
        lines.append(f"node {n['id']}: {'silent' if n['silent'] else 'heard'}, {n['carrier']}")
    for e in view["events"]:
        lines.append(f"{e['severity']} x{e['count']}: {e['text']['en']}")
    return lines


def _heard(network: Mapping[str, Any]) -> str:
    """Say how many of a network's sensors speak, and what it is judged without."""
    parts = []
    if network["pressures"]:
        parts.append(f"{network['heard']} of {network['pressures']} pressures heard")
    if not network["pressures"] or network["meters_heard"] < network["meters"]:
        parts.append(f"{network['meters_heard']} of {network['meters']} flows and levels heard")
    if network["rung"] == "flows only":
        parts.append("judged by the flows alone")
    if network["left_out"]:
        parts.append(f"judged without {', '.join(network['left_out'])}")
    return ", ".join(parts)


def _rung(forecast: Mapping[str, Any]) -> str:
    """Name the rung of a forecast, and what it costs where that was measured."""
    cost = forecast["cost"]
    if cost is None:
        return str(forecast["inputs"])
    notice, told, false = (cost[k] for k in ("notice_min", "told_percent", "false_percent"))
    return (
        f"{forecast['inputs']} (measured on {cost['stations']} stations: notice {notice[0]} min"
        f" for {notice[1]}, floods announced {told[0]} % for {told[1]},"
        f" false {false[0]} % for {false[1]}, error at 3 h {cost['error_more_percent']:+d} %)"
    )


def _history(kept: Mapping[str, Any] | None) -> list[str]:
    """Say how the database is, unless all is well."""
    if kept is None or (kept["state"] == "ok" and not kept["quarantined"]):
        return []
    return history_texts.describe(kept, "en")


def _lorawan(told: Mapping[str, Any] | None) -> list[str]:
    """Say how LoRaWAN is, with what was refused by its reason."""
    if told is None:
        return []
    line = f"LoRaWAN {told['server']}: {told['state']}, {told['downlinks_sent']} downlinks"
    if told["downlinks_day"] is not None:
        line += f", {told['downlinks_held_back']} held back ({told['downlinks_day']} a day)"
    refused = ", ".join(f"{why} {count}" for why, count in sorted(told["refused"].items()))
    lines = [line + (f"; refused: {refused}" if refused else "")]
    if told["strangers"]:
        lines.append(f"LoRaWAN devices that are no nodes: {', '.join(told['strangers'])}")
    return lines


def _leak(leak: Mapping[str, Any]) -> str:
    since = datetime.fromtimestamp(leak["since_ms"] / 1000, UTC)
    size = "size not known" if leak["size_l_h"] is None else f"{leak['size_l_h']} l/h"
    return f"since {since:%Y-%m-%dT%H:%MZ}, {size}, near {', '.join(leak['sensors']) or '?'}"


def _with(value: int | None, unit: str) -> str:
    return "no reading" if value is None else f"{value} {unit}"


def _https(page: tuple[str, int] | None, text: str) -> tuple[str, int] | None:
    """Return where to serve HTTPS; "auto" does it wherever the page is not for this machine alone.

    A person may act over HTTPS, or at the machine itself.
    """
    if text != "auto":
        return address("--page-https", text)
    here = page is None or page[0] == "localhost" or page[0].startswith("127.") or page[0] == "::1"
    return None if here or page is None else (page[0], HTTPS_PORT)


def address(option: str, text: str) -> tuple[str, int] | None:
    """Take "host:port" apart; None for "none". Raise OSError that names the option."""
    if text == "none":
        return None
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise OSError(f"{option} {text}: host:port is needed, or 'none'")
    return host.strip("[]"), int(port)
