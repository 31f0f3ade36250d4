"""Verify: only an answered frame with a sample that we saw proves a station."""

import http.server
import itertools
import json
import shutil
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.provisioning.scripted_board import (
    GOOD,
    NODE,
    ScriptedBoard,
    ack,
    boot,
    config,
    event,
    sample,
    sent,
)

from amont_provision import cli, cmd_verify, page_check
from amont_provision.texts import TEXTS, Refused, say
from amont_provision.verification import (
    ACK,
    BOOT,
    FAILED,
    LINE_CHARACTERS_MAX,
    LINES_MAX,
    OK,
    ORDER,
    SAMPLE,
    SENT,
    WAITING,
    Expected,
    Follower,
    follow,
)

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
SECRET = "5e" * 16


def followed(lines, channels=None):
    """The follower after these lines, one a second, and what it told."""
    ticks = itertools.count()
    follower = Follower(NODE, channels or [Expected("stage", 0, -500, 8000)], 0)
    told = []
    follow(lambda timeout_s: iter(lines), follower, 60, lambda: next(ticks), told.append)
    return follower, told


def states(follower):
    return [follower.steps[name].state for name in ORDER]


def test_a_good_station_is_proved_step_by_step():
    follower, told = followed(["MicroPython", *GOOD, "never read"])
    assert states(follower) == [OK] * 4
    assert [step.name for step in told] == list(ORDER)
    assert follower.values == {"stage": {412}}
    seconds = [step.seconds for step in told]
    assert seconds == sorted(seconds)
    assert follower.steps[ACK].values["rssi_dbm"] == -97


@pytest.mark.parametrize(
    ("lines", "failed", "code"),
    [
        ([], BOOT, "verify-no-boot"),
        ([boot(node=12), *GOOD[1:]], BOOT, "verify-other-node"),
        ([event("boot", state="no release")], BOOT, "verify-boot-state"),
        ([boot()], SAMPLE, "verify-no-sample"),
        ([boot(), sample(9000), sent(), ack()], SAMPLE, "verify-range"),
        ([boot(), sample(quality=3), sent(), ack()], SAMPLE, "verify-quality"),
        ([boot(), sample(None, quality=4), sent(), ack()], SAMPLE, "verify-quality"),
        ([boot(), event("sample", life=1, seq=4, values=[]), sent()], SAMPLE, "verify-quality"),
        ([boot(), event("sample", life=1, seq=4, values=[[0]])], SAMPLE, "verify-sample-form"),
        ([boot(), event("sample", life=1, seq=4, values=[[0, 1, 0], [1, 1, 0]])], SAMPLE,
         "verify-sample-form"),
        ([boot(), sample()], SENT, "verify-no-sent"),
        ([boot(), sample(), sent(first=0, last=3)], SENT, "verify-no-sent"),
        ([boot(), sample(), sent(life=2)], SENT, "verify-no-sent"),
        ([boot(), sample(), event("sent", kind="hello", counter=1)], SENT, "verify-no-sent"),
        ([boot(), sample(), sent()], ACK, "verify-no-ack"),
        ([boot(), sample(), sent(), ack(through=3)], ACK, "verify-ack-other"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_what_to_do(lines, failed, code):
    _, told = followed(lines)
    first = next(step for step in told if step.state == FAILED)
    assert (first.name, first.code) == (failed, code)
    for step in told:
        for language in ("fr", "en"):
            assert say(step.code, language, **step.values)


@pytest.mark.parametrize(
    "line",
    [
        ack(counter=32),  # of a frame that we did not see leaving
        ack(through=3),  # does not cover our sample
        ack(life=2),
        ack(through=None),
        ack(through="4"),
        ack(through=True),
        ack(through=0, bits=0b0111),
        ack(through=0, bits=1 << 70),
        ack(through=0, bits="8"),
        "amont " + ack()[6:].replace("{", "[", 1),
        "say: " + ack()[:-1],
        "x" * LINE_CHARACTERS_MAX + ack(),
    ],
)
def test_no_other_answer_proves_anything(line):
    follower, _ = followed([boot(), sample(), sent(), line])
    assert states(follower) == [OK, OK, OK, FAILED]


@pytest.mark.parametrize(
    "line", [ack(), ack(through=9), ack(through=0, bits=0b1000), ack(through=None, bits=0b10000)]
)
def test_an_answer_covers_by_count_or_by_bits(line):
    assert states(followed([boot(), sample(), sent(), line])[0]) == [OK] * 4


@pytest.mark.parametrize(("water", "state"), [(1290, OK), (9999, FAILED)])
def test_every_channel_has_to_be_plausible(water, state):
    channels = [Expected("stage", 0, -500, 8000), Expected("water", 2, -500, 4500)]
    taken = event("sample", life=1, seq=4, values=[[0, 412, 0], [2, water, 0]])
    follower, _ = followed([boot(), taken, sent(), ack()], channels)
    assert states(follower) == [OK, state, OK, OK]


def test_the_answer_may_be_to_a_later_frame():
    lines = [boot(), sample(), sent(), sent(34), ack(34)]
    assert states(followed(lines)[0]) == [OK] * 4


def test_a_first_doubtful_sample_may_come_right():
    follower, told = followed(
        [boot(), sample(quality=1), sample(seq=5), sent(last=5), ack(through=5)]
    )
    assert states(follower) == [OK] * 4
    assert [s.state for s in told if s.name == SAMPLE] == [FAILED, OK]


def test_a_doubtful_sample_that_is_answered_fails_alone():
    follower, _ = followed([boot(), sample(quality=1), sent(), ack()])
    assert states(follower) == [OK, FAILED, OK, OK]


def test_faults_are_told_where_it_stops():
    follower, _ = followed([boot(), event("fault", fault=0, text="no echo \x1b[31min 7 pings")])
    assert follower.steps[SAMPLE].values["faults"] == " (no echo [31min 7 pings)"
    assert follower.steps[ACK].state == WAITING


def test_weak_radio_is_said():
    follower, _ = followed([boot(), sample(), sent(), ack(rssi_dbm=-121)])
    assert follower.steps[ACK].code == "verify-ack-weak"
    assert followed([*GOOD[:3], ack(rssi_dbm=None)])[0].steps[ACK].code == "verify-ack-no-rssi"


def test_noise_ends():
    follower, _ = followed(itertools.repeat("noise"))
    assert follower.noise <= LINES_MAX + 1
    follower = Follower(NODE, [Expected("stage", 0, 0, 1)], 0)
    follow(lambda t: itertools.repeat("noise", LINES_MAX * 3), follower, 9e9, lambda: 0, print)
    assert follower.noise == LINES_MAX + 1


values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats()
NAMES = ["node", "life", "seq", "values", "counter", "first", "last", "through", "bits"]
NAMES += ["rssi_dbm", "text", "state"]
fields = st.dictionaries(
    st.sampled_from(NAMES),
    values | st.lists(st.lists(values, max_size=4) | values, max_size=3),
)  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(["boot", "sample", "sent", "ack", "fault", "?"]), fields))
)
def test_any_line_is_survived_and_proves_nothing_by_luck(events):
    lines = [event(name, **told) for name, told in events]
    follower, _ = followed([*lines, "amont {", "amont []", "amont {}", "amont " + "[" * 2000])
    assert follower.steps
    assert {step.state for step in follower.steps.values()} <= {OK, FAILED, WAITING}
    for step in follower.steps.values():
        assert say(step.code, "fr", **step.values)
        json.dumps(step.json())


