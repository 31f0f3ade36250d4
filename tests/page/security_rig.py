"""A real guard and a real gateway with its page, every name in the site hostile, and a raw client.

The guard's own audit is the judge: whatever a person's action brings about is a record in it.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import secrets
import socket
import ssl
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

from tests.gateway.servers import free_port
from tests.guard.rig import Line, pin_hash
from tests.system.town import Process, until

from amont_guard.messages import MAX_MESSAGE, decode_json
from amont_site import load, write_guard

TAG = "amont-xss"
HOSTILE = f"<{TAG} onload=a()>\\\"'</title> onfocus=a() {{{{7*7}}}}"
NAME = "mairie.test"  # of this machine, but not of its loopback
OWNER = f"Bruno <{TAG}>"  # his PIN is in every request that lacks something else
CONTROL = "Clara"  # only she acts with all that it takes
ATTACKED = tuple(f"Anne {n} <{TAG}>" for n in range(8))  # their PINs are guessed
PINS = {OWNER: "73914682", CONTROL: "50286317", **dict.fromkeys(ATTACKED, "91735528")}
COOKIES = {"http": "amont_csrf", "https": "__Host-amont_csrf"}
STATION, SIREN = "pont", "mairie"
WAIT_S = 20


def site_text(bridge: str) -> str:
    """Return the YAML of a site in which all that may be free text attacks the page."""
    name = json.dumps({"fr": HOSTILE, "en": HOSTILE})
    lines = [
        "format: 1", "id: essai", f"name: {name}", "latitude: 44.0", "longitude: 4.0",
        "time_zone: Europe/Paris", f"bridge: {{port: {bridge}}}", "nodes:",
    ]  # fmt: skip
    for node, sensor in ((17, "rive-a"), (18, "rive-b")):
        lines += [
            f"  - id: {node}", f"    name: {name}", "    carrier: bridge", "    interval_s: 60",
            f"    channels: [{{sensor: {sensor}, quantity: stage_mm, max: 8000}}]",
        ]  # fmt: skip
    lines += [
        "stations:",
        f"  - {{id: {STATION}, name: {name}, river: {json.dumps(HOSTILE)}, "
        "sensors: [rive-a, rive-b], watch_mm: 1200, warning_mm: 1800, alarm_mm: 2500, "
        "alarm_plus_mm: 3200}",
        "sirens:",
        f"  - {{id: {SIREN}, name: {name}, stations: [{STATION}], output: {{kind: simulated}}}}",
        "people:",
    ]
    for person, pin in PINS.items():
        pin = pin_hash(pin, 8192, 2)
        lines.append(f"  - {{name: {json.dumps(person)}, role: mayor, pin: {json.dumps(pin)}}}")
    return "\n".join(lines) + "\n"


@dataclass
class Request:
    """One request, byte for byte as it is sent."""

    scheme: str = "http"
    method: bytes = b"GET"
    target: bytes = b"/"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""
    label: str = ""

    def encoded(self) -> bytes:
        lines = [self.method + b" " + self.target + b" HTTP/1.1"]
        lines += [name + b": " + value for name, value in self.headers]
        if self.body or self.method == b"POST":
            lines.append(b"Content-Length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def kind(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


class Tags(HTMLParser):
    """Finds what no template of ours writes: an element or a handler out of somebody's name."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag] if tag == TAG else []
        self.found += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        self.found += [f"{name}={value}" for name, value in attrs if "javascript:" in str(value)]


