# The calendar between clock chips and Unix seconds, 2000 to 2099.

from amont_node.measure import ProbeError

_DAY_S = 86400
_FOUR_YEARS_D = 1461
_TO_2000_S = 946684800  # 2000-01-01 00:00 UTC; within 2000 to 2099 each fourth year is a leap year
_END_S = 4102444800  # 2100-01-01
_BEFORE_MONTH_D = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)  # of a common year
_MONTH_D = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


# Unix seconds of a time in 2000 to 2099. ProbeError: the month has no such day.
def unix_s(year: int, month: int, day: int, hour: int, minute: int, second: int) -> int:
    past = year - 2000
    leap = past % 4 == 0
    length = 29 if leap and month == 2 else _MONTH_D[month - 1]
    if day > length:
        raise ProbeError("%d-%02d-%02d: no such day" % (year, month, day))
    days = past * 365 + (past + 3) // 4 + _BEFORE_MONTH_D[month - 1] + day - 1
    if leap and month > 2:
        days += 1
    return _TO_2000_S + days * _DAY_S + hour * 3600 + minute * 60 + second


# (year, month, day, hour, minute, second, weekday from Monday = 0). ValueError: no such time here.
def calendar(at_s: int) -> tuple[int, int, int, int, int, int, int]:
    if not _TO_2000_S <= at_s < _END_S:
        raise ValueError("%d: a clock chip tells the years 2000 to 2099" % at_s)
    days, rest_s = divmod(at_s - _TO_2000_S, _DAY_S)
    weekday = (days + 5) % 7  # 2000-01-01 was a Saturday
    fours, days_in = divmod(days, _FOUR_YEARS_D)
    if days_in < 366:
        past, day_of = 0, days_in
    else:
        past, day_of = 1 + (days_in - 366) // 365, (days_in - 366) % 365
    month, day = _month_and_day(day_of, past == 0)
    return (
        2000 + 4 * fours + past, month, day,
        rest_s // 3600, rest_s // 60 % 60, rest_s % 60, weekday,
    )  # fmt: skip


def _month_and_day(day_of: int, is_leap: bool) -> tuple[int, int]:
    for month in range(12, 0, -1):
        before = _BEFORE_MONTH_D[month - 1] + (1 if is_leap and month > 2 else 0)
        if day_of >= before:
            return month, day_of - before + 1
    return 1, 1  # day_of is not negative
