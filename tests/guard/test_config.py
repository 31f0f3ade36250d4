"""The compiled site file: each bound, the last good copy, and errors that say where."""

import json

import pytest
from tests.guard.rig import RISING, FakeClock, Rig, site

from amont_guard.app import build
from amont_guard.config import ConfigError, digest, load, parse
from amont_guard.relay import SimulatedRelay
from amont_guard.supervise import RelayError


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


DRILL = {
    "weekday": 3, "nth": 2, "hour": 11, "minute": 0, "seconds": 30,
    "agreed_by": ["Anne", "Bruno"],
}  # fmt: skip


def drill_of(*people):
    return changed("sirens", 0, "practice", "drill", to={**DRILL, "agreed_by": list(people)})


def test_a_drill_that_two_people_agreed_on_is_taken():
    made = parse(drill_of("Anne", "Bruno"))
    assert made.sirens["mairie"].practice["drill"] == DRILL


def test_a_good_file_is_read_whole():
    config = parse(json.dumps(site("/dev/x")).encode())
    assert config.site == "sainte-amonette"
    assert config.nodes[17].channels[0].sensor == "pont-a"
    assert config.stations["pont"].alarm_plus_mm == 3200
    assert (config.time_zone, config.stations["pont"].limits_delay_s) == ("Europe/Paris", 600)
    assert config.sirens["mairie"].max_on_s == 180
    assert set(config.people) == {"Anne", "Bruno"}


def test_a_site_may_have_no_bridge():
    assert parse(changed("bridge", to=None)).bridge is None


def test_a_bridge_of_an_older_file_has_what_was_usual():
    bridge = parse(changed("bridge", to={"port": "/dev/x", "baud": 115200})).bridge
    assert (bridge.port, bridge.baud, bridge.listeners) == ("/dev/x", 115200, [])
    assert (bridge.channels_khz, bridge.power_dbm) == ([868_100, 868_300, 868_500], 14)
    assert bridge.spreading_factors == [9]


def test_a_bridge_of_today_is_told_whole():
    told = {
        "port": "usb:2e8a:0005:A", "baud": 115200, "listeners": ["usb:2e8a:0005:B"],
        "channels_khz": [869_525], "power_dbm": 20, "spreading_factors": [7, 12],
    }  # fmt: skip
    assert vars(parse(changed("bridge", to=told)).bridge) == told


