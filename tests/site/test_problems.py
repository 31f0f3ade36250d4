from __future__ import annotations

import string
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amont_site import Problem, SiteError, check, load
from amont_site.problems import dotted
from amont_site.texts import TEXTS, WARNINGS

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
TEXT = EXAMPLE.read_text(encoding="utf-8")
Edit = Callable[[str], str]


def swap(old: str, new: str) -> Edit:
    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, 1)

    return edit


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def problems_of(folder: Path, text: str | bytes) -> list[Problem]:
    path = folder / "site.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return check(path)[1]


ANNE = "  - name: Anne\n    role: mayor\n"
TWO_MASTS = "sensors: [pont-neuf-a, pont-neuf-b]"
PIN = TEXT[TEXT.index("pin: ") : TEXT.index("\n", TEXT.index("pin: "))]

WIRED = (
    "output: {kind: gpio, pin: 17, readback_pin: 27, isolate_pin: 23, isolate_readback_pin: 24}\n"
    "    supervision: {mains: 22}\n"
)
SUP = "sirens[0].supervision.battery_mv"
DRILL = 'weekday: thursday, nth: 2, at: "18:30", seconds: 30, agreed_by: [Anne, Luc]'


def _wired(old: str, new: str) -> Edit:
    """A siren on pins, with a part of its wires swapped, or with a line more."""
    wired = WIRED.replace(old, new) if old else WIRED + f"    {new}\n"
    return swap("output: {kind: simulated}\n", wired)


def _bounds(bounds: str) -> Edit:
    return swap("river: Amonette", f"river: Amonette\n    bounds_mm: {bounds}")


