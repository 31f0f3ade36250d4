"""Calibrate: exact sums, honest refusals, a board and a record that agree."""

import io
import json
import shutil
from fractions import Fraction
from pathlib import Path

import pytest
from tests.provisioning.scripted_board import NODE, ScriptedBoard, config, held_config

from amont_node.config import ConfigStore
from amont_node.measure import calibrated
from amont_provision import calibrating, cli, cmd_calibrate, logbook
from amont_provision import calibration as sums
from amont_provision.calibration import FACTOR, LINE, OFFSET, Point, Transform
from amont_provision.texts import Refused
from amont_provision.texts_calibrate import TEXTS
from amont_site import load

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
LOOP = {"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 5, "sda": 4}}
PULSE = {"kind": "pulse", "counter": {"kind": "pin", "pin": 3}}
RADAR = {"kind": "modbus_rtu", "register": 1}


def points(*pairs):
    return [Point(true, raw) for true, raw in pairs]


# --- the sums


@pytest.mark.parametrize("raw", [-7, -1, 0, 1, 3, 999, 20_000])
@pytest.mark.parametrize("parts", [(1, 1, 0), (-1, 1, 4000), (5000, 16000, -1250), (-1, 3, 2)])
def test_the_laptop_and_the_node_compute_the_same(raw, parts):
    transform = Transform(*parts)
    assert transform.value(raw) == calibrated(raw, transform.json())


def test_a_staff_gauge_sets_the_offset_below_the_sensor():
    fit = sums.fit(OFFSET, points((412, 3588), (410, 3591)), "range_mm", "stage_mm", Fraction(-1))
    assert fit.transform == Transform(-1, 1, 4000)
    assert fit.residuals == (0, -1)


def test_two_points_of_a_loop_are_met():
    fit = sums.fit(LINE, points((0, 4000), (5000, 20_000)), "current_ua", "stage_mm", None)
    assert fit.transform == Transform(5, 16, -1250)
    assert fit.residuals == (0, 0)


def test_more_points_are_met_best():
    fit = sums.fit(
        LINE, points((0, 4001), (2502, 12_000), (5000, 19_999)), "current_ua", "level_mm", None
    )
    assert fit.residuals == (0, -2, 0)


def test_a_factor_goes_through_the_origin():
    fit = sums.fit(FACTOR, points((1, 5)), "pulses", "volume_l", None)
    assert fit.transform == Transform(1, 5, 0)
    fit = sums.fit(FACTOR, points((100, 10), (201, 20)), "pulses", "volume_l", None)
    assert fit.transform.add == 0
    assert fit.residuals == (0, 0)


@pytest.mark.parametrize(
    ("method", "given", "unit", "code"),
    [
        (LINE, [(0, 4000)], "current_ua", "points-one"),
        (LINE, [(0, 4000), (5000, 4000)], "current_ua", "points-equal"),
        (LINE, [(700, 4000), (700, 9000)], "current_ua", "points-same-truth"),
        (LINE, [(5000, 4000), (0, 20_000)], "current_ua", "slope-negative"),
        (LINE, [(0, 3500), (5000, 20_000)], "current_ua", "loop"),
        (LINE, [(0, 4000), (5000, 21_000)], "current_ua", "loop"),
        (LINE, [(0, 4000), (2900, 12_000), (5000, 20_000)], "current_ua", "residual"),
        (LINE, [(0, 0), (1 << 24, 1)], "value", "transform-size"),
        (OFFSET, [(400, 3600), (500, 3600)], "range_mm", "residual"),
        (OFFSET, [(400, 1 << 25)], "range_mm", "point-size"),
        (OFFSET, [], "range_mm", "points-count"),
        (OFFSET, [(1, 1)] * 33, "range_mm", "points-count"),
        (FACTOR, [(10, -1)], "pulses", "factor-sign"),
        (FACTOR, [(-10, 1)], "pulses", "factor-sign"),
        (FACTOR, [(10, 0)], "pulses", "factor-sign"),
        (FACTOR, [(100, 10), (100, 20)], "pulses", "residual"),
    ],
)
def test_nonsense_is_refused_with_its_reason(method, given, unit, code):
    with pytest.raises(Refused) as caught:
        sums.fit(method, points(*given), unit, "stage_mm", Fraction(-1))
    assert caught.value.code == code
    assert caught.value.text("fr") != caught.value.text("en")


def test_points_within_their_own_spread_are_one_place():
    close = [Point(0, 4000, 60), Point(30, 4100, 60)]
    with pytest.raises(Refused, match="at one place"):
        sums.fit(LINE, close, "current_ua", "stage_mm", None)


def test_a_point_is_the_median_of_good_readings():
    readings = [(1000, 0), (1004, 0), None, (1002, 0), (9000, 1), (1001, 0), (1003, 0)]
    point = sums.measured(400, readings, "range_mm")
    assert (point.raw, point.spread, len(point.readings)) == (1002, 4, 5)


@pytest.mark.parametrize(
    ("readings", "code"),
    [
        ([(1000, 0)] * 4, "readings-few"),
        ([(1000, 0)] * 5 + [None] * 6, "readings-few"),
        ([(1000, 3)] * 9, "readings-few"),
        ([(1000, 0)] * 8 + [(1100, 0)], "spread"),
    ],
)
def test_unsteady_readings_are_refused(readings, code):
    with pytest.raises(Refused) as caught:
        sums.measured(400, readings, "range_mm")
    assert caught.value.code == code


# --- board, site and record


class Desk:
    """A laptop with a site's file and one board."""

    def __init__(self, folder, monkeypatch, capsys):
        self.site = folder / "village.yaml"
        shutil.copy(SITE, self.site)
        self.folder = folder / "board"
        self.folder.mkdir()
        self.port = None
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def board(self, value=None, **more):
        self.port = ScriptedBoard(self.folder, config() if value is None else value, **more)
        self._monkeypatch.setattr(cmd_calibrate, "open_port", lambda text: self.port)
        return self.port

    def run(self, *more, by="Luc Martin", answer="\n" * 9, tty=False):
        stdin = io.StringIO(answer)
        stdin.isatty = lambda: tty
        self._monkeypatch.setattr("sys.stdin", stdin)
        line = ["--lang", "en", "calibrate", "--port", "x", "--site", str(self.site), "--by", by]
        code = cli.main([*line, *map(str, more)])
        self.said = self._capsys.readouterr()
        return code

    def transform(self):
        return held_config(self.folder)["channels"][0].get("calibration")

    def records(self, kind=None):
        path = self.site.with_suffix(".logbook.jsonl")
        lines = path.read_text().splitlines() if path.exists() else []
        return [r for r in map(json.loads, lines) if kind in (None, r["kind"])]


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    return Desk(tmp_path, monkeypatch, capsys)


def test_the_node_computes_what_the_staff_gauge_shows(desk):
    board = desk.board(readings=[(3588, 0), (3590, 0), (3589, 0)])
    assert desk.run("--staff", 412) == 0
    config_ = ConfigStore(str(desk.folder)).load()
    assert (config_.version, config_.id) == (5, NODE)
    assert calibrated(3589, config_.channels[0].calibration) == 412
    assert board.serving == [True, False], "left in service mode"
    assert not (desk.folder / "button").exists()


def test_the_record_keeps_who_when_what_and_how_well(desk):
    desk.board(readings=[(3588, 0), (3590, 0), (3589, 0)])
    desk.run("--staff", 412)
    begun, done = desk.records()
    assert (begun["kind"], done["kind"]) == ("calibration", "calibrated")
    assert (begun["by"], begun["sensor"], begun["node"]) == ("Luc Martin", "pont-neuf-a", NODE)
    assert begun["points"][0]["readings"] == [3588, 3590] + [3589] * 7
    assert begun["residuals"] == [0]
    assert begun["transform"] == desk.transform()
    assert begun["previous"] is None
    assert begun["at"].endswith("+00:00")
    assert done["config_version"] == begun["config_version"] == 5


def test_a_second_calibration_leaves_the_first_in_the_record(desk):
    desk.board(readings=[(3589, 0)])
    assert desk.run("--staff", 412) == 0
    assert desk.run("--staff", 415, by="Anne") == 0
    first, second = desk.records("calibration")
    assert (first["by"], second["by"]) == ("Luc Martin", "Anne")
    assert second["previous"] == first["transform"]
    assert second["moved"] == 3
    assert held_config(desk.folder)["version"] == 6
    pages = logbook.Logbook(desk.site).read()
    assert [done for _, done in calibrating.history(pages, NODE, "pont-neuf-a")] == [True, True]


def test_metres_off_need_a_reason(desk):
    desk.board(readings=[(3589, 0)])
    desk.run("--staff", 412)
    before = desk.transform()
    assert desk.run("--staff", 1500) == cli.REFUSED
    assert "--force" in desk.said.err
    assert desk.transform() == before
    assert desk.run("--staff", 1500, "--force", "new bracket") == 0
    assert desk.records("calibration")[-1]["forced"] == "new bracket"


def test_a_river_that_is_never_calm_needs_a_reason(desk):
    waves = [(3500 + 25 * step, 0) for step in (0, 3, 1, 4, 2, 5, 1, 3, 2)]
    desk.board(readings=waves)
    assert desk.run("--staff", 412) == cli.REFUSED
    assert "125 apart, 60 at most" in desk.said.err
    desk.board(readings=waves)
    assert desk.run("--staff", 412, "--force", "below the weir") == 0
    (record,) = desk.records("calibration")
    assert (record["points"][0]["spread"], record["forced"]) == (125, "below the weir")
    assert record["points"][0]["raw"] == 3550
    desk.board(readings=[(3000, 0), (3589, 0)])
    assert desk.run("--staff", 412, "--force", "below the weir") == cli.REFUSED


def test_a_dry_run_shows_the_change_and_makes_none(desk):
    desk.board(readings=[(3589, 0)])
    assert desk.run("--staff", 412, "--dry-run") == 0
    assert '+   "add": 4001' in desk.said.out
    assert "hunter2" not in desk.said.out
    assert desk.transform() is None
    assert desk.records() == []
    assert desk.run("--staff", 412, "--dry-run", "--json") == 0
    assert json.loads(desk.said.out)["transform"] == {"multiply": -1, "divide": 1, "add": 4001}


def test_two_points_are_read_one_after_the_other(desk):
    desk.board(config(channel={"probe": LOOP}), readings=[(4000, 0)] * 9 + [(20_000, 0)])
    assert desk.run("--point", 0, "--point", 5000, tty=True) == 0
    assert desk.said.err.count("press Enter") == 2
    assert desk.transform() == {"multiply": 5, "divide": 16, "add": -1250}


def test_points_that_were_read_are_not_lost(desk):
    readings = [(4003, 0)] * 9 + ["no answer from address 72"]
    desk.board(config(channel={"probe": LOOP}), readings=readings)
    assert desk.run("--point", 0, "--point", 5000, tty=True) == cli.REFUSED
    assert "--point=0=4003" in desk.said.err
    desk.board(config(channel={"probe": LOOP}), readings=[(20_000, 0)])
    assert desk.run("--point", "0=4003", "--point", 5000) == 0
    assert "read already" not in desk.said.err
    assert desk.run("--point", "0=4003", "--point", 0) == cli.REFUSED
    assert "--point=0=20000" in desk.said.err


def test_points_read_before_are_typed_in(desk):
    board = desk.board(config(channel={"probe": LOOP}))
    assert desk.run("--point", "0=4000", "--point", "5000=20000") == 0
    assert board.serving == [], "nothing was read, so nothing was restarted"
    assert "typed in" in desk.said.out
    assert "next start" in desk.said.err
    board.write("main.py", b"# the loader: this board runs")
    assert desk.run("--point", "5010=20000", "--method", "offset") == 0
    assert board.serving == [False], "started again, to take it"
    assert desk.transform() == {"multiply": 5, "divide": 16, "add": -1240}


def test_a_level_may_be_below_the_gauges_zero(desk):
    desk.board(readings=[(4040, 0)])
    assert desk.run("--staff", "-40") == 0
    assert desk.transform()["add"] == 4000
    assert desk.run("--point", "-38") == 0
    assert desk.run("--point=-40=4040") == 0
    assert desk.transform()["add"] == 4000


def test_a_meters_factor_comes_from_its_plate_or_a_bucket(desk):
    meter = config(id=31, channel={"probe": PULSE, "quantity": 3})
    board = desk.board(meter, readings=[(40, 0), (140, 0)])
    assert desk.run("--factor", "0,5") == 0
    assert desk.transform() == {"multiply": 1, "divide": 2, "add": 0}
    assert desk.run("--point", 52, tty=True) == 0
    assert '"raw": "count"' in board.log[0] or any('"raw": "count"' in c for c in board.log)
    assert Fraction(desk.transform()["multiply"], desk.transform()["divide"]) == Fraction(52, 100)


def test_of_several_sensors_one_has_to_be_named(desk):
    first = "      - {sensor: pont-neuf-a"
    second = "      - {sensor: pont-eau, quantity: water_temp_cc}\n"
    head, _, rest = desk.site.read_text().partition(first)
    line, _, rest = rest.partition("\n")
    desk.site.write_text(head + first + line + "\n" + second + rest)
    value = config()
    water = {"index": 1, "quantity": 6, "step": 1, "probe": {"kind": "ds18b20", "pin": 15}}
    value["channels"].append(water)
    desk.board(value, readings=[(1250, 0)])
    assert desk.run("--point", 1290) == cli.REFUSED
    assert "pont-neuf-a, pont-eau; say which one: --sensor" in desk.said.err
    assert desk.run("--point", 1290, "--sensor", "pont-eau") == 0
    first, second = held_config(desk.folder)["channels"]
    assert "calibration" not in first
    assert second["calibration"] == {"multiply": 1, "divide": 1, "add": 40}


def test_which_way_a_radar_looks_has_to_be_said(desk):
    desk.board(config(channel={"probe": RADAR}), readings=[(3589, 0)])
    assert desk.run("--staff", 412) == cli.REFUSED
    assert "--facing" in desk.said.err
    assert desk.run("--staff", 412, "--facing", "down") == 0
    assert desk.transform() == {"multiply": -1, "divide": 1, "add": 4001}
    assert desk.run("--staff", 413) == 0, "the slope is known by now"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--staff", "99000"], "outside what the site's file allows"),
        ([], "0 points"),
        (["--point", "412"] * 2, "in a terminal"),
        (["--point", "a"], "write VALUE or VALUE=RAW"),
        (["--point", "1=" + "9" * 40], "write VALUE or VALUE=RAW"),
        (["--factor", "2"], "for a pulse counter"),
        (["--factor", "2", "--staff", "1"], "is given alone"),
        (["--factor", "-2"], "positive number"),
        (["--factor", "1/0"], "positive number"),
        (["--factor", "nan"], "positive number"),
        (["--staff", "412", "--count", "0"], "1 to 99"),
        (["--staff", "412", "--sensor", "elsewhere"], "it has: pont-neuf-a"),
        (["--staff", "412", "--date", "1970-01-01T00:10"], "was not set"),
        (["--staff", "412", "--date", "2126-01-01T00:10"], "lies ahead"),
        (["--staff", "412", "--date", "soon"], "is no date"),
        (["--staff", "412", "--force", ""], "--force"),
        (["--staff", "412", "--force", "a\u202eb"], "invisible characters"),
        (["--staff", "412", "--force", "x" * 201], "1 to 200 characters"),
    ],
)
def test_what_a_person_mistypes_costs_nothing(desk, more, says):
    desk.board(readings=[(3589, 0)])
    before = sorted(p.name for p in desk.folder.iterdir())
    assert desk.run(*more) == cli.REFUSED
    assert says in desk.said.err
    assert desk.said.err.strip().count("\n") <= 1
    assert desk.transform() is None
    assert desk.records() == []
    assert sorted(p.name for p in desk.folder.iterdir()) == before


