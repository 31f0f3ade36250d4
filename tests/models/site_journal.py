"""Journals for tests: readings of the example site's sensors, written as the gateway writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from amont_gateway.journal import Journal
from amont_gateway.places import from_site
from amont_gateway.readings import BACKLOG, QUANTITIES, Sample, pack_channels
from amont_site import load

SITE = Path(__file__).parents[2] / "docs" / "examples" / "site.yaml"
STATION, ZONE = "pont-neuf", "bourg"
STAGE_A, STAGE_B, RAIN, METER = "pont-neuf-a", "pont-neuf-b", "col-pluie", "bourg-debit"
PROMPT_MS = 500  # between a reading and its arrival

Reading = tuple[str, int, int, int]  # sensor, t_ms, value, received_ms


def readings(sensor: str, t_ms: Iterable[float], value: Iterable[float]) -> list[Reading]:
    """Return readings that arrive at once; values are rounded to whole wire units."""
    pairs = zip(t_ms, value, strict=True)
    return [(sensor, int(t), round(float(v)), int(t) + PROMPT_MS) for t, v in pairs]


def write_journal(folder: Path, told: Iterable[Reading]) -> Path:
    """Write readings into ``folder``'s journal: numbered by their time, in order of arrival."""
    places = from_site(load(SITE))
    codes = {name: code for code, name in QUANTITIES.items()}
    rows: list[Sample] = []
    count: Counter[int] = Counter()
    for sensor, t_ms, value, received_ms in sorted(told, key=lambda one: one[1]):
        place = places.by_sensor[sensor]
        packed = pack_channels([(place.channel, codes[place.quantity], 0, value)])
        late = BACKLOG if received_ms - t_ms > place.validity_s * 1000 else 0
        seq = count[place.node]
        count[place.node] += 1
        rows.append(Sample(place.node, 4097, seq, t_ms, 0, received_ms, late, packed))
    rows.sort(key=lambda sample: sample.received_ms)
    journal = Journal(folder / "journal.db", mark_bytes=0, ballast_bytes=0)
    for at in range(0, len(rows), 5_000):
        journal.append(rows[at : at + 5_000])
    journal.close()
    return folder
