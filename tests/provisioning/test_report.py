"""The acceptance sheet: complete when it says so, nothing secret, nothing that runs."""

import hashlib
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from tests.provisioning.scripted_board import GOOD, NODE, ScriptedBoard, config

from amont_provision import (
    acceptance,
    acceptance_page,
    board,
    cli,
    cmd_calibrate,
    cmd_report,
    cmd_verify,
    logbook,
)
from amont_provision.logbook import fits
from amont_provision.texts_report import TEXTS

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
EVIL = "<script>alert(1)</script>{{ 7*7 }}&\"'"
SECRET = "5e" * 16


class Desk:
    """A laptop, a site and a board that answers."""

    def __init__(self, folder, monkeypatch, capsys):
        self.site = folder / "village.yaml"
        shutil.copy(SITE, self.site)
        self.out, self.folder = folder / "out", folder / "board"
        self.out.mkdir()
        self.folder.mkdir()
        self._capsys = capsys
        self.port = self.board(config())
        for module in (cmd_calibrate, cmd_report, cmd_verify):
            monkeypatch.setattr(module, "open_port", lambda text: self.port)

    def board(self, value):
        port = ScriptedBoard(self.folder, value, [(3589, 0)], GOOD)
        record = {"schema": 1, "slot": "a", "trying": None, "tries": 0, "bad_boots": 0,
                  "release": 7}  # fmt: skip
        port.write("boot.a", board.pair_text(record, 1))
        port.write("a/release.json", b'{"schema": 1, "release": 7, "name": "0.1.0", "files": {}}')
        port.write("secret.json", json.dumps({"schema": 1, "secret": SECRET}).encode())
        return port

    def command(self, name, *more):
        line = ["--lang", "en", name, "--site", str(self.site), "--by", "Luc Martin"]
        code = cli.main([*line, *map(str, more)])
        self.said = self._capsys.readouterr()
        return code

    def report(self, *more):
        return self.command("report", "--out", self.out, *more)

    def accepted(self):
        assert self.command("calibrate", "--port", "x", "--staff", 412) == 0
        assert self.command("verify", "--port", "x") == 0

    def sheet(self):
        return json.loads(self.file("json").read_text())

    def file(self, kind):
        return self.out / f"acceptance-sainte-amonette-{NODE}.{kind}"

    def open(self):
        return [one["code"] for one in self.sheet()["open"]]


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    return Desk(tmp_path, monkeypatch, capsys)


