"""Push the page's live pieces to browsers: what changed, at once, and a heartbeat.

One task renders for everybody: once per language and change. A browser that reads slowly gets
the newest state, never a queue of old ones.
"""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from sse_starlette import ServerSentEvent

from amont_gateway.page.card import Card
from amont_gateway.page.render import Renderer
from amont_gateway.view import View

BEAT_S = 3.0
POLL_S = 0.04  # one integer is compared; well below the 200 ms that an update may take
SPACING_S = 0.25  # a view that changes all the time is rendered four times a second
BURST = 3  # after a pause so many at once: a reading must not wait for the state before it
CLIENTS_MAX = 64
STILL_S = 15.0  # the gateway renews the view each second; this long without is a fault


class Pulse:
    """Notice when the view's own clock stops: then the values are frozen."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._now_ms = -1
        self._moved_s = 0.0

    def frozen_s(self, view: View) -> float | None:
        """Return for how long the view has stood still, or None while it moves."""
        now_s = self._monotonic()
        if view.now_ms != self._now_ms:
            self._now_ms, self._moved_s = view.now_ms, now_s
        paused = view.demo is not None and view.demo.speed == 0
        still_s = now_s - self._moved_s
        return still_s if still_s > STILL_S and not paused else None


@dataclass(slots=True)
class Rendered:
    """The newest state in one language."""

    number: int = 0
    title: str = ""
    shape: str = ""
    frozen: bool = False
    fragments: dict[str, str] = field(default_factory=dict)

    def same(self, other: Rendered) -> bool:
        """Tell whether people would see the same."""
        mine = (self.title, self.shape, self.frozen, self.fragments)
        return mine == (other.title, other.shape, other.frozen, other.fragments)


class Hub:
    """Render changes and hand them to every connected browser."""

    def __init__(
        self,
        card: Callable[[str], Card],
        renderer: Renderer,
        version_counter: Callable[[], int] | None,
    ) -> None:
        self._card = card
        self._renderer = renderer
        self._version_counter = version_counter
        self._clients: dict[str, int] = {}
        self._latest: dict[str, Rendered] = {}
        self._changed = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._number = 0
        self._arrived = False  # a browser came and waits for its first state

    @property
    def full(self) -> bool:
        """Tell whether no further browser may connect."""
        return self._closed or sum(self._clients.values()) >= CLIENTS_MAX

    def close(self) -> None:
        """End all streams soon; safe from any thread, for a clean stop."""
        self._closed = True
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def stream(self, lang: str) -> AsyncIterator[ServerSentEvent]:
        """Yield the whole state, then each change, with a heartbeat at least every 3 s."""
        self._clients[lang] = self._clients.get(lang, 0) + 1
        self._arrived = True
        self._ensure_task()
        loop, seen = asyncio.get_running_loop(), Rendered()
        number, sent_s = self._number, loop.time()  # not the last state: the page is newer
        try:
            while not self._closed:
                latest = await self._next(lang, number, sent_s + BEAT_S)
                number = latest.number if latest is not None else number
                if latest is not None and not latest.same(seen):
                    yield ServerSentEvent(event="update", data=self._difference(seen, latest))
                    seen, sent_s = latest, loop.time()
                elif loop.time() >= sent_s + BEAT_S:
                    yield ServerSentEvent(event="beat", data="{}")
                    sent_s = loop.time()
        finally:
            self._clients[lang] -= 1

    def _ensure_task(self) -> None:
        if self._task is None or self._task.done():
            self._loop = asyncio.get_running_loop()
            self._task = self._loop.create_task(self._run(), name="page-renderer")

    async def _next(self, lang: str, number: int, until_s: float) -> Rendered | None:
        """Wait for a state newer than ``number``; None when there is none ``until_s``."""
        while (left_s := until_s - asyncio.get_running_loop().time()) > 0:
            latest = self._latest.get(lang)
            if latest is not None and latest.number > number:
                return latest
            if self._closed:
                return None
            if self._task is None or self._task.done():
                raise ConnectionError("the page's renderer has stopped")
            async with self._changed:
                try:
                    await asyncio.wait_for(self._changed.wait(), min(left_s, 0.5))
                except TimeoutError:
                    continue
        return None

    def _difference(self, seen: Rendered, latest: Rendered) -> str:
        changed = {
            name: html
            for name, html in latest.fragments.items()
            if seen.fragments.get(name) != html
        }
        return json.dumps(
            {
                "fragments": changed,
                "title": latest.title,
                "shape": latest.shape,
                "frozen": latest.frozen,
                "build": self._renderer.build,
            },
            ensure_ascii=False,
        )

    async def _run(self) -> None:
        """Render while somebody looks; end when nobody does."""
        version, rendered_s, free_s = -1, 0.0, -math.inf
        loop = asyncio.get_running_loop()
        while any(self._clients.values()) and not self._closed:
            current = self._version_counter() if self._version_counter else version
            now_s = loop.time()
            free_s = max(free_s, now_s - BURST * SPACING_S)  # what a pause has left to spend
            ages_due = now_s - rendered_s >= (BEAT_S if self._version_counter else SPACING_S * 2)
            changed = current != version and now_s >= free_s + SPACING_S
            if changed or ages_due or self._arrived:
                self._arrived = False
                version, rendered_s = current, now_s
                free_s = min(free_s + SPACING_S, now_s)
                await self._render()
            await asyncio.sleep(POLL_S)
        self._latest.clear()

    async def _render(self) -> None:
        self._number += 1  # at the start: who comes meanwhile waits for the next one
        number = self._number
        for lang in [lang for lang, count in self._clients.items() if count]:
            self._latest[lang] = await asyncio.to_thread(self._rendered, lang, number)
        async with self._changed:
            self._changed.notify_all()

    def _rendered(self, lang: str, number: int) -> Rendered:
        card = self._card(lang)
        fragments = self._renderer.fragments(card)
        return Rendered(number, card.title, card.shape, card.frozen, fragments)
