"""Gather what an acceptance sheet of one station says: plain data, the same in both languages.

No key is in it, nor anything from which one could be guessed: of keys it names the generation.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from amont_provision import bootrecord, calibrating, energy_site
from amont_provision.board import Held
from amont_provision.calibrating import transform_of
from amont_provision.held import channels, quantity_of
from amont_provision.logbook import NOTE_CHARACTERS_MAX, Pages, line_of
from amont_provision.port import Port
from amont_provision.probing import raw_unit
from amont_provision.station_check import VERIFICATION
from amont_provision.texts import Refused, cause
from amont_site import Site
from amont_site.model import Node

FORMAT = 1
PHOTOS_MAX, PHOTO_BYTES_MAX = 40, 64 << 20
NOTES_MAX, SIGNERS_MAX = 20, 6
CHUNK_BYTES = 1 << 20
TEXT_CHARACTERS_MAX = 200  # of what a board or a file says in one cell
Json = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """What people add to what is known: clean lines already."""

    by: str
    notes: Sequence[str] = ()
    signers: Sequence[str] = ()
    photos: Sequence[Path] = ()


def told(by: str, notes: Sequence[str], signers: Sequence[str], photos: Sequence[Path]) -> Told:
    """Return what people said, checked; raise Refused."""
    for what, given, most in (
        ("--note", notes, NOTES_MAX), ("--signer", signers, SIGNERS_MAX),
        ("--photo", photos, PHOTOS_MAX),
    ):  # fmt: skip
        if len(given) > most:
            raise Refused("report-many", what=what, most=most)
    return Told(
        line_of(by, "--by"),
        [line_of(note, "--note", NOTE_CHARACTERS_MAX) for note in notes],
        [line_of(name, "--signer") for name in signers],
        photos,
    )


def sheet(
    site: Site, node: Node, pages: Pages, at: datetime, said: Told, board: Json | None
) -> Json:
    """Return the sheet of one station. board: from ``board_part``, None if it was not read."""
    calibrations = [_calibration(pages, node, index, board) for index in range(len(node.channels))]
    verification = next(reversed(pages.of(VERIFICATION, node.id)), None)
    return {
        "format": FORMAT,
        "kind": "acceptance",
        "at": at.isoformat(timespec="seconds"),
        "by": said.by,
        "site": {"id": site.id, "fr": site.name.fr, "en": site.name.en, "zone": site.time_zone},
        "node": {"id": node.id, "fr": node.name.fr, "en": node.name.en},
        "stations": [
            {
                "id": s.id,
                "fr": s.name.fr,
                "en": s.name.en,
                "river": s.river,
                "limits_mm": _limits(s),
            }
            for s in site.stations
            if {c.sensor for c in node.channels} & set(s.sensors)
        ],
        "board": board,
        "sensors": calibrations,
        "verification": verification,
        "energy": _energy(site, node, board),
        "photos": [photo(path) for path in said.photos],
        "notes": list(said.notes),
        "signers": list(said.signers),
        "open": _open_points(board, calibrations, verification),
    }


def board_part(port: Port, held: Held) -> Json:
    """Return what a board says of itself, without a secret; raise Refused."""
    record = bootrecord.read(port)
    known = (
        "interval_s", "fast_interval_s", "look_s", "frame_samples", "profile", "generation",
        "version",
    )  # fmt: skip
    kind = held.config.get("board")
    return {
        "node": held.node,
        "name": _text(kind.get("name")) if isinstance(kind, dict) else None,
        "release": _release(port, record),
        "trial": bool(record and record.trying),
        **{key: held.config.get(key) for key in known if _plain(held.config.get(key))},
        "carrier": _carrier(held.config.get("carrier")),
        "channels": [
            {
                "index": channel["index"],
                "quantity": quantity_of(channel),
                "unit": raw_unit(channel),
                "kind": _text(channel["probe"].get("kind")),
                "wiring": wiring(channel["probe"]),
                "calibration": t.json() if (t := transform_of(channel)) else None,
            }
            for channel in channels(held)
        ],
    }


def wiring(probe: Json) -> str:
    """Return how a probe is wired, in one line: its fields but the kind."""
    parts = []
    for name, value in sorted(probe.items()):
        if isinstance(value, dict):
            inner = " ".join(f"{k} {v}" for k, v in value.items() if _plain(v) and v is not None)
            parts.append(f"{name}: {inner}")
        elif name != "kind" and _plain(value) and value is not None:
            parts.append(f"{name} {value}")
    return _text("; ".join(parts))


def photo(path: Path) -> Json:
    """Return a photo's file name, size and SHA-256; raise Refused."""
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                size += len(chunk)
                if size > PHOTO_BYTES_MAX:
                    raise Refused("report-photo-size", path=path, most=PHOTO_BYTES_MAX >> 20)
                digest.update(chunk)
    except OSError as error:
        raise Refused("report-photo", path=path, why=cause(error)) from None
    return {"name": _text(path.name), "bytes": size, "sha256": digest.hexdigest()}


