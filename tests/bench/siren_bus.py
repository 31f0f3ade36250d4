"""The siren's wires behind a real Modbus RTU server (pymodbus) on a serial line that can be bad.

Two pseudo-terminals with a thread between them are the line: it drops, damages, delays and adds
bytes as asked. The server is pymodbus, written by others than the library that the guard uses.
"""

from __future__ import annotations

import asyncio
import logging
import os
import pty
import select
import tempfile
import threading
import time
import tty

from pymodbus.constants import ExcCodes
from pymodbus.framer import FramerType
from pymodbus.server import ModbusSerialServer
from pymodbus.simulator import DataType, SimData, SimDevice
from tests.bench.siren_line import CHANNELS, PLACES, Line, siren

from amont_guard import modbus

COIL, ISOLATE_COIL = 0, 1
WAIT_S = 20.0


logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


def _pair() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, slave


class Wire:
    """Two ends of a serial line; ``trouble`` changes what the module answers."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.guard_end = f"{self._folder.name}/bus"  # as udev names an adapter, wherever it is
        self._ends = [_pair(), _pair()]
        os.symlink(os.ttyname(self._ends[0][1]), self.guard_end)
        self.module_end = os.ttyname(self._ends[1][1])
        self.trouble = lambda answer: answer  # bytes in, bytes out, of every answer
        self.late_s = 0.0
        self.broken = False  # nothing passes either way
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._over.set()
        self._thread.join(WAIT_S)
        for master, slave in self._ends:
            os.close(master)
            os.close(slave)
        self._folder.cleanup()

    def hang_up(self) -> None:
        """Pull the adapter: its end is gone for whoever has it open."""
        old, self._ends[0] = self._ends[0], _pair()
        for descriptor in old:
            os.close(descriptor)
        os.unlink(self.guard_end)
        os.symlink(os.ttyname(self._ends[0][1]), self.guard_end)

    def _carry(self) -> None:
        while not self._over.is_set():
            (guard, _), (module, _) = self._ends
            try:
                ready = select.select([guard, module], [], [], 0.02)[0]
                for source in ready:
                    data = os.read(source, 512)
                    if self.broken:
                        continue
                    if source == guard:
                        os.write(module, data)
                    else:
                        time.sleep(self.late_s)
                        os.write(guard, self.trouble(data))
            except OSError:
                time.sleep(0.01)  # an end that was pulled out


class Module:
    """A relay module with inputs and registers, as the wires of ``Line`` reach it."""

    def __init__(self, line: Line, wire: Wire) -> None:
        self.line, self._wire = line, wire
        self.refuse: set[int] = set()  # functions answered with an exception
        self.written: list[tuple[int, bool]] = []
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(WAIT_S)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        bits, words = DataType.BITS, DataType.REGISTERS
        blocks = (
            [SimData(0, values=[False] * 16, datatype=bits)],
            [SimData(0, values=[False] * 16, datatype=bits)],
            [SimData(0, values=[0] * 16, datatype=words)],
            [SimData(0, values=[0] * 16, datatype=words)],
        )
        device = SimDevice(1, simdata=blocks, action=self._act)
        server = ModbusSerialServer(
            device, framer=FramerType.RTU, port=self._wire.module_end, baudrate=9600
        )
        serving = asyncio.create_task(server.serve_forever())
        self._ready.set()
        await self._stop.wait()
        await server.shutdown()
        await asyncio.gather(serving, return_exceptions=True)

    async def _act(self, function, _start, address, _count, registers, values):
        if function in self.refuse:
            return ExcCodes.ILLEGAL_ADDRESS
        if function == 5 and values:  # without: the server reads back what it wrote
            on = bool(values[0])
            self.written.append((address, on))
            setattr(self.line, {COIL: "on", ISOLATE_COIL: "isolate"}[address], on)
        elif function == 2:
            contacts = self.line.contacts()
            registers[0] = sum(state << PLACES[name] for name, state in contacts.items())
        elif function == 4:
            counts = self.line.counts()
            if len(counts) < len(CHANNELS):
                return ExcCodes.ILLEGAL_ADDRESS
            for name, count in counts.items():
                registers[CHANNELS[name]] = count
        return None


class Bus:
    """Wires, module, line and the guard's ``ModbusRelay``; ``settle`` waits for a round."""

    def __init__(self, line: Line, parity: str = "N") -> None:
        self.line, self.wire = line, Wire()
        self.module = Module(line, self.wire)
        self.siren = siren({
            "kind": "modbus", "port": self.wire.guard_end, "baud": 9600, "parity": parity,
            "unit": 1, "coil": COIL, "readback_input": PLACES["contact"],
            "isolate_coil": ISOLATE_COIL, "isolate_readback_input": PLACES["isolated"],
        })  # fmt: skip
        self.relay = modbus.ModbusRelay(self.siren)

    def settle(self) -> None:
        """Wait until the bus thread has written what is wanted and read back what came of it."""
        for _ in range(2):
            before, until_s = self.relay._round_s, time.monotonic() + WAIT_S
            self.relay._wake.set()
            while self.relay._round_s == before:
                assert time.monotonic() < until_s, "the bus thread does nothing"
                time.sleep(0.001)

    def close(self) -> None:
        self.relay.close()
        self.module.close()
        self.wire.close()
