"""Refuse requests that no page of ours would send, and answer each form once.

The page can silence nothing by itself: the guard checks the PIN. These checks keep another web
site, open in the same browser, from sending a form in a person's name.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amont_gateway.view import Result

BODY_BYTES = 8192  # a form of ours is below 1 kB
FIELDS = 16
TOKEN_COOKIE = "amont_csrf"
TOKEN_CHARS = 43  # of 32 random bytes
ANSWERS_KEPT = 256
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
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, complete if scope["type"] == "http" else send)


def token_of(request: Request) -> str:
    """Return the browser's form token, or a new one."""
    token = request.cookies.get(TOKEN_COOKIE, "")
    good = len(token) == TOKEN_CHARS and token.isascii()
    return token if good else secrets.token_urlsafe(32)


async def checked_form(request: Request) -> dict[str, str]:
    """Return the fields of a form that our own page sent, else raise ``Refused``."""
    _check_origin(request)
    form = await _read_form(request)
    token = request.cookies.get(TOKEN_COOKIE, "")
    sent = form.pop("csrf", "")
    if not token or not hmac.compare_digest(token.encode(), sent.encode()):
        raise Refused(403, "refused.token")
    return form


def _check_origin(request: Request) -> None:
    """Hold the request's Origin (or Referer) against its Host: both come from the browser."""
    source = request.headers.get("origin") or request.headers.get("referer", "")
    host = request.headers.get("host", "")
    try:
        same = bool(host) and urlsplit(source).netloc.lower() == host.lower()
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
