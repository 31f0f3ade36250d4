"""Build the local page as a Starlette application.

It shows one ``View`` and passes people's actions on; it decides nothing. ``get_view`` must renew
``now_ms`` each second or so: a view whose clock stands still for 15 s is announced as frozen.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass
from urllib.parse import quote

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

from amont_gateway.page.card import Card
from amont_gateway.page.forms import action_of, siren_named, station_named
from amont_gateway.page.language import language, remember_language
from amont_gateway.page.pages import Pages, Secure
from amont_gateway.page.render import renderer_for
from amont_gateway.page.security import (
    Answers,
    KnownHost,
    Refused,
    SecureHeaders,
    checked_form,
    give_token,
    host_of,
    may_act,
    token_of,
)
from amont_gateway.page.stream import Hub, Pulse
from amont_gateway.page.texts import LANGUAGES, TEXTS, Words
from amont_gateway.view import Action, DryRun, IncidentLine, Result, View

log = logging.getLogger(__name__)

ACTS_AT_ONCE = 4  # an action waits for the guard; more than this at once is not people
MOVES_RELAY = ("mute", "test", "drill", "stop")  # look at what the relay confirms
SETTLE_S, LOOK_S = 1.5, 0.1  # the guard tells each second what came of an action
TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Parts:
    """What the gateway gives the page; what is None is left out. See ``build_app``."""

    get_view: Callable[[], View]
    act: Callable[[Action], Result]
    version_counter: Callable[[], int] | None
    metrics: Callable[[], bytes] | None
    set_speed: Callable[[float], None] | None
    dry_run: Callable[[str, list[int]], DryRun] | None
    incidents: Callable[[], list[IncidentLine]] | None
    incident: Callable[[int, str], str | None] | None
    mayor: Callable[[str], str] | None
    secure: Secure | None


class Page:
    """Answer the page's live routes and take actions."""

    def __init__(self, parts: Parts, timezone: str, pulse: Pulse) -> None:
        self.parts = parts
        self.pulse = pulse
        self.renderer = renderer_for(timezone)
        self.hub = Hub(self.card, self.renderer, parts.version_counter)
        self.answers = Answers()
        self.acting = anyio.Semaphore(ACTS_AT_ONCE)

    def card(self, lang: str) -> Card:
        """Return the newest view, ready to render in ``lang``."""
        view = self.parts.get_view()
        return Card(view, lang, self.renderer.zone, self.pulse.frozen_s(view))

    async def html(
        self, request: Request, name: str, card: Card | None = None, **values: object
    ) -> Response:
        """Render a whole page for this browser: its language, its token, what it may do."""
        lang, token = language(request), token_of(request)
        said = self.answers.get(request.query_params.get("said", ""))
        did = request.query_params.get("did", "")
        common = {
            "csrf": token,
            "new_id": new_id,
            "acts": may_act(request),
            "secure_url": self.secure_url(request),
            "path": request.url.path,
            "said": said,
            "watch_relay": said is not None and _moves_relay(did, said),
            "has_incidents": self.parts.incidents is not None,
            "has_authority": self.parts.secure is not None,
            "has_mayor": self.parts.mayor is not None,
        }

        def render() -> str:
            shown = card or self.card(lang)
            return self.renderer.page(name, shown, **common, **values)

        response = HTMLResponse(await run_sync(render))
        give_token(request, response, token)
        remember_language(request, response)
        return response

    def secure_url(self, request: Request) -> str:
        """Return the address of this page over HTTPS; empty if there is none."""
        if self.parts.secure is None:
            return ""
        host = host_of(request)
        return f"https://{f'[{host}]' if ':' in host else host}:{self.parts.secure.port}"

    async def overview(self, request: Request) -> Response:
        """Answer the page itself."""
        return await self.html(
            request,
            "overview",
            may_speed=self.parts.set_speed is not None,
            has_metrics=self.parts.metrics is not None,
        )

    async def view_json(self, _request: Request) -> Response:
        """Answer the view as JSON."""
        view = await run_sync(self.parts.get_view)
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
        lang = form.get("lang", "")
        lang = lang if lang in LANGUAGES else language(request)
        view = await run_sync(self.parts.get_view)
        action, form_id = action_of(form, view)
        key = self.answers.key(form_id, *[str(v) for v in msgspec.structs.astuple(action)])
        result = await self.answers.once(key, lambda: self._ask(action))
        if result.code == "unanswered":
            self.answers.forget(key)
        if wants_json(request):
            return JSONResponse(self._told(action, result, Words(lang)))
        if result.code == "unanswered":
            raise Refused(503, "act.unanswered")
        if result.ok:
            await self._settled(view)
        to = f"{_back(action, result, view)}?lang={lang}&said={key}&did={action.kind}"
        return RedirectResponse(to, 303)

    async def _settled(self, before: View) -> None:
        """Wait a moment for what came of an action: the next page may not be renewed by itself."""
        old = _moved_by_people(before)
        with anyio.move_on_after(SETTLE_S):
            while _moved_by_people(await run_sync(self.parts.get_view)) == old:
                await anyio.sleep(LOOK_S)

    def _told(self, action: Action, result: Result, t: Words) -> dict[str, object]:
        text = t.of(result.text, result.code)
        if _moves_relay(action.kind, result):
            text = f"{text} {t('act.watch_relay')}"
        return {"ok": result.ok, "code": result.code, "text": text, "next": new_id()}

    async def _ask(self, action: Action) -> Result:
        try:
            self.acting.acquire_nowait()
        except anyio.WouldBlock:
            raise Refused(503, "act.busy") from None
        try:
            result = await run_sync(self.parts.act, action)
            if result.code == "timeout":
                raise TimeoutError("no result came")
            return result
        except (TimeoutError, OSError) as error:
            log.warning("the guard did not answer an action (%s): %s", action.kind, error)
            return Result(ok=False, code="unanswered", text=both("act.unanswered"))
        finally:
            self.acting.release()

    async def do_speed(self, request: Request) -> Response:
        """Change the demonstration's speed."""
        form = await checked_form(request)
        demo = (await run_sync(self.parts.get_view)).demo
        known = {str(speed): speed for speed in demo.speeds} if demo else {}
        speed = known.get(form.get("speed", ""))
        if speed is None or self.parts.set_speed is None:
            raise Refused(400, "refused.speed", speed=form.get("speed", "")[:20])
        await run_sync(self.parts.set_speed, speed)
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
        assert self.parts.metrics is not None
        body = await run_sync(self.parts.metrics)
        return Response(body, media_type="text/plain; version=0.0.4; charset=utf-8")

    async def healthz(self, _request: Request) -> Response:
        """Answer 200 while the view moves and the guard answers, else 503."""
        view = await run_sync(self.parts.get_view)
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
    dry_run: Callable[[str, list[int]], DryRun] | None = None,
    incidents: Callable[[], list[IncidentLine]] | None = None,
    incident: Callable[[int, str], str | None] | None = None,
    mayor: Callable[[str], str] | None = None,
    secure: Secure | None = None,
    host_names: Callable[[], Collection[str]] = frozenset,
    timezone: str = "Europe/Paris",
    pulse: Pulse | None = None,
) -> Starlette:
    """Return the page's application.

    ``get_view`` returns the newest snapshot and is called from several threads. ``act`` blocks
    until the guard answers and may raise ``TimeoutError`` or ``OSError``. ``version_counter``
    grows whenever the view changes; without it the view is compared twice a second.
    ``set_speed`` is for the demonstration alone: without it ``/speed`` does not exist.

    ``dry_run(station, limits_mm)`` tries limits on the past. ``incidents()`` lists what
    ``incident(number, lang)`` returns as one HTML page, None for one that there is not.
    ``mayor(lang)`` returns the sheet for the town hall as one HTML page. All four block, run on
    threads, and may raise: people then read that nothing is known.

    ``secure`` says where HTTPS is; ``host_names`` returns this machine's names in lower case (its
    own addresses and ``localhost`` are always known).
    ``app.state.close()`` ends the event streams before the server stops.
    """
    parts = Parts(
        get_view, act, version_counter, metrics, set_speed, dry_run, incidents, incident, mayor,
        secure,
    )  # fmt: skip
    page = Page(parts, timezone, pulse or Pulse())
    routes = [
        Route("/", page.overview),
        Route("/view.json", page.view_json),
        Route("/events", page.events),
        Route("/act", page.do_act, methods=["POST"]),
        Route("/static/{name}", page.static),
        Route("/healthz", page.healthz),
        *Pages(page, parts.secure, dry_run).routes(incidents, incident, mayor),
    ]
    if metrics is not None:
        routes.append(Route("/metrics", page.do_metrics))
    if set_speed is not None:
        routes.append(Route("/speed", page.do_speed, methods=["POST"]))
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(SecureHeaders),
            Middleware(KnownHost, names=host_names),
            Middleware(GZipMiddleware, minimum_size=1024, compresslevel=5),
        ],
        exception_handlers={Refused: page.refused},
    )
    app.state.close = page.hub.close
    return app


