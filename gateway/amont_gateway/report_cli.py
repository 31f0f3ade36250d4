"""Write a year's yield and losses: ``amont-gateway report``.

With the site's file, the volumes are those that its meters measured and those that were imported;
tables that are named count too. Without it, the tables alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

from amont_gateway.indicators.year_volumes import Sources, year_volumes
from amont_gateway.places import Places, Service, from_site
from amont_gateway.yearly import kept, sheet, volumes
from amont_gateway.yearly.balance import Network, balance
from amont_gateway.yearly.texts import KINDS, SHEET
from amont_gateway.yearly.volumes import Entry, Refused, VolumesError
from amont_gateway.yearly.window import Window, calendar_year
from amont_site import load

HELP = "write the yearly sheet (P104.3, P105.3, P106.3) from imported and measured volumes"


def add(command: argparse.ArgumentParser, data_dir: Path) -> None:
    """Add the options."""
    command.add_argument("volumes", type=Path, nargs="*", help="CSV of volumes (docs/yearly.*.md)")
    command.add_argument("--year", type=int, required=True)
    command.add_argument("--site", type=Path, help="the site's file: its meters, its service")
    command.add_argument("--data", type=Path, default=data_dir, help="data folder, with --site")
    command.add_argument("--length-km", help="mains without service pipes; else of the site")
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

    Raise ValueError, OSError, sqlite3.Error or SiteError for what cannot be read, worked out or
    written.
    """
    places = from_site(load(asked.site)) if asked.site else None
    service = places.service if places else None
    network = Network(_length(asked, service), asked.scarce or bool(service and service.scarce))
    if not 1990 <= asked.year <= 2100:
        raise ValueError(f"--year {asked.year}: write four digits, such as 2025")
    entries, refused = _entries(asked, places)
    window, sources = _window(asked, places, entries)
    try:
        made = balance(network, window.volume_m3, window.days)
    except ValueError as error:  # what is wanting may be what was refused
        if not refused:
            raise
        first = refused[0].text(asked.lang)
        raise ValueError(f"{error}; rows refused: {len(refused)}, the first {first}") from error
    name = asked.name or (service.name if service else "")
    page = sheet.Sheet(name, window, made, tuple(refused), sources)
    preview = [_preview(page, asked.lang)]
    if asked.out is not None:
        preview += _write(page, asked.out, asked.year)
    return "\n".join(preview), [row.text(asked.lang) for row in refused]


def _entries(
    asked: argparse.Namespace, places: Places | None
) -> tuple[Sequence[Entry], list[Refused]]:
    """Return the rows of the tables, and with a site those that were imported before."""
    try:
        read = volumes.read(asked.volumes)
    except VolumesError as error:
        raise ValueError(error.text(asked.lang)) from error
    if places is None:
        return read.entries, read.refused
    taken = kept.weigh(asked.data, read)
    return [*kept.entries(asked.data), *taken.added], taken.refused


def _window(
    asked: argparse.Namespace, places: Places | None, entries: Sequence[Entry]
) -> tuple[Window, Sources]:
    if places is None:
        return calendar_year(entries, asked.year), {}
    now_ms = int(time.time() * 1000)
    return year_volumes(places, asked.data, entries, asked.year, now_ms)


def _write(page: sheet.Sheet, folder: Path, year: int) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    texts = {f"yearly-{year}.{lang}.html": sheet.html(page, lang) for lang in KINDS}
    texts[f"yearly-{year}.csv"] = sheet.table(page)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [str(folder / name) for name in texts]


def _length(asked: argparse.Namespace, service: Service | None) -> Decimal:
    said = asked.length_km
    if said is None and service is None:
        raise ValueError("--length-km, or a --site whose file has a service")
    try:
        return Decimal(
            str(service.length_km) if said is None and service else said.replace(",", ".")
        )
    except InvalidOperation:
        raise ValueError(f"--length-km {said}: not a number") from None


def _in_order(volumes: Mapping[str, Decimal], kinds: Iterable[str]) -> list[tuple[str, Decimal]]:
    """Return the volumes that there are, in the order of the sheet."""
    return [(kind, volumes[kind]) for kind in kinds if kind in volumes]


def _preview(page: sheet.Sheet, lang: str) -> str:
    words, lines = SHEET[lang], []
    for kind, volume in _in_order(page.window.volume_m3, KINDS[lang]):
        source = words.get(page.sources.get(kind, ""), "")
        shown = f"{KINDS[lang][kind]:44} {sheet.number(volume, lang):>14} m³  {source}"
        lines.append(shown.rstrip())
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
