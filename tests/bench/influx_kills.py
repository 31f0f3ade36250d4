"""Hurt a real influxd in every way while history writes to it: is a reading lost?

The real journal and history run in this process. Killed with -9 again and again; its files cut
off at random; its disk full; its user's rights taken away. What it lost, ``replay`` must bring
back.
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.bench.outage_rig import count_points
from tests.gateway import servers

from amont_gateway.backoff import Backoff
from amont_gateway.clock import SystemClock
from amont_gateway.counters import Counters
from amont_gateway.database import Influx
from amont_gateway.delivery import Delivery
from amont_gateway.doubts import Doubts
from amont_gateway.events import Events
from amont_gateway.history import History
from amont_gateway.influx import InfluxWriter
from amont_gateway.journal import Journal
from amont_gateway.quarantine import Quarantine
from amont_gateway.readings import Sample, pack_channels
from amont_gateway.replay import Replay

T_MS = 1_750_000_000_000
TAGS = {(n, 0): (f"s-{n}", f"station-{n}", "stage_mm") for n in range(1, 51)}
LIMIT_S = 120.0
ROWS_A_ROUND, ROUND_S = 20, 0.02
FULL_BYTES = 24 << 20


class Site:
    """A journal, its history, and readings that never stop coming."""

    def __init__(self, folder: Path, target: Influx) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.target, self.rows = folder, target, 0
        self.journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0, cursor_s=0.2)
        clock = SystemClock()
        self.counters = Counters()
        events = Events(self.counters, clock.wall_ms)
        writer = InfluxWriter(target)
        self.history = History(
            "essai", TAGS, self.journal, writer, self.counters, events, clock, settle_s=0.5
        )
        # Waits of a second at most instead of twenty, so that each kill hits work.
        self.history._backoff = Backoff(0.1, 1.0)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.history.run, args=(self._stop,))
        self._thread.start()

    def rounds(self, seconds: float) -> None:
        """Let readings come for so long."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            self.journal.append([self._sample() for _ in range(ROWS_A_ROUND)])
            time.sleep(ROUND_S)

    def until(self, true: Callable[[], bool], coming: bool = True) -> float:
        """Let readings come until something is so; return the seconds that it took."""
        began_s = time.monotonic()
        while not true():
            if time.monotonic() - began_s > LIMIT_S:
                raise TimeoutError(f"{self.history.status}")
            if coming:
                self.rounds(ROUND_S)
            time.sleep(ROUND_S)
        return time.monotonic() - began_s

    def drained(self) -> None:
        """Wait until all is written and has settled."""

        def settled() -> bool:
            self.journal.tick(0)
            with contextlib.closing(self.journal.reader()) as reader:
                return reader.cursor("history") == reader.last_id()

        self.until(settled, coming=False)

    def replay(self) -> int:
        """Write all of the journal once more, as the command does; return the rows."""
        counters = Counters()
        events = Events(counters, lambda: T_MS)
        kept = Quarantine(self.folder / "quarantine.db")
        delivery = Delivery(
            "history", InfluxWriter(self.target), kept, counters, events, lambda: T_MS
        )
        with contextlib.closing(self.journal.reader()) as reader:
            doubts = Doubts(self.folder / "doubts.db")
            done = Replay(reader, delivery, "essai", TAGS, doubts).run(0, 1 << 62)
        delivery.close()
        return done.rows

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        self._thread.join(30)
        self.journal.close()

    def _sample(self) -> Sample:
        node, minute = self.rows % 50 + 1, self.rows // 50
        at_ms = T_MS + minute * 60_000
        self.rows += 1
        value = pack_channels([(0, 1, 0, 1_000 + self.rows * 31 % 997)])
        return Sample(node, 4097, minute, at_ms, 0, at_ms, 0, value)


@dataclass(frozen=True)
class Outcome:
    """Readings, those that the database does not hold, and when people were told (s)."""

    rows: int
    lost: int
    trials: int = 0
    told_s: float = 0.0
    before: int = 0  # lost before a replay
    refused: int = 0  # starts that the database refused because of a damaged file


@contextlib.contextmanager
def site_of(folder: Path, port: int, token: str = "") -> Iterator[Site]:
    """Run a site against a database."""
    site = Site(folder / "site", Influx(f"http://127.0.0.1:{port}", "amont", token))
    try:
        yield site
    finally:
        site.close()


def kills(folder: Path, count: int, seed: int) -> Outcome:
    """Kill the database with -9 so often under load, and count what it holds at the end."""
    rng, database, told_s = random.Random(seed), servers.influxd(folder / "influxd"), 0.0
    database.start()
    try:
        with site_of(folder, database.port) as site:
            for _ in range(count):
                site.until(lambda: site.history.state == "ok")
                site.rounds(rng.uniform(0.0, 0.6))
                database.kill()
                told_s = max(told_s, site.until(lambda: site.history.state == "away"))
                database.start()
            site.drained()
            lost = site.rows - count_points(database.port)
            return Outcome(site.rows, lost, count, told_s)
    finally:
        database.stop()


