"""Images for boards: whole, for the right chip, from the cache alone; nothing is half copied."""

import errno
import json
import stat
import struct
import subprocess
from functools import reduce
from hashlib import sha256
from operator import xor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amont_provision import cli, esp, images, uf2
from amont_provision.cache import Cache
from amont_provision.texts import Refused

INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: {}\r\n"


def block(
    number, total, family=uf2.RP2040, address=None, flags=0x2000, size=256, end=uf2.MAGIC_END
):
    address = uf2.FLASH + 256 * number if address is None else address
    head = uf2.HEADER.pack(uf2.MAGIC_0, uf2.MAGIC_1, flags, address, size, number, total, family)
    return head + bytes([number & 0xFF]) * 476 + struct.pack("<I", end)


def image(blocks=5, family=uf2.RP2040):
    return b"".join(block(number, blocks, family) for number in range(blocks))


FIX = block(0, 2, uf2.ABSOLUTE, 0x10FF_FF00)  # what picotool puts before an RP2350's image


@pytest.mark.parametrize(
    ("content", "family", "blocks"),
    [
        (image(), uf2.RP2040, 5),
        (image(3, uf2.RP2350_ARM), uf2.RP2350_ARM, 3),
        (FIX + image(3, uf2.RP2350_ARM), uf2.RP2350_ARM, 4),
    ],
)
def test_a_whole_image_is_accepted(content, family, blocks):
    assert uf2.check(content, family) == blocks


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no whole blocks"),
        (image()[:-1], "no whole blocks"),
        (image()[:-512], "cut off: 4 blocks of 5"),
        (image()[512:], "cut off: 4 blocks of 5"),
        (image(family=uf2.RP2350_ARM), "family 0xe48bff59, not 0xe48bff56"),
        (FIX, "cut off: 0 blocks"),
        (b"MZ" + bytes(510), "no UF2 block at byte 0"),
        (image(1) + bytes(512), "no UF2 block at byte 512"),
        (block(0, 1, end=0), "no UF2 block"),
        (block(0, 1, flags=0), "known family"),
        (block(0, 1, flags=0x2001), "known family"),
        (block(0, 1, size=477), "outside the flash"),
        (block(0, 1, size=0), "outside the flash"),
        (block(0, 1, address=0x2000_0000), "outside the flash"),
        (block(0, 1, address=uf2.FLASH_END - 255), "outside the flash"),
        (block(1, 2) + block(0, 2), "another order"),
        (block(0, 2) + block(0, 2), "another order"),
    ],
)
def test_another_image_says_what_is_wrong(content, says):
    with pytest.raises(ValueError, match=says):
        uf2.check(content, uf2.RP2040)


def talking(text, family=uf2.RP2040):
    """An image whose text crosses from one block into the next."""
    data = (b"\0" * 250 + text + b"\0").ljust(512, b"\0")
    parts = [block(number, 2, family) for number in range(2)]
    return b"".join(
        part[:32] + data[256 * n : 256 * n + 256] + part[288:] for n, part in enumerate(parts)
    )


@pytest.mark.parametrize(
    ("board", "says", "fits"),
    [
        ("pico", b"Raspberry Pi Pico with RP2040", True),
        ("pico", b"MicroPython v1.29.0 on 2026-08-29; Raspberry Pi Pico with RP2040", True),
        ("pico", b"Raspberry Pi Pico W with RP2040", False),
        ("pico-w", b"Raspberry Pi Pico W with RP2040", True),
        ("pico-w", b"Raspberry Pi Pico with RP2040", False),
        ("pico", b"something else", True),
    ],
)
def test_an_image_for_a_sister_board_is_refused(board, says, fits):
    if fits:
        assert images.checked(board, talking(says), "x") == 2
        return
    with pytest.raises(Refused, match=r"for Raspberry Pi Pico.* not for Raspberry Pi Pico"):
        images.checked(board, talking(says), "x")


