"""A backup is made while guard and gateway work, is complete, and lives again elsewhere."""

import json
import os
import shutil
import sqlite3
import stat
import threading
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.gateway.conftest import eventually
from tests.gateway.processes import Child, run_gateway, run_guard
from tests.gateway.servers import free_port
from tests.gateway.sim_node import SimNode
from tests.gateway.site_files import make_site, secret_of
from tests.guard.rig import Line

from amont_gateway.journal_reader import JournalReader
from amont_guard.audit import verify
from amont_provision import backup, cli, restore
from amont_provision.backup import Places
from amont_provision.texts import Refused

NODE = 11
PASSPHRASE = "la crue de mille neuf cent dix"
ZONE = ZoneInfo("Europe/Paris")


def watch():
    return datetime.now(ZONE).strftime("%Y-%m-%d %H:%M")


def run(name, *more):
    return cli.main(["--lang", "en", name, *map(str, more)])


def options(places):
    return ["--etc", places.etc, "--gateway", places.gateway, "--guard", places.guard]


class Air:
    """A node on the air: it samples, sends, and drops what was acknowledged."""

    def __init__(self, line):
        self.node, self.line = SimNode(NODE, secret_of(NODE)), line
        self.counters = []  # of each downlink that came
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.wait(0.02):
            self.node.sample(1000 + self.node.seq)
            frame = self.node.frame()
            if frame:
                self.line.put(frame)
            for downlink in self.line.sent():
                self.counters.append(int.from_bytes(downlink[3:7], "little"))
                self.node.take(downlink)

    def close(self):
        self._stop.set()
        self._thread.join(10)


class Town:
    """Real guard and gateway in folders, a bridge on a pty, one node."""

    def __init__(self, folder):
        self.line = Line()
        port = free_port()
        site = make_site(folder, self.line.name, port, {NODE: "bridge"})
        etc = folder / "etc"
        etc.mkdir()
        (folder / "site.yaml").rename(etc / "site.yaml")
        (etc / "models").mkdir()
        (etc / "models" / "card.md").write_text("a model\n")
        self.site, self.port = site, port
        self.places = Places(etc, folder / "gateway", folder / "guard")
        self.children = []

    def start(self, places):
        self.children = [
            Child(run_guard, places.guard),
            Child(run_gateway, self.site, places.gateway, places.guard / "guard.sock", self.port),
        ]
        for child in self.children:
            child.start()

    def stop(self):
        for child in reversed(self.children):
            child.stop()

    def close(self):
        self.stop()
        self.line.close()


def rows(gateway):
    reader = JournalReader(gateway / "journal.db")
    with closing(reader):
        found = reader.check()
        assert found.ok, found
        return [sample.seq for _, sample in reader.samples()]


def reserved(guard):
    return json.loads((guard / "counters.json").read_bytes())["reserved"][f"{NODE}/1"]


@pytest.mark.timeout(180)
def test_it_is_made_under_load_and_lives_again_elsewhere(tmp_path, capsys):
    town = Town(tmp_path)
    town.start(town.places)
    air = Air(town.line)
    try:
        stick = tmp_path / "stick"
        eventually(lambda: len(air.counters) > 5, 60)
        for number in range(3):
            made = backup.make(town.places, stick, now_s=int(time.time()) - 3 + number)
            acknowledged = air.node.dropped.copy()
            opened = backup.read(made.path)
            assert opened.site == "essai"
            seqs = rows(made.path / "gateway")
            assert len(seqs) == len(set(seqs)) > 0
            witness = made.path / "gateway" / "witness.jsonl"
            assert verify(made.path / "guard", witness if witness.exists() else None).ok
        before = len(air.counters)
        eventually(lambda: len(air.counters) > before + 5, 60)  # what the backup knows nothing of
        town.stop()
        old_reserved = reserved(town.places.guard)
        new = Places(*(tmp_path / "new" / part for part in ("etc", "gateway", "guard")))
        capsys.readouterr()
        assert run("restore", made.path, "--now", watch(), *options(new)) == 0
        told = capsys.readouterr()
        assert "essai is restored" in told.out
        assert "must never start" in told.err
        assert reserved(new.guard) > old_reserved
        restored_rows = rows(new.gateway)
        assert (new.etc / "models" / "card.md").read_text() == "a model\n"
        before = len(air.counters)
        town.start(new)
        eventually(lambda: len(air.counters) > before + 5, 60)
        eventually(lambda: len(air.node.dropped) > len(acknowledged) + 20, 60)
    finally:
        air.close()
        town.close()
    assert len(set(air.counters)) == len(air.counters), "no counter came twice"
    assert min(air.counters[before:]) > old_reserved
    assert len(rows(new.gateway)) > len(restored_rows)
    assert verify(new.guard).ok


