# Which life a boot belongs to, and what a new node has to tell of the time before its first one.

from amont_node.counters import Life, LifeStore
from amont_node.outbox import Outbox

_AWAY_S_MAX = 400 * 86400  # longer than any outage: it is another clock's time
_CHUNK = 16  # records held at once: a board has little heap left at a start


# The life goes on if the clock did: it has not gone back, and the outbox knows all of it. A clock
# chip says by itself whether it went on; and a life that counts its seconds counts no others. One
# that does not answer says nothing: then the seconds are the board's own.
def begin_life(  # type: ignore[no-untyped-def]
    lives: LifeStore, outbox: Outbox, clock, folder: str, interval_s: int, slot_s: int = 0
) -> Life:  # fmt: skip
    kind = getattr(clock, "kind", "")
    life = lives.current(kind)
    now_s = clock.now_s()
    if life is not None and not outbox.unreadable and (not kind or clock.goes_on):
        last_s = outbox.last_tick_s(life.number)
        if last_s is not None and 0 <= now_s - life.origin_s - last_s < _AWAY_S_MAX:
            lives.go_on(life)
            return life
    if clock.is_virtual():
        return lives.begin(0, kind)
    earlier_s = 0
    for tick_s, _ in history(folder + "/history"):
        earlier_s = tick_s + interval_s
    origin_s = now_s - earlier_s
    if kind:  # samples lie on the chip's minutes: some chips' alarms know no seconds
        origin_s -= (origin_s + slot_s) % 60
    return lives.begin(origin_s, kind)


# What is to be told as if measured earlier, in the first life. Safe to repeat: only what is newer
# than the outbox is taken. record(seq, tick_s, values) makes the record.
def take_history(life: int, until_s: int, outbox: Outbox, folder: str, record) -> None:  # type: ignore[no-untyped-def]
    if life:
        return
    seq = outbox.next_seq(life)
    last_s = outbox.last_tick_s(life)
    last_s = -1 if last_s is None else last_s
    records = []
    for tick_s, values in history(folder + "/history"):
        if last_s < tick_s <= until_s:
            records.append(record(seq, tick_s, values))
            seq += 1
            last_s = tick_s
        if len(records) == _CHUNK:
            outbox.extend(records)
            records = []
    if records:
        outbox.extend(records)


# Records of an earlier time, as if this node had measured them: lines "<tick_s> <v0> [<v1> …]",
# one value a channel of the configuration, ticks rising. Yields (tick_s, values).
def history(path: str):  # type: ignore[no-untyped-def]
    try:
        file = open(path)
    except OSError:
        return
    with file:
        for line in file:
            words = line.split()
            if words:
                yield int(words[0]), [int(word) for word in words[1:]]
