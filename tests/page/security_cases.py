"""Requests that must change nothing: by hand, crossed with each other, and by schemathesis.

In the first kind everything is right, the PIN too, but for one to three flaws; each flaw alone
must keep the guard from ever hearing of it. In the second the page's checks are passed and the PIN
is guessed. Noise (odd headers, odd fields) is added to both.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote_plus

from tests.page.security_rig import (
    ATTACKED,
    COOKIES,
    HOSTILE,
    NAME,
    OWNER,
    PINS,
    SIREN,
    STATION,
    TAG,
    Hall,
    Request,
    post,
)  # fmt: skip

KINDS: dict[str, dict[str, str]] = {
    "acknowledge": {"siren": SIREN},
    "mute": {"siren": SIREN, "minutes": "10"},
    "reset": {"siren": SIREN},
    "test": {"siren": SIREN},
    "drill": {"siren": SIREN, "site": HOSTILE.replace("\\", "")},
    "stop": {"siren": SIREN},
    "keep": {"station": STATION},
    "limits": {
        "station": STATION, "watch_mm": "1300", "warning_mm": "1900", "alarm_mm": "2600",
        "alarm_plus_mm": "3300",
    },
}  # fmt: skip
METHODS = (b"GET", b"HEAD", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"act", b"POST ")
TEXTS = (
    "", "\0", "\r\nX-Csrf: 1", "%00", "a" * 9000, "é" * 65, "../../guard/keys.json", HOSTILE,
    "'; DROP TABLE sample; --", "${jndi:ldap://x}", "\u202egnp", "\ud83d", "7" * 400, "-1", "1e9",
    "NaN", "[]", "{}", "null", "true", "７３９１４６８２", " 10", "10\n", "0x10",
)  # fmt: skip
PATHS = (
    b"/act/", b"//act", b"/act%00", b"/act;a=b", b"/ACT", b"/./act/..", b"/act%2f", b"/speed",
    b"/siren/mairie/drill", b"/siren/mairie/mute", b"/station/pont/limits", b"/", b"/events",
    b"/view.json", b"/static/page.css", b"/journal", b"*", b"http://evil.example/act",
)  # fmt: skip
READS = (
    b"/", b"/view.json", b"/journal", b"/incidents", b"/incident/1", b"/incident/-1",
    b"/incident/99999999999999999999", b"/incident/%3Cscript%3E", b"/authority", b"/mayor",
    b"/healthz", b"/metrics", b"/static/page.css", b"/static/../../etc/passwd",
    b"/static/%2e%2e%2f%2e%2e%2fetc%2fpasswd", b"/static/..%5c..%5cetc", b"/static/%00page.css",
    b"/siren/mairie/drill", b"/siren/mairie/mute", b"/siren/nobody/drill", b"/siren/mairie/shout",
    b"/siren/%3Camont-xss%3E/test", b"/station/pont/limits", b"/station/nowhere/limits",
    b"/station/..%2f..%2f/limits", b"/guard.json", b"/.git/config", b"/docs", b"/openapi.json",
    b"/" + b"a" * 3000, b"/%ff%fe", b"/\xc3\xa9", b"/?" + b"&a=1" * 99,
)  # fmt: skip
NOISE = (
    ("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "127.0.0.1"), ("X-Forwarded-Host", NAME),
    ("Forwarded", "proto=https;for=127.0.0.1"), ("X-HTTP-Method-Override", "POST"),
    ("X-Requested-With", "XMLHttpRequest"), ("X-CSRF-Token", "a"), ("Accept", "text/html"),
    ("Accept-Language", f"<{TAG}>,fr;q=x"), ("Accept-Encoding", "gzip, \x80"),
    ("Range", "bytes=0-"), ("Cookie", f"lang=<{TAG}>"), ("User-Agent", "a" * 4000),
    ("Upgrade", "websocket"), ("Connection", "close"), ("If-None-Match", "*"),
    ("X-Original-URL", "/act"),
)  # fmt: skip


class Draft:
    """A request of our own page that a flaw spoils."""

    def __init__(self, hall: Hall, rng: random.Random, person: str) -> None:
        self.hall, self.rng = hall, rng
        self.scheme = rng.choice(("http", "http", "https"))
        kind = rng.choice(list(KINDS))
        self.headers, _ = hall.good(self.scheme, person)
        self.form = {
            "kind": kind, "person": person, "pin": PINS[person], "csrf": hall.token,
            "id": secrets.token_urlsafe(12), **KINDS[kind],
        }  # fmt: skip
        self.method, self.target = b"POST", b"/act"
        self.extra: list[tuple[str, str]] = []
        self.body: bytes | None = None

    def request(self, label: str) -> Request:
        body = urlencoded_loosely(self.form) if self.body is None else self.body
        made = post(self.scheme, self.headers, body, label)
        extra = tuple((n.encode("latin-1"), v.encode("latin-1", "replace")) for n, v in self.extra)
        return Request(
            self.scheme, self.method, self.target, made.headers + extra, made.body, label
        )


Flaw = Callable[[Draft], None]


def no_cookie(draft: Draft) -> None:
    del draft.headers["Cookie"]


def other_cookie(draft: Draft) -> None:
    other = draft.rng.choice((secrets.token_urlsafe(32), "", "é", draft.hall.token[:-1]))
    draft.headers["Cookie"] = f"{COOKIES[draft.scheme]}={other}"


def cookie_of_the_other_scheme(draft: Draft) -> None:
    name = COOKIES["http" if draft.scheme == "https" else "https"]
    draft.headers["Cookie"] = f"{name}={draft.hall.token}"


def no_token(draft: Draft) -> None:
    draft.form.pop("csrf", None)


def other_token(draft: Draft) -> None:
    draft.form["csrf"] = draft.rng.choice((*TEXTS, secrets.token_urlsafe(32)))


def both_empty(draft: Draft) -> None:
    draft.headers["Cookie"], draft.form["csrf"] = f"{COOKIES[draft.scheme]}=", ""


def token_in_the_query_alone(draft: Draft) -> None:
    draft.target = b"/act?csrf=" + draft.form.pop("csrf", "").encode("utf-8", "replace")


def other_origin(draft: Draft) -> None:
    own = draft.hall.own(draft.scheme)
    other = "http" if draft.scheme == "https" else "https"
    draft.headers["Origin"] = draft.rng.choice((
        "null", "https://evil.example", f"{other}://{own}", f"{draft.scheme}://{own}.evil.example",
        f"{draft.scheme}://evil.example/{own}", f"{draft.scheme}://127.0.0.1:1", "http://[", "é",
        f"{draft.scheme}://{own}@evil.example", "file://",
    ))  # fmt: skip


def no_origin(draft: Draft) -> None:
    draft.headers.pop("Origin", None)
    if draft.rng.random() < 0.5:
        draft.headers["Referer"] = "https://evil.example/" + draft.hall.own(draft.scheme)


def from_another_site(draft: Draft) -> None:
    site = draft.rng.choice(("cross-site", "same-site", "none", "SAME-ORIGIN", "é"))
    draft.headers["Sec-Fetch-Site"] = site


def rebound_name(draft: Draft) -> None:
    host = draft.rng.choice(("evil.example", "192.0.2.77", "localhost.evil.example", "[::ffff:1]"))
    draft.headers |= {"Host": host, "Origin": f"{draft.scheme}://{host}"}


def plain_from_the_network(draft: Draft) -> None:
    draft.scheme = "http"
    host = f"{NAME}:{draft.hall.ports['http']}"
    cookie = f"{COOKIES['http']}={draft.hall.token}"
    draft.headers |= {"Host": host, "Origin": f"http://{host}", "Cookie": cookie}


def two_hosts(draft: Draft) -> None:
    draft.extra.append(("Host", draft.rng.choice((NAME, "evil.example", draft.hall.own("http")))))


def other_method(draft: Draft) -> None:
    draft.method = draft.rng.choice(METHODS)
    if draft.method == b"GET":
        draft.target = b"/act?" + urlencoded_loosely(draft.form)[:3000]


def other_path(draft: Draft) -> None:
    draft.target = draft.rng.choice(PATHS)


def other_type(draft: Draft) -> None:
    draft.headers["Content-Type"] = draft.rng.choice((
        "application/json", "text/plain", "multipart/form-data; boundary=x", "",
        "application/x-www-form-urlencoded-not", "text/html", "application/xml", "é",
    ))  # fmt: skip


def oversize(draft: Draft) -> None:
    pad = b"&pad=" + b"a" * draft.rng.choice((8192, 8193, 70_000))
    draft.body = urlencoded_loosely(draft.form) + pad


def too_many_fields(draft: Draft) -> None:
    draft.body = urlencoded_loosely(draft.form) + b"".join(b"&a%d=1" % n for n in range(20))


def broken_encoding(draft: Draft) -> None:
    draft.body = urlencoded_loosely(draft.form) + draft.rng.choice(
        (b"&a=%ff", b"&\xff=1", b"%c3&")
    )


def bad_field(draft: Draft) -> None:
    name = draft.rng.choice(("kind", "siren" if "siren" in draft.form else "station", "id"))
    draft.form[name] = draft.rng.choice(("", "a" * 65, "a" * 4000))


FLAWS: tuple[Flaw, ...] = (
    no_cookie, other_cookie, cookie_of_the_other_scheme, no_token, other_token, both_empty,
    token_in_the_query_alone, other_origin, no_origin, from_another_site, rebound_name,
    plain_from_the_network, two_hosts, other_method, other_path, other_type, oversize,
    too_many_fields, broken_encoding, bad_field,
)  # fmt: skip


def flawed(hall: Hall, rng: random.Random) -> Request:
    """Return a request with the right PIN and one to three flaws."""
    draft = Draft(hall, rng, OWNER)
    flaws = rng.sample(FLAWS, rng.choice((1, 1, 2, 3)))
    # the plain network is a flaw of plain HTTP: nothing may put it right again
    flaws.sort(key=lambda flaw: flaw is plain_from_the_network)
    for flaw in flaws:
        flaw(draft)
    _add_noise(draft)
    return draft.request("+".join(flaw.__name__ for flaw in flaws))


def guessed(hall: Hall, rng: random.Random) -> Request:
    """Return a request that passes the page, with another PIN than the person's."""
    person = rng.choice(ATTACKED)
    draft = Draft(hall, rng, person)
    right = PINS[person]
    draft.form["pin"] = rng.choice((
        f"{rng.randrange(10**8):08d}", "73914682", "\0" + right, right + " ", right[:-1], *TEXTS,
    ))  # fmt: skip
    if rng.random() < 0.3:
        draft.form["person"] = rng.choice((*TEXTS, OWNER.lower(), OWNER + "\0", "schedule", "key"))
    if rng.random() < 0.3:
        draft.form[rng.choice(list(draft.form))] = rng.choice(TEXTS)
    if rng.random() < 0.2:  # the second of two equal names counts; neither is right
        draft.body = urlencoded_loosely({**draft.form, "pin": "1"}) + b"&pin=2&pin=&pin"
    _add_noise(draft)
    return draft.request("guessed")


