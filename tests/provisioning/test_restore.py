"""No counter is used twice, whatever is restored how often; nothing stale is believed."""

import json
import random
import shutil
from datetime import datetime
from functools import partial

import pytest
from tests.guard.rig import RISING, SECRETS, FakeClock, Rig, SimNode, write_site

from amont_guard.keys import BLOCK, PACE_S, Keyring, NotReserved
from amont_provision import leap
from amont_provision.backup import Opened, remember_restore
from amont_provision.keyfile import KeyFile
from amont_provision.restore import check_clock, this_machine, time_of
from amont_provision.texts import Refused
from amont_wire.const import COUNTER_MAX, DOWNLINK
from amont_wire.counters import ReservedCounter
from amont_wire.frame import Opener
from amont_wire.messages import Ack

BODY = Ack(1, 1, 1, 0, 0, 0, 0).encode()
MADE_S, DAY_S = 1_800_000_000, 86_400


def put(path, content, done):
    path.write_bytes(content)
    if done:
        done()


class Life:
    """A guard's keys that are asked for more than they give, and what they used."""

    def __init__(self, folder, clock, used):
        self.folder, self.clock, self.used = folder, clock, used
        self.opener = Opener(SECRETS[17], 17, 1, DOWNLINK)
        self.start()

    def start(self):
        self.ring = Keyring(self.folder, put, self.clock.monotonic_s)
        self.ring.reserve()

    def live(self, seconds):
        for _ in range(seconds):
            for _ in range(4 * BLOCK):
                try:
                    frame = self.ring.seal(17, Ack.TYPE, BODY)
                except NotReserved:
                    break
                counter = int.from_bytes(frame[3:7], "little")
                assert counter not in self.used
                self.used.add(counter)
                self.last = frame
            self.clock.pass_s(1)
        assert self.opener.open(self.last)[0].node == 17

    def restart(self):
        self.clock.pass_s(PACE_S)  # as the unit waits
        self.start()


def test_the_leap_knows_the_guards_pace():
    assert leap.COUNTERS_A_SECOND == 2 * BLOCK / PACE_S


@pytest.mark.parametrize("seed", range(8))
def test_chains_of_lives_and_backups_use_no_counter_twice(tmp_path, seed, monkeypatch):
    """As fast as the guard lets anybody, and with the least margin that the proof asks for."""
    monkeypatch.setattr(leap, "MARGIN_S", 33)
    chance, clock, used = random.Random(seed), FakeClock(float(MADE_S)), set()
    folder = tmp_path / "guard"
    write_site(folder)
    life, backups = Life(folder, clock, used), []
    for number in range(16):
        life.live(chance.randrange(1, 6))
        clock.pass_s(chance.choice([0, 0, 100]))  # a calm in which nothing is asked
        done = chance.choice(["backup", "restart", "restore here", "restore elsewhere"])
        if done == "backup" or not backups:
            copy = tmp_path / f"backup-{number}"
            shutil.copytree(folder, copy)
            backups.append((copy, int(clock.monotonic_s())))
        elif done == "restart":
            life.restart()
        else:
            here = folder if done == "restore here" else tmp_path / "nothing"
            clock.pass_s(0 if done == "restore here" else 2 * 66)
            copy, made_s = chance.choice(backups)  # any of them, also one that was used before
            folder = tmp_path / f"life-{number}"
            shutil.copytree(copy, folder)
            leap.prepare(folder, made_s, int(clock.monotonic_s()), here)
            life = Life(folder, clock, used)
            clock.pass_s(2 * 66 if done == "restore elsewhere" else 0)
    assert len(used) > 16 * BLOCK / 2


def prepared(tmp_path, days=1, **files):
    folder = tmp_path / "guard"
    write_site(folder)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    found = leap.prepare(folder, MADE_S, MADE_S + days * DAY_S, tmp_path / "here")
    return folder, found


def read(path):
    return json.loads(path.read_bytes())


def test_every_key_leaps_the_one_before_and_those_that_never_sealed_too(tmp_path):
    both = {
        "generation": 2,
        "secret": "ab" * 16,
        "previous": {"generation": 1, "secret": "cd" * 16},
    }
    keys = {"format": 1, "nodes": {"17": both, "18": {"generation": 1, "secret": "ef" * 16}}}
    counters = {"format": 1, "reserved": {"17/1": 512, "17/2": 256, "44/3": 7}}
    folder, found = prepared(tmp_path, keys=keys, counters=counters)
    assert found.counters == (DAY_S + 3600) * 128
    assert found.used_up == ()
    assert read(folder / "counters.json") == {
        "format": 1,
        "reserved": {
            name: start + found.counters
            for name, start in {"17/1": 512, "17/2": 256, "18/1": 0, "44/3": 7}.items()
        },
    }


@pytest.mark.parametrize(
    ("days", "files"),
    [
        (389, {}),
        (1, {"counters": "{"}),
        (1, {"counters": {"format": 1, "reserved": {"17/1": COUNTER_MAX - 5, "18/1": 2**32}}}),
        (1, {"windows": {"format": 1, "windows": {"17/1": [5, "3"], "18/1": [1, "0"]}}}),
    ],
)
def test_where_counters_cannot_be_known_or_do_not_last_the_key_is_used_up(tmp_path, days, files):
    folder, found = prepared(tmp_path, days, **files)
    assert {17, 18} <= set(found.used_up)
    ring = Keyring(folder, put, FakeClock().monotonic_s)
    assert sum("all used" in fault for fault in ring.faults) == len(found.used_up)
    node = SimNode(17, FakeClock())
    assert ring.open(node.frame(1))[0].node == 17, "its node is heard all the same"


