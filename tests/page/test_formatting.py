"""Numbers, units, durations and dates as people read them."""

import datetime as dt
from zoneinfo import ZoneInfo

import msgspec
import pytest
from tests.page.sample_views import HOUR_MS, NOW_MS, VIEWS

from amont_gateway import series
from amont_gateway.page.formatting import Format
from amont_gateway.page.sentences import (
    forecast_words,
    rest_words,
    station_sentence,
    zone_verdict,
)
from amont_gateway.page.siren_card import siren_key
from amont_gateway.page.texts import Words
from amont_gateway.running import describe
from amont_gateway.view import Forecast
from amont_gateway.view_rung import RungCost

PARIS = ZoneInfo("Europe/Paris")
FR, EN = Format("fr", PARIS), Format("en", PARIS)
SUMMER_MS = 1_720_000_000_000  # 3 July 2024, 11:46:40 in Paris


def plain(text):
    return text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("value", "decimals", "french", "english"),
    [
        (1.824, 2, "1,82", "1.82"),
        (-0.5, 1, "−0,5", "−0.5"),
        (-0.004, 2, "0,00", "0.00"),
        (12345.6, 0, "12 346", "12,346"),
        (0, 0, "0", "0"),
    ],
)
def test_numbers(value, decimals, french, english):
    assert plain(FR.number(value, decimals)) == french
    assert EN.number(value, decimals) == english


@pytest.mark.parametrize(
    ("quantity", "value", "french", "english"),
    [
        ("stage_mm", 1824, "1,82 m", "1.82 m"),
        ("rain_um", 4200, "4,2 mm", "4.2 mm"),
        ("flow_l_h", 11_740, "11,7 m³/h", "11.7 m³/h"),
        ("pressure_pa10", 41_500, "4,15 bar", "4.15 bar"),
        ("water_temp_cc", -250, "−2,5 °C", "−2.5 °C"),
        ("battery_mv", 3581, "3,58 V", "3.58 V"),
        ("unheard_of", 7, "7 unheard_of", "7 unheard_of"),
        ("stage_mm", None, "—", "—"),
    ],
)
def test_quantities(quantity, value, french, english):
    assert plain(FR.quantity(quantity, value)) == french
    assert plain(EN.quantity(quantity, value)) == english


