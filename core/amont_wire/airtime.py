# How long the radio may send: never over its share of any sliding hour. Pure; integers.
#
# What was sent is summed up by the minute of its beginning. A minute counts until the last frame
# that may have begun in it has left the hour: so at no second is the sum over any 3600 s above the
# budget, and a burst can never ride on two halves of one.
#
# Of the budget the backlog may use a quarter and new samples half: what is left belongs to urgent
# frames, at least a quarter. Nothing is lost for want of airtime, it waits in the outbox.

_MINUTE_S = 60
# 60 minutes, the one that is cut by the hour's edge, and one for frames that were still on the
# air (at most 10 s) and for the second that a tick is rounded down by.
_KEPT_MINUTES = 62
_HOUR_MS = 3600000

# Who asks, and who has sent.
BACKLOG = 0
USUAL = 1
URGENT = 2

PREAMBLE = 8  # symbols, for a receiver that listens all the time
# After the look that sees it a receiver needs some of the preamble to lock on (SX1261/2 data
# sheet, 6.1.1.1: at least 6 for SF5 and SF6; the usual 8 are made for no more).
_LOCK_SYMBOLS = 6
# What a look needs beside its symbols: six commands over SPI (channel, modulation, CAD) from
# MicroPython and the interrupt seen by polling, 1.6 ms of a simulated bus, 3 on a slow board; and
# 2 ms in which a TCXO starts anew each time.
_LOOK_OVERHEAD_US = 5000