def test_generations_that_may_have_been_given_out_are_skipped(tmp_path):
    keys = {"format": 1, "spent": {"18": 3, "40": 65_530},
            "nodes": {"17": {"generation": 2, "secret": "ab" * 16}}}  # fmt: skip
    folder, _ = prepared(tmp_path, keys=keys)
    file = KeyFile(folder / "keys.json")
    assert file.generation(17) == 2
    assert [file.next_generation(node) for node in (17, 18, 19)] == [19, 20, 1]
    with pytest.raises(Refused):
        file.next_generation(40)
    file.revoke(17)
    assert KeyFile(folder / "keys.json").next_generation(17) == 19


def test_levels_begin_at_normal_and_no_age_is_believed(tmp_path):
    """A backup of a flood sounds no siren, and readings prove themselves again."""
    rig = Rig(tmp_path / "flood")
    rig.prove()
    rig.live(*RISING)
    assert rig.guard.judge.sounding("mairie")
    rig.flush()
    rig.guard._store.save_state()
    rig.guard._store.save_windows()
    rig.flush()
    copy = tmp_path / "copy"
    shutil.copytree(rig.folder, copy, ignore=shutil.ignore_patterns("*.sock"))
    leap.prepare(copy, MADE_S, MADE_S + 60, tmp_path)
    rig.stop()
    rig.folder = copy
    rig.start()
    assert not rig.guard.judge.sounding("mairie")
    assert rig.guard.judge.stations["pont"].hazard.level == 0
    assert rig.guard.freshness.snapshot() == {}
    assert not [fault for fault in rig.guard.faults if fault.startswith("state")]
    used = rig.guard.keys.windows()["17/1"][0]
    assert used > 0, "replay windows come back"
    rig.live(2600, 2700)
    assert not rig.guard.judge.sounding("mairie"), "not before its nodes have echoed"
    rig.prove()
    rig.live(*RISING)
    assert rig.guard.judge.sounding("mairie")
    rig.close()


def test_nodes_are_told_their_configuration_once_more(tmp_path):
    nodes = {"17": {"version": 5, "items": {}, "told": 5, "firmware": 1},
             "18": {"version": 65_500, "items": {}, "told": 5, "firmware": 1}}  # fmt: skip
    folder, _ = prepared(tmp_path, configs={"format": 1, "nodes": nodes})
    found = read(folder / "configs.json")["nodes"]
    assert [(n["version"], n["told"]) for n in found.values()] == [(261, 5), (65_535, 5)]


def test_damaged_files_are_left_for_the_guard_to_tell(tmp_path):
    folder, _ = prepared(tmp_path, state="{", windows="[]", configs="{}")
    assert [(folder / f"{n}.json").read_text() for n in ("state", "windows", "configs")] == [
        "{", "[]", "{}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("made", "told", "now", "restored", "refused"),
    [
        ("11-20T12:00", "11-23 13:04", "11-23T12:01", None, None),
        ("11-20T12:00", "10-25 02:30", "10-25T01:31", None, "restore-future"),
        ("10-20T12:00", "10-25 02:30", "10-25T01:31", None, None),  # the hour that autumn repeats
        ("10-20T12:00", "10-25 02:30", "10-25T00:31", None, None),
        ("11-20T12:00", "11-23 13:10", "11-23T12:01", None, "restore-clock"),
        ("11-20T12:00", "11-23 12:01", "11-23T12:01", None, "restore-clock"),  # not of this zone
        ("11-20T12:00", "12-23 13:01", "11-23T12:01", None, "restore-clock"),
        ("11-20T12:00", "11-23 13:01", "11-23T12:01", "11-23T11:00", "restore-again"),
        ("11-20T12:00", "11-23 13:01", "11-23T12:01", "11-23T18:00", "restore-again"),
        ("11-20T12:00", "11-23 13:01", "11-23T12:01", "11-23T10:00", None),
        ("11-20T12:00", "11-23 13:01", "11-23T12:01", "11-23T11:58 here", None),
        ("11-20T12:00", "11-23 13:01", "11-23T12:01", "11-23T11:59 here", "restore-again"),
    ],
)
def test_person_machine_and_backup_agree_on_the_time(tmp_path, made, told, now, restored, refused):
    def seconds(text):
        return int(datetime.fromisoformat(f"2026-{text}Z").timestamp())

    head = {"made_s": seconds(made), "site": "essai", "time_zone": "Europe/Paris"}
    opened = Opened(tmp_path, head, ())
    if restored:
        at, _, machine = restored.partition(" ")
        remember_restore(tmp_path, seconds(at), this_machine() if machine else "another")
    ask = partial(check_clock, opened, time_of(f"2026-{told}"), seconds(now))
    if refused:
        with pytest.raises(Refused) as error:
            ask()
        assert error.value.code == refused
    else:
        ask()


def test_a_node_takes_the_leap(tmp_path):
    """What the node asks of a downlink is a higher counter, and that it has."""
    folder, _ = prepared(tmp_path, counters={"format": 1, "reserved": {"17/1": 512}})
    ring = Keyring(folder, put, FakeClock().monotonic_s)
    ring.reserve()
    header, body = Opener(SECRETS[17], 17, 1, DOWNLINK).open(ring.seal(17, Ack.TYPE, BODY))
    assert (header.counter, body) == (512 + (DAY_S + 3600) * 128 + 1, BODY)
    assert ReservedCounter(header.counter, lambda limit: None).used()
