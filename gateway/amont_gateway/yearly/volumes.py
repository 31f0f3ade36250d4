"""Read volumes that people typed or a billing program wrote: forgiving of form, strict of meaning.

One row is one volume of one meter (or village, or tariff) over one period. Commas and points,
both orders of a date, French and English words are understood; what could mean two things, has no
unit or counts water twice is refused, row by row, with what is wrong. Good rows stay good.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from amont_gateway.yearly import balance
from amont_gateway.yearly.periods import BadCell, day, named_period, plain_word
from amont_gateway.yearly.texts import COLUMNS, REASONS, WHOLE

MAX_BYTES = 16 * 1024 * 1024
MAX_M3 = Decimal(10) ** 10
ENCODINGS = ("utf-8-sig", "cp1252")
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # "Unicode text" of a spreadsheet

_COLUMNS = {
    "kind": ("kind", "nature", "type", "volume_kind"),
    "meter": ("meter", "compteur", "source", "secteur", "zone"),
    "from": ("from", "du", "debut", "start"),
    "to": ("to", "au", "fin", "end"),
    "period": ("period", "periode", "annee", "year", "mois", "month"),
    "volume": ("volume",),
    "unit": ("unit", "unite"),
    "estimated": ("estimated", "estime", "estimation"),
}
_KINDS = {
    balance.PRODUCED: ("produced", "produit", "volume produit", "v1"),
    balance.IMPORTED: (
        "imported",
        "importe",
        "achete",
        "bought",
        "volume importe",
        "volume achete",
        "v2",
    ),
    balance.EXPORTED: (
        "exported",
        "exporte",
        "vendu",
        "sold",
        "sold in bulk",
        "volume exporte",
        "vendu en gros",
        "v3",
    ),
    balance.DOMESTIC: ("metered domestic", "comptabilise domestique", "domestique", "domestic"),
    balance.OTHER: ("metered other", "comptabilise non domestique", "non domestique", "other"),
    balance.UNMETERED: ("unmetered", "sans comptage", "consomme sans comptage", "v8"),
    balance.SERVICE: ("service", "volume de service", "besoins du service", "v9"),
}
_UNITS = {"m3": Decimal(1), "hl": Decimal("0.1"), "l": Decimal("0.001")}
_YES = ("1", "yes", "oui", "o", "y", "x", "vrai", "true", "estime", "estimated")
_NO = ("", "0", "no", "non", "n", "faux", "false", "releve", "read", "mesure")


@dataclass(frozen=True)
class Entry:
    """One volume: from the first to the last day, both included."""

    kind: str
    meter: str
    first: date
    last: date
    volume_m3: Decimal
    estimated: bool
    where: str  # file and line


@dataclass(frozen=True)
class Refused:
    """A row that was left out: where, why (a key of the texts), and what it said."""

    where: str
    reason: str
    said: str

    def text(self, lang: str) -> str:
        """Return the reason in one line."""
        return f"{self.where}: {REASONS[lang][self.reason]}: {self.said}"


@dataclass
class Volumes:
    """What was read: entries that count, and rows that do not."""

    entries: list[Entry] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class VolumesError(ValueError):
    """The file as a whole cannot be read: where, why (a key of the texts), and what it said."""

    def __init__(self, where: str, reason: str, said: str = "", columns: Sequence[str] = ()):
        self._where, self._reason, self._said, self._columns = where, reason, said, columns
        super().__init__(self.text("en"))

    def text(self, lang: str) -> str:
        """Return it in one line."""
        columns = ", ".join(COLUMNS[lang].get(column, column) for column in self._columns)
        what = WHOLE[lang][self._reason].format(said=self._said, columns=columns)
        return f"{self._where}: {what}"


def read(paths: list[Path]) -> Volumes:
    """Read the files; raise VolumesError or OSError where one is no table of volumes."""
    out = Volumes()
    for path in paths:
        for number, row in _rows(path):
            where = f"{path.name}:{number}"
            try:
                out.entries.append(_once(_entry(row, where), out.entries))
            except BadCell as bad:
                out.refused.append(Refused(where, bad.reason, bad.said))
    return out


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    content = _content(path)
    if len(content) > MAX_BYTES:
        raise VolumesError(path.name, "large", str(MAX_BYTES))
    if content.startswith(b"PK\x03\x04"):
        raise VolumesError(path.name, "workbook")
    text = _decoded(content, path.name)
    lines = text.splitlines()
    first = next((k for k, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise VolumesError(path.name, "empty")
    if "\0" in lines[first]:
        raise VolumesError(path.name, "encoding")
    separator = max(";\t,", key=lines[first].count)
    reader = csv.reader(io.StringIO("\n".join(lines[first:])), delimiter=separator)
    columns = _columns(next(reader), path.name)
    for row in reader:
        if any(cell.strip() for cell in row):
            said = {name: row[k].strip() if k < len(row) else "" for name, k in columns.items()}
            yield first + reader.line_num, said


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise VolumesError(str(path), "no file") from None
    except IsADirectoryError:
        raise VolumesError(str(path), "folder") from None
    except PermissionError:
        raise VolumesError(str(path), "not allowed") from None


def _decoded(content: bytes, name: str) -> str:
    for encoding in ("utf-16",) if content.startswith(_UTF_16) else ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise VolumesError(name, "encoding")


def _columns(header: list[str], name: str) -> dict[str, int]:
    known = {alias: column for column, aliases in _COLUMNS.items() for alias in aliases}
    out: dict[str, int] = {}
    for k, cell in enumerate(header):
        words = plain_word(cell)
        unit = re.fullmatch(r"volume[ _(]*(m3|hl|l)\)?", words)
        column = "volume" if unit else known.get(words)
        if column is None:
            continue
        if column in out:
            raise VolumesError(name, "two columns", columns=[column])
        out[column] = k
        if unit:
            out["unit in header " + unit.group(1)] = k
    wanting = [column for column in ("kind", "volume") if column not in out]
    if "period" not in out and not {"from", "to"} <= set(out):
        wanting += ["from", "to"]
    if wanting:
        raise VolumesError(name, "no column", "; ".join(header), wanting)
    return out


def _entry(row: Mapping[str, str], where: str) -> Entry:
    kind = next((k for k, words in _KINDS.items() if plain_word(row["kind"]) in words), None)
    if kind is None:
        raise BadCell("kind", row["kind"])
    first, last = _period(row)
    volume = _volume(row)
    if not Decimal(0) <= volume <= MAX_M3:
        raise BadCell("volume", row["volume"])
    said = plain_word(row.get("estimated", ""))
    if said not in (*_YES, *_NO):
        raise BadCell("estimated", row["estimated"])
    estimated = said in _YES or kind in balance.ALWAYS_ESTIMATED
    return Entry(kind, row.get("meter", ""), first, last, volume, estimated, where)


def _volume(row: Mapping[str, str]) -> Decimal:
    """Return the volume in m³; its unit may stand in the header, in a column or in the cell."""
    header = next((k.rpartition(" ")[2] for k in row if k.startswith("unit in header ")), "")
    in_cell = re.fullmatch(r"(.*\d)\s*(m3|hl|l)", plain_word(row["volume"]))
    number = in_cell.group(1) if in_cell else row["volume"]
    cell = in_cell.group(2) if in_cell else ""
    said = [unit for unit in (plain_word(row.get("unit", "")), header, cell) if unit]
    if len(set(said)) > 1:
        raise BadCell("two units", ", ".join(said))
    unit = _UNITS.get(said[0] if said else "")
    if not row["volume"]:
        raise BadCell("no volume", row["volume"])
    if unit is None:
        raise BadCell("unit", said[0] if said else "")
    return _number(number) * unit


def _number(said: str) -> Decimal:
    text = re.sub(r"[\s\u00a0\u202f'’]", "", said)
    if re.fullmatch(r"[-\u2212][\d.,]+", text):
        raise BadCell("below zero", said)
    if re.fullmatch(r"\d{1,3}[.,]\d{3}", text):
        raise BadCell("two meanings", said)  # 1.234 is a thousand here, one and a bit there
    for pattern, group, point in (
        (r"\d+", "", ""),
        (r"\d+[.,]\d+", "", ".,"),
        (r"\d{1,3}(\.\d{3})+(,\d+)?", ".", ","),
        (r"\d{1,3}(,\d{3})+(\.\d+)?", ",", "."),
    ):
        if re.fullmatch(pattern, text):
            bare = text.replace(group, "") if group else text
            return Decimal(re.sub(f"[{re.escape(point)}]", ".", bare) if point else bare)
    raise BadCell("number", said)


def _period(row: Mapping[str, str]) -> tuple[date, date]:
    said = row.get("period", "")
    if said:
        return named_period(said)
    first, last = day(row.get("from", "")), day(row.get("to", ""))
    if last < first:
        raise BadCell("order", f"{row['from']} - {row['to']}")
    return first, last


def _once(entry: Entry, before: list[Entry]) -> Entry:
    """Return ``entry``; raise BadCell if its water was counted before."""
    for other in before:
        same = (other.kind, other.meter) == (entry.kind, entry.meter)
        if same and entry.first <= other.last and other.first <= entry.last:
            raise BadCell("twice", other.where)
    return entry
