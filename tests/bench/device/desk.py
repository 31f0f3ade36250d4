# The node's own program on a desk: a clock and an air in our hand, everything else as it ships.

from amont_node.app import Node


class DeskClock:
    # Both clocks move together; only the desk moves them.
    def __init__(self, now_s: int = 0) -> None:
        self.ms = now_s * 1000

    def now_s(self) -> int:
        return self.ms // 1000

    def link_ms(self) -> int:
        return self.ms

    def real_ms_until(self, clock_s: int) -> int:
        return max(0, clock_s * 1000 - self.ms)

    def is_virtual(self) -> bool:
        return True


class DeskNode(Node):
    desk = DeskClock()  # replaced before a node is made
    air = None  # its carrier; None: the one that its configuration names
    silent = True  # faults are counted, not printed

    @property
    def clock(self):  # type: ignore[no-untyped-def]
        return self.desk

    @clock.setter
    def clock(self, of_the_board) -> None:  # type: ignore[no-untyped-def]
        pass

    def _make_carrier(self):  # type: ignore[no-untyped-def]
        return self.air if self.air is not None else super()._make_carrier()

    def _fault(self, bit: int, error) -> None:  # type: ignore[no-untyped-def]
        if self.silent:
            self._fault_bits |= bit
        else:
            super()._fault(bit, error)

    # When something is due again: (clock_s, link_ms or None).
    def next_due(self):  # type: ignore[no-untyped-def]
        due_s, due_ms = self.duty.due(self.desk.link_ms())
        return due_s + self._life.origin_s, due_ms

    def _sleep(self) -> None:
        pass