def test_a_bridge_may_hear_nothing_for_as_long_as_a_reading_of_it_is_valid():
    assert parse(json.dumps(site()).encode()).deaf_s() == 2700
    none = [{**node, "carrier": "mqtt"} for node in site()["nodes"]]
    assert parse(changed("nodes", to=none)).deaf_s() == 86_400


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a JSON"), (b"[" * 100_000, "not a JSON"), (b"\xff", "not a JSON"),
        (b"[]", "not a JSON object"), (b"{}", "format: None"),
        (json.dumps({**site(), "site": "x"}).encode(), "sha256: does not match"),
        (changed("format", to=2), "format: 2, must be 1 to 1"),
        (changed("site", to="a b"), "site: 'a b', must match"),
        (changed("bridge", "baud", to=300), "bridge.baud: 300, must be 1200"),
        (changed("bridge", "port", to=7), "bridge.port: 7, must match"),
        (changed("time_zone", drop=True), "time_zone: None, must match"),
        (changed("nodes", to={}), "nodes: must be a list"),
        (changed("nodes", 0, "id", to=0), "nodes[0].id: 0"),
        (changed("nodes", 0, "id", to=True), "nodes[0].id: True"),
        (changed("nodes", 0, "carrier", to="pigeon"), "carrier: 'pigeon', must match bridge"),
        (changed("nodes", 0, "channels", 0, "validity_s", to=0), "channels[0].validity_s: 0"),
        (changed("nodes", 0, "channels", 0, "max", to=-500), "min is not below max"),
        (changed("nodes", 1, "channels", 0, "sensor", to="pont-a"), "one is named twice"),
        (changed("nodes", 1, "id", to=17), "ids: of [17, 30] one is named twice"),
        (changed("stations", 0, "warning_mm", to=1200), "four limits must rise"),
        (changed("stations", 0, "alarm_mm", to=1e3), "alarm_mm: 1000.0"),
        (changed("stations", 0, "alarm_plus_mm", drop=True), "alarm_plus_mm: None"),
        (changed("stations", 0, "sensors", to="pont-a"), "sensors: must be a list of 1 to 3"),
        (changed("stations", 0, "sensors", to=[]), "must be a list of 1 to 3"),
        (changed("stations", 0, "sensors", to=[7]), "sensors[0]: 7, must match"),
        (changed("stations", 0, "sensors", to=["pont-a", "pont-a"]), "would vote twice"),
        (changed("stations", 0, "sensors", to=["x"]), "station pont: needs"),
        (changed("stations", 0, "bounds_mm", drop=True), "bounds_mm: must be a list of 2"),
        (changed("stations", 0, "bounds_mm", to=[1201, 9000]), "must lie in its bounds"),
        (changed("stations", 0, "bounds_mm", to=[0, 3199]), "must lie in its bounds"),
        (changed("stations", 0, "limits_delay_s", to=-1), "limits_delay_s: -1, must be 0"),
        (changed("bridge", to=[1]), "bridge: not an object"),
        (changed("sirens", 0, "stations", to=["x"]), "siren mairie: needs stations"),
        (changed("sirens", 0, "output", to="horn"), "output: 'horn', must be an object"),
        (changed("sirens", 0, "supervision", drop=True), "supervision: None, must be an object"),
        (changed("sirens", 0, "key", to=7), "key: 7, must be an object"),
        (changed("sirens", 0, "practice", to={}), "practice.silent_test: not an object"),
        (changed("sirens", 0, "practice", "drill", to={**DRILL, "nth": 5}), "drill.nth: 5"),
        (drill_of("Anne", "Anne"), "two people"), (drill_of("Anne", "Zoé"), "two people"),
        (changed("people", 0, "name", to="local key"), "person local key: is no name"),
        (changed("people", 0, "name", to="schedule"), "person schedule: is no name"),
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
    state = rig.state()
    assert [f["detail"] for f in state["faults"] if f["kind"] == "config"] == [
        "guard.json: not a JSON object (Expecting property name enclosed in double quotes: "
        "line 1 column 2 (char 1))"
    ]
    assert state["config"]["last_good"] is True
    assert state["sirens"][0]["health"] == "degraded"


def test_no_file_and_no_copy_is_an_error_that_says_both(tmp_path):
    with pytest.raises(ConfigError, match=r"guard.json: No such file.*guard.json.good: No such"):
        load(tmp_path / "guard.json", str)


def test_a_huge_file_is_not_read(tmp_path):
    (tmp_path / "guard.json").write_bytes(bytes(2 << 20))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(tmp_path / "guard.json", str)


def test_a_copy_that_cannot_be_kept_is_told(tmp_path):
    rig = Rig(tmp_path / "state")
    rig.stop()
    (rig.folder / "guard.json.good").unlink()
    (rig.folder / "guard.json.good").mkdir()
    rig.start()
    while not rig.guard.writer.faults():
        rig.turn()
    assert [f["kind"] for f in rig.state()["faults"] if f["kind"] == "disk"] == ["disk"]
    (rig.folder / "guard.json.good").rmdir()
    rig.close()


def test_a_file_that_cannot_be_lived_by_leaves_the_last_good_copy_in_force(rig):
    rig.flush()
    good = (rig.folder / "guard.json.good").read_bytes()
    rig.stop()
    newer = changed("sirens", 0, "supervision", to={"moon": 1})
    (rig.folder / "guard.json").write_bytes(newer)

    def make(config):
        if config.sirens["mairie"].supervision:
            raise RelayError("supervision.moon: not something that is supervised")
        return "outputs"

    loaded = load(rig.folder / "guard.json", make)
    assert (loaded.made, loaded.content) == ("outputs", good)
    assert loaded.error == "guard.json: supervision.moon: not something that is supervised"
    rig.start()
    assert (rig.folder / "guard.json.good").read_bytes() == good


def test_the_copy_is_the_file_with_which_the_guard_started(rig):
    rig.stop()
    newer = changed("stations", 0, "watch_mm", to=1100)
    (rig.folder / "guard.json").write_bytes(newer)
    rig.start()
    rig.flush()
    assert (rig.folder / "guard.json.good").read_bytes() == newer


@pytest.mark.parametrize("name", ["x" * 70_000, "\ud800"])
def test_no_name_however_wrong_stops_the_guard(rig, name):
    rig.stop()
    broken = json.loads((rig.folder / "guard.json").read_text())
    broken["people"][0]["name"] = name
    (rig.folder / "guard.json").write_text(json.dumps(broken))
    rig.start()
    assert "config" in {fault["kind"] for fault in rig.state()["faults"]}


def test_outputs_of_a_file_that_will_not_do_are_given_back(tmp_path):
    siren, closed = site()["sirens"][0], []
    body = json.loads(changed("sirens", to=[siren, {**siren, "id": "ecole"}]))
    (tmp_path / "guard.json").write_text(json.dumps(body))

    class Noted(SimulatedRelay):
        def close(self):
            closed.append("mairie")

    def open_relay(siren, _folder):
        if siren.id == "ecole":
            raise RelayError("siren ecole: no such port")
        return Noted()

    with pytest.raises(ConfigError, match="siren ecole: no such port"):
        build(tmp_path, FakeClock(), open_relay)
    assert closed == ["mairie"]
