"""Alarms on real guard processes while all that is around them fails.

Always: four CPU hogs, a wall clock that leaps by up to ten years, a gateway that comes and dies.
One town has the real gateway, killed again and again, with a database that never answers and a
broker that goes away. In turn: the guard's disk is full, read-only, or hangs in ``fsync``.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.guard.rig import Gateway
from tests.system.mounts import MountedTown, fill
from tests.system.town import town

from amont_site.guardfile import canonical, hashlib

STATIONS = 16  # as many sirens as a guard takes
TROUBLES = ("full", "read-only", "hung")
HOGS = 4
WAIT_S = 6.0  # over the goal of 5 s
NEVER_MS = 60_000.0  # stands for a siren that did not sound by then
WATCH_MM, ALARM_MM, LOW_MM = 1300, 2600, 1000
_YEARS_MS = 10 * 365 * 86_400_000
_SPACING_S = 0.03  # between two stations' frames
_ROUND_S = 1.1  # the vote's times are whole seconds: a node's next reading is in another one
_HANG_US = 2_000_000_000


class Siege:
    """One guard's life with one trouble."""

    def __init__(
        self, folder: Path, trouble: str, chance: random.Random, *,
        real_gateway: bool = False, naive: bool = False,
    ) -> None:  # fmt: skip
        self._folder, self._trouble, self._chance = folder, trouble, chance
        self._real_gateway = real_gateway
        self._part = "naive" if naive else "guard"
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.gateway_kills = self.wall_jumps = 0

    def alarms(self, rounds: int) -> list[float]:
        """Return milliseconds from deciding frame to relay; NEVER_MS where it stayed off."""
        with contextlib.ExitStack() as kept:
            database = kept.enter_context(_hung_database())
            made = kept.enter_context(town(self._folder, STATIONS, kind=MountedTown))
            self._prepare(made, database)
            made.start_guard()
            self._prove(made)
            kept.enter_context(self._troubled(made))
            kept.callback(self._stop)
            self._thread(self._move_wall)
            self._thread(lambda: self._kill_gateway(made))
            return [ms for number in range(rounds) for ms in self._round(made, number)]

    # --- before

    def _prepare(self, made: MountedTown, database: int) -> None:
        with made.site.open("a") as site:
            site.write(f"history: {{url: 'http://127.0.0.1:{database}', database: amont}}\n")
        path = made.state / "guard.json"
        content = json.loads(path.read_text())
        del content["sha256"]
        for station in content["stations"]:
            station["clear_s"] = 0  # the next flood comes in a second
        for channel in (c for node in content["nodes"] for c in node["channels"]):
            channel.update(step_per_min=0, flat_samples=0, validity_s=2700)
        digest = hashlib.sha256(canonical(content)).hexdigest()
        path.write_text(json.dumps({**content, "sha256": digest}))
        (self._folder / "contacts").mkdir()
        for number in range(STATIONS):  # a contact needs no disk: these lie on another one
            (made.state / f"relay-s{number}").symlink_to(self._contact(number))
            self._contact(number).write_bytes(b"0" + bytes(30))
        self._shift = self._folder / "shift"
        self._shift.write_text("0")
        # a mount namespace is entered at its root: tell where the tests are
        command = ["env", f"PYTHONPATH={Path(__file__).parents[2]}", sys.executable]
        command += ["-m", "tests.system.clocked", self._part]
        made.guard_command = [*command, str(self._folder), str(self._shift)]
        made.mount()
        if os.geteuid() == 0:  # as amont-guard does for itself
            made.guard_command = ["nice", "-n", "-10", *made.guard_command]

    def _prove(self, made: MountedTown) -> None:
        gateway = Gateway(made.state)
        for node in made.nodes.values():
            made.put(node.frame(LOW_MM))
            time.sleep(0.01)
        time.sleep(0.5)  # the first reservation of counters reaches the disk
        until = time.monotonic() + 30
        while not all(node.nonce for node in made.nodes.values()):
            for node in made.nodes.values():
                if node.nonce is None:
                    gateway.commit(node, node.seq)
            time.sleep(0.1)
            made._hear()
            gateway.receive()
            if time.monotonic() > until:
                raise TimeoutError("the nodes hear no acknowledgement")
        gateway.close()
        time.sleep(_ROUND_S)
        for low, high in made.pairs:
            made.put(low.frame(LOW_MM))
            made.put(high.frame(WATCH_MM))
        time.sleep(_ROUND_S)

    # --- alarms

    def _round(self, made: MountedTown, number: int) -> Iterator[float]:
        began_ns = self._pass(made, ALARM_MM, number)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline and not all(map(self._on, range(STATIONS))):
            time.sleep(0.005)
        for station in range(STATIONS):
            on, _, at_ns = self._contact(station).read_bytes()[:22].partition(b" ")
            yield (int(at_ns) - began_ns[station]) / 1e6 if on == b"1" else NEVER_MS
        self._pass(made, LOW_MM, number)

    def _pass(self, made: MountedTown, value_mm: int, number: int) -> list[int]:
        made.guard.alive()
        start = time.monotonic()
        if number % 500 == 499:  # well within the validity of what supports the votes
            for _, high in made.pairs:
                made.put(high.frame(WATCH_MM))
        times_ns = []
        for low, _ in made.pairs:
            frame = low.frame(value_mm)
            times_ns.append(time.monotonic_ns())
            made.line.put(frame)
            time.sleep(_SPACING_S)
        made.line.sent()  # what the guard answered: nobody needs it, but a pty holds 4 kB
        time.sleep(max(0.0, start + _ROUND_S - time.monotonic()))
        return times_ns

    def _contact(self, station: int) -> Path:
        return self._folder / "contacts" / f"s{station}"

    def _on(self, station: int) -> bool:
        return self._contact(station).read_bytes()[:1] == b"1"

    # --- what fails

    @contextlib.contextmanager
    def _troubled(self, made: MountedTown) -> Iterator[None]:
        tracer = None
        if self._trouble == "full":
            fill(made.state)
        elif self._trouble == "read-only":
            _insist(lambda: made.space.remount(made.mounts["state"], "ro"))
        elif self._trouble == "hung":
            tracer = _hang_fsync(made.guard.pid, loop_too=self._part == "naive")
        try:
            yield
        finally:
            if tracer is not None:
                tracer.kill()
                tracer.wait(20)

    def _move_wall(self) -> None:
        while not self._stopping.wait(self._chance.uniform(0.2, 1.0)):
            part = self._shift.with_suffix(".part")
            part.write_text(str(self._chance.randint(-_YEARS_MS, _YEARS_MS)))
            part.rename(self._shift)
            self.wall_jumps += 1

    def _kill_gateway(self, made: MountedTown) -> None:
        if self._real_gateway:
            made.start_gateway()
        while not self._stopping.wait(self._chance.uniform(2.0, 6.0)):
            self.gateway_kills += 1
            if self._real_gateway:
                made.gateway.end(kill=True)
                if self.gateway_kills == 2:
                    made.broker.stop()
                made.start_gateway()
            else:  # one that connects, says something unfinished, and is gone
                with contextlib.suppress(OSError):
                    gateway = Gateway(made.state)
                    gateway.send(b"\x04{")
                    gateway.close()

    def _thread(self, target: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=target, daemon=True))
        self._threads[-1].start()

    def _stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(10)