# --- the command


class Desk:
    def __init__(self, folder, monkeypatch, capsys):
        self.site = folder / "village.yaml"
        shutil.copy(SITE, self.site)
        (folder / "board").mkdir()
        self.folder = folder / "board"
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def run(self, *more, value=None, readings=((412, 0),), console=GOOD, lang="en"):
        known = config(channel={"probe": {"kind": "constant", "value": 412}})
        self.port = ScriptedBoard(
            self.folder, known if value is None else value, readings, console
        )
        (self.folder / "secret.json").write_text(SECRET)
        self._monkeypatch.setattr(cmd_verify, "open_port", lambda text: self.port)
        line = ["--lang", lang, "verify", "--port", "x", "--site", str(self.site)]
        code = cli.main([*line, *map(str, more)])
        self.said = self._capsys.readouterr()
        return code

    def records(self):
        path = self.site.with_suffix(".logbook.jsonl")
        return (
            [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        )


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    return Desk(tmp_path, monkeypatch, capsys)


def test_a_technician_sees_each_step_and_the_end(desk):
    assert desk.run("--by", "Luc Martin") == 0
    assert desk.said.err.count("✓") == 5
    assert "verified end to end: node 11" in desk.said.out
    assert desk.port.serving == [True, True, False], "readings, watching, its own life"
    (record,) = desk.records()
    assert (record["proved"], record["by"], record["config_version"]) == (True, "Luc Martin", 4)
    assert [step["step"] for step in record["steps"]] == ["sensor pont-neuf-a", *ORDER]


def test_json_has_each_step_with_its_line(desk):
    assert desk.run("--json") == 0
    answer = json.loads(desk.said.out)
    assert answer["proved"] is True
    assert all(step["text"] for step in answer["steps"])
    assert desk.said.err == ""


def test_a_failed_step_is_the_exit_code(desk):
    assert desk.run(console=GOOD[:3], lang="fr") == cli.REFUSED
    assert "✗ réponse scellée : pas de réponse scellée" in desk.said.err
    assert "pas prouvé" in desk.said.out
    assert desk.records()[0]["proved"] is False
    assert desk.port.serving[-1] is False, "left in service mode"
    assert not (desk.folder / "button").exists()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"readings": ["no echo in 7 pings"]}, "no echo in 7 pings"),
        ({"readings": [(412, 3)]}, "good readings"),
        ({"readings": [(9000, 0)]}, "outside -500 to 8000"),
        ({"value": config()}, "never calibrated"),
    ],
)
def test_a_sensor_in_doubt_fails_the_station(desk, more, says):
    assert desk.run(**more) == cli.REFUSED
    assert "✗ pont-neuf-a" in desk.said.err
    assert says in desk.said.err
    assert "✓ sealed answer" in desk.said.err, "the rest is tried all the same"


