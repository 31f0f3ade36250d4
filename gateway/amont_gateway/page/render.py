"""Render pages: the overview with its live pieces, and the forms and lists around it."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from amont_gateway.page.card import Card
from amont_gateway.page.texts import Words

HERE = Path(__file__).parent


def _release() -> str:
    try:
        return version("amont")
    except PackageNotFoundError:
        return "?"


@cache
def renderer_for(timezone: str) -> Renderer:
    """Return the renderer for a time zone; templates are compiled once in a process."""
    return Renderer(ZoneInfo(timezone))


class Renderer:
    """Hold the templates and assets; render pages and live pieces."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone
        self.assets = {p.name: p.read_bytes() for p in sorted((HERE / "static").iterdir())}
        self.digests = {
            name: hashlib.sha256(body).hexdigest()[:12] for name, body in self.assets.items()
        }
        self.environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,  # an update must not mix its new templates with our old code
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.globals["asset"] = self.asset
        pages = "".join(p.read_text("utf-8") for p in sorted((HERE / "templates").iterdir()))
        digest = hashlib.sha256((pages + "".join(self.digests.values())).encode())
        self.build = digest.hexdigest()[:12]
        for path in (HERE / "templates").glob("*.html"):
            self.environment.get_template(path.name)  # now, not while the first person waits
        self._parts = self.environment.get_template("fragments.html").module

    def asset(self, name: str) -> str:
        """Return an asset's address, which changes when its bytes do."""
        return f"/static/{name}?v={self.digests[name]}"

    def page(self, name: str, card: Card, **values: object) -> str:
        """Render a whole page by its template's name."""
        template = self.environment.get_template(f"{name}.html")
        return template.render(c=card, build=self.build, version=_release(), **values)

    def refused(self, words: Words, text: str) -> str:
        """Render the short page that says why a request was refused."""
        template = self.environment.get_template("refused.html")
        return template.render(lang=words.lang, text=text, back=words("refused.back"))

    def fragments(self, card: Card) -> dict[str, str]:
        """Render every live piece of the overview, by its name."""
        part = self._parts
        plain = ("clock", "status", "faults", "sensors", "nodes", "counters")
        found = {name: str(getattr(part, name)(card)) for name in plain}
        found["events"] = str(part.events(card, card.events))  # type: ignore[attr-defined]
        if card.view.demo is not None:
            found["demo"] = str(part.demo(card))  # type: ignore[attr-defined]
        groups = (
            ("siren", card.sirens, ("headline", "steps", "asked", "findings", "ways", "facts")),
            ("station", card.view.stations, ("words", "chart", "table")),
            ("zone", card.view.zones, ("words", "chart", "table")),
            ("network", card.view.networks, ("words", "chart", "why")),
        )
        for kind, items, names in groups:
            for index, item in enumerate(items):
                for name in names:
                    macro = getattr(part, f"{kind}_{name}")
                    found[f"{kind}-{index}-{name}"] = str(macro(card, item))
        return found
