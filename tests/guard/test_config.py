"""The compiled site file: each bound, the last good copy, and errors that say where."""

import json

import pytest
from tests.guard.rig import RISING, site

from amont_guard.config import ConfigError, digest, load, parse


def changed(*path, to=..., drop=False):
    body = {key: value for key, value in site().items() if key != "sha256"}
    at = body
    for step in path[:-1]:
        at = at[step]
    if drop:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return json.dumps({**body, "sha256": digest(body)}).encode()


def test_a_good_file_is_read_whole():
    config = parse(json.dumps(site("/dev/x")).encode())
    assert (config.site, config.port, config.baud) == ("sainte-amonette", "/dev/x", 115200)
    assert config.nodes[17].channels[0].sensor == "pont-a"
    assert config.stations["pont"].alarm_plus_mm == 3200
    assert config.sirens["mairie"].max_on_s == 180
    assert set(config.people) == {"Anne", "Bruno"}


def test_a_site_may_have_no_bridge():
    assert parse(changed("bridge", to=None)).port == ""


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"), (b"[" * 100_000, "not JSON"), (b"\xff", "not JSON"),
        (b"[]", "not an object"), (b"{}", "format: None"),
        (json.dumps({**site(), "site": "x"}).encode(), "sha256 does not match"),
        (changed("format", to=2), "format: 2, must be 1 to 1"),
        (changed("site", to="a b"), "site: 'a b', must match"),
        (changed("bridge", "baud", to=300), "bridge.baud: 300, must be 1200"),
        (changed("bridge", "port", to=7), "bridge.port: 7, must match"),
        (changed("nodes", to={}), "nodes: must be a list"),
        (changed("nodes", 0, "id", to=0), "nodes[0].id: 0"),
        (changed("nodes", 0, "id", to=True), "nodes[0].id: True"),
        (changed("nodes", 0, "carrier", to="pigeon"), "carrier: 'pigeon', must match bridge"),
        (changed("nodes", 0, "channels", 0, "validity_s", to=0), "channels[0].validity_s: 0"),
        (changed("nodes", 0, "channels", 0, "max", to=-500), "min is not below max"),
        (changed("nodes", 1, "channels", 0, "sensor", to="pont-a"), "named twice"),
        (changed("stations", 0, "warning_mm", to=1200), "four limits must rise"),
        (changed("stations", 0, "alarm_mm", to=1e3), "alarm_mm: 1000.0"),
        (changed("stations", 0, "alarm_plus_mm", drop=True), "alarm_plus_mm: None"),
        (changed("stations", 0, "sensors", to="pont-a"), "must be a list of names"),
        (changed("stations", 0, "sensors", to=[]), "1 to 3 sensors"),
        (changed("stations", 0, "sensors", to=["pont-a", "pont-a"]), "would vote twice"),
        (changed("stations", 0, "sensors", to=["x"]), "station pont: needs"),
        (changed("stations", 0, "name", to="x"), "stations[0].name: not an object"),
        (changed("stations", 0, "name", to={"fr": "x"}), "must have fr and en"),
        (changed("bridge", to=[1]), "bridge: not an object"),
        (changed("sirens", 0, "stations", to=["x"]), "siren mairie: needs stations"),
        (changed("sirens", 0, "output", to={"kind": "horn"}), "output.kind: 'horn'"),
        (changed("sirens", 0, "output", to={"kind": "gpio", "pin": 99}), "output.pin: 99"),
        (changed("people", 0, "name", to="local key"), "the key at the box"),
        (changed("people", 0, "pin", to="1234"), "people[0].pin: '1234', must match"),
        (changed("people", 0, "pin", to=f"scrypt$1048576$8$1${'0' * 32}${'0' * 64}"), "48 MiB"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_named(content, said):
    with pytest.raises(ConfigError) as raised:
        parse(content)
    assert said in str(raised.value)


def test_gpio_output_with_contact():
    output = {"kind": "gpio", "pin": 17, "readback_pin": 27}
    assert parse(changed("sirens", 0, "output", to=output)).sirens["mairie"].output == output


def test_unreadable_file_leaves_the_last_good_copy_in_force(rig):
    rig.stop()
    (rig.folder / "guard.json").write_text("{")
    rig.start()
    rig.prove()
    rig.live(*RISING)
    assert len(rig.sounded()) == 1
    assert any("last good copy" in fault["en"] for fault in rig.state()["faults"])
    assert rig.state()["sirens"][0]["health"] == "degraded"


def test_no_file_and_no_copy_is_an_error_that_says_both(tmp_path):
    with pytest.raises(ConfigError, match=r"No such file.*no good copy either"):
        load(tmp_path / "guard.json")


def test_a_huge_file_is_not_read(tmp_path):
    (tmp_path / "guard.json").write_bytes(bytes(2 << 20))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(tmp_path / "guard.json")


def test_a_copy_that_cannot_be_kept_is_told(tmp_path):
    (tmp_path / "guard.json").write_text(json.dumps(site()))
    (tmp_path / "guard.json.good").mkdir()
    config, faults = load(tmp_path / "guard.json")
    assert config.site == "sainte-amonette"
    assert "cannot be kept" in faults["copy"]


@pytest.mark.parametrize("name", ["x" * 70_000, "\ud800"])
def test_no_name_however_wrong_stops_the_guard(rig, name):
    rig.stop()
    broken = json.loads((rig.folder / "guard.json").read_text())
    broken["people"][0]["name"] = name
    (rig.folder / "guard.json").write_text(json.dumps(broken))
    rig.start()
    assert any(fault["name"].startswith("config") for fault in rig.state()["faults"])
