"""States of history: told on change, else every five minutes; what each of the fields says."""

from pathlib import Path

import pytest
from tests.gateway.conftest import text

from amont_gateway import series
from amont_gateway import view as v
from amont_gateway.confirmations import Confirmations
from amont_gateway.gateway import Gateway, Options
from amont_gateway.machine_state import STARTS, MachineState
from amont_gateway.node_trends import FILE, LONGEST_D, NodeTrends
from amont_gateway.place_points import place_points
from amont_gateway.places import Spot, from_site
from amont_gateway.vitals import Vitals, next_limit_s, points, vital_lines, written
from amont_site import load

T_MS = 1_800_000_000_000
DAY_MS = 86_400_000


def station(level="normal", **more):
    return v.Station(
        id="pont",
        name=text("Pont"),
        level=level,
        sensors=["pont-a", "pont-b"],
        thresholds=v.Thresholds(watch_mm=1200, warning_mm=1800, alarm_mm=2500),
        forecast=more.pop("forecast", v.Forecast(status="no data")),
        **more,
    )


def forecast(issued_ms, p50=1500):
    step = v.ForecastStep(horizon_h=3.0, p05_mm=1400, p50_mm=p50, p95_mm=1900)
    return v.Forecast(status="ok", model="r", issued_ms=issued_ms, steps=[step], reaches="warning")


def view(*stations, now_ms=T_MS, **more):
    return v.View(
        site="essai", name=text("Essai"), now_ms=now_ms, guard_alive=True,
        stations=list(stations), **more,
    )  # fmt: skip


def fields(line):
    return dict(part.split("=") for part in line.split(" ")[1].split(","))


def of(lines, name):
    return [line for line in lines if line.startswith(f"{name},")]


def test_a_state_is_told_when_it_changes_and_else_every_five_minutes():
    vitals, told = Vitals(), []
    for second in range(0, 1200, 15):
        level = "watch" if 400 <= second < 700 else "normal"
        now = view(station(level, age_s=second), now_ms=T_MS + second * 1000)
        told += [(second, line) for line in written(vitals.due(points(now), second), "essai")]
    at = [second for second, line in told if line.startswith("station_state")]
    assert at == [0, 300, 405, 705, 1005]
    assert [second for second, line in told if line.startswith("gateway")] == [0, 300, 600, 900]


def test_a_limit_that_people_changed_is_a_change():
    vitals = Vitals()
    first = station()
    assert len(vitals.due(points(view(first)), 0.0)) == 2  # and the gateway's own
    first.thresholds = v.Thresholds(watch_mm=1100, warning_mm=1800, alarm_mm=2500)
    (only,) = vitals.due(points(view(first, now_ms=T_MS + 15_000)), 15.0)
    assert only.fields["watch_mm"] == 1100


def test_a_forecast_is_told_once_and_a_new_one_every_five_minutes():
    vitals, count = Vitals(), 0
    for second in range(0, 900, 15):
        issued_ms = T_MS + second // 60 * 60_000  # a new one each minute
        due = vitals.due(points(view(station(forecast=forecast(issued_ms)))), second)
        count += sum(point.measurement is series.FORECAST for point in due)
    assert count == 3
    same = [vitals.due(points(view(station(forecast=forecast(T_MS)))), s) for s in (0, 900, 1800)]
    kinds = [[p.measurement.name for p in due].count("forecast") for due in same]
    assert sum(kinds) == 1


def test_a_station_tells_how_late_how_fast_and_how_long_until_the_next_limit():
    sensors = [
        v.Sensor(id=f"pont-{x}", name=text(x), node=node, place="pont", quantity="stage_mm",
                 age_s=120)
        for x, node in (("a", 17), ("b", 18))
    ]  # fmt: skip
    nodes = [
        v.Node(id=n, name=text("n"), carrier="bridge", interval_s=s, age_s=120)
        for n, s in ((17, 900), (18, 60))
    ]
    rising = station(stage_mm=1000, trend_mm_h=400, age_s=120, forecast=forecast(T_MS))
    lines = vital_lines(view(rising, sensors=sensors, nodes=nodes))
    (found,) = of(lines, "station_state")
    said = fields(found)
    assert (said["late_x"], said["next_limit_s"]) == ("2.0", "1800.0")
    assert (said["stage_mm"], said["trend_mm_h"]) == ("1000.0", "400.0")
    assert said["forecast_reaches"] == "2i"
    assert [fields(x)["late_x"] for x in of(lines, "sensor_health")] == ["0.13", "2.0"]
    assert [fields(x)["late_x"] for x in of(lines, "node_health")] == ["0.13", "2.0"]