@pytest.mark.parametrize(
    ("seconds", "french", "english"),
    [
        (-3, "0 s", "0 s"),
        (59.9, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (3600, "1 h", "1 h"),
        (4800, "1 h 20 min", "1 h 20 min"),
        (90_000, "1 j 1 h", "1 d 1 h"),
        (400_000, "4 j", "4 d"),
    ],
)
def test_durations(seconds, french, english):
    assert plain(FR.duration(seconds)) == french
    assert plain(EN.duration(seconds)) == english


def test_ages_and_gaps():
    assert plain(FR.age(42)) == "il y a 42 s"
    assert plain(EN.age(42)) == "42 s ago"
    assert FR.age(None) == "âge inconnu"
    assert plain(FR.rate(-452)) == "45 cm/h"
    assert plain(FR.gap(1520)) == "1,52 m"
    assert plain(FR.percent(0.934)) == "93 %"
    assert EN.percent(0.934) == "93%"
    assert EN.percent(None) == "—"


@pytest.mark.parametrize(
    ("hours", "french", "english"),
    [
        (0, "20 h 05", "20:05"),
        (-24, "hier 20 h 05", "yesterday 20:05"),
        (-41, "hier 3 h 05", "yesterday 3:05"),
        (-65, "mardi 3 h 05", "Tuesday 3:05"),
        (
            -24 * 40,
            "le 23 septembre 21 h 05",
            "23 September 21:05",
        ),  # the other side of summer time
        (-24 * 400, "le 28 septembre 2022 21 h 05", "28 September 2022 21:05"),
        (24, "demain 20 h 05", "tomorrow 20:05"),
    ],
)
def test_moments(hours, french, english):
    at_ms = NOW_MS + hours * HOUR_MS
    assert plain(FR.moment(at_ms, NOW_MS)) == french
    assert plain(EN.moment(at_ms, NOW_MS)) == english


def test_the_zone_of_the_site_counts():
    assert plain(FR.clock(SUMMER_MS)) == "11 h 46"
    assert Format("en", ZoneInfo("Indian/Reunion")).clock(SUMMER_MS) == "13:46"
    assert FR.clock(None) == "—"
    assert plain(FR.weekday(SUMMER_MS)) == "mer. 3"
    assert plain(EN.weekday(SUMMER_MS)) == "Wed 3"


SENTENCES = {
    "calm": (
        "Pont-Neuf : 0,54 m, stable — normal, 66 cm sous la vigilance.",
        "Pont-Neuf: 0.54 m, steady — normal, 66 cm below watch.",
    ),
    "rising": (
        "Pont-Neuf : 1,64 m, monte de 45 cm/h — vigilance, 16 cm sous l’alerte.",
        "Pont-Neuf: 1.64 m, rising 45 cm/h — watch, 16 cm below warning.",
    ),
    "sounding": (
        "Pont-Neuf : 2,68 m, monte de 52 cm/h — ALARME, 18 cm au-dessus du seuil.",
        "Pont-Neuf: 2.68 m, rising 52 cm/h — ALARM, 18 cm above the threshold.",
    ),
    "frozen": (
        "Pont-Neuf : 1,64 m, il y a 1 h 20 min. Depuis, aucun relevé.",
        "Pont-Neuf: 1.64 m, 1 h 20 min ago. No reading since.",
    ),
}


@pytest.mark.parametrize("name", SENTENCES)
def test_the_river_in_one_sentence(name):
    station = VIEWS[name](NOW_MS).stations[0]
    said = [plain(station_sentence(station, name == "frozen", Words(f.lang), f)) for f in (FR, EN)]
    assert tuple(said) == SENTENCES[name]


def test_the_zone_in_one_sentence():
    zone = VIEWS["rising"](NOW_MS).zones[0]
    assert plain(zone_verdict(zone, NOW_MS, Words("fr"), FR)) == (
        "Fuite probable : ≈ 2,4 m³/h, depuis hier 3 h 05."
    )
    zone.since_ms = None
    assert plain(zone_verdict(zone, NOW_MS, Words("en"), EN)) == "Probable leak: ≈ 2.4 m³/h."
    zone.leak_l_h = None
    assert zone_verdict(zone, NOW_MS, Words("en"), EN) == "Probable leak."
    zone.verdict = "unknown"
    assert zone_verdict(zone, NOW_MS, Words("en"), EN).startswith("Leaks: no opinion")


def siren_of(**fields):
    view = VIEWS["calm"](NOW_MS)
    view.demo = None
    for name, value in fields.items():
        setattr(view if name == "guard_alive" else view.sirens[0], name, value)
    return siren_key(view.sirens[0], view)


@pytest.mark.parametrize(
    ("level", "said"), [("watch", True), ("warning", False), ("alarm_plus", False)]
)
def test_a_forecast_announces_no_level_that_is_reached_already(level, said):
    station = VIEWS["rising"](NOW_MS).stations[0]
    station.forecast.reaches = "warning"
    assert (
        "may reach warning" in forecast_words(station.forecast, level, Words("en"), EN)
    ) == said


def test_dates_for_another_day():
    first_ms = int(dt.datetime(2026, 11, 1, 14, 5, tzinfo=FR.zone).timestamp() * 1000)
    assert plain(FR.full(first_ms)) == "1er novembre 2026 à 14 h 05"
    assert plain(EN.full(first_ms)) == "1 November 2026, 14:05"
    assert plain(FR.dated_s(first_ms, first_ms + HOUR_MS)) == "14 h 05 min 00 s"
    assert plain(FR.dated_s(first_ms, first_ms - 24 * HOUR_MS)) == "1er novembre, 14 h 05 min 00 s"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({}, "idle"),
        ({"state": "sound", "commanded": True, "confirmed": True}, "sound"),
        ({"state": "sound", "commanded": True, "confirmed": None}, "sound"),
        ({"state": "sound", "commanded": True, "confirmed": False}, "unconfirmed"),
        ({"state": "sound", "commanded": True, "since_ms": NOW_MS - 2000}, "sound"),  # settling
        ({"state": "sound", "commanded": True, "since_ms": NOW_MS - 4000}, "unconfirmed"),
        ({"confirmed": True}, "stuck"),
        ({"confirmed": None}, "idle"),
        ({"state": "sound"}, "pause"),
        ({"state": "muted"}, "muted"),
        ({"state": "latch"}, "latch"),
        ({"health": "fault"}, "fault"),
        ({"mode": "bypass"}, "bypass"),
        ({"mode": "test", "commanded": True, "confirmed": False}, "test"),
        ({"mode": "bypass", "state": "sound", "confirmed": False}, "silenced"),
        ({"mode": "drill", "commanded": True, "confirmed": True}, "exercise"),
        # the guard goes on naming the station that it looked at last
        ({"mode": "drill", "station": "pont-neuf"}, "exercise"),
        ({"mode": "test", "station": "pont-neuf"}, "test"),
        # an alarm pre-empts a drill: it is never called an exercise
        (
            {
                "mode": "drill",
                "state": "sound",
                "commanded": True,
                "confirmed": True,
                "station": "pont-neuf",
            },
            "sound",
        ),
        ({"state": "unheard of"}, "unknown"),
        ({"guard_alive": False, "state": "sound", "commanded": True}, "unknown"),
    ],
)
def test_the_headline_of_the_siren(fields, key):
    assert siren_of(**fields) == key


