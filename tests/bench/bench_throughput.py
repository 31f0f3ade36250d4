"""How many frames of 24 readings a second become durable, verified and acknowledged."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.gateway import throughput_rig as rig

NAMES = (
    "throughput.frames_s",
    "throughput.readings_s",
    "throughput.ratio_bare",
    "throughput.gateway_cpu_s_100k",
    "throughput.guard_cpu_s_100k",
    "throughput.gateway_rss",
    "throughput.guard_rss",
)
GOAL_FRAMES_S = 2_000
GATEWAY_MIB, GUARD_MIB = 120, 40


def figures(full: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rate of the real processes beside a bare loop's on the same frames."""
    del seed  # nothing here is random
    frames = rig.seal_frames(20_000 if full else 4_000)
    models = rig.default_artifacts()
    with tempfile.TemporaryDirectory() as folder:
        rate = rig.through_amont(Path(folder), frames, models)
    with tempfile.TemporaryDirectory() as folder:
        bare = rig.through_bare_loop(Path(folder), frames)
    readings = (len(frames) - len(rig.NODES)) * rig.READINGS
    yield {
        "name": "throughput.frames_s",
        "value": rate.frames_s,
        "unit": "frames/s" + ("" if models else ", no models"),
        "anchor": bare,
        "goal": f">= {GOAL_FRAMES_S}",
        "met": rate.frames_s >= GOAL_FRAMES_S,
    }
    yield {
        "name": "throughput.readings_s",
        "value": rate.frames_s * rig.READINGS,
        "unit": "readings/s",
    }
    yield {"name": "throughput.ratio_bare", "value": rate.frames_s / bare, "unit": "of bare loop"}
    for name, used_s in (("gateway", rate.gateway_cpu_s), ("guard", rate.guard_cpu_s)):
        value = used_s * 100_000 / readings
        yield {"name": f"throughput.{name}_cpu_s_100k", "value": value, "unit": "s/100k readings"}
    sizes = (
        ("gateway", rate.gateway_rss_mib, GATEWAY_MIB),
        ("guard", rate.guard_rss_mib, GUARD_MIB),
    )
    for name, mib, most in sizes:
        yield {
            "name": f"throughput.{name}_rss",
            "value": mib,
            "unit": "MiB",
            "goal": f"<= {most}",
            "met": mib <= most,
        }