@pytest.mark.parametrize("by", ["", " ", "x" * 81, "Luc\nMartin", "Luc\x00"])
def test_a_name_is_one_clean_line(desk, by):
    desk.board()
    assert desk.run("--staff", "412", by=by) == cli.REFUSED
    assert "--by" in desk.said.err


@pytest.mark.parametrize(
    ("readings", "says"),
    [
        (["no echo in 7 pings"], "no echo in 7 pings"),
        ([(3589, 3)], "good readings"),
        ([(3400, 0), (3589, 0)], "apart"),
        ([("x", 0)], "instead of a reading"),
        ([(1 << 40, 0)], "instead of a reading"),
        ([(3589, -1)], "instead of a reading"),
    ],
)
def test_what_a_sensor_does_wrong_is_said(desk, readings, says):
    board = desk.board(readings=readings)
    assert desk.run("--staff", 412) == cli.REFUSED
    assert says in desk.said.err
    assert desk.transform() is None
    assert board.serving[-1] is False, "left in service mode"


def test_a_clock_that_was_never_set_dates_nothing(desk, monkeypatch):
    monkeypatch.setattr(logbook, "EARLIEST", logbook.EARLIEST.replace(year=2999))
    desk.board(readings=[(3589, 0)])
    assert desk.run("--staff", 412) == cli.REFUSED
    assert "was not set" in desk.said.err