class Page(HTMLParser):
    """Tags, attributes and words of a page."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.links, self.words = set(), [], ""
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links += [value for name, value in attrs if name in ("href", "src", "srcset")]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data):
        self.words += data


def test_an_accepted_station_has_nothing_open(desk):
    desk.accepted()
    assert desk.report("--port", "x") == 0
    sheet = desk.sheet()
    assert sheet["open"] == []
    assert sheet["board"]["release"] == {"number": 7, "name": "0.1.0", "slot": "a"}
    assert (sheet["board"]["version"], sheet["board"]["generation"]) == (5, 1)
    assert sheet["sensors"][0]["in_force"] is True
    assert sheet["verification"]["proved"] is True
    words = Page(desk.file("fr.html")).words
    for said in ("Fiche de recette", "Pont neuf amont", "Luc Martin", "valeur = 4001 − brut",
                 "réponse scellée", "uart: id 1 tx 4 rx 5", "0.1.0"):  # fmt: skip
        assert said in words
    assert "Acceptance sheet" in Page(desk.file("en.html")).words


def test_the_pages_name_the_hash_of_their_data(desk):
    desk.accepted()
    desk.report("--port", "x")
    digest = hashlib.sha256(desk.file("json").read_bytes()).hexdigest()
    for language in ("fr", "en"):
        assert digest in desk.file(f"{language}.html").read_text()


def test_nothing_secret_is_on_paper(desk):
    desk.accepted()
    desk.report("--port", "x")
    for path in desk.out.iterdir():
        assert SECRET not in path.read_text()
        assert "hunter2" not in path.read_text(), "the broker's password"


def test_nothing_of_a_person_or_board_runs(desk):
    desk.port = desk.board(
        config(
            board={"name": EVIL},
            profile=EVIL,
            channel={"probe": {"kind": EVIL, EVIL: {EVIL: EVIL}, "pin": [1]}},
            carrier={"kind": EVIL, "host": EVIL, "port": EVIL},
        )
    )
    photo = desk.out / "<img src=x onerror=alert(1)>.jpg"
    photo.write_bytes(b"jpg")
    assert desk.report("--port", "x", "--note", EVIL, "--signer", EVIL, "--photo", photo) == 0
    photo.unlink()
    for language in ("fr", "en"):
        page = Page(desk.file(f"{language}.html"))
        assert not page.tags & {"script", "img", "iframe", "link", "object", "form"}
        assert page.links == []
        assert EVIL in page.words
        assert "49" not in page.words.replace(desk.sheet()["at"], "").split()


@pytest.mark.parametrize(
    ("step", "codes"),
    [
        (lambda desk: None, ["report-open-calibration", "report-open-verify"]),
        (
            lambda desk: desk.command("calibrate", "--port", "x", "--staff", 412),
            ["report-open-verify"],
        ),
        (lambda desk: (desk.accepted(), desk.port.write("config.b", b"")),
         ["report-open-in-force", "report-open-version"]),
        (lambda desk: (desk.accepted(), desk.port.console.clear(),
                       desk.command("verify", "--port", "x")), ["report-open-proof"]),
        (lambda desk: (desk.accepted(), desk.command("calibrate", "--port", "x", "--staff", 415)),
         ["report-open-version"]),
        (lambda desk: (desk.accepted(), desk.port.write("boot.b", board.pair_text(
            {"schema": 1, "slot": "a", "trying": "b", "tries": 1}, 2))), ["report-open-trial"]),
    ],
)  # fmt: skip
def test_what_is_open_is_said(desk, step, codes):
    step(desk)
    assert desk.report("--port", "x") == 0
    assert desk.open() == codes
    assert "This station is not yet good" in Page(desk.file("en.html")).words
    assert desk.said.out.count("\n- ") == len(codes)


FLOOD = """    profile: flash-flood
    look_s: 60
    board: {name: pico, rtc: pcf8563, i2c: {id: 0, scl: 1, sda: 0}, sleep: gate, gate: 7}
    channels:
      - sensor: pont-neuf-a
        quantity: stage_mm
        probe: {kind: a02yyuw, uart: {id: 1, tx: 4, rx: 5}}
