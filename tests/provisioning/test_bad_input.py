"""What goes wrong at a bridge: one line in either language, exit code 1, nothing half-done."""

import os
import shutil

import pytest
import serial
from tests.provisioning.fake_board import FakePort
from tests.provisioning.scripted_board import ScriptedBoard, config
from tests.provisioning.test_deploy import KEY, OTHER_KEY, PUBLIC, booted_good, enrol, made, packed
from tests.provisioning.test_deploy import put as deployed
from tests.provisioning.test_flash import INFO, image

from amont_provision import batch, cli, cmd_calibrate, cmd_deploy, logbook, uf2
from amont_provision.port import open_port

from .desk import SITE

CURRENT = {"kind": "ads1115_420ma", "i2c": {"id": 0, "scl": 1, "sda": 0}, "shunt_ohm": 150}


class Bridge:
    """A technician's folder, a board on which release 3 runs, and what is said and left."""

    def __init__(self, folder, monkeypatch, capsys):
        self.folder, self.board = folder, folder / "board"
        self.board.mkdir()
        self._patch, self._capsys = monkeypatch, capsys
        self.site = folder / "village.yaml"
        shutil.copy(SITE, self.site)

    def deploys(self, content=None, key=KEY, port=None, **board):
        """Return a deployment of release 4 to a board that is so."""
        station = FakePort(self.board)
        enrol(self.board)
        deployed(station, made(3))
        booted_good(station)
        opened = FakePort(self.board, **board)
        self._patch.setattr(cmd_deploy, "open_port", open_port if port else lambda _: opened)
        file = self.folder / "4.amont"
        file.write_bytes(content or packed(4, key, more=b"x" * 9000))
        return ["deploy", "--port", port or "x", "--release", file, "--trust", PUBLIC.hex()]

    def flashes(self, content, drive):
        """Return a try to keep an image, or to flash the one that is kept."""
        words = ["flash", "--board", "pico", "--cache", self.folder / "cache"]
        file = self.folder / "RPI_PICO-1.29.uf2"
        file.write_bytes(content)
        if drive is None:
            return [*words, "--keep", file]
        assert cli.main([*map(str, words), "--keep", str(file)]) == 0
        (self.board / uf2.INFO).write_text(INFO.format(drive))
        return [*words, "--drive", self.board]

    def calibrates(self, *more, readings=((3589, 0),), channel=None):
        """Return a calibration of a board whose sensor reads so."""
        value = config(**({"channel": channel} if channel else {}))
        opened = ScriptedBoard(self.board, value, readings)
        self._patch.setattr(cmd_calibrate, "open_port", lambda _: opened)
        return ["calibrate", "--port", "x", "--site", self.site, "--by", "Luc", "--json", *more]

    def loses_its_clock(self):
        self._patch.setattr(logbook, "EARLIEST", logbook.EARLIEST.replace(year=2999))
        return self.calibrates("--staff", 412)

    def batch_in_1970(self):
        self._patch.setattr(batch, "_CLOCK_LEAST_S", 1 << 40)
        keys, public = self.folder / "keys.json", "00" * 31 + "09"
        return ["enrol", "--batch", 1, "--site", self.site, "--keys", keys, "--for", public,
                "--out", self.folder / "lot"]  # fmt: skip

    def run(self, line, language):
        self._capsys.readouterr()
        before = self.files()
        code = cli.main(["--lang", language, *map(str, line)])
        return code, self._capsys.readouterr(), before

    def files(self):
        return {
            path.relative_to(self.folder): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name[0] != "."
        }


@pytest.fixture
def bridge(tmp_path, monkeypatch, capsys):
    return Bridge(tmp_path, monkeypatch, capsys)


@pytest.fixture
def held():
    """A serial port that another program holds."""
    ours, theirs = os.openpty()
    name = os.ttyname(theirs)
    with serial.Serial(name, exclusive=True):
        yield name
    os.close(ours)
    os.close(theirs)


CASES = {
    "wrong board": (
        lambda b: b.deploys(mpy=5),
        "install a current MicroPython",
        "installez un MicroPython actuel",
    ),
    "wrong board in BOOTSEL": (
        lambda b: b.flashes(image(), "RP2350"), "take the right board", "prenez la bonne carte"
    ),
    "wrong image": (
        lambda b: b.flashes(image(family=uf2.RP2350_ARM), None), "family", "famille"
    ),
    "half an image": (lambda b: b.flashes(image()[:-512], None), "cut off", "coupé"),
    "half a release": (lambda b: b.deploys(packed(4)[:-700]), "4.amont", "4.amont"),
    "full flash": (
        lambda b: b.deploys(free_bytes=4096), "nothing was sent", "rien n'a été envoyé"
    ),
    "cable pulled": (
        lambda b: b.deploys(cut=0), "run the same command", "relancez la même commande"
    ),
    "wrong key": (lambda b: b.deploys(key=OTHER_KEY), "--trust", "--trust"),
    "calibrating in 1970": (Bridge.loses_its_clock, "set it, or give --date", "réglez-la"),
    "a batch in 1970": (Bridge.batch_in_1970, "clock is not set", "n'est pas à l'heure"),
    "sensor missing": (
        lambda b: b.calibrates("--staff", 412, readings=["[Errno 19] ENODEV"]),
        "check wires, address and supply", "vérifiez fils, adresse et alimentation",
    ),
    "sensor stuck": (
        lambda b: b.calibrates("--point", "0=12000", "--point", "5000=12000",
                               channel={"probe": CURRENT}),
        "the sensor is stuck", "le capteur est bloqué",
    ),
    "sensor shorted": (
        lambda b: b.calibrates("--point", "0=4000", "--point", 5000, readings=[(22_500, 3)],
                               channel={"probe": CURRENT}),
        "check cable and aim", "vérifiez câble et visée",
    ),
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("case", CASES)
def test_it_is_told_in_one_line_and_nothing_is_half_done(bridge, case, language):
    line, english, french = CASES[case]
    code, said, before = bridge.run(line(bridge), language)
    assert code == cli.REFUSED
    assert said.err.count("\n") == 1, said.err
    assert (french if language == "fr" else english) in said.err
    assert bridge.files() == before


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_port_in_use_is_told_in_one_line(bridge, held, language):
    code, said, before = bridge.run(bridge.deploys(port=held), language)
    assert code == cli.REFUSED
    assert said.err.count("\n") == 1
    assert {"en": "another program uses it", "fr": "un autre programme"}[language] in said.err
    assert bridge.files() == before