def truncations(folder: Path, count: int, seed: int) -> Outcome:
    """Cut the database's files at random while it is down; replay must bring all back."""
    rng, database = random.Random(seed), servers.influxd(folder / "influxd")
    missing = refused = 0
    database.start()
    try:
        with site_of(folder, database.port) as site:
            for _ in range(count):
                site.rounds(1.0)
                site.drained()
                database.kill()
                victim = _victim(folder / "influxd", rng)
                with victim.open("r+b") as file:
                    file.truncate(rng.randrange(victim.stat().st_size))
                refused += not _starts(database, victim)
                missing += site.rows - count_points(database.port)
                site.replay()
                if site.rows != count_points(database.port):
                    break
            lost = site.rows - count_points(database.port)
            return Outcome(site.rows, lost, count, 0.0, missing, refused)
    finally:
        database.stop()


def _victim(folder: Path, rng: random.Random) -> Path:
    """Choose a file with points, wherever the database keeps them now."""
    return rng.choice(
        [p for ext in ("*.tsm", "*.wal") for p in folder.rglob(ext) if p.stat().st_size > 8]
    )


def _starts(database: servers.Server, victim: Path) -> bool:
    """Start; if the database refuses that file, take it away as its people would."""
    try:
        database.start()
        return True
    except AssertionError:
        victim.unlink(missing_ok=True)
        database.start()
        return False


def full_disk(folder: Path) -> Outcome:
    """Fill the database's disk, a small one of its own, then make room again.

    Runs in a mount namespace: it needs no root and leaves nothing mounted.
    """
    command = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", __name__]
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    if done.returncode:
        raise AssertionError(done.stderr[-2000:])
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _full_disk(folder: Path) -> Outcome:
    disk = folder / "influxd"
    disk.mkdir()
    size = f"size={FULL_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", disk], check=True)
    database = servers.influxd(disk)
    database.log = folder / "influxd.log"
    database.start()
    try:
        with site_of(folder, database.port) as site:
            site.rounds(1.0)
            site.drained()
            filler = disk / "filler"
            with contextlib.suppress(OSError), filler.open("wb") as out:
                out.write(bytes(shutil.disk_usage(disk).free))
            told_s = site.until(lambda: site.history.state == "away")
            site.rounds(1.0)
            filler.unlink()
            database.kill()  # 1.6.7 goes on refusing until it is started again
            database.start()
            site.until(lambda: site.history.state == "ok")
            site.drained()
            return Outcome(site.rows, site.rows - count_points(database.port), 1, told_s)
    finally:
        database.stop()


def revoked(folder: Path) -> Outcome:
    """Take the token's rights away, then give them back."""
    database = servers.influxd(folder / "influxd", "auth-enabled = true\n")
    database.start()
    try:
        port = database.port
        _ask(port, "CREATE USER root WITH PASSWORD 'r' WITH ALL PRIVILEGES")
        for statement in ("CREATE DATABASE amont", "CREATE USER gateway WITH PASSWORD 'old'",
                          "GRANT WRITE ON amont TO gateway"):  # fmt: skip
            _ask(port, statement, "root:r")
        with site_of(folder, port, "gateway:old") as site:
            site.rounds(1.0)
            site.drained()
            _ask(port, "REVOKE WRITE ON amont FROM gateway", "root:r")
            told_s = site.until(lambda: site.history.state == "refused")
            _ask(port, "SET PASSWORD FOR gateway = 'new'", "root:r")
            site.rounds(1.0)
            for statement in ("SET PASSWORD FOR gateway = 'old'",
                              "GRANT WRITE ON amont TO gateway"):  # fmt: skip
                _ask(port, statement, "root:r")
            site.until(lambda: site.history.state == "ok")
            site.drained()
            held = count_points(port, token="root:r")
            return Outcome(site.rows, site.rows - held, 1, told_s)
    finally:
        database.stop()


def _ask(port: int, statement: str, user: str = "") -> None:
    known = dict(zip("up", user.split(":"), strict=True)) if user else {}
    url = f"http://127.0.0.1:{port}/query?{urllib.parse.urlencode(known)}"
    form = urllib.parse.urlencode({"q": statement}).encode()
    with urllib.request.urlopen(url, form, timeout=10) as answer:
        said = answer.read()
    if b"error" in said:
        raise AssertionError(f"{statement}: {said!r}")


if __name__ == "__main__":
    print(json.dumps(asdict(_full_disk(Path(sys.argv[1])))))