# code: the edit that provokes it, where the edited file shows it, and the key path
CASES: dict[str, tuple[Edit, str, str]] = {
    "tab": (swap("    name: {fr: Pont neuf amont", "\tname: {fr: Pont neuf amont"), "\tname", ""),
    "syntax": (
        swap("sensors: [pont-neuf-a, pont-neuf-b]", "sensors: [pont-neuf-a"),
        "watch_mm: ",
        "",
    ),
    "alias": (swap("database: amont", "database: *name"), "*name", ""),
    "key-text": (swap("role: mayor", "role: mayor\n    [x]: y"), "[x]", "people[0]"),
    "duplicate-key": (swap("id: 11", "id: 11\n    id: 13"), "id: 13", "nodes[0]"),
    "unknown-key": (swap("role: mayor", "role: mayor\n    colour: blue"), "colour", "people[0]"),
    "unknown-key-near": (swap("watch_mm: 1200", "wach_mm: 1200"), "wach_mm", "stations[0]"),
    "missing-key": (swap("    alarm_mm: 2500\n", ""), "id: pont-neuf\n", "stations[0]"),
    "mapping": (
        swap("name: {fr: Mairie, en: Town hall}", "name: Mairie"),
        "name: Mairie",
        "sirens[0].name",
    ),
    "list": (swap(TWO_MASTS, "sensors: pont-neuf-a"), "sensors: pont", "stations[0].sensors"),
    "items": (swap(TWO_MASTS, "sensors: []"), "sensors: []", "stations[0].sensors"),
    "text": (swap("river: Amonette", "river: [Amonette]"), "river:", "stations[0].river"),
    "length": (swap("river: Amonette", "river: ''"), "river:", "stations[0].river"),
    "unprintable": (
        swap("river: Amonette", 'river: "Amo\\x1b[2Jnette"'),
        "river:",
        "stations[0].river",
    ),
    "form": (swap('night_from: "02:00"', "night_from: 2:00"), "night_from", "zones[0].night_from"),
    "whole": (swap("watch_mm: 1200", "watch_mm: 1.2 m"), "watch_mm", "stations[0].watch_mm"),
    "number": (swap("latitude: 43.98", "latitude: 43,98"), "latitude", "latitude"),
    "between": (swap("latitude: 43.98", "latitude: 143.98"), "latitude", "latitude"),
    "yes-no": (swap("tls: true", "tls: yes"), "tls: yes", "broker.tls"),
    "choice": (swap("carrier: bridge", "carrier: lora"), "carrier: lora", "nodes[0].carrier"),
    "clear-pin": (swap(PIN, "pin: 246810"), "pin: 246810", "people[0].pin"),
    "twice": (swap("id: 12", "id: 11"), "{fr: Pont neuf aval", "nodes[1].id"),
    "unknown-sensor": (
        swap("inflow: [bourg-debit]", "inflow: [bourg-debt]"),
        "bourg-debt]",
        "zones[0].inflow[0]",
    ),
    "unknown-station": (
        swap("stations: [pont-neuf]", "stations: [vieux-pont]"),
        "vieux-pont",
        "sirens[0].stations[0]",
    ),
    "sensor-used": (
        swap(TWO_MASTS, "sensors: [pont-neuf-a, pont-neuf-a]"),
        "a, pont-neuf-a]",
        "stations[0].sensors[1]",
    ),
    "sensor-unused": (
        swap(TWO_MASTS, "sensors: [pont-neuf-a]"),
        "sensor: pont-neuf-b",
        "nodes[1].channels[0].sensor",
    ),
    "quantity": (
        swap("quantity: rain_um", "quantity: flow_l_h"),
        "sensor: col-pluie\n",
        "rain_gauges[0].sensor",
    ),
    "order": (
        swap("warning_mm: 1800", "warning_mm: 1100"),
        "warning_mm",
        "stations[0].warning_mm",
    ),
    "outside": (
        swap("alarm_plus_mm: 3200", "alarm_plus_mm: 9000"),
        "alarm_plus",
        "stations[0].alarm_plus_mm",
    ),
    "hysteresis": (
        swap("river: Amonette", "river: Amonette\n    hysteresis_mm: 600"),
        "hysteresis",
        "stations[0].hysteresis_mm",
    ),
    "no-bridge": (
        swap("bridge: {port: /dev/amont-bridge, baud: 115200}", ""),
        "carrier: bridge",
        "nodes[0].carrier",
    ),
    "no-broker": (
        swap("broker: {host: 127.0.0.1, port: 8883, tls: true}", ""),
        "carrier: mqtt",
        "nodes[2].carrier",
    ),
    "fast-slower": (
        swap("fast_interval_s: 60", "fast_interval_s: 901"),
        "fast_interval",
        "nodes[0].fast_interval_s",
    ),
    "validity-short": (
        swap("stage_mm, min", "stage_mm, validity_s: 900, min"),
        "validity_s",
        "nodes[0].channels[0].validity_s",
    ),
    "validity-frames": (
        swap("fast_interval_s: 60", "fast_interval_s: 60\n    frame_samples: 3"),
        "stage_mm, min",
        "nodes[0].channels[0].validity_s",
    ),
    "min-max": (
        swap("flow_l_h, min: 0, max: 200000", "flow_l_h, min: 5, max: 5"),
        "max: 5}",
        "nodes[3].channels[0].min",
    ),
    "time-zone": (swap("Europe/Paris", "Europe/Amonette"), "time_zone", "time_zone"),
    "night": (swap('night_to: "04:00"', 'night_to: "01:00"'), "night_to", "zones[0].night_to"),
    "low-high": (_wired("mains: 22", "battery_mv: {at: 4, low: 15, high: 9}"), "low: 15", SUP),
    "bounds-wide": (_bounds("[-501, 8000]"), "[-501", "stations[0].bounds_mm"),
    "outside-bounds": (_bounds("[0, 3000]"), "alarm_plus", "stations[0].alarm_plus_mm"),
    "output-missing": (swap("kind: simulated", "kind: gpio"), "kind: gpio", "sirens[0].output"),
    "output-useless": (
        swap("kind: simulated", "kind: simulated, pin: 17"),
        "pin: 17",
        "sirens[0].output.pin",
    ),
    "active-low": (
        swap(
            "kind: simulated",
            "kind: gpio, pin: 17, active_high: false, readback_pin: 27, isolate_pin: 23, "
            "isolate_readback_pin: 24",
        ),
        "active_high: false",
        "sirens[0].output.active_high",
    ),
    "no-wires": (
        swap("{kind: simulated}", "{kind: simulated}\n    supervision: {mains: 22}"),
        "mains: 22",
        "sirens[0].supervision",
    ),
    "unknown-person": (
        _wired("", "practice: {drill: {" + DRILL.replace("Luc", "Lux") + "}}"),
        "Lux",
        "sirens[0].practice.drill.agreed_by[1]",
    ),
    "silent-test-partial": (
        swap("kind: simulated", "kind: gpio, pin: 17, readback_pin: 27"),
        "kind: gpio",
        "sirens[0].output",
    ),
    "weaker-promise": (
        swap("carrier: bridge", "carrier: mqtt"),
        "stations: [pont",
        "sirens[0].stations[0]",
    ),
    "one-sensor": (lambda t: _without_node_12(t), "stations: [pont", "sirens[0].stations[0]"),
    "few-people": (lambda t: t[: t.index("  - name: Luc")], "- name: Anne", "people"),
    "no-tls": (
        swap("host: 127.0.0.1, port: 8883, tls: true", "host: mqtt.lan, tls: false"),
        "tls: false",
        "broker.tls",
    ),
}
# What a mistake brings with it
CONSEQUENCES = {
    "unknown-sensor": "sensor-unused",
    "sensor-used": "sensor-unused",
    "sensor-unused": "one-sensor",
}
OTHER_CODES = {  # tests of their own
    "unreadable", "too-large", "not-utf8", "empty", "too-deep",
    "look", "marks-station", "no-wifi", "pin-twice",
    "probe-quantity", "probe-useless", "probe-missing", "sleep-deep",
    "unknown-gauge", "upstream-loop", "one-coordinate", "one-pressure",
    "usb-form", "usb-serial", "channel-band", "power-band", "radio-useless",
    "radiated-band", "obstacle-useless",
    "no-lorawan", "no-dev-eui", "lorawan-useless", "eui-zero", "application-uuid",
    "tenant-useless", "lorawan-no-broker", "fair-use",
    "foreign-votes", "foreign-no-broker", "foreign-topic", "foreign-topic-wide",
    "foreign-device-twice", "foreign-device-nowhere", "foreign-useless", "foreign-value",
    "foreign-path", "foreign-total", "foreign-unit-once", "foreign-unit", "foreign-undated",
}  # fmt: skip