def test_no_calibration_is_dated_before_the_last(desk):
    desk.board(readings=[(3589, 0)])
    desk.run("--staff", 412)
    assert desk.run("--staff", 412, "--date", "2026-01-02T10:00") == cli.REFUSED
    assert "before the last calibration" in desk.said.err


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (config(id=99), "node 99 is not in sainte-amonette"),
        (config(channel={"quantity": 2}), "enrol it again"),
        (config(schema=2), "no readable configuration"),
        (config(channels=[]), "no readable configuration"),
        (config(channels=[7]), "no readable configuration"),
        (config(version=65_535), "used up its configuration versions"),
    ],
)
def test_a_board_that_does_not_fit_is_left_alone(desk, value, says):
    desk.board(value, readings=[(3589, 0)])
    assert desk.run("--staff", 412) == cli.REFUSED
    assert says in desk.said.err
    assert held_config(desk.folder) == value


def test_a_bare_board_is_named(desk):
    desk.board(value=None)
    (desk.folder / "config.a").unlink()
    assert desk.run("--staff", 412) == cli.REFUSED
    assert "enrol it first" in desk.said.err


class Cut(ScriptedBoard):
    """A cable that is pulled at the board's configuration."""

    def write(self, name, content):
        if name == "config.b":
            raise Refused("held-unread", name=name)
        super().write(name, content)