def _moves_relay(kind: str, result: Result) -> bool:
    """Tell whether an action moved a relay; the first of two people has ordered nothing yet."""
    return result.ok and result.code != "second" and kind in MOVES_RELAY


def _moved_by_people(view: View) -> list[object]:
    """Return what an action may change."""
    sirens = [(s.state, s.mode, s.asked, s.acknowledged_by) for s in view.sirens]
    return [sirens, [(s.proposed, s.agreed) for s in view.stations]]


def _back(action: Action, result: Result, view: View) -> str:
    """Return where a browser without our script goes after an action."""
    if station_named(view, action.station) is not None:
        return f"/station/{quote(action.station, safe='')}/limits"
    if not result.ok and siren_named(view, action.siren) is not None:
        return f"/siren/{quote(action.siren, safe='')}/{action.kind}"
    return "/"


def both(key: str) -> dict[str, str]:
    """Return a text of ours in both languages."""
    return dict(zip(LANGUAGES, TEXTS[key], strict=True))


def new_id() -> str:
    """Return a fresh id for one form, so that sending it twice acts once."""
    return secrets.token_urlsafe(12)


def wants_json(request: Request) -> bool:
    """Tell whether our script asks, rather than a browser's own form."""
    return "application/json" in request.headers.get("accept", "")
