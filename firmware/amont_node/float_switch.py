# A float switch: what its pin says becomes closings, each told once. Loaded only where the
# configuration names one.

from amont_node.duty import FLOAT
from amont_wire.const import FAULT_PROBE

_STEADY_MS = 50  # a contact has bounced by then, and a wave has not gone by
_LOOK_MS = 10
_STUCK_S = 86400  # closed for so long is no flood any more


class FloatSwitch:
    # closed(): what the pin says now. pause_ms(ms): waits. was_closed: before this boot.
    def __init__(self, closed, pause_ms, was_closed: bool = False, since_s: int = 0) -> None:  # type: ignore[no-untyped-def]
        self._closed = closed
        self._pause_ms = pause_ms
        self.is_closed = was_closed
        self.since_s = since_s  # tick at which that began

    # Whether somebody should look now: it is not as it was. Cheap: asked between naps.
    def moved(self) -> bool:
        return bool(self._closed()) != self.is_closed

    # True: it has closed since it was asked last.
    def closes(self, tick_s: int) -> bool:
        if not self.moved():
            return False
        for _ in range(_STEADY_MS // _LOOK_MS):
            self._pause_ms(_LOOK_MS)
            if not self.moved():
                return False
        self.is_closed = not self.is_closed
        self.since_s = tick_s
        return self.is_closed

    # Caught, or its wire is shorted.
    def stuck(self, tick_s: int) -> bool:
        return self.is_closed and tick_s - self.since_s >= _STUCK_S

    # At the beginning of a wake.
    def tend(self, node) -> None:  # type: ignore[no-untyped-def]
        tick_s = node.tick_s()
        if self.closes(tick_s):
            node._awake.rouse()
            node._step((FLOAT, tick_s))
        self.fails(node)

    # Whether it can say nothing more until somebody has freed it; told.
    def fails(self, node) -> bool:  # type: ignore[no-untyped-def]
        tick_s = node.tick_s()
        worn = node.duty.float_worn(tick_s)
        if not worn and not self.stuck(tick_s):
            return False
        why = "closes again and again" if worn else "has been closed for a day"
        node._fault(FAULT_PROBE, "float switch: it " + why)
        return True


# wiring: config.FloatConfig.
def open_switch(node, wiring) -> FloatSwitch:  # type: ignore[no-untyped-def]
    hal, folder = node.hal, node._folder
    return FloatSwitch(
        lambda: hal.float_closed(folder, wiring), lambda ms: hal.rest(ms, node._dog)
    )
