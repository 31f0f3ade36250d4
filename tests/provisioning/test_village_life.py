"""Stations after their first day: a real guard, gateway and page, and real nodes on the air."""

import base64
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.bench.bench_provision import site_of

from amont_demo.village import SPARE, Village, running
from amont_guard.cli import main as guard_cli
from amont_node.config import ConfigStore
from amont_provision import cli
from amont_provision.virtual import VirtualBoard

pytestmark = pytest.mark.micropython

LIMIT_S = 60.0
CHANGED, STOLEN, BROKEN, AWAY, CARRIED, SEEN = range(11, 17)
KEY_FILES = {"keys.json", "secret.json", "wifi.json", "laptop.key", "release.key"}
PASSWORD = "correct-horse-battery"


def comes(true, what):
    """Wait for a state of the real programs; fail when it does not come."""
    until_s = time.monotonic() + LIMIT_S
    while not true():
        if time.monotonic() > until_s:
            pytest.fail(f"not within {LIMIT_S:g} s: {what}")
        time.sleep(0.05)


class Town:
    """A village that runs, and the technician in it."""

    def __init__(self, village, capfd):
        self.village, self.capfd = village, capfd
        self.guard = village.keys.parent
        self.release = village.folder / "0.1.0.amont"

    def run(self, name, *more):
        return cli.main(["--lang", "en", name, *map(str, more)])

    def answer(self, name, *more):
        """Return the JSON object of a command that is done."""
        self.capfd.readouterr()
        assert self.run(name, *more, "--json") == 0
        return json.loads(self.capfd.readouterr().out)

    def board(self, name):
        return VirtualBoard(self.village.boards / str(name))

    def on(self, name):
        return ["--port", f"virtual:{self.village.boards / str(name)}",
                "--site", self.village.site_path]  # fmt: skip

    def keys(self):
        return ["--keys", self.village.keys]

    def radio(self):
        return ["--radio", self.village.radio]

    def station(self, node):
        assert self.run("enrol", *self.on(node), "--node", node, *self.keys(), *self.radio()) == 0
        self.deploy(node)

    def deploy(self, board):
        port = f"virtual:{self.village.boards / str(board)}"
        assert self.run("deploy", "--port", port, "--release", self.release) == 0

    def verify(self, board, *more):
        return self.run("verify", *self.on(board), *more)

    def config(self, board):
        return ConfigStore(str(self.village.boards / str(board))).load()

    def row(self, node):
        """Return what the fleet says of a node, from the guard's folder and the journal."""
        journal = self.village.folder / "gateway" / "journal.db"
        where = ["--site", self.village.site_path, "--guard", self.guard, "--journal", journal]
        rows = self.answer("fleet", *where)["nodes"]
        return next(row for row in rows if row["node"] == node)

    def counted(self, name):
        """Return one of the guard's counters."""
        self.capfd.readouterr()
        assert guard_cli(["status", "--state", str(self.guard), "--json"]) == 0
        return json.loads(self.capfd.readouterr().out)["counters"].get(name, 0)

    def falls_silent(self):
        """Wait until the guard has answered all that was on its way."""
        before = -1
        while before != (before := self.counted("acknowledgements")):
            time.sleep(1)

    def sends_in_vain(self, board, counter):
        """Let a board send; wait until the guard has counted that it does not count."""
        before = self.counted(counter)
        self.board(board).reset()
        comes(lambda: self.counted(counter) > before, f"a frame of {board}: {counter}")


def _site(folder):
    """Write the site: one node by the broker, where no airtime makes a report wait."""
    path = site_of(folder, 6)
    plain = json.loads(path.read_text())
    plain["broker"] = {"host": "127.0.0.1"}
    plain["nodes"][0]["carrier"] = "mqtt"
    path.write_text(json.dumps(plain))
    return path


@pytest.fixture(scope="module")
def village(tmp_path_factory):
    folder = tmp_path_factory.mktemp("village")
    patch = pytest.MonkeyPatch()
    patch.setenv("HOME", str(folder / "home"))
    patch.delenv("XDG_CONFIG_HOME", raising=False)
    made = Village(folder / "v", _site(folder), 0)
    assert made.site.bridge.spreading_factor == 7, "at 9 an hour's airtime is soon over"
    line = ["build", "0.1.0", "--release", "1", "--to", str(made.folder)]
    assert cli.main(line) == 0
    with running(made):
        yield made
    patch.undo()


