"""What a technician's laptop finds: boards that are plugged in, and what is wrong with itself."""

import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from amont_node.pair import PairFile
from amont_provision import cli, cmd_doctor, cmd_scan, doctor, images, scan, signing, uf2
from amont_provision.cache import Cache
from amont_provision.port import VirtualPort
from amont_provision.texts import Refused

from .fake_board import FakePort
from .test_flash import image

NOW_S = 1_790_000_000  # 2026


def usb(device, vid, pid, serial_number="E660"):
    return SimpleNamespace(device=device, vid=vid, pid=pid, serial_number=serial_number)


# --- scan


@pytest.mark.parametrize(
    ("vid", "pid", "kind", "name"),
    [
        (0x2E8A, 0x0005, scan.MICROPYTHON, "Raspberry Pi Pico"),
        (0x2E8A, 0x000A, scan.CHIP, "RP2040 / RP2350"),
        (0x303A, 0x4001, scan.MICROPYTHON, "ESP32-S2 / S3"),
        (0x303A, 0x1001, scan.CHIP, "ESP32-S / C / H"),
        (0x10C4, 0xEA60, scan.BRIDGE, "CP210x"),
        (0x1A86, 0x7523, scan.BRIDGE, "CH340"),
        (0x0D28, 0x0204, scan.MICROPYTHON, "micro:bit"),
        (0x1234, 0x5678, scan.OTHER, "USB"),
        (0x10C4, 0x0001, scan.OTHER, "USB"),
    ],
)
def test_a_port_is_known_by_its_usb_numbers(vid, pid, kind, name):
    (found,) = scan.serial_ports(lambda: [usb("/dev/ttyACM0", vid, pid)])
    assert (found.kind, found.name) == (kind, name)
    assert found.usb == f"{vid:04x}:{pid:04x}"


def test_ports_without_usb_are_left_out_and_strangers_come_last():
    listing = [
        usb("/dev/ttyS0", None, None),
        usb("/dev/ttyACM0", 0x1234, 1),
        usb("/dev/ttyUSB0", 0x1A86, 0x7523),
    ]
    assert [one.port for one in scan.serial_ports(lambda: listing)] == [
        "/dev/ttyUSB0",
        "/dev/ttyACM0",
    ]


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """No hardware but what a test plugs in; returns the list of its ports."""
    plugged = []
    monkeypatch.setattr(scan.list_ports, "comports", lambda: plugged)
    monkeypatch.setattr(cmd_scan.scan, "serial_ports", lambda: PORTS(lambda: plugged))
    monkeypatch.setattr(uf2, "mounted", lambda: [tmp_path / "pico"])
    monkeypatch.setattr(scan, "look_at_bridge", lambda text: None)
    return plugged


PORTS = scan.serial_ports


def said(capsys):
    return json.loads(capsys.readouterr().out)


def test_without_a_board_the_next_step_is_told(bench, capsys):
    bench.append(usb("/dev/ttyACM9", 0x1234, 1))
    assert cli.main(["--lang", "en", "scan"]) == cli.REFUSED
    printed = capsys.readouterr().out
    assert "plug one in with a cable that carries data" in printed
    assert "another USB device" in printed


def test_the_list_opens_nothing(bench, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cmd_scan, "open_port", None)
    bench.append(usb("/dev/ttyACM0", 0x2E8A, 0x0005))
    (tmp_path / "pico").mkdir()
    (tmp_path / "pico" / uf2.INFO).write_text("Board-ID: RP2350\n")
    (tmp_path / "boards" / "one").mkdir(parents=True)
    (tmp_path / "boards" / "one" / "main.py").touch()
    assert cli.main(["scan", "--json", "--virtual", str(tmp_path / "boards")]) == 0
    found = said(capsys)
    assert [one["kind"] for one in found["boards"]] == ["bootsel", "micropython", "virtual"]
    assert found["boards"][2]["port"] == f"virtual:{tmp_path}/boards/one"
    assert cli.main(["scan", "--lang", "fr"]) == 0
    assert "RP2350 attend un MicroPython" in capsys.readouterr().out