@contextlib.contextmanager
def hogs() -> Iterator[None]:
    """Keep the processors busy."""
    made = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(HOGS)]
    try:
        yield
    finally:
        for process in made:
            process.kill()
            process.wait(20)


@contextlib.contextmanager
def _hung_database() -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)  # accepts, and never answers
        yield listening.getsockname()[1]


def _hang_fsync(pid: int, *, loop_too: bool) -> subprocess.Popen[bytes]:
    # Only the other threads are traced, so the loop is as fast as ever; a naive guard's is one of
    # those that sync.
    threads = [int(t.name) for t in Path(f"/proc/{pid}/task").iterdir()]
    asked = [f"--attach={t}" for t in threads if loop_too or t != pid]
    hang = f"inject=fsync:delay_enter={_HANG_US}"
    tracer = subprocess.Popen(
        ["strace", "-qq", *asked, "-e", "trace=fsync", "-e", hang],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    traced = f"TracerPid:\t{tracer.pid}\n"
    until = time.monotonic() + 20
    while traced not in Path(f"/proc/{pid}/task/{threads[-1]}/status").read_text():
        if time.monotonic() > until or tracer.poll() is not None:
            raise TimeoutError("strace cannot attach to the guard")
        time.sleep(0.05)
    return tracer


def _insist(work: Callable[[], None]) -> None:
    # A file that is open for writing at this very moment makes a remount fail.
    for _ in range(50):
        with contextlib.suppress(subprocess.CalledProcessError):
            work()
            return
        time.sleep(0.05)
    work()


def besiege(
    folder: Path, rounds: int, seed: int, troubles: tuple[str, ...] = TROUBLES
) -> tuple[dict[str, list[float]], int, int]:
    """Run one siege a trouble, side by side; return times by trouble, kills, jumps."""
    sieges = {}
    for number, trouble in enumerate(troubles):
        place = folder / trouble
        place.mkdir()
        chance = random.Random(f"{seed} {trouble}")
        sieges[trouble] = Siege(place, trouble, chance, real_gateway=number == 0)
    taken: dict[str, list[float]] = {}
    errors: list[BaseException] = []

    def run(trouble: str) -> None:
        try:
            taken[trouble] = sieges[trouble].alarms(rounds)
        except BaseException as error:  # told to whoever waits
            errors.append(error)

    threads = [threading.Thread(target=run, args=(trouble,)) for trouble in sieges]
    with hogs():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if errors:
        raise errors[0]
    return (
        taken, sum(s.gateway_kills for s in sieges.values()),
        sum(s.wall_jumps for s in sieges.values()),
    )  # fmt: skip


def naive_alarms(folder: Path, seed: int) -> list[float]:
    """Return the times of a guard that syncs its audit before the relay, on the hung disk."""
    return Siege(folder, "hung", random.Random(seed), naive=True).alarms(1)
