"""Check who asks: PIN, tries, and that an action is new and recent.

What the action then may do, how long, and whether a second person must agree, is the alarm state
machine's and the thresholds' business.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from .config import Person

# Tries count before their outcome is known, for each person alone, and only those that were
# checked: whoever guesses closes one person's PIN for a while, not the local key, not the others'.
TRIES, TRIES_WINDOW_S = 5, 900.0
EXPIRY_MS = 60_000
KINDS = {
    **dict.fromkeys(("acknowledge", "mute", "reset", "test", "drill", "stop"), "siren"),
    **dict.fromkeys(("limits", "keep"), "station"),
}
GRANTED = ("done", "second", "agreed")
_REMEMBERED = 256  # results kept to answer a repeated id
_SCRYPT_BYTES = 64 * 1024 * 1024
_WHOLE = 2**53  # beyond, JSON readers differ


@dataclass(frozen=True, slots=True)
class Action:
    """One well-formed request of a person."""

    id: str
    kind: str
    person: str
    pin: str = field(repr=False)
    place: str  # siren or station, as KINDS says
    minutes: int
    issued_ms: int
    limits_mm: list[int]  # of kind limits; else empty


def parse(message: dict[str, Any]) -> Action | None:
    """Take an ACTION message apart; return None if anything is missing or of the wrong kind."""
    place = "station" if message.get("kind") in ("limits", "keep") else "siren"
    texts: list[Any] = [message.get(key) for key in ("id", "kind", "person", "pin", place)]
    numbers: list[Any] = [message.get("minutes", 0), message.get("issued_ms")]
    limits_mm: Any = message.get("limits_mm") if texts[1] == "limits" else []
    fits = (
        all(isinstance(text, str) and 0 < len(text) <= 100 for text in texts)
        and isinstance(limits_mm, list)
        and len(limits_mm) == (4 if texts[1] == "limits" else 0)
        and all(type(n) is int and abs(n) < _WHOLE for n in numbers + limits_mm)
        and 0 <= numbers[0] <= 60
    )
    asked = [*texts, *numbers, limits_mm]
    return Action(*asked) if fits else None


def pin_matches(stored: str, pin: str) -> bool:
    """Check a PIN against ``scrypt$n$r$p$salt$hash``; slow on purpose. False if unreadable."""
    try:
        scheme, n, r, p, salt, digest = stored.split("$")
        found = hashlib.scrypt(
            pin.encode(), salt=bytes.fromhex(salt), n=int(n), r=int(r), p=int(p),
            maxmem=_SCRYPT_BYTES, dklen=len(digest) // 2,
        )  # fmt: skip
        plain = scheme == "scrypt" and "\0" not in pin  # HMAC would pad a shorter PIN with NULs
        return plain and hmac.compare_digest(found, bytes.fromhex(digest))
    except ValueError:
        return False


class People:
    """Decide who may act. Lives in the loop; only the PIN check runs elsewhere, by ``submit``."""

    def __init__(
        self,
        people: dict[str, Person],
        sirens: Container[str],
        submit: Callable[[Callable[[], None]], bool],
        allow: Callable[[Action], str],
        answer: Callable[[dict[str, Any], Action | None], None],
        stations: Container[str] = (),
    ) -> None:
        """Take the site's people and places, and three ways out.

        ``submit`` runs a job on another thread. ``allow`` carries out what a proved person asks
        (and asks for the second one where needed) and returns a code: one of ``GRANTED`` or why
        not. ``answer`` sends a RESULT, and is told of the action if its PIN was checked.
        """
        self._people, self._places = people, {"siren": sirens, "station": stations}
        self._submit, self._allow, self._answer = submit, allow, answer
        # by id: a fingerprint of what was asked, and the result once there is one
        self._asked: OrderedDict[str, tuple[int, dict[str, Any] | None]] = OrderedDict()
        self._tries: dict[str, list[float]] = {}
        self._checked: list[tuple[Action, bool]] = []

    def ask(self, message: dict[str, Any], now_s: float, wall_ms: int) -> None:
        """Take an ACTION message; the answer comes now or after the PIN was checked."""
        action = parse(message)
        fingerprint, result = self._asked.get(action.id, (0, None)) if action else (0, None)
        if action is None or (fingerprint and fingerprint != _fingerprint(action)):
            asked = message.get("id")
            self._answer(_result(asked[:100] if isinstance(asked, str) else "", "malformed"), None)
        elif result is not None:
            self._answer(result, None)
        elif not fingerprint:
            self._check(action, now_s, wall_ms)

    def settle(self) -> None:
        """Go on with the actions whose PIN was checked meanwhile."""
        while self._checked:
            action, right = self._checked.pop(0)
            if right:
                self._tries.pop(action.person, None)
            result = _result(action.id, self._allow(action) if right else "pin")
            self._asked[action.id] = (_fingerprint(action), result)
            self._answer(result, action)

    def _check(self, action: Action, now_s: float, wall_ms: int) -> None:
        code = self._refusal(action, now_s, wall_ms)
        if not (code or self._submit(lambda: self._prove(action))):
            code = "busy"
        if code:
            self._answer(_result(action.id, code), None)
            return  # not remembered: the same id may try again
        self._tries[action.person].append(now_s)  # before the outcome is known
        self._asked[action.id] = (_fingerprint(action), None)
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)

    def _prove(self, action: Action) -> None:
        right = pin_matches(self._people[action.person].pin, action.pin)
        self._checked.append((action, right))

    def _refusal(self, action: Action, now_s: float, wall_ms: int) -> str:
        place = KINDS.get(action.kind, "")
        if action.place not in self._places.get(place, ()):
            return "unknown"
        if abs(wall_ms - action.issued_ms) > EXPIRY_MS:
            return "expired"
        if action.person not in self._people:
            return "pin"  # at once: names are no secret, they stand on the page
        tries = [at for at in self._tries.get(action.person, []) if now_s - at < TRIES_WINDOW_S]
        self._tries[action.person] = tries
        return "tries" if len(tries) >= TRIES else ""


def _result(action_id: str, code: str) -> dict[str, Any]:
    return {"id": action_id, "ok": code in GRANTED, "code": code}


def _fingerprint(action: Action) -> int:
    # Of all that was asked, with the PIN; keyed by this process, so that it tells nothing of it.
    return hash((str(action), action.pin)) or 1
