"""Work out a long time of many zones in this process and print what it took, as JSON."""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from amont_gateway.counters import Counters
from amont_gateway.events import Events
from amont_gateway.indicators.consumer import Indicators
from amont_gateway.indicators.store import FILE
from amont_gateway.journal import Journal
from amont_gateway.places import Node, Places, Sensor, Service, Zone
from amont_gateway.readings import QUANTITIES, Sample, pack_channels

ZONES, STEP_MS, DAY_MS = 50, 900_000, 86_400_000
BEGIN_MS = 1_735_686_000_000  # 2025-01-01T00:00 in Paris
CODES = {name: code for code, name in QUANTITIES.items()}


class Outlet:
    """Counts lines."""

    lines = 0

    def write(self, lines: Sequence[str], store: str = "") -> int:
        self.lines += len(lines)
        return len(lines)

    def close(self) -> None:
        pass


class Clock:
    now_ms = BEGIN_MS

    def wall_ms(self) -> int:
        return self.now_ms

    def monotonic_s(self) -> float:
        return self.now_ms / 1000

    def sleep_s(self, real_s: float) -> None:
        time.sleep(real_s)


def site() -> Places:
    """Return fifty zones of one meter and one pressure each; some meters are the service's."""

    def named(word: str) -> dict[str, str]:
        return {"fr": word, "en": word}

    sensors, zones = [], []
    for n in range(ZONES):
        meter, pressure = f"d{n}", f"p{n}"
        sensors.append(Sensor(meter, named(meter), n + 1, 0, "flow_l_h", f"z{n}", 2700))
        sensors.append(Sensor(pressure, named(pressure), n + 1, 1, "pressure_pa10", "", 2700))
        zones.append(Zone(f"z{n}", named(f"z{n}"), (meter,), (), (pressure,)))
    meters = {"produced": ("d0", "d1"), "imported": ("d2",), "exported": ()}
    nodes = tuple(Node(n + 1, named(str(n)), "mqtt", STEP_MS // 1000) for n in range(ZONES))
    service = Service("essai", 42.0, False, meters)
    return Places("essai", named("Essai"), nodes, tuple(sensors), zones=tuple(zones),
                  service=service)  # fmt: skip


def samples(days: int, seed: int) -> Iterator[list[Sample]]:
    """Yield the samples of each day; one reading in fifty is missing."""
    dice = random.Random(seed)
    for day in range(days):
        found = []
        for step in range(1, DAY_MS // STEP_MS + 1):
            at_ms = BEGIN_MS + day * DAY_MS + step * STEP_MS
            for node in range(1, ZONES + 1):
                if dice.random() < 0.02:
                    continue
                flow = 500 if 8 <= step < 20 else 3000 + dice.randrange(500)
                channels = (
                    (0, CODES["flow_l_h"], 0, flow),
                    (1, CODES["pressure_pa10"], 0, 45_000),
                )
                seq = day * 96 + step
                packed = pack_channels(channels)
                found.append(Sample(node, 1, seq, at_ms, 1, at_ms + 2000, 0, packed))
        yield found


def rss_mib(word: str) -> float:
    """Return a figure of this process's memory, such as VmHWM."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith(word + ":"))
    return int(line.split()[1]) / 1024


def main(folder: Path, days: int, seed: int) -> None:
    """Fill a journal, work everything out, make one more round; print the figures."""
    clock, counters, outlet = Clock(), Counters(), Outlet()
    journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0, cursor_s=0.0)
    readings = 0
    for found in samples(days, seed):
        journal.append(found)
        readings += 2 * len(found)
    clock.now_ms = BEGIN_MS + days * DAY_MS - 600_000
    made = Indicators(
        site(), folder, journal, outlet, lambda _s, t: np.zeros(len(t), bool), counters,
        Events(counters, clock.wall_ms), clock,
    )  # fmt: skip
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM from here on
    before = rss_mib("VmRSS")
    began = time.process_time()
    while made.step():
        pass
    rebuild_s = time.process_time() - began
    rss = rss_mib("VmHWM") - before
    journal.append([Sample(n, 2, 1, clock.now_ms, 1, clock.now_ms, 0, pack_channels(
        [(0, CODES["flow_l_h"], 0, 3000)])) for n in range(1, ZONES + 1)])  # fmt: skip
    began = time.process_time()
    made.step()
    round_s = time.process_time() - began
    made.close()
    kept = sum(f.stat().st_size for f in folder.glob(FILE + "*"))
    print(json.dumps({
        "rebuild_s": rebuild_s, "rss_mib": rss, "readings": readings, "kept_bytes": kept,
        "round_s": round_s, "lines": outlet.lines,
    }))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
