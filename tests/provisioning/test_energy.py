"""What a station draws: worked by hand, against the node's own figures, and against traces."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from amont_provision import cli, energy, energy_site, energy_trace, enrol, framesizes
from amont_provision.board import pair_text
from amont_provision.energy import BOARDS, FIGURES, PROFILES, RECOMMENDED, Air, budget
from amont_provision.texts import Refused
from amont_site import load
from amont_wire import airtime

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
RIVER = PROFILES["slow-river"]
GATED = BOARDS[RECOMMENDED]


def test_time_on_air_is_the_nodes_own():
    for sf in range(7, 13):
        for size in range(1, 52):
            own_ms = airtime.time_on_air_ms(size, sf, 125, 5, 8)
            assert energy.air_s(size, sf) == own_ms / 1000


def test_worked_by_hand():
    parts = budget(RIVER, GATED).parts
    start_s = FIGURES["boot_s"].value + FIGURES["import_s"].value
    assert parts["start"] == pytest.approx(96 * start_s * 24 / 3600)
    assert parts["sensor"] == pytest.approx(96 * 0.4 * 8 / 3600)
    assert parts["clock"] == pytest.approx(24 * 0.00025)
    size = framesizes.samples(("stage_mm",), 8).size
    sent_s = 24 * energy.air_s(size, 9) + 4 * energy.air_s(framesizes.health_size(), 9)
    assert parts["transmit"] == pytest.approx(sent_s * 45 / 3600)
    assert parts["receive"] == pytest.approx(28 * 2.6 * 4.6 / 3600)
    work_s = 96 * (0.4 + 0.05) + sent_s
    assert parts["work"] == pytest.approx((work_s * 24 + 28 * 2.6 * 1.8) / 3600)
    asleep_s = 86_400 - 96 * start_s - work_s - 28 * 2.6
    assert parts["sleep"] == pytest.approx(asleep_s * 0.005 / 3600)


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
@pytest.mark.parametrize("carrier", energy.CARRIERS)
def test_a_day_has_its_seconds(profile, board, carrier):
    found = budget(profile, board, carrier=carrier)
    assert sum(segment.seconds for segment in found.segments) == pytest.approx(86_400)
    assert sum(found.state(name)[0] for name in energy.STATES) == pytest.approx(86_400)
    whole = sum(found.state(name)[1] for name in energy.STATES)
    assert whole == pytest.approx(found.mah_day) == pytest.approx(sum(found.parts.values()))
    assert 0 < found.years < 20


def test_the_recommended_board_lasts_and_the_bare_one_does_not():
    assert budget(RIVER, GATED).mah_day <= 1.0
    assert budget(RIVER, GATED).years >= 5
    assert budget(RIVER, BOARDS["pico"]).years == pytest.approx(0.25, abs=0.01)


def test_what_costs_more_says_so():
    usual = budget(RIVER, GATED).mah_day
    assert budget(RIVER, GATED, sf=12).mah_day > usual
    assert budget(replace(RIVER, frame_samples=1), GATED).mah_day > usual
    assert budget(replace(RIVER, sensor="loop"), GATED).mah_day > usual
    assert budget(RIVER, replace(GATED, imports="import_py_s")).mah_day > usual
    assert budget(RIVER, GATED, carrier="wifi").mah_day > 3 * usual
    assert budget(RIVER, GATED, air=Air(preamble=27)).mah_day > usual
    assert budget(RIVER, GATED, air=Air(tries=1.5)).mah_day > usual
    assert budget(RIVER, GATED, air=Air(naps=False)).mah_day > usual + 0.4
    looks = [budget(PROFILES[f"flash-flood{of}"], GATED).mah_day for of in ("-float", "-120", "")]
    assert looks == sorted(looks)
    assert looks[0] == usual
    assert budget(RIVER, replace(GATED, converter=1.5)).parts["sleep"] == pytest.approx(
        budget(RIVER, GATED).parts["sleep"]
    )


def test_the_longest_start_uses_the_goal_up():
    start_s = energy.longest_start_s(RIVER, GATED, 1.0)
    more_s = start_s - FIGURES["boot_s"].value - FIGURES["import_s"].value
    assert budget(RIVER, GATED).mah_day + 96 * more_s * 24 / 3600 == pytest.approx(1.0)


# --- traces


def write(path: Path, rows) -> Path:
    lines = ["time_s,current_ma", *(f"{time_s},{ma}" for time_s, ma in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def recorded(found, hours: float = 2.0):
    """Yield a trace that is the model itself: each segment in turn, once a quarter of an hour."""
    cycles, time_s = int(hours * 4), 0.0
    for _ in range(cycles):
        for segment in found.segments:
            yield round(time_s, 6), segment.current_ma
            time_s += segment.seconds / 96
    yield round(time_s, 6), 0.005


def test_a_trace_of_the_model_is_the_model(tmp_path):
    found = budget(RIVER, GATED)
    path = write(tmp_path / "trace.csv", recorded(found))
    for one in energy_trace.compare(path, found, 3600):
        assert one.measured_mah == pytest.approx(one.modelled_mah, rel=1e-3)
        assert one.measured_s == pytest.approx(one.modelled_s, rel=1e-3)
        assert one.ratio == pytest.approx(1, rel=1e-3)


def test_a_trace_shows_which_part_is_wrong(tmp_path):
    found = budget(RIVER, GATED)
    rows = [(t, 0.1 if ma < 1 else ma) for t, ma in recorded(found)]  # a leak of 0.1 mA
    asleep, awake, sending = energy_trace.compare(write(tmp_path / "t.csv", rows), found, 3600)
    assert asleep.ratio == pytest.approx(0.1 / 0.00525, rel=0.01)
    assert awake.ratio == pytest.approx(1, rel=1e-3)
    assert sending.ratio == pytest.approx(1, rel=1e-3)


def test_noise_around_zero_is_nothing(tmp_path):
    rows = [(0, -0.4), (1000, -0.2), (4000, 0)]
    asleep, awake, sending = energy_trace.compare(
        write(tmp_path / "t.csv", rows), budget(RIVER, GATED), 3600
    )
    assert (asleep.measured_mah, asleep.measured_s) == (0, 86_400)
    assert (awake.measured_ma, sending.measured_ma) == (0, 0)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("", "energy-trace-head", "time_s,current_ma"),
        ("time,current\n1,2\n", "energy-trace-head", "first line"),
        ("time_s,current_ma\n1,2\n2,x\n", "energy-trace-line", "line 3"),
        ("time_s,current_ma\n1,2\n2\n", "energy-trace-line", "line 3"),
        ("time_s,current_ma\n1,2\n2,nan\n", "energy-trace-line", "line 3"),
        ("time_s,current_ma\n1,2\n1,2\n", "energy-trace-time", "line 3"),
        ("time_s,current_ma\n1,2\n2,-1.5\n", "energy-trace-negative", "line 3"),
        ("time_s,current_ma\n0,1\n60,1\n", "energy-trace-short", "60 s"),
    ],
)
def test_a_bad_trace_is_refused(tmp_path, text, code, said):
    path = tmp_path / "trace.csv"
    path.write_text(text)
    with pytest.raises(Refused) as caught:
        energy_trace.compare(path, budget(RIVER, GATED), 3600)
    assert caught.value.code == code
    assert said in caught.value.text("en")
    assert str(path) in caught.value.text("fr")


def test_a_trace_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "trace.csv"
    for content in (b"\xff\xfe\x00time_s", None):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(Refused) as caught:
            energy_trace.compare(path, budget(RIVER, GATED), 3600)
        assert caught.value.code == "energy-trace-read"


# --- the command


def test_the_command_says_it_in_both_languages(capsys):
    assert cli.main(["--lang", "en", "energy"]) == 0
    english = capsys.readouterr().out
    assert "slow-river on pico-gated, LoRa SF9" in english
    assert "(assumed)" in english
    assert "lightsleep" not in english  # figures of boards that are not asked about
    assert cli.main(["--lang", "fr", "energy", "--board", "pico", "--profile", "pipe"]) == 0
    french = capsys.readouterr().out
    assert "pipe sur pico" in french
    assert "supposé" in french
    assert "lightsleep" in french


def test_the_command_gives_an_object(capsys, tmp_path):
    assert cli.main(["energy", "--json", "--profile", "flash-flood", "--sf", "7"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["mah_day"] == pytest.approx(sum(answer["parts"].values()), abs=0.001)
    assert answer["figures"]["boot_s"]["assumed"] is True
    assert "trace" not in answer
    path = write(tmp_path / "t.csv", recorded(budget(RIVER, GATED)))
    assert cli.main(["energy", "--json", "--trace", str(path)]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [one["state"] for one in answer["trace"]] == list(energy.STATES)
    assert cli.main(["--lang", "en", "energy", "--trace", str(path)]) == 0
    assert "× 1.00" in capsys.readouterr().out


def test_options_change_the_station(capsys):
    def day(*options: str) -> float:
        assert cli.main(["energy", "--json", *options]) == 0
        return float(json.loads(capsys.readouterr().out)["mah_day"])

    usual = day()
    for option, value in (
        ("--frame-samples", "1"), ("--interval-s", "300"), ("--converter", "1.47"),
        ("--sensor", "loop"), ("--carrier", "wifi"),
    ):  # fmt: skip
        assert day(option, value) > usual


# --- a station as it is enrolled


def river(folder: Path, node: str = "", channel: str = "", bridge: str = "") -> Path:
    """Return a copy of the example whose node 11 says more."""
    text = SITE.read_text()
    text = text.replace("    carrier: bridge\n", f"    carrier: bridge\n{node}", 1)
    text = text.replace("quantity: stage_mm", f"quantity: stage_mm{channel}", 1)
    path = folder / "site.yaml"
    path.write_text(text.replace("bridge: {", "bridge: {" + bridge))
    return path


def asked(capsys, *options: str, code: int = 0) -> dict:
    assert cli.main(["energy", "--json", *options]) == code
    return json.loads(capsys.readouterr().out)


SLOW = "    profile: slow-river\n"
GATE = {"name": "pico", "sleep": "gate"}


def test_a_station_of_the_usual_validity_is_told_what_gives_five_years(capsys, tmp_path):
    site = str(river(tmp_path, SLOW))
    found = asked(capsys, site, "--node", "11")
    assert (found["frame_samples"], found["profile"]) == (1, "slow-river")
    assert found["mah_day"] == pytest.approx(1.586, abs=0.01)
    assert found["advice"]["code"] == "energy-five-frames"
    assert found["advice"]["values"]["validity_s"] == 8100
    assert found["guesses"] == ["energy-guess-sensor", "energy-guess-board"]
    assert "rp2040_ma" in found["assumed"]
    assert "ultrasonic_ma" not in found["assumed"]
    assert "wifi_ma" not in found["figures"]
    for lang, words in (
        ("en", "write validity_s: 8100 on each channel of the station, and enrol again. It costs"
         " that a calm level is seen each 60 min instead of 15, and silence after 135 min instead"
         " of 45; what crosses a mark is still sent at once"),
        ("fr", "écrivez validity_s: 8100"),
    ):  # fmt: skip
        assert cli.main(["--lang", lang, "energy", site, "--node", "11"]) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert words in last


def test_a_station_that_does_as_it_was_told_lasts_for_five_years(capsys, tmp_path):
    site = str(river(tmp_path, SLOW, ", validity_s: 8100"))
    found = asked(capsys, site, "--node", "11")
    assert found["frame_samples"] == 4
    assert found["mah_day"] <= 1.0
    assert found["years"] >= 5
    assert found["advice"] is None


def test_whoever_wants_each_sample_says_so(capsys, tmp_path):
    site = river(tmp_path, f"{SLOW}    frame_samples: 1\n", ", validity_s: 8100")
    assert asked(capsys, str(site), "--node", "11")["frame_samples"] == 1


def config(**more) -> dict:
    probe = {"kind": "a02yyuw"}
    return {
        "profile": "slow-river", "interval_s": 900, "board": GATE, "carrier": {"kind": "radio"},
        "channels": [{"probe": probe}],
    } | more  # fmt: skip


@pytest.mark.parametrize(
    ("board", "name", "code"),
    [
        (GATE, "pico-gated", "energy-five-frames"),
        ({"name": "pico-w"}, "pico", "energy-five-both"),
        ({"name": "pico2", "sleep": "light"}, "pico", "energy-five-both"),
        ({"name": "esp32", "sleep": "deep"}, "esp32", "energy-five-none"),
        ({"name": "esp32", "sleep": "light"}, "esp32-light", "energy-five-none"),
        ({"name": "esp32", "sleep": "gate"}, "esp32-gated", "energy-five-none"),
    ],
)
def test_the_board_and_how_it_sleeps_are_the_models(board, name, code):
    node = enrol.node_of(load(SITE), 11)
    station = energy_site.station(config(board=board))
    assert station.board.name == name
    assert station.guesses == ()
    assert energy_site.advice(node, station).code == code


def test_saved_up_frames_are_enough_of_an_answer_to_the_switch_alone():
    node = enrol.node_of(load(SITE), 11)
    station = energy_site.station(config(board={"name": "pico"}, frame_samples=4))
    assert energy_site.advice(node, station).code == "energy-five-gate"
    gated = energy_site.station(config(frame_samples=4))
    assert energy_site.advice(node, gated) is None


def test_each_sensor_counts_and_the_first_one_looks():
    level = {"kind": "a02yyuw", "temperature": {"kind": "ds18b20", "pin": 3}}
    channels = [{"probe": level}, {"probe": {"kind": "ads1115_420ma"}}]
    station = energy_site.station(config(channels=channels, profile="flash-flood"))
    profile = station.profile
    assert (profile.sensor, profile.more) == ("ultrasonic", ("thermometer", "loop"))
    assert profile.look_s == 60
    more = station.budget().mah_day - replace(
        station, profile=replace(profile, more=())
    ).budget().mah_day  # fmt: skip
    seconds = {of: FIGURES[f"{of}_s"].value for of in profile.more}
    drawn = {of: FIGURES[f"{of}_ma"].value for of in profile.more}
    expected = sum(96 * seconds[of] * (24 + drawn[of]) / 3600 for of in profile.more)
    assert more == pytest.approx(expected, rel=1e-3)
    assert energy_site.station(config(profile="flash-flood", look_s=None)).profile.look_s is None


def test_a_network_costs_what_it_costs(capsys):
    found = asked(capsys, str(SITE), "--node", "21")
    assert found["carrier"] == "wifi"
    assert "wifi_ma" in found["assumed"]
    assert found["advice"]["code"] == "energy-five-none"


def test_the_radio_is_the_bridges(capsys, tmp_path):
    site = str(river(tmp_path, SLOW, bridge="spreading_factor: 12, "))
    assert asked(capsys, site, "--node", "11")["carrier"] == "LoRa SF12"


def test_a_board_is_asked_itself(capsys, tmp_path):
    board = tmp_path / "board"
    board.mkdir()
    said = config(id=11, frame_samples=4)
    (board / "config.a").write_bytes(pair_text(said, 1))
    options = (str(SITE), "--node", "11", "--port", f"virtual:{board}")
    assert asked(capsys, *options)["frame_samples"] == 4
    (board / "config.a").write_bytes(pair_text(config(id=12), 1))
    assert cli.main(["--lang", "en", "energy", *options]) == cli.REFUSED
    assert "this board is node 12 and not 11" in capsys.readouterr().err


@pytest.mark.parametrize("options", [(str(SITE),), ("--node", "11"), ("--port", "virtual:x")])
def test_half_a_question_is_refused(options, capsys):
    assert cli.main(["--lang", "en", "energy", *options]) == cli.REFUSED
    assert "the site's file and --node N" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [
        ("--interval-s", "0"), ("--interval-s", "x"), ("--frame-samples", "65"),
        ("--converter", "0.5"), ("--converter", "x"), ("--sf", "6"), ("--board", "abacus"),
    ],
)  # fmt: skip
def test_options_out_of_bounds_are_refused(options, capsys):
    with pytest.raises(SystemExit):
        cli.main(["energy", *options])
    assert options[0] in capsys.readouterr().err


def test_a_bad_trace_ends_the_command_with_one_line(capsys, tmp_path):
    assert cli.main(["--lang", "en", "energy", "--trace", str(tmp_path / "none.csv")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_node_without_a_profile_tells_its_health_each_hour():
    lasting, plain = energy_site.station(config()), energy_site.station(config(profile=None))
    assert (lasting.profile.health_a_day, plain.profile.health_a_day) == (4, 24)
    assert plain.budget().frames == lasting.budget().frames + 20
    assert plain.budget().mah_day > lasting.budget().mah_day


def test_whoever_waits_for_a_module_stays_awake():
    module = {"kind": "lora", "chip": "rak3172", "lora": {"sf": 9, "preamble": 29}}
    chip = module | {"chip": "sx1262"}
    stations = [energy_site.station(config(carrier=carrier)) for carrier in (chip, module)]
    assert [station.naps for station in stations] == [True, False]
    assert [station.preamble for station in stations] == [29, 29]
    assert stations[1].budget().mah_day > stations[0].budget().mah_day + 0.4


def test_lorawan_is_told_by_its_name(capsys):
    assert cli.main(["--lang", "en", "energy", "--carrier", "lorawan"]) == 0
    said = capsys.readouterr().out
    assert "LoRaWAN SF9" in said
    assert "lorawan_wait_s" in said
    assert "listen_s " not in said