class Machine(FakePort):
    def exec(self, code, timeout_s=10.0):
        return b"machine Raspberry Pi Pico with RP2040\r\n"


def release(folder, slot, number):
    (folder / slot).mkdir(exist_ok=True)
    (folder / slot / "release.json").write_text(json.dumps({"release": number}))


def boot(folder, **record):
    PairFile(str(folder), "boot").save({"schema": 1, "slot": "a", "trying": None} | record)


@pytest.mark.parametrize(
    ("enrolled", "record", "state"),
    [
        (False, None, "bare"),
        (True, None, "enrolled"),
        (False, {"release": 3}, "no-identity"),
        (True, {"release": 3}, "installed"),
        (True, {"release": 3, "trying": "b"}, "trial"),
        (True, {"release": 3, "bad_boots": 6}, "safe-mode"),
    ],
)
def test_a_board_says_what_it_is(tmp_path, bench, capsys, monkeypatch, enrolled, record, state):
    if enrolled:
        PairFile(str(tmp_path), "config").save({"schema": 1, "id": 11, "version": 5})
    if record:
        boot(tmp_path, **record)
        release(tmp_path, "a", 3)
        release(tmp_path, "b", 4)
    bench.append(usb("/dev/ttyACM0", 0x2E8A, 0x0005))
    monkeypatch.setattr(cmd_scan, "open_port", lambda text: Machine(tmp_path))
    cli.main(["scan", "--open", "--json"])
    (one,) = said(capsys)["boards"]
    assert (one["state"], one["board"]) == (state, "Raspberry Pi Pico with RP2040")
    assert (one["node"], one["configuration"]) == ((11, 5) if enrolled else (None, None))
    trying = bool(record and record.get("trying"))
    assert (one["slot"], one["release"]) == (
        (("b", 4) if trying else ("a", 3)) if record else (None, None)
    )
    for language in ("fr", "en"):
        assert cli.main(["scan", "--open", "--lang", language]) == 0
        assert "Pico" in capsys.readouterr().out


def test_a_simulated_board_is_read_without_starting_it(tmp_path):
    boot(tmp_path, release=3)
    seen = scan.look(VirtualPort(tmp_path))
    assert (seen["release"], seen["board"]) == (3, None)
    assert not (tmp_path / ".board").exists()