@pytest.fixture
def places(tmp_path):
    """A site at rest."""
    town = tmp_path / "town"
    town.mkdir()
    make_site(town, "/dev/null", 1, {NODE: "bridge"})
    made = Places(town / "etc", town / "gateway", town / "guard")
    for folder in (made.etc, made.gateway, made.gateway / "authority"):
        folder.mkdir()
    (town / "site.yaml").rename(made.etc / "site.yaml")
    (made.gateway / "authority" / "authority.key").write_text("a secret\n")
    broker = made.etc / "broker"
    broker.mkdir(mode=0o750)
    (broker / "ca.key").write_text("root alone\n")
    (broker / "ca.key").chmod(0o600)
    (made.etc / "site.yaml").chmod(0o640)
    (made.gateway / "ballast").write_bytes(bytes(5000))
    (made.gateway / "journal.db-wal").write_bytes(b"left")
    with closing(sqlite3.connect(made.gateway / "records.db")) as database:
        database.executescript("PRAGMA journal_mode=WAL; CREATE TABLE record(id); ")
        database.executemany("INSERT INTO record VALUES (?)", [(n,) for n in range(500)])
        database.commit()
    (made.guard / "audit-1.jsonl").write_text("closed\n")
    (made.guard / "audit.jsonl").write_text("whole\nhal")
    return made


