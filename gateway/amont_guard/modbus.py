"""Drive a siren's relay on a Modbus RTU module; a thread of its own waits for the bus.

The loop posts what it wants and reads what the thread read last, so no bus can hold it up. What
is wanted is written in every round, which also feeds the module's own watchdog.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

import minimalmodbus  # type: ignore[import-untyped]  # ships no types
import serial  # type: ignore[import-untyped]  # ships no types

from .config import Siren
from .supervise import RelayError, points

ROUND_S = 0.5
ANSWER_S = 0.3  # a module answers in a few ms; 1,200 baud take 70 ms
TRIES = 3  # a disturbed frame is asked for again
STALE_S = 5.0  # longer than any round: then the thread hangs in the kernel
CLOSE_S = 3.0
_INPUTS, _REGISTERS = 2, 4  # Modbus function codes


class ModbusRelay:
    """A relay module with inputs and registers, found again by itself whenever it is lost."""

    simulated = False

    def __init__(self, siren: Siren) -> None:
        """Begin to ask the module, without switching anything; wait briefly for its answer."""
        self._output, (contacts, measures) = siren.output, points(siren)
        ats = {name: measure.at for name, measure in measures.items()}
        self._places = {_INPUTS: contacts, _REGISTERS: ats}  # by the function that reads them
        self._wanted: dict[int, bool] = {}  # by coil; empty before the first command
        self._found: dict[str, int] = {}
        self._error, self._round_s = "no answer yet", time.monotonic()
        self._closing = False
        self._wake, self._answered = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="modbus", daemon=True)
        self._thread.start()
        self._answered.wait(ANSWER_S * TRIES)

    def switch(self, on: bool, isolated: bool) -> None:
        """Post what is wanted."""
        wanted = {self._output["coil"]: on, self._output["isolate_coil"]: isolated}
        wanted.pop(None, None)
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    def read(self) -> dict[str, int]:
        """Return what the last round read; raise RelayError if that is not now."""
        if self._error or time.monotonic() - self._round_s > STALE_S:
            raise RelayError(f"{self._output['port']}: {self._error or 'hangs'}")
        return self._found

    def close(self) -> None:
        """Write what is wanted a last time and end the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        port: serial.Serial | None = None
        closing = False
        while not closing:
            closing = self._closing
            self._wake.clear()
            try:
                port = port or self._open()
                self._round(minimalmodbus.Instrument(port, self._output["unit"]))
                self._error = ""
            except Exception as error:  # as many kinds as libraries; none may end the thread
                self._error = str(error) or type(error).__name__
                gone, port = port, None
                with contextlib.suppress(Exception):  # as it may be when an adapter was pulled
                    _ = gone and gone.close()
            self._round_s = time.monotonic()
            self._answered.set()
            self._wake.wait(0 if closing else ROUND_S)

    def _open(self) -> serial.Serial:
        return serial.Serial(
            self._output["port"], self._output["baud"], parity=self._output["parity"],
            timeout=ANSWER_S, write_timeout=ANSWER_S, exclusive=True,
        )  # fmt: skip

    def _round(self, module: Any) -> None:
        for coil, on in self._wanted.items():
            _ask(module.write_bit, coil, on)
        found: dict[str, int] = {}
        for function, places in self._places.items():
            read = module.read_bits if function == _INPUTS else module.read_registers
            if places:
                # all in one question: a late answer cannot be taken for that of another place
                first, last = min(places.values()), max(places.values())
                try:
                    values = _ask(read, first, last - first + 1, function)
                except minimalmodbus.SlaveReportedException:
                    continue  # it lives, but has no such place: missing
                found |= {name: values[at - first] for name, at in places.items()}
        self._found = found


def _ask(question: Callable[..., Any], *args: Any) -> Any:
    for _ in range(TRIES - 1):
        with contextlib.suppress(minimalmodbus.MasterReportedException):
            return question(*args)
    return question(*args)
