"""Build the local page as a Starlette application.

It shows one ``View`` and passes people's actions on; it decides nothing. ``get_view`` must renew
``now_ms`` each second or so: a view whose clock stands still for 15 s is announced as frozen.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

import anyio
import msgspec
from anyio.to_thread import run_sync
from sse_starlette import EventSourceResponse
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
)
from starlette.routing import Route

from amont_gateway.page.render import Card, Renderer, renderer_for
from amont_gateway.page.security import (
    TOKEN_COOKIE,
    Answers,
    Refused,
    SecureHeaders,
    checked_form,
    token_of,
)
from amont_gateway.page.stream import Hub, Pulse
from amont_gateway.page.texts import LANGUAGES, TEXTS, Words
from amont_gateway.view import Action, Result, View

log = logging.getLogger(__name__)

KINDS = ("acknowledge", "mute", "reset", "test", "drill")
ACTS_AT_ONCE = 4  # an action waits for the guard; more than this at once is not people
MINUTES_MAX = 60
LANG_COOKIE, YEAR_S = "amont_lang", 31_536_000
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Page:
    """Answer the page's routes."""

    def __init__(
        self,
        get_view: Callable[[], View],
        act: Callable[[Action], Result],
        version_counter: Callable[[], int] | None,
        metrics: Callable[[], bytes] | None,
        set_speed: Callable[[float], None] | None,
        renderer: Renderer,
        pulse: Pulse,
    ) -> None:
        self.get_view = get_view
        self.act = act
        self.metrics = metrics
        self.set_speed = set_speed
        self.pulse = pulse
        self.renderer = renderer
        self.hub = Hub(self.card, self.renderer, version_counter)
        self.answers = Answers()
        self.acting = anyio.Semaphore(ACTS_AT_ONCE)

    def card(self, lang: str) -> Card:
        """Return the newest view, ready to render in ``lang``."""
        view = self.get_view()
        return Card(view, lang, self.renderer.zone, self.pulse.frozen_s(view))

    async def overview(self, request: Request) -> Response:
        """Answer the page itself."""
        lang, token = language(request), token_of(request)
        said = self.answers.get(request.query_params.get("said", ""))
        html = await run_sync(self._overview, lang, token, said, "hold" in request.query_params)
        response = HTMLResponse(html)
        response.set_cookie(TOKEN_COOKIE, token, httponly=True, samesite="strict")
        if request.query_params.get("lang") in LANGUAGES:
            response.set_cookie(LANG_COOKIE, lang, max_age=YEAR_S, samesite="lax")
        return response

    def _overview(self, lang: str, token: str, said: Result | None, hold: bool) -> str:
        return self.renderer.page(
            self.card(lang),
            said,
            csrf=token,
            new_id=new_id,
            hold=hold,
            may_speed=self.set_speed is not None,
            has_metrics=self.metrics is not None,
        )

    async def view_json(self, _request: Request) -> Response:
        """Answer the view as JSON."""
        view = await run_sync(self.get_view)
        return Response(msgspec.json.encode(view), media_type="application/json")

    async def events(self, request: Request) -> Response:
        """Answer the stream of server-sent events."""
        lang = language(request)
        if self.hub.full:
            return PlainTextResponse(
                Words(lang)("refused.clients"), 503, headers={"Retry-After": "10"}
            )
        return EventSourceResponse(self.hub.stream(lang), ping=0, send_timeout=10)

    async def do_act(self, request: Request) -> Response:
        """Pass an action on to the guard, once for each form."""
        form = await checked_form(request)
        lang = form.get("lang") if form.get("lang") in LANGUAGES else language(request)
        action, form_id = action_of(form)
        key = self.answers.key(
            form_id, action.kind, action.siren, action.person, action.pin, str(action.minutes)
        )
        result = await self.answers.once(key, lambda: self._ask(action))
        if result.code == "unanswered":
            self.answers.forget(key)
        if wants_json(request):
            text = Words(lang or "fr").of(result.text, result.code)
            return JSONResponse(
                {"ok": result.ok, "code": result.code, "text": text, "next": new_id()}
            )
        if result.code == "unanswered":
            raise Refused(503, "act.unanswered")
        return RedirectResponse(f"/?lang={lang}&said={key}", 303)

    async def _ask(self, action: Action) -> Result:
        try:
            self.acting.acquire_nowait()
        except anyio.WouldBlock:
            raise Refused(503, "act.busy") from None
        try:
            return await run_sync(self.act, action)
        except (TimeoutError, OSError) as error:
            log.warning("the guard did not answer an action (%s): %s", action.kind, error)
            return Result(ok=False, code="unanswered", text=both("act.unanswered"))
        finally:
            self.acting.release()

    async def do_speed(self, request: Request) -> Response:
        """Change the demonstration's speed."""
        form = await checked_form(request)
        demo = (await run_sync(self.get_view)).demo
        known = {str(speed): speed for speed in demo.speeds} if demo else {}
        speed = known.get(form.get("speed", ""))
        if speed is None or self.set_speed is None:
            raise Refused(400, "refused.speed", speed=form.get("speed", "")[:20])
        await run_sync(self.set_speed, speed)
        if wants_json(request):
            return JSONResponse({"ok": True, "code": "ok", "text": "✔", "next": new_id()})
        return RedirectResponse("/", 303)

    async def static(self, request: Request) -> Response:
        """Answer one of the page's own assets, from memory."""
        name = request.path_params["name"]
        body = self.renderer.assets.get(name)
        if body is None:
            return PlainTextResponse("404", 404)
        current = request.query_params.get("v") == self.renderer.digests[name]
        caching = "public, max-age=31536000, immutable" if current else "no-cache"
        kind = TYPES[name.rpartition(".")[2]]
        return Response(body, media_type=kind, headers={"Cache-Control": caching})

    async def do_metrics(self, _request: Request) -> Response:
        """Answer the gateway's metrics for Prometheus."""
        assert self.metrics is not None
        body = await run_sync(self.metrics)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthz(self, _request: Request) -> Response:
        """Answer 200 while the view moves and the guard answers, else 503."""
        view = await run_sync(self.get_view)
        still_s = self.pulse.frozen_s(view)
        body = {"moving": still_s is None, "guard_alive": view.guard_alive, "now_ms": view.now_ms}
        return JSONResponse(body, 200 if still_s is None and view.guard_alive else 503)

    async def refused(self, request: Request, error: Exception) -> Response:
        """Say why a request was refused, in the person's language."""
        assert isinstance(error, Refused)
        words = Words(language(request))
        text = words(error.key, **error.values)
        log.info("refused %s %s: %s", request.method, request.url.path, error.key)
        if wants_json(request):
            body = {"ok": False, "code": error.key, "text": text, "next": new_id()}
            return JSONResponse(body, error.status)
        return HTMLResponse(self.renderer.refused(words, text), error.status)


