# What must never go back, in flash: the uplink counter, the life number and its clock's origin.

from amont_node.pair import PairFile
from amont_wire.counters import BLOCK, ReservedCounter

LIFE_MAX = 4095  # 12 bits; then the node needs a new key generation


class NeedsGeneration(Exception):
    pass


# The uplink counter of one key generation: blocks are reserved durably before their first use.
def stored_counter(folder: str, generation: int) -> ReservedCounter:
    pair = PairFile(folder, "uplink")
    stored = pair.load()
    start = 0
    if isinstance(stored, dict) and stored.get("generation", 0) > generation:
        # An older configuration: its counters were used, and how far is forgotten.
        raise NeedsGeneration(
            "generation %d: this flash has used %d" % (generation, stored["generation"])
        )
    if isinstance(stored, dict) and stored.get("generation") == generation:
        # The damaged copy may have been the newer one, by a block.
        start = stored["limit"] + (BLOCK if pair.damaged else 0)
    elif stored is None and pair.damaged:
        # Starting again at 1 would use counters twice.
        raise NeedsGeneration("both copies of the counter are damaged")

    def reserve(limit: int) -> None:
        pair.save({"generation": generation, "limit": limit})

    return ReservedCounter(start, reserve)


# A life is a stretch in which the node's clock ran without a break; ticks count from its origin.
class Life:
    def __init__(self, number: int, origin_s: int, fresh: bool) -> None:
        self.number = number
        self.origin_s = origin_s  # of the node's clock, at tick 0
        self.fresh = fresh  # began with this boot


class LifeStore:
    def __init__(self, folder: str, generation: int) -> None:
        self._pair = PairFile(folder, "life")
        self._generation = generation
        stored = self._pair.load()
        self._stored = stored if isinstance(stored, dict) else {}
        # The damaged copy may have been the newer one: then its life number is used up as well.
        self._lost = 1 if self._pair.damaged else 0
        if not self._stored and self._pair.damaged:
            raise NeedsGeneration("both copies of the life number are damaged")
        self.boots = self._stored.get("boots", 0) + 1

    # The stored life, or None if a new one has to begin.
    # clock: whose seconds it has to count in.
    def current(self, clock: str = "") -> Life | None:
        if self._stored.get("generation") != self._generation or self._lost:
            return None
        if self._stored.get("clock", "") != clock:
            return None
        return Life(self._stored["life"], self._stored["origin_s"], False)

    # Numbers go on through a new generation: the outbox still holds lives of the one before, and
    # none of them may be lived again.
    def begin(self, origin_s: int, clock: str = "") -> Life:
        number = self._stored["life"] + 1 + self._lost if self._stored else 0
        if number > LIFE_MAX:
            if self._stored.get("generation") == self._generation:
                raise NeedsGeneration("life %d is over %d" % (number, LIFE_MAX))
            number = 0
        self._save(number, origin_s, clock)
        return Life(number, origin_s, True)

    # Count this boot within a life that goes on.
    def go_on(self, life: Life) -> None:
        self._save(life.number, life.origin_s, self._stored.get("clock", ""))

    def _save(self, number: int, origin_s: int, clock: str = "") -> None:
        self._stored = {
            "generation": self._generation,
            "life": number,
            "origin_s": origin_s,
            "boots": self.boots,
        }
        if clock:
            self._stored["clock"] = clock
        self._pair.save(self._stored)
