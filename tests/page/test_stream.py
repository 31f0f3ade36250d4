"""Server-sent events: everything at first, then only what changed, and a heartbeat."""

import json

import httpx
import pytest

from amont_gateway.page import stream


def events(http, count, lang="fr"):
    """Yield the first ``count`` (event, data) pairs of the stream."""
    kind = ""
    with http.stream("GET", f"/events?lang={lang}") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, json.loads(value)
                count -= 1
                if not count:
                    return


def test_all_at_first_then_what_changed(http, script):
    stages = []
    for kind, data in events(http, 2):
        assert kind == "update"
        stages.append(data["fragments"])
        script.show("sounding")
    assert {"siren-0-headline", "station-0-chart", "zone-0-words", "nodes"} <= stages[0].keys()
    assert "Sirène au repos" in stages[0]["siren-0-headline"]
    assert "LA SIRÈNE SONNE" in stages[1]["siren-0-headline"]
    assert "nodes" not in stages[1]


def test_each_language_has_its_words(http, script):
    script.name = "sounding"
    ((_, french),) = events(http, 1, "fr")
    ((_, english),) = events(http, 1, "en")
    assert "LA SIRÈNE SONNE" in french["fragments"]["siren-0-headline"]
    assert "THE SIREN IS SOUNDING" in english["fragments"]["siren-0-headline"]
    assert french["shape"] == english["shape"]


def test_a_heartbeat_comes_when_nothing_changes(http, script, monkeypatch):
    monkeypatch.setattr(stream, "BEAT_S", 0.1)
    script.stopped = True
    kinds = [kind for kind, _ in events(http, 4)]
    assert kinds[0] == "update"
    assert "beat" in kinds[1:]


def test_a_change_soon_after_another_is_shown_at_once(http, script, monkeypatch):
    monkeypatch.setattr(stream, "SPACING_S", 3600.0)  # no pause will ever earn another
    monkeypatch.setattr(stream, "BEAT_S", 3600.0)
    shown = []
    for _, data in events(http, stream.BURST):
        shown.append("LA SIRÈNE SONNE" in data["fragments"]["siren-0-headline"])
        script.show("calm" if shown[-1] else "sounding")
    assert shown == [False, True, False]


def test_a_changed_layout_changes_the_shape(http, script):
    ((_, before),) = events(http, 1)
    script.change = lambda view: view.people.append("Denis Nouveau")
    ((_, after),) = events(http, 1)
    assert before["shape"] != after["shape"]


def test_names_in_events_are_text(http, script):
    script.name = "faulted"
    ((_, data),) = events(http, 1)
    assert "<script" not in "".join(data["fragments"].values())


def test_streams_are_counted(http, monkeypatch):
    monkeypatch.setattr(stream, "CLIENTS_MAX", 1)
    with http.stream("GET", "/events") as first:
        lines = first.iter_lines()
        assert next(lines)
        refused = http.get("/events")
        assert refused.status_code == 503
        assert refused.headers["retry-after"]


def test_a_broken_renderer_ends_the_stream(http, script, caplog):
    def broken(_view):
        raise ZeroDivisionError("a bug in the view")

    script.change = broken
    with pytest.raises(httpx.RemoteProtocolError):
        list(events(http, 1))
    script.change = lambda _view: None
    assert len(list(events(http, 1))) == 1  # the next browser gets a new renderer
    assert "renderer" in caplog.text