def contents(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("sealed", [False, True])
def test_what_comes_back_is_what_was_there_and_for_its_owner_alone(
    places, tmp_path, sealed, capsys
):
    stick, secret = tmp_path / "stick", tmp_path / "passphrase"
    secret.write_text(PASSPHRASE + "\n")
    secret.chmod(0o600)
    more = ["--passphrase-file", secret] if sealed else []
    assert run("backup", "--to", stick, *options(places), *more) == 0
    (made,) = stick.iterdir()
    told = capsys.readouterr().out
    assert str(made) in told
    assert ("lock it away" in told) is not sealed
    modes = {stat.S_IMODE(p.stat().st_mode) for p in made.rglob("*") if p.is_file()}
    assert modes == {0o600}
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    written = b"".join(contents(made).values())
    assert (b"a secret" in written) is not sealed
    assert (secret_of(NODE).hex().encode() in written) is not sealed
    new = Places(*(tmp_path / "new" / part for part in ("etc", "gateway", "guard")))
    new.guard.mkdir(parents=True)
    new.guard.chmod(0o700)
    new.etc.mkdir()
    new.etc.chmod(0o750)
    assert run("restore", made, "--now", watch(), *options(new), *more) == 0
    assert contents(new.etc) == contents(places.etc)
    of_etc = {"site.yaml": 0o640, "broker": 0o750, "broker/ca.key": 0o600, ".": 0o750}
    found = {name: stat.S_IMODE((new.etc / name).stat().st_mode) for name in of_etc}
    assert found == of_etc
    assert stat.S_IMODE((new.guard / "keys.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(new.guard.stat().st_mode) == 0o700
    found = contents(new.gateway)
    assert found.keys() == {"authority/authority.key", "records.db"}
    assert found["authority/authority.key"] == b"a secret\n"
    with closing(sqlite3.connect(new.gateway / "records.db")) as database:
        assert database.execute("SELECT count(*) FROM record").fetchone() == (500,)
    assert (new.guard / "audit.jsonl").read_text() == "whole\n"
    assert (new.guard / "audit-1.jsonl").read_text() == "closed\n"
    assert json.loads((new.guard / "restored.json").read_text())["made_s"] > 0


def make(places, tmp_path, **more):
    return backup.make(places, tmp_path / "stick", **more).path


@pytest.mark.parametrize("what", ["changed", "missing", "no list", "another form", "outside"])
def test_a_backup_that_is_not_whole_restores_nothing(places, tmp_path, what, capsys):
    made = make(places, tmp_path)
    if what == "changed":
        with (made / "gateway" / "records.db").open("r+b") as file:
            file.seek(1000)
            file.write(b"x")
    elif what == "missing":
        (made / "guard" / "keys.json").unlink()
    elif what == "no list":
        (made / "SHA256SUMS").unlink()
    elif what == "another form":
        (made / "backup.json").write_text('{"format": "another"}')
    else:
        with (made / "SHA256SUMS").open("a") as file:
            file.write(f"{'0' * 64}  guard/../../outside\n")
    new = Places(*(tmp_path / "new" / part for part in ("etc", "gateway", "guard")))
    assert run("restore", made, "--now", watch(), *options(new)) == 1
    assert not (tmp_path / "new").exists()
    assert "take another" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["another passphrase", "pieces moved", "cut short"])
def test_what_was_sealed_opens_whole_or_not_at_all(places, tmp_path, wrong):
    made = make(places, tmp_path, passphrase=PASSPHRASE)
    passphrase = "not the passphrase" if wrong == "another passphrase" else PASSPHRASE
    keys, guard = made / "guard" / "keys.json", made / "guard" / "guard.json"
    if wrong == "pieces moved":
        shutil.copy(guard, keys)
    elif wrong == "cut short":
        keys.write_bytes(keys.read_bytes()[:-1])
    opened = backup.Opened(
        made, json.loads((made / "backup.json").read_bytes()), ("guard/keys.json",)
    )
    (tmp_path / "out").mkdir()
    with pytest.raises(Refused, match="does not open"):
        backup.unpack(opened, "guard", tmp_path / "out", lambda: passphrase)


def test_large_files_are_sealed_piece_by_piece(places, tmp_path):
    large = os.urandom((2 << 20) + 17)
    (places.etc / "large.bin").write_bytes(large)
    (places.etc / "even.bin").write_bytes(large[: 2 << 20])
    (places.etc / "empty.bin").write_bytes(b"")
    opened = backup.read(make(places, tmp_path, passphrase=PASSPHRASE))
    (tmp_path / "out").mkdir()
    backup.unpack(opened, "etc", tmp_path / "out", lambda: PASSPHRASE)
    assert contents(tmp_path / "out") == contents(places.etc)


def test_nothing_is_overwritten_and_nothing_that_runs_is_touched(places, tmp_path, capsys):
    made = make(places, tmp_path)
    before = contents(places.guard)
    asked = ["restore", made, "--now", watch(), *options(places)]
    assert run(*asked) == 1
    assert "--replace" in capsys.readouterr().err
    from amont_guard.store import lock

    held = lock(places.guard)
    assert run(*asked, "--replace") == 1
    assert "systemctl stop" in capsys.readouterr().err
    os.close(held)
    assert contents(places.guard) == before
    assert run(*asked, "--replace") == 0
    aside = list(places.guard.parent.glob("guard.before-*"))
    assert [contents(path) for path in aside] == [before]
    assert run(*asked, "--replace") == 1
    assert "restored already" in capsys.readouterr().err


def test_a_restore_that_was_cut_off_is_done_again(places, tmp_path, monkeypatch):
    """The power goes after the first of three folders: the second try does all of it."""
    made = make(places, tmp_path)
    new = Places(*(tmp_path / "new" / part for part in ("etc", "gateway", "guard")))
    real, swapped = restore._swap, []

    def swap(target):
        if swapped:
            raise OSError("the power went")
        swapped.append(target)
        return real(target)

    opened, now_s = backup.read(made), int(time.time())
    monkeypatch.setattr(restore, "_swap", swap)
    with pytest.raises(OSError, match="the power went"):
        restore.restore(opened, new, now_s, str, False)
    assert (new.etc.exists(), new.guard.exists()) == (True, False)
    monkeypatch.setattr(restore, "_swap", real)
    done = restore.restore(opened, new, now_s + restore.AGAIN_S, str, True)
    assert [path.name.partition(".")[0] for path in done.aside] == ["etc"]
    assert contents(new.etc) == contents(places.etc)
    assert reserved(new.guard) > 0
    assert not list((tmp_path / "new").glob("*.restoring"))


def test_a_dry_run_checks_and_writes_nothing(places, tmp_path, capsys):
    made = make(places, tmp_path)
    before = contents(tmp_path)
    asked = ["restore", made, *options(places), "--dry-run", "--now"]
    assert run(*asked, watch()) == 0
    assert "complete" in capsys.readouterr().out
    assert run(*asked, "1970-01-01 00:00") == 1
    assert run(*asked, "yesterday") == 1
    assert "2026-11-23 14:05" in capsys.readouterr().err
    assert contents(tmp_path) == before


def test_old_ones_go_when_asked_and_half_ones_are_none(places, tmp_path):
    now_s = int(time.time())
    for age_s in (300, 200, 100):
        make(places, tmp_path, now_s=now_s - age_s)
    stick = tmp_path / "stick"
    (stick / "amont-essai-20000101T000000Z").mkdir()  # no list: not a backup of ours
    assert run("backup", "--to", stick, *options(places), "--keep", "2") == 0
    assert len([p for p in stick.iterdir() if (p / "SHA256SUMS").exists()]) == 2
    assert (stick / "amont-essai-20000101T000000Z").exists()
    with pytest.raises(Refused, match="already"):
        make(places, tmp_path, now_s=now_s - 100)


@pytest.mark.parametrize("broken", ["clock", "guard", "folder", "database", "passphrase"])
def test_what_cannot_be_backed_up_says_why(places, tmp_path, broken):
    now_s, passphrase = None, ""
    if broken == "clock":
        now_s = 1000
    elif broken == "guard":
        (places.guard / "guard.json").write_text("{")
    elif broken == "folder":
        places = places._replace(etc=tmp_path / "nothing")
    elif broken == "database":
        with (places.gateway / "records.db").open("r+b") as file:
            file.truncate(5000)
    else:
        passphrase = "short"
    with pytest.raises(Refused):
        backup.make(places, tmp_path / "stick", passphrase, now_s)
    left = list((tmp_path / "stick").glob("*Z")) if (tmp_path / "stick").exists() else []
    assert left == []


def test_the_audit_is_copied_as_of_one_moment(places, monkeypatch):
    """A new file begins between the two looks: the copy is made again."""
    guard, looks = places.guard, []
    real = Path.read_bytes

    def read_bytes(path):
        content = real(path)
        if path.name == "audit.jsonl" and not looks:
            looks.append(path)
            path.rename(guard / "audit-2.jsonl")
            path.write_text("newest\n")
        return content

    monkeypatch.setattr(Path, "read_bytes", read_bytes)
    target = guard.parent / "copy"
    target.mkdir()
    names = backup._copy_audit(guard, target)
    assert names == ["guard/audit-1.jsonl", "guard/audit-2.jsonl", "guard/audit.jsonl"]
    assert (target / "audit.jsonl").read_text() == "newest\n"
    assert (target / "audit-2.jsonl").read_text() == "whole\nhal"
