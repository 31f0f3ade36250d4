"""Stand in for the gateway behind the page: scripted views, counted actions, a moving clock."""

from __future__ import annotations

import time

from tests.page.sample_views import NOW_MS, VIEWS

from amont_gateway.page import PageServer, build_app
from amont_gateway.view import Action, Result, View

ANSWER = Result(ok=True, code="ok", text={"fr": "Alarme vue.", "en": "Alarm seen."})


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

    def show(self, name: str) -> None:
        self.name = name
        self.version += 1

    def serve(self, port: int = 0, demo: bool = True, **options: object) -> PageServer:
        """Return a started server of this script's page."""
        app = build_app(
            self.view,
            self.act,
            version_counter=lambda: self.version,
            set_speed=self.speeds.append if demo else None,
            **options,
        )
        server = PageServer(app, port=port)
        server.start()
        return server