def read(hall: Hall, rng: random.Random) -> Request:
    """Return a request that only looks, with whatever a link from elsewhere may hold."""
    scheme = rng.choice(("http", "http", "https"))
    target = rng.choice(READS)
    if b"?" not in target and rng.random() < 0.7:
        names = ("lang", "said", "did", "show", "word", "v", "watch", "alarm", "minutes", "kind")
        pairs = rng.sample(names, 3)
        query = "&".join(f"{n}={quote_plus(_text(rng), errors='replace')}" for n in pairs)
        target += b"?" + query.encode()
    headers = [("Host", hall.own(scheme)), *rng.sample(NOISE, 2)]
    method = rng.choice((b"GET",) * 8 + (b"HEAD", b"OPTIONS"))
    pairs_sent = tuple((n.encode(), v.encode("latin-1", "replace")) for n, v in headers)
    return Request(scheme, method, target, pairs_sent, b"", "read")


def matrix(hall: Hall, rng: random.Random, count: int) -> Iterator[Request]:
    """Yield ``count`` requests: seven of ten flawed, two guessing, one only looking."""
    for _ in range(count):
        yield rng.choices((flawed, guessed, read), (7, 2, 1))[0](hall, rng)


def urlencoded_loosely(form: dict[str, str]) -> bytes:
    """Encode what no browser would send: half a character goes as it is."""
    encoded = {k: v.encode("utf-8", "surrogatepass").decode("latin-1") for k, v in form.items()}
    return "&".join(f"{k}={quote_plus(v.encode('latin-1'))}" for k, v in encoded.items()).encode()


