"""What somebody who can write the guard's audit can do to it without being found out.

Each trial makes one alteration at random places of an audit of several segments, by somebody who
knows the format and redoes what he can: the altered line's own hash, or (``rewritten``) all
numbers and hashes after it. ``verify`` then reads the folder, with a witness file that knows the
head at some line; the alteration is at or before that line. Beyond it a cut-off end is not found:
that is counted apart. The anchor is how many are found in the same lines with a number and a
CRC-32 each, in place of a chain and a witness.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY, patch

from amont_guard import audit

KINDS = (
    "damaged", "changed", "deleted", "reordered", "duplicated", "inserted", "truncated",
    "segment_gone", "rewritten",
)  # fmt: skip
NAMES = (
    "audit.planted_fault_found", *(f"audit.{kind}_found" for kind in KINDS), "audit.all_found",
    "audit.sound_called_altered", "audit.unwitnessed_cut_found", "audit.append_us",
    "audit.start_ms", "audit.verify_year_s",
)  # fmt: skip
SEGMENT_BYTES = 2500  # instead of 1 MiB: what counts is how many there are
LINES = 60
RECORDS_A_DAY = 100  # ten times what a calm site writes: levels, faults, people, a test
Figure = dict[str, Any]
Lines = list[dict[str, Any]]


def figures(full: bool, seed: int) -> Iterator[Figure]:
    """Yield the shares found, of ``full`` 10,000 or 1,000 alterations; then the speeds."""
    chance, trials = random.Random(seed), 10_000 if full else 1_000
    with tempfile.TemporaryDirectory() as folder:
        yield _planted(Path(folder), random.Random(seed))
        yield from _shares(Path(folder), chance, trials)
        yield from _harmless(Path(folder), chance, trials // 10)
    yield from _speeds(random.Random(seed))


class _Site:
    """One audit in its folder, as lines and as files, and what was witnessed of it."""

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder / "state"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        self.witness = folder / "witness.jsonl"
        with patch.object(audit, "SEGMENT_BYTES", SEGMENT_BYTES):
            log = audit.AuditLog(self.folder / audit.NAME)
            heads = []
            while log.head[0] < LINES:
                log.append([_record(chance) for _ in range(chance.randint(1, 3))], _write_there)
                heads.append(log.head)
        # What is witnessed last is at least the tenth line: there must be something to alter.
        kept = [head for head in heads if head[0] >= 10 and chance.random() < 0.2] or heads[-1:]
        self.witnessed = kept[-1][0]
        self.witness.write_text("".join(
            json.dumps({"at_ms": 0, "n": n, "head": head}) + "\n" for n, head in kept
        ))  # fmt: skip
        self.files = {path: path.read_bytes() for path in self.folder.iterdir()}
        self.firsts = sorted(json.loads(content.split(b"\n", 1)[0])["n"]
                             for content in self.files.values())  # fmt: skip
        self.lines: Lines = []
        for path in sorted(self.files, key=_first):
            self.lines += [json.loads(line) for line in self.files[path].splitlines()]

    def put(self, lines: list[bytes], left_out: int | None = None) -> None:
        """Write lines into files as the segments of this audit begin."""
        for path in self.folder.iterdir():
            path.unlink()
        ends = [*self.firsts[1:], len(lines) + 10**6]
        for number, (first, end) in enumerate(zip(self.firsts, ends, strict=True)):
            part = lines[first - 1 : end - 1]
            if part and number != left_out:
                newest = end - 1 >= len(lines)
                name = audit.NAME if newest else f"audit-{first}.jsonl"
                (self.folder / name).write_bytes(b"".join(part))

    def sound(self) -> bool:
        """Tell whether the folder is taken for sound."""
        return audit.verify(self.folder, self.witness).ok


def _first(path: Path) -> int:
    return int(path.stem[6:]) if "-" in path.stem else 10**9


def _write_there(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b" if path.exists() else "wb") as file:
        file.truncate(at)
        file.seek(at)
        file.write(content)


def _record(chance: random.Random) -> dict[str, Any]:
    """Return something like what the guard records."""
    return chance.choice([
        {"kind": "level", "station": "pont", "level": "alarm", "limit_mm": 2500, "frame": [17, 9],
         "readings": {"pont-a": [chance.randrange(4000), 7, [], 0]}},
        {"kind": "asked", "siren": "mairie", "asked": "mute", "person": chance.choice("ABC")},
        {"kind": "siren", "siren": "mairie", "state": "sound", "actions": [{"kind": "relay on"}]},
        {"kind": "fault", "name": "silent pont-a"}, {"kind": "fault over", "name": "Zoé"},
    ]) | {"at_ms": chance.randrange(10**12), "mono_s": chance.random(), "boot": "one"}  # fmt: skip


def _sealed(record: dict[str, Any], last: str) -> dict[str, Any]:
    body = {key: value for key, value in record.items() if key != "h"}
    return {**body, "h": audit.seal(last, _json(body))[1]}


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _alter(kind: str, lines: Lines, to: int, chance: random.Random) -> Lines:
    """Return altered lines; the first that is not what it was is line ``to`` at most."""
    at = chance.randrange(to)
    last = lines[at - 1]["h"] if at else "0" * 64
    if kind == "changed":
        return [*lines[:at], _sealed(_other(lines[at], chance), last), *lines[at + 1 :]]
    if kind == "deleted":
        count = chance.choice([1, 1, 1, 2, 5])
        return lines[:at] + lines[at + count :]
    if kind == "reordered":
        other = chance.choice([n for n in range(len(lines)) if n != at])
        at, other = sorted((at, other))
        return [*lines[:at], lines[other], *lines[at + 1 : other], lines[at], *lines[other + 1 :]]
    if kind == "duplicated":
        where = chance.randint(at, min(to, len(lines) - 1))
        return [*lines[: where + 1], lines[at], *lines[where + 1 :]]
    if kind == "inserted":
        made = _sealed({**_record(chance), "n": at + 1}, last)
        return [*lines[:at], made, *lines[at:]]
    if kind == "truncated":
        return lines[:at]
    altered = _alter(chance.choice(["changed", "deleted", "inserted"]), lines, to, chance)
    return list(_redone(altered))


def _redone(lines: Lines) -> Iterator[dict[str, Any]]:
    last = "0" * 64
    for n, line in enumerate(lines, 1):
        made = _sealed({**line, "n": n}, last)
        last = made["h"]
        yield made


def _other(record: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    key = chance.choice([key for key in record if key not in ("h", "n")])
    value = record[key]
    return {**record, key: value + 1 if isinstance(value, int | float) else f"not {value}"}


def _bytes(line: dict[str, Any]) -> bytes:
    return _json(line) + b"\n"


def _crc_bytes(line: dict[str, Any]) -> bytes:
    body = _json({key: value for key, value in line.items() if key != "h"})
    return b"%08x" % zlib.crc32(body) + body


def _crc_sound(lines: list[bytes]) -> bool:
    for n, line in enumerate(lines, 1):
        if line[:8] != b"%08x" % zlib.crc32(line[8:]) or json.loads(line[8:])["n"] != n:
            return False
    return True


def _flipped(lines: list[bytes], at: int, chance: random.Random) -> list[bytes]:
    where = chance.randrange(len(lines[at]))
    byte = lines[at][where] ^ 1 << chance.randrange(8)
    return [*lines[:at], lines[at][:where] + bytes([byte]) + lines[at][where + 1 :],
            *lines[at + 1 :]]  # fmt: skip


def _do(site: _Site, kind: str, chance: random.Random) -> list[bytes]:
    """Alter the site's files; return what the same makes of lines with number and CRC."""
    if kind == "damaged":
        at = chance.randrange(site.witnessed)
        site.put(_flipped([_bytes(line) for line in site.lines], at, chance))
        crc = _flipped([_crc_bytes(line) for line in site.lines], at, chance)
    elif kind == "segment_gone":
        gone = chance.randrange(sum(first <= site.witnessed for first in site.firsts))
        site.put([_bytes(line) for line in site.lines], left_out=gone)
        first, end = [*site.firsts, LINES + 10][gone : gone + 2]
        crc = [_crc_bytes(line) for line in site.lines[: first - 1] + site.lines[end - 1 :]]
    else:
        altered = _alter(kind, site.lines, site.witnessed, chance)
        site.put([_bytes(line) for line in altered])
        crc = [_crc_bytes(line) for line in altered]
    return crc


