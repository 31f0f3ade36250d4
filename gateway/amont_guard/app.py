"""Compose the guard and run its loop: one thread that decides, none that it waits for."""

from __future__ import annotations

import os
import secrets
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from amont_watch.siren import FAULT

from . import messages
from .audit import AuditLog
from .clock import Clock, RealClock
from .config import Config, Siren, good_copy, load
from .decide import Decision, Judge
from .freshness import TOLERANCE_S, Freshness
from .intake import Batch, Intake
from .keys import Keyring
from .pending import Pending
from .people import Action, People
from .practice import Practice
from .receivers import Receivers
from .relay import Output, Relay, RelayError, make_relay
from .sirens import Sirens
from .sock import GatewaySocket
from .status import Fault, Status, fault, fault_name
from .store import Store, lock
from .thresholds import Thresholds
from .writer import Disk, Worker, Writer

TURN_S = 0.05
RAW_SLICE = 64  # frames of the gateway judged between two looks at the bridge: about 10 ms
GATEWAY_SLICE_S = 0.01  # spent on its messages between two looks at the bridge
RAW_WAITING = 4096  # then the socket is not read, and the gateway waits
# Seconds from one time to the next, at least
EVERY_S = {
    "watchdog": 1.0,
    "show": 0.1,  # however much changes: a storm of alarms must not fill the socket
    "windows": 10.0,  # to spare the card; what is lost by a kill is held by freshness
    "state": 60.0,
}
STOP_S = 5.0

RelayFactory = Callable[[Siren, Path], Relay]
Log = Callable[[dict[str, Any]], None]


def build(
    state_dir: Path, clock: Clock | None = None, relay_factory: RelayFactory = make_relay,
    disk: Disk | None = None, gateway_uids: Iterable[int] = (), log: Log | None = None,
    sockets: Path | None = None,
) -> Guard:  # fmt: skip
    """Build the guard of a state folder; ``sockets`` is another folder for its two sockets.

    A clock marked ``scaled``, the demonstration's, drives simulated relays only. Raises
    ConfigError, InUse or OSError.
    """
    held = lock(state_dir)
    try:
        made = (relay_factory, disk, gateway_uids, log, sockets or state_dir)
        return Guard(state_dir, held, clock or RealClock(), *made)
    except BaseException:
        os.close(held)
        raise


