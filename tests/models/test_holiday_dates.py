"""Public holidays: known, asked by a process of its own, and said where they are not."""

import datetime as dt
import subprocess
import sys

import pytest

from amont_gateway.scoring import holiday_dates
from amont_gateway.scoring.holiday_dates import HolidayError, computed, public_holidays

DAYS = {
    "FR": ("2024-05-09", "2026-07-14", "1999-12-25"),  # Ascension, the fourteenth, Christmas
    "IT": ("2021-06-02", "2022-04-18", "2040-08-15"),
}


@pytest.fixture(autouse=True)
def _asked_anew():
    public_holidays.cache_clear()
    yield
    public_holidays.cache_clear()


@pytest.mark.parametrize("country", DAYS)
def test_holidays_are_known_whenever_they_are(country):
    known = public_holidays(country)
    assert {dt.date.fromisoformat(day).toordinal() for day in DAYS[country]} <= known
    assert dt.date(2026, 7, 15).toordinal() not in known
    assert sorted(known) == computed(country)


def test_who_asks_does_not_hold_the_package():
    asks = (
        "import sys; from amont_gateway.scoring.holiday_dates import public_holidays;"
        "print(len(public_holidays('FR')) > 700, 'holidays' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", asks], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["True", "False"]


def test_a_country_that_nobody_knows_is_said():
    with pytest.raises(HolidayError, match="holidays of XX: Country XX"):
        public_holidays("XX")


def test_without_the_package_it_is_said(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(holiday_dates, "import_module", absent)
    with pytest.raises(HolidayError, match="holidays of FR: No module named 'holidays'"):
        computed("FR")


ANSWERS = {
    "no JSON": "print('x')",
    "no list": "print('{}')",
    "no days": "print('[true, 1.5]')",
    "nothing": "raise SystemExit(3)",
    "never": "import time; time.sleep(60)",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_none_is_an_error_and_is_asked_again(answer, tmp_path, monkeypatch):
    fake = tmp_path / "python"
    fake.write_text(f"#!{sys.executable}\n{ANSWERS[answer]}\n")
    fake.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(holiday_dates.sys, "executable", str(fake))
        with pytest.raises(HolidayError):
            public_holidays("FR", 1.0)
    assert public_holidays("FR")