@pytest.mark.parametrize(
    ("level", "stage_mm", "said"),
    [
        ("normal", 1250, "au-dessus du seuil « Vigilance », pas encore confirmé"),
        ("alarm", 2450, "ALARME maintenue, l’eau est sous le seuil"),
        ("alarm_plus", 3300, "ALARME GRAVE, 10 cm au-dessus du seuil"),
        ("warning", 1800, "alerte, 70 cm sous l’alarme"),
        ("unknown", 1250, "niveau d’alerte inconnu"),
    ],
)
def test_where_the_water_stands(level, stage_mm, said):
    station = VIEWS["calm"](NOW_MS).stations[0]
    station.level, station.stage_mm = level, stage_mm
    assert plain(rest_words(station, Words("fr"), FR)) == said


RUNG_WORDS = {
    "full": ("", ""),
    "no rain": ("sans pluviomètre", "Forecast without rain gauge: expect less notice."),
    "no upstream": ("sans la station amont", "without the station upstream"),
    "local only": ("cette seule station", "from this station alone"),
    "thresholds only": ("Seuls les seuils", "Thresholds alone keep watch"),
    "watch lost": ("VEILLE PERDUE", "WATCH LOST"),
}


@pytest.mark.parametrize("rung", series.RUNGS)
@pytest.mark.parametrize("status", ["ok", "fault", "no data"])
def test_the_rung_of_a_forecast_is_said_in_plain_words(rung, status):
    station = VIEWS["calm"](NOW_MS).stations[0]
    steps = station.forecast.steps if status == "ok" else []
    forecast = Forecast(status=status, inputs=rung, steps=steps)
    whole = msgspec.structs.replace(forecast, inputs="full")
    for language, wanted in zip(("fr", "en"), RUNG_WORDS[rung], strict=True):
        said = forecast_words(forecast, "normal", Words(language), EN)
        first = forecast_words(whole, "normal", Words(language), EN)
        assert said.startswith(first)
        assert wanted in said[len(first) :]
        assert (rung == "full") == (said == first)


RUNG_COST = RungCost(
    stations=51,
    notice_min=(110, 150),
    told_percent=(97, 97),
    false_percent=(14, 19),
    error_more_percent=9,
)


def test_what_a_rung_costs_is_said_where_it_was_measured():
    forecast = msgspec.structs.replace(
        VIEWS["calm"](NOW_MS).stations[0].forecast, inputs="no upstream", cost=RUNG_COST
    )
    french = plain(forecast_words(forecast, "normal", Words("fr"), FR))
    assert french.endswith(
        "Prévision sans la station amont. Mesuré ainsi sur 51 stations : préavis médian "
        "1 h 50 min au lieu de 2 h 30 min, crues annoncées 97 % (inchangé), "
        "fausses parmi les annonces 14 % au lieu de 19 %, erreur à 3 h +9 %."
    )
    assert "expect less notice" not in forecast_words(forecast, "normal", Words("en"), EN)
    better = msgspec.structs.replace(RUNG_COST, error_more_percent=-2)
    forecast = msgspec.structs.replace(forecast, cost=better)
    assert "error at 3 h −2%." in forecast_words(forecast, "normal", Words("en"), EN)


def test_status_says_it_too():
    view = VIEWS["calm"](NOW_MS)
    view.stations[0].forecast.inputs = "no upstream"

    def line():
        told = describe(msgspec.json.decode(msgspec.json.encode(view)))
        return next(text for text in told if text.startswith("station "))

    assert line().endswith("forecast: no upstream")
    view.stations[0].forecast.cost = RUNG_COST
    assert line().endswith(
        "forecast: no upstream (measured on 51 stations: notice 110 min for 150,"
        " floods announced 97 % for 97, false 14 % for 19, error at 3 h +9 %)"
    )