def _planted(folder: Path, chance: random.Random) -> Figure:
    """Disable the chain's check: this bench must notice, or it is worth nothing."""
    found, count = 0, 50
    for _ in range(count):
        site = _Site(folder, chance)
        site.witness.write_text("")
        _do(site, "changed", chance)
        with patch.object(audit, "seal", lambda last, body: (ANY, "")):
            found += not site.sound()
    if found == count:
        raise RuntimeError("alterations are found although nothing is compared")
    return {"name": "audit.planted_fault_found", "value": 100 * found / count,
            "unit": f"% of {count}, chain unchecked", "goal": "< 100", "met": True}  # fmt: skip


def _shares(folder: Path, chance: random.Random, trials: int) -> Iterator[Figure]:
    found: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    by_crc = 0
    for number in range(trials):
        if number % 20 == 0:
            site = _Site(folder, chance)
        kind = KINDS[number % len(KINDS)]
        by_crc += not _crc_sound(_do(site, kind, chance))
        tried[kind] += 1
        found[kind] += not site.sound()
    for kind in KINDS:
        yield {"name": f"audit.{kind}_found", "value": 100 * found[kind] / tried[kind],
               "unit": f"% of {tried[kind]}", "goal": 100.0,
               "met": found[kind] == tried[kind]}  # fmt: skip
    yield {"name": "audit.all_found", "value": found.total(), "unit": f"of {trials}",
           "anchor": by_crc, "goal": trials, "met": found.total() == trials,
           "trials": trials, "failures": trials - found.total()}  # fmt: skip