def test_the_names_of_the_second_pico_differ_in_spaces_only():
    content = talking(b"Raspberry Pi Pico2 with RP2350", uf2.RP2350_ARM)
    assert images.checked("pico2", content, "x") == 2
    with pytest.raises(Refused):
        images.checked("pico2-w", content, "x")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=1500), st.integers(0, 3))
def test_any_bytes_are_no_image(content, whole):
    for check in (
        lambda data: uf2.check(data, uf2.RP2040),
        lambda data: esp.check(data, esp.CHIPS["esp32"]),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            check(content + image()[: 512 * whole])


# --- ESP32


def esp_image(chip, segments=(b"abcd" * 9, b"xy"), hashed=True):
    header = bytearray(24)
    header[0], header[1], header[23] = esp.MAGIC, len(segments), hashed
    struct.pack_into("<H", header, 12, chip.number)
    body = bytes(header)
    for data in segments:
        body += struct.pack("<II", 0x4008_0000, len(data)) + data
    body += bytes(15 - len(body) % 16) + bytes([reduce(xor, b"".join(segments), 0xEF)])
    return body + (sha256(body).digest() if hashed else b"")


def esp_flash(chip, hashed=True, other=None):
    content = esp_image(chip, hashed=hashed).ljust(esp.PARTITIONS - chip.offset, b"\xff")
    content += b"\xaa\x50".ljust(esp.APPLICATION - esp.PARTITIONS, b"\xff")
    return content + esp_image(other or chip, hashed=hashed)


@pytest.mark.parametrize("name", esp.CHIPS)
@pytest.mark.parametrize("hashed", [True, False])
def test_a_whole_esp_image_is_accepted(name, hashed):
    content = esp_flash(esp.CHIPS[name], hashed)
    assert images.checked(name, content, "x.bin") == len(content)


ESP32, C3 = esp.CHIPS["esp32"], esp.CHIPS["esp32-c3"]
WHOLE = esp_flash(ESP32)


def flipped(at):
    return WHOLE[:at] + bytes([WHOLE[at] ^ 1]) + WHOLE[at + 1 :]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no ESP image at byte 0"),
        (esp_flash(C3), "for chip 5, not 0"),
        (esp_flash(ESP32, other=C3), "for chip 5, not 0"),
        (WHOLE[:-1], "cut off"),
        (WHOLE[:40], "cut off"),
        (WHOLE[: esp.APPLICATION - ESP32.offset], "no ESP image"),
        (esp_image(ESP32), "no partition table"),
        (esp_image(ESP32, segments=()), "0 segments"),
        (flipped(40), "checksum"),
        (flipped(len(WHOLE) - 1), "SHA-256"),
    ],
)
def test_another_esp_image_says_what_is_wrong(content, says):
    with pytest.raises(ValueError, match=says):
        esp.check(content, ESP32)


def planted(folder, monkeypatch, script):
    program = folder / "esptool"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_esptool_is_called_with_chip_port_and_offset(tmp_path, monkeypatch):
    planted(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/called')
    esp.write(tmp_path / "x.bin", "/dev/ttyUSB7", ESP32)
    words = (tmp_path / "called").read_text().split()
    assert words == [
        "--chip", "esp32", "--port", "/dev/ttyUSB7", "--baud", "460800",
        "write_flash", "0x1000", str(tmp_path / "x.bin"),
    ]  # fmt: skip


def test_what_esptool_says_last_is_told(tmp_path, monkeypatch):
    planted(tmp_path, monkeypatch, "echo Connecting...; echo 'A fatal error' >&2; exit 2")
    with pytest.raises(Refused, match="A fatal error"):
        esp.write(tmp_path / "x.bin", "/dev/ttyUSB7", ESP32)


def test_an_esptool_that_hangs_is_given_up(tmp_path, monkeypatch):
    def hangs(*_, **__):
        raise subprocess.TimeoutExpired("esptool", 300)

    planted(tmp_path, monkeypatch, "exit 0")
    with pytest.raises(Refused, match="timed out"):
        esp.write(tmp_path / "x.bin", "/dev/ttyUSB7", ESP32, hangs)


def test_a_missing_esptool_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Refused, match="pipx install esptool"):
        esp.write(Path("x.bin"), "/dev/ttyUSB7", ESP32)


