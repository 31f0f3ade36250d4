"""Word an incident's records one by one, and find when its sirens were on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from amont_gateway import guard_events
from amont_gateway.guard_words import named, word_fault_name
from amont_gateway.incident_texts import Words
from amont_gateway.places import Places
from amont_gateway.records import Record
from amont_gateway.story import Story
from amont_gateway.texts import word

Span = tuple[int, int | None]  # Unix ms; None: until now
_NUMBERED = ("level", "siren", "asked", "limits")  # kinds that the curve shows by number
_HEALTH = {"healthy", "degraded", "fault"}  # steps that move no siren


@dataclass(frozen=True)
class Row:
    """One line of the sequence; ``number`` is its mark on the curve, 0 if it has none."""

    at_ms: int
    text: str
    number: int = 0
    loud: bool = False


def rows(story: Story, places: Places, t: Words, lang: str) -> Iterator[Row]:
    """Yield the sequence of a story."""
    number = 0
    for record in story.records:
        text = _line(record, places, t, lang)
        if text:
            kind = str(record.get("kind"))
            steps = guard_events.steps_of(record)
            numbered = kind in _NUMBERED and (kind != "siren" or bool(set(steps) - _HEALTH))
            loud = "alarm" in steps or record.get("level") in ("alarm", "alarm_plus")
            number += numbered
            yield Row(int(record.get("at_ms") or 0), text, number if numbered else 0, loud)


def _line(record: Record, places: Places, t: Words, lang: str) -> str:
    kind = str(record.get("kind"))
    siren = named(str(record.get("siren")), places.names)[lang]
    if kind == "seen output":
        if record.get("confirmed") is None:
            return ""
        return t("contact.closed" if record["confirmed"] else "contact.open", siren=siren)
    if kind == "seen link":
        return t("link.back" if record.get("up") else "link.lost")
    if kind.startswith("seen"):
        return ""
    if kind in ("fault", "fault over"):
        return t(kind, text=word_fault_name(str(record.get("name")), places.names)[lang])
    if kind in ("start", "stop"):
        return t(kind)
    if kind == "siren" and not guard_events.steps_of(record) and "asked" not in record:
        relays = [a.get("kind") for a in record.get("actions") or () if isinstance(a, dict)]
        return t("relay.on" if "relay on" in relays else "relay.off", siren=siren)
    return worded(record, places, lang)


def worded(record: Record, places: Places, lang: str) -> str:
    """Return a record of the guard as an event is worded on the page."""
    found = guard_events.word_audit(record, places.names)
    return word(found[0], detail=found[1])[1][lang] if found else ""


def commanded(story: Story, siren: str) -> list[Span]:
    """Return when a siren's relay was commanded on; None: until now."""
    changes = [
        (int(record["at_ms"]), action.get("kind") == "relay on")
        for record in story.records
        if record.get("kind") == "siren" and record.get("siren") == siren
        for action in record.get("actions") or ()
        if isinstance(action, dict) and action.get("kind") in ("relay on", "relay off")
    ]
    return _on(changes)


def confirmed(story: Story, siren: str) -> list[Span]:
    """Return when the contact confirmed that a siren was on."""
    return _on(
        (int(record["at_ms"]), record.get("confirmed") is True)
        for record in story.records
        if record.get("kind") == "seen output" and record.get("siren") == siren
    )


def _on(changes: Iterable[tuple[int, bool]]) -> list[Span]:
    spans: list[Span] = []
    since: int | None = None
    for at_ms, on in changes:
        if on and since is None:
            since = at_ms
        elif not on and since is not None:
            spans.append((since, at_ms))
            since = None
    return [*spans, (since, None)] if since is not None else spans


def stage_mm(record: Record) -> int | None:
    """Return the highest reading that a level's record rests on."""
    readings = record.get("readings")
    decisive = record.get("sensors") or []
    if not isinstance(readings, dict):
        return None
    values = [v[0] for name, v in readings.items() if name in decisive and v and v[0] is not None]
    return max(values) if values else None
