"""What people see of the bridges by which the guard hears its nodes."""

from __future__ import annotations

import msgspec


class Bridge(msgspec.Struct, kw_only=True):
    """One bridge, as the guard tells of it; None is what it did not tell."""

    port: str  # as the site's file names it
    device: str = ""  # where it is plugged in now
    role: str = "listen"  # "transmit" | "listen"
    connected: bool = False
    radio: str = ""  # "simulated" | "idle" | "listens" | "fault"; empty: not told
    version: int | None = None
    id: str = ""  # the board's own number
    frames: int = 0  # that it handed over since the guard's start
    heard_s: int | None = None  # since the newest of them
    damaged: int = 0  # lines that came damaged
    crc_errors: int | None = None  # frames that came damaged by the air, as the next five
    airtime_ms: int | None = None  # sent in the hour that is running
    waiting: int | None = None  # downlinks that wait for their node
    sent: int | None = None  # downlinks
    refused: int | None = None  # how often airtime held something up
    lost: int | None = None  # lines that the guard did not take
