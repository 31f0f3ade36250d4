"""Nobody changes anything by the page or the socket without a right PIN; bench: guard.page_*."""

import random
import socket
from collections import OrderedDict

import pytest
from tests.guard.rig import Rig
from tests.page.security_attack import (
    CSRF_OFF,
    PIN_OFF,
    attack,
    attack_by_matrix,
    attack_by_schema,
    attack_by_socket,
)
from tests.page.security_cases import FLAWS, READS, Draft, Request
from tests.page.security_rig import OWNER, hall, post, wrong_with

ORIGIN_OFF = "import amont_gateway.page.security as s; s._check_origin = lambda _request: None"
UNESCAPED = (
    "import jinja2.environment as e; made = e.Environment.__init__; e.Environment.__init__ = "
    "lambda self, **how: made(self, **{**how, 'autoescape': False})"
)


class Forgetful(OrderedDict):
    """What a guard remembers that knows no id again."""

    def get(self, _key, default=None):
        return default


@pytest.fixture(scope="module")
def town_hall(tmp_path_factory):
    with hall(tmp_path_factory.mktemp("hall")) as made:
        made.control()
        made.changes()
        yield made


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_our_own_page_sends_is_done_once(town_hall, scheme):
    request, first = town_hall.control(scheme)
    again = town_hall.ask(request)
    assert first.status == again.status == 200
    assert town_hall.control(scheme)  # and everything before it is recorded by now
    assert town_hall.extra_controls() == 0


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw.__name__)
def test_each_flaw_alone_keeps_the_right_pin_from_acting(town_hall, flaw):
    drafts = [Draft(town_hall, random.Random(seed), OWNER) for seed in range(8)]
    for draft in drafts:
        flaw(draft)
    outcome = attack(town_hall, [draft.request(flaw.__name__) for draft in drafts])
    assert (outcome.changes, outcome.wrong) == ([], []), str(outcome)


def test_without_a_flaw_the_same_request_acts(town_hall):
    found = attack(town_hall, [post("http", *town_hall.good("http", OWNER), "no flaw")])
    assert found.changes  # else the audit would not have shown the others either


def test_matrix(town_hall):
    outcome = attack_by_matrix(town_hall, seed=1, count=400)
    assert (outcome.changes, outcome.wrong) == ([], []), str(outcome)


def test_schema(town_hall):
    outcome = attack_by_schema(town_hall, seed=1, count=100)
    assert (outcome.changes, outcome.wrong) == ([], []), str(outcome)
    assert outcome.cases > 60


def test_socket(tmp_path):
    rig = Rig(tmp_path / "state")
    outcome = attack_by_socket(rig, seed=1, count=400)
    rig.close()
    assert (outcome.changes, outcome.wrong) == ([], []), str(outcome)


@pytest.mark.parametrize(
    ("name", "fault"),
    [("pin_matches", lambda *_: True), ("EXPIRY_MS", 2**60), ("OrderedDict", Forgetful)],
)
def test_a_guard_that_takes_what_is_forged_stale_or_repeated_is_caught(
    tmp_path, monkeypatch, name, fault
):
    monkeypatch.setattr(f"amont_guard.people.{name}", fault)
    rig = Rig(tmp_path / "state")
    assert attack_by_socket(rig, seed=1, count=100).changes
    rig.close()


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_hostile_name_is_text(town_hall, language):
    seen = 0
    for target in READS:
        if b"?" not in target:
            target += b"?lang=" + language.encode()
        host = (b"Host", town_hall.own("http").encode())
        request = Request(target=target, headers=(host,))
        answer = town_hall.ask(request)
        assert wrong_with(request, answer) == ""
        seen += b"&lt;amont-xss" in answer.body
    assert seen >= 4  # the names are there: overview, forms, journal


@pytest.mark.parametrize("plant", [CSRF_OFF, ORIGIN_OFF])
def test_a_page_without_its_checks_is_caught(tmp_path, plant):
    with hall(tmp_path, plant=plant) as made:
        made.control()
        made.changes()
        assert attack_by_matrix(made, seed=1, count=80).changes


def test_a_guard_without_its_pin_is_caught(tmp_path):
    with hall(tmp_path, guard_plant=PIN_OFF) as made:
        made.control()
        made.changes()
        assert attack_by_matrix(made, seed=1, count=100).changes


def test_a_page_that_does_not_escape_is_caught(tmp_path):
    with hall(tmp_path, plant=UNESCAPED) as made:
        host = (b"Host", made.own("http").encode())
        request = Request(headers=(host,))
        assert "amont-xss" in wrong_with(request, made.ask(request))


def test_an_answer_is_sent_at_once(server):
    assert server._socket.proto == socket.IPPROTO_TCP  # without it asyncio leaves Nagle's delay on