# --- the command, on a simulated BOOTSEL drive


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


class Desk:
    """A laptop's cache, a file from the web, boards in BOOTSEL."""

    def __init__(self, folder):
        self.folder = folder
        self.cache = folder / "cache"

    def drive(self, board_id="RPI-RP2", name="drive"):
        path = self.folder / name
        path.mkdir(exist_ok=True)
        (path / uf2.INFO).write_text(INFO.format(board_id))
        return path

    def file(self, content, name="RPI_PICO-1.29.uf2"):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def run(self, *line, board="pico"):
        words = ["--lang", "en", "flash", "--board", board, "--cache", self.cache, *line]
        return cli.main([str(word) for word in words])

    def kept(self, content=None, board="pico", name="RPI_PICO-1.29.uf2"):
        assert self.run("--keep", self.file(content or image(), name), board=board) == 0


def test_an_image_is_kept_once_and_flashed_without_its_file(desk, capsys):
    desk.kept()
    (desk.folder / "RPI_PICO-1.29.uf2").unlink()
    drive = desk.drive()
    assert desk.run("--drive", drive, "--json") == 0
    assert (drive / "RPI_PICO-1.29.uf2").read_bytes() == image()
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["image"], said["bytes"]) == ("RPI_PICO-1.29.uf2", 5 * 512)


def test_a_dry_run_touches_neither_cache_nor_board(desk, capsys):
    assert desk.run("--keep", desk.file(image()), "--dry-run") == 0
    assert not desk.cache.exists()
    desk.kept()
    drive = desk.drive()
    assert desk.run("--drive", drive, "--dry-run") == 0
    assert [path.name for path in drive.iterdir()] == [uf2.INFO]
    assert capsys.readouterr().out.count("nothing written") == 2


def refused(desk, capsys, *line, says, board="pico"):
    assert desk.run(*line, board=board) == cli.REFUSED
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert says in printed


def test_a_wrong_or_cut_image_is_never_kept(desk, capsys):
    for content, says in ((image(family=uf2.RP2350_ARM), "family"), (image()[:-512], "cut off")):
        refused(desk, capsys, "--keep", desk.file(content), says=says)
    assert not desk.cache.exists()


def test_another_image_takes_its_place_only_when_asked(desk, capsys):
    desk.kept()
    refused(desk, capsys, "--keep", desk.file(image(6)), says="--swap")
    assert desk.run("--keep", desk.file(image(6)), "--swap") == 0
    assert images.image("pico", Cache(desk.cache))[1] == image(6)


def test_the_wrong_board_is_refused_before_anything_is_copied(desk, capsys):
    desk.kept()
    drive = desk.drive("RP2350")
    refused(desk, capsys, "--drive", drive, says="is a RP2350 board, not RPI-RP2")
    assert [path.name for path in drive.iterdir()] == [uf2.INFO]


def test_a_folder_that_is_no_board_is_refused(desk, capsys):
    desk.kept()
    refused(desk, capsys, "--drive", desk.folder, says="hold its BOOTSEL button")


def test_a_drive_that_nobody_mounted_is_told_with_how_to(desk, capsys, monkeypatch):
    desk.kept()
    (desk.folder / "RPI-RP2").touch()
    monkeypatch.setattr(uf2, "mounted", list)
    monkeypatch.setattr(uf2.unmounted, "__defaults__", (desk.folder,))
    refused(desk, capsys, says=f"sudo mount -o uid=$USER {desk.folder}/RPI-RP2 /mnt")
    (desk.folder / "RPI-RP2").unlink()
    refused(desk, capsys, says="hold its BOOTSEL button")


def test_without_a_kept_image_the_way_to_one_is_told(desk, capsys):
    refused(desk, capsys, "--drive", desk.drive(), says="flash --board pico --keep IMAGE")


