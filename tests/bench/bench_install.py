"""Install a release with all its packages, upgrade, take it back, back up and restore.

In memory where there is room, for nobody's user where that can be: seconds are this machine's, and
a Raspberry Pi 4 takes about six times as long. Nothing is fetched: the wheels are made again from
what is installed here, so a slow network comes on top. ``disk`` counts what lies there afterwards.
"""

from __future__ import annotations

import re
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tests.gateway.conftest import eventually
from tests.gateway.processes import Child, run_gateway, run_guard
from tests.gateway.servers import free_port
from tests.gateway.site_files import make_site
from tests.provisioning.machine import ROOT, Machine, roomy

from amont_provision import backup
from amont_provision.backup import Places
from amont_provision.restore import check_clock, restore, time_of

NAMES = (
    "install.first_s", "install.first_disk", "install.steps", "install.upgrade_s",
    "install.upgrade_disk", "install.rollback_s", "install.backup_s", "install.restore_s",
    "install.restore_rows_lost",
)  # fmt: skip
MB = 1 << 20
ROWS = (216_000, 2_160_000)  # of the journal: three days, and thirty, of 50 stations a minute
RESTORE_GOAL_S = 15 * 60


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield seconds, megabytes and commands."""
    del seed
    with tempfile.TemporaryDirectory(prefix="amont-install-", dir=roomy()) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield from _releases(Machine(folder, left_out=frozenset()))
    with tempfile.TemporaryDirectory(prefix="amont-backup-") as name:
        yield from _backups(Path(name), ROWS[full])


def _releases(machine: Machine) -> Iterator[dict[str, Any]]:
    taken = _timed(
        machine, lambda: machine.script(machine.bundle, "install", "--site", machine.site)
    )
    first_mb = _disk(machine.prefix)
    yield {"name": "install.first_s", "value": round(taken, 1), "unit": "s"}
    yield {"name": "install.first_disk", "value": first_mb, "unit": "MB"}
    steps = len(re.findall(r"^sudo ./install.sh install", _page(), re.M))
    yield {"name": "install.steps", "value": steps, "unit": "commands of root",
           "goal": "1", "met": steps == 1}  # fmt: skip
    bundle = machine.another("0.2.0")
    taken = _timed(machine, lambda: machine.script(bundle, "upgrade"))
    upgrade_mb = _disk(machine.prefix) - first_mb
    yield {"name": "install.upgrade_s", "value": round(taken, 1), "unit": "s, tried first"}
    yield {"name": "install.upgrade_disk", "value": upgrade_mb, "unit": "MB",
           "anchor": first_mb}  # fmt: skip
    back = ("amont-install", "rollback", "--prefix", machine.prefix)
    taken = _timed(machine, lambda: machine.program(*back))
    yield {"name": "install.rollback_s", "value": round(taken, 2), "unit": "s"}


def _backups(folder: Path, rows: int) -> Iterator[dict[str, Any]]:
    """Back up while guard and gateway run, and put all of it in other folders."""
    site = make_site(folder, "/dev/null", free_port(), {11: "bridge"})
    places = Places(folder / "etc", folder / "gateway", folder / "guard")
    places.etc.mkdir()
    (folder / "site.yaml").rename(places.etc / "site.yaml")
    guard, gateway = (
        Child(run_guard, places.guard),
        Child(run_gateway, site, places.gateway, places.guard / "guard.sock", free_port()),
    )
    guard.start()
    gateway.start()
    try:
        _fill(places.gateway / "journal.db", rows)
        start = time.monotonic()
        made = backup.make(places, folder / "stick")
        taken = time.monotonic() - start
    finally:
        gateway.stop()
        guard.stop()
    size = made.size_bytes // MB
    yield {
        "name": "install.backup_s",
        "value": round(taken, 2),
        "unit": f"s, {rows} rows, {size} MB",
    }
    start = time.monotonic()
    opened, now_s = backup.read(made.path), int(time.time())
    told = datetime.now(ZoneInfo("Europe/Paris")).strftime("%Y-%m-%d %H:%M")
    check_clock(opened, time_of(told), now_s)
    new = Places(*(folder / "new" / part for part in ("etc", "gateway", "guard")))
    restore(opened, new, now_s, str, False)
    taken = time.monotonic() - start
    yield {"name": "install.restore_s", "value": round(taken, 2), "unit": "s",
           "goal": f"<= {RESTORE_GOAL_S}", "met": taken <= RESTORE_GOAL_S}  # fmt: skip
    with closing(sqlite3.connect(new.gateway / "journal.db")) as journal:
        lost = rows - journal.execute("SELECT count(*) FROM sample").fetchone()[0]
    yield {"name": "install.restore_rows_lost", "value": lost, "unit": "rows", "goal": "0",
           "met": lost == 0, "trials": rows, "failures": lost}  # fmt: skip


def _fill(journal: Path, rows: int) -> None:
    eventually(lambda: _is_made(journal), 60)
    with closing(sqlite3.connect(journal, timeout=60)) as database:
        columns = "node, epoch, seq, at_ms, time_quality, received_ms, flags, channels, crc"
        values = "11, 4097, ?, ?, 1, ?, 4, x'0003000000000000000000', 0"
        database.executemany(
            f"INSERT INTO sample({columns}) VALUES ({values})",
            ((n, 60_000 * n, 60_000 * n) for n in range(rows)),
        )
        database.commit()


def _is_made(journal: Path) -> bool:
    with (
        suppress(sqlite3.Error),
        closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as d,
    ):
        return d.execute("SELECT count(*) FROM sample").fetchone() == (0,)
    return False


def _timed(machine: Machine, act: Any) -> float:
    start = time.monotonic()
    done = act()
    if done.returncode:
        raise RuntimeError(done.stderr + machine.logs())
    return time.monotonic() - start


def _disk(folder: Path) -> int:
    said = subprocess.run(["du", "-sk", folder], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[0]) // 1024


def _page() -> str:
    return (ROOT / "docs" / "install.en.md").read_text(encoding="utf-8")
