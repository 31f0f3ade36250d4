"""Stand in for the gateway behind the page: scripted views, counted actions, a moving clock."""

from __future__ import annotations

import time

from starlette.applications import Starlette
from tests.page.sample_views import NOW_MS, VIEWS, dry_run, incidents

from amont_gateway.page import Encrypted, PageServer, Secure, build_app
from amont_gateway.view import Action, Result, View

ANSWER = Result(ok=True, code="ok", text={"fr": "Alarme vue.", "en": "Alarm seen."})
CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
OTHERS: dict[str, object] = {
    "dry_run": dry_run,
    "incidents": incidents,
    "incident": lambda number, lang: f"<h1>{number} {lang}</h1>" if number == 2 else None,
    "mayor": lambda lang: f"<h1>{lang}</h1>",
    "secure": Secure(8443, lambda: CERTIFICATE, lambda: " ".join(["9F"] * 32)),
    "host_names": lambda: frozenset({"pi.local"}),
}


class Script:
    """Give the page what a test wants it to show."""

    def __init__(self, name: str = "calm") -> None:
        self.name = name
        self.version = 1
        self.stopped = False  # the view's own clock stands still
        self.acts: list[Action] = []
        self.speeds: list[float] = []
        self.answer: Result | Exception = ANSWER
        self.change = lambda view: None
        self._started_s = time.monotonic()

    def view(self) -> View:
        elapsed_ms = 0 if self.stopped else int((time.monotonic() - self._started_s) * 1000)
        view = VIEWS[self.name](NOW_MS + elapsed_ms)
        self.change(view)
        return view

    def act(self, action: Action) -> Result:
        self.acts.append(action)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def rewind(self) -> None:
        """Let the view's clock begin again."""
        self._started_s = time.monotonic()

    def show(self, name: str) -> None:
        self.name = name
        self.version += 1

    def app(self, demo: bool = True, **options: object) -> Starlette:
        """Return this script's page."""
        return build_app(
            self.view,
            self.act,
            version_counter=lambda: self.version,
            set_speed=self.speeds.append if demo else None,
            **{**OTHERS, **options},
        )

    def serve(
        self,
        port: int = 0,
        demo: bool = True,
        encrypted: Encrypted | None = None,
        **options: object,
    ) -> PageServer:
        """Return a started server of this script's page."""
        server = PageServer(self.app(demo, **options), port=port, encrypted=encrypted)
        server.start()
        return server
