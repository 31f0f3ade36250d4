# Time on air, and its sliding hour, against tables and a brute force.

from world import Random, config

from amont_wire.airtime import (
    BACKLOG,
    URGENT,
    USUAL,
    Airtime,
    Lora,
    look_us,
    scan_preamble,
    time_on_air_ms,
)

# ms at 125 kHz, 4/5, 8 symbols of preamble, rounded up: PHY bytes, then SF7 to SF12, as Semtech's
# formula gives them (and public calculators: 23 bytes are 61.7, 370.7 and 1482.8 ms at 7, 10, 12).
TABLE = (
    (17, (52, 93, 165, 330, 660, 1319)),
    (25, (62, 114, 206, 412, 824, 1483)),
    (37, (83, 144, 268, 494, 1070, 1975)),
    (51, (103, 185, 329, 617, 1315, 2466)),
    (100, (175, 308, 554, 1027, 2216, 3941)),
)


def airtime(permille: int = 10, **lora) -> Airtime:
    return Airtime(config(carrier={"kind": "radio", "lora": lora}).lora, permille, 51)


def check_the_table() -> None:
    for size, row in TABLE:
        for i in range(6):
            assert time_on_air_ms(size, 7 + i, 125, 5, 8) == row[i], (size, i)
    assert [time_on_air_ms(23, sf, 125, 5, 8) for sf in (7, 10, 12)] == [62, 371, 1483]


def check_width_rate_and_preamble() -> None:
    assert time_on_air_ms(51, 12, 250, 5, 8) == 1233  # 16.384 ms a symbol: still optimised
    assert time_on_air_ms(51, 12, 500, 5, 8) == 535  # and here no more
    assert time_on_air_ms(51, 9, 125, 8, 8) == 477
    assert time_on_air_ms(51, 9, 125, 5, 12) == 346  # four symbols of 4.096 ms more
    assert time_on_air_ms(1, 12, 125, 5, 8) == 828


# A look: 2 or 4 symbols and a half, and 3 ms.
def check_a_look() -> None:
    assert [look_us(sf) for sf in (7, 8, 9, 12)] == [7560, 10120, 23432, 152456]


# Whenever the preamble begins, one whole look lies in it and six symbols are left.
def check_the_preamble_of_a_scan() -> None:
    assert scan_preamble(1, [9], 9) == scan_preamble(0, [], 9) == 8
    assert scan_preamble(3, [7], 7) == 36
    for sfs in ([7], [9], [7, 8, 9], [7, 12]):
        for channels in (1, 2, 3, 8):
            if channels * len(sfs) == 1:
                continue
            circle_us = channels * sum([look_us(sf) for sf in sfs])
            for sf in sfs:
                symbol_us = 8 << sf
                left_us = scan_preamble(channels, sfs, sf) * symbol_us - circle_us - look_us(sf)
                assert 6 * symbol_us <= left_us < 7 * symbol_us


# Frames of any modulation, each with its own length.
def check_frames_of_many_modulations() -> None:
    air = Airtime(Lora(12), 10, 51)
    assert air.frame_ms(51) == time_on_air_ms(51, 12, 125, 5, 8)
    air.sent_ms(0, 33000, URGENT)
    assert not air.allows(1, URGENT, 3001) and air.allows(1, URGENT, 3000)
    assert air.allows(1, URGENT)  # the longest: 2.5 s
    air.sent_ms(1, 3000, URGENT)
    assert air.used_ms(2) == 36000 and not air.allows(2, URGENT, 1)


def check_overhead_counts() -> None:
    assert airtime(overhead_bytes=13).frame_ms(12) == airtime().frame_ms(25) == 206


def check_shares() -> None:
    air = airtime(sf=12)  # 36,000 ms; frames of 2,466
    counts = []
    for who, from_s, until_s in ((BACKLOG, 0, 20), (USUAL, 20, 3500), (URGENT, 3500, 3560)):
        count = 0
        for tick_s in range(from_s, until_s):
            if air.allows(tick_s, who):
                air.sent(tick_s, 51, who)
                count += 1
        counts.append(count)
    assert counts == [3, 7, 4]  # a quarter, a half, what is left
    refused = air.refused
    assert refused >= 3 and air.short()
    for who in (BACKLOG, USUAL, URGENT):  # asked again: it is the same wait
        assert not air.allows(3560, who)
    assert air.refused == refused
    assert air.news() and air.news()  # who still waits is told each time


