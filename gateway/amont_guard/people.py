"""Check who asks: PIN, tries, and that an action is new and recent.

What the action then may do, how long, and whether a second person must agree, is the alarm
state machine's business.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from amont_watch.texts import REFUSALS

from .config import Person

Text = dict[str, str]

TRIES, TRIES_WINDOW_S = 5, 900.0
EXPIRY_MS = 60_000
KINDS = ("acknowledge", "mute", "reset", "test", "drill")
_REMEMBERED = 256  # results kept to answer a repeated id
_SCRYPT_BYTES = 64 * 1024 * 1024

TEXTS: dict[str, Text] = {
    "done": {"fr": "Fait.", "en": "Done."},
    "second": {
        "fr": "Une deuxième personne doit confirmer dans les 60 secondes.",
        "en": "A second person must confirm within 60 seconds.",
    },
    "pin": {"fr": "Nom ou code inconnu.", "en": "Unknown name or PIN."},
    "tries": {
        "fr": "Trop d’essais : attendez 15 minutes, ou utilisez la clé sur place.",
        "en": "Too many tries: wait 15 minutes, or use the key on site.",
    },
    "expired": {"fr": "Demande trop ancienne : recommencez.", "en": "Too old: try again."},
    "malformed": {"fr": "Demande incomplète.", "en": "Incomplete request."},
    "unknown": {"fr": "Action ou sirène inconnue.", "en": "Unknown action or siren."},
    "busy": {"fr": "Occupé : recommencez.", "en": "Busy: try again."},
}


@dataclass(frozen=True, slots=True)
class Action:
    """One well-formed request of a person."""

    id: str
    kind: str
    person: str
    pin: str = field(repr=False)
    siren: str
    minutes: int
    issued_ms: int


def parse(message: dict[str, Any]) -> Action | None:
    """Take an ACTION message apart; return None if anything is missing or of the wrong kind."""
    texts = [message.get(name) for name in ("id", "kind", "person", "pin", "siren")]
    minutes, issued_ms = message.get("minutes", 0), message.get("issued_ms")
    if not all(isinstance(text, str) and 0 < len(text) <= 100 for text in texts):
        return None
    if type(minutes) is not int or type(issued_ms) is not int or not 0 <= minutes <= 60:
        return None
    action_id, kind, person, pin, siren = map(str, texts)
    return Action(action_id, kind, person, pin, siren, minutes, issued_ms)


def pin_matches(stored: str, pin: str) -> bool:
    """Check a PIN against ``scrypt$n$r$p$salt$hash``; slow on purpose. False if unreadable."""
    try:
        scheme, n, r, p, salt, digest = stored.split("$")
        found = hashlib.scrypt(
            pin.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p),
            maxmem=_SCRYPT_BYTES, dklen=len(digest) // 2,
        )  # fmt: skip
        return scheme == "scrypt" and hmac.compare_digest(found, bytes.fromhex(digest))
    except ValueError:
        return False


class People:
    """Decide who may act. Lives in the loop; only the PIN check runs elsewhere, by ``submit``."""

    def __init__(
        self,
        people: dict[str, Person],
        sirens: set[str],
        submit: Callable[[Callable[[], None]], bool],
        allow: Callable[[Action], str],
        answer: Callable[[dict[str, Any], Action | None], None],
    ) -> None:
        """Take the site's people and sirens, and three ways out.

        ``submit`` runs a job on another thread. ``allow`` carries out what a proved person asks
        (and asks for the second one where needed); it returns a key of ``TEXTS`` or ``REFUSALS``.
        ``answer`` sends a RESULT, and is told of the action if its PIN was checked.
        """
        self._people, self._sirens = people, sirens
        self._submit, self._allow, self._answer = submit, allow, answer
        self._results: OrderedDict[str, dict[str, Any] | None] = OrderedDict()
        self._tries: dict[str, list[float]] = {}
        self._checked: list[tuple[Action, bool]] = []

    def ask(self, message: dict[str, Any], now_s: float, wall_ms: int) -> None:
        """Take an ACTION message; the answer comes now or after the PIN was checked."""
        action = parse(message)
        if action is None:
            self._answer(_result(str(message.get("id", ""))[:100], "malformed"), None)
        elif action.id in self._results:
            known = self._results[action.id]
            if known is not None:
                self._answer(known, None)
        else:
            self._check(action, now_s, wall_ms)

    def settle(self) -> None:
        """Go on with the actions whose PIN was checked meanwhile."""
        while self._checked:
            action, right = self._checked.pop(0)
            if right:
                self._tries.pop(action.person, None)
            self._finish(action, self._allow(action) if right else "pin")

    def _check(self, action: Action, now_s: float, wall_ms: int) -> None:
        refusal = self._refusal(action, now_s, wall_ms)
        if refusal:
            self._answer(_result(action.id, refusal), None)
            return  # not remembered: the same id may try again
        self._results[action.id] = None
        while len(self._results) > _REMEMBERED:
            self._results.popitem(last=False)
        stored = self._people[action.person].pin
        if self._submit(lambda: self._checked.append((action, pin_matches(stored, action.pin)))):
            self._tries.setdefault(action.person, []).append(now_s)  # before the outcome is known
        else:
            del self._results[action.id]
            self._answer(_result(action.id, "busy"), None)

    def _refusal(self, action: Action, now_s: float, wall_ms: int) -> str:
        if action.kind not in KINDS or action.siren not in self._sirens:
            return "unknown"
        if abs(wall_ms - action.issued_ms) > EXPIRY_MS:
            return "expired"
        if action.person not in self._people:
            return "pin"  # at once: names are no secret, they stand on the page
        tries = [at for at in self._tries.get(action.person, []) if now_s - at < TRIES_WINDOW_S]
        self._tries[action.person] = tries
        return "tries" if len(tries) >= TRIES else ""

    def _finish(self, action: Action, code: str) -> None:
        result = _result(action.id, code)
        self._results[action.id] = result
        self._answer(result, action)


def _result(action_id: str, code: str) -> dict[str, Any]:
    ok = code in ("done", "second")
    return {"id": action_id, "ok": ok, "code": code, "text": TEXTS.get(code) or REFUSALS[code]}