@pytest.mark.parametrize(
    ("more", "change", "says"),
    [
        (["--timeout", 0], {}, "1 to 3600 seconds"),
        (["--by", "a\nb"], {}, "--by"),
        (["--gateway", "ftp://pi"], {}, "--gateway"),
        (["--gateway", "http://me:pw@pi"], {}, "--gateway"),
        (["--gateway", "http://[x"], {}, "--gateway"),
        (["--date", "1970-01-01T00:00"], {}, "was not set"),
        ([], {"value": config(id=99)}, "node 99 is not in"),
        ([], {"value": config(channel={"quantity": 3})}, "enrol it again"),
        ([], {"value": config(schema=3)}, "no readable configuration"),
    ],
)
def test_what_cannot_be_verified_is_refused_before_the_board_restarts(desk, more, change, says):
    assert desk.run(*more, **change) == cli.REFUSED
    assert says in desk.said.err
    assert desk.port.serving == []
    assert desk.records() == []


def test_nothing_secret_is_printed_or_kept(desk):
    desk.run("--json", console=[boot(), event("fault", text="x"), *GOOD[1:]])
    assert SECRET not in desk.said.out + desk.said.err + json.dumps(desk.records())
    assert "hunter2" not in desk.said.out + json.dumps(desk.records())


def test_a_board_that_breaks_off_leaves_service_mode(desk, monkeypatch):
    def pulled(self, timeout_s):
        raise Refused("probe-silent", why="pulled")

    monkeypatch.setattr(ScriptedBoard, "lines", pulled)
    assert desk.run() == cli.REFUSED
    assert not (desk.folder / "button").exists()


def test_a_cable_that_is_pulled_for_good_leaves_a_warning(desk, monkeypatch):
    def pulled(self, name):
        raise Refused("probe-silent", why="pulled")

    monkeypatch.setattr(ScriptedBoard, "remove", pulled)
    assert desk.run() == cli.REFUSED
    assert "does not sleep: plug it in" in desk.said.err


# --- the gateway's page


@pytest.fixture
def page():
    """A local page that answers with whatever ``page.view`` is."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.server.view is None:
                self.send_response(302)
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                return
            self.send_response(200 if self.path == "/view.json" else 404)
            self.end_headers()
            self.wfile.write(self.server.view)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.view = b"{}"
        server.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def shown(value):
    one = {"id": "pont-neuf-a", "value": value, "freshness": "proved"}
    return json.dumps({"sensors": [one, 7, {}]}).encode()


def test_the_page_shows_what_the_node_measured(desk, page):
    page.view = shown(412)
    assert desk.run("--gateway", page.url + "/") == 0
    assert "local page: " + page.url in desk.said.err


@pytest.mark.parametrize(
    ("view", "code"),
    [
        (shown(411), "verify-page-other"),
        (shown(None), "verify-page-other"),
        (b"{}", "verify-page-unknown"),
        (b'{"sensors": 7}', "verify-page-unknown"),
        (b"[" * 3000, "verify-page-silent"),
        (b"\xff", "verify-page-silent"),
        (b"[]", "verify-page-silent"),
        (None, "verify-page-silent"),
    ],
)
def test_a_page_that_shows_something_else_fails(page, view, code):
    page.view = view
    ticks = itertools.count(0, 10)
    step = page_check.page_step(
        page.url, {"pont-neuf-a": {412}}, 15, lambda: next(ticks), lambda seconds: None
    )
    assert (step.state, step.code) == (FAILED, code)


def test_a_page_gets_some_seconds_to_follow(page):
    page.view = shown(300)

    def sleep(seconds):
        page.view = shown(412)

    step = page_check.page_step(page.url, {"pont-neuf-a": {412}}, 15, lambda: 0, sleep)
    assert step.state == OK


def test_every_step_has_its_words():
    for name in (*ORDER, "page"):
        assert f"step-{name}" in TEXTS