class Guard:
    """The guard's loop and all that it owns."""

    def __init__(
        self, folder: Path, held: int, clock: Clock, relay_factory: RelayFactory,
        disk: Disk | None, gateway_uids: Iterable[int], log: Log | None, sockets: Path,
    ) -> None:  # fmt: skip
        """Restore what was, record what was found, and be ready to run."""
        self.clock, self._held, self._log, path = clock, held, log, folder / "guard.json"
        loaded = load(path, lambda config: self._open_outputs(config, relay_factory, folder))
        self.config, self._config_error = loaded.config, loaded.error
        self.outputs, self.counters = loaded.made, Counter[str]()
        self._audit = AuditLog(folder / "audit.jsonl")
        self.writer = Writer(self._audit, disk)
        self.keys = Keyring(folder, self.writer.put, clock.monotonic_s)
        shake_s = getattr(clock, "shake_s", 0.0)  # of a scaled clock, when its speed is changed
        self.freshness, self.judge = Freshness(TOLERANCE_S + shake_s), Judge(self.config)
        self.thresholds = Thresholds(self.config.stations, self.judge.calm)
        self.pending = Pending(folder, self.writer.put, self.config, self.thresholds.in_force)
        self.intake = Intake(self.keys, self.freshness, self.judge, self.counters, self.pending)
        plans = {name: siren.practice for name, siren in self.config.sirens.items()}
        self.practice = Practice(plans, self.config.time_zone, clock.monotonic_s())
        self._store = Store(
            folder, clock, self.writer, self.keys, self.freshness, self.judge, self.thresholds,
            self.practice,
        )  # fmt: skip
        self.sirens = Sirens(
            self.outputs, self.judge, self.practice, self._store.save_state, self._record
        )
        # one each: a disk that hangs must not keep people out
        self._sums, self._looks, self._logger = (Worker(n, self.counters) for n in (8, 2, 256))
        self.people = People(
            self.config.people, self.config.sirens, self._sums.submit, self._allow, self._answer,
            self.config.stations,
        )  # fmt: skip
        self._status = Status(
            self.config, self.judge, self.freshness, self.sirens, self.thresholds,
            self.intake.heard,
        )  # fmt: skip
        self.boot = secrets.token_hex(4)
        self._standing = self._restore()  # faults that last as long as this run
        self.faults: dict[str, Fault] = {}
        self._raw: deque[tuple[int, bytes]] = deque()
        self._next: dict[str, float] = {}  # real time, by name in EVERY_S
        self._second = -1  # of domain time, that was judged last
        self._stopping, self._changed = False, True  # what people see, since the last STATE
        self.receivers = Receivers(self.config, self.counters, opened=self.intake.opened)
        self.gateway = GatewaySocket(sockets / "guard.sock", gateway_uids, self.counters)
        self.writer.start()
        self.keys.reserve()
        if not loaded.error:
            self.writer.put(good_copy(path), loaded.content)
        self._begin()

    def run(self) -> None:
        """Run until ``stop``; then drive every relay off and write what is left."""
        try:
            while not (self._stopping or self.receivers.settled()):
                self.turn(TURN_S)
            _notify("READY=1")
            while not self._stopping:
                self.turn(0.0 if self._raw else TURN_S)
        finally:
            self.close()

    def stop(self) -> None:
        """Ask the loop to end; may be called from a signal handler or another thread."""
        self._stopping = True

    def turn(self, wait_s: float) -> None:
        """Wait at most ``wait_s`` for something to come, and deal with it: the bridges first.

        A mistake of ours on the way from there to the sirens ends the process: the next start
        restores all. A mistake anywhere else must not cost the sirens anything: it is a fault.
        """
        sources: list[Any] = self.gateway.sources() if len(self._raw) < RAW_WAITING else []
        readable = select.select(sources + self.receivers.sources(), [], [], wait_s)[0]
        now_s = self.clock.monotonic_s()
        if readable:
            heard = self.receivers.hear(readable, now_s)
            self._take_frames(((0, x.frame, (x.rssi_dbm, x.snr_db4)) for x in heard), now_s)
        self.receivers.poll(now_s)
        second_over = int(now_s) != self._second
        if second_over:
            self._second = int(now_s)
            self._carry_out(self.judge.tick(now_s))
        self.sirens.drive(now_s)
        try:
            self._serve(now_s)
            if second_over:
                self._look(now_s)
            self._now_and_then(now_s)
        except Exception as error:
            self._own_mistake(error)

    def close(self) -> None:
        """Leave no siren on, no port and no socket behind, and nothing unwritten."""
        _notify("STOPPING=1")
        self.sirens.close(self.clock.monotonic_s())
        self._record({"kind": "stop"})
        self._store.save_state()
        self._store.save_windows()
        self.receivers.close()
        self.gateway.close()
        self.writer.stop(STOP_S)
        os.close(self._held)

    def _open_outputs(
        self, config: Config, relay_factory: RelayFactory, folder: Path
    ) -> dict[str, Output]:
        outputs: dict[str, Output] = {}
        try:
            for name, siren in config.sirens.items():
                outputs[name] = Output(relay_factory(siren, folder), siren)
                if getattr(self.clock, "scaled", False) and not outputs[name].relay.simulated:
                    raise RelayError("a scaled clock drives simulated relays only")
        except RelayError:
            for output in outputs.values():
                output.close()
            raise
        return outputs

    def _restore(self) -> list[Fault]:
        audit, wrong = self._audit.found, self._store.restore()
        found = [fault("limits", station) for station in self._store.overruled]
        if self._config_error:
            found.append(fault("config", detail=self._config_error))
        if audit.lines or not audit.ok:  # else this is the first start: there is nothing to miss
            found += [fault("state", detail=text) for text in wrong]
        if not audit.ok:
            found.append(fault("audit", detail=str(audit.broken_line)))
        return found

    def _begin(self) -> None:
        self._record({
            "kind": "start", "boot": self.boot, "config": self.config.sha256,
            "audit_lines": self._audit.found.lines, "torn_bytes": self._audit.found.torn_bytes,
            "relays_found": {name: output.found for name, output in self.outputs.items()},
        })  # fmt: skip
        self._carry_out(self.judge.restart(self.clock.monotonic_s()))

    def _own_mistake(self, error: Exception) -> None:
        self.counters["own mistakes"] += 1
        if self.counters["own mistakes"] == 1:  # the others are most likely the same
            mistake = fault("internal", detail=repr(error), level=FAULT)
            self._standing.append(mistake)
            self._tell_faults([*self.faults.values(), mistake])

    def _serve(self, now_s: float) -> None:
        self.intake.heard_again(self.receivers.heard_again())
        self._take_gateway(now_s)
        waiting = range(min(RAW_SLICE, len(self._raw)))
        self._take_frames(((*self._raw.popleft(), None) for _ in waiting), now_s)
        self.people.settle()

    def _take_frames(
        self, frames: Iterable[tuple[int, bytes, tuple[int, int] | None]], now_s: float
    ) -> None:
        batch, wall_ms = Batch(), self.clock.wall_ms()
        try:
            for handle, frame, radio in frames:
                self.intake.take(batch, handle, frame, now_s, wall_ms, radio)
        finally:  # sirens before all else, whatever a later frame does to us
            self._carry_out(batch.decisions)
        if batch.opened:
            self.gateway.send(messages.encode_opened(batch.opened))
            # a new stage is shown now, not when the second is over
            self._changed |= any(self.judge.votes(opened.node) for opened in batch.opened)
        if batch.rejected:
            self.gateway.send(messages.encode_rejected(batch.rejected))

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
            self._send(self.intake.acknowledge(list(messages.decode_committed(message)), now_s))
        elif kind == messages.UPDATE:
            self._send(self.intake.update(messages.decode_update(message), now_s))
        elif kind == messages.ACTION:
            self.people.ask(messages.decode_json(message), now_s, self.clock.wall_ms())
        elif kind == messages.ADVICE:
            advice = messages.decode_json(message)
            self.judge.advise(advice["station"], advice["level"], advice["until_s"], now_s)
        elif kind != messages.HELLO:
            self.counters["unknown message"] += 1
        self._changed |= kind in (messages.ADVICE, messages.HELLO)

    def _send(self, sealed: list[tuple[int, bytes, bool]]) -> None:
        carried = [(node, frame) for node, frame, by_bridge in sealed if not by_bridge]
        for frame in [frame for _, frame, by_bridge in sealed if by_bridge]:
            self.receivers.send(frame)
        if carried:
            self.gateway.send(messages.encode_downlinks(carried))

    def _carry_out(self, decisions: list[Decision]) -> None:
        if decisions:
            self.sirens.carry_out(decisions, self.clock.monotonic_s(), self.clock.wall_ms())
            self._changed = True
            self._next["state"] = 0.0  # a restart needs it

    def _record(self, record: dict[str, Any]) -> None:
        record = {"at_ms": self.clock.wall_ms(), **record}
        mono_s = round(self.clock.monotonic_s(), 3)
        self.writer.record({"boot": self.boot, "mono_s": mono_s, **record})
        self.gateway.send(messages.encode_json(messages.EVENT, record))
        if self._log is not None:
            self._logger.submit(partial(self._log, record))

    def _allow(self, action: Action) -> str:
        now_s = self.clock.monotonic_s()
        if action.kind in ("limits", "keep"):
            decision = self._change_limits(action, int(now_s))
        else:
            seconds = action.minutes * 60
            decision = self.judge.ask(action.place, action.kind, action.person, seconds, now_s)
        self._carry_out([decision])
        return decision.code()

    def _change_limits(self, action: Action, now_s: int) -> Decision:
        if action.kind == "limits":
            code = self.thresholds.ask(action.place, action.limits_mm, action.person, now_s)
        else:
            code = self.thresholds.keep(action.place, now_s)
        return Decision({
            "kind": "limits", "station": action.place, "person": action.person,
            "asked": action.kind, "limits_mm": action.limits_mm, "code": code,
        })  # fmt: skip

    def _answer(self, result: dict[str, Any], checked: Action | None) -> None:
        self.counters[f"action: {result['code']}"] += 1
        if checked is not None and result["code"] == "pin":
            self._record({"kind": "wrong pin", "person": checked.person, "asked": checked.kind})
        self.gateway.send(messages.encode_json(messages.RESULT, result))

    def _now_and_then(self, now_s: float) -> None:
        if self._due("watchdog"):
            _notify("WATCHDOG=1")
            self._changed = True
        if self._changed and self._due("show"):
            self._changed = False
            self._send_state(now_s)
        if self.intake.changed and self._due("windows"):
            self.intake.changed = False
            self._store.save_windows()
        if self._due("state"):
            self._store.save_state()

    def _due(self, name: str) -> bool:
        real_s = time.monotonic()
        if real_s < self._next.get(name, 0.0):
            return False
        self._next[name] = real_s + EVERY_S[name]
        return True

    def _look(self, now_s: float) -> None:
        wall_ms = self.clock.wall_ms()
        self._carry_out(self.sirens.look(now_s))
        self._carry_out(self.sirens.practise(now_s, wall_ms))
        self.keys.refresh(self._looks.submit)
        self.pending.refresh(self._looks.submit)
        for station, limits_mm in self.thresholds.due(int(now_s)):
            self.judge.set_limits(station, limits_mm)
            record = {"kind": "limits", "station": station, "limits_mm": limits_mm}
            self._carry_out([Decision({**record, "code": "in force"})])
        self._tell_faults([*self._standing, *self._faults(now_s, wall_ms)])

    def _tell_faults(self, faults: list[Fault]) -> None:
        found = {fault_name(fault): fault for fault in faults}
        for name in sorted(found.keys() ^ self.faults.keys()):
            self._record({"kind": "fault" if name in found else "fault over", "name": name})
        self.faults = found
        for siren in self.outputs:
            mine = [f for f in found.values() if f["kind"] != "relay" or f["about"] == siren]
            worst = {f["kind"]: f["level"] for f in sorted(mine, key=lambda f: f["level"])}
            self._carry_out(self.judge.report_faults(siren, worst, self.clock.monotonic_s()))

    def _faults(self, now_s: float, wall_ms: int) -> list[Fault]:
        found = [fault("disk", detail=text) for text in self.writer.faults()]
        found += [fault("keys", detail=text, level=FAULT) for text in self.keys.faults]
        found += [fault("pending", detail=text) for text in self.pending.faults]
        found += [fault(*named) for named in self.receivers.faults(now_s)]
        if not self.gateway.connected:
            found.append(fault("gateway"))
        return found + self._status.faults(now_s, wall_ms)

    def _send_state(self, now_s: float) -> None:
        self.counters["audit dropped"] = self.writer.dropped
        state = {
            **self._status.message(list(self.faults.values()), now_s, self.clock.wall_ms()),
            "boot": self.boot, "counters": dict(self.counters),
            "bridges": self.receivers.show(now_s), "nodes": self.intake.signals(),
            "audit": dict(zip(("lines", "head"), self._audit.head, strict=True)),
            "config": {"sha256": self.config.sha256, "last_good": bool(self._config_error)},
        }  # fmt: skip
        for left_out in ("nodes", "sensors", "stations", "faults"):
            try:
                self.gateway.show(messages.encode_json(messages.STATE, state))
                return
            except messages.MessageError:  # a very large site: what matters fits
                self.counters["state too long"] += 1
                state[left_out] = []


def _notify(text: str) -> None:
    """Tell systemd, if it listens, how the loop is."""
    if not (address := os.environ.get("NOTIFY_SOCKET", "")):
        return
    kind = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK
    with suppress(OSError), socket.socket(socket.AF_UNIX, kind) as out:  # else it restarts us
        out.connect("\0" + address[1:] if address[0] == "@" else address)
        out.send(text.encode())