"""


def test_the_expected_life_is_the_models(desk):
    text = desk.site.read_text()
    head, _, rest = text.partition("    channels:\n      - {sensor: pont-neuf-a")
    desk.site.write_text(head + FLOOD + rest.partition("\n")[2])
    assert desk.report("--node", NODE) == 0
    life = desk.sheet()["energy"]
    assert (life["profile"], life["supply"], life["carrier"]) == (
        "flash-flood", "pico-gated", "lora"
    )  # fmt: skip
    assert 1 < life["mah_day"] < 20
    assert f"{life['years']} years" in Page(desk.file("en.html")).words
    years = str(life["years"]).replace(".", ",")
    assert f"{years} ans" in Page(desk.file("fr.html")).words


def test_a_simulated_station_has_no_expected_life(desk):
    desk.report("--node", NODE)
    assert desk.sheet()["energy"] is None


def test_without_a_board_the_sheet_says_so(desk):
    desk.accepted()
    assert desk.report("--node", NODE) == 0
    assert desk.open() == ["report-open-board"]
    assert desk.report() == cli.REFUSED
    assert "--node" in desk.said.err
    assert desk.report("--node", 99) == cli.REFUSED
    assert desk.report("--node", 12, "--port", "x") == cli.REFUSED
    assert "node 11, not 12" in desk.said.err


def test_photos_are_named_with_size_and_hash(desk, tmp_path):
    photo = tmp_path / "bridge.jpg"
    photo.write_bytes(b"river" * 1000)
    desk.report("--node", NODE, "--photo", photo)
    (one,) = desk.sheet()["photos"]
    digest = hashlib.sha256(b"river" * 1000).hexdigest()
    assert one == {"name": "bridge.jpg", "bytes": 5000, "sha256": digest}
    assert digest in desk.file("en.html").read_text()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--photo", "/nowhere.jpg"], "check the file's name"),
        (["--photo", "/"], "check the file's name"),
        (["--note", "x" * 1001], "--note: 1 to 1000"),
        (["--note", "a\nb"], "invisible characters"),
        (["--signer", ""], "--signer: 1 to 80"),
        (["--signer", "x"] * 7, "--signer: 6 at most"),
        (["--note", "x"] * 21, "--note: 20 at most"),
        (["--photo", "x"] * 41, "--photo: 40 at most"),
        (["--date", "1970-01-01"], "was not set"),
        (["--out", "/dev/null/at/all"], "another folder"),
    ],
)
def test_what_cannot_go_on_paper_is_refused(desk, more, says):
    assert desk.report("--node", NODE, *more) == cli.REFUSED
    assert says in desk.said.err
    assert list(desk.out.iterdir()) == []


def test_a_huge_photo_is_refused(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(acceptance, "PHOTO_BYTES_MAX", 10)
    (tmp_path / "big.jpg").write_bytes(b"x" * 11)
    assert desk.report("--node", NODE, "--photo", tmp_path / "big.jpg") == cli.REFUSED
    assert "make it smaller" in desk.said.err


def test_a_dry_run_writes_nothing(desk):
    assert desk.report("--node", NODE, "--dry-run", "--json") == 0
    assert json.loads(desk.said.out)["sheet"]["node"]["id"] == NODE
    assert list(desk.out.iterdir()) == []


def test_a_logbook_that_somebody_edited_makes_no_false_sheet(desk):
    desk.accepted()
    path = desk.site.with_suffix(".logbook.jsonl")
    begun, done, verified = map(json.loads, path.read_text().splitlines())
    strange = [
        begun | {"points": 7},
        begun | {"points": [{"true": "x"}]},
        begun | {"transform": {"multiply": 1}},
        begun | {"residuals": [EVIL]},
        verified | {"steps": [{"step": "ack"}]},
        verified | {"proved": "yes"},
        verified | {"at": "yesterday"},
        verified | {"at": "2026-01-01T00:00:00"},
        done | {"config_version": True},
    ]
    path.write_text("".join(json.dumps(one) + "\n" for one in (begun, done, verified, *strange)))
    assert desk.report("--port", "x") == 0
    assert "4, 5, 6, 7, 8, 9, 10, 11, 12" in desk.said.err
    assert desk.open() == []


def test_steps_that_this_version_does_not_know_are_shown_as_they_are(desk):
    desk.accepted()
    step = {"step": EVIL, "state": EVIL, "code": EVIL, "values": {"code": 1}, "seconds": None}
    known = step | {"code": "verify-sent", "values": {"language": "fr"}}
    record = {"node": NODE, "by": None, "proved": True, "config_version": 5, "seconds": 1,
              "steps": [step, known]}  # fmt: skip
    logbook.Logbook(desk.site).append("verification", logbook.now(), record)
    assert desk.report("--port", "x") == 0
    page = Page(desk.file("en.html"))
    assert "script" not in page.tags
    assert EVIL in page.words


def test_invisible_characters_do_not_reach_paper(desk):
    desk.accepted()
    path = desk.site.with_suffix(".logbook.jsonl")
    path.write_text(path.read_text().replace("Luc Martin", "Luc\\u0007\\u2066 Martin"))
    assert desk.report("--port", "x") == 0
    page = desk.file("en.html").read_text()
    assert "Luc Martin (offset" in page
    assert not {"\u2066", "\x07"} & set(page)


def test_a_time_zone_that_the_laptop_lacks_is_no_obstacle():
    when = acceptance_page._when("Mars/Olympus", "en")
    assert "2026" in when("2026-11-22T10:00:00+00:00")
    assert acceptance_page._when("Europe/Paris", "fr")("2026-11-22T10:00:00+00:00") == (
        "22/11/2026, 11:00 (Europe/Paris)"
    )


@pytest.mark.parametrize(
    ("value", "shape", "good"),
    [
        (1, int, True), (True, int, False), (None, (int, None), True), ("x", (int, None), False),
        ([1, 2], [int], True), ([1, "x"], [int], False), ({"a": 1, "b": 2}, {"a": int}, True),
        ({}, {"a": int}, False), ([], {}, False), ({}, {}, True),
    ],
)  # fmt: skip
def test_shapes(value, shape, good):
    assert fits(value, shape) is good


def test_every_label_of_the_template_has_words():
    source = acceptance_page.TEMPLATE.read_text()
    for code in re.findall(r't\("([a-z-]+)"[,)]', source):
        assert code in TEXTS or code.startswith("calibrate-"), code
