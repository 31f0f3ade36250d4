"""What people import: looked at first, kept durably, replaced knowingly; the report from both."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from tests.indicators.waterside import DAY_MS, MARCH_MS, Rig, counter, hameau, steps

from amont_gateway.cli import main
from amont_gateway.yearly import kept
from amont_gateway.yearly.volumes import read

TABLE = """nature;compteur;du;au;volume;unité
Comptabilisé domestique;bourg;01/01/2026;31/12/2026;12 000,5;m3
Volume de service;purges;2026;;40;m3
"""
SITE = """format: 1
id: essai
name: {fr: Essai, en: Trial}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
broker: {host: 127.0.0.1}
nodes:
  - id: 33
    name: {fr: Forage, en: Borehole}
    carrier: mqtt
    channels: [{sensor: forage, quantity: volume_l}]
service: {name: Eaux d'essai, length_km: 10, produced: [forage]}
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(TABLE.replace("2026;;40", "01/01/2026;31/12/2026;40"), encoding="utf-8")
    return path


def volumes(folder: Path, *words: object) -> int:
    return main(["volumes", *map(str, words), "--data", str(folder)])


def test_a_preview_writes_nothing(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert volumes(tmp_path, "preview", table) == 0
    said = capsys.readouterr().out
    assert "lignes ajoutées : 2" in said
    assert "Aperçu : rien n'est écrit." in said
    assert "12\u202f001 m³" in said
    assert not (tmp_path / kept.FILE).exists()
    assert volumes(tmp_path, "list") == 0
    assert "rien n'a été importé" in capsys.readouterr().out


def test_an_import_counts_at_once_and_the_same_again_adds_nothing(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert volumes(tmp_path, "import", table, "--by", "Anne") == 0
    assert "Import n° 1." in capsys.readouterr().out
    before = kept.version(tmp_path)
    assert volumes(tmp_path, "import", table, "--lang", "en") == 0
    said = capsys.readouterr().out
    assert "there already, passed over: 2" in said
    assert "Nothing to import." in said
    assert kept.version(tmp_path) == before
    assert [str(e.volume_m3) for e in kept.entries(tmp_path)] == ["12000.5", "40"]
    assert volumes(tmp_path, "list", "--lang", "en", "--rows") == 0
    said = capsys.readouterr().out
    assert "Anne  table.csv  rows: 2" in said
    assert "Metered, domestic" in said
    assert volumes(tmp_path, "list", "--json") == 0
    (first, _) = json.loads(capsys.readouterr().out)
    assert (first["meter"], first["volume_m3"], first["row"]) == ("bourg", 12000.5, "table.csv:2")


@pytest.mark.parametrize("words", [["list"], ["preview", "TABLE"], ["remove", "1"]])
def test_another_folder_is_not_an_empty_one(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    named = [str(table) if word == "TABLE" else word for word in words]
    assert volumes(tmp_path / "none", *named) == 2
    assert "no data folder at" in capsys.readouterr().err


def test_other_volumes_for_the_same_days_are_refused_unless_they_replace(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volumes(tmp_path, "import", table)
    table.write_text(table.read_text().replace("12 000,5", "13 000"), encoding="utf-8")
    capsys.readouterr()
    assert volumes(tmp_path, "import", table) == 1
    said = capsys.readouterr()
    assert "table.csv:2: ces jours ont déjà été importés" in said.err
    assert "12000.5 m3" in said.err
    assert "lignes refusées : 1" in said.out
    assert volumes(tmp_path, "preview", table, "--replace") == 0
    said = capsys.readouterr().out
    assert "lignes remplacées : 1" in said
    assert [line.split()[-2:] for line in said.splitlines() if line.startswith("- ")] == [
        ["001", "m³"]
    ]
    assert volumes(tmp_path, "import", table, "--replace") == 0
    assert [str(e.volume_m3) for e in kept.entries(tmp_path)] == ["13000", "40"]


def test_an_import_is_taken_back_and_stays_in_the_file(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert volumes(tmp_path, "remove", 1) == 3
    volumes(tmp_path, "import", table)
    before = kept.version(tmp_path)
    assert volumes(tmp_path, "remove", 1) == 0
    assert "ne comptent plus : 2 ;" in capsys.readouterr().out
    assert kept.entries(tmp_path) == []
    assert kept.version(tmp_path) != before
    rows = sqlite3.connect(tmp_path / kept.FILE)
    assert rows.execute("SELECT count(*) FROM volume").fetchone() == (2,)
    rows.close()
    assert volumes(tmp_path, "remove", 2) == 3
    assert "il n'y a pas d'import n° 2" in capsys.readouterr().err


HEAD = "kind;meter;period;volume;unit\n"


def rows_of(folder: Path) -> list[tuple[str, str]]:
    return [(str(e.first), str(e.volume_m3)) for e in kept.entries(folder)]


def test_a_part_of_a_year_does_not_replace_the_year(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    year, half = tmp_path / "year.csv", tmp_path / "half.csv"
    year.write_text(HEAD + "produced;a;2025;1000;m3\n")
    half.write_text(HEAD + "produced;a;S1 2025;400;m3\nproduced;b;S1 2025;7;m3\n")
    volumes(tmp_path, "import", year)
    capsys.readouterr()
    assert volumes(tmp_path, "import", half, "--replace", "--lang", "en") == 1
    said = capsys.readouterr().err
    assert "half.csv:2: would replace only a part of this row: give its other days too" in said
    assert "2025-01-01 - 2025-12-31: 1000 m3" in said
    assert rows_of(tmp_path) == [("2025-01-01", "1000"), ("2025-01-01", "7")]
    half.write_text(half.read_text() + "produced;a;S2 2025;500;m3\n")
    assert volumes(tmp_path, "import", half, "--replace") == 0
    assert rows_of(tmp_path) == [("2025-01-01", "400"), ("2025-07-01", "500"), ("2025-01-01", "7")]


def test_a_row_that_is_refused_covers_nothing(tmp_path: Path) -> None:
    """July to June cannot replace two years by half; then S1 2025 leaves S2 2025 empty."""
    table = tmp_path / "t.csv"
    table.write_text(HEAD + "produced;a;2025;1000;m3\nproduced;a;2026;1100;m3\n")
    kept.take(tmp_path, read([table]), "t.csv", "", 5)
    across = "kind;meter;from;to;volume;unit\nproduced;a;2025-01-01;2025-06-30;1;m3\n"
    table.write_text(across + "produced;a;2025-07-01;2026-06-30;2;m3\n")
    taken = kept.take(tmp_path, read([table]), "t.csv", "", 6, replace=True)
    assert [(row.where, row.reason) for row in taken.refused] == [
        ("t.csv:3", "part"), ("t.csv:2", "part"),
    ]  # fmt: skip
    assert (taken.added, taken.replaced, taken.batch) == ([], [], 0)
    assert [volume for _, volume in rows_of(tmp_path)] == ["1000", "1100"]


def test_what_an_import_replaced_counts_again_without_it(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volumes(tmp_path, "import", table)
    for volume in ("13 000", "14 000"):
        text = TABLE.splitlines()[0] + f"\nDomestique;bourg;2026-01-01;2026-12-31;{volume};m3\n"
        table.write_text(text, encoding="utf-8")
        assert volumes(tmp_path, "import", table, "--replace") == 0
    capsys.readouterr()
    assert volumes(tmp_path, "remove", 2, "--lang", "en") == 2
    assert "no. 2 cannot be taken back" in (said := capsys.readouterr().err)
    assert "first take back: 3\n" in said
    for number, left in ((3, ["13000", "40"]), (2, ["12000.5", "40"]), (1, [])):
        before = kept.version(tmp_path)
        assert volumes(tmp_path, "remove", number) == 0
        assert kept.version(tmp_path) != before
        assert [volume for _, volume in rows_of(tmp_path)] == left
    assert "de nouveau : 1." in capsys.readouterr().out
    assert volumes(tmp_path, "remove", 3) == 0  # once more changes nothing
    assert kept.entries(tmp_path) == []


def test_a_file_of_an_earlier_release_knows_what_replaced_what(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    for at_ms, row in enumerate(("a;2025;1000", "a;2025;900", "b;2025;3"), start=5):
        table.write_text(HEAD + f"produced;{row};m3\n")
        kept.take(tmp_path, read([table]), "t.csv", "", at_ms, replace=True)
    rows = sqlite3.connect(tmp_path / kept.FILE)
    rows.execute("ALTER TABLE volume DROP COLUMN gone_by")
    rows.close()
    assert rows_of(tmp_path) == [("2025-01-01", "900"), ("2025-01-01", "3")]
    with pytest.raises(kept.LaterImport, match=r"first: 2$"):
        kept.take_back(tmp_path, 1, 9)
    assert kept.take_back(tmp_path, 2, 9) == (1, 1)
    assert rows_of(tmp_path) == [("2025-01-01", "1000"), ("2025-01-01", "3")]


def test_days_that_were_filled_since_are_not_counted_twice(tmp_path: Path) -> None:
    """An earlier release let S1 replace a year; S2 came by itself, and the year cannot return."""
    table = tmp_path / "t.csv"
    for at_ms, row in ((5, "2025;1000"), (6, "S1 2025;400"), (7, "S2 2025;500")):
        table.write_text(HEAD + f"produced;a;{row};m3\n")
        if at_ms == 6:
            rows = sqlite3.connect(tmp_path / kept.FILE)
            rows.execute("UPDATE volume SET gone_ms=6, gone_by=2")
            rows.commit()
            rows.close()
        kept.take(tmp_path, read([table]), "t.csv", "", at_ms)
    with pytest.raises(kept.LaterImport, match=r"first: 3$"):
        kept.take_back(tmp_path, 2, 9)
    assert kept.take_back(tmp_path, 3, 9) == (1, 0)
    assert kept.take_back(tmp_path, 2, 10) == (1, 1)
    assert rows_of(tmp_path) == [("2025-01-01", "1000")]


def test_bad_rows_are_told_and_good_ones_count(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = "Produit;forage;01/01/2026;31/12/2026;100;\nProduit;forage;2026-13-01;2026-12-31;1;m3\n"
    table.write_text(table.read_text() + bad, encoding="utf-8")
    assert volumes(tmp_path, "import", table) == 1
    said = capsys.readouterr()
    assert said.err.count("\n") == 2
    assert "table.csv:4: unité absente" in said.err
    assert "table.csv:5: date illisible" in said.err
    assert len(kept.entries(tmp_path)) == 2


def test_what_cannot_be_opened_is_one_line(
    tmp_path: Path, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert volumes(tmp_path / "none", "import", table) == 2
    assert "no data folder at" in capsys.readouterr().err
    assert volumes(tmp_path, "import", tmp_path / "absent.csv") == 2
    assert f"{tmp_path / 'absent.csv'}: ce fichier n’existe pas\n" in capsys.readouterr().err
    assert volumes(tmp_path, "import", tmp_path, "--lang", "en") == 2
    assert f"{tmp_path}: a folder, not a file\n" in capsys.readouterr().err
    table.write_text("compteur;volume\na;1\n")
    assert volumes(tmp_path, "preview", table) == 2
    said = capsys.readouterr().err
    assert "table.csv: aucune colonne nature, du, au dans compteur; volume\n" in said
    report = ["report", str(table), "--year", "2025", "--length-km", "5", "--lang", "en"]
    assert main(report) == 2
    assert "table.csv: no column kind, from, to in compteur; volume\n" in capsys.readouterr().err
    (tmp_path / kept.FILE).write_bytes(b"rubbish" * 1000)
    assert volumes(tmp_path, "list") == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_row_that_was_damaged_is_said_and_not_left_out(tmp_path: Path, table: Path) -> None:
    kept.take(tmp_path, read([table]), "table.csv", "", 5)
    rows = sqlite3.connect(tmp_path / kept.FILE)
    rows.execute("UPDATE volume SET m3='many' WHERE id=1")
    rows.commit()
    rows.close()
    with pytest.raises(sqlite3.DatabaseError, match="row 1 of"):
        kept.entries(tmp_path)


# --- what imports do to the months, and the report


def test_an_import_makes_months_and_the_year_anew(tmp_path: Path, table: Path) -> None:
    rig = Rig(tmp_path, MARCH_MS + 40 * DAY_MS)
    rig.read(33, steps(MARCH_MS - 400 * DAY_MS, rig.clock.at_ms, 6 * 3_600_000), counter)
    rig.run()
    year = rig.outlet.of("yield_year", MARCH_MS)
    assert ("yield_pct" in year, year["missing_days"], year["reached"]) == (False, 0, 2)
    rows = TABLE.splitlines()[0] + "\nDomestique;bourg;01/01/2025;31/12/2026;58 400;m3\n"
    table.write_text(rows, encoding="utf-8")
    kept.take(tmp_path, read([table]), "table.csv", "", rig.clock.at_ms)
    rig.run(rig.clock.at_ms + 600_000)
    year = rig.outlet.of("yield_year", MARCH_MS)
    # 58400 / 730 = 80 of 96 m³ a day; by day and km of 42: 16 / 42; 65 + 80 / 42 / 5
    assert year["yield_pct"] == pytest.approx(83.3333, abs=1e-3)
    assert year["losses_m3_km_d"] == pytest.approx(16 / 42, abs=1e-5)
    assert year["yield_needed_pct"] == pytest.approx(65 + 80 / 42 / 5, abs=1e-5)
    assert (year["reached"], year["missing_days"]) == (1, 0)
    assert year["estimated_pct"] == pytest.approx(100 * 80 / 176, abs=1e-3)  # a year cut from two
    metered = rig.outlet.of("volume_month", MARCH_MS, kind="metered_domestic")
    assert metered["volume_m3"] == pytest.approx(31 * 80)


def test_a_zone_s_month_beside_what_its_customers_were_metered(
    tmp_path: Path, table: Path
) -> None:

    rig = Rig(tmp_path, MARCH_MS + 31 * DAY_MS + 3_600_000)
    rig.read(32, steps(MARCH_MS - DAY_MS, rig.clock.at_ms), hameau)
    rows = TABLE.splitlines()[0] + "\nDomestique;Hameau;01/03/2026;31/03/2026;300;m3\n"
    table.write_text(rows, encoding="utf-8")
    kept.take(tmp_path, read([table]), "table.csv", "", rig.clock.at_ms)
    rig.run()
    month = rig.outlet.of("zone_month", MARCH_MS, zone="hameau")
    assert month["inflow_m3"] == pytest.approx(31 * 11.2 - 0.5, abs=1e-4)  # one hour is left out
    assert month["metered_m3"] == 300
    assert month["balance_m3"] == pytest.approx(month["inflow_m3"] - 300)
    assert month["balance_pct"] == pytest.approx(100 - 30_000 / month["inflow_m3"], abs=1e-4)


def test_the_report_reads_what_the_gateway_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A counter at 4 m³/h: 35,040 m³ in 2025, and 28,032 billed: 80.0 %."""
    site, out = tmp_path / "site.yaml", tmp_path / "out"
    site.write_text(SITE, encoding="utf-8")
    rig = Rig(tmp_path, MARCH_MS)
    rig.read(33, steps(MARCH_MS - 430 * DAY_MS, MARCH_MS, 6 * 3_600_000), counter)
    rig.indicators._outlet = None
    rig.run()
    table = tmp_path / "t.csv"
    table.write_text(TABLE.splitlines()[0] + "\nDomestique;x;2025-01-01;2025-12-31;28 032;m3\n")
    kept.take(tmp_path, read([table]), "t.csv", "", MARCH_MS)
    asked = ["report", "--year", "2025", "--site", str(site), "--data", str(tmp_path)]
    assert main([*asked, "--lang", "en", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "35,040 m³  measured by Amont" in said
    assert "28,032 m³  imported table" in said
    assert "80.0 %" in said
    assert "Eaux d&#39;essai" in (out / "yearly-2025.fr.html").read_text()
    rows = (out / "yearly-2025.csv").read_text().splitlines()
    assert "produced,35040,m3,0,2025-01-01,2025-12-31,measured" in rows
    assert "P104.3,80.0,%,,2025-01-01,2025-12-31," in rows
    # the same table named again is not counted twice; without a site's file it is all there is
    assert main([*asked, str(table), "--lang", "en"]) == 0
    assert "80.0 %" in capsys.readouterr().out
    assert main(["report", "--year", "2025", "--length-km", "5", str(table)]) == 2
    assert "no water comes in" in capsys.readouterr().err
    assert main(["report", "--year", "2025", str(table)]) == 2
    assert "--length-km, or a --site" in capsys.readouterr().err


def test_a_report_of_a_year_that_is_not_over_says_that_days_are_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(SITE, encoding="utf-8")
    rig = Rig(tmp_path, MARCH_MS)
    rig.read(33, steps(MARCH_MS - 100 * DAY_MS, MARCH_MS, 6 * 3_600_000), counter)
    rig.run()
    table = tmp_path / "t.csv"
    table.write_text(TABLE.splitlines()[0] + "\nDomestique;x;2026-01-01;2026-12-31;30 000;m3\n")
    asked = ["report", str(table), "--year", "2026", "--site", str(site), "--lang", "en"]
    assert main([*asked, "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "Days are wanting" in said
    assert "these volumes do not tell" in said
