"""The yearly figures: worked cases, what an import takes and refuses, the sheet, its command."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amont_gateway.cli import main
from amont_gateway.yearly.balance import BalanceError, Network, balance, rounded
from amont_gateway.yearly.periods import BadCell, day, named_period
from amont_gateway.yearly.sheet import number
from amont_gateway.yearly.texts import KINDS, REASONS, SHEET
from amont_gateway.yearly.volumes import VolumesError, read
from amont_gateway.yearly.window import between, calendar_year, twelve_months

GOOD = """nature;compteur;du;au;volume;unité;estimé
Produit;forage;01/01/2025;31/12/2025;120 000;m3;non
Acheté;syndicat;2025-01-01;2025-12-31;30 000,5;m³;
Vendu;voisins;2025-01-01;2025-12-31;10 000;m3;
Comptabilisé domestique;rôle;01/01/2025;31/12/2025;98 000;m3;
Comptabilisé non domestique;rôle;01/01/2025;31/12/2025;12 000;m3;
Sans comptage;incendie;01/01/2025;31/12/2025;500;m3;oui
Volume de service;purges;01/01/2025;31/12/2025;15 000;hl;
"""


def written(tmp_path, text, name="volumes.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def of(**volumes):
    return {kind: Decimal(str(volume)) for kind, volume in volumes.items()}


# Each worked by hand from the formulas of the arrêté and of D. 213-48-14-1.
@pytest.mark.parametrize(
    ("volumes", "km", "scarce", "wanted"),
    [
        # (98000 + 12000 + 500 + 1500 + 10000) / 150000 = 81.333; ILC = 122000 / 365 / 42 = 7.958,
        # so 65 + 1.592; (140000 - 110000) / 365 / 42 = 1.957; (140000 - 112000) / 365 / 42 = 1.826
        (
            of(produced=120000, imported=30000, exported=10000, metered_domestic=98000)
            | of(metered_other=12000, unmetered=500, service=1500),
            42,
            False,
            ("81.3", "66.6", "2.0", "1.8", "8.0", True),
        ),
        # A town: 900 / 1000 = 90 %; ILC = 900000 / 365 / 20 = 123.3: more than 85 is never asked
        (
            of(produced=1000000, metered_domestic=900000),
            20,
            False,
            ("90.0", "85.0", "13.7", "13.7", "123.3", True),
        ),
        # A long network: 55 %; ILC = 55000 / 365 / 150 = 1.005: 65.2 is asked, 70.2 where scarce
        (
            of(produced=100000, metered_domestic=55000),
            150,
            False,
            ("55.0", "65.2", "0.8", "0.8", "1.0", False),
        ),
        (
            of(produced=100000, metered_domestic=55000),
            150,
            True,
            ("55.0", "70.2", "0.8", "0.8", "1.0", False),
        ),
        # Just there: 67 % with an ILC of 10 exactly (67000 = 10 * 365 * 18.356...)
        (
            of(imported=100000, metered_domestic=67000),
            Decimal(67000) / 3650,
            False,
            ("67.0", "67.0", "4.9", "4.9", "10.0", True),
        ),
    ],
)
def test_worked_cases_to_a_tenth(volumes, km, scarce, wanted):
    made = balance(Network(Decimal(km), scarce), volumes, 365)
    figures = (
        made.yield_percent, made.asked_percent, made.uncounted_m3_km_day,
        made.losses_m3_km_day, made.consumption_m3_km_day,
    )  # fmt: skip
    assert (*(str(rounded(value)) for value in figures), made.reached) == wanted


def test_a_leap_year_divides_by_365_as_the_law_does_and_a_half_year_by_its_days():
    network, volumes = Network(Decimal(10)), of(produced=7300, metered_domestic=3650)
    assert balance(network, volumes, 366).losses_m3_km_day == 1
    assert balance(network, volumes, 73).losses_m3_km_day == 5


def test_halves_are_rounded_away_from_zero():
    assert str(rounded(Decimal("81.25"))) == "81.3"
    assert str(rounded(Decimal("-0.25"))) == "-0.3"


@pytest.mark.parametrize(
    ("volumes", "days", "said"),
    [
        (of(metered_domestic=1), 365, "no water comes in"),
        (of(produced=1), 365, "no metered domestic"),
        (of(produced=-1, metered_domestic=1), 365, "below zero: produced"),
        (of(produced=1, metered_domestic=1, stolen=1), 365, "no such volume: stolen"),
        (of(produced=1, metered_domestic=1), 0, "0 days"),
    ],
)
def test_what_gives_no_indicator_says_why(volumes, days, said):
    with pytest.raises(BalanceError, match=said):
        balance(Network(Decimal(1)), volumes, days)


@pytest.mark.parametrize("length", ["0", "-3", "100000", "NaN", "Infinity"])
def test_a_network_has_a_length(length):
    with pytest.raises(BalanceError, match="length of the network"):
        Network(Decimal(length))


def test_volumes_that_contradict_each_other_are_told():
    made = balance(Network(Decimal(1)), of(produced=100, metered_domestic=101), 365)
    assert made.contradicts
    assert made.yield_percent > 100


# --- the import


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_a_french_table_is_read_as_it_was_meant(tmp_path, encoding):
    text = GOOD.replace("2025-01-01;2025-12-31;10 000", "01.01.2025;31-12-2025;10\u00a0000")
    found = read([written(tmp_path, text, encoding=encoding)])
    assert found.refused == []
    assert {entry.kind: str(entry.volume_m3) for entry in found.entries} == {
        "produced": "120000", "imported": "30000.5", "exported": "10000",
        "metered_domestic": "98000", "metered_other": "12000", "unmetered": "500",
        "service": "1500.0",
    }  # fmt: skip
    assert {e.kind for e in found.entries if e.estimated} == {"unmetered", "service"}
    assert {(e.first, e.last) for e in found.entries} == {(date(2025, 1, 1), date(2025, 12, 31))}


def test_english_tabs_and_commas_with_a_unit_in_the_header(tmp_path):
    tabs = "kind\tperiod\tVolume (m3)\nproduced\t2025-02\t1,234,567.5\nservice\t03/2025\t12\n"
    commas = 'kind,period,volume_l\nproduced,2024,"1.234.567,5"\n'
    found = read([written(tmp_path, tabs), written(tmp_path, commas, "b.csv")])
    assert found.refused == []
    assert [str(e.volume_m3) for e in found.entries] == ["1234567.5", "12", "1234.5675"]
    assert (found.entries[0].first, found.entries[0].last) == (date(2025, 2, 1), date(2025, 2, 28))
    assert found.entries[1].last == date(2025, 3, 31)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("évaporé;;01/01/2025;31/12/2025;1;m3;", "kind"),
        ("produit;;01/01/2025;31/12/2025;1;;", "unit"),
        ("produit;;01/01/2025;31/12/2025;1;ft3;", "unit"),
        ("produit;;01/01/2025;31/12/2025;12,345;m3;", "two meanings"),
        ("produit;;01/01/2025;31/12/2025;1.234;m3;", "two meanings"),
        ("produit;;01/01/2025;31/12/2025;;m3;", "no volume"),
        ("produit;;01/01/2025;31/12/2025; ;;", "no volume"),
        ("produit;;01/01/2025;31/12/2025;env. 100;m3;", "number"),
        ("produit;;01/01/2025;31/12/2025;-5;m3;", "below zero"),
        ("produit;;01/01/2025;31/12/2025;- 1 200,5 m3;;", "below zero"),
        ("produit;;01/01/2025;31/12/2025;99999999999;m3;", "volume"),
        ("produit;;31/02/2025;31/12/2025;1;m3;", "date"),
        ("produit;;01/01/25;31/12/2025;1;m3;", "date"),
        ("produit;;01/01/1825;31/12/2025;1;m3;", "date"),
        ("produit;;02-01/2025;31/12/2025;1;m3;", "date"),
        ("produit;;;31/12/2025;1;m3;", "date"),
        ("produit;;31/12/2025;01/01/2025;1;m3;", "order"),
        ("produit;;01/01/2025;31/12/2025;1;m3;peut-être", "estimated"),
        ("produit;forage;31/12/2025;31/12/2026;1;m3;", "twice"),
        ("produit", "date"),
    ],
)
def test_a_row_that_could_mean_two_things_is_refused_and_the_others_stay(tmp_path, row, reason):
    found = read([written(tmp_path, GOOD + row)])
    assert [one.reason for one in found.refused] == [reason]
    assert len(found.entries) == 7
    assert found.refused[0].where == "volumes.csv:9"
    for lang in REASONS:
        assert REASONS[lang][reason] in found.refused[0].text(lang)


def test_what_is_sold_and_bought_goes_by_these_names(tmp_path):
    text = "kind,period,volume_m3\nsold,2025,5\nbought,2025,6\nexported,2024,7\n"
    found = read([written(tmp_path, text)])
    assert [entry.kind for entry in found.entries] == ["exported", "imported", "exported"]


def test_two_units_that_contradict_each_other_are_refused(tmp_path):
    text = "kind,period,volume_m3,unit\nproduced,2025,5,l\nservice,2025,5,m3\n"
    found = read([written(tmp_path, text)])
    assert [one.reason for one in found.refused] == ["two units"]
    assert len(found.entries) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n \n", "empty"),
        ("nature;du;au\nproduit;1;2\n", "no column volume"),
        ("nature;volume;unité\nproduit;1;m3\n", "no column from, to"),
        ("nature;volume;volume;période\nproduit;1;1;2025\n", "two columns for volume"),
    ],
)
def test_a_file_that_is_no_table_of_volumes_is_refused_whole(tmp_path, text, said):
    with pytest.raises(VolumesError, match=f"volumes.csv: {said}"):
        read([written(tmp_path, text)])


def test_a_file_of_another_kind_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "volumes.csv"
    odd = b"\xff\xfea"  # UTF-16 that breaks off
    for content in (b"\x81\x8d\x8f\x90" * 3, odd, GOOD.encode("utf-16-le")):
        path.write_bytes(content)
        with pytest.raises(VolumesError, match="neither UTF-8"):
            read([path])
    path.write_bytes(b"PK\x03\x04" + b"x" * 9)
    with pytest.raises(VolumesError, match="save it as CSV"):
        read([path])
    monkeypatch.setattr("amont_gateway.yearly.volumes.MAX_BYTES", 4)
    with pytest.raises(VolumesError, match="larger than 4 bytes"):
        read([path])


@given(st.text(max_size=200))
def test_no_text_breaks_the_import(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("any") / "volumes.csv"
    path.write_text("nature;période;volume;unité\n" + text, encoding="utf-8")
    found = read([path])
    assert all(entry.volume_m3 >= 0 for entry in found.entries)


# --- twelve months


def test_a_reading_that_reaches_over_the_year_counts_by_days_and_as_estimated(tmp_path):
    text = "nature;compteur;du;au;volume;unité\nproduit;f;01/07/2024;30/06/2025;36 500;m3\n"
    window = calendar_year(read([written(tmp_path, text)]).entries, 2025)
    assert window.volume_m3 == {"produced": Decimal(18100)}
    assert window.estimated_share == 1
    assert [(gap.first, gap.last) for gap in window.gaps] == [
        (date(2025, 7, 1), date(2025, 12, 31))
    ]


def test_what_is_cut_is_neither_lost_nor_doubled(tmp_path):
    text = "nature;période;volume;unité\nproduit;2024;36600;m3\nproduit;2025;36500;m3\n"
    entries = read([written(tmp_path, text)]).entries
    parts = [between(entries, date(2024, 1, 1), date(2024, 9, 9)),
             between(entries, date(2024, 9, 10), date(2025, 12, 31))]  # fmt: skip
    assert sum(part.volume_m3["produced"] for part in parts) == 73100
    assert twelve_months(entries, date(2025, 6, 30)).volume_m3["produced"] == 18400 + 18100
    assert twelve_months(entries, date(2024, 2, 28)).first == date(2023, 3, 1)
    assert twelve_months(entries, date(2025, 2, 28)).first == date(2024, 3, 1)
    assert twelve_months(entries, date(2024, 2, 29)).first == date(2023, 3, 1)
    empty = between(entries, date(2030, 1, 1), date(2030, 12, 31))
    assert (empty.volume_m3, empty.estimated_share, empty.gaps) == ({}, 0, ())


def test_gaps_between_rows_are_told(tmp_path):
    text = "nature;période;volume;unité\n" + "".join(
        f"produit;2025-{month:02};1;m3\n" for month in (1, 2, 4, 12)
    )
    window = calendar_year(read([written(tmp_path, text)]).entries, 2025)
    assert [(str(gap.first), str(gap.last)) for gap in window.gaps] == [
        ("2025-03-01", "2025-03-31"), ("2025-05-01", "2025-11-30"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "first", "last"),
    [
        ("2025", (2025, 1, 1), (2025, 12, 31)),
        ("2024-02", (2024, 2, 1), (2024, 2, 29)),
        ("12/2025", (2025, 12, 1), (2025, 12, 31)),
        ("mars 2025", (2025, 3, 1), (2025, 3, 31)),
        ("Févr. 2025", (2025, 2, 1), (2025, 2, 28)),
        ("August 2025", (2025, 8, 1), (2025, 8, 31)),
        ("S2 2025", (2025, 7, 1), (2025, 12, 31)),
        ("1er semestre 2025", (2025, 1, 1), (2025, 6, 30)),
        ("2025-T3", (2025, 7, 1), (2025, 9, 30)),
        ("4th quarter 2025", (2025, 10, 1), (2025, 12, 31)),
    ],
)
def test_periods_as_people_name_them(said, first, last):
    assert named_period(said) == (date(*first), date(*last))


@pytest.mark.parametrize(
    "said",
    ["31/12/2025", "31.12.2025", "2025-12-31", "31 décembre 2025", "31 dec. 2025",
     "2025-12-31 00:00:00", "31th December 2025"],
)  # fmt: skip
def test_days_as_people_write_them(said):
    assert day(said) == date(2025, 12, 31)


@pytest.mark.parametrize(
    "said",
    ["", "S3 2025", "T0 2025", "5 quarter 2025", "13/2025", "25", "mois 2025", "2025-00", "1889",
     "31/12/25", "12/31/2025"],
)  # fmt: skip
def test_what_is_no_period_is_refused_with_what_it_said(said):
    with pytest.raises(BadCell) as bad:
        named_period(said)
    assert (bad.value.reason, bad.value.said) == ("date", said)
    with pytest.raises(BadCell):
        day(said)


def test_a_unit_may_stand_in_the_cell_and_must_not_contradict(tmp_path):
    head = "nature;compteur;période;volume;unité\n"
    rows = ["produit;a;2025;12 000,5 m³;", "produit;b;2025;30hl;", "produit;c;2025;5 m3;l",
            "produit;d;2025;7 m3;M3", "produit;e;2025;7 km;"]  # fmt: skip
    found = read([written(tmp_path, head + "\n".join(rows) + "\n")])
    assert [str(e.volume_m3) for e in found.entries] == ["12000.5", "3.0", "7"]
    assert [(r.where[-1], r.reason) for r in found.refused] == [("4", "two units"), ("6", "unit")]


# --- the sheet and its command


def test_numbers_are_written_as_people_write_them():
    assert number(Decimal("-1234567.25"), "fr", 1) == "\u22121\u202f234\u202f567,3"
    assert number(Decimal("1234567.25"), "en") == "1,234,567"


def test_both_languages_say_the_same_things():
    for words in (REASONS, KINDS, SHEET):
        assert set(words["fr"]) == set(words["en"])


def test_the_command_writes_the_sheet_in_both_languages(tmp_path, capsys):
    text = GOOD + "évaporé;;;;1;m3;\n"
    path = written(tmp_path, text)
    out = tmp_path / "out"
    asked = ["report", str(path), "--year", "2025", "--length-km", "42", "--out", str(out)]
    assert main([*asked, "--name", "Sainte-Amonette <eau>"]) == 1
    said = capsys.readouterr()
    assert "volumes.csv:9: nature de volume inconnue: évaporé" in said.err
    assert "81,3 %" in said.out
    assert "Atteint." in said.out
    french = (out / "yearly-2025.fr.html").read_text()
    assert "Sainte-Amonette &lt;eau&gt;" in french
    assert "81,3\u00a0%" in french
    assert "nature de volume inconnue" in french
    assert "Put into distribution" in (out / "yearly-2025.en.html").read_text()
    rows = (out / "yearly-2025.csv").read_text().splitlines()
    assert "P104.3,81.3,%,,2025-01-01,2025-12-31," in rows
    assert "service,1500,m3,1500,2025-01-01,2025-12-31,table" in rows


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--length-km", "zero"], "--length-km zero: not a number"),
        (["--length-km", "0"], "length of the network"),
        (["--length-km", "5", "--year", "25"], "--year 25"),
        (["--length-km", "5", "--year", "2019"], "no water comes in"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(tmp_path, capsys, more, said):
    path = written(tmp_path, GOOD)
    asked = ["report", str(path), "--year", "2025", *more]
    assert main(asked) == 2
    assert said in (line := capsys.readouterr().err)
    assert line.count("\n") == 1


def test_what_is_wanting_may_have_been_refused_and_is_told(tmp_path, capsys):
    path = written(
        tmp_path, "nature;année;volume;unité\nproduit;2025;100;m3\ndomestique;2025;90;\n"
    )
    assert main(["report", str(path), "--year", "2025", "--length-km", "42", "--lang", "en"]) == 2
    said = capsys.readouterr().err
    assert "no metered domestic volume; rows refused: 1, the first " in said
    assert ".csv:3: unit missing" in said


def test_a_year_with_holes_gets_no_verdict(tmp_path, capsys):
    path = written(tmp_path, GOOD.replace("31/12/2025;120 000", "30/11/2025;120 000"))
    assert main(["report", str(path), "--year", "2025", "--length-km", "42", "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert "these volumes do not tell" in said
    assert "Reached." not in said
    assert "Days are wanting" in said