def _harmless(folder: Path, chance: random.Random, trials: int) -> Iterator[Figure]:
    """Yield what is no alteration, and what no file can show: a cut beyond what was witnessed."""
    false_alarms = unseen = cuts = left = 0
    for _ in range(trials):
        site = _Site(folder, chance)
        false_alarms += not site.sound()
        whole, beyond = [_bytes(line) for line in site.lines], len(site.lines) - site.witnessed
        if beyond:
            site.put(whole[: site.witnessed + chance.randrange(beyond)])
            cuts, unseen, left = cuts + 1, unseen + site.sound(), left + beyond
        site.put(whole)
        newest = site.folder / audit.NAME
        content = newest.read_bytes()
        newest.write_bytes(content[: chance.randint(0, len(content))])  # what a power cut leaves
        log = audit.AuditLog(newest)
        log.append([{"kind": "start"}], _write_there)
        false_alarms += not audit.verify(site.folder).ok
    yield {"name": "audit.sound_called_altered", "value": false_alarms,
           "unit": f"of {2 * trials}, half torn", "goal": 0, "met": not false_alarms}  # fmt: skip
    yield {"name": "audit.unwitnessed_cut_found", "value": 100 * (cuts - unseen) / cuts,
           "unit": f"% of {cuts}, {left / cuts:.0f} lines unseen"}  # fmt: skip


def _speeds(chance: random.Random) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        log, records = audit.AuditLog(Path(folder) / audit.NAME), 365 * RECORDS_A_DAY
        began = time.perf_counter()
        for _ in range(records):
            log.append([_record(chance)], _write_there)
        append_us = (time.perf_counter() - began) / records * 1e6
        began = time.perf_counter()
        audit.AuditLog(Path(folder) / audit.NAME)
        start_ms = (time.perf_counter() - began) * 1e3
        began = time.perf_counter()
        lines = audit.verify(Path(folder)).lines
        verify_s = time.perf_counter() - began
    yield {"name": "audit.append_us", "value": append_us, "unit": "µs a record, no fsync"}
    yield {"name": "audit.start_ms", "value": start_ms, "unit": f"ms after {lines} lines"}
    yield {"name": "audit.verify_year_s", "value": verify_s, "unit": f"s for {lines} lines"}
