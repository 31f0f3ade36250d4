# What is kept in files: outbox, counters, lives, configuration. In a folder named `work`.

import os

from board import remove
from world import config

from amont_node import counters, settings
from amont_node.config import ConfigError, ConfigStore, NodeConfig, load_secret, save_secret
from amont_node.outbox import RECORD_BYTES, Outbox, Record
from amont_node.pair import PairFile


def folder(name: str) -> str:
    path = "work-" + name
    remove(path)
    os.mkdir(path)
    return path


def record(seq: int, life: int = 1) -> Record:
    return Record(life, seq, seq * 60, 3, [seq, -seq, 0, 2147483647], seq % 7)


def filled(path: str, count: int, life: int = 1) -> Outbox:
    box = Outbox(path, 10, 4)
    for seq in range(count):
        box.append(record(seq, life))
    return box


def damage(path: str, at: int) -> None:
    with open(path, "rb") as file:
        data = bytearray(file.read())
    data[at] ^= 0x40
    with open(path, "wb") as file:
        file.write(data)


def check_reads_what_it_stored() -> None:
    path = folder("plain")
    filled(path, 25).close()
    box = Outbox(path, 10, 4)
    assert list(box.read(1, 3, 22)) == [record(seq) for seq in range(3, 23)]
    assert list(box.read(2, 0, 99)) == [] and box.waiting() == 25
    assert box.next_seq(1) == 25 and box.last_tick_s(1) == 24 * 60 and box.last_tick_s(2) is None


def check_acknowledged_segments_go() -> None:
    path = folder("acked")
    box = filled(path, 25)
    assert box.ack(1, 11, 0b1010) and box.waiting() == 11
    assert len(os.listdir(path)) == 2
    assert box.ack(1, 24, 0) and box.waiting() == 0
    box.close()
    box = Outbox(path, 10, 4)
    assert box.next_seq(1) == 25  # the newest segment stays for its number


def check_marks_spare_retransmissions() -> None:
    path = folder("marks")
    box = filled(path, 9)
    box.ack(1, 8, 0)
    box.append(record(9))
    box.close()
    assert Outbox(path, 10, 4).waiting() == 1


def check_full_ring_drops_the_oldest() -> None:
    path = folder("ring")
    box = filled(path, 60)
    assert box.dropped > 0 and box.dropped + box.waiting() == 60
    assert len(os.listdir(path)) == 4
    box.close()
    again = Outbox(path, 10, 4)
    assert again.waiting() == box.waiting() and again.dropped == box.dropped


def check_a_full_flash_costs_the_oldest() -> None:
    path = folder("full")
    box = filled(path, 25)
    real = box._write
    errors = [28, 5]

    def failing(data) -> None:
        if errors:
            raise OSError(errors.pop(0), "flash")
        real(data)

    box._write = failing
    assert _raises(OSError, box.append, record(25))  # full, and then broken: not stored
    assert box.dropped == 10 and box.next_seq(1) == 25
    box.append(record(25))
    assert [r.seq for r in box.read(1, 0, 99)] == list(range(10, 26))
    errors.append(5)  # broken, not full: nothing is dropped for it
    assert _raises(OSError, box.append, record(26))
    assert box.dropped == 10
    box.close()
    again = Outbox(path, 10, 4)
    assert again.waiting() == 16 and again.dropped == 10


def check_give_up() -> None:
    box = filled(folder("give-up"), 5)
    box.give_up(1, 1, 2)
    assert box.waiting() == 3 and box.damaged == 2
    box.give_up(9, 0, 5)
    assert box.waiting() == 3


def check_many_at_once() -> None:
    path = folder("many")
    box = Outbox(path, 10, 40)
    box.extend([record(seq) for seq in range(133)])
    assert list(box.read(1, 0, 200)) == [record(seq) for seq in range(133)]
    box.close()
    assert Outbox(path, 10, 40).waiting() == 133


def check_a_damaged_record_costs_itself() -> None:
    path = folder("damaged")
    filled(path, 10).close()
    damage(path + "/00000000.seg", 4 * RECORD_BYTES + 9)
    box = Outbox(path, 10, 4)
    assert box.damaged == 1 and box.waiting() == 9
    assert [r.seq for r in box.read(1, 0, 99)] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert box.ack(1, 9, 0) and box.waiting() == 0


# Its number may have been sent before the damage: it must not come again.
def check_a_damaged_last_record_keeps_its_number() -> None:
    path = folder("last")
    filled(path, 5).close()
    damage(path + "/00000000.seg", 4 * RECORD_BYTES + 9)
    box = Outbox(path, 10, 4)
    assert box.next_seq(1) == 5 and box.waiting() == 4


def check_a_torn_record() -> None:
    path = folder("torn")
    filled(path, 5).close()
    with open(path + "/00000000.seg", "ab") as file:
        file.write(b"\x01\x03half")
    box = Outbox(path, 10, 4)
    assert box.waiting() == 5 and box.next_seq(1) == 5 and box.damaged == 1
    box.append(record(5))
    box.close()
    assert list(Outbox(path, 10, 4).read(1, 0, 9)) == [record(seq) for seq in range(6)]


def check_two_lives() -> None:
    path = folder("lives")
    box = filled(path, 5)
    for seq in range(5):
        box.append(record(seq, 2))
    assert box.waiting() == 10 and box.next_seq(2) == 5
    assert box.ack(1, 4, 0) and box.waiting() == 5
    assert list(box.read(2, 0, 9)) == [record(seq, 2) for seq in range(5)]


