# The node's clock by a clock chip: whatever the chip, the board and the guard do, it never goes
# back, and never ahead of what has passed.

from world import Random

from amont_node.gate import ChipClock
from amont_node.measure import ProbeError
from amont_node.pair import PairFile, make_folder
from amont_wire.const import TIME_FREE, TIME_SYNCED, TIME_UNKNOWN

START_S = 1767225600


class Board:
    now = 100
    rate = 1000  # of its clock, against the world's
    stands_at = None

    def now_s(self) -> int:
        if self.stands_at is not None:
            return self.stands_at
        return self.now * self.rate // 1000

    def link_ms(self) -> int:
        return self.now_s() * 1000

    def real_ms_until(self, clock_s: int) -> int:
        return (clock_s - self.now_s()) * 1000

    def is_virtual(self) -> bool:
        return False


class Chip:
    LEAST_S = 946684800

    def __init__(self, board: Board, at_s) -> None:
        self._board = board
        self.ahead_s = None if at_s is None else at_s - board.now
        self.says = None  # or what it says instead, one after the other

    def read_s(self):
        if self.says:
            said = self.says.pop(0)
            if said is ProbeError:
                raise ProbeError("nobody")
            return said
        return None if self.ahead_s is None else self._board.now + self.ahead_s

    def set_s(self, at_s: int) -> None:
        assert at_s >= self.LEAST_S
        self.ahead_s = at_s - self._board.now


def wall() -> PairFile:
    make_folder("wall")
    pair = PairFile("wall", "wall")
    pair.save(None)
    return pair


def made(at_s=START_S):
    board = Board()
    chip = Chip(board, at_s)
    return board, chip, ChipClock(board, chip, wall())


def check_time_goes_on_by_the_chip() -> None:
    board, _, clock = made()
    assert clock.goes_on and clock.kind == "chip" and clock.now_s() == START_S
    assert clock.real_ms_until(START_S + 60) == 60000 and not clock.is_virtual()
    board.now += 900
    assert clock.now_s() == START_S + 900 and clock.link_ms() == 1000000


def check_a_board_that_stands_still_in_its_sleep() -> None:
    board, _, clock = made()
    board.stands_at = board.now
    board.now += 3000
    assert clock.now_s() == START_S
    clock.ask()
    assert clock.now_s() == START_S + 3000 and clock.why == ""


def check_a_chip_that_stood_still_is_set_once() -> None:
    board, chip, clock = made(None)
    assert not clock.goes_on and clock.kind == "chip" and clock.now_s() == Chip.LEAST_S
    board.now += 900
    chip.ahead_s = None
    assert clock.now_s() == Chip.LEAST_S + 900  # its own ticks, no jump
    assert "stopped" in clock.why and chip.ahead_s is None


def check_a_chip_that_cannot_be_read_or_set() -> None:
    board = Board()
    for says in ([ProbeError], [None, None]):
        chip = Chip(board, START_S)
        chip.says = says
        chip.set_s = lambda at_s: None
        clock = ChipClock(board, chip, wall())
        assert clock.kind == "" and not clock.goes_on and clock.why
        board.now += 900
        assert clock.now_s() == board.now
        clock.set_wall(START_S, TIME_SYNCED)
        assert clock.wall_s() is None


def check_what_it_says_is_not_believed_at_once() -> None:
    for says in (
        [START_S + 99999, START_S + 61], [ProbeError], [START_S - 500, START_S - 500],
        [START_S + 500 * 86400, START_S + 500 * 86400],
    ):  # fmt: skip
        board, chip, clock = made()
        board.now += 61
        chip.says = says
        assert clock.now_s() == START_S + 61 and clock.why, says
        board.now += 61
        assert clock.now_s() == START_S + 122 and not clock.why


# Thousands of steps: boots, sleeps, wrong readings, clocks that run apart, SET_TIME of any kind.
def check_ticks_never_jump_whatever_is_told() -> None:
    for seed in range(20):
        random = Random(seed)
        board, chip, clock = made(START_S + random.below(10**6))
        origin_s = chip.ahead_s
        for _ in range(150):
            before_s = clock.now_s()
            passed_s = random.below(3000)
            board.rate = 990 + random.below(21)
            board.now += passed_s
            event = random.below(8)
            if event == 0:
                clock = ChipClock(board, chip, clock._wall)
            elif event == 1:
                clock.set_wall(random.below(1 << 32), random.below(3))
            elif event == 2:
                chip.says = [random.below(1 << 32), random.below(1 << 32)]
            elif event == 3:
                chip.says = [ProbeError]
            if event in (0, 1):
                assert abs(clock.now_s() - origin_s - board.now) < 60 + board.now // 50
            now_s = clock.now_s()
            chip.says = None
            assert now_s >= before_s or event == 0, (seed, event)
            # The board's clock may be off by a hundredth of all that passed since the chip spoke.
            assert now_s - before_s <= passed_s + 20 + board.now // 50, (seed, event)


def check_set_time() -> None:
    board, _, clock = made()
    assert clock.wall_s() is None
    for wall_s, quality, known_s in (
        (1800000000, TIME_UNKNOWN, None), (1800000000, TIME_FREE, 1800000000),
        (1800000009, TIME_SYNCED, 1800000009), (1700000000, TIME_FREE, 1800000009),
        (1800000010, TIME_SYNCED, 1800000009), (1800000050, TIME_SYNCED, 1800000050),
    ):  # fmt: skip
        clock.set_wall(wall_s, quality)
        assert clock.wall_s() == known_s
        assert clock.now_s() == START_S
    board.now += 900
    again = ChipClock(board, Chip(board, START_S + 900), PairFile("wall", "wall"))
    assert again.wall_s() == 1800000950
    assert ChipClock(board, Chip(board, None), PairFile("wall", "wall")).wall_s() is None