def test_a_pulled_cable_leaves_the_old_configuration_and_an_open_record(desk, monkeypatch):
    port = Cut(desk.folder, config(), [(3589, 0)])
    monkeypatch.setattr(cmd_calibrate, "open_port", lambda text: port)
    assert desk.run("--staff", 412) == cli.REFUSED
    assert held_config(desk.folder)["version"] == 4
    desk.board(readings=[(3589, 0)])
    assert desk.run("--staff", 412) == 0
    pages = logbook.Logbook(desk.site).read()
    assert len(calibrating.history(pages, NODE, "pont-neuf-a")) == 2


def test_a_configuration_that_came_meanwhile_is_not_lost(desk):
    class Busy(ScriptedBoard):
        """The gateway's change arrives between reading and writing."""

        def exec(self, code, timeout_s=10.0):
            from amont_provision import board

            if "_probe.read" in code:
                self.write("config.b", board.pair_text(config(version=5), 4))
            return super().exec(code, timeout_s)

    desk.board()
    desk.port = Busy(desk.folder, config(), [(3589, 0)])
    assert desk.run("--staff", 412) == cli.REFUSED
    assert "changed meanwhile" in desk.said.err
    assert held_config(desk.folder) == config(version=5)


# --- the logbook


def test_a_damaged_line_costs_itself_alone(desk):
    desk.board(readings=[(3589, 0)])
    desk.run("--staff", 412)
    path = desk.site.with_suffix(".logbook.jsonl")
    path.write_bytes(b'{"half": \n[1]\n\xff\xfe\n' + path.read_bytes() + b'{"format":1,"torn')
    assert desk.run("--staff", 412) == 0
    assert "damaged lines, left aside: 1, 2, 3, 6" in desk.said.err
    pages = logbook.Logbook(desk.site).read()
    assert len(pages.records) == 4
    assert pages.damaged == (1, 2, 3, 6)


def test_a_logbook_has_bounds(desk, monkeypatch):
    book = logbook.Logbook(desk.site)
    at = logbook.now()
    with pytest.raises(Refused, match="over 64 kB"):
        book.append("calibration", at, {"node": 1, "text": "x" * (64 << 10)})
    monkeypatch.setattr(logbook, "FILE_BYTES_MAX", 10)
    book.path.write_text("x" * 11)
    with pytest.raises(Refused, match="is no logbook"):
        book.read()
    monkeypatch.undo()
    book.path.unlink()
    book.path.mkdir()
    with pytest.raises(Refused, match="cannot be read"):
        book.read()
    with pytest.raises(Refused, match="nothing is noted"):
        book.append("calibration", at, {})


def test_the_site_says_which_channel_is_meant(desk):
    desk.board()
    site = load(SITE)
    held = calibrating.Held(config(), 3, "config.a")
    assert calibrating.target(site, held, None).channel.sensor == "pont-neuf-a"


def test_each_refusal_names_a_next_step():
    for code, sentences in TEXTS.items():
        if code.startswith("calibrate-"):
            continue
        for sentence in sentences:
            assert any(mark in sentence for mark in (" ; ", "; ", " : ", ": ")), code
