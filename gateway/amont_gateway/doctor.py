"""Examine everything that a gateway needs, and say what is wrong and what to do."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from amont_gateway import guard_view, models_cli
from amont_gateway.bridge_words import describe_bridge
from amont_gateway.counters import Counters
from amont_gateway.database import Away, BadLines, Denied, Influx, Missing
from amont_gateway.events import Events
from amont_gateway.foreign_words import PROMISE, of_source
from amont_gateway.guard_words import word_fault
from amont_gateway.journal import MARK_BYTES
from amont_gateway.journal_reader import JournalReader
from amont_gateway.lorawan_texts import REFUSED
from amont_gateway.mqtt_connection import Broker
from amont_gateway.places import from_site
from amont_gateway.rain_forecast import RainForecast
from amont_gateway.readings import EARLIEST_MS
from amont_gateway.running import Plan
from amont_gateway.series import STORES
from amont_gateway.view_client import fetch_view
from amont_guard import messages

if TYPE_CHECKING:
    from amont_gateway.influx import InfluxWriter

GOOD, WEAK, BAD = "good", "weak", "bad"
_PROMISES = {
    "full": "full promise: reaches the guard over its own bridge",
    "weaker": "weaker promise: needs the broker and this gateway to reach the guard",
    "lorawan": "weaker promise: needs a LoRaWAN network, its broker and this gateway",
}
_WAIT_S = 3.0


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    part: str
    verdict: str  # GOOD, WEAK or BAD
    text: str

    def as_dict(self) -> dict[str, str]:
        """Return it as plain data."""
        return asdict(self)

    def line(self) -> str:
        """Return it as one line."""
        return f"{self.verdict:5} {self.part}: {self.text}"


def examine(plan: Plan) -> list[Finding]:
    """Look at every part and change nothing."""
    looks = (
        _disk, _journal, _guard, _broker, _lorawan, _database, _models, _rain, _clock, _page,
        _promises, _foreign,
    )  # fmt: skip
    return [Finding("site", GOOD, f"{plan.site.id}: {len(plan.site.nodes)} nodes")] + [
        finding for look in looks for finding in look(plan)
    ]


def _disk(plan: Plan) -> Iterable[Finding]:
    if not plan.data.is_dir():
        yield Finding("disk", BAD, f"{plan.data} does not exist: create it")
        return
    free = shutil.disk_usage(plan.data).free
    text = f"{free >> 20} MiB free, {MARK_BYTES >> 20} MiB must stay free"
    yield Finding("disk", GOOD if free > 4 * MARK_BYTES else BAD, text)


def _journal(plan: Plan) -> Iterable[Finding]:
    path = plan.data / "journal.db"
    if not path.exists():
        yield Finding("journal", GOOD, "none yet; made at the first start")
        return
    reader = JournalReader(path)
    try:
        found, mode = reader.check(), reader.mode()
    finally:
        reader.close()
    rows = f"{found.rows} rows, {len(found.bad_rows)} damaged, {found.lost} cannot be read"
    text = f"{rows}, file {found.integrity}, mode {mode}"
    yield Finding("journal", GOOD if found.ok and mode == "wal" else BAD, text)


def _guard(plan: Plan) -> Iterable[Finding]:
    path = plan.guard_socket.with_name("status.sock")  # to look there takes nobody's place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as link:
            link.settimeout(_WAIT_S)
            link.connect(str(path))
            answer = link.recv(messages.MAX_MESSAGE + 1)
    except OSError as error:
        yield Finding("guard", BAD, f"{path}: {error}")
        return
    if answer:
        yield Finding("guard", GOOD, "answers")
        yield from _bridges(plan, answer)
    else:
        yield Finding(
            "guard", BAD, f"{path}: hangs up; look as the gateway's user, or the guard's"
        )


def _bridges(plan: Plan, answer: bytes) -> Iterable[Finding]:
    try:
        state, names = messages.decode_json(answer), from_site(plan.site).names
    except messages.MessageError as error:
        yield Finding("bridge", WEAK, f"what the guard says of it cannot be read: {error}")
        return
    for bridge in guard_view.bridges(state, alive=True):
        wrong = [
            word_fault(fault, names)["en"]
            for fault in state.get("faults") or ()
            if fault.get("kind") in ("bridge", "listener") and fault.get("about") == bridge.port
        ]
        for text in wrong or [describe_bridge(msgspec.to_builtins(bridge))]:
            yield Finding("bridge", BAD if wrong else GOOD, text)


def _broker(plan: Plan) -> Iterable[Finding]:
    if plan.broker is None:
        yield Finding("broker", GOOD, "none in the site's file")
    else:
        yield _reached("broker", plan.broker)


def _lorawan(plan: Plan) -> Iterable[Finding]:
    told = plan.lorawan
    if told is None:
        return
    if told.broker != plan.broker:
        yield _reached("LoRaWAN broker", told.broker)
    limit = "as many downlinks as fit"
    if told.downlinks_day is not None:
        limit = f"{told.downlinks_day} downlinks a node and day: nodes learn late what is stored"
    yield Finding("LoRaWAN", GOOD, f"{told.server}: {len(told.nodes)} nodes, {limit}")
    if plan.page is not None:
        view = fetch_view(f"{plan.page[0]}:{plan.page[1]}")
        seen = (view or {}).get("lorawan") or {}
        for reason, count in sorted(seen.get("refused", {}).items()):
            yield Finding("LoRaWAN", WEAK, f"refused {count} times: {REFUSED[reason][1]}")
        if seen.get("strangers"):
            text = f"devices that are no nodes: {', '.join(seen['strangers'])}"
            yield Finding("LoRaWAN", WEAK, text)


def _reached(part: str, broker: Broker) -> Finding:
    try:
        with socket.create_connection((broker.host, broker.port), _WAIT_S) as link:
            if broker.encrypted:
                context = broker.tls_context()
                context.wrap_socket(link, server_hostname=broker.host).close()
    except (OSError, ssl.SSLError) as error:
        return Finding(part, BAD, f"{broker.host}:{broker.port}: {error}")
    safe = GOOD if broker.encrypted else WEAK
    return Finding(part, safe, f"answers, {'TLS' if broker.encrypted else 'not encrypted'}")


def _database(plan: Plan) -> Iterable[Finding]:
    if plan.influx is None:
        yield Finding("database", GOOD, "none in the site's file: readings stay in the journal")
        return
    from amont_gateway.influx import InfluxWriter  # large: see there

    target = plan.influx
    writer = InfluxWriter(replace(target, create=False))
    try:
        writer.probe()
        yield Finding("database", GOOD, f"InfluxDB {writer.version or '(no version)'} answers")
        if target.token and target.url.startswith("http:") and not writer.is_local:
            yield Finding("database", WEAK, f"{target.url}: the token travels unencrypted")
        for store in STORES:
            verdict, text = _kept(writer, target, store)
            yield Finding(f"database {target.database}{store}", verdict, text)
    except (Away, Denied, BadLines) as error:
        yield Finding("database", BAD, f"{target.url}: {error}")
    finally:
        writer.close()


def _kept(writer: InfluxWriter, target: Influx, store: str) -> tuple[str, str]:
    try:
        return retention(target, store, writer.kept_days(store))
    except Missing:
        return WEAK, "not there yet: made with the first line, if the token may"


def retention(target: Influx, store: str, kept_days: float | None) -> tuple[str, str]:
    """Return a verdict and a text on how long one of the databases is kept; 0 is for ever."""
    if kept_days is None:
        return GOOD, "the server does not tell how long it keeps"
    wanted_days = 0 if store else target.keep_days
    text = f"keeps {_days(kept_days)}"
    if kept_days == wanted_days:
        return GOOD, text
    return WEAK, f"{text}, wanted is {_days(wanted_days)}: people change that, in the database"


def _days(days: float) -> str:
    return f"{days:g} days" if days else "for ever"


def _rain(plan: Plan) -> Iterable[Finding]:
    wanted = plan.site.rain_forecast
    if wanted is None:
        return
    now_ms, counters = int(time.time() * 1000), Counters()
    events = Events(counters, lambda: now_ms)
    found = RainForecast(plan.data, wanted.max_age_h, counters, events).series(now_ms)
    said = [event.text["en"] for event in events.latest()]
    if len(found.t_ms):
        yield Finding("rain forecast", GOOD, f"{len(found.t_ms)} steps")
    else:
        why = said[0] if said else "no file: the river model does without"
        yield Finding("rain forecast", WEAK, why)


def _models(plan: Plan) -> Iterable[Finding]:
    if plan.artifacts is None:
        yield Finding("models", WEAK, "no folder given: thresholds decide alone, no forecast")
        return
    found = models_cli.look(plan.artifacts, plan.data)
    for name, sha256 in found["models"].items():
        yield Finding("models", GOOD, f"{name}: sound, SHA-256 {sha256}")
    for why in found["faults"]:
        kept = "; those kept last go on" if found["trusted"] else ": thresholds decide alone"
        yield Finding("models", BAD, f"{why}{kept}")
    if found["key"] and found["trusted"] not in (None, found["key"]):
        text = "if people changed the key: amont-gateway models --accept, as the gateway's user"
        yield Finding("models", BAD, text)


def _clock(plan: Plan) -> Iterable[Finding]:
    del plan
    now_ms = time.time_ns() // 1_000_000
    sane = now_ms > EARLIEST_MS
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now_ms / 1000))
    yield Finding("clock", GOOD if sane else BAD, text)


def _page(plan: Plan) -> Iterable[Finding]:
    """Examine HTTPS, and say what to install on the devices of people who may act."""
    if plan.page_https is None:
        where = "off" if plan.page is None else f"http://{plan.page[0]}:{plan.page[1]}"
        text = f"{where}; people act at this machine only: no HTTPS"
        yield Finding("page", GOOD, text)
        return
    from amont_gateway.authority import Authority  # cryptography is large

    authority = Authority(plan.data / "authority", plan.page_names)
    if not authority.certificate_path.exists():
        text = "no authority yet; made when the gateway starts, then look here again"
        yield Finding("page", WEAK, text)
        return
    problems = authority.problems()
    for problem in problems:
        yield Finding("page", BAD, problem)
    if problems:
        return
    due = authority.due()
    for reason in due:
        yield Finding("page", WEAK, f"{reason}; the running gateway renews it within 10 minutes")
    names = authority.names()
    if not due:
        text = f"HTTPS for {', '.join(names)}, certificate until {authority.ends():%Y-%m-%d}"
        yield Finding("page", GOOD, text)
    host = next((name for name in names if name.endswith(".local")), names[0])
    port = (plan.page or plan.page_https)[1]
    text = f"install once on each phone: http://{host}:{port}/authority"
    yield Finding("page", GOOD, f"{text}, SHA-256 fingerprint {authority.fingerprint()}")


def _promises(plan: Plan) -> Iterable[Finding]:
    places = from_site(plan.site)
    for sensor in places.sensors:
        promise = places.promise(sensor)
        known = places.by_node.get(sensor.node)
        way = "lorawan" if known is not None and known.carrier == "lorawan" else promise
        text = _PROMISES.get(way) or "{en} · {fr}".format(**PROMISE)
        yield Finding(f"sensor {sensor.id}", GOOD if promise == "full" else WEAK, text)


def _foreign(plan: Plan) -> Iterable[Finding]:
    """Look at the brokers of foreign sources, and at what a running gateway had of each."""
    for source in plan.site.foreign_sources:
        if source.id in plan.foreign:
            yield _reached(f"broker of foreign source {source.id}", plan.foreign[source.id])
    if not plan.site.foreign_sources or plan.page is None:
        return
    view = fetch_view(f"{plan.page[0]}:{plan.page[1]}") or {}
    for seen in view.get("foreign") or ():
        well = seen["state"] in ("heard", "waiting") and not seen["refused"]
        for line in of_source(seen):
            yield Finding("foreign sensors", GOOD if well else WEAK, line)
