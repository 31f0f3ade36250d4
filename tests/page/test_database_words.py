"""What page and ``status`` say of the database: since when, and what waits for it."""

from zoneinfo import ZoneInfo

import msgspec
from tests.page import sample_views

from amont_gateway.page.formatting import Format
from amont_gateway.page.sentences import database_notices
from amont_gateway.page.texts import Words
from amont_gateway.running import describe
from amont_gateway.view import HistoryState

NOW_MS = sample_views.NOW_MS


def view_with(state, **more):
    kept = HistoryState(state=state, since_ms=NOW_MS - 300_000, **more)
    return msgspec.structs.replace(sample_views.calm(), database=state, history=kept)


def said(view, lang):
    f = Format(lang, ZoneInfo("Europe/Paris"))
    notices = database_notices(view, Words(lang), f)
    return [f"{n.title} | {n.advice}".replace("\u00a0", " ") for n in notices]


def test_an_outage_is_told_with_what_waits():
    view = view_with("away", waiting=1234, waiting_since_ms=NOW_MS - 7_200_000)
    assert said(view, "fr") == [
        "La base d’historique ne répond pas depuis 5 min : les relevés attendent au journal, rien"
        " n’est perdu. | En attente : 1 234 relevés, le plus ancien il y a 2 h."
    ]
    assert said(view, "en") == [
        "The history database has not answered for 5 min: readings wait in the journal, nothing"
        " is lost. | Waiting: 1,234 readings, the oldest 2 h ago."
    ]


def test_a_refusal_says_what_to_check():
    (words,) = said(view_with("refused"), "en")
    assert words.endswith("To check: token and rights. | ")
    assert "jeton et droits" in said(view_with("refused"), "fr")[0]


def test_what_was_refused_is_told_while_all_else_is_well():
    (words,) = said(view_with("ok", quarantined=3), "en")
    assert words.startswith("The history database refused 3 lines, set aside")
    assert said(view_with("ok"), "en") == []
    assert said(sample_views.calm(), "en") == []


def test_status_says_the_same():
    view = view_with("refused", waiting=7, waiting_since_ms=NOW_MS, reason="403", quarantined=2)
    lines = describe(msgspec.to_builtins(view))
    assert "REFUSES the gateway since" in lines[1]
    assert lines[1].endswith("(403)")
    assert lines[2].startswith("rows waiting: 7, the oldest of")
    assert "set aside: 2" in lines[3]
    assert not any("waiting" in x for x in describe(msgspec.to_builtins(view_with("ok"))))