def check_urgent_frames_may_use_it_all() -> None:
    air = airtime(sf=12)
    while air.allows(50, URGENT):
        air.sent(50, 51, URGENT)
    assert air.used_ms(50) == 14 * 2466
    assert not air.allows(50, USUAL) and not air.allows(50, BACKLOG)


def check_the_backlog_has_its_share_whatever_the_rest_does() -> None:
    air = airtime(sf=12)
    old = 0
    for tick_s in range(0, 36000, 20):
        if air.allows(tick_s, USUAL):
            air.sent(tick_s, 51, USUAL)
        if air.allows(tick_s, BACKLOG):
            air.sent(tick_s, 51, BACKLOG)
            old += 1
    assert old >= 27  # three an hour


def check_it_comes_back_after_the_hour() -> None:
    air = airtime(sf=12)
    for _ in range(14):
        air.sent(100, 51, URGENT)
    assert not air.allows(100 + 3600, URGENT)
    assert air.allows(100 + 3600 + 121, BACKLOG) and air.used_ms(4000) == 0
    assert not airtime().short()


def usual(step_s: int, until_s: int, size: int):
    air = airtime()
    sent = []
    for tick_s in range(0, until_s, step_s):
        if air.allows(tick_s, USUAL):
            air.sent(tick_s, size, USUAL)
            sent.append(tick_s)
    return sent


# Half of the share gone: then evenly, and the hour does not end in silence.
def check_pace() -> None:
    sent = usual(10, 7200, 51)
    gaps = [b - a for a, b in zip(sent, sent[1:])]  # noqa: B905, RUF007 - MicroPython has neither
    assert gaps[:27] == [10] * 27 and gaps[28:40] == [70] * 12
    assert max(gaps) <= 340


# A new sample a minute for hours, as in fast mode, is no reason to pause.
def check_a_frame_a_minute_is_borne() -> None:
    assert usual(60, 20000, 29) == list(range(0, 20000, 60))


def check_no_limit_without_a_radio() -> None:
    air = Airtime(None, 10, 51)
    for _ in range(10000):
        assert air.allows(5, BACKLOG)
        air.sent(5, 51, URGENT)
    assert air.used_ms(5) == 0 and air.refused == 0


def check_a_clock_that_goes_back_frees_nothing() -> None:
    air = airtime(sf=12)
    for _ in range(14):
        air.sent(90000, 51, URGENT)
    assert not air.allows(10, URGENT) and not air.allows(93000, URGENT)


def check_a_wait_that_is_over_is_told_once() -> None:
    air = airtime(sf=12)
    assert not air.news()
    while air.allows(0, BACKLOG):
        air.sent(0, 51, BACKLOG)
    assert air.allows(4000, BACKLOG)
    assert air.news() and not air.news()


def check_an_unknown_past_counts() -> None:
    unknown = airtime(sf=12)
    unknown.assume(3100)
    assert unknown.used_ms(3100) == 9000
    assert unknown.allows(3100, USUAL) and unknown.allows(3100, URGENT)


# The most that is on the air in any 3,600 s. sent: (begin_ms, length_ms), in order.
def worst_hour_ms(sent) -> int:
    worst = 0
    first = 0
    for last in range(len(sent)):
        end_ms = sent[last][0] + sent[last][1]
        while sent[first][0] + sent[first][1] <= end_ms - 3600000:
            first += 1
        cut_ms = max(0, end_ms - 3600000 - sent[first][0])
        worst = max(worst, sum([length for _, length in sent[first : last + 1]]) - cut_ms)
    return worst


# Anybody asks for anything at any time; frames follow each other on the air.
def check_no_hour_is_over() -> None:
    for seed in range(6):
        random = Random(seed)
        air = airtime(sf=7 + seed)
        sent = []
        tick_s = random.below(100)
        free_ms = 0
        for _ in range(3000):
            tick_s += (0, 0, 1, 1, 2, 7, 30)[random.below(7)]
            who = (BACKLOG, USUAL, URGENT)[random.below(3)]
            if air.allows(tick_s, who):
                size = 17 + random.below(35)
                air.sent(tick_s, size, who)
                begin_ms = max(free_ms, tick_s * 1000 + random.below(1000))
                free_ms = begin_ms + air.frame_ms(size)
                sent.append((begin_ms, air.frame_ms(size)))
        worst_ms = worst_hour_ms(sent)
        assert 20000 < worst_ms <= 36000, (seed, worst_ms)
