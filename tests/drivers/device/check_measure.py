# Many pings to one value, honestly; calibration; the speed of sound.

from amont_node.drivers.burst import Burst, median, spread
from amont_node.drivers.sound import corrected_mm, echo_mm, sound_mm_s
from amont_node.measure import ProbeError, Reading, calibrated, nearest, take

GOOD, SUSPECT, OUT_OF_RANGE, FAULT, MISSING = 0, 1, 2, 3, 4


# Gives one list of pings after the other.
class Pings:
    def __init__(self, values) -> None:
        self._values = list(values)
        self.asked = 0

    def __call__(self):
        self.asked += 1
        return self._values.pop(0)


def burst(**more) -> Burst:
    settings = {"pings": 7, "spread_max": 150, "step_max": 500, "low": 31, "high": 4500}
    for name in more:
        settings[name] = more[name]
    return Burst(**settings)


def check_median_and_spread() -> None:
    assert median([5]) == 5 and median([9, 1, 5]) == 5 and median([1, 2]) == 2
    assert median([1, 4]) == 3 and median([-4, -1]) == -2
    assert spread([7]) == 0 and spread([1, 100]) == 99
    # One raindrop and one echo from the bank among seven.
    assert spread([1000, 1002, 1001, 200, 1003, 4400, 1002]) == 3
    assert spread([1000, 1200, 1000, 1200, 1000, 1200, 1000]) == 200


def check_nearest() -> None:
    assert [nearest(n, 4) for n in (-3, -2, -1, 0, 1, 2, 3, 5, 6)] == [-1, 0, 0, 0, 0, 1, 1, 1, 2]


# c = 331.3 + 0.606 T: 331.3 m/s at 0 degrees, 343.4 at 20, 319.2 at -20.
def check_speed_of_sound() -> None:
    assert sound_mm_s(0) == 331300
    assert sound_mm_s(2000) == 343420
    assert sound_mm_s(-2000) == 319180
    # 2 m at 20 degrees is 11648 us there and back; 10 K colder, the same time is 35 mm less.
    assert echo_mm(11648, 2000) == 2000
    assert echo_mm(11648, 1000) == 1965
    assert corrected_mm(2000, 1000, 2000) == 1965
    assert corrected_mm(1965, 2000, 1000) == 2000


def check_calibration_rounds_to_nearest() -> None:
    assert calibrated(1234, None) == 1234
    stage = {"multiply": -1, "divide": 1, "add": 5000}
    assert calibrated(1234, stage) == 3766
    loop = {"multiply": 5000, "divide": 16000, "add": -1250}
    assert [calibrated(ua, loop) for ua in (4000, 12000, 20000, 12001, 12002)] == [
        0, 2500, 5000, 2500, 2501,
    ]  # fmt: skip
    assert calibrated(3, {"multiply": 200, "divide": 1, "add": 0}) == 600


def check_a_calm_burst_is_good() -> None:
    pings = Pings([1200, 1201, 1199, 1200, 1202, 1200, 1198])
    assert burst().read(pings, 0) == (1200, GOOD)


def check_one_wild_ping_does_not_matter() -> None:
    assert burst().read(Pings([1200, 1201, 80, 1200, 4400, 1200, 1198]), 0) == (1200, GOOD)


def check_a_wide_spread_is_suspect_and_told() -> None:
    wide = burst()
    value, quality = wide.read(Pings([900, 1300, 1100, 1500, 700, 1400, 800]), 0)
    assert (value, quality) == (1100, SUSPECT) and "spread" in wide.why


def check_waves_of_a_flood_are_good() -> None:
    wave = [1000, 1090, 1060, 950, 905, 960, 1070]  # 10 cm up and down
    assert burst().read(Pings(wave), 0)[1] == GOOD


def check_missing_pings() -> None:
    few = burst()
    assert few.read(Pings([None, 1200, None, None, None, 1201, None]), 0) == (1201, SUSPECT)
    assert few.why == "2 of 7 pings answered"
    assert burst().read(Pings([None, 1200, None, 1200, None, 1200, 1200]), 0) == (1200, GOOD)
    try:
        burst().read(Pings([None] * 7), 0)
    except ProbeError as error:
        assert "7 pings" in str(error)
    else:
        raise AssertionError("a value from nothing")


