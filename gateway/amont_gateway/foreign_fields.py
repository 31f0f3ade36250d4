"""Read values and times out of what another maker's message holds; pure, and it never raises.

Numbers stay exact: a decimal fraction of a message is a rational number here, never a float.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

MAX_BYTES = 65_536  # of a payload: no sensor's reading is longer
_DIGITS, _EXPONENT = 60, 30  # of a number: beyond them it measures nothing
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", re.ASCII)
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]{1,12}))?(?:([Zz])|([+-])([0-9]{2}):?([0-9]{2}))?",
    re.ASCII,
)
_MISSING = object()


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except ArithmeticError:  # an exponent beyond all measure: it is no number, the rest may be
        return None


_decoder = msgspec.json.Decoder(float_hook=_decimal)


class Malformed(ValueError):
    """A payload that is not what its source says."""


def decoded(payload: bytes) -> Any:
    """Return a payload's JSON with exact numbers; raise Malformed, also if it is too deep."""
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Malformed(str(error)[:120]) from None


def found(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return what a path leads to; ``MISSING`` if it leads nowhere."""
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return MISSING
            value = value[step]
        elif not isinstance(value, dict) or step not in value:
            return MISSING
        else:
            value = value[step]
    return value


MISSING: Any = _MISSING


def exact(value: Any) -> Fraction | None:
    """Return a number, or a text that is one, exactly; None for all else."""
    if isinstance(value, str):
        text = value.strip()
        return _small(Decimal(text)) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return _small(Decimal(value))
    return None


def _small(value: Decimal) -> Fraction | None:
    if not value.is_finite() or len(value.as_tuple().digits) > _DIGITS:
        return None
    if value and not -_EXPONENT <= value.adjusted() <= _EXPONENT:
        return None
    return Fraction(value)


def moment_ms(value: Any, form: str, zone: ZoneInfo, now_ms: int) -> int | None:
    """Return a time of one of the forms of ``foreign.Moment`` in Unix ms, None if it is none."""
    if form in ("s", "ms"):
        number = exact(value)
        if number is None:
            return None
        return int(number * 1000) if form == "s" else int(number)
    told = _MOMENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if told is None or (form == "rfc3339" and not (told[8] or told[9])):
        return None
    try:
        return _calendar_ms(told, zone, now_ms)
    except (ValueError, OverflowError):  # the 31st of February
        return None


def _calendar_ms(told: re.Match[str], zone: ZoneInfo, now_ms: int) -> int:
    year, month, day, hour, minute, second = (int(told[i]) for i in range(1, 7))
    part_ms = int((told[7] or "").ljust(3, "0")[:3])
    leap = second == 60
    plain = datetime(year, month, day, hour, minute, 59 if leap else second)  # noqa: DTZ001
    if told[8]:
        whole_s = int(plain.replace(tzinfo=UTC).timestamp())
    elif told[9]:
        offset = timedelta(hours=int(told[10]), minutes=int(told[11]))
        away = timezone(-offset if told[9] == "-" else offset)
        whole_s = int(plain.replace(tzinfo=away).timestamp())
    else:
        whole_s = _local_s(plain, zone, now_ms)
    return (whole_s + leap) * 1000 + part_ms


def _local_s(plain: datetime, zone: ZoneInfo, now_ms: int) -> int:
    """Return a wall clock's time; of the two in the hour that comes twice the one nearer to us."""
    both = {int(plain.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1)}
    return min(both, key=lambda s: abs(s * 1000 - now_ms))
