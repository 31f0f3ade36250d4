"""Answer the pages around the overview: forms of their own, lists, and how to trust this page.

None of them reloads itself, so that a person without script can type in peace.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import anyio
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from amont_gateway.page.forms import (
    LEVELS,
    PRACTICE,
    SIREN_KINDS,
    siren_named,
    station_named,
    typed_limits,
)
from amont_gateway.page.language import language
from amont_gateway.page.security import Refused
from amont_gateway.view import DryRun, Event, IncidentLine

if TYPE_CHECKING:
    from amont_gateway.page.app import Page

log = logging.getLogger(__name__)

_Read = TypeVar("_Read")
_Endpoint = Callable[[Request], Awaitable[Response]]

SEVERITIES = ("alarm", "fault", "notice", "info")
SEARCH_CHARS = 60
READERS = 2  # reports at once: many must not take the threads that show the river
TRIALS_KEPT, TRIAL_S = 8, 60.0  # trying limits reads the journal of three months
# A report is one file with its own style and no script, so that it can be kept and printed.
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Secure:
    """Where this machine's HTTPS is, and the authority that people must trust for it."""

    port: int
    certificate: Callable[[], bytes]  # of the authority, PEM
    fingerprint: Callable[[], str]  # SHA-256 of it, in pairs of digits


class Pages:
    """Answer the routes of the other pages."""

    def __init__(
        self,
        page: Page,
        secure: Secure | None,
        dry_run: Callable[[str, list[int]], DryRun] | None,
    ) -> None:
        self.page = page
        self.secure = secure
        self.trials = Trials(dry_run) if dry_run is not None else None
        self._readers = anyio.CapacityLimiter(READERS)

    def routes(
        self,
        incidents: Callable[[], list[IncidentLine]] | None,
        incident: Callable[[int, str], str | None] | None,
        mayor: Callable[[str], str] | None,
    ) -> list[Route]:
        """Return the routes of what there is."""
        found = [
            Route("/siren/{siren}/{kind}", self.siren_form),
            Route("/station/{station}/limits", self.limits_form),
            Route("/journal", self.journal),
        ]
        if incidents is not None:
            found.append(Route("/incidents", self._incidents(incidents)))
        if incident is not None:
            found.append(Route("/incident/{number:int}", self._incident(incident)))
        if mayor is not None:
            found.append(Route("/mayor", self._mayor(mayor)))
        if self.secure is not None:
            found.append(Route("/authority", self.authority))
            found.append(Route("/authority/amont.crt", self.certificate))
        return found

    async def siren_form(self, request: Request) -> Response:
        """Answer the form for one action on one siren."""
        kind = request.path_params["kind"]
        card = await run_sync(self.page.card, language(request))
        siren = siren_named(card.view, request.path_params["siren"])
        if siren is None or kind not in SIREN_KINDS:
            raise Refused(404, "refused.unknown")
        shown = card.sirens[card.view.sirens.index(siren)]
        return await self.page.html(
            request,
            "act",
            card,
            siren=shown,
            kind=kind,
            practice=kind in PRACTICE,
            asked=next((a for a in shown.asked if a.kind == kind), None),
        )

    async def limits_form(self, request: Request) -> Response:
        """Answer the form for a station's limits: type, try on the past, confirm."""
        card = await run_sync(self.page.card, language(request))
        station = station_named(card.view, request.path_params["station"])
        if station is None:
            raise Refused(404, "refused.unknown")
        typed = typed_limits(request.query_params, station)
        wanted = typed.limits_mm if typed else station.proposed and station.proposed.limits_mm
        trial = None
        if wanted and self.trials is not None:
            trial = await self.trials.run(station.id, list(wanted))
        return await self.page.html(
            request,
            "limits",
            card,
            station=station,
            typed=typed,
            trial=trial,
            trials=self.trials is not None,
            levels=LEVELS,
        )

    async def journal(self, request: Request) -> Response:
        """Answer the list of events, by severity and by a word in them."""
        lang = language(request)
        show = request.query_params.get("show", "")
        show = show if show in SEVERITIES else ""
        word = request.query_params.get("word", "")[:SEARCH_CHARS]
        card = await run_sync(self.page.card, lang)
        found = [e for e in card.view.events if _fits(e, show, word, lang)]
        return await self.page.html(
            request, "journal", card, events=found, show=show, word=word, severities=SEVERITIES
        )

    def _incidents(self, incidents: Callable[[], list[IncidentLine]]) -> _Endpoint:
        async def answer(request: Request) -> Response:
            lines = await self._recorded(incidents)
            return await self.page.html(request, "incidents", lines=lines)

        return answer

    def _incident(self, incident: Callable[[int, str], str | None]) -> _Endpoint:
        async def answer(request: Request) -> Response:
            number = request.path_params["number"]
            html = await self._recorded(incident, number, language(request))
            if html is None:
                raise Refused(404, "refused.unknown")
            return _report(html)

        return answer

    def _mayor(self, mayor: Callable[[str], str]) -> _Endpoint:
        async def answer(request: Request) -> Response:
            return _report(await run_sync(mayor, language(request)))

        return answer

    async def authority(self, request: Request) -> Response:
        """Answer how to make a device trust this page."""
        assert self.secure is not None
        fingerprint = await self._recorded(self.secure.fingerprint)
        return await self.page.html(request, "authority", fingerprint=fingerprint)

    async def certificate(self, _request: Request) -> Response:
        """Answer the authority's certificate, which is public."""
        assert self.secure is not None
        body = await self._recorded(self.secure.certificate)
        return Response(
            body,
            media_type="application/x-x509-ca-cert",
            headers={"Content-Disposition": 'attachment; filename="amont.crt"'},
        )

    async def _recorded(self, read: Callable[..., _Read], *arguments: object) -> _Read:
        """Read records on a thread; trouble with them is said, and costs this page alone."""
        try:
            return await run_sync(read, *arguments, limiter=self._readers)
        except Exception:
            log.exception("records could not be read")
            raise Refused(503, "refused.records") from None


class Trials:
    """Try limits on the past, one at a time, and remember the newest answers for a minute."""

    def __init__(self, dry_run: Callable[[str, list[int]], DryRun]) -> None:
        self._dry_run = dry_run
        self._one = anyio.Semaphore(1)
        self._known: dict[tuple[str, tuple[int, ...]], tuple[float, DryRun]] = {}

    async def run(self, station: str, limits_mm: list[int]) -> DryRun | None:
        """Return what these limits would have done; None if that cannot be told."""
        key, now_s = (station, tuple(limits_mm)), time.monotonic()
        known = self._known.get(key)
        if known is not None and now_s - known[0] < TRIAL_S:
            return known[1]
        try:
            self._one.acquire_nowait()
        except anyio.WouldBlock:
            raise Refused(503, "act.busy") from None
        try:
            found = await run_sync(self._dry_run, station, limits_mm)
        except Exception:  # whatever it is, people must read that nothing is known
            log.exception("limits of %s could not be tried", station)
            return None
        finally:
            self._one.release()
        while len(self._known) >= TRIALS_KEPT:
            del self._known[next(iter(self._known))]
        self._known[key] = (now_s, found)
        return found


def _fits(event: Event, show: str, word: str, lang: str) -> bool:
    text = event.text.get(lang) or next(iter(event.text.values()), event.kind)
    return (not show or event.severity == show) and word.casefold() in text.casefold()


def _report(html: str) -> Response:
    return HTMLResponse(html, headers={"Content-Security-Policy": REPORT_POLICY})