def test_a_damaged_cache_is_a_lost_image_not_another_firmware(desk, capsys):
    desk.kept()
    digest = sha256(image()).hexdigest()
    (desk.cache / digest[:2] / digest).write_bytes(image(4))
    drive = desk.drive()
    refused(desk, capsys, "--drive", drive, says="missing or damaged in the cache")
    assert [path.name for path in drive.iterdir()] == [uf2.INFO]


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"schema": 2}', '{"schema": 1, "images": []}', "[" * 99_999,
     '{"schema": 1, "images": {"pico": 3}}',
     '{"schema": 1, "images": {"abacus": {"name": "x", "sha256": "y"}}}',
     '{"schema": 1, "images": {"pico": {"name": "x"}}}'],
)  # fmt: skip
def test_a_damaged_lock_is_left_alone(desk, capsys, content):
    desk.cache.mkdir()
    (desk.cache / images.LOCK).write_text(content)
    refused(desk, capsys, "--drive", desk.drive(), says="restore this file")
    assert (desk.cache / images.LOCK).read_text() == content


def test_the_one_drive_of_the_right_board_is_found(desk, capsys, monkeypatch):
    desk.kept()
    pico, other = desk.drive(), desk.drive("RP2350", "other")
    monkeypatch.setattr(uf2, "mounted", lambda: [desk.folder, other, pico])
    assert desk.run() == 0
    assert (pico / "RPI_PICO-1.29.uf2").exists()
    assert [path.name for path in other.iterdir()] == [uf2.INFO]
    monkeypatch.setattr(uf2, "mounted", lambda: [pico, desk.drive(name="second")])
    refused(desk, capsys, says="several boards wait")


def test_mounted_drives_are_read_from_the_kernel(monkeypatch):
    text = "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /media/a\\040b/RPI-RP2 vfat rw 0 0\n\n"
    monkeypatch.setattr(Path, "read_text", lambda self: text)
    assert uf2.mounted() == [Path("/media/a b/RPI-RP2")]


class Chip:
    """A drive that ends in its own way after so many bytes."""

    def __init__(self, takes, code):
        self.takes, self.code = takes, code

    def write(self, data):
        if self.takes < len(data):
            raise OSError(self.code, "gone")
        self.takes -= len(data)
        return len(data)

    def fileno(self):
        if self.takes == 0:
            raise OSError(self.code, "gone")
        return -1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def copied(monkeypatch, tmp_path):
    def run(chip, content):
        monkeypatch.setattr(Path, "open", lambda self, *_, **__: chip)
        monkeypatch.setattr(uf2.os, "fsync", lambda handle: None)
        seen = []
        uf2.copy(content, uf2.Drive(tmp_path, "RPI-RP2"), "x", lambda *step: seen.append(step))
        return seen

    return run


def test_a_board_that_starts_the_image_before_the_file_is_closed_is_done(copied):
    content = image(200)
    assert copied(Chip(len(content), errno.EIO), content)[-1] == (len(content), len(content))


@pytest.mark.parametrize(("takes", "code"), [(64 * 512, errno.EIO), (200 * 512, errno.ENOSPC)])
def test_a_pulled_cable_or_a_full_drive_is_told(copied, takes, code):
    with pytest.raises(Refused, match="its boot ROM is untouched"):
        copied(Chip(takes, code), image(200))


def test_an_esp32_is_written_by_esptool_over_its_port(desk, capsys, monkeypatch, tmp_path):
    planted(tmp_path, monkeypatch, f'cp "$9" {tmp_path}/written')
    desk.kept(WHOLE, "esp32", "ESP32.bin")
    refused(desk, capsys, board="esp32", says="--port /dev/ttyUSB0")
    assert desk.run("--port", "/dev/ttyUSB9", "--dry-run", board="esp32") == 0
    assert not (tmp_path / "written").exists()
    assert desk.run("--port", "/dev/ttyUSB9", board="esp32") == 0
    assert (tmp_path / "written").read_bytes() == WHOLE
