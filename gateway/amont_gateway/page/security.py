"""Refuse requests that no page of ours would send, and answer each form once.

The page can silence nothing by itself: the guard checks the PIN. These checks keep another web
site, open in the same browser, from sending a form in a person's name.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amont_gateway.view import Result

BODY_BYTES = 8192  # a form of ours is below 1 kB
FIELDS = 16
TOKEN_COOKIE = "amont_csrf"
# Browsers take a cookie of this name over HTTPS only, so that no plain page of the same host, and
# nobody between, can plant one.
SECURE_TOKEN_COOKIE = "__Host-amont_csrf"
TOKEN_CHARS = 43  # of 32 random bytes
ANSWERS_KEPT = 256
# No Strict-Transport-Security. A browser that has seen it refuses the plain page of this host, on
# every port, and lets nobody past a certificate that it cannot check: a lost or expired authority
# would then hide the river from people during a flood. Actions are refused over plain HTTP anyway.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; object-src 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Refused(Exception):
    """A request that is refused before anybody is asked; ``key`` names the text."""

    def __init__(self, status: int, key: str, **values: str) -> None:
        super().__init__(key)
        self.status = status
        self.key = key
        self.values = values


class SecureHeaders:
    """Add the security headers to each answer (an ASGI middleware)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, complete if scope["type"] == "http" else send)


class KnownHost:
    """Answer only requests that name this machine (an ASGI middleware).

    Another web site may let its own name point to our address ("DNS rebinding"); its scripts
    would then read this page. An address cannot be rebound, so the one that was connected to is
    always good; names must be known.
    """

    def __init__(self, app: ASGIApp, names: Callable[[], Collection[str]]) -> None:
        self.app = app
        self.names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 421."""
        app = self.app
        if scope["type"] == "http" and not self._known(HTTPConnection(scope)):
            app = PlainTextResponse(
                "This address is not one of this machine's names. "
                "Cette adresse n'est pas un nom de cette machine.",
                421,
            )
        await app(scope, receive, send)

    def _known(self, request: HTTPConnection) -> bool:
        hosts = [value for name, value in request.headers.raw if name == b"host"]
        host = host_of(request)
        if len(hosts) != 1 or not host:
            return False
        if host == "localhost" or is_loopback(host):
            return True
        server = request.scope.get("server")
        if address(host) is not None:
            return server is not None and address(host) == address(str(server[0]))
        return host in self.names()


def host_of(request: HTTPConnection) -> str:
    """Return the host that a request names, without its port; empty if there is none."""
    try:
        host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
    except ValueError:
        return ""
    return host.rstrip(".")


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return an IP address as such (one of IPv4 in IPv6 as IPv4); None for a name."""
    try:
        found = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is an address of the loopback interface."""
    found = address(host)
    return found is not None and found.is_loopback


def may_act(request: HTTPConnection) -> bool:
    """Tell whether this connection may carry a PIN: HTTPS, or the machine's own loopback.

    Both ends must be loopback: a proxy that forwards the network to us is not the machine itself.
    """
    if request.scope.get("scheme") == "https":
        return True
    host, client = host_of(request), request.client
    here = host == "localhost" or is_loopback(host)
    return here and client is not None and is_loopback(client.host)


def cookie_of(request: HTTPConnection) -> str:
    """Return the name of the form token's cookie on this connection."""
    return SECURE_TOKEN_COOKIE if request.scope.get("scheme") == "https" else TOKEN_COOKIE


def token_of(request: Request) -> str:
    """Return the browser's form token, or a new one."""
    token = request.cookies.get(cookie_of(request), "")
    good = len(token) == TOKEN_CHARS and token.isascii()
    return token if good else secrets.token_urlsafe(32)


def give_token(request: Request, response: Response, token: str) -> None:
    """Set the form token's cookie where forms may be sent."""
    if may_act(request):
        name = cookie_of(request)
        secure = name == SECURE_TOKEN_COOKIE
        response.set_cookie(name, token, httponly=True, samesite="strict", secure=secure)


async def checked_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that our own page sent, else raise ``Refused``."""
    if not may_act(request):
        raise Refused(403, "refused.plain")
    _check_origin(request)
    form = await _read_form(request)
    token = request.cookies.get(cookie_of(request), "")
    sent = form.pop("csrf", "")
    if not token or not hmac.compare_digest(token.encode(), sent.encode()):
        raise Refused(403, "refused.token")
    return form


def _check_origin(request: Request) -> None:
    """Hold the request's Origin (or Referer) against its Host: both come from the browser."""
    source = request.headers.get("origin") or request.headers.get("referer", "")
    own = f"{request.scope['scheme']}://{request.headers.get('host', '')}".lower()
    try:
        parts = urlsplit(source)
        same = f"{parts.scheme}://{parts.netloc}".lower() == own
    except ValueError:
        same = False
    if not same or request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Refused(403, "refused.origin")


async def _read_form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused(415, "refused.type")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES:
            raise Refused(413, "refused.size")
    try:
        pairs = parse_qsl(
            body.decode(), keep_blank_values=True, max_num_fields=FIELDS, errors="strict"
        )
    except ValueError as error:
        raise Refused(400, "refused.type") from error
    return dict(pairs)


class Answers:
    """Remember the answers to forms, so that one sent twice acts once."""

    def __init__(self) -> None:
        self._secret = secrets.token_bytes(32)
        self._answers: OrderedDict[str, asyncio.Task[Result]] = OrderedDict()

    def key(self, *fields: str) -> str:
        """Return a keyed digest of a form; with another PIN it is another form."""
        text = "\0".join(fields).encode()
        return hmac.new(self._secret, text, "sha256").hexdigest()[:32]

    async def once(self, key: str, ask: Callable[[], Awaitable[Result]]) -> Result:
        """Return the answer known for ``key``, or ask for it; a failure is not remembered."""
        task = self._answers.get(key)
        if task is None:
            task = asyncio.ensure_future(ask())
            self._answers[key] = task
            while len(self._answers) > ANSWERS_KEPT:
                self._answers.popitem(last=False)
        try:
            result = await asyncio.shield(task)
        except Exception:
            self._answers.pop(key, None)
            raise
        return result

    def forget(self, key: str) -> None:
        """Forget an answer that settled nothing."""
        self._answers.pop(key, None)

    def get(self, key: str) -> Result | None:
        """Return a known answer."""
        task = self._answers.get(key)
        return task.result() if task is not None and task.done() else None
