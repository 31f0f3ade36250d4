"""What a zone's own long past has taught: read its part of ``adapted.json``, and say what it is.

The live windows hold half a year; ``amont-models adapt`` looks at all that the journal holds. It
teaches how far this zone's use comes and goes without a leak, as factors on the signed rule's
thresholds, and which day of the week a public holiday is like.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amont_gateway.scoring.adapted_file import FILE, read_whole
from amont_gateway.scoring.model_files import ModelError
from amont_gateway.scoring.zone_features import SUNDAY
from amont_gateway.scoring.zone_test import LeakRule

LEAST, MOST = 0.25, 4.0  # factors: beyond them the rule is another one, not this zone's


@dataclass(frozen=True)
class ZoneAdapted:
    """Of one zone: factors on the thresholds of hours and of nights; what a holiday is like.

    ``holiday`` is a day type: 0 a working day, 1 a Saturday, 2 a Sunday.
    """

    step: float = 1.0
    night: float = 1.0
    holiday: int = SUNDAY

    def __post_init__(self) -> None:
        """Hold what the rest relies on; ModelError says what is wrong."""
        for name in ("step", "night"):
            factor = getattr(self, name)
            if not (math.isfinite(factor) and LEAST <= factor <= MOST):
                raise ModelError(f"{FILE}: {name}: a factor of {factor}")
        if self.holiday not in range(SUNDAY + 1):
            raise ModelError(f"{FILE}: holiday: no day type {self.holiday}")

    def rule(self, rule: LeakRule) -> LeakRule:
        """Return the signed rule with this zone's own thresholds.

        At its own alarm a zone's leak is as probable as one of any zone at the rule's.
        """
        return replace(
            rule,
            step=rule.step * self.step,
            drift=rule.drift * self.night,
            watch=rule.watch * self.night,
            alarm=rule.alarm * self.night,
            probability_middle=rule.probability_middle + math.log(self.night),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON holds them."""
        return {"step": self.step, "night": self.night, "holiday": self.holiday}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> ZoneAdapted:
        """Read the numbers; ModelError on anything that is not what it should be."""
        try:
            holiday = said["holiday"]
            if type(holiday) is not int:
                raise ValueError(f"holiday: {holiday!r}")
            return cls(float(said["step"]), float(said["night"]), holiday)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{FILE}: {type(error).__name__}: {error}"[:200]) from error


AS_IT_CAME = ZoneAdapted()


def made_for(sha256: str, rule: LeakRule) -> str:
    """Return what an adaptation is bound to: the network's file and the rule that it scales."""
    settings = json.dumps([sha256, sorted(vars(rule).items())])
    return hashlib.sha256(settings.encode()).hexdigest()


def read(path: Path, wanted: str) -> dict[str, ZoneAdapted]:
    """Return each adapted zone of a file; none if there is no file, or none of them in it.

    ``wanted`` is ``made_for`` of what runs. ModelError if the file is damaged or of another.
    """
    said = read_whole(path)
    part = None if said is None else said.get("zones")
    if part is None:
        return {}
    try:
        zones = part["zones"]
        if part["made_for"] != wanted and zones != {}:
            raise ModelError(
                f"{FILE}: zones: made for another model; run amont-models adapt again"
            )
        return {str(name): ZoneAdapted.from_json(one) for name, one in zones.items()}
    except (AttributeError, KeyError, TypeError) as error:
        raise ModelError(f"{FILE}: zones: {type(error).__name__}: {error}"[:200]) from error