def _text(rng: random.Random) -> str:
    return rng.choice(TEXTS)[:300].encode("utf-8", "replace").decode()


def _add_noise(draft: Draft) -> None:
    for name, value in draft.rng.sample(NOISE, draft.rng.choice((0, 0, 1, 2))):
        if name not in ("Cookie", "Connection"):
            draft.extra.append((name, value))


def description(hall: Hall) -> dict[str, Any]:
    """Describe the page's routes in OpenAPI, with what passes its checks already filled in."""
    text: dict[str, Any] = {"type": "string"}
    langs = {"name": "lang", "in": "query", "schema": {"enum": ["fr", "en", f"<{TAG}>"]}}
    ok = {"default": {"description": "anything but a server error"}}
    own = f"http://{hall.own('http')}"
    passing = [
        {"name": "Origin", "in": "header", "required": True, "schema": {"const": own}},
        {
            "name": COOKIES["http"],
            "in": "cookie",
            "required": True,
            "schema": {"const": hall.token},
        },
    ]
    number = {"type": "integer", "minimum": -9_999_999, "maximum": 9_999_999}
    fields: dict[str, Any] = {
        "csrf": {"const": hall.token}, "kind": {"enum": list(KINDS)}, "pin": text, "id": text,
        "person": {"enum": [*ATTACKED, "Nobody"]}, "siren": {"enum": [SIREN, "nowhere"]},
        "station": {"enum": [STATION, "nowhere"]}, "minutes": number, "site": text,
        "watch_mm": number, "warning_mm": number, "alarm_mm": number, "alarm_plus_mm": number,
    }  # fmt: skip
    form = {"type": "object", "required": ["csrf", "kind", "person", "pin", "id"]}
    body = {"application/x-www-form-urlencoded": {"schema": {**form, "properties": fields}}}
    act = {"parameters": passing, "requestBody": {"required": True, "content": body}}
    reads: dict[str, list[dict[str, Any]]] = {
        "/": [langs, _query("said"), _query("did")], "/view.json": [], "/healthz": [],
        "/journal": [langs, _query("show"), _query("word")], "/incidents": [langs],
        "/incident/{number}": [langs, _path("number", {"type": "integer"})], "/mayor": [langs],
        "/authority": [langs], "/static/{name}": [_path("name", text), _query("v")],
        "/siren/{siren}/{kind}": [
            langs, _path("siren", {"enum": [SIREN, "a b"]}), _path("kind", {"enum": list(KINDS)}),
        ],
        "/station/{station}/limits": [
            langs, _path("station", {"enum": [STATION, "é"]}), _query("watch"), _query("warning"),
            _query("alarm"), _query("alarm_plus"),
        ],
    }  # fmt: skip
    paths: dict[str, Any] = {
        path: {"get": {"parameters": parameters, "responses": ok}}
        for path, parameters in reads.items()
    }
    paths["/act"] = {"post": {**act, "responses": ok}}
    return {"openapi": "3.1.0", "info": {"title": "page", "version": "1"}, "paths": paths}


def _query(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "string"}}


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}
