"""Stories of a village, made from a seed, and an oracle that knows the true river.

Floods, spikes, people who mute, acknowledge, reset and drill, a schedule of drills; and into it a
wall clock that jumps or a guard that is killed and finds its contacts anyhow. What the oracle
counts must all be zero.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.village import (
    ALARM_MM,
    ALARM_PLUS_MM,
    IDLE_STEP_S,
    PEOPLE,
    SHM,
    START_S,
    TODAY_MS,
    Place,
    Village,
    village,
)

LENGTH_S = 5000
WARM_S = 500  # every node has echoed
MUTE_S, MUTE_EVENT_S = 600, 1200
DRILL_S = 180
_YEAR_MS = 365 * 86_400_000
_NOISE_MM = 5
_FLOOD_OVER_S = 2400  # a siren may go on so long: validity, hysteresis, ten minutes, a hold
_DOUBT_S = 1800  # after a step a lone sensor waits so long (amont_watch.quality.SUSPECT_S)
_FLOOD_SOON_S = 900  # one mad sensor over the limit while the rest rises to it is no false alarm
_SCHEDULED = {"weekday": "friday", "nth": 3, "at": "10:00", "seconds": 30,
              "agreed_by": ["Anne", "Bruno"]}  # fmt: skip
_SCHEDULED_S = START_S + 3600  # TODAY_MS is 09:00 on a third Friday in Paris


@dataclass
class Outcome:
    """What the oracle counted; ``what`` says where to look."""

    counts: Counter[str] = field(default_factory=Counter)
    what: list[str] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)  # no failure, and why; printed all the same

    def fault(self, kind: str, text: str) -> None:
        self.counts[kind] += 1
        self.what.append(f"{kind}: {text}")

    def excuse(self, kind: str, text: str) -> None:
        self.counts["excused"] += 1
        self.excused.append(f"{kind}: {text}")

    @property
    def failures(self) -> int:
        """Return how much went wrong."""
        return len(self.what)


class Story:
    """One village's morning; the same seed tells the same one."""

    def __init__(self, seed: int, jumps: int = 0, boots: int = 0) -> None:
        self.seed, self.chance = seed, random.Random(seed)
        self.places = [
            Place(1 + i % 3, self.chance.choice((60, 120)), drill=_SCHEDULED if i < 2 else None)
            for i in range(5)
        ]
        self.outcome = Outcome()
        self._end_s = START_S + WARM_S + LENGTH_S
        self._plan: list[tuple[float, Callable[[], None]]] = []
        self._crossings: list[tuple[int, float]] = []
        self._drills: dict[str, float] = {}  # siren: when two people asked
        self._muted: dict[str, float] = {}
        self._muted_sum: Counter[str] = Counter()
        self._heard: dict[str, list[float]] = {f"s{i}": [] for i in range(len(self.places))}
        self._boots_s: list[float] = []
        self._spikes: list[tuple[int, float]] = []  # node, when
        for i in range(len(self.places)):
            self._plan_floods(i)
        self._plan += [(self._moment(), self._jump) for _ in range(jumps)]
        self._plan += [(self._moment(), self._boot) for _ in range(boots)]
        self._plan += [(self._anywhen(), self._drill) for _ in range(6)]
        self._plan += [(self._anywhen(), self._spike) for _ in range(6)]
        self._plan.sort(key=lambda item: item[0])

    def run(self, change: Callable[[Village], None] | None = None) -> Outcome:
        """Live it; ``change`` plants a fault before it begins."""
        with (
            tempfile.TemporaryDirectory(dir=SHM) as folder,
            village(Path(folder), self.places, self.seed) as made,
        ):
            self.made = made
            if change is not None:
                change(made)
            made.run_until(START_S + WARM_S)
            for at_s, act in self._plan:
                self._until(at_s)
                act()
            self._until(self._end_s)
            made.settle_disk()
            self._judge_floods()
            self._judge_audit()
        return self.outcome

    # --- what happens

    def _anywhen(self) -> float:
        return self.chance.uniform(START_S + WARM_S, self._end_s - 900)

    def _moment(self) -> float:
        # half of them while a river crosses its limit
        if self.chance.random() < 0.5:
            return self.chance.choice(self._crossings)[1] + self.chance.uniform(-90, 300)
        return self._anywhen()

    def _plan_floods(self, number: int) -> None:
        river, at_s = self.places[number].river, START_S + WARM_S + self.chance.uniform(60, 1500)
        while at_s < self._end_s - 2400:
            top = self.chance.uniform(ALARM_MM + 100, ALARM_PLUS_MM + 300)
            there_s = river.rise(at_s, self.chance.uniform(20, 300), top)
            crossed = river.crossing_s(ALARM_MM, at_s)
            assert crossed is not None
            self._crossings.append((number, crossed))
            falls_s = there_s + self.chance.uniform(300, 1500)
            calm_s = river.rise(falls_s, self.chance.uniform(40, 300), 400)
            at_s = calm_s + self.chance.uniform(1500, 4000)

    def _jump(self) -> None:
        clock, chance = self.made.clock, self.chance
        true_ms = TODAY_MS - int(START_S * 1000)
        now_ms = int(clock.now_s * 1000)
        clock.wall_offset_ms = chance.choice((
            true_ms, true_ms, true_ms + chance.randint(-10 * _YEAR_MS, 10 * _YEAR_MS),
            -now_ms, 3_471_292_800_000 - now_ms,  # 1970, 2080
            clock.wall_offset_ms + chance.choice((-3_600_000, 3_600_000, -1000, 1000)),
        ))  # fmt: skip
        self.outcome.counts["jumps"] += 1

    def _boot(self) -> None:
        made, chance = self.made, self.chance
        if chance.random() < 0.2:
            made.stop()
        else:
            made.kill()
        if chance.random() < 0.2:
            made.reboot()
        made.found = {siren: chance.random() < 0.5 for siren in sorted(self._heard)}
        self._pass(chance.choice((0, 1, 5, 60)))
        sounded, commanded = self._kept_sounding(), len(made.on_commands)
        made.start()
        self.outcome.counts["boots"] += 1
        for at_s, siren, _ in made.on_commands[commanded:]:
            if siren not in sounded:
                self.outcome.fault("on before a decision", f"{siren} at {at_s:.0f}")
        made.turn()
        self._boots_s.append(made.clock.now_s)
        self._muted.clear()

    def _kept_sounding(self) -> set[str]:
        # what the next life finds on the disk: the decision that it may carry on
        kept = json.loads((self.made.state_dir / "state.json").read_bytes())["alarms"]["sirens"]
        return {siren for siren, state in kept.items() if state["annunciation"] in (1, 2)}

    def _pass(self, seconds: int) -> None:
        # nobody listens: what nodes send is lost
        self.made.clock.now_s += seconds
        for node in self.made.nodes.values():
            node.wake()

    def _drill(self) -> None:
        siren = f"s{self.chance.randrange(len(self.places))}"
        first, second = self.chance.sample(PEOPLE, 2)
        self.made.act("drill", siren, first)
        if self.made.act("drill", siren, second) == "done":
            self._drills[siren] = self.made.clock.now_s

    def _spike(self) -> None:
        number = self.chance.choice(sorted(self.made.nodes))
        node = self.made.nodes[number]
        self._spikes.append((number, self.made.clock.now_s))
        until_s = self.made.clock.now_s + self.chance.uniform(5, 70)
        high = self.chance.randint(ALARM_MM, 6000)

        def fault(value: int) -> int:
            return max(high, value) if self.made.clock.now_s < until_s else value

        node._probes[0].fault = fault

    # --- people, and the oracle that looks on

    def _until(self, until_s: float) -> None:
        while self.made.clock.now_s < until_s:
            self.made.step(until_s)
            self._look()

    def _look(self) -> None:
        made, now_s = self.made, self.made.clock.now_s
        for at_s, siren, _ in made.on_commands:
            self._heard[siren].append(at_s)
            if not self._allowed(siren, at_s):
                self.outcome.fault("false", f"{siren} at {at_s - START_S:.0f}")
        made.on_commands.clear()
        state = made.state
        if self.chance.random() < 0.1:
            for negative in _negative(state):
                self.outcome.fault("negative", f"{negative} at {now_s - START_S:.0f}")
        for shown in state.get("sirens", ()):
            self._mutes(shown, now_s)
            if self.chance.random() < 0.02:
                self._people(shown)

    def _allowed(self, siren: str, at_s: float) -> bool:
        if at_s - self._drills.get(siren, -1e9) <= DRILL_S:
            return True
        place = self.places[int(siren[1:])]
        if place.drill and _SCHEDULED_S <= at_s <= _SCHEDULED_S + 900 + DRILL_S:
            return True
        around = range(int(at_s) - _FLOOD_OVER_S, int(at_s) + _FLOOD_SOON_S, 10)
        highest = max(place.river.level(s) for s in around)
        return highest >= ALARM_MM - _NOISE_MM

    def _mutes(self, shown: dict[str, Any], now_s: float) -> None:
        siren = shown["id"]
        if shown["state"] == "idle":
            self._muted_sum[siren] = 0
        if shown["state"] != "muted":
            self._muted_sum[siren] += int(now_s - self._muted.pop(siren, now_s))
            return
        began_s = self._muted.setdefault(siren, now_s)
        muted_s, slack_s = now_s - began_s, 2 * IDLE_STEP_S
        if muted_s > MUTE_S + slack_s or self._muted_sum[siren] + muted_s > MUTE_EVENT_S + 60:
            self.outcome.fault("mute too long", f"{siren} at {now_s - START_S:.0f}")

    def _people(self, shown: dict[str, Any]) -> None:
        siren, (first, second) = shown["id"], self.chance.sample(PEOPLE, 2)
        if shown["state"] == "sound":
            for person in (first, second):
                self.made.act("mute", siren, person, self.chance.choice((0, 1, 10)))
        elif shown["state"] == "latch":
            self.made.act("acknowledge", siren, first)
            self.made.act("reset", siren, second)

    # --- afterwards

    def _judge_floods(self) -> None:
        for number, crossed in self._crossings:
            if crossed + self.places[number].interval_s + 60 > self._end_s:
                continue  # the morning ends before this river is due
            self.outcome.counts["floods"] += 1
            due_s = self._due_s(number, crossed)
            # a siren that sounds already may rest for two minutes
            if any(crossed - 300 <= at_s <= due_s for at_s in self._heard[f"s{number}"]):
                continue
            at = f"s{number} at {crossed - START_S:.0f}"
            if self._lone_in_doubt(number, crossed, due_s):
                self.outcome.excuse("a step in the only sensor just before", at)
            elif min(self._over_s(number, crossed), self._end_s) < due_s:
                self.outcome.excuse("over before a machine that boots could hear it", at)
            else:
                self.outcome.fault("missed", at)

    def _due_s(self, number: int, crossed: float) -> float:
        place = self.places[number]
        due_s = crossed + place.interval_s + 60
        for boot_s in self._boots_s:
            if crossed - 900 < boot_s < due_s:
                # after a boot of the machine a node's age is proved by its second frame
                due_s = max(due_s, boot_s + 3 * place.interval_s + 240)
        return due_s

    def _over_s(self, number: int, crossed: float) -> float:
        river = self.places[number].river
        return next(s for s in range(int(crossed) + 10, 10**6, 10) if river.level(s) < ALARM_MM)

    def _lone_in_doubt(self, number: int, crossed: float, due_s: float) -> bool:
        return self.places[number].sensors == 1 and any(
            node == 100 + number and crossed - _DOUBT_S < at_s < due_s
            for node, at_s in self._spikes
        )

    def _judge_audit(self) -> None:
        seen: dict[str, float] = {}
        for line in (self.made.state_dir / "audit.jsonl").read_text().splitlines():
            with suppress(ValueError):
                record = json.loads(line)
                boot, at_s = str(record.get("boot")), float(record.get("mono_s", 0))
                if at_s < seen.get(boot, 0):
                    self.outcome.fault("negative", f"audit {record.get('n')}: mono_s fell")
                seen[boot] = at_s


def _negative(value: Any, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _negative(inner, key)
        if value.get("since_ms") and value.get("at_ms", value["since_ms"]) < value["since_ms"]:
            yield "since_ms"
    elif isinstance(value, list):
        for inner in value:
            yield from _negative(inner, name)
    elif name.endswith("_s") and isinstance(value, int | float) and value < 0:
        yield f"{name} {value}"
