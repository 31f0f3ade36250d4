"""Declare other people's sensors: which messages of a broker hold which readings.

A foreign sensor is no node's: its readings arrive unsealed, are shown and kept, and never vote.
``steps`` reads the small language of paths into JSON; nothing in it is ever executed.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from amont_site.parts import Broker, Line, Slug, Text

NAME = r"[A-Za-z0-9_-]{1,60}"
QUOTED = r"\['[^'\[\]\n]{1,60}'\]"
INDEX = r"\[[0-9]{1,3}\]"
PATH_PATTERN = f"^({NAME}|{QUOTED}|{INDEX})(\\.{NAME}|{QUOTED}|{INDEX}){{0,15}}$"
EXACT_PATTERN = "^-?[0-9]{1,9}(\\.[0-9]{1,9})?(/[1-9][0-9]{0,8})?$"
TOTALS = {"rain_um": "rain_um", "flow_l_h": "volume_l"}  # what of a quantity adds up
DEVICE = "{device}"  # the level of a topic that names the device

JsonPath = Annotated[str, Meta(pattern=PATH_PATTERN)]
Exact = Annotated[str, Meta(pattern=EXACT_PATTERN)]
Topic = Annotated[str, Meta(min_length=1, max_length=200)]
Bound = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Seconds = Annotated[int, Meta(ge=1, le=86_400)]
Quantity = Literal[
    "stage_mm", "rain_um", "flow_l_h", "pressure_pa10", "volume_l",
    "water_temp_cc", "air_temp_cc", "battery_mv", "level_mm", "range_mm",
]  # fmt: skip


class _Part(Struct, frozen=True, forbid_unknown_fields=True):
    """The strictness that every part of the file shares."""


class Moment(_Part, frozen=True, kw_only=True):
    """Where a message tells the time of its readings, and how it is written."""

    at: JsonPath
    # rfc3339 with its zone, local without one (the site's zone), Unix seconds, Unix milliseconds
    form: Literal["rfc3339", "local", "s", "ms"] = "rfc3339"


class ForeignSensor(_Part, frozen=True, kw_only=True):
    """One sensor of a source: which value, in which unit, for which place."""

    # its number in the journal, as a node has its id: never give one to another sensor
    number: Annotated[int, Meta(ge=1, le=255)]
    sensor: Slug
    name: Text | None = None  # the source's name if absent
    device: Line | None = None  # every device of the source if absent
    value: Line | None = None  # a path; of SenML the record's whole name; absent: form plain
    quantity: Quantity
    unit: Line | None = None
    unit_at: JsonPath | None = None  # where the message itself says the unit
    factor: Exact = "1"  # what is read times factor, plus offset, is in the unit
    offset: Exact = "0"
    # what is read only grows, as a meter's index: the reading is what came since the one before
    total: bool = False
    station: Slug | None = None  # of stage_mm: where it may advise a watch, and nothing else
    validity_s: Seconds | None = None  # three intervals if absent
    min: Bound | None = None  # the quantity's usual bounds if absent, as the next three
    max: Bound | None = None
    step_per_min: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    flat_samples: Annotated[int, Meta(ge=0, le=10_000)] | None = None

    @property
    def read_as(self) -> str:
        """Return the quantity of what is read: of a total it is what adds up."""
        return TOTALS.get(self.quantity, self.quantity) if self.total else self.quantity


class ForeignSource(_Part, frozen=True, kw_only=True):
    """Messages of one kind, and the sensors whose readings they hold."""

    id: Slug
    name: Text
    topic: Topic  # + one level, # all below, {device} one level that names the device
    form: Literal["json", "senml", "plain"] = "json"
    device: JsonPath | None = None  # where a message names its device, if the topic does not
    time: Moment | None = None  # when it arrives, if absent
    interval_s: Seconds = 900
    broker: Broker | None = None  # the site's if absent
    sensors: Annotated[list[ForeignSensor], Meta(min_length=1, max_length=100)]

    @property
    def dated(self) -> bool:
        """Tell whether its messages say themselves when they were measured."""
        return self.time is not None or self.form == "senml"

    @property
    def topic_filter(self) -> str:
        """Return the topic as a broker knows it."""
        return "/".join("+" if x == DEVICE else x for x in self.topic.split("/"))


_PART = re.compile(rf"\.?({NAME})|\['([^'\[\]\n]{{1,60}})'\]|\[([0-9]{{1,3}})\]")


def steps(path: str) -> tuple[str | int, ...]:
    """Return a path as keys and places: ``a.b[0]['c d']`` is ``("a", "b", 0, "c d")``.

    Raise ValueError if it is none.
    """
    if not re.fullmatch(PATH_PATTERN[1:-1], path):
        raise ValueError(f"{path!r} is no path")
    return tuple(
        int(index) if index else name or quoted for name, quoted, index in _PART.findall(path)
    )


def levels(topic: str) -> list[str]:
    """Return a topic's levels, of which ``+``, ``#`` and ``{device}`` stand for others."""
    return topic.split("/")