# Semtech AN1200.13: explicit header, CRC on. sf 7 to 12, cr 5 to 8 for 4/5 to 4/8. Rounded up.
def time_on_air_ms(size: int, sf: int, bw_khz: int, cr: int, preamble: int) -> int:
    symbol_us = (1 << sf) * 1000 // bw_khz
    slow = 1 if symbol_us >= 16000 else 0  # low data rate optimisation
    bits = 8 * size - 4 * sf + 28 + 16
    blocks = max(0, -(-bits // (4 * (sf - 2 * slow))))
    symbols4 = 4 * (preamble + 8 + blocks * cr) + 17  # quarters: the preamble has 4.25 more
    return -(-symbols4 * symbol_us // 4000)


# A look for a preamble (channel activity detection): symbols of CAD as Semtech AN1200.48 advises
# for 125 kHz, and about half a symbol of work (data sheet, 13.1.8), and what a board adds.
def look_us(sf: int) -> int:
    symbols2 = 5 if sf <= 8 else 9  # halves: 2 or 4 symbols, and one half
    return symbols2 * (1 << sf) * 4 + _LOOK_OVERHEAD_US


# Symbols of preamble that an uplink at `sf` needs so that a bridge which looks at each of so many
# channels at each of `sfs` in turns sees it. It may begin just after its look began, so the circle
# has to close, and the look to end, before the preamble has gone but for what locks the receiver.
def scan_preamble(channels: int, sfs: list[int], sf: int) -> int:
    if channels * len(sfs) < 2:
        return PREAMBLE
    circle_us = channels * sum([look_us(other) for other in sfs])
    return _LOCK_SYMBOLS + -(-(circle_us + look_us(sf)) // ((1 << sf) * 8))


# How frames are on the air whose length is to be known: a carrier's or a bridge's settings.
class Lora:
    def __init__(self, sf: int, preamble: int = PREAMBLE, overhead_bytes: int = 0) -> None:
        self.sf = sf
        self.bw_khz = 125
        self.cr = 5
        self.preamble = preamble
        self.overhead_bytes = overhead_bytes


# Whether even the backlog's share holds one frame.
def fits(lora, permille: int, frame_bytes: int) -> bool:  # type: ignore[no-untyped-def]
    return Airtime(lora, permille, frame_bytes).allows(0, BACKLOG)


class Airtime:
    # lora: see config.LoraConfig; None: a carrier without such a limit. usual: quarters of the
    # budget that new samples may use, or a bridge's acknowledgements.
    def __init__(self, lora, permille: int, frame_bytes: int, usual: int = 2) -> None:  # type: ignore[no-untyped-def]
        self._frame_bytes = frame_bytes
        self._usual = usual
        self.configure(lora, permille)
        # Rings of ms that began in each minute, up to the newest: of the backlog, of all else.
        self._old = [0] * _KEPT_MINUTES
        self._new = [0] * _KEPT_MINUTES
        self._newest = 0
        self._waits = [False] * 3  # who was refused and has not sent since
        self._last_s = 0  # tick of the last frame that was none of the backlog's
        self._last_ms = 0  # and how long it was
        self.refused = 0  # how often somebody had to wait
        self._told = 0  # of these, in health messages
        self.frames = 0  # sent since this boot

    def configure(self, lora, permille: int) -> None:  # type: ignore[no-untyped-def]
        self._lora = lora
        self._budget_ms = _HOUR_MS // 1000 * permille
        self._longest_ms = self.frame_ms(self._frame_bytes)

    def is_limited(self) -> bool:
        return self._lora is not None

    # 0 where nothing limits.
    def frame_ms(self, size: int) -> int:
        lora = self._lora
        if lora is None:
            return 0
        size += lora.overhead_bytes
        return time_on_air_ms(size, lora.sf, lora.bw_khz, lora.cr, lora.preamble)

    # True: a frame so long may begin now; 0: the longest.
    def allows(self, tick_s: int, who: int, length_ms: int = 0) -> bool:
        if self._lora is None:
            return True
        self._go_to(tick_s)
        paced = who != USUAL or self._paced(tick_s, length_ms or self._last_ms)
        allowed = self._holds(who, length_ms or self._longest_ms) and paced
        if not allowed and not self._waits[who]:
            self.refused += 1
        self._waits[who] = not allowed
        return allowed

    def _holds(self, who: int, length_ms: int) -> bool:
        budget_ms = self._budget_ms
        old_ms = sum(self._old)
        new_ms = sum(self._new)
        total_ms = old_ms + new_ms + length_ms
        if who == URGENT:
            return total_ms <= budget_ms
        if who == USUAL and 4 * (new_ms + length_ms) > self._usual * budget_ms:
            return False
        if who == BACKLOG and 4 * (old_ms + length_ms) > budget_ms:
            return False
        return 4 * total_ms <= 3 * budget_ms

    # Once scarce, new samples go as often as an hour bears, and a fifth as often when seven
    # eighths of their share are gone: no hour that began with a burst ends in silence.
    def _paced(self, tick_s: int, length_ms: int) -> bool:
        if not self.scarce(tick_s):
            return True
        share = self._usual * self._budget_ms
        gaps = 1 if 32 * sum(self._new) <= 7 * share else 5
        return (tick_s - self._last_s) * share >= gaps * 4 * length_ms * 3600

    # Half of what new samples may use is gone: nothing should be told twice.
    def scarce(self, tick_s: int) -> bool:
        self._go_to(tick_s)
        return self._lora is not None and 8 * sum(self._new) > self._usual * self._budget_ms

    # A frame of so many bytes was sent.
    def sent(self, tick_s: int, size: int, who: int) -> None:
        self.sent_ms(tick_s, self.frame_ms(size), who)

    # A frame was on the air for so long, whatever its modulation.
    def sent_ms(self, tick_s: int, length_ms: int, who: int) -> None:
        self._go_to(tick_s)
        ring = self._old if who == BACKLOG else self._new
        ring[self._newest % _KEPT_MINUTES] += length_ms
        self.frames += 1
        if who != BACKLOG:
            self._last_s = tick_s
            self._last_ms = length_ms

    # In any hour that ends now or later and holds something of the past.
    def used_ms(self, tick_s: int) -> int:
        self._go_to(tick_s)
        return sum(self._old) + sum(self._new)

    # True: somebody waits for airtime.
    def short(self) -> bool:
        return True in self._waits

    # Whether somebody had to wait since this was asked last.
    def news(self) -> bool:
        told, self._told = self._told, self.refused
        return self.short() or told != self.refused

    # Nobody knows what was sent before: a quarter of the budget counts as sent now.
    def assume(self, tick_s: int) -> None:
        self.before(tick_s, self._budget_ms // 4)

    # So much was sent, nobody knows when in the hour before: it counts as sent now.
    def before(self, tick_s: int, length_ms: int) -> None:
        self._go_to(tick_s)
        self._new[self._newest % _KEPT_MINUTES] += length_ms

    # A clock that goes back frees nothing.
    def _go_to(self, tick_s: int) -> None:
        minute = tick_s // _MINUTE_S
        for _ in range(min(minute - self._newest, _KEPT_MINUTES)):
            self._newest += 1
            self._old[self._newest % _KEPT_MINUTES] = 0
            self._new[self._newest % _KEPT_MINUTES] = 0
        self._newest = max(self._newest, minute)