def build_app(
    get_view: Callable[[], View],
    act: Callable[[Action], Result],
    *,
    version_counter: Callable[[], int] | None = None,
    metrics: Callable[[], bytes] | None = None,
    set_speed: Callable[[float], None] | None = None,
    timezone: str = "Europe/Paris",
    pulse: Pulse | None = None,
) -> Starlette:
    """Return the page's application.

    ``get_view`` returns the newest snapshot and is called from several threads. ``act`` blocks
    until the guard answers and may raise ``TimeoutError`` or ``OSError``. ``version_counter``
    grows whenever the view changes; without it the view is compared twice a second.
    ``set_speed`` is for the demonstration alone: without it ``/speed`` does not exist.
    ``app.state.close()`` ends the event streams before the server stops.
    """
    page = Page(
        get_view,
        act,
        version_counter,
        metrics,
        set_speed,
        renderer_for(timezone),
        pulse or Pulse(),
    )
    routes = [
        Route("/", page.overview),
        Route("/view.json", page.view_json),
        Route("/events", page.events),
        Route("/act", page.do_act, methods=["POST"]),
        Route("/static/{name}", page.static),
        Route("/healthz", page.healthz),
    ]
    if metrics is not None:
        routes.append(Route("/metrics", page.do_metrics))
    if set_speed is not None:
        routes.append(Route("/speed", page.do_speed, methods=["POST"]))
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SecureHeaders),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
        ],
        exception_handlers={Refused: page.refused},
    )
    app.state.close = page.hub.close
    return app


def language(request: Request) -> str:
    """Return the language asked for: in the address, else the cookie, else the browser's."""
    for asked in (request.query_params.get("lang"), request.cookies.get(LANG_COOKIE)):
        if asked in LANGUAGES:
            return str(asked)
    return preferred(request.headers.get("accept-language", ""))


def preferred(header: str) -> str:
    """Return the best of our languages for an Accept-Language ``header``; French if none is."""
    best, best_quality = LANGUAGES[0], 0.0
    for item in header.split(",")[:20]:
        tag, _, quality = item.strip().partition(";q=")
        lang = tag.strip().lower().partition("-")[0]
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if lang in LANGUAGES and weight > best_quality:
            best, best_quality = lang, weight
    return best


def action_of(form: dict[str, str]) -> tuple[Action, str]:
    """Return the action that a form asks for and the form's id, else raise ``Refused``."""
    limits = {"kind": 16, "siren": 64, "person": 128, "pin": 64, "id": 64}
    for name, size in limits.items():
        if not 0 < len(form.get(name, "")) <= size:
            raise Refused(400, "refused.field", field=name)
    if form["kind"] not in KINDS:
        raise Refused(400, "refused.field", field="kind")
    minutes = 0
    if form["kind"] == "mute":
        text = form.get("minutes", "")
        if not (
            text.isascii() and text.isdecimal() and len(text) < 4 and 0 < int(text) <= MINUTES_MAX
        ):
            raise Refused(400, "refused.field", field="minutes")
        minutes = int(text)
    action = Action(
        kind=form["kind"],
        siren=form["siren"],
        person=form["person"],
        pin=form["pin"],
        minutes=minutes,
    )
    return action, form["id"]


def both(key: str) -> dict[str, str]:
    """Return a text of ours in both languages."""
    return dict(zip(LANGUAGES, TEXTS[key], strict=True))


def new_id() -> str:
    """Return a fresh id for one form, so that sending it twice acts once."""
    return secrets.token_urlsafe(12)


def wants_json(request: Request) -> bool:
    """Tell whether our script asks, rather than a browser's own form."""
    return "application/json" in request.headers.get("accept", "")
