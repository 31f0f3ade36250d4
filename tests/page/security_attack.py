"""Send many requests that must change nothing, and ask the guard's audit whether one did."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import hypothesis
import requests
import schemathesis
from schemathesis import GenerationMode
from tests.guard.rig import PIN, WALL_MS, Rig
from tests.page.security_cases import TEXTS, description, matrix
from tests.page.security_rig import Hall, Request, who, wrong_with

from amont_guard import messages

# Faults to plant: in the gateway, and in the guard
CSRF_OFF = "import amont_gateway.page.security as s; s.hmac.compare_digest = lambda *_: True"
PIN_OFF = "import amont_guard.people as p; p.pin_matches = lambda *_: True"
BATCH = 500  # requests between two looks at the audit
TOLD = 5  # of what is wrong, in a message


@dataclass
class Outcome:
    """How many requests were made, and what of it was wrong."""

    cases: int = 0
    changes: list[str] = field(default_factory=list)  # unauthorised
    wrong: list[str] = field(default_factory=list)  # server errors, names that became markup

    def __str__(self) -> str:
        return "\n".join(map(str, (self.cases, *self.changes[:TOLD], *self.wrong[:TOLD])))

    def look(self, hall: Hall, cases: str) -> None:
        """Let the control act, and note what others brought about before it."""
        request, _ = hall.control()
        hall.ask(request)  # sent twice it acts once
        self.changes += [f"{change} among {cases}" for change in hall.changes()]
        if hall.extra_controls():
            self.changes.append(f"a form acted twice, among {cases}")
        if hall.standing() != hall.before:
            self.changes.append(f"{hall.standing()} after {cases}")


def attack_by_matrix(hall: Hall, seed: int, count: int) -> Outcome:
    """Send ``count`` requests of the matrix, all that come from ``seed``."""
    return attack(hall, matrix(hall, random.Random(seed), count))


def attack(hall: Hall, cases: Iterable[Request]) -> Outcome:
    """Send requests, and look at the audit now and then and at the end."""
    outcome, waiting = Outcome(), iter(cases)
    while batch := list(islice(waiting, BATCH)):
        for request in batch:
            wrong = wrong_with(request, hall.ask(request))
            outcome.wrong += [wrong] if wrong else []
        outcome.cases += len(batch)
        labels = {request.label for request in batch}
        outcome.look(hall, f"{min(labels, key=len)} and {len(labels) - 1} others")
    return outcome


def attack_by_schema(hall: Hall, seed: int, count: int) -> Outcome:
    """Let schemathesis make about ``count`` requests, half of them actions."""
    outcome, session = Outcome(), requests.Session()
    session.trust_env = False
    schema = schemathesis.openapi.from_dict(description(hall))
    operations = [result.ok() for result in schema.get_all_operations()]
    acting = [op for op in operations if op.method == "post"]
    looking = [op for op in operations if op.method != "post"]
    for group in (acting, looking):
        for operation in group:
            for mode in GenerationMode:
                share = max(1, count // 2 // len(group) // len(GenerationMode))
                _by_schema(hall, session, operation, mode, share, seed, outcome)
    outcome.look(hall, "cases of the schema")
    session.close()
    return outcome


def _by_schema(
    hall: Hall, session: requests.Session, operation: Any, mode: Any, count: int, seed: int,
    outcome: Outcome,
) -> None:  # fmt: skip
    def send(case: Any) -> None:
        answer = case.call(base_url=f"http://{hall.own('http')}", session=session, timeout=20)
        outcome.cases += 1
        if answer.status_code >= 500 and answer.status_code != 503:
            outcome.wrong.append(f"{answer.status_code} to {case}")

    run = hypothesis.given(case=operation.as_strategy(generation_mode=mode))(send)
    run = hypothesis.settings(
        max_examples=count, database=None, deadline=None, phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )(run)  # fmt: skip
    try:
        hypothesis.seed(seed)(run)()
    except hypothesis.errors.Unsatisfiable:
        return  # a route that takes nothing cannot be given anything wrong


# --- the socket behind the page


def attack_by_socket(rig: Rig, seed: int, count: int) -> Outcome:
    """Send the guard ``count`` forged, stale and repeated messages, as a hostile gateway would."""
    rng, outcome = random.Random(seed), Outcome()
    before, controls = _standing(rig), 0
    rig.take(messages.EVENT)
    while outcome.cases < count:
        control = _control(rig)
        controls += 1
        for _ in range(4):  # fewer than may wait for their PIN to be checked
            rig.gateway.send(_forged(rig, rng, control))
            rig.turn(1)
            outcome.cases += 1
        rig.clock.pass_s(400)  # so that guesses are examined, not only turned away
    _control(rig)  # PINs are checked in order: all others were, then
    acted = [who(messages.decode_json(event)) for event in rig.take(messages.EVENT)]
    outcome.changes += [f"{who} acted" for who in acted if who not in ("", "Bruno", "schedule")]
    if acted.count("Bruno") != controls + 1:
        outcome.changes.append(f"{acted.count('Bruno')} actions of {controls + 1} that were asked")
    if _standing(rig) != before:
        outcome.changes.append(f"{_standing(rig)} was {before}")
    return outcome


def _control(rig: Rig) -> dict[str, Any]:
    """Let the control act; return what it sent once the guard has answered."""
    control, answered = _action(rig, "Bruno", PIN), False
    rig.gateway.send(messages.encode_json(messages.ACTION, control))
    while not answered:
        results = rig.results()
        assert results, "no answer"
        answered = any(result["id"] == control["id"] for result in results)
    return control


def _action(rig: Rig, person: str, pin: str, **changed: Any) -> dict[str, Any]:
    return {
        "id": f"{rig.clock.now_s}-{random.getrandbits(60):x}", "kind": "acknowledge",
        "person": person, "pin": pin, "siren": "mairie", "minutes": 0,
        "issued_ms": rig.clock.wall, **changed,
    }  # fmt: skip


def _forged(rig: Rig, rng: random.Random, control: dict[str, Any]) -> bytes:
    kind = rng.choice(("acknowledge", "mute", "reset", "test", "drill", "stop"))
    about = {"kind": kind, "minutes": rng.choice((0, 10, 60))}
    if rng.random() < 0.3:
        about = {"kind": rng.choice(("limits", "keep")), "station": "pont",
                 "limits_mm": [1300, 1900, 2600, 3300]}  # fmt: skip
    message = rng.choice((
        lambda: _action(rig, "Anne", rng.choice(("0000", "", "1" * 100, *TEXTS)), **about),
        lambda: _action(rig, rng.choice(("Zoé", "anne", "schedule", "key")), PIN, **about),
        lambda: control,  # repeated
        lambda: {**control, **about, "minutes": 7},  # its id with another content
        lambda: {**control, "id": "later", "issued_ms": WALL_MS - 86_400_000},
        lambda: _action(rig, "Anne", PIN, **about, issued_ms=rig.clock.wall + _stale(rng)),
        lambda: {**_action(rig, "Anne", PIN, **about), rng.choice(_NEEDED): rng.choice(_ODD)},
        lambda: {**_action(rig, "Anne", PIN, **about), "siren": "x", "station": "x"},
    ))()  # fmt: skip
    if message is control and rng.random() < 0.5:
        return bytes([messages.ACTION]) + json.dumps(message).encode()[: rng.randrange(80)]
    return bytes([messages.ACTION]) + json.dumps(message).encode()


_NEEDED = ("id", "kind", "person", "pin", "issued_ms")
_ODD: tuple[Any, ...] = (None, [], {}, "", 2**70, True, 1.5, "a" * 200, ["Anne"])


def _stale(rng: random.Random) -> int:
    return rng.choice((-1, 1)) * rng.choice((60_001, 3_600_000, 2**40))


def _standing(rig: Rig) -> Any:
    state = rig.state()
    sirens = [(s["state"], s["mode"], s["commanded"], s["asked"]) for s in state["sirens"]]
    return sirens, [(s["limits_mm"], s["proposed"], s["agreed"]) for s in state["stations"]]
