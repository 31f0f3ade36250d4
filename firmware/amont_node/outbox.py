# The readings that nobody has acknowledged yet, in flash.
#
# A log of fixed-size records in segment files, named by a rising number. One append is one flush:
# when append() returns, the sample survives a power cut. The oldest segment goes when all in it
# is acknowledged, or when the ring is full (then what still waited is counted as dropped).
# The newest segment always stays, so the next sequence number is always known.
# A damaged record costs itself: it is skipped and counted; nothing is ever formatted.
#
# Record, little endian, 36 bytes:
#   kind u8 (1 sample, 2 mark)  mask u8  life u16  seq u32  tick_s u32
#   quality u16 (3 bits a channel, channel 0 lowest)  pad u16  values 4 x i32  CRC-32 u32
# Mark: everything of `life` below `seq` is acknowledged; tick_s holds the dropped count so far.
# A lost mark costs a retransmission, so marks ride along with the next sample.

import binascii
import io
import os
import struct

from amont_node.pair import make_durable, make_folder, make_name_durable
from amont_node.spans import Spans

RECORD_BYTES = 36
_FORMAT = "<BBHIIHHiiii"
_BODY_BYTES = RECORD_BYTES - 4
_SAMPLE = 1
_MARK = 2
_SUFFIX = ".seg"
# 113 records fill one 4 KiB flash block; 96 such segments hold 112 days of quarter hours.
SEGMENT_RECORDS = 113
SEGMENTS = 96
_ENOSPC = 28  # not among MicroPython's errno names
_MARK_EVERY = 8  # acknowledged samples worth a mark of 36 bytes


class Record:
    def __init__(
        self, life: int, seq: int, tick_s: int, mask: int, values: list[int], quality: int = 0
    ) -> None:
        self.life = life
        self.seq = seq
        self.tick_s = tick_s
        self.mask = mask  # bit i: channel i is present
        self.values = values  # four integers, wire units; 0 for an absent channel
        self.quality = quality  # 3 bits a channel

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and pack(_SAMPLE, self) == pack(_SAMPLE, other)


def pack(kind: int, record: Record) -> bytes:
    v = record.values
    body = struct.pack(
        _FORMAT, kind, record.mask, record.life, record.seq, record.tick_s,
        record.quality, 0, v[0], v[1], v[2], v[3],
    )  # fmt: skip
    return body + struct.pack("<I", binascii.crc32(body))


# The kind and the record, or None when it is damaged.
def unpack(data: bytes | bytearray) -> tuple[int, Record] | None:
    if not _whole(data):
        return None
    fields = struct.unpack_from(_FORMAT, data)
    return fields[0], _record(fields)


def _whole(data: bytes | bytearray) -> bool:
    crc = struct.unpack_from("<I", data, _BODY_BYTES)[0]
    return bool(crc == binascii.crc32(data[:_BODY_BYTES]))


def _record(fields) -> Record:  # type: ignore[no-untyped-def]
    _, mask, life, seq, tick_s, quality, _, a, b, c, d = fields
    return Record(life, seq, tick_s, mask, [a, b, c, d], quality)


# What was read, oldest first, still as it is in flash: a Record is made when one is looked at.
# Sixty-four of them at once would be more than the heap of a Pico has to spare.
class Stored:
    def __init__(self) -> None:
        self._data = bytearray()

    def add(self, packed: bytes | bytearray) -> None:
        self._data.extend(packed)

    def __len__(self) -> int:
        return len(self._data) // RECORD_BYTES

    # Of a whole number from -len to len - 1; IndexError beyond.
    def __getitem__(self, at: int) -> Record:
        count = len(self)
        if not -count <= at < count:
            raise IndexError("record %d of %d" % (at, count))
        begin = at % count * RECORD_BYTES
        return _record(struct.unpack_from(_FORMAT, self._data, begin))


class _Segment:
    def __init__(self, number: int) -> None:
        self.number = number
        self.records = 0  # slots used, marks and damaged ones included
        # Per life, oldest first: [life, lowest seq, highest seq] of its samples here.
        self.lives: list[list[int]] = []

    def note(self, life: int, seq: int) -> None:
        if self.lives and self.lives[-1][0] == life:
            self.lives[-1][2] = max(self.lives[-1][2], seq)
        else:
            self.lives.append([life, seq, seq])


