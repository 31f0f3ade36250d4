# The radio port: what every radio of ours can do, so that neither the node's carrier nor the
# bridge knows which one it has. Adapters: radio_sx126x (SX1261/SX1262 over SPI), radio_rak3172
# (a module with AT commands), radio_sim (datagrams). One suite of tests holds them all to this.
#
#   configure(listen)     what to listen to from the next receive() on: a list of Modulation. One:
#                         continuously. More: the adapter goes round them (`scans` says whether it
#                         can). Ends a reception that was going on. Does not speak to the chip.
#   send(frame, modulation)  puts it on the air and returns when it is over: at most its time on
#                         air and 200 ms. False: it was not sent, and `fault` says why. It ends any
#                         reception; the next receive() begins another.
#   receive(wait_ms)      the next frame as (frame, rssi_dbm, snr_db4, index in listen), or None
#                         when none has come within wait_ms (0: only what is there). Begins to
#                         listen if it does not yet, and goes on after it has returned, until
#                         send(), sleep() or configure(). Damaged frames are counted in crc_errors
#                         and never given out.
#   hears()               a frame is coming in this moment, as far as the radio tells; one that
#                         cannot tell says False.
#   sleep()               least current, nothing is heard; whatever is done next wakes it.
#   close()               for good: pins and files are let go.
#   time_on_air_us(size, modulation)
#   fault                 "" while all is well, else what was wrong last, in one line. A radio that
#                         has failed is reset and begun again by the next send(), and by receive()
#                         once in RETRY_MS; while it is away receive() takes its wait_ms all the
#                         same, so that nobody turns in circles.
#   crc_errors, frames_in, frames_out, resets: counted since the start
#   pollable              what select.poll() takes to wait for a frame; None: there is none
#   scans                 whether it can listen to more than one Modulation
#   alone                 whether it hears on while the processor sleeps lightly, and keeps a frame
#
# None of them raises, and none waits without an end, whatever the chip does. Only making an
# adapter raises: RadioFault or ConfigError for settings with which it could never work.

from amont_wire.airtime import time_on_air_ms

SEND_MARGIN_MS = 200  # what a send may take beyond the time on air
RETRY_MS = 1000  # the least time between two resets by receive()
SYNC_WORD = 0x12  # private networks; an SX126x calls it 0x1424
FRAME_BYTES_MAX = 255


# The chip is absent, busy for ever, or its answer is none: the text says which.
class RadioFault(OSError):
    pass


# How a frame is on the air. freq_khz: middle of the channel. cr: 5 to 8 for 4/5 to 4/8. preamble:
# symbols. inverted: IQ, as bridges send and nodes listen. power_dbm only matters for sending.
class Modulation:
    def __init__(
        self,
        freq_khz: int,
        sf: int,
        bw_khz: int = 125,
        cr: int = 5,
        preamble: int = 8,
        power_dbm: int = 14,
        inverted: bool = False,
    ) -> None:
        self.freq_khz = freq_khz
        self.sf = sf
        self.bw_khz = bw_khz
        self.cr = cr
        self.preamble = preamble
        self.power_dbm = power_dbm
        self.inverted = inverted

    # Whether a receiver at `other` hears what is sent with this: the length of the preamble, the
    # coding rate (the header tells it) and the power do not matter for that.
    def meets(self, other: "Modulation") -> bool:
        return (
            self.freq_khz == other.freq_khz
            and self.sf == other.sf
            and self.bw_khz == other.bw_khz
            and self.inverted == other.inverted
        )


# What adapters have in common.
class RadioPort:
    scans = False
    alone = False

    def __init__(self) -> None:
        self.fault = ""
        self.crc_errors = 0
        self.frames_in = 0
        self.frames_out = 0
        self.resets = 0
        self.pollable: object = None
        self.listen: list[Modulation] = []

    def configure(self, listen: list[Modulation]) -> None:
        self.listen = list(listen)

    def hears(self) -> bool:
        return False

    def time_on_air_us(self, size: int, modulation: Modulation) -> int:
        m = modulation
        return time_on_air_ms(size, m.sf, m.bw_khz, m.cr, m.preamble) * 1000