def test_simulated_boards_are_seen_bare_or_not(tmp_path, bench, capsys):
    for name in ("11", "12/a", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    boot(tmp_path / "12", release=3)
    (tmp_path / "12" / "main.py").write_text("")
    assert ports(capsys, tmp_path) == [f"virtual:{tmp_path}/11", f"virtual:{tmp_path}/12"]
    assert ports(capsys, tmp_path / "11") == [f"virtual:{tmp_path}/11"]
    assert ports(capsys, tmp_path / "12") == [f"virtual:{tmp_path}/12"]
    assert cli.main(["--lang", "en", "scan", "--virtual", str(tmp_path / "13")]) == cli.REFUSED
    assert "13 is no folder; make it" in capsys.readouterr().err


def ports(capsys, folder):
    assert cli.main(["scan", "--json", "--virtual", str(folder)]) == 0
    return [one["port"] for one in said(capsys)["boards"]]


def test_a_board_in_use_does_not_hide_the_others(tmp_path, bench, capsys, monkeypatch):
    def opened(text):
        if text == "/dev/ttyACM0":
            raise Refused("port-busy", port=text)
        return Machine(tmp_path)

    monkeypatch.setattr(cmd_scan, "open_port", opened)
    bench += [usb(f"/dev/ttyACM{n}", 0x2E8A, 0x0005) for n in (0, 1)]
    assert cli.main(["--lang", "en", "scan", "--open"]) == 0
    first, second = capsys.readouterr().out.splitlines()[1:]
    assert "another program uses it" in first
    assert second.endswith("; bare: amont-provision enrol")


def test_a_machine_that_does_not_name_itself_has_no_name(tmp_path):
    port = FakePort(tmp_path)
    port.exec = lambda code, timeout_s=10: b"\r\n"
    assert scan.look(port)["board"] is None


# --- doctor


def states(findings):
    return [(finding.check, finding.state) for finding in findings]


@pytest.mark.parametrize(
    ("version", "state"),
    [((3, 11, 0), "well"), ((3, 13, 9), "well"), ((3, 10, 1), "bad"), ((3, 14, 0), "bad")],
)
def test_python_is_one_that_fits(version, state):
    assert states(doctor.python(version)) == [("python", state)]


@pytest.mark.parametrize(("now_s", "state"), [(NOW_S, "well"), (0, "bad"), (86_400, "bad")])
def test_a_clock_in_1970_is_told(now_s, state):
    (finding,) = doctor.clock(now_s)
    assert finding.state == state
    assert finding.values["shown"].startswith("2026" if state == "well" else "1970")


def test_a_missing_compiler_hinders_only_building(monkeypatch):
    assert states(doctor.compiler()) == [("compiler", "well")]
    monkeypatch.setattr(doctor.compiling.importlib.util, "find_spec", lambda name: None)
    assert states(doctor.compiler()) == [("compiler", "odd")]


def test_a_port_that_does_not_open_is_told_with_the_group(tmp_path, monkeypatch):
    (tmp_path / "ttyACM0").touch()
    assert states(doctor.serial_access(tmp_path)) == [("serial", "well")]
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (finding,) = doctor.serial_access(tmp_path)
    assert (finding.state, finding.code) == ("bad", "doctor-serial-closed")


def test_without_a_port_the_group_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    dialout = SimpleNamespace(gr_gid=20)
    monkeypatch.setattr(doctor.grp, "getgrnam", lambda name: dialout)
    for groups, state in (([20], "well"), ([100], "bad")):
        monkeypatch.setattr(os, "getgroups", lambda groups=groups: groups)
        assert states(doctor.serial_access(tmp_path)) == [("serial", state)]

    def unknown(name):
        raise KeyError(name)

    monkeypatch.setattr(doctor.grp, "getgrnam", unknown)
    assert states(doctor.serial_access(tmp_path)) == [("serial", "bad")]


def test_other_systems_have_no_groups_to_look_at(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert doctor.serial_access(tmp_path) == []


def test_a_program_that_talks_to_every_port_is_named(tmp_path):
    for number, name in ((7, "bash"), (8, "ModemManager")):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "comm").write_text(name + "\n")
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "comm").mkdir()  # a process that has just ended cannot be read either
    assert states(doctor.meddlers(tmp_path)) == [("meddler", "odd")]
    (tmp_path / "8" / "comm").write_text("cron\n")
    assert doctor.meddlers(tmp_path) == []


def kept(cache, board, content, name):
    images.keep(board, {"name": name, "sha256": cache.keep(content), "from": name}, content, cache)


def test_images_are_hashed_again(tmp_path):
    cache = Cache(tmp_path)
    assert states(doctor.firmware(cache)) == [("images", "odd")]
    kept(cache, "pico", image(), "a.uf2")
    assert states(doctor.firmware(cache)) == [("images", "well")]
    next(path for path in tmp_path.rglob("*") if len(path.name) == 64).write_bytes(b"rot")
    assert states(doctor.firmware(cache)) == [("images", "bad")]
    (tmp_path / images.LOCK).write_text("{")
    assert states(doctor.firmware(cache)) == [("images", "bad")]


def test_an_esp32s_image_needs_esptool(tmp_path, monkeypatch):
    cache = Cache(tmp_path)
    kept(cache, "esp32", b"", "e.bin")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert states(doctor.firmware(cache))[-1] == ("esptool", "odd")