class Outbox:
    # fed(): called while it recovers, for the watchdog: 90 days take seconds.
    def __init__(  # type: ignore[no-untyped-def]
        self, folder: str, segment_records: int = SEGMENT_RECORDS, segments: int = SEGMENTS,
        fed=None,
    ) -> None:  # fmt: skip
        self._folder = folder
        self._fed = fed
        self._segment_records = segment_records
        self._segments_max = max(2, segments)
        self._segments: list[_Segment] = []
        self._buffer = bytearray(RECORD_BYTES)
        self._file: io.BufferedWriter | None = None
        self._ragged = False  # the newest file's tail is not known to be whole: start another
        self.spans = Spans()
        self.dropped = 0  # samples overwritten before their acknowledgement, ever
        self.damaged = 0  # records skipped at the last recovery
        self.unreadable = False  # a segment could not be read: numbers in it are not known
        self._unread = 0  # damaged records since the last good sample, while recovering
        self._last_tick_s: dict[int, int] = {}  # per life
        self._marked: dict[int, int] = {}  # per life: `seq` of its newest mark
        make_folder(folder)
        self._recover()
        self._marked_dropped = self.dropped

    # --- what it holds

    def waiting(self) -> int:
        return self.spans.waiting()

    # The sequence number that the next sample of this life takes.
    def next_seq(self, life: int) -> int:
        span = self.spans.get(life)
        return 0 if span is None else span.last + 1

    # The tick of the newest sample of a life; None if there is none.
    def last_tick_s(self, life: int) -> int | None:
        return self._last_tick_s.get(life)

    # The samples first … last of a life that can be read, in order, acknowledged or not.
    def read(self, life: int, first: int, last: int) -> Stored:
        found = Stored()
        for segment in self._segments:
            for span in segment.lives:
                if span[0] == life and span[1] <= last and span[2] >= first:
                    self._pick(found, segment, life, first, last)
        return found

    def _pick(self, found: Stored, segment: _Segment, life: int, first: int, last: int) -> None:
        with open(self._path(segment.number), "rb") as file:
            while file.readinto(self._buffer) == RECORD_BYTES:
                # The cheap look first: kind, life and seq, before the CRC.
                kind, _, its_life, seq = struct.unpack_from("<BBHI", self._buffer)
                wanted = kind == _SAMPLE and its_life == life and first <= seq <= last
                if wanted and _whole(self._buffer):
                    found.add(self._buffer)

    # --- changes

    # Durable when it returns. OSError: it is not stored, and what was stored before still is.
    def append(self, record: Record) -> None:
        self._store([record])

    # The same for many at once, with one flush a segment.
    def extend(self, records: list[Record]) -> None:
        while records:
            room = self._segment_records
            if self._segments and not self._ragged:
                room = room - self._segments[-1].records or room
            room = max(1, room - len(self.spans.all()) - 1)  # marks may come with them
            self._store(records[:room])
            records = records[room:]

    def _store(self, records: list[Record]) -> None:
        data = self._mark_due(records[0].life)
        data += b"".join([pack(_SAMPLE, record) for record in records])
        try:
            self._write(data)
        except OSError as error:
            self._close(True)
            if error.errno != _ENOSPC or len(self._segments) < 2:
                raise
            # Full: the oldest segment is the price of the newest reading. Once.
            self._drop_oldest()
            self._write(data)
        for record in records:
            self._segments[-1].note(record.life, record.seq)
            self.spans.add(record.life, record.seq)
            self._last_tick_s[record.life] = record.tick_s

    # Samples that were to be sent cannot be read: stop waiting for them.
    def give_up(self, life: int, first: int, last: int) -> None:
        span = self.spans.get(life)
        for seq in range(first, last + 1):
            if span is not None and span.waits(seq):
                span.mark(seq)
                self.damaged += 1

    # What a sealed acknowledgement says (see Spans.ack). False: refused, nothing dropped.
    def ack(self, life: int, through: int | None, bits: int) -> bool:
        if not self.spans.ack(life, through, bits):
            return False
        self._forget_done()
        return True

    def close(self) -> None:
        self._close(False)

    def _mark_due(self, life: int) -> bytes:
        data = b""
        lost = self.dropped != self._marked_dropped
        self._marked_dropped = self.dropped
        for span in self.spans.all():
            marked = self._marked.get(span.life, 0)
            left = span.life != life and span.first > marked
            if lost or left or span.first >= marked + _MARK_EVERY:
                mark = Record(span.life, span.first, self.dropped, 0, [0, 0, 0, 0])
                data += pack(_MARK, mark)
                self._marked[span.life] = span.first
        self.spans.prune()
        return data

    def _write(self, data: bytes) -> None:
        slots = len(data) // RECORD_BYTES
        newest = self._segments[-1] if self._segments else None
        if newest is None or self._ragged or newest.records + slots > self._segment_records:
            self._open_new()
        elif self._file is None:
            self._file = open(self._path(newest.number), "ab")
        assert self._file is not None
        written = self._file.write(data)
        if written is not None and written != len(data):
            raise OSError("short write")
        make_durable(self._file)
        self._segments[-1].records += slots

    def _open_new(self) -> None:
        self._close(False)
        while len(self._segments) >= self._segments_max:
            self._drop_oldest()
        number = self._segments[-1].number + 1 if self._segments else 0
        self._file = open(self._path(number), "wb")
        make_name_durable(self._folder)
        self._segments.append(_Segment(number))
        self._ragged = False
        self._forget_done()

    def _close(self, ragged: bool) -> None:
        self._ragged = self._ragged or ragged
        file, self._file = self._file, None
        if file is not None:
            try:
                file.close()
            except OSError:
                self._ragged = True

    def _forget_done(self) -> None:
        while len(self._segments) > 1 and not self._waits(self._segments[0]):
            self._remove(self._segments[0])

    def _waits(self, segment: _Segment) -> bool:
        for life, _, highest in segment.lives:
            span = self.spans.get(life)
            if span is not None and span.first <= highest:
                return True
        return False

    def _drop_oldest(self) -> None:
        oldest = self._segments[0]
        before = self.spans.waiting()
        for life, _, highest in oldest.lives:
            span = self.spans.get(life)
            if span is not None:
                span.forget_below(highest + 1)
        self.dropped += before - self.spans.waiting()
        self._remove(oldest)

    def _remove(self, segment: _Segment) -> None:
        os.remove(self._path(segment.number))
        self._segments = [s for s in self._segments if s is not segment]

    # --- recovery

    def _recover(self) -> None:
        numbers = []
        for name in os.listdir(self._folder):
            if name.endswith(_SUFFIX):
                try:
                    numbers.append(int(name[: -len(_SUFFIX)], 16))
                except ValueError:
                    self.damaged += 1
        marks: dict[int, int] = {}
        for number in sorted(numbers):
            segment = _Segment(number)
            self._segments.append(segment)
            self._recover_segment(segment, marks)
            if self._fed is not None:
                self._fed()
        # Records that end the log unread may have been sent before they were damaged: their
        # numbers are used up.
        for newest in self.spans.all()[-1:]:
            for _ in range(self._unread):
                newest.add(newest.last + 1)
                newest.mark(newest.last)
        for life in marks:
            span = self.spans.get(life)
            if span is not None:
                span.forget_below(marks[life])
            self._marked[life] = marks[life]
        self._forget_done()

    def _recover_segment(self, segment: _Segment, marks: dict[int, int]) -> None:
        self._ragged = False
        try:
            with open(self._path(segment.number), "rb") as file:
                got = file.readinto(self._buffer)
                while got == RECORD_BYTES:
                    segment.records += 1
                    self._recover_record(segment, marks)
                    got = file.readinto(self._buffer)
        except OSError:
            got = -1
            self.unreadable = True
        if got:  # a torn record at the end, or unreadable
            self.damaged += 1
            self._ragged = True

    def _recover_record(self, segment: _Segment, marks: dict[int, int]) -> None:
        entry = unpack(self._buffer)
        if entry is None:
            self.damaged += 1
            self._unread += 1
        elif entry[0] == _SAMPLE:
            self._take(segment, entry[1])
        else:
            marks[entry[1].life] = entry[1].seq
            self.dropped = max(self.dropped, entry[1].tick_s)

    def _take(self, segment: _Segment, record: Record) -> None:
        segment.note(record.life, record.seq)
        self.spans.add(record.life, record.seq)
        self._unread = 0
        self._last_tick_s[record.life] = record.tick_s

    def _path(self, number: int) -> str:
        return "%s/%08x%s" % (self._folder, number, _SUFFIX)
