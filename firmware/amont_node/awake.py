# How long a node has been awake without a pause, and when it has to stop: then it leaves its
# carrier alone until the next sample is due. Only frames that wait for an answer keep it awake,
# and an update that is coming in.


class Awake:
    def __init__(self, most_s: int) -> None:
        self._most_ms = most_s * 1000
        self._since_ms: int | None = None
        self._rest_s: int | None = None  # of the node's clock

    # listens: something may come now.
    def note(self, link_ms: int, listens: bool) -> None:
        if not listens or self._rest_s is not None:
            self._since_ms = None
        elif self._since_ms is None:
            self._since_ms = link_ms

    # At the end of a wake; due_s: when the next sample is due.
    def bound(self, link_ms: int, due_s: int) -> None:
        if self._since_ms is not None and link_ms - self._since_ms > self._most_ms:
            self._since_ms = None
            self._rest_s = due_s

    def rests(self, now_s: int) -> bool:
        if self._rest_s is not None and now_s >= self._rest_s:
            self._rest_s = None
        return self._rest_s is not None

    # Something happened that cannot wait for the next sample.
    def rouse(self) -> None:
        self._rest_s = None
