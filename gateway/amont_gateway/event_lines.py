"""Tell history what happened: the guard's decisions, leaks found, what people did and noted.

Everything is told again from the first record after a start, and after the database was away:
the same record is the same point, so nothing needs to be remembered, and a database that was
lost has its events back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from amont_gateway import series, texts
from amont_gateway.guard_events import refusal_of, who, word_audit
from amont_gateway.guard_words import same, word_fault_name
from amont_gateway.lines import line
from amont_gateway.network_news import Seen, happened
from amont_gateway.notes import RECORD_KINDS as NOTES
from amont_gateway.places import Places
from amont_gateway.records import Record, RecordReader
from amont_gateway.rounds import Outlet
from amont_gateway.view import Text
from amont_gateway.view_network import NetworkLeak

AUDIT = (
    "level", "siren", "asked", "wrong pin", "limits", "tried", "fault", "fault over",
    "start", "stop", "lost",
)  # fmt: skip
SEEN = ("seen network", "seen zone", "seen link")
KINDS = (*AUDIT, *SEEN, *NOTES)
GUARD = "guard"  # the place of what concerns the guard itself
_BATCH = 500
_SEVERITIES = ("info", "notice", "fault", "alarm")  # of series.EVENT

# what a person asked of a siren -> kind of event
_ASKED = {"stop": "test", "keep": "limits", "bypass": "maintenance", "bypass end": "maintenance"}
_LEVELS = {"alarm": "alarm", "alarm_plus": "alarm", "normal": "info"}
_LINK: dict[bool, tuple[str, Text]] = {
    False: ("fault", {"fr": "Le gardien ne répond pas", "en": "The guard does not answer"}),
    True: ("info", {"fr": "Le gardien répond de nouveau", "en": "The guard answers again"}),
}
_FAULT_OVER: Text = {"fr": "Fin de panne : ", "en": "Fault over: "}
_ZONE: dict[str, tuple[str, Text]] = {
    "leak": ("notice", {"fr": "fuite probable", "en": "probable leak"}),
    "watch": ("info", {"fr": "débit à surveiller", "en": "flow to be watched"}),
    "normal": ("info", {"fr": "débit de nouveau habituel", "en": "flow usual again"}),
}


class Happened(NamedTuple):
    """One event, as it is told."""

    kind: str
    place: str
    severity: str
    text: Text
    who: str = ""


class Teller:
    """Turn records into lines, in the order in which they were kept."""

    def __init__(self, places: Places) -> None:
        self._places, self._names = places, places.names
        self._networks = {n.id: n for n in places.networks}
        self._zones = {z.id: z.name for z in places.zones}
        self._last_ms: dict[tuple[str, str], int] = {}
        self._seen: dict[str, Seen] = {}
        self._verdicts: dict[str, str] = {}

    def lines(self, number: int, record: Record) -> list[str]:
        """Return a record's lines; two events of one kind and place are never at one time."""
        found = []
        for at, event in enumerate(self._happened(record)):
            tags = {"kind": event.kind, "place": event.place}
            fields: dict[str, float | int | str | None] = {
                "severity": _SEVERITIES.index(event.severity),
                "fr": event.text["fr"],
                "en": event.text["en"],
                "who": event.who,
                "id": f"{number}.{at}" if at else str(number),
            }
            at_ms = self._free_ms(event, int(record["at_ms"]))
            written = line(series.EVENT, self._places.site, tags, fields, at_ms)
            found += [written] if written is not None else []
        return found

    def _free_ms(self, event: Happened, at_ms: int) -> int:
        key = event.kind, event.place
        last_ms = self._last_ms.get(key, -1)
        if at_ms <= last_ms < at_ms + 1_000:  # within the same burst
            at_ms = last_ms + 1
        self._last_ms[key] = at_ms
        return at_ms

    def _happened(self, record: Record) -> Iterable[Happened]:
        kind = str(record.get("kind"))
        if kind in ("fault", "fault over"):
            return [self._fault(kind, str(record.get("name")))]
        if kind == "seen network":
            return self._network(record)
        if kind == "seen zone":
            return self._zone(record)
        if kind == "seen link":
            severity, text = _LINK[record.get("up") is True]
            return [Happened("fault", GUARD, severity, text)]
        if kind.startswith("note "):
            return [_noted(kind.removeprefix("note "), record)]
        return self._decided(kind, record)

    def _decided(self, kind: str, record: Record) -> Iterator[Happened]:
        """Tell one of the guard's decisions, as the page words it."""
        worded = word_audit(record, self._names)
        if worded is None:
            return
        severity, text = texts.word(worded[0], detail=worded[1])
        asked = str(record.get("asked") or "")
        place = str(record.get("siren") or record.get("station") or GUARD)
        person = who(record["person"])["fr"] if record.get("person") else ""
        if kind == "level":
            yield Happened(kind, place, _LEVELS.get(str(record.get("level")), "notice"), text)
        elif kind == "tried":
            yield Happened(str(record.get("tried")), place, severity, text)
        elif asked:
            severity = "notice" if refusal_of(record) else severity
            yield Happened(_ASKED.get(asked, asked), place, severity, text, person)
        elif kind in ("siren", "limits"):
            yield Happened(kind, place, severity, text, person)
        else:  # the guard started, stopped, or lost records
            yield Happened("maintenance", GUARD, severity, text)

    def _fault(self, kind: str, name: str) -> Happened:
        what, _, rest = name.partition(" ")
        about = rest.partition(" ")[0]
        place = about if about in self._names else GUARD
        text = word_fault_name(name, self._names)
        if kind == "fault over":
            text = {x: _FAULT_OVER[x] + text[x] for x in text}
        told = "silent" if what == "silent" else "fault"
        return Happened(told, place, "fault" if kind == "fault" else "info", text)

    def _network(self, record: Record) -> Iterator[Happened]:
        """Tell each leak once when it is found, once when it is sure, and when none is left.

        And by what the network is judged, when that has changed.
        """
        network = self._networks.get(str(record.get("network")))
        if network is None:
            return
        leaks = [_leak(x) for x in record.get("leaks") or () if isinstance(x, dict)]
        left_out = tuple(str(sensor) for sensor in record.get("left_out") or ())
        now = Seen(tuple(leaks), str(record.get("rung") or "full"), left_out)
        before = self._seen.get(network.id, Seen())
        for event, words, _ in happened(before, now, network, self._places):
            kind = "fault" if event == "network_rung" else "leak"
            yield Happened(kind, network.id, *texts.word(event, detail=words))
        self._seen[network.id] = now

    def _zone(self, record: Record) -> Iterator[Happened]:
        zone, verdict = str(record.get("zone")), str(record.get("verdict"))
        before = self._verdicts.get(zone, "normal")
        if verdict not in _ZONE or verdict == before:
            return
        self._verdicts[zone] = verdict
        severity, words = _ZONE[verdict]
        name = self._zones.get(zone) or same(zone)
        text = {"fr": f"{name['fr']} : {words['fr']}", "en": f"{name['en']}: {words['en']}"}
        size = record.get("leak_l_h")
        if verdict == "leak" and isinstance(size, int | float):
            m3_h = f"{size / 1000:.1f}"
            text["fr"] += f", environ {m3_h.replace('.', ',')} m³/h"
            text["en"] += f", about {m3_h} m³/h"
        yield Happened("leak", zone, severity, text)


