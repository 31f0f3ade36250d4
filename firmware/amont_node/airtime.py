# How long the radio may send: never over its share of any sliding hour. Pure; integers.
#
# What was sent is summed up by the minute of its beginning. A minute counts until the last frame
# that may have begun in it has left the hour: so at no second is the sum over any 3600 s above the
# budget, and a burst can never ride on two halves of one.
#
# Of the budget the backlog may use half and new samples three quarters: what is left belongs to
# urgent frames. Nothing is lost for want of airtime, it waits in the outbox.

_MINUTE_S = 60
# 60 minutes, the one that is cut by the hour's edge, and one for frames that were still on the
# air (at most 10 s) and for the second that a tick is rounded down by.
_KEPT_MINUTES = 62
_HOUR_MS = 3600000

# Who asks: the share of the budget in quarters up to which each may fill it.
BACKLOG = 2
USUAL = 3
URGENT = 4
_QUARTERS = 4


# Semtech AN1200.13: explicit header, CRC on. sf 7 to 12, cr 5 to 8 for 4/5 to 4/8. Rounded up.
def time_on_air_ms(size: int, sf: int, bw_khz: int, cr: int, preamble: int) -> int:
    symbol_us = (1 << sf) * 1000 // bw_khz
    slow = 1 if symbol_us >= 16000 else 0  # low data rate optimisation
    bits = 8 * size - 4 * sf + 28 + 16
    blocks = max(0, -(-bits // (4 * (sf - 2 * slow))))
    symbols4 = 4 * (preamble + 8 + blocks * cr) + 17  # quarters: the preamble has 4.25 more
    return -(-symbols4 * symbol_us // 4000)


class Airtime:
    # lora: see config.LoraConfig; None: a carrier without such a limit.
    def __init__(self, lora, permille: int, frame_bytes: int) -> None:  # type: ignore[no-untyped-def]
        self._frame_bytes = frame_bytes
        self.configure(lora, permille)
        self._minutes = [0] * _KEPT_MINUTES  # ring: ms that began in each
        self._newest = 0  # minute that the ring ends with
        self._asked = [False] * (_QUARTERS + 1)  # who was refused and has not sent since
        self._last_s = -_HOUR_MS  # tick of the last frame
        self.refused = 0  # how often somebody had to wait

    def configure(self, lora, permille: int) -> None:  # type: ignore[no-untyped-def]
        self._lora = lora
        self._budget_ms = _HOUR_MS // 1000 * permille
        self._longest_ms = self.frame_ms(self._frame_bytes)

    # 0 where nothing limits.
    def frame_ms(self, size: int) -> int:
        lora = self._lora
        if lora is None:
            return 0
        size += lora.overhead_bytes
        return time_on_air_ms(size, lora.sf, lora.bw_khz, lora.cr, lora.preamble)

    # True: the longest frame may begin now.
    def allows(self, tick_s: int, who: int) -> bool:
        if self._lora is None:
            return True
        most_ms = self._budget_ms * who // _QUARTERS
        used_ms = self.used_ms(tick_s)
        allowed = used_ms + self._longest_ms <= most_ms
        if who == USUAL and 2 * used_ms > most_ms:
            # Half is gone: from here on evenly, or the hour would end in silence.
            allowed = allowed and (tick_s - self._last_s) * most_ms >= self._longest_ms * 3600
        if not allowed and not self._asked[who]:
            self.refused += 1
        self._asked[who] = not allowed
        return allowed

    # A frame of so many bytes was sent.
    def sent(self, tick_s: int, size: int) -> None:
        self._go_to(tick_s)
        self._minutes[self._newest % _KEPT_MINUTES] += self.frame_ms(size)
        self._last_s = tick_s

    # In any hour that ends now or later and holds something of the past.
    def used_ms(self, tick_s: int) -> int:
        self._go_to(tick_s)
        return sum(self._minutes)

    # True: somebody waits for airtime.
    def short(self) -> bool:
        return True in self._asked

    # --- over a sleep that forgets

    def keep(self):  # type: ignore[no-untyped-def]
        spent = []
        for minute in range(self._newest - _KEPT_MINUTES + 1, self._newest + 1):
            if self._minutes[minute % _KEPT_MINUTES]:
                spent.append([minute, self._minutes[minute % _KEPT_MINUTES]])
        return [self._newest, self._last_s, self.refused, spent]

    # kept: what keep() gave, on the same ticks. None: nobody knows what was sent before; then half
    # of the budget counts as sent now.
    def recall(self, tick_s: int, kept) -> None:  # type: ignore[no-untyped-def]
        self._go_to(tick_s)
        if kept is None:
            self._minutes[self._newest % _KEPT_MINUTES] += self._budget_ms // 2
            return
        self._newest, self._last_s, self.refused, spent = kept
        self._minutes = [0] * _KEPT_MINUTES
        for minute, spent_ms in spent:
            self._minutes[minute % _KEPT_MINUTES] = spent_ms

    # A clock that goes back frees nothing.
    def _go_to(self, tick_s: int) -> None:
        minute = tick_s // _MINUTE_S
        if minute - self._newest >= _KEPT_MINUTES:
            self._newest = minute
            self._minutes = [0] * _KEPT_MINUTES
        while self._newest < minute:
            self._newest += 1
            self._minutes[self._newest % _KEPT_MINUTES] = 0