def check_range_bounds() -> None:
    out = burst()
    assert out.read(Pings([30] * 7), 0) == (30, OUT_OF_RANGE) and "30" in out.why
    assert out.read(Pings([4501] * 7), 0) == (4501, OUT_OF_RANGE)
    assert out.read(Pings([31] * 7), 0) == (31, GOOD) and out.why == ""


# 2.2 m in 10 minutes, at every interval that a node samples with: each value as it is, and good.
def check_a_real_flood_passes_as_good() -> None:
    for interval_s in (10, 60, 120, 900):
        flood = burst()
        for at_s in range(0, 601, interval_s):
            range_mm = 4000 - 2200 * at_s // 600
            pings = Pings([range_mm + wave for wave in (0, 40, 60, 40, -40, -60, -40)])
            assert flood.read(pings, at_s) == (range_mm, GOOD), (interval_s, at_s, flood.why)
            assert pings.asked == 7


# A step that no river makes: measured again at once, sent as measured, marked, and then believed.
def check_a_step_is_read_again_and_sent() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    pings = Pings([1000] * 14)
    assert step.read(pings, 60) == (1000, SUSPECT)
    assert pings.asked == 14 and "step from 3000 to 1000" in step.why
    pings = Pings([990] * 7)
    assert step.read(pings, 120) == (990, GOOD) and pings.asked == 7


# It is told, as it was measured, and the next reading starts from where the water is.
def check_a_branch_that_passes() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    assert step.read(Pings([1000] * 7 + [3001] * 7), 60) == (1000, SUSPECT)
    assert step.why == "step from 3000 to 1000, then 3001"
    assert step.read(Pings([3002] * 7), 120) == (3002, GOOD)


def check_a_step_that_goes_on() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    assert step.read(Pings([2300] * 7 + [2200] * 7), 60) == (2200, SUSPECT)


def check_a_blind_moment_does_not_cost_the_value() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    assert step.read(Pings([30] * 7 + [2990] * 7), 60) == (2990, SUSPECT)
    assert step.read(Pings([2400] * 7 + [30] * 7), 120) == (2400, SUSPECT)
    assert step.read(Pings([30] * 7 + [25] * 7), 180) == (25, OUT_OF_RANGE)


def check_a_step_with_nothing_after_it() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    assert step.read(Pings([1000] * 7 + [None] * 7), 60) == (1000, SUSPECT)


def check_a_clock_that_went_back_is_no_step() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 5000)
    assert step.read(Pings([1000] * 7), 10) == (1000, GOOD)


def check_what_is_out_of_range_is_no_past() -> None:
    step = burst()
    step.read(Pings([3000] * 7), 0)
    step.read(Pings([30] * 14), 10)
    assert step.read(Pings([2990] * 7), 20) == (2990, GOOD)


def check_step_can_be_switched_off() -> None:
    free = burst(step_max=0)
    free.read(Pings([3000] * 7), 0)
    assert free.read(Pings([1000] * 7), 1) == (1000, GOOD)


def check_look_is_cheap_and_has_no_memory() -> None:
    look = burst()
    look.read(Pings([3000] * 7), 0)
    pings = Pings([1000, 1001, 999])
    assert look.sense(pings) == (1000, GOOD) and pings.asked == 3
    assert look.read(Pings([2990] * 7), 10) == (2990, GOOD)


class Probe:
    why = "said so"

    def __init__(self, found) -> None:
        self._found = found

    def read(self, clock_s):
        return self._found


class Looking(Probe):
    def sense(self, clock_s):
        return 7, GOOD


def check_take() -> None:
    reading = take(Probe((40, SUSPECT)), 0, {"multiply": -1, "divide": 1, "add": 100}, False)
    assert (reading.value, reading.quality, reading.why) == (60, SUSPECT, "said so")
    reading = take(Probe(12), 0, None, True)
    assert (reading.value, reading.quality, reading.why) == (12, GOOD, "said so")
    assert take(Looking((1, GOOD)), 0, None, True).value == 7
    assert take(Looking((1, GOOD)), 0, None, False).value == 1


def check_what_a_value_tells_the_node_itself() -> None:
    told = [Reading(5, quality).telling() for quality in (GOOD, SUSPECT, OUT_OF_RANGE, FAULT)]
    assert told == [5, 5, 5, None]
    assert Reading(None, MISSING).telling() is None