class Hall:
    """Guard and gateway as processes; ``plant`` is run in the gateway (or guard) before it."""

    def __init__(self, folder: Path, plant: str = "", guard_plant: str = "") -> None:
        self.folder, self.line = folder, Line()
        self.state, self.data, site = folder / "guard", folder / "data", folder / "site.yaml"
        self.state.mkdir(mode=0o700)
        self.data.mkdir()
        site.write_text(site_text(self.line.name))
        write_guard(load(site), self.state / "guard.json")
        keys = {str(n): {"generation": 1, "secret": bytes([n] * 16).hex()} for n in (17, 18)}
        (self.state / "keys.json").write_text(json.dumps({"format": 1, "nodes": keys}))
        (self.state / "keys.json").chmod(0o600)
        self.ports = {"http": free_port(), "https": free_port()}
        self.guard, self.gateway = Process(folder / "guard.log"), Process(folder / "gateway.log")
        self._guard_command = [
            *_python("amont_guard.cli", guard_plant), "run", "--state", str(self.state),
        ]  # fmt: skip
        self._gateway_command = [
            *_python("amont_gateway.cli", plant), "run", "--site", str(site),
            "--data", str(self.data),
            "--guard-socket", str(self.state / "guard.sock"), "--page-name", NAME,
            "--page", f"127.0.0.1:{self.ports['http']}",
            "--page-https", f"127.0.0.1:{self.ports['https']}",
        ]  # fmt: skip
        self._open: dict[str, socket.socket] = {}
        self._lines = 0
        self._controls = 0
        self.token = secrets.token_urlsafe(32)

    def start(self) -> None:
        self.guard.start(self._guard_command)
        until(self._listening, "the guard's socket")
        self.gateway.start(self._gateway_command)
        try:
            until(self._ready, "the page, plain and encrypted, with the guard behind it")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.gateway.log.read_text()[-3000:]}") from None
        self.before = self.standing()

    def close(self) -> None:
        self.hang_up()
        for process in (self.gateway, self.guard):
            process.close()
        self.line.close()

    def without_tracebacks(self) -> None:
        for process in (self.guard, self.gateway):
            process.alive()
            text = process.log.read_text()
            assert "Traceback" not in text, text[-3000:]

    # What is asked.

    def own(self, scheme: str) -> str:
        return f"127.0.0.1:{self.ports[scheme]}"

    def good(self, scheme: str, person: str, **fields: str) -> tuple[dict[str, str], str]:
        """Return headers and body of a request of our own page, with the person's right PIN."""
        form = {
            "kind": "acknowledge", "siren": SIREN, "person": person, "pin": PINS[person],
            "id": secrets.token_urlsafe(12), "csrf": self.token, **fields,
        }  # fmt: skip
        headers = {
            "Host": self.own(scheme), "Origin": f"{scheme}://{self.own(scheme)}",
            "Cookie": f"{COOKIES[scheme]}={self.token}", "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }  # fmt: skip
        return headers, urlencoded(form)

    def ask(self, request: Request) -> Answer | None:
        """Send one request; None if the connection was closed without an answer."""
        for again in (True, False):
            known = request.scheme in self._open
            link = self._open.pop(request.scheme, None) or self._connect(request.scheme)
            try:
                link.sendall(request.encoded())
                return self._answer(link, request)
            except (OSError, http.client.HTTPException):
                link.close()
                if not (known and again):  # an idle connection may have been closed meanwhile
                    return None
        return None

    def hang_up(self) -> None:
        for link in self._open.values():
            link.close()
        self._open.clear()

    # What came of it.

    def control(self, scheme: str = "http") -> tuple[Request, Answer]:
        """Let the one person act who has all that it takes; wait until the guard recorded it."""
        headers, body = self.good(scheme, CONTROL)
        request = post(scheme, headers, body, "control")
        answer = self.ask(request)
        assert answer is not None
        self._controls += 1
        what = f"the record of the control action, answered {answer.body!r}"
        until(lambda: self._by(CONTROL) >= self._controls, what)
        return request, answer

    def changes(self) -> list[dict[str, Any]]:
        """Return what people brought about since the last call, without the control's actions."""
        records = self.records()
        new, self._lines = records[self._lines :], len(records)
        return [r for r in new if who(r) not in ("", CONTROL, "schedule")]

    def extra_controls(self) -> int:
        """Return how many records of the control person no control of ours brought about."""
        return self._by(CONTROL) - self._controls

    def records(self) -> list[dict[str, Any]]:
        text = (self.state / "audit.jsonl").read_bytes()
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1:] == b"\n"]

    def standing(self) -> dict[str, Any]:
        """Return what nobody may change unasked: sirens and limits, as the guard says them."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as looker:
            looker.settimeout(WAIT_S)
            looker.connect(str(self.state / "status.sock"))
            state = decode_json(looker.recv(MAX_MESSAGE))
        siren = ("state", "mode", "commanded", "confirmed", "asked", "muted_until_ms")
        station = ("limits_mm", "bounds_mm", "proposed", "agreed", "previous")
        return {
            "sirens": [{name: s[name] for name in siren} for s in state["sirens"]],
            "stations": [{name: s[name] for name in station} for s in state["stations"]],
        }

    def _by(self, person: str) -> int:
        return sum(who(record) == person for record in self.records())

    def _listening(self) -> bool:
        self.guard.alive()
        return (self.state / "guard.sock").exists()

    def _ready(self) -> bool:
        self.guard.alive()
        self.gateway.alive()
        for scheme in COOKIES:
            with contextlib.suppress(OSError):
                host = (b"Host", self.own(scheme).encode())
                answer = self.ask(Request(scheme, target=b"/view.json", headers=(host,)))
                if answer is not None and json.loads(answer.body)["guard_alive"]:
                    continue
            return False
        return True

    def _connect(self, scheme: str) -> socket.socket:
        link = socket.create_connection(("127.0.0.1", self.ports[scheme]), WAIT_S)
        if scheme == "http":
            return link
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(link)

    def _answer(self, link: socket.socket, request: Request) -> Answer:
        response = http.client.HTTPResponse(link, method=request.method.decode("latin-1"))
        response.begin()
        if response.getheader("Content-Type", "").startswith("text/event-stream"):
            link.close()
            return Answer(response.status, response.headers, b"")
        body = response.read()
        if response.getheader("Content-Encoding") == "gzip":
            body = gzip.decompress(body) if body else body
        if response.will_close:
            link.close()
        else:
            self._open[request.scheme] = link
        return Answer(response.status, response.headers, body)


def post(scheme: str, headers: dict[str, str], body: bytes, label: str) -> Request:
    pairs = tuple((name.encode(), value.encode("latin-1")) for name, value in headers.items())
    return Request(scheme, b"POST", b"/act", pairs, body, label)


def urlencoded(form: dict[str, str]) -> bytes:
    return "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in form.items()).encode()


def wrong_with(request: Request, answer: Answer | None) -> str:
    """Say what no answer of the page may be; empty if all is well."""
    if answer is None:
        return ""  # the audit tells whether it did anything
    if answer.status >= 500 and answer.status != 503:
        return f"{answer.status} to {request}"
    if answer.headers.get("Access-Control-Allow-Origin"):
        return f"another site may read the answer to {request}"
    if answer.kind == "text/html":
        tags = Tags()
        tags.feed(answer.body.decode())
        if tags.found:
            return f"{tags.found} in the answer to {request}"
        if not answer.headers.get("Content-Security-Policy"):
            return f"no policy in the answer to {request}"
    return ""


@contextlib.contextmanager
def hall(folder: Path, **plants: str) -> Iterator[Hall]:
    """Start a hall and end it; a bug in either process is an error."""
    made = Hall(folder, **plants)
    try:
        made.start()
        yield made
        made.without_tracebacks()
    finally:
        made.close()


def _python(module: str, plant: str) -> list[str]:
    main = f"import sys; from {module} import main; {plant or 'pass'}\nsys.exit(main())"
    return [sys.executable, "-c", main]


def who(record: dict[str, Any]) -> str:
    """Return the person whose right PIN a record is about."""
    if record["kind"] == "wrong pin":
        return ""
    return str(record.get("person", "")) or next(
        (str(a["person"]) for a in record.get("actions", []) if a.get("person")), ""
    )