def _without_node_12(text: str) -> str:
    text = text[: text.index("  - id: 12")] + text[text.index("  - id: 21") :]
    return text.replace(TWO_MASTS, "sensors: [pont-neuf-a]")


def test_the_example_is_good_without_a_remark() -> None:
    site, problems = check(EXAMPLE)
    assert problems == []
    assert site is not None
    assert site.id == "sainte-amonette"


def test_every_sentence_is_provoked() -> None:
    assert set(CASES) | OTHER_CODES == set(TEXTS)


@pytest.mark.parametrize("code", CASES)
def test_a_planted_mistake_is_named_with_its_line(code: str, tmp_path: Path) -> None:
    edit, part, path = CASES[code]
    text = edit(TEXT)
    problems = problems_of(tmp_path, text)
    codes = {p.code for p in problems} - {CONSEQUENCES.get(code)}
    assert codes == {code}, [p.line_text() for p in problems]
    problem = next(p for p in problems if p.code == code)
    # a flow list that never closes is noticed on the next line; a repeated id on its own
    place = line_of(text, part) - (1 if code == "twice" else 0)
    assert (problem.line, problem.path) == (place, path)
    assert (check(tmp_path / "site.yaml")[0] is not None) == (code in WARNINGS)


@pytest.mark.parametrize("code", TEXTS)
def test_sentences_say_the_same_in_both_languages(code: str) -> None:
    fields = [
        sorted({name for _, name, _, _ in string.Formatter().parse(text) if name})
        for text in TEXTS[code]
    ]
    assert fields[0] == fields[1]
    assert TEXTS[code][0] != TEXTS[code][1]


def test_many_mistakes_are_found_at_once_in_order_of_lines(tmp_path: Path) -> None:
    text = TEXT
    for code in ("choice", "whole", "missing-key", "yes-no", "clear-pin", "unknown-key"):
        text = CASES[code][0](text)
    problems = problems_of(tmp_path, text)
    found = [p.code for p in problems]
    assert found == ["yes-no", "choice", "missing-key", "whole", "unknown-key", "clear-pin"]
    assert [p.line for p in problems] == sorted(p.line for p in problems)


def test_an_unknown_key_does_not_hide_the_rest(tmp_path: Path) -> None:
    text = CASES["unknown-key"][0](CASES["order"][0](TEXT))
    assert [p.code for p in problems_of(tmp_path, text)] == ["order", "unknown-key"]


@pytest.mark.parametrize(
    ("old", "example"),
    [
        ("  - id: 21\n    name", "id: 11"),
        ("    inflow: [bourg-debit]\n", "inflow: […]"),
        ("    river: Amonette\n", "river: Amonette"),
        ("    output: {kind: simulated}\n", "output: {kind: …}"),
    ],
)
def test_a_missing_key_comes_with_what_to_add(old: str, example: str, tmp_path: Path) -> None:
    new = "  - name" if old.startswith("  - ") else ""
    problems = problems_of(tmp_path, swap(old, new)(TEXT))
    assert [p.code for p in problems] == ["missing-key"]
    assert problems[0].text().endswith(f"; add: {example}")
    assert problems[0].text("fr").endswith(f"; ajoutez : {example}")


