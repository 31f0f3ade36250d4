"""Draw the label of a station: a QR code and a few words, for 62 mm tape, and a sheet of them.

What the code holds is public: site and node, or an address of the local page that ends in them.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from amont_provision.pixel_font import GLYPH_COLUMNS, GLYPH_ROWS, pixels
from amont_provision.png import png
from amont_provision.texts import Refused
from amont_site import Site
from amont_site.model import Node

WIDTH_MM, HEIGHT_MM = 62, 29  # the usual continuous tape, and a label of it
QUIET_MODULES = 4  # ISO/IEC 18004: the free border without which readers may fail
QR_MM = 25  # with its border; at 29 modules and border, 0.68 mm each: read from a metre away
MARGIN_MM = 2
TEXT_LEFT_MM = MARGIN_MM + QR_MM + 1
TEXT_MM = WIDTH_MM - MARGIN_MM - TEXT_LEFT_MM

DPI = 300
DOTS_WIDE, DOTS_HIGH = 696, 342  # what a 62 mm printer can reach: 58.9 mm; 29 mm

BASE_CHARACTERS_MAX = 80
_BASE_CHARACTERS = set(string.ascii_letters + string.digits + ":/.-_~[]")
_NAME_MM, _SMALL_MM = 4.2, 2.6  # heights of letters
_WIDE_PER_HIGH = 0.58  # mean width of a letter of a sans-serif face


@dataclass(frozen=True)
class Label:
    """What one label says; ``payload`` is what a reader of the code gets."""

    payload: str
    name: str
    node: int
    site: str


def label(site: Site, node: Node, language: str, base: str | None = None) -> Label:
    """Return a node's label; raise Refused for an address that cannot be one or says too much.

    base: where the local page shows a node, for example ``http://amont.local/n``.
    """
    name = _printable(node.name.fr if language == "fr" else node.name.en)
    shown = payload(site.id, node.id) if base is None else f"{_checked(base)}/{node.id}"
    return Label(shown, name, node.id, site.id)


def payload(site: str, node: int) -> str:
    """Return what a code says where there is no page to point to.

    In capitals: the code's denser alphabet, so larger modules.
    """
    return f"AMONT:{site}/{node}".upper()


def modules(payload: str) -> list[list[bool]]:
    """Return the code with its quiet zone, row by row; True is dark.

    Raises Refused where the library for codes is not installed, as on a gateway.
    """
    try:
        import segno
    except ImportError:
        raise Refused("label-library") from None
    code = segno.make(payload, error="m", micro=False, boost_error=True)
    return [[bool(cell) for cell in row] for row in code.matrix_iter(border=QUIET_MODULES)]


def svg(one: Label) -> str:
    """Return the label as a drawing of 62 by 29 mm."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH_MM}mm" height="{HEIGHT_MM}mm"'
        f' viewBox="0 0 {WIDTH_MM} {HEIGHT_MM}" role="img"'
        f' aria-label="{escape(one.payload, quote=True)}">'
    )
    ground = f'<rect width="{WIDTH_MM}" height="{HEIGHT_MM}" fill="#fff"/>'
    return f"{head}{ground}{_code(one.payload)}{_words(one)}</svg>\n"