@pytest.fixture
def town(village, capfd):
    return Town(village, capfd)


def test_a_changed_mark_waits_for_a_node_that_sleeps(town):
    town.station(CHANGED)
    comes(lambda: town.row(CHANGED)["config_told"] == 1, "the guard knows what it has")
    town.board(CHANGED).stop()
    town.falls_silent()  # or what is asked now goes out beside its last answer, into the void
    usual = town.config(CHANGED).high_mark
    ask = ["--pending", "--site", town.village.site_path, "--guard", town.guard, "--node", CHANGED]
    assert town.run("set", f"high_mark={usual - 300}", *ask) == 0
    row = town.row(CHANGED)
    assert (row["asked"], row["waits"]) == ({"high_mark": usual - 300}, True)
    assert town.config(CHANGED).high_mark == usual, "nobody wrote on the board"
    town.board(CHANGED).start()
    comes(lambda: town.config(CHANGED).high_mark == usual - 300, "the node lives by it")
    comes(lambda: not town.row(CHANGED)["waits"], "and has said so")
    assert town.row(CHANGED)["config_told"] == 2


def test_a_revoked_node_counts_no_more_and_comes_back_under_another_key(town):
    town.station(STOLEN)
    assert town.verify(STOLEN) == 0
    assert town.run("revoke", STOLEN, *town.keys()) == 0
    town.sends_in_vain(STOLEN, "unknown node")
    assert town.run("enrol", *town.on(STOLEN), "--node", STOLEN, *town.keys()) == 0
    assert town.verify(STOLEN) == 0
    assert town.config(STOLEN).generation == 2


def test_a_new_board_takes_the_place_and_the_old_one_is_refused(town):
    town.station(BROKEN)
    assert town.run("replace", BROKEN, *town.on(SPARE), *town.keys(), *town.radio()) == 0
    town.deploy(SPARE)
    assert town.verify(SPARE) == 0
    assert town.config(SPARE).generation == town.row(BROKEN)["generation"] == 2
    town.sends_in_vain(BROKEN, "wrong key or damaged")
    assert town.verify(BROKEN, "--timeout", 2) == cli.REFUSED


def test_a_key_that_is_changed_while_the_node_is_away_strands_nobody(town):
    town.station(AWAY)
    town.board(AWAY).stop()
    public = town.answer("enrol", "--show-laptop-key")["public"]
    bundle = town.village.folder / "next.amont"
    batch = ["--site", town.village.site_path, "--out", bundle, "--for", public]
    again = ["--batch", 1, "--nodes", AWAY, "--renew"]
    assert town.run("enrol", *again, *batch, *town.keys()) == 0
    row = town.row(AWAY)
    assert (row["generation"], row["key"], row["heard"]) == (2, "in-bundle", False)
    town.board(AWAY).start()
    assert town.verify(AWAY) == 0, "under its old key"
    assert town.config(AWAY).generation == 1
    assert town.run("rotate", *town.on(AWAY), "--bundle", bundle) == 0
    assert town.verify(AWAY) == 0
    assert town.config(AWAY).generation == 2


def test_a_bundle_on_two_laptops_makes_one_station(town, tmp_path):
    ours, theirs = tmp_path / "ours" / "laptop.key", tmp_path / "theirs" / "laptop.key"
    public = town.answer("enrol", "--show-laptop-key", "--laptop-key", ours)["public"]
    bundle, copied = tmp_path / "lot.amont", tmp_path / "copy.amont"
    batch = ["--site", town.village.site_path, "--out", bundle, "--for", public]
    assert town.run("enrol", "--batch", 1, "--nodes", CARRIED, *batch, *town.keys()) == 0
    copied.write_bytes(bundle.read_bytes())
    second = town.village.boards / "second"
    second.mkdir()

    def use(board, file, key):
        where = [*town.on(board), "--node", CARRIED, *town.radio()]
        return town.run("enrol", *where, "--bundle", file, "--laptop-key", key)

    assert use("second", copied, theirs) == cli.REFUSED
    assert use(CARRIED, bundle, ours) == 0
    for key in (ours, theirs):
        assert use("second", copied, key) == cli.REFUSED
    assert list(second.iterdir()) == []
    town.deploy(CARRIED)
    comes(lambda: town.row(CARRIED)["key"] == "proved", "its first frame closed the identity")


