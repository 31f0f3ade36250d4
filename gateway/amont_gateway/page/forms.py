"""Read what a form asks for: one action with checked fields, or limits as people write them.

The guard checks everything again. These checks turn nonsense into a clear answer early.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from amont_gateway.page.security import Refused
from amont_gateway.view import Action, Siren, Station, View

SIREN_KINDS = ("acknowledge", "mute", "reset", "test", "drill", "stop")
STATION_KINDS = ("limits", "keep")
PRACTICE = ("test", "drill", "stop")  # their pages look unlike those of a real alarm
LEVELS = ("watch", "warning", "alarm", "alarm_plus")
MINUTES_MAX = 60
_SIZES = {"kind": 16, "person": 128, "pin": 64, "id": 64}
_METRES = re.compile(r"\s*([-−]?)(\d{1,3})(?:[.,](\d{1,3}))?\s*m?\s*", re.ASCII)
_MM = re.compile(r"-?\d{1,6}", re.ASCII)


def action_of(form: Mapping[str, str], view: View) -> tuple[Action, str]:
    """Return the action that a form asks for and the form's id, else raise ``Refused``."""
    for name, size in _SIZES.items():
        _check_size(form, name, size)
    kind = form["kind"]
    if kind not in SIREN_KINDS + STATION_KINDS:
        raise Refused(400, "refused.field", field="kind")
    of = "station" if kind in STATION_KINDS else "siren"
    _check_size(form, of, 64)
    action = Action(kind=kind, person=form["person"], pin=form["pin"])
    setattr(action, of, form[of])
    if kind == "mute":
        action.minutes = _minutes(form.get("minutes", ""))
    if kind == "limits":
        action.limits_mm = [_mm(form, f"{level}_mm") for level in LEVELS]
    if kind == "drill":
        _check_site(form.get("site", ""), view)
    return action, form["id"]


def _check_size(form: Mapping[str, str], name: str, size: int) -> None:
    if not 0 < len(form.get(name, "")) <= size:
        raise Refused(400, "refused.field", field=name)


def _minutes(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) < 4 and 0 < int(text) <= MINUTES_MAX:
        return int(text)
    raise Refused(400, "refused.field", field="minutes")


def _mm(form: Mapping[str, str], name: str) -> int:
    text = form.get(name, "")
    if not _MM.fullmatch(text):
        raise Refused(400, "refused.field", field=name)
    return int(text)


def _check_site(typed: str, view: View) -> None:
    """Hold the site's name, as a person typed it, against the real one: a drill is no accident."""
    wanted = {_plain(name) for name in (*view.name.values(), view.site)}
    if _plain(typed) not in wanted:
        raise Refused(400, "refused.site")


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text[:200].casefold())
    return "".join(c for c in letters if c.isalnum())


def siren_named(view: View, siren_id: str) -> Siren | None:
    """Return a siren of the view."""
    return next((s for s in view.sirens if s.id == siren_id), None)


def station_named(view: View, station_id: str) -> Station | None:
    """Return a station of the view."""
    return next((s for s in view.stations if s.id == station_id), None)


@dataclass(slots=True)
class Typed:
    """Four limits as a person typed them: the texts, what is wrong with each, and the numbers."""

    texts: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)  # level -> key of the text that says why
    limits_mm: list[int] = field(default_factory=list)  # empty while anything is wrong


def typed_limits(asked: Mapping[str, str], station: Station) -> Typed | None:
    """Read four limits in metres from a query; None if the form was not sent yet."""
    if not any(level in asked for level in LEVELS):
        return None
    found = Typed({level: asked.get(level, "")[:20] for level in LEVELS})
    values_mm: list[int] = []
    for level in LEVELS:
        value_mm = metres_as_mm(found.texts[level])
        if value_mm is None:
            found.wrong[level] = "limits.wrong.number"
        elif values_mm and value_mm <= values_mm[-1]:
            found.wrong[level] = "limits.wrong.order"
        elif station.bounds_mm and not _inside(value_mm, station.bounds_mm):
            found.wrong[level] = "limits.wrong.bounds"
        if value_mm is not None:
            values_mm.append(value_mm)
    if not found.wrong:
        found.limits_mm = values_mm
    return found


def _inside(value_mm: int, bounds_mm: list[int]) -> bool:
    return bounds_mm[0] <= value_mm <= bounds_mm[-1]


def metres_as_mm(text: str) -> int | None:
    """Read a length in metres, with a comma or a point, as millimetres; None if it is none."""
    read = _METRES.fullmatch(text)
    if read is None:
        return None
    value_mm = int(read[2]) * 1000 + int((read[3] or "").ljust(3, "0"))
    return -value_mm if read[1] else value_mm