def image(one: Label) -> bytes:
    """Return the label as a black and white PNG at 300 dots an inch, whole dots a module."""
    canvas = [bytearray(DOTS_WIDE) for _ in range(DOTS_HIGH)]  # 1 is dark
    rows = modules(one.payload)
    scale = DOTS_HIGH // len(rows)
    _paint(canvas, rows, 0, (DOTS_HIGH - scale * len(rows)) // 2, scale)
    left = scale * len(rows) + 4
    top = 40
    for text, most in ((one.name, 4), (f"Amont {one.node}", 6), (one.site, 3)):
        for line in _folded(text, 2):
            size = _size(line, DOTS_WIDE - left, most)
            _paint(canvas, pixels(line), left, top, size)
            top += (GLYPH_ROWS + 3) * size
        top += 8
    return png(canvas, DPI)


def _checked(base: str) -> str:
    try:
        parts = urlsplit(base)
        good = parts.scheme in ("http", "https") and parts.hostname and not parts.username
        good = good and not parts.query and not parts.fragment and parts.port != 0
    except ValueError:
        good = False
    if not good or len(base) > BASE_CHARACTERS_MAX or not set(base) <= _BASE_CHARACTERS:
        raise Refused("label-url", most=BASE_CHARACTERS_MAX)
    return base.rstrip("/")


def _printable(text: str) -> str:
    normal = unicodedata.normalize("NFC", text)
    shown = (" " if unicodedata.category(c)[0] == "C" else c for c in normal)
    return " ".join("".join(shown).split()) or "?"


def _code(payload: str) -> str:
    rows = modules(payload)
    unit_mm = QR_MM / len(rows)
    top_mm = (HEIGHT_MM - QR_MM) / 2
    runs = "".join(
        f"M{start} {y}h{length}v1h-{length}z"
        for y, row in enumerate(rows)
        for start, length in _runs(row)
    )
    place = f"translate({MARGIN_MM} {top_mm:g}) scale({unit_mm:.5f})"
    return f'<path transform="{place}" shape-rendering="crispEdges" fill="#000" d="{runs}"/>'


def _runs(row: list[bool]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    for x in range(1, len(row) + 1):
        if x == len(row) or row[x] != row[start]:
            if row[start]:
                found.append((start, x - start))
            start = x
    return found


def _words(one: Label) -> str:
    lines = [(text, _NAME_MM, "bold") for text in _broken(one.name, 15, 3)]
    lines += [(f"Amont {one.node}", 5.2, "bold")]
    lines += [(text, _SMALL_MM, "normal") for text in _broken(one.site, 22, 2)]
    high_mm = sum(size * 1.2 for _, size, _ in lines)
    y_mm = (HEIGHT_MM - high_mm) / 2
    drawn = []
    for text, most_mm, weight in lines:
        y_mm += most_mm * 1.2
        size = min(most_mm, TEXT_MM / (_WIDE_PER_HIGH * len(text)))
        drawn.append(
            f'<text x="{TEXT_LEFT_MM}" y="{y_mm - most_mm * 0.25:.2f}" font-size="{size:.2f}"'
            f' font-weight="{weight}" font-family="Arial, Helvetica, DejaVu Sans, sans-serif"'
            f">{escape(text)}</text>"
        )
    return "".join(drawn)


def _broken(text: str, wide: int, most: int) -> list[str]:
    """Return at most so many lines, broken at blanks and hyphens; a cut ends in an ellipsis."""
    lines = [""]
    for word in re.findall(r"[^\s-]+-*|-+", text):
        joint = "" if not lines[-1] or lines[-1].endswith("-") else " "
        if lines[-1] and len(lines[-1]) + len(joint) + len(word) > wide:
            lines.append(word)
        else:
            lines[-1] += joint + word
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][: wide - 1] + "…"]
    return [line if len(line) <= 2 * wide else line[: 2 * wide - 1] + "…" for line in lines]


def _folded(text: str, most: int) -> list[str]:
    return [line.replace("…", "...") for line in _broken(text, 15, most)]


def _size(line: str, room: int, most: int) -> int:
    return max(1, min(most, room // (GLYPH_COLUMNS * max(1, len(line)))))


def _paint(
    canvas: list[bytearray], rows: list[list[bool]], left: int, top: int, scale: int
) -> None:
    """Put dark dots on the canvas, each ``scale`` wide and high; what is outside is cut off."""
    for y, row in enumerate(rows):
        dots = bytearray(dot for cell in row for dot in [cell] * scale)[: DOTS_WIDE - left]
        for line in canvas[top + y * scale : top + (y + 1) * scale]:
            line[left : left + len(dots)] = dots


def sheet(labels: Sequence[Label], title: str, language: str) -> str:
    """Return a page of labels, three abreast, that prints on A4 at their true size."""
    drawn = "".join(f"<li>{svg(one)}</li>" for one in labels)
    return _SHEET.format(language=language, title=escape(_printable(title)), labels=drawn)


# A dashed line to cut along; a label never breaks over two pages.
_SHEET = """<!DOCTYPE html>
<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title><style>
@page {{ size: A4; margin: 8mm 10mm }}
body {{ margin: 0; font: 3.5mm sans-serif }}
h1 {{ font-size: 4.5mm; margin: 0 0 3mm }}
ul {{ list-style: none; margin: 0; padding: 0 }}
ul {{ display: grid; grid-template-columns: repeat(3, 63mm) }}
li {{ outline: .2mm dashed #999; width: 62mm; height: 29mm }}
li {{ margin: 0 1mm 1mm 0; break-inside: avoid }}
svg {{ display: block }}
</style></head><body><h1>{title}</h1><ul>{labels}</ul></body></html>
"""
