"""The recipes of docs/sensors: each is checked as a site's file and read with its own message."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amont_gateway import cli
from amont_gateway.foreign_mapping import Mapping
from amont_gateway.readings import QUANTITIES
from amont_site import check, load

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = (DOCS / "examples" / "site.yaml").read_text(encoding="utf-8")
NOW_MS = int(datetime(2026, 3, 1, 9, 40, tzinfo=UTC).timestamp() * 1000)
PAGES = ("sensors.en.md", "sensors.fr.md")
RECIPE = re.compile(
    r"^### ([^\n]+)\n.*?```yaml\n(.*?)```\n\n`([^`]+)` → ([^\n]+)\n\n```json\n(.*?)```",
    re.M | re.S,
)


def recipes(page: str) -> list[tuple[str, str, str, list[str], str]]:
    text = (DOCS / page).read_text(encoding="utf-8").partition("## Rec")[2]
    return [
        (name, source, topic, re.findall(r"`([^`]+)`", wanted), message)
        for name, source, topic, wanted, message in RECIPE.findall(text)
    ]


ALL = [(page, *recipe) for page in PAGES for recipe in recipes(page)]


def site_file(folder: Path, sources: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(
        EXAMPLE.replace("\nsirens:", f"\nforeign_sources:\n{sources}\nsirens:", 1),
        encoding="utf-8",
    )
    return path


def test_each_page_has_all_five() -> None:
    names = [[name.partition(",")[0].partition(" (")[0] for name, *_ in recipes(p)] for p in PAGES]
    assert names[0] == [
        "ChirpStack",
        "The Things Stack",
        "SenML in JSON",
        "Zigbee2MQTT",
        "Tasmota",
    ]
    assert [len(page) for page in names] == [5, 5]


@pytest.mark.parametrize("recipe", ALL, ids=lambda r: f"{r[0][8:10]} {r[1].split()[0]}")
def test_a_recipe_is_a_good_file_and_reads_its_message(
    recipe: tuple[str, str, str, str, list[str], str], tmp_path: Path
) -> None:
    _, _, source, topic, wanted, message = recipe
    site, problems = check(site_file(tmp_path, source))
    assert problems == []
    assert site is not None
    mapping = Mapping(site.foreign_sources[0], site.time_zone)
    assert mapping.matches(topic)
    mapped = mapping.map(topic, message.encode(), NOW_MS)
    assert [f"{r.sensor}={r.value}" for r in mapped.readings] == wanted
    assert mapped.refused == []
    assert all(NOW_MS - 8_000_000 < r.at_ms < NOW_MS for r in mapped.readings)


def test_all_recipes_fit_in_one_file(tmp_path: Path) -> None:
    sources = "".join(source for _, source, *_ in recipes(PAGES[0]))
    site, problems = check(site_file(tmp_path, sources))
    assert (problems, site is not None) == ([], True)


@pytest.mark.parametrize("page", PAGES)
def test_the_whole_form_is_a_good_file(page: str, tmp_path: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    block = re.findall(r"```yaml\nforeign_sources:\n(.*?)```", text, re.S)[0]
    site, problems = check(site_file(tmp_path, block))
    assert problems == []
    assert site is not None
    message = b'{"capteur": {"numero": 42}, "quand": "2026-03-01T10:30:00+01:00",' + (
        b'"mesures": [{"distance": 250.25}]}'
    )
    mapping = Mapping(site.foreign_sources[0], site.time_zone)
    mapped = mapping.map("maison/a/mesures", message, NOW_MS)
    assert [r.seen for r in mapped.refused] == ["42"]  # the file says 0042
    message = message.replace(b"42}", b'"0042"}')
    (reading,) = mapping.map("maison/a/mesures", message, NOW_MS).readings
    assert (reading.value, reading.at_ms) == (1622, NOW_MS - 600_000)  # 1622.5, to the even one


def run(folder: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    sources = "".join(source for _, source, *_ in recipes(PAGES[0]))
    code = cli.main(["sensors", "try", "--site", str(site_file(folder, sources)), *options])
    return code, capsys.readouterr().out


def test_trying_says_what_becomes_of_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    message = tmp_path / "m.json"
    message.write_text(json.dumps({"temperature": 21.34, "voltage": "full", "last_seen": now}))
    asked = ("--topic", "zigbee2mqtt/local", "--payload", str(message))
    code, out = run(tmp_path, capsys, *asked)
    assert code == 0
    assert "✔ local-temp  air_temp_cc=2134" in out
    assert "✘ local-pile: n'est pas un nombre · not a number (full)" in out
    assert "fr: non scellé : ne vote jamais" in out
    assert "en: unsealed: never votes" in out
    code, out = run(tmp_path, capsys, *asked, "--json")
    (tried,) = json.loads(out)
    assert (code, tried["source"]) == (0, "zigbee")
    assert [r["quantity"] for r in tried["readings"]] == ["air_temp_cc"]
    assert tried["refused"] == [{"why": "number", "sensor": "local-pile", "seen": "full"}]


def test_a_kept_message_is_tried_as_of_its_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = tmp_path / "m.json"
    message.write_text('{"temperature": 21.34, "last_seen": "2020-03-01T10:20:00+01:00"}')
    asked = ("--topic", "zigbee2mqtt/local", "--payload", str(message))
    code, out = run(tmp_path, capsys, *asked)
    assert code == 1
    assert "too old (more than 90 days)" in out
    assert "en: to try a message that was kept" in out
    assert "fr: un message gardé" in out
    code, out = run(tmp_path, capsys, *asked, "--at", "2020-03-01T10:21:00+01:00")
    assert code == 0
    assert "✔ local-temp  air_temp_cc=2134  2020-03-01 10:20:00 CET" in out
    with pytest.raises(SystemExit):
        run(tmp_path, capsys, *asked, "--at", "2020-03-01T10:21:00")
    assert "is no time such as" in capsys.readouterr().err


def test_trying_names_what_no_source_expects(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    message = tmp_path / "m.json"
    message.write_text("{}")
    code, out = run(tmp_path, capsys, "--topic", "tele/puits/STATE", "--payload", str(message))
    assert code == 1
    assert "aucune source n'attend le sujet tele/puits/STATE" in out
    assert "no source expects the topic tele/puits/STATE" in out
    assert "tele/{device}/SENSOR" in out
    code, out = run(tmp_path, capsys, "--topic", "zigbee2mqtt/cave", "--payload", str(message))
    assert code == 1
    assert "appareil sans capteur déclaré · device without a declared sensor (cave)" in out


def test_trying_without_a_file_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = site_file(tmp_path, recipes(PAGES[0])[0][1])
    options = ("--site", str(path), "--topic", "a", "--payload", str(tmp_path / "none"))
    assert cli.main(["sensors", "try", *options]) == 2
    assert "none" in capsys.readouterr().err


def test_the_site_of_a_recipe_gives_the_gateway_its_sensors(tmp_path: Path) -> None:
    from amont_gateway.places import from_site
    from amont_gateway.readings import FOREIGN

    places = from_site(load(site_file(tmp_path, recipes(PAGES[0])[0][1])))
    mine = [s for s in places.sensors if s.source]
    assert [(s.id, s.node, s.channel) for s in mine] == [
        ("chateau-niveau", FOREIGN, 1), ("chateau-pile", FOREIGN, 2),
    ]  # fmt: skip
    assert {places.promise(s) for s in mine} == {"unsealed"}
    assert {places.interval_s(s) for s in mine} == {1200}
    assert set(QUANTITIES.values()) >= {s.quantity for s in mine}
