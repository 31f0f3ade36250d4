"""Write a year's yield and losses: ``amont-gateway report``."""

from __future__ import annotations

import argparse
from decimal import Decimal, InvalidOperation
from pathlib import Path

from amont_gateway.yearly import sheet, volumes
from amont_gateway.yearly.balance import Network, balance
from amont_gateway.yearly.texts import KINDS, SHEET
from amont_gateway.yearly.window import calendar_year

HELP = "write the yearly sheet (P104.3, P105.3, P106.3) from the year's volumes"


def add(command: argparse.ArgumentParser) -> None:
    """Add the options."""
    command.add_argument("volumes", type=Path, nargs="+", help="CSV of volumes (docs/yearly.*.md)")
    command.add_argument("--year", type=int, required=True)
    command.add_argument("--length-km", required=True, help="mains without service pipes")
    command.add_argument(
        "--scarce",
        action="store_true",
        help="from a zone de répartition des eaux, more than 2 million m³ a year",
    )
    command.add_argument("--name", default="", help="of the service, for the sheet's head")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--out", type=Path, help="folder of the sheet; without it only a preview")


def run(asked: argparse.Namespace) -> tuple[str, list[str]]:
    """Return the preview, and a line for each row that was refused; write the sheets if asked.

    Raise ValueError or OSError for what cannot be read, worked out or written.
    """
    network = Network(_length(asked.length_km), asked.scarce)
    if not 1990 <= asked.year <= 2100:
        raise ValueError(f"--year {asked.year}")
    read = volumes.read(asked.volumes)
    window = calendar_year(read.entries, asked.year)
    made = balance(network, window.volume_m3, window.days)
    page = sheet.Sheet(asked.name, window, made, tuple(read.refused))
    preview = [_preview(page, asked.lang)]
    if asked.out is not None:
        preview += _write(page, asked.out, asked.year)
    return "\n".join(preview), [row.text(asked.lang) for row in read.refused]


def _write(page: sheet.Sheet, folder: Path, year: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"yearly-{year}.{lang}.html": sheet.html(page, lang) for lang in KINDS}
    texts[f"yearly-{year}.csv"] = sheet.table(page)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in texts]


def _length(said: str) -> Decimal:
    try:
        return Decimal(said.replace(",", "."))
    except InvalidOperation:
        raise ValueError(f"--length-km {said}: not a number") from None


def _preview(page: sheet.Sheet, lang: str) -> str:
    words, lines = SHEET[lang], []
    for kind, volume in page.window.volume_m3.items():
        lines.append(f"{KINDS[lang][kind]:44} {sheet.number(volume, lang):>14} m³")
    for code, value, unit in page.indicators():
        shown = words.get(unit, unit)
        lines.append(f"{words[code]:44} {sheet.number(value, lang, 1):>14} {shown}")
    lines.append(words[page.verdict])
    share = sheet.number(100 * page.window.estimated_share, lang, 1)
    lines.append(words["share"].format(share=share))
    if page.window.gaps:
        lines.append(words["incomplete"])
    if page.balance.contradicts:
        lines.append(words["contradicts"])
    return "\n".join(lines)
