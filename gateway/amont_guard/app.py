"""Compose the guard and run its loop: one thread that decides, none that it waits for."""

from __future__ import annotations

import os
import secrets
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from amont_watch.siren import REFUSED

from . import messages
from .audit import AuditLog
from .bridge import Bridge
from .clock import Clock, RealClock
from .config import Siren, load
from .decide import Decision, Judge
from .freshness import TOLERANCE_S, Freshness
from .intake import Batch, Intake
from .keys import Keyring
from .people import Action, People
from .relay import Output, Relay, RelayError, make_relay
from .sock import GatewaySocket
from .status import Status, fault, sensor_faults
from .store import Store, lock
from .writer import Disk, Worker, Writer

TURN_S = 0.05
SECOND_S = 1.0
RAW_SLICE = 64  # frames of the gateway judged between two looks at the bridge: about 10 ms
GATEWAY_SLICE_S = 0.01  # spent on its messages between two looks at the bridge
RAW_WAITING = 4096  # then the socket is not read, and the gateway waits
WINDOWS_EVERY_S = 10.0  # to spare the card; what is lost by a kill is held by freshness
STATE_EVERY_S = 60.0
SHOW_EVERY_S = 0.1  # at most, however much changes: a storm of alarms must not fill the socket
STOP_S = 5.0

RelayFactory = Callable[[Siren, Path], Relay]
Log = Callable[[dict[str, Any]], None]


def build(
    state_dir: Path,
    clock: Clock | None = None,
    relay_factory: RelayFactory = make_relay,
    disk: Disk | None = None,
    gateway_uids: Iterable[int] = (),
    log: Log | None = None,
) -> Guard:
    """Build the guard of a state folder.

    A clock with the mark ``scaled`` is the demonstration's: with it every relay but a simulated
    one is refused. Raises ConfigError, InUse, SocketError, RelayError or OSError.
    """
    held = lock(state_dir)
    try:
        return Guard(state_dir, held, clock or RealClock(), relay_factory, disk, gateway_uids, log)
    except BaseException:
        os.close(held)
        raise


