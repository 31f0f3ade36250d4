# What the duty knows, over a boot: in flash, whole or not at all (see pair.py).
#
# A board whose power is cut between two wakes keeps all of it before it lets go, and goes on as if
# it had never slept. Any other keeps it after a wake that sent, and takes back after a boot what
# the air still remembers: the hour's airtime. What one wake sent is all that a power cut forgets.

from amont_node.pair import PairFile


class KeptDuty:
    def __init__(self, folder: str) -> None:
        self._pair = PairFile(folder, "duty")
        self._frames = 0  # of the duty when it was kept last

    # woke: the board went to sleep by itself and nothing has happened since. True: the duty goes
    # on; otherwise it begins anew.
    def recall(self, duty, tick_s: int, link_ms: int, woke: bool) -> bool:  # type: ignore[no-untyped-def]
        return bool(duty.recall(tick_s, link_ms, self._pair.load(), woke))

    # Raises OSError when it cannot be stored. sleeps: the memory is lost after this.
    def keep(self, duty, sleeps: bool) -> None:  # type: ignore[no-untyped-def]
        if sleeps or duty.airtime.frames != self._frames:
            self._pair.save(duty.keep())
            self._frames = duty.airtime.frames
