"""Render an acceptance sheet as one HTML file for A4, in French or English.

Nothing in it comes from outside; whatever people, boards and files said is escaped.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from amont_provision import label
from amont_provision.calibration import Transform
from amont_provision.texts import TEXTS, say

TEMPLATE = Path(__file__).with_name("acceptance.html")
MARKS = {"ok": "✓", "failed": "✗", "waiting": "–"}
Json = dict[str, Any]


def html(sheet: Json, language: str, drawing: str, json_sha256: str) -> str:
    """Return the page. drawing: the station's label as SVG, made by ``label.svg``."""
    return _template().render(
        sheet=sheet,
        language=language,
        drawing=Markup(drawing),  # our own, of escaped parts
        sha256=json_sha256,
        marks=MARKS,
        t=_words(language),
        step_text=lambda step: step_text(step, language),
        step_name=lambda step: step_name(step["step"], language),
        formula=lambda parts: Transform(**parts).formula(say("calibrate-raw", language)),
        number=lambda value: _number(value, language),
        when=_when(sheet["site"]["zone"], language),
    )


def text(sheet: Json) -> bytes:
    """Return the sheet as the JSON file beside the pages."""
    return json.dumps(sheet, ensure_ascii=False, indent=1).encode() + b"\n"


def drawing(sheet: Json, language: str) -> str:
    """Return the station's label."""
    node, site = sheet["node"], sheet["site"]
    payload = label.payload(site["id"], node["id"])
    return label.svg(label.Label(payload, node[language], node["id"], site["id"]))


def step_name(step: str, language: str) -> str:
    """Return what a person calls a step of a verification: its name, or its sensor."""
    kind, _, sensor = step.partition(" ")
    code = f"step-{kind}"
    return sensor or (say(code, language) if code in TEXTS else kind)


def step_text(step: Json, language: str) -> str:
    """Return the line of a verification's step; of an unknown one its code."""
    try:
        return say(step["code"], language, **step["values"])
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return str(step["code"])


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))


def _printable(value: Any) -> Any:
    """Leave out characters that change how the others show: controls, directions."""
    if type(value) is not str:
        return value
    return "".join(character for character in value if character.isprintable())


def _words(language: str) -> Callable[..., str]:
    def words(code: str, **values: Any) -> str:
        return say(code, language, **values) if code in TEXTS else code.partition("-")[2]

    return words


def _number(value: float, language: str) -> str:
    text = f"{value:.1f}"
    return text.replace(".", ",") if language == "fr" else text


def _when(zone: str, language: str) -> Callable[[str], str]:
    try:
        place: ZoneInfo | None = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        place = None  # a laptop without the list of zones

    def when(stored: str) -> str:
        date = datetime.fromisoformat(stored).astimezone(place)
        form = "%d/%m/%Y, %H:%M" if language == "fr" else "%d %b %Y, %H:%M"
        return date.strftime(form) + (f" ({zone})" if place else f" ({date.tzname()})")

    return when