def test_what_was_never_heard_is_as_late_as_the_gateway_is_up():
    """A field that is missing alerts nobody: silence must be a number."""
    sensor = v.Sensor(id="pont-a", name=text("a"), node=17, place="pont", quantity="stage_mm")
    node = v.Node(id=17, name=text("n"), carrier="bridge", interval_s=900)
    here = view(station(), sensors=[sensor], nodes=[node])
    lines = vital_lines(here, {"uptime_s": 4_500.0})
    for name in ("station_state", "sensor_health", "node_health"):
        (found,) = of(lines, name)
        assert fields(found)["late_x"] == "5.0"


@pytest.mark.parametrize(
    ("stage", "trend", "seconds"),
    [(1000, 4, None), (1000, None, None), (None, 400, None), (1000, -400, None),
     (1900, 600, 3600.0), (2600, 600, None), (100, 10, None), (1199, 5, 720.0)],
)  # fmt: skip
def test_the_time_until_the_next_limit(stage, trend, seconds):
    assert next_limit_s(station(stage_mm=stage, trend_mm_h=trend)) == seconds


def test_a_siren_tells_of_tests_drills_battery_and_confirmation():
    siren = v.Siren(
        id="mairie", name=text("Mairie"), state="idle", confirm_ms=140,
        measured={"battery_mv": 13_100}, silent_test=v.Practice(last_ms=T_MS - DAY_MS // 2),
    )  # fmt: skip
    (line,) = of(vital_lines(view(sirens=[siren])), "siren_state")
    said = fields(line)
    assert (said["test_age_d"], said["confirm_ms"], said["battery_mv"]) == (
        "0.5",
        "140.0",
        "13100.0",
    )
    assert "drill_age_d" not in said  # there was none yet
    assert said["drill_planned"] == "0i"
    planned = v.Practice(last_ms=T_MS - 3 * DAY_MS, next_ms=T_MS + DAY_MS)
    never = v.Siren(id="ecole", name=text("École"), state="idle", drill=planned)
    (found,) = of(vital_lines(view(sirens=[never]), {"uptime_s": 216_000.0}), "siren_state")
    said = fields(found)
    assert (said["drill_age_d"], said["drill_planned"]) == ("3.0", "1i")
    assert said["test_age_d"] == "2.5"  # never tried: since the gateway is up


@pytest.mark.parametrize(("age_s", "told"), [(60, True), (7_200, True), (7_201, False)])
def test_a_meter_that_has_gone_silent_tells_no_inflow(age_s, told):
    zone = v.Zone(id="bourg", name=text("Bourg"), verdict="normal", inflow_l_h=900, age_s=age_s)
    (found,) = of(vital_lines(view(zones=[zone])), "zone_state")
    assert ("inflow_l_h" in fields(found)) == told


def test_the_gateway_tells_what_waits_and_how_the_machine_is():
    waits = v.HistoryState(
        state="away", since_ms=T_MS, waiting=7, waiting_since_ms=T_MS - 90_000, quarantined=2,
        written=10,
    )  # fmt: skip
    now = view(history=waits, database="refused", broker="ok", counters={"events_lines": 5})
    (line,) = of(vital_lines(now, {"cpu_c": 51.5, "under_voltage": None}), "gateway")
    said = fields(line)
    assert (said["waiting"], said["waiting_s"], said["quarantined"]) == ("7i", "90.0", "2i")
    assert (said["database"], said["broker"], said["lines_written"]) == ("2i", "0i", "15i")
    assert said["cpu_c"] == "51.5"
    assert "under_voltage" not in said


def test_a_confirmation_takes_the_time_between_command_and_contact():
    found = Confirmations()
    on = {"kind": "siren", "siren": "mairie", "at_ms": T_MS, "actions": [{"kind": "relay on"}]}
    found.audit(on)
    for later_ms, contact in ((50, False), (180, True), (400, True)):
        state = {"at_ms": T_MS + later_ms, "sirens": [{"id": "mairie", "confirmed": contact}]}
        found.state(state)
    assert found.took_ms("mairie") == 180
    found.audit({**on, "at_ms": T_MS + 5_000, "actions": [{"kind": "relay off"}]})
    found.state({"at_ms": T_MS + 90_000, "sirens": [{"id": "mairie", "confirmed": False}]})
    assert found.took_ms("mairie") == 180  # a minute later it follows something else
    found.state({"at_ms": "x", "sirens": [5, {"id": "mairie", "confirmed": True}]})
    assert found.took_ms("école") is None


def test_what_a_node_sends_twice_is_counted_over_a_day():
    trends = NodeTrends()
    assert trends.repeated_pct(17, 0.0) is None
    for hour in range(30):
        trends.sent(17, 10, 5 if hour < 6 else 1, hour * 3600.0)
    assert trends.repeated_pct(17, 29 * 3600.0) == 10.0
    assert trends.repeated_pct(17, 90 * 3600.0) is None


def test_a_battery_lasts_as_its_last_weeks_say(tmp_path):
    trends = NodeTrends(tmp_path)
    for day in range(20):
        for mv in (3_000 - 10 * day, 3_040 - 10 * day):  # by night and by day
            trends.battery(17, mv, T_MS + day * DAY_MS)
        trends.battery(18, 3_300, T_MS + day * DAY_MS)
        assert (trends.battery_days(17) is None) == (day < 6)
    assert trends.battery_days(17) == pytest.approx((2810 - 2150) / 10)
    assert trends.battery_days(18) == LONGEST_D
    trends.save()
    again = NodeTrends(tmp_path)
    again.load()
    assert again.battery_days(17) == trends.battery_days(17)
    (tmp_path / FILE).write_text('{"17": 5}')
    damaged = NodeTrends(tmp_path)
    damaged.load()
    assert damaged.battery_days(17) is None


class Pi:
    """The files of a Raspberry Pi that the gateway looks at."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.put("proc/meminfo", "MemTotal: 1000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n")
        self.put("sys/class/thermal/thermal_zone0/type", "gpu\n")
        self.put("sys/class/thermal/thermal_zone0/temp", "70000\n")
        self.put("sys/class/thermal/thermal_zone1/type", "cpu-thermal\n")
        self.put("sys/class/thermal/thermal_zone1/temp", "48312\n")
        self.put("sys/class/hwmon/hwmon1/name", "rpi_volt\n")
        self.put("sys/class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")

    def put(self, name: str, content: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def test_the_machine_tells_what_it_knows(tmp_path):
    pi = Pi(tmp_path / "root")
    machine = MachineState(tmp_path, pi.root)
    machine.begin()
    said = machine.fields()
    assert set(said) <= {field.name for field in series.GATEWAY.fields}
    assert (said["memory_free_pct"], said["cpu_c"], said["under_voltage"]) == (40.0, 48.3, 1)
    assert 0 < said["disk_free_pct"] <= 100
    assert said["load_pct"] >= 0
    assert said["starts"] == 1
    again = MachineState(tmp_path, tmp_path / "nowhere")
    again.begin()
    said = again.fields()
    assert said["starts"] == 2
    assert [said[x] for x in ("memory_free_pct", "cpu_c", "under_voltage")] == [None] * 3
    assert said["clock_synchronised"] in (0, 1, None)
    assert (said["clock_ms"] is None) == (said["clock_synchronised"] != 1)


def test_the_firmware_tells_of_under_voltage_where_no_sensor_does(tmp_path):
    pi = Pi(tmp_path)
    pi.put("sys/class/hwmon/hwmon1/name", "nvme\n")
    for said, expected in (("50005\n", 1), ("50000\n", 0), ("?", None)):
        pi.put("sys/devices/platform/soc/soc:firmware/get_throttled", said)
        assert MachineState(tmp_path, tmp_path).fields()["under_voltage"] == expected


def test_a_damaged_count_of_starts_begins_anew(tmp_path):
    (tmp_path / STARTS).write_text("many")
    machine = MachineState(tmp_path)
    machine.begin()
    assert (tmp_path / STARTS).read_text() == "1\n"


def test_the_view_carries_what_the_storer_and_the_guard_told(places, tmp_path, clock):
    options = Options(mark_bytes=0, ballast_bytes=0)
    gateway = Gateway(places, tmp_path, tmp_path / "guard.sock", options, clock=clock)
    gateway.nodes.trends.sent(17, 10, 2, clock.monotonic_s())
    found = {n.id: n for n in gateway.view().nodes}
    assert (found[17].interval_s, found[17].repeated_pct) == (60, 20.0)


ROOT = Path(__file__).parents[2]


def site_of():
    kinds = [("pont", "station"), ("centre", "zone"), ("jauge", "gauge"), ("mairie", "siren")]
    sensors = {"zone": ("centre",), "gauge": ("pluie",)}
    return [Spot(name, kind, 43.9, 3.8, sensors.get(kind, ())) for name, kind in kinds]


def zone(verdict):
    return v.Zone(id="centre", name=text("Centre"), verdict=verdict)


def siren(state, health="ok"):
    return v.Siren(id="mairie", name=text("Mairie"), state=state, health=health)


def heard(sensor, freshness="proved"):
    return v.Sensor(
        id=sensor, name=text("x"), node=31, place="x", quantity="flow_l_h", freshness=freshness
    )


@pytest.mark.parametrize(
    ("seen", "states"),
    [
        ({"stations": [station("alarm_plus")], "zones": [zone("leak")],
          "sirens": [siren("sound")], "sensors": [heard("pluie")]},
         {"pont": "alarm", "centre": "warning", "mairie": "alarm", "jauge": "good"}),
        ({"stations": [station("unknown")], "zones": [zone("unknown")],
          "sirens": [siren("unknown")], "sensors": [heard("pluie", "stale")]},
         {"pont": "silent", "centre": "silent", "mairie": "silent", "jauge": "silent"}),
        ({"stations": [station("watch")], "zones": [zone("unknown")],
          "sirens": [siren("idle", "fault")], "sensors": [heard("centre", "assumed")]},
         {"pont": "watch", "centre": "good", "mairie": "warning", "jauge": "silent"}),
        ({}, {"jauge": "silent"}),  # what the view does not know is not told
    ],
)  # fmt: skip
def test_each_place_says_in_one_word_how_it_is(seen, states):
    now = v.View(site="essai", name=text("Essai"), now_ms=T_MS, guard_alive=True, **seen)
    found = place_points(now, site_of())
    said = {p.tags["place"]: series.PLACE_STATES[p.fields["state"]] for p in found}
    assert said == states
    assert {(p.fields["latitude"], p.fields["longitude"]) for p in found} == {(43.9, 3.8)}


def test_places_come_from_the_site_with_or_without_coordinates(tmp_path):
    example = (ROOT / "docs" / "examples" / "site.yaml").read_text()
    file = tmp_path / "site.yaml"
    river = "    river: Amonette\n"
    file.write_text(example.replace(river, f"{river}    latitude: 43.981\n    longitude: 3.852\n"))
    spots = {s.id: s for s in from_site(load(file)).spots}
    assert (spots["pont-neuf"].latitude, spots["pont-neuf"].longitude) == (43.981, 3.852)
    assert {s.kind for s in spots.values()} == {"station", "gauge", "zone", "siren"}
    assert [s.latitude for s in spots.values() if s.id != "pont-neuf"] == [None] * (len(spots) - 1)