class Watcher:
    """Somebody who looks at the list of processes all the time."""

    def __init__(self):
        self.seen = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _look(self):
        while not self._over.wait(0.03):
            for path in Path("/proc").glob("[0-9]*"):
                for name in ("cmdline", "environ"):
                    try:
                        self.seen.add((path / name).read_bytes())
                    except OSError:  # it has ended, or is not ours
                        continue


def forms(secret):
    """Return how a secret might look where it must not be."""
    plain = base64.b64encode(secret).rstrip(b"=")
    text = secret.hex().encode()
    return {secret, text, text.upper(), plain, plain.replace(b"+", b"-").replace(b"/", b"_")}


def secrets_of(home, village):
    """Return every secret that the village and the laptop keep: at least so many nodes' keys."""
    found = {PASSWORD.encode()}
    for entry in json.loads(village.keys.read_text())["nodes"].values():
        found.add(bytes.fromhex(entry["secret"]))
    for path in village.boards.glob("*/secret.json"):
        found.add(bytes.fromhex(json.loads(path.read_text())["secret"]))
    for path in (home / ".config" / "amont").glob("*.key"):
        found.add(bytes.fromhex(path.read_text().strip()))
    return found


def test_no_secret_is_left_anywhere_but_in_its_file(town, tmp_path):
    home, words = town.village.folder.parent / "home", tmp_path / "words"
    words.write_text(PASSWORD + "\n")
    words.chmod(0o600)
    public = town.answer("enrol", "--show-laptop-key")["public"]
    bundle, site = town.village.folder / "seen.amont", ["--site", town.village.site_path]
    port, node = town.on(SEEN)[:2], ["--node", SEEN]
    said, secrets = b"", set()
    with Watcher() as watcher:
        for line in (
            ["enrol", "--batch", 1, "--nodes", SEEN, *site, *town.keys(),
             "--out", bundle, "--for", public, "--json"],
            ["enrol", *port, *site, *node, "--bundle", bundle, *town.radio(), "--json"],
            ["set", *port, "--wifi", "mairie", "--wifi-file", words],
            ["deploy", *port, "--release", town.release],
            ["verify", *port, *site, "--by", "Luc", "--json"],
            ["rotate", *port, *site, *town.keys()],
            ["enrol", *port, *site, *node, "--bundle", "/dev/null"],  # refused
            ["report", *port, *site, "--by", "Luc", "--out", town.village.folder],
            ["pull", *port, "--to", town.village.folder / "evidence"],
            ["fleet", *site, "--guard", town.guard, "--json"],
            ["scan", "--open", "--virtual", town.village.boards],
            ["logs", *port, "--listen", 0],
        ):  # fmt: skip
            done = subprocess.run(
                [sys.executable, "-m", "amont_provision.cli", *map(str, line)],
                env={**os.environ, "HOME": str(home)}, stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, timeout=100,
            )  # fmt: skip
            said += done.stdout
            assert b"Traceback" not in done.stdout, done.stdout.decode()
            assert (done.returncode == 0) == ("/dev/null" not in line), done.stdout.decode()
            secrets |= secrets_of(home, town.village)
    assert any(b"amont_provision.cli\0rotate" in seen for seen in watcher.seen)
    every = {p: p.read_bytes() for p in town.village.folder.parent.rglob("*") if p.is_file()}
    left = {path: content for path, content in every.items() if path.name not in KEY_FILES}
    kept = [content for path, content in every.items() if path.name in KEY_FILES]
    assert len(left) > 100
    assert len(secrets) >= 5, "password, laptop, releases, a node twice"
    found = [any(form in one for one in kept for form in forms(secret)) for secret in secrets]
    assert sum(found) >= 4, "where they belong, the same search finds them"
    for secret in secrets:
        for form in forms(secret):
            assert form not in said
            assert not any(form in seen for seen in watcher.seen)
            assert [path for path, content in left.items() if form in content] == []
