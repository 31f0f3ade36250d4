# Which samples still wait for their sealed acknowledgement. In memory only, no I/O.
#
# One Span per life: every sequence number from `first` to `last` is waiting, but for those whose
# bit is set in `done` (bit i: first + i is acknowledged, or was never readable).


class Span:
    def __init__(self, life: int, first: int) -> None:
        self.life = life
        self.first = first  # oldest that waits; last + 1 when none does
        self.last = first - 1  # newest that was stored
        self.done = 0

    def add(self, seq: int) -> None:
        # A jump means that what lies between is not readable: nobody needs to wait for it.
        missing = seq - self.last - 1
        if missing > 0:
            self.done |= ((1 << missing) - 1) << (self.last + 1 - self.first)
        self.last = max(self.last, seq)
        self._settle()

    # Count those waiting.
    def waiting(self) -> int:
        count = self.last - self.first + 1
        done = self.done
        while done:
            count -= done & 1
            done >>= 1
        return count

    def waits(self, seq: int) -> bool:
        return self.first <= seq <= self.last and not (self.done >> (seq - self.first)) & 1

    # Nothing below `first` waits any longer.
    def forget_below(self, first: int) -> None:
        if first > self.first:
            first = min(first, self.last + 1)
            self.done >>= first - self.first
            self.first = first
            self._settle()

    def mark(self, seq: int) -> None:
        if self.first <= seq <= self.last:
            self.done |= 1 << (seq - self.first)
            self._settle()

    def _settle(self) -> None:
        while self.done & 1:
            self.done >>= 1
            self.first += 1


class Spans:
    def __init__(self) -> None:
        self._spans: list[Span] = []  # by life, oldest first

    def add(self, life: int, seq: int) -> None:
        span = self.get(life)
        if span is None:
            span = Span(life, seq)
            self._spans.append(span)
        span.add(seq)

    def get(self, life: int) -> Span | None:
        for span in self._spans:
            if span.life == life:
                return span
        return None

    def all(self) -> list[Span]:
        return self._spans

    def waiting(self) -> int:
        return sum([span.waiting() for span in self._spans])

    # What an acknowledgement says: everything up to `through` (None: nothing), and for each set
    # bit i of `bits` the sample through + 1 + i. False if it speaks of samples that this life
    # never made: then it is not about this flash, and nothing may be dropped for it.
    def ack(self, life: int, through: int | None, bits: int) -> bool:
        span = self.get(life)
        if span is None:
            return through is None and not bits
        base = 0 if through is None else through + 1
        if base - 1 > span.last or base + _bit_length(bits) - 1 > span.last:
            return False
        seq = base
        while bits:
            if bits & 1:
                span.mark(seq)
            bits >>= 1
            seq += 1
        span.forget_below(base)
        return True

    # Drop the lives that have nothing left, but for the newest.
    def prune(self) -> None:
        newest = self._spans[-1:]
        self._spans = [s for s in self._spans[:-1] if s.first <= s.last] + newest


# int.bit_length is missing on MicroPython.
def _bit_length(value: int) -> int:
    length = 0
    while value:
        value >>= 1
        length += 1
    return length