def _calibration(pages: Pages, node: Node, index: int, board: Json | None) -> Json:
    """Return one sensor: what it is, its last calibration, and whether that is in force."""
    channel = node.channels[index]
    records = calibrating.history(pages, node.id, channel.sensor)
    last, reached = records[-1] if records else (None, False)
    here = next((c for c in board["channels"] if c["index"] == index), None) if board else None
    in_force = None
    if here is not None:
        in_force = last is not None and here["calibration"] == last.get("transform")
    return {
        "sensor": channel.sensor,
        "quantity": channel.quantity,
        "board": here,
        "last": last,
        "reached": reached,
        "in_force": in_force,
        "earlier": max(0, len(records) - 1),
        "needs": here is not None and here["unit"] in calibrating.NEEDS_CALIBRATION,
    }


def _energy(site: Site, node: Node, board: Json | None) -> Json | None:
    """Return what the model expects of two AA cells, None where the file names no real board."""
    if node.profile is None or node.board is None or node.board.name == "unix":
        return None
    station = energy_site.of_site(site, node, board)
    budget = station.budget()
    return {
        "profile": station.profile.name,
        "supply": station.board.name,
        "carrier": station.carrier,
        "mah_day": round(budget.mah_day, 2),
        "years": round(budget.years, 1),
    }


def _open_points(board: Json | None, sensors: list[Json], verification: Json | None) -> list[Json]:
    """Return what keeps the station from being accepted: codes with their values."""
    found: list[Json] = []
    if board is None:
        found.append({"code": "report-open-board"})
    elif board["trial"]:
        found.append({"code": "report-open-trial"})
    for one in sensors:
        if one["last"] is None and one["needs"]:
            found.append({"code": "report-open-calibration", "sensor": one["sensor"]})
        elif one["last"] is not None and (one["in_force"] is False or not one["reached"]):
            found.append({"code": "report-open-in-force", "sensor": one["sensor"]})
    if verification is None:
        found.append({"code": "report-open-verify"})
    elif verification.get("proved") is not True:
        found.append({"code": "report-open-proof"})
    elif board is not None and verification.get("config_version") != board.get("version"):
        found.append({"code": "report-open-version"})
    return found


def _limits(station: Any) -> list[int]:
    return [station.watch_mm, station.warning_mm, station.alarm_mm, station.alarm_plus_mm]


def _release(port: Port, record: bootrecord.Record | None) -> Json | None:
    if record is None:
        return None
    number = bootrecord.number(port, record.running)
    try:
        value = json.loads(port.read(f"{record.running}/{bootrecord.MANIFEST}") or b"")
        name = _text(value.get("name"))
    except (ValueError, AttributeError, RecursionError):
        name = "-"
    return {"number": number, "name": name, "slot": record.running}


def _carrier(carrier: Any) -> Json | None:
    """Return how a node sends, without user or password."""
    if not isinstance(carrier, dict):
        return None
    shown = {key: carrier.get(key) for key in ("kind", "host", "port")}
    return {k: v for k, v in shown.items() if _plain(v)} | {"tls": bool(carrier.get("tls"))}


def _plain(value: object) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _text(value: object) -> str:
    text = "".join(c for c in str(value) if c.isprintable())
    return text[:TEXT_CHARACTERS_MAX]