def _noted(kind: str, record: Record) -> Happened:
    text, place = same(str(record.get("text") or "–")), str(record.get("place") or "")
    return Happened(kind, place, "info", text, str(record.get("by") or ""))


def _leak(plain: Mapping[str, object]) -> NetworkLeak:
    known = {name: plain[name] for name in NetworkLeak.__struct_fields__ if name in plain}
    return msgspec.convert({"found_ms": 0, "since_ms": 0, **known}, NetworkLeak)


class EventFeed:
    """What is on record, told to the database that keeps it for ever."""

    def __init__(self, places: Places, records: Path, outlet: Outlet) -> None:
        """Take the records' file, which need not be there yet."""
        self._places, self._records, self._outlet = places, records, outlet
        self._teller = Teller(places)
        self._last = 0  # number of the last record told

    def step(self) -> bool:
        """Tell what is new; raise Away, Denied or sqlite3.Error, and begin at the first again."""
        if not self._records.exists():
            return False
        reader = RecordReader(self._records)
        try:
            if reader.last_id() < self._last:  # another file took its place
                self._begin_again()
            for numbered in _batches(reader.of_kinds(KINDS, self._last)):
                lines = [x for number, record in numbered for x in self._lines(number, record)]
                self._outlet.write(lines, series.EVENT.store)
                self._last = numbered[-1][0]
        except BaseException:
            self._begin_again()
            raise
        finally:
            reader.close()
        return False

    def close(self) -> None:
        """Forget the connection."""
        self._outlet.close()

    def _lines(self, number: int, record: Record) -> list[str]:
        try:
            return self._teller.lines(number, record)
        except (TypeError, ValueError, KeyError, AttributeError, msgspec.MsgspecError):
            return []  # a record of another version must not hide the others

    def _begin_again(self) -> None:
        self._teller, self._last = Teller(self._places), 0


def _batches(records: Iterator[tuple[int, Record]]) -> Iterator[list[tuple[int, Record]]]:
    while batch := list(islice(records, _BATCH)):
        yield batch
