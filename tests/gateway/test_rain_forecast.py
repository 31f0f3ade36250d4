"""The rain forecast that something drops: good, stale, malformed, hostile; told once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.gateway import waterworks as w

from amont_gateway import doctor
from amont_gateway.app import build
from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.rain_forecast import FILE, MAX_BYTES, RainForecast
from amont_gateway.running import Plan
from amont_gateway.scoring.timeline import Series
from amont_site import load
from amont_site.model import RainForecast as RainForecastPart

ROOT = Path(__file__).parents[2]
ARTIFACTS = "models/artifacts"
ISSUED = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def text_of(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def content(**changes: Any) -> dict[str, Any]:
    steps = [{"until_utc": text_of(ISSUED + k * HOUR), "mm": 0.5 * k} for k in (1, 2, 4)]
    made = {
        "issued_utc": text_of(ISSUED),
        "valid_until": text_of(ISSUED + 24 * HOUR),
        "steps": steps,
    }
    return {**made, **changes}


class Rig:
    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self.path.parent.mkdir()
        self.counters = Counters()
        self.events = Events(self.counters, lambda: 0)
        self.forecast = RainForecast(folder, 12, self.counters, self.events)

    def drop(self, what: dict[str, Any] | str | bytes) -> None:
        text = json.dumps(what) if isinstance(what, dict) else what
        part = self.path.with_suffix(".part")
        part.write_bytes(text.encode() if isinstance(text, str) else text)
        part.replace(self.path)

    def at(self, moment: datetime) -> list[tuple[int, float]]:
        found = self.forecast.series(ms(moment))
        return list(zip(found.t_ms.tolist(), found.value.tolist(), strict=True))

    @property
    def refused(self) -> int:
        return self.counters.snapshot().get("rain_forecasts_refused", 0)


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path)


def test_a_good_file_gives_the_rain_at_the_end_of_each_step(rig: Rig) -> None:
    rig.drop(content())
    expected = [(ms(ISSUED + k * HOUR), 500.0 * k) for k in (1, 2, 4)]
    assert rig.at(ISSUED + HOUR) == expected
    assert rig.at(ISSUED + 12 * HOUR) == expected
    assert (rig.refused, rig.events.latest()) == (0, [])


def test_the_river_model_is_given_it_and_nothing_else_is(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Series] = []

    def update(self: Any, model: Any, windows: Any, now_ms: int, rain: Series) -> Any:
        given.append(rain)
        return [], None

    monkeypatch.setattr("amont_gateway.scoring.live.RiverForecasts.update", update)
    site = load(ROOT / "docs" / "examples" / "site.yaml")
    rig.drop(content())
    for part in (RainForecastPart(), None):
        asked = msgspec.structs.replace(site, rain_forecast=part)
        service = build(asked, tmp_path, tmp_path / "guard.sock", artifacts=ROOT / ARTIFACTS)
        scorer = service.gateway.advisor._load()
        scorer.update(service.gateway.windows, ms(ISSUED + HOUR))
    assert [series.value.tolist() for series in given] == [[500.0, 1000.0, 2000.0], []]


def test_the_doctor_tells_what_became_of_it(rig: Rig, tmp_path: Path) -> None:
    site = msgspec.structs.replace(w.site_of(tmp_path), rain_forecast=RainForecastPart())
    plan = Plan(site, tmp_path, tmp_path / "guard.sock", None, None, None)

    def said() -> list[tuple[str, str]]:
        return [(f.verdict, f.text) for f in doctor._rain(plan)]

    assert said() == [("weak", "no file: the river model does without")]
    rig.drop("rain tomorrow")
    ((verdict, text),) = said()
    assert (verdict, text[:24]) == ("weak", "Rain forecast left aside")
    now = datetime.now(UTC)
    steps = [{"until_utc": text_of(now + HOUR), "mm": 1}]
    rig.drop(content(issued_utc=text_of(now), valid_until=text_of(now + HOUR), steps=steps))
    assert said() == [("good", "1 steps")]
    assert list(doctor._rain(replace(plan, site=w.site_of(tmp_path)))) == []


@pytest.mark.parametrize("page", ["site.en.md", "site.fr.md"])
def test_the_documents_example_is_good(page: str, rig: Rig) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rig.drop(text.partition("```json\n")[2].partition("```")[0])
    assert [value for _, value in rig.at(ISSUED + HOUR)] == [400.0, 2100.0]


def test_a_newer_file_takes_the_place_of_the_old_one(rig: Rig) -> None:
    rig.drop(content())
    rig.at(ISSUED + HOUR)
    rig.drop(content(steps=[{"until_utc": text_of(ISSUED + 6 * HOUR), "mm": 9}]))
    assert rig.at(ISSUED + HOUR) == [(ms(ISSUED + 6 * HOUR), 9000.0)]
    rig.path.unlink()
    assert rig.at(ISSUED + HOUR) == []
    assert rig.refused == 0  # not there is no fault


def test_what_is_too_old_is_as_if_absent_and_told_once(rig: Rig) -> None:
    rig.drop(content())
    for minutes in (1, 2, 3):
        assert rig.at(ISSUED + 12 * HOUR + timedelta(minutes=minutes)) == []
    assert rig.refused == 1
    (event,) = rig.events.latest()
    assert (event.kind, event.count) == ("rain_forecast", 1)
    assert "2026-03-01 06:00 UTC, too old" in event.text["en"]
    rig.drop(content(issued_utc=text_of(ISSUED + HOUR), steps=[
        {"until_utc": text_of(ISSUED + 14 * HOUR), "mm": 1}]))  # fmt: skip
    assert len(rig.at(ISSUED + 12 * HOUR)) == 1


def _steps(*pairs: tuple[float, float]) -> list[dict[str, Any]]:
    return [{"until_utc": text_of(ISSUED + hours * HOUR), "mm": mm} for hours, mm in pairs]


BAD: dict[str, dict[str, Any] | str | bytes] = {
    "no JSON": "rain tomorrow",
    "not UTF-8": b"\xff\xfe{}",
    "empty": "",
    "a list": "[]",
    "nothing in it": "{}",
    "an unknown key": content(source="a friend"),
    "a time without zone": content(issued_utc="2026-03-01T06:00:00"),
    "no step": content(steps=[]),
    "too many steps": content(steps=_steps(*((k / 60, 0.0) for k in range(1, 402)))),
    "steps that go back": content(steps=_steps((2, 1.0), (1, 1.0))),
    "a step before it was issued": content(steps=_steps((0, 1.0))),
    "negative rain": content(steps=_steps((1, -0.1))),
    "too much rain": content(steps=_steps((1, 201.0))),
    "no number": content(steps=[{"until_utc": text_of(ISSUED + HOUR), "mm": "1"}]),
    "not a number": json.dumps(content(steps=_steps((1, 1.5)))).replace("1.5", "NaN"),
    "too far ahead": content(steps=_steps((11 * 24, 1.0))),
    "out of its own validity": content(valid_until=text_of(ISSUED + HOUR)),
    "of the future": content(
        issued_utc=text_of(ISSUED + 4 * HOUR), steps=_steps((5, 1.0), (6, 1.0))
    ),
    "too large": " " * MAX_BYTES + json.dumps(content()),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_is_left_aside(case: str, rig: Rig) -> None:
    rig.drop(BAD[case])
    assert rig.at(ISSUED + 2 * HOUR) == []
    assert rig.refused == 1
    assert [e.kind for e in rig.events.latest()] == ["rain_forecast"]
    rig.drop(content())
    assert len(rig.at(ISSUED + 2 * HOUR)) == 3


def test_no_link_no_pipe_and_no_folder_is_read(rig: Rig) -> None:
    secret = rig.path.with_name("elsewhere.json")
    secret.write_text(json.dumps(content()))
    rig.path.symlink_to(secret)
    assert rig.at(ISSUED + HOUR) == []
    rig.path.unlink()
    os.mkfifo(rig.path)  # nobody writes: reading it would wait for ever
    assert rig.at(ISSUED + HOUR) == []
    rig.path.unlink()
    rig.path.mkdir()
    assert rig.at(ISSUED + HOUR) == []
    assert rig.refused == 3
