"""The mayor's sheet: one source, both languages, one sheet of A4."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from tests.page.sample_views import NOW_MS, calm

from amont_gateway import mayor
from amont_gateway.page.texts import TEXTS
from amont_gateway.view import Practice

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_document_is_the_same_as_the_page(lang):
    """Where it differs: ``python -m amont_gateway.mayor fr > docs/mayor.fr.md``."""
    assert (ROOT / f"docs/mayor.{lang}.md").read_text() == mayor.markdown(lang)


@pytest.mark.parametrize(("lang", "quotes"), [("fr", "« ([^»]+?) »"), ("en", "“([^”]+)”")])
def test_it_quotes_the_pages_own_words(lang, quotes):
    column = ("fr", "en").index(lang)
    shown = {row[column] for row in TEXTS.values()}
    found = re.findall(quotes, mayor.markdown(lang))
    assert len(found) == 4
    assert [quote for quote in found if quote not in shown] == []


def test_the_sites_own_facts_are_on_it_as_text():
    view = calm()
    view.people = ["<i>Anne</i>"]
    view.sirens[0].silent_test = Practice(next_ms=NOW_MS)
    sheet = mayor.html(view, "fr")
    assert "&lt;i&gt;Anne" in sheet
    assert "<i>Anne" not in sheet
    assert "2,50\xa0m" in sheet
    assert "chaque jour à" in sheet


@pytest.mark.browser
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_prints_on_one_sheet_of_a4(tmp_path, lang):
    view = calm()
    view.people = [f"Personne Numéro {i} Au Nom Assez Long" for i in range(10)]
    sheet, pdf = tmp_path / "sheet.html", tmp_path / "sheet.pdf"
    sheet.write_text(mayor.html(view, lang))
    subprocess.run(
        [
            os.environ.get("CHROMIUM", "chromium"), "--headless", "--no-sandbox", "--disable-gpu",
            "--no-pdf-header-footer", f"--user-data-dir={tmp_path}/profile",
            f"--print-to-pdf={pdf}", sheet.as_uri(),
        ],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    content = pdf.read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 1
    width, height = map(float, re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", content)[0])
    assert (round(width), round(height)) == (595, 842)  # A4 in points