def test_a_default_that_does_not_fit_is_reported_at_its_station(tmp_path: Path) -> None:
    text = TEXT.replace("watch_mm: 1200", "watch_mm: 1750")
    problem = problems_of(tmp_path, text)[0]
    assert (problem.code, problem.path) == ("hysteresis", "stations[0].hysteresis_mm")
    assert problem.line == line_of(text, "- id: pont-neuf\n")


def test_a_station_with_an_unknown_sensor_is_still_checked(tmp_path: Path) -> None:
    text = CASES["order"][0](TEXT.replace(TWO_MASTS, "sensors: [pont-neuf-a, pont-neuf-z]"))
    found = {p.code for p in problems_of(tmp_path, text)}
    assert found == {"unknown-sensor", "sensor-unused", "order"}


def test_a_siren_names_a_station_once(tmp_path: Path) -> None:
    text = swap("stations: [pont-neuf]", "stations: [pont-neuf, pont-neuf]")(TEXT)
    found = [(p.code, p.path) for p in problems_of(tmp_path, text)]
    assert found == [("twice", "sirens[0].stations[1]")]


def test_load_raises_everything_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(CASES["choice"][0](CASES["yes-no"][0](TEXT)), encoding="utf-8")
    with pytest.raises(SiteError) as caught:
        load(path)
    assert [p.code for p in caught.value.problems] == ["yes-no", "choice"]
    assert str(caught.value).splitlines()[0] == (
        f"{path}:{caught.value.problems[0].line}: error: broker.tls: "
        "'yes' is neither true nor false; write true or false"
    )
    assert load(EXAMPLE).stations[0].river == "Amonette"


def test_a_pin_is_never_shown_again(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, TEXT.replace(PIN, "pin: 97531"))
    shown = "".join(p.line_text(language) + repr(p) for p in problems for language in ("fr", "en"))
    assert problems
    assert "97531" not in shown


def test_french(tmp_path: Path) -> None:
    problems = problems_of(tmp_path, CASES["yes-no"][0](TEXT))
    assert (
        problems[0]
        .line_text("fr")
        .endswith("erreur: broker.tls: « yes » n'est ni true ni false ; écrivez true ou false")
    )


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_file(text: str, tmp_path: Path) -> None:
    assert [(p.line, p.code) for p in problems_of(tmp_path, text)] == [(1, "empty")]


def test_a_file_in_another_encoding(tmp_path: Path) -> None:
    western = TEXT.replace("river: Amonette", "river: Tech, né").encode("cp1252")
    problems = problems_of(tmp_path, western)
    assert [p.code for p in problems] == ["not-utf8"]
    assert problems[0].line > 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    site, problems = check(tmp_path / "nothing.yaml")
    assert site is None
    assert [(p.line, p.code) for p in problems] == [(0, "unreadable")]
    assert "No such file" in problems[0].line_text()


def test_hostile_files_cost_a_sentence(tmp_path: Path) -> None:
    assert [p.code for p in problems_of(tmp_path, "a" * 1_000_001)] == ["too-large"]
    assert [p.code for p in problems_of(tmp_path, "id: " + "[" * 5_000)] == ["too-deep"]
    assert problems_of(tmp_path, "\x00")[0].code == "syntax"
    assert problems_of(tmp_path, "!!python/object:os.system x")[0].code == "mapping"
    assert problems_of(tmp_path, "a: b\n---\nc: d\n")[0].code == "syntax"


@given(at=st.integers(0, len(TEXT) - 1), length=st.integers(1, 40), inserted=st.text(max_size=12))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_damage_to_the_file_is_a_sentence(
    at: int, length: int, inserted: str, tmp_path: Path
) -> None:
    text = TEXT[:at] + inserted + TEXT[at + length :]
    path = tmp_path / "site.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    site, problems = check(path)
    assert site is not None or problems
    for problem in problems:
        assert problem.line_text("fr") != problem.line_text("en")
        assert 0 <= problem.line <= text.count("\n") + 2


@pytest.mark.parametrize(
    ("key", "value"), [("watch_mm: 1200", "9" * 5_000), ("id: bourg", '"bourg\\n"')]
)
def test_values_that_look_right_are_not(key: str, value: str, tmp_path: Path) -> None:
    text = swap(key, f"{key.split(':')[0]}: {value}")(TEXT)
    assert [p.code for p in problems_of(tmp_path, text)] in (["whole"], ["form"])


def test_dotted_paths() -> None:
    assert dotted(("nodes", 0, "channels", 2, "sensor")) == "nodes[0].channels[2].sensor"
    assert dotted(()) == ""
