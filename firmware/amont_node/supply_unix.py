# The rest of hal_unix, for a board whose sleep forgets; the twin of supply_board.

import time

_EXIT_DEEP_SLEEP = 75
_LOOK_MS = 50


# A clock chip that is a file `rtc` in the node's folder: how far it is ahead of the node's clock.
# Without the file it had stopped. Its alarm is what release_supply() waits for.
class ClockChip:
    LEAST_S = 0

    def __init__(self, path: str, clock) -> None:  # type: ignore[no-untyped-def]
        self._path = path
        self._clock = clock

    def read_s(self) -> int | None:
        try:
            with open(self._path) as file:
                return int(self._clock.now_s()) + int(file.read())
        except (OSError, ValueError):
            return None

    def set_s(self, at_s: int) -> None:
        with open(self._path, "w") as file:
            file.write(str(at_s - self._clock.now_s()))

    def arm(self, at_s: int) -> int:
        return at_s

    def fired(self) -> bool:
        return False

    def release(self) -> None:
        pass


def clock_chip(folder: str, board, clock) -> ClockChip:  # type: ignore[no-untyped-def]  # noqa: ARG001
    return ClockChip(folder + "/rtc", clock)


def set_wall(wall_s: int) -> None:
    pass  # the host's


def hold_supply(pin: int | None) -> None:
    pass


# Who plays the supply starts it again at once, so the time without one passes here.
def release_supply(pin: int | None, clock, until_s: int, moved) -> None:  # type: ignore[no-untyped-def]  # noqa: ARG001
    while moved is None or not moved():
        left_ms = clock.real_ms_until(until_s)
        if left_ms == 0:
            break
        time.sleep(_LOOK_MS / 1000 if left_ms is None else min(left_ms, _LOOK_MS) / 1000)
    raise SystemExit(_EXIT_DEEP_SLEEP)


def deep_sleep(clock, until_s: int, wiring, moved) -> None:  # type: ignore[no-untyped-def]  # noqa: ARG001
    release_supply(None, clock, until_s, moved)