def test_libraries_of_a_lock_are_looked_for(tmp_path):
    cache, lock = Cache(tmp_path / "cache"), tmp_path / "deps.lock"
    digest = cache.keep(b"x")
    held = {"sha256": digest, "from": "x"}
    packages = {"p": {"version": "1", "files": {"p.py": held}}}
    lock.write_text(json.dumps({"schema": 1, "packages": packages}))
    assert doctor.libraries(None, cache) == []
    assert states(doctor.libraries(lock, cache)) == [("libraries", "well")]
    assert states(doctor.libraries(lock, Cache(tmp_path / "none"))) == [("libraries", "bad")]


def test_keys_are_named_and_a_private_one_is_private(tmp_path, monkeypatch):
    monkeypatch.setenv(signing.KEY_VARIABLE, str(tmp_path / "key"))
    assert states(doctor.keys([])) == [("keys", "odd")]
    key = signing.private_key(tmp_path / "key")
    (finding,) = doctor.keys([])
    assert finding.values["keys"] == signing.fingerprint(signing.public_bytes(key))
    (tmp_path / "key").chmod(0o644)
    assert states(doctor.keys([])) == [("keys", "well"), ("keys", "bad")]


def test_a_port_in_use_names_who_has_it(tmp_path, monkeypatch):
    def busy(text):
        raise Refused("port-busy", port=text)

    assert doctor.port(None) == []
    assert states(doctor.port("x", lambda text: FakePort(tmp_path))) == [("port", "well")]
    assert states(doctor.port("/nowhere", busy)) == [("port", "bad")]
    monkeypatch.setattr(doctor, "holder", lambda text: "thonny (42)")
    assert states(doctor.port("/dev/ttyACM0", busy)) == [("port", "bad"), ("port", "odd")]


def test_the_holder_is_found_by_its_open_files(tmp_path):
    device = tmp_path / "ttyACM0"
    device.touch()
    for number in (os.getpid(), 4_000_001, 4_000_002):
        folder = tmp_path / str(number)
        (folder / "fd").mkdir(parents=True)
        (folder / "comm").write_text("thonny\n")
        target = device if number != 4_000_001 else tmp_path
        (folder / "fd" / "3").symlink_to(target)
    (tmp_path / "4000001" / "fd" / "4").touch()  # no link: cannot be read
    assert doctor.holder(str(device), tmp_path) == "thonny (4000002)"
    assert doctor.holder("/dev/ttyUSB9", tmp_path) is None


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_finding_says_what_to_do(tmp_path, capsys, monkeypatch, language):
    monkeypatch.setenv(signing.KEY_VARIABLE, str(tmp_path / "key"))
    monkeypatch.setattr(cmd_doctor.time, "time", lambda: 0.0)
    line = ["--lang", language, "doctor", "--cache", str(tmp_path), "--port", "virtual:/nowhere"]
    assert cli.main(line) == 1
    lines = capsys.readouterr().out.splitlines()
    assert any("1970-01-01" in text and "timedatectl" in text for text in lines)
    assert all(";" in text for text in lines if text.startswith(("! ", "? ")))
    assert cli.main([*line, "--json"]) == 1
    found = said(capsys)
    wrong = [one["check"] for one in found["findings"] if one["state"] == "bad"]
    assert {"clock", "port"} <= set(wrong)
    assert found["wrong"] == len(wrong)


def test_a_ready_laptop_is_well(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "serial_access", list)
    monkeypatch.setattr(doctor, "meddlers", list)
    assert cli.main(["--lang", "en", "doctor", "--cache", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("this computer is ready\n")


def test_nothing_of_this_machine_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    doctor.examine(Cache(tmp_path / "cache"), [], None, None, NOW_S)
    assert list(Path(tmp_path).iterdir()) == []