def check_counters_never_come_twice() -> None:
    path = folder("counters")
    used = []
    for _ in range(5):
        counter = counters.stored_counter(path, 1)
        used += [counter.next() for _ in range(70)]
    assert len(set(used)) == len(used) and used == sorted(used)
    assert counters.stored_counter(path, 2).next() == 1  # a new key generation
    assert _raises(counters.NeedsGeneration, counters.stored_counter, path, 1)  # never back


def check_damaged_counters() -> None:
    path = folder("damaged-counters")
    counter = counters.stored_counter(path, 1)
    used = [counter.next() for _ in range(200)][-1]
    for name in ("a", "b"):  # whichever is the newer
        before = _bytes(path + "/uplink." + name)
        damage(path + "/uplink." + name, 20)
        assert counters.stored_counter(path, 1).next() > used
        with open(path + "/uplink." + name, "wb") as file:
            file.write(before)
    damage(path + "/uplink.a", 20)
    damage(path + "/uplink.b", 20)
    assert _raises(counters.NeedsGeneration, counters.stored_counter, path, 1)


def check_lives_rise() -> None:
    path = folder("life")
    store = counters.LifeStore(path, 1)
    assert store.current() is None and store.boots == 1
    assert store.begin(100).number == 0
    store = counters.LifeStore(path, 1)
    life = store.current()
    assert (life.number, life.origin_s, life.fresh, store.boots) == (0, 100, False, 2)
    store.go_on(life)
    assert store.begin(500).number == 1
    store = counters.LifeStore(path, 2)  # a new key generation: the outbox still holds 0 and 1
    assert store.current() is None and store.begin(0).number == 2


def check_the_last_life() -> None:
    path = folder("last-life")
    store = counters.LifeStore(path, 1)
    store.begin(0)
    store._stored["life"] = counters.LIFE_MAX
    assert _raises(counters.NeedsGeneration, store.begin, 0)
    store._save(counters.LIFE_MAX, 0)
    assert counters.LifeStore(path, 2).begin(0).number == 0


def check_pair_keeps_the_last_good() -> None:
    path = folder("pair")
    pair = PairFile(path, "x")
    assert pair.load() is None
    for value in range(5):
        pair.save([value])
    assert PairFile(path, "x").load() == [4]
    damage(path + "/x.a", 16)
    again = PairFile(path, "x")
    assert again.load() == [3] and again.damaged == 1
    with open(path + "/x.b", "wb") as file:
        file.write(b"\xff\xfe\x00")
    assert PairFile(path, "x").load() is None
    pair.save([5])
    pair.remove()
    pair.remove()  # twice is once
    assert PairFile(path, "x").load() is None
    pair.save([6])
    assert PairFile(path, "x").load() == [6]


def check_config_round_trip() -> None:
    path = folder("config")
    store = ConfigStore(path)
    store.save(config())
    assert ConfigStore(path).load().data == config().data
    changed = store.load().changed(2, [(1, 1200), (3, 2500), (5, 8), (6, 3000)])
    assert (changed.interval_s, changed.overlap) == (1200, 8)
    assert (changed.high_mark, changed.alarm_mark) == (2500, 3000)
    assert changed.version == 2
    save_secret(path, bytes(range(16)))
    assert load_secret(path) == bytes(range(16))


def check_settings_are_values_without_their_rules() -> None:
    path = folder("settings")
    ConfigStore(path).save(config(high_mark=1200))
    save_secret(path, bytes(range(16)))
    found, secret, damaged = settings.load(path, False)
    assert (found.high_mark, found.channels[0].index, found.board.name) == (1200, 0, "unix")
    assert secret == bytes(range(16)) and not damaged and not hasattr(found, "changed")
    assert settings.load(path, True)[0].high_mark is None
    assert settings.change(path, 2, [(3, 900)]).high_mark == 900
    assert settings.load(path, False)[0].version == 2
    for items in ([(99, 1)], [(2, 86400)]):
        assert _raises(ConfigError, settings.change, path, 3, items)
    assert ConfigStore(path).load().version == 2
    assert _raises(ConfigError, settings.change, folder("empty-settings"), 3, [])


BAD = [
    ("schema", {"schema": 2}),
    ("id", {"id": 0}),
    ("id", {"id": True}),
    ("id", {"id": "17"}),
    ("generation", {"generation": 0}),
    ("interval_s", {"interval_s": 0}),
    ("fast_interval_s", {"fast_interval_s": 61}),
    ("high_mark", {"high_mark": 1 << 25}),
    ("carrier", {"carrier": {"kind": "pigeon"}}),
    ("channels", {"channels": []}),
    ("step", {"channels": [{"index": 0, "quantity": 1, "step": 3, "probe": {}}]}),
    ("probe", {"channels": [{"index": 0, "quantity": 1}]}),
    ("channels", {"channels": [{"index": 1, "quantity": 1, "probe": {}}] * 2}),
]


def check_bad_configurations_are_named() -> None:
    for word, change in BAD:
        try:
            config(**change)
        except ConfigError as error:
            assert word in str(error), (word, str(error))
        else:
            raise AssertionError("taken: %s" % change)


def check_bad_changes() -> None:
    good = config()
    for version, items in ((1, []), (2, [(63, 1)]), (2, [(1, 0)]), (2, [(2, 3600)])):
        assert _raises(ConfigError, good.changed, version, items), items
    assert isinstance(good.changed(2, []), NodeConfig)


def _bytes(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _raises(kind, call, *arguments) -> bool:
    try:
        call(*arguments)
    except kind:
        return True
    return False
