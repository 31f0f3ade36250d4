"""A siren's output in the site's file: what the wiring pages show reaches the guard."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from amont_guard.practice import LEVELS
from amont_guard.supervise import _RULES as RULES
from amont_guard.supervise import CODES, points
from amont_site import check, compile_guard
from amont_site.model import OUTPUT_KEYS, Output
from amont_site.texts import TEXTS

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "examples" / "site.yaml").read_text(encoding="utf-8")
SIMULATED = "    output: {kind: simulated}\n"
PAGES = [DOCS / "wiring.en.md", DOCS / "wiring.fr.md"]
PRACTICE = '    practice: {silent_test: "09:05"}\n'


def shown(page: Path) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def problems(folder: Path, siren: str) -> list[tuple[str, str]]:
    path = folder / "site.yaml"
    path.write_text(TEXT.replace(SIMULATED, siren), encoding="utf-8")
    return [(p.code, p.path) for p in check(path)[1]]


def compiled(folder: Path, siren: str) -> dict[str, Any]:
    assert problems(folder, siren) == []
    site = check(folder / "site.yaml")[0]
    assert site is not None
    found: dict[str, Any] = compile_guard(site)["sirens"][0]
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
@pytest.mark.parametrize("kind", ["gpio", "modbus"])
def test_what_the_wiring_page_shows_is_accepted_without_a_remark(
    page: Path, kind: str, tmp_path: Path
) -> None:
    example = next(text for text in shown(page) if f"kind: {kind}" in text)
    assert compiled(tmp_path, example)["output"]["kind"] == kind


def test_both_pages_show_the_same_wires() -> None:
    assert shown(PAGES[0]) == shown(PAGES[1])


def test_the_guard_reads_what_the_site_s_file_says(tmp_path: Path) -> None:
    class Siren:
        id = "mairie"

        def __init__(self, parts: dict[str, Any]) -> None:
            self.output, self.supervision, self.key = (
                parts[name] for name in ("output", "supervision", "key")
            )

    siren = compiled(tmp_path, shown(PAGES[0])[0])
    contacts, measures = points(Siren(siren))  # type: ignore[arg-type]
    assert contacts == {
        "contact": 27, "isolated": 24, "mains": 22, "tamper": 25, "mute_no": 12, "mute_nc": 16,
        "bypass": 13,
    }  # fmt: skip
    assert list(measures) == ["line_ohm", "earth_ohm", "coil_ma", "horn_ma", "battery_mv"]
    assert measures["battery_mv"].per_count == 4.59
    assert siren["practice"] == {
        "silent_test": {"hour": 10, "minute": 0},
        "drill": {
            "weekday": 3, "nth": 2, "hour": 18, "minute": 30, "seconds": 30,
            "agreed_by": ["Anne", "Luc"],
        },
    }  # fmt: skip


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_finding_stands_in_the_table_with_what_to_do(page: Path) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([12]) \| ([^|]+) \| ([^|]+) \|$", page.read_text(), re.M)
    missed = {f"{kind}_missed": level for kind, level in LEVELS.items()}
    assert [row[0] for row in rows] == [*CODES, *missed]
    levels = {code: level for code, (level, _) in RULES.items() if level} | missed
    assert {code: int(level) for code, level, *_ in rows if code in levels} == levels


def test_every_key_of_an_output_belongs_to_a_kind() -> None:
    known = {key for keys in OUTPUT_KEYS.values() for key in keys}
    assert set(Output.__struct_fields__) == {"kind"} | known


def test_defaults_of_a_module_and_of_practice(tmp_path: Path) -> None:
    bus = "    output: {kind: modbus, port: /dev/amont-siren, coil: 3}\n"
    assert problems(tmp_path, bus + PRACTICE) == [("silent-test-partial", "sirens[0].output")]
    site = check(tmp_path / "site.yaml")[0]
    assert site is not None
    siren = compile_guard(site)["sirens"][0]
    assert siren["output"] == {
        "kind": "modbus", "port": "/dev/amont-siren", "baud": 9600, "parity": "N", "unit": 1,
        "coil": 3, "readback_input": None, "isolate_coil": None, "isolate_readback_input": None,
    }  # fmt: skip
    assert siren["practice"] == {"silent_test": {"hour": 9, "minute": 5}, "drill": None}
    assert (siren["supervision"], siren["key"]) == ({}, None)


WIRED = (
    "    output: {kind: gpio, pin: 17, readback_pin: 27, isolate_pin: 23, "
    "isolate_readback_pin: 24}\n"
)
ON_BUS = (
    "    output: {kind: modbus, port: /dev/bus, coil: 0, readback_input: 0, isolate_coil: 1, "
    "isolate_readback_input: 1}\n"
)


@pytest.mark.parametrize(
    ("siren", "found"),
    [
        (WIRED + "    supervision: {mains: 17}\n", [("twice", "sirens[0].supervision.mains")]),
        (WIRED + "    key: {mute_no: 5, mute_nc: 5}\n", [("twice", "sirens[0].key.mute_nc")]),
        (WIRED + "    key: {mute_no: 5, mute_nc: 28}\n", [("between", "sirens[0].key.mute_nc")]),
        (
            WIRED + "    supervision: {coil_ma: {at: 8, low: 5}}\n",
            [("between", "sirens[0].supervision.coil_ma.at")],
        ),
        (ON_BUS + "    supervision: {mains: 2}\n", []),  # a coil and an input may share a number
        (ON_BUS + "    supervision: {mains: 1}\n", [("twice", "sirens[0].supervision.mains")]),
        (
            ON_BUS.replace("isolate_coil: 1", "isolate_coil: 0"),
            [("twice", "sirens[0].output.isolate_coil")],
        ),
        (
            "    output: {kind: modbus, pin: 17}\n",
            [
                ("output-useless", "sirens[0].output.pin"),
                ("output-missing", "sirens[0].output"),
                ("output-missing", "sirens[0].output"),
            ],
        ),
        (
            WIRED + "    practice: {drill: {weekday: monday, nth: 1, at: \"10:00\", seconds: 9, "
            "agreed_by: [Anne, Anne]}}\n",
            [("twice", "sirens[0].practice.drill.agreed_by[1]")],
        ),
        (SIMULATED + "    key: {mute_no: 1, mute_nc: 2}\n", [("no-wires", "sirens[0].key")]),
    ],
)  # fmt: skip
def test_wires_that_cannot_be(siren: str, found: list[tuple[str, str]], tmp_path: Path) -> None:
    assert sorted(problems(tmp_path, siren)) == sorted(found)


def test_two_sirens_on_one_port_or_one_pin(tmp_path: Path) -> None:
    second = "  - id: bourg\n    name: {fr: Bourg, en: Village}\n    stations: [pont-neuf]\n"
    for wires, key in ((WIRED, "pin"), (ON_BUS, "port")):
        text = TEXT.replace(SIMULATED, wires)
        at = text.index("\npeople:")
        path = tmp_path / "site.yaml"
        path.write_text(text[:at] + "\n" + second + wires + text[at:], encoding="utf-8")
        assert ("twice", f"sirens[1].output.{key}") in [(p.code, p.path) for p in check(path)[1]]


def test_bounds_of_a_station_reach_the_guard(tmp_path: Path) -> None:
    text = TEXT.replace("river: Amonette", "river: Amonette\n    bounds_mm: [1000, 3500]")
    path = tmp_path / "site.yaml"
    path.write_text(text, encoding="utf-8")
    site = check(path)[0]
    assert site is not None
    assert compile_guard(site)["stations"][0]["bounds_mm"] == [1000, 3500]
    path.write_text(text.replace("[1000, 3500]", "[3500, 1000]"), encoding="utf-8")
    assert [p.code for p in check(path)[1]] == ["low-high"]
    path.write_text(
        TEXT.replace("b, quantity: stage_mm, min: -500", "b, quantity: stage_mm, min: 800")
    )
    site = check(path)[0]
    assert site is not None
    # half a metre around 1200 to 3200, as far as every sensor reads
    assert compile_guard(site)["stations"][0]["bounds_mm"] == [800, 3700]


def test_the_sentences_about_wires_name_the_page_in_their_own_language() -> None:
    english, french = TEXTS["silent-test-partial"]
    assert "wiring.en.md" in english
    assert "wiring.fr.md" in french
