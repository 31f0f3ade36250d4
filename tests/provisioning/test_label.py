"""Labels: what the code says, that a reader can find it, that it fits the tape."""

import json
import re
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zlib
from pathlib import Path

import msgspec
import pytest

from amont_provision import cli, label, pixel_font
from amont_provision.png import png
from amont_provision.texts import Refused
from amont_site import load

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
QR_TEXT = {"fr": "Pont neuf amont", "en": "New bridge upstream"}


@pytest.fixture
def site():
    return load(SITE)


def run(*more):
    return cli.main(["--lang", "en", "label", "--site", str(SITE), *map(str, more)])


def named(site, name):
    text = msgspec.structs.replace(site.nodes[0].name, fr=name)
    return msgspec.structs.replace(site.nodes[0], name=text)


def unpacked(image):
    """A PNG's rows of dots, True for black, and its dots a metre."""
    assert image[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(image):
        (size,) = struct.unpack(">I", image[at : at + 4])
        kind, data = image[at + 4 : at + 8], image[at + 8 : at + 8 + size]
        (crc,) = struct.unpack(">I", image[at + 8 + size : at + 12 + size])
        assert crc == zlib.crc32(kind + data)
        chunks[kind], at = data, at + 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, colour) == (1, 0)
    lines = zlib.decompress(chunks[b"IDAT"])
    step = 1 + (width + 7) // 8
    rows = [lines[y * step + 1 : (y + 1) * step] for y in range(height)]
    dots = [[not row[x // 8] >> (7 - x % 8) & 1 for x in range(width)] for row in rows]
    return dots, struct.unpack(">II", chunks[b"pHYs"][:8])


# --- what it says


def test_the_code_names_site_and_node_and_nothing_else(site):
    for node in site.nodes:
        assert label.label(site, node, "fr").payload == f"AMONT:SAINTE-AMONETTE/{node.id}"


def test_it_may_point_to_the_local_page(site):
    one = label.label(site, site.nodes[0], "en", "http://amont.local/n/")
    assert one.payload == "http://amont.local/n/11"


@pytest.mark.parametrize(
    "base",
    ["", "amont.local", "ftp://amont.local", "http://", "http://u:pw@pi/n", "http://pi/n?key=5e",
     "http://pi/n#5e", "http://pi/\u202e", "http://pi/a b", "http://pi/" + "x" * 80, "http://[pi"],
)  # fmt: skip
def test_an_address_that_could_tell_a_secret_is_refused(site, base):
    with pytest.raises(Refused) as caught:
        label.label(site, site.nodes[0], "fr", base)
    assert caught.value.code == "label-url"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_drawing_has_the_name_in_the_language(site, language):
    drawing = label.svg(label.label(site, site.nodes[0], language))
    words = " ".join(e.text for e in ElementTree.fromstring(drawing) if e.text)
    assert words == f"{QR_TEXT[language]} Amont 11 sainte-amonette"


@pytest.mark.parametrize(
    "name",
    ["<script>&\"'", "a\x0bb\u202ec", "x" * 80, "Pont-de-la-Très-Longue-Rivière du Haut-Plateau",
     "\u200b", "- -- -", "é" * 40],
)  # fmt: skip
def test_a_strange_name_stays_text_and_on_the_label(site, name):
    one = label.label(site, named(site, name), "fr")
    root = ElementTree.fromstring(label.svg(one))
    assert {element.tag.rpartition("}")[2] for element in root} == {"rect", "path", "text"}
    for element in root:
        if element.text:
            width = label._WIDE_PER_HIGH * float(element.get("font-size")) * len(element.text)
            assert float(element.get("x")) + width <= label.WIDTH_MM + 0.1
            assert 0 < float(element.get("y")) <= label.HEIGHT_MM
    dots, _ = unpacked(label.image(one))
    assert (len(dots[0]), len(dots)) == (label.DOTS_WIDE, label.DOTS_HIGH)


# --- that it is readable


@pytest.mark.parametrize("payload", ["AMONT:X/1", "AMONT:" + "X" * 40 + "/65534", "http://h/" * 9])
def test_the_quiet_zone_is_four_modules_of_light(payload):
    rows = label.modules(payload)
    edge = label.QUIET_MODULES
    assert edge == 4
    assert not any(cell for row in [*rows[:edge], *rows[-edge:]] for cell in row)
    assert not any(cell for row in rows for cell in [*row[:edge], *row[-edge:]])
    finder = [row[edge : edge + 7] for row in rows[edge : edge + 7]]
    assert finder[0] == [True] * 7, "the corner is where the code begins"
    assert finder[1] == [True, *[False] * 5, True]


def test_no_module_is_smaller_than_a_camera_sees(site):
    for node in site.nodes:
        rows = label.modules(label.label(site, node, "fr", "http://amont.local/n").payload)
        assert label.QR_MM / len(rows) >= 0.6


def test_drawing_and_picture_show_the_same_code(site):
    one = label.label(site, site.nodes[0], "fr")
    rows = label.modules(one.payload)
    path = ElementTree.fromstring(label.svg(one))[1].get("d")
    drawn = [[False] * len(rows) for _ in rows]
    for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", path):
        drawn[int(y)][int(x) : int(x) + int(wide)] = [True] * int(wide)
    assert drawn == rows
    dots, (per_metre, _) = unpacked(label.image(one))
    scale = label.DOTS_HIGH // len(rows)
    top = (label.DOTS_HIGH - scale * len(rows)) // 2
    picked = [
        [dots[top + y * scale + scale // 2][x * scale + scale // 2] for x in range(len(rows))]
        for y in range(len(rows))
    ]
    assert picked == rows
    assert round(per_metre * 0.0254) == label.DPI


def test_a_machine_without_the_library_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "segno", None)
    assert run() == cli.REFUSED
    assert "amont[technician]" in capsys.readouterr().err


def test_the_label_fits_the_tape():
    assert label.DOTS_WIDE / label.DPI * 25.4 < label.WIDTH_MM == 62
    assert label.DOTS_HIGH / label.DPI * 25.4 <= label.HEIGHT_MM


def test_letters_are_told_apart():
    shapes = {
        str(pixel_font.pixels(c)) for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./:'()_#+&?"
    }
    assert len(shapes) == 36 + 12
    assert pixel_font.plain("Château d’Œuvre 漢") == "CHATEAU D'OEUVRE ?"


def test_a_picture_of_any_width_is_whole():
    for width in (1, 7, 8, 9):
        rows = [bytes((x + y) % 2 for x in range(width)) for y in range(3)]
        assert unpacked(png(rows, 300))[0] == [[bool(dot) for dot in row] for row in rows]


# --- the command


def test_a_site_gets_its_labels_and_a_sheet(tmp_path, capsys, site):
    tmp_path = tmp_path / "a folder" / "that is made"
    assert run("--out", tmp_path) == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "labels-sainte-amonette.html",
        *(f"label-{node.id}.{kind}" for node in site.nodes for kind in ("svg", "png")),
    }
    sheet = (tmp_path / "labels-sainte-amonette.html").read_text()
    assert sheet.count("<svg") == len(site.nodes)
    assert "size: A4" in sheet
    assert "http" not in sheet.replace("http://www.w3.org/2000/svg", ""), "nothing from outside"
    assert "100 %" in capsys.readouterr().out


def test_one_node_alone_and_a_dry_run(tmp_path, capsys):
    assert run("--out", tmp_path, "--node", 12, "--node", 12, "--json", "--dry-run") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["payloads"] == ["AMONT:SAINTE-AMONETTE/12"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--node", 99], "node 99 is not in"),
        (["--url", "http://u:p@h"], "without user name"),
        (["--out", "/dev/null/at/all"], "another folder with --out"),
    ],
)
def test_what_cannot_be_made_is_said(capsys, more, says):
    assert run(*more) == cli.REFUSED
    assert says in capsys.readouterr().err