class Guard:
    """The guard's loop and all that it owns."""

    def __init__(
        self, folder: Path, held: int, clock: Clock, relay_factory: RelayFactory,
        disk: Disk | None, gateway_uids: Iterable[int], log: Log | None,
    ) -> None:  # fmt: skip
        """Restore what was, record what was found, and be ready to run."""
        self.config, config_faults = load(folder / "guard.json")
        self.clock, self._held, self._log = clock, held, log
        self.outputs = self._open_outputs(relay_factory, folder)
        self.counters: Counter[str] = Counter()
        self._found = AuditLog(folder / "audit.jsonl")
        self.writer = Writer(self._found, disk)
        self._store = Store(folder, self.writer, clock)
        self.keys = Keyring(folder, self.writer.put)
        shake_s = getattr(clock, "shake_s", 0.0)  # of a scaled clock, when its speed is changed
        self.freshness, self.judge = Freshness(TOLERANCE_S + shake_s), Judge(self.config)
        self.intake = Intake(self.keys, self.freshness, self.judge, self.counters)
        self._sums, self._logger = Worker(), Worker(256)
        people, sirens = self.config.people, set(self.config.sirens)
        self.people = People(people, sirens, self._sums.submit, self._allow, self._answer)
        self._status = Status(self.config, self.judge, self.freshness, secrets.token_hex(4))
        self._wrong = self._restore(config_faults)
        self.faults: dict[str, dict[str, Any]] = {}
        self._raw: deque[tuple[int, bytes]] = deque()
        self._second_at = self._windows_at = self._state_at = self._shown_at = 0.0
        self._last_tick = -1
        self._changed = True  # something people see, since the last STATE
        self._state_changed = False  # something that a restart needs, since it was stored last
        self._stopping = False
        self.bridge = Bridge(self.config.port, self.config.baud, self.counters)
        self.gateway = GatewaySocket(folder / "guard.sock", gateway_uids, self.counters)
        self.writer.start()
        self.keys.reserve()
        self._begin()

    def run(self) -> None:
        """Run until ``stop``; then drive every relay off and write what is left."""
        _notify("READY=1")
        try:
            while not self._stopping:
                self.turn(0.0 if self._raw else TURN_S)
        finally:
            self.close()

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._stopping = True

    def turn(self, wait_s: float) -> None:
        """Wait at most ``wait_s`` for something to come, and deal with it: the bridge first."""
        sources: list[Any] = self.gateway.sources() if len(self._raw) < RAW_WAITING else []
        if self.bridge.connected:
            sources.append(self.bridge)
        readable = select.select(sources, [], [], wait_s)[0]
        now_s = self.clock.monotonic_s()
        self.bridge.poll()
        if self.bridge in readable:
            self._take_bridge(now_s)
        self._take_gateway(now_s)
        self._take_raw(now_s)
        self.people.settle()
        if int(now_s) != self._last_tick:
            self._last_tick = int(now_s)
            self._carry_out(self.judge.tick(now_s))
        for name, output in self.outputs.items():
            output.drive(self.judge.sounding(name), now_s)
        self._each_second(now_s)

    def close(self) -> None:
        """Leave no siren on, no port and no socket behind, and nothing unwritten."""
        _notify("STOPPING=1")
        for output in self.outputs.values():
            output.drive(False, self.clock.monotonic_s())
        self._record({"kind": "stop"})
        self._store.save_state(self.judge)
        self._store.save_windows(self.keys, self.freshness)
        self.bridge.close()
        self.gateway.close()
        self.writer.stop(STOP_S)
        os.close(self._held)

    def _restore(self, config_faults: dict[str, str]) -> dict[str, dict[str, Any]]:
        wrong = [fault(kind, text) for kind, text in config_faults.items()]
        windows = self._store.restore_windows(self.keys, self.freshness)
        state = self._store.restore_state(self.judge)
        wrong += [fault("state", text) for text in (windows, state) if text]
        wrong += [fault("keys", text) for text in self.keys.faults]
        if not self._found.found.ok:
            wrong.append(fault("audit", str(self._found.found.broken_line)))
        return dict(wrong)

    def _open_outputs(self, relay_factory: RelayFactory, folder: Path) -> dict[str, Output]:
        relays = {name: relay_factory(s, folder) for name, s in self.config.sirens.items()}
        if getattr(self.clock, "scaled", False) and not all(r.simulated for r in relays.values()):
            raise RelayError("a scaled clock drives simulated relays only")
        return {name: Output(relay) for name, relay in relays.items()}

    def _begin(self) -> None:
        now_s, found = self.clock.monotonic_s(), self._found.found
        self._record({
            "kind": "start", "boot": self._status.boot, "config": self.config.sha256,
            "audit_lines": found.lines, "torn_bytes": found.torn_bytes,
            "relays_found": {name: output.found for name, output in self.outputs.items()},
        })  # fmt: skip
        self._carry_out(self.judge.restart(now_s))

    def _take_bridge(self, now_s: float) -> None:
        batch, wall_ms = Batch(), self.clock.wall_ms()
        for got in self.bridge.read():
            radio = (got.rssi_dbm, got.snr_db4)
            self.intake.take(batch, 0, got.frame, now_s, wall_ms, radio)
        self._finish(batch)

    def _take_gateway(self, now_s: float) -> None:
        self.gateway.flush()
        until_s = time.monotonic() + GATEWAY_SLICE_S
        while len(self._raw) < RAW_WAITING and time.monotonic() < until_s:
            message = self.gateway.receive()
            if message is None:
                break
            try:
                self._take_message(message, now_s)
            except (messages.MessageError, KeyError, TypeError, ValueError, OverflowError):
                self.counters["malformed message"] += 1
        self.gateway.accept()  # last: a gateway that died has been noticed by now

    def _take_message(self, message: bytes, now_s: float) -> None:
        kind = message[0]
        if kind == messages.RAW:
            self._raw.extend(messages.decode_raw(message))
        elif kind == messages.COMMITTED:
            self._acknowledge(list(messages.decode_committed(message)), now_s)
        elif kind == messages.ACTION:
            asked = messages.decode_json(message)
            self.people.ask(asked, now_s, self.clock.wall_ms())
        elif kind == messages.ADVICE:
            advice = messages.decode_json(message)
            self.judge.advise(advice["station"], advice["level"], advice["until_s"], now_s)
            self._changed = True
        elif kind == messages.HELLO:
            self._changed = True
        else:
            self.counters["unknown message"] += 1

    def _take_raw(self, now_s: float) -> None:
        batch, wall_ms = Batch(), self.clock.wall_ms()
        for _ in range(min(RAW_SLICE, len(self._raw))):
            handle, frame = self._raw.popleft()
            self.intake.take(batch, handle, frame, now_s, wall_ms)
        self._finish(batch)

    def _finish(self, batch: Batch) -> None:
        self._carry_out(batch.decisions)  # sirens before all else
        if batch.opened:
            self.gateway.send(messages.encode_opened(batch.opened))
            # a new stage is shown now, not when the second is over
            self._changed |= any(self.judge.votes(opened.node) for opened in batch.opened)
        if batch.rejected:
            self.gateway.send(messages.encode_rejected(batch.rejected))

    def _acknowledge(self, items: list[messages.Committed], now_s: float) -> None:
        carried = []
        for node, frame, by_bridge in self.intake.acknowledge(items, now_s):
            if by_bridge:
                self.bridge.send(frame)
            else:
                carried.append((node, frame))
        if carried:
            self.gateway.send(messages.encode_downlinks(carried))

    def _carry_out(self, decisions: list[Decision]) -> None:
        if not decisions:
            return
        now_s = self.clock.monotonic_s()
        for name in {decision.siren for decision in decisions} - {""}:
            self.outputs[name].drive(self.judge.sounding(name), now_s)
        for decision in decisions:
            self._record(decision.record)
        self._changed = self._state_changed = True

    def _record(self, record: dict[str, Any]) -> None:
        record = {"at_ms": self.clock.wall_ms(), **record}
        self.writer.record(record)
        self.gateway.send(messages.encode_json(messages.EVENT, record))
        if self._log is not None:
            log = self._log
            self._logger.submit(lambda: log(record))

    def _allow(self, action: Action) -> str:
        now_s = self.clock.monotonic_s()
        decision = self.judge.ask(
            action.siren, action.kind, action.person, action.minutes * 60, now_s
        )
        self._carry_out([decision])
        for done in decision.actions:
            if done.kind == REFUSED:
                return done.rule
        return "second" if any(done.rule == "asked" for done in decision.actions) else "done"

    def _answer(self, result: dict[str, Any], checked: Action | None) -> None:
        self.counters[f"action: {result['code']}"] += 1
        if checked is not None and result["code"] == "pin":
            self._record({"kind": "wrong pin", "person": checked.person, "asked": checked.kind})
        self.gateway.send(messages.encode_json(messages.RESULT, result))

    def _each_second(self, now_s: float) -> None:
        real_s = time.monotonic()
        if real_s >= self._second_at:
            self._second_at = real_s + SECOND_S
            _notify("WATCHDOG=1")
            self._look_for_faults(now_s)
            self._changed = True
        if self._changed and real_s >= self._shown_at:
            self._changed, self._shown_at = False, real_s + SHOW_EVERY_S
            self._send_state(now_s)
        if self.intake.changed and real_s >= self._windows_at:
            self._windows_at, self.intake.changed = real_s + WINDOWS_EVERY_S, False
            self._store.save_windows(self.keys, self.freshness)
        if self._state_changed or real_s >= self._state_at:
            self._state_at, self._state_changed = real_s + STATE_EVERY_S, False
            self._store.save_state(self.judge)

    def _look_for_faults(self, now_s: float) -> None:
        found = dict(self._wrong)
        found.update(fault("disk", text) for text in self.writer.faults())
        if self.config.port and not self.bridge.connected:
            found.update([fault("bridge", self.bridge.error)])
        if not self.gateway.connected:
            found.update([fault("gateway")])
        found.update(sensor_faults(self.judge, self.freshness, self.intake.heard, now_s))
        for name, output in self.outputs.items():
            text = output.fault(now_s)
            if text:
                found.update([fault("relay", f"{name}: {text}")])
        for name in sorted(found.keys() ^ self.faults.keys()):
            self._record({"kind": "fault" if name in found else "fault over", "name": name})
        self.faults = found
        levels = {name: texts["level"] for name, texts in found.items()}
        for name in self.outputs:
            self._carry_out(self.judge.report_faults(name, levels, now_s))

    def _send_state(self, now_s: float) -> None:
        if not self.gateway.connected:
            return
        self.counters["audit dropped"] = self.writer.dropped
        state = self._status.message(
            self.outputs, self.intake.heard, self.counters, self.faults, now_s,
            self.clock.wall_ms(),
        )  # fmt: skip
        for left_out in (("nodes", "sensors"), ("stations", "faults"), ()):
            try:
                self.gateway.send(messages.encode_json(messages.STATE, state))
                return
            except messages.MessageError:  # a very large site: what matters fits
                self.counters["state too long"] += 1
                state.update({name: [] for name in left_out})


def _notify(text: str) -> None:
    """Tell systemd, if it listens, how the loop is."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
            out.connect("\0" + address[1:] if address[0] == "@" else address)
            out.send(text.encode())
    except OSError:
        return  # systemd then restarts us, which is what it is for
