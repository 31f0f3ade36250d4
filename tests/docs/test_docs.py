"""What the documents name exists: paths, make targets, commands and their options."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from amont_gateway.page.texts import TEXTS

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
FOLDERS = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
# Written at run time, in the guard's or gateway's own folder or by the bench.
MADE = ("build/", "run/")


def ids(path):
    return str(path.relative_to(ROOT))


def code_spans(path):
    return re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", path.read_text(), flags=re.S))


@pytest.mark.parametrize("path", DOCS, ids=ids)
def test_links_lead_somewhere(path):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())
    local = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert [link for link in local if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCS, ids=ids)
def test_paths_exist(path):
    """A code span that begins with one of our folders is a path, unless it has a wildcard."""
    named = {
        span.rstrip("/")
        for span in code_spans(path)
        if re.fullmatch(r"[\w./-]+", span) and span.partition("/")[0] in FOLDERS and "/" in span
    }
    missing = {n for n in named if not n.startswith(MADE) and not (ROOT / n).exists()}
    assert missing == set()


@pytest.mark.parametrize("path", DOCS, ids=ids)
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", path.read_text(), re.M))
    assert named - targets == set()


def test_help_lists_every_target():
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True
    ).stdout
    phony = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.M)[1].split()
    assert [t for t in phony if t not in ("help", "static") and f"make {t} " not in listed] == []


@pytest.mark.parametrize("path", DOCS, ids=ids)
def test_our_commands_exist(path):
    """``amont-x`` in a document is one of ours."""
    named = set(re.findall(r"`(amont-[a-z]+)\b(?![-./])", path.read_text()))
    assert named - set(PROJECT["scripts"]) - {"amont-bridge"} == set()


ENTRIES = {**PROJECT["scripts"], "python -m amont_site": "amont_site.cli:main"}


@pytest.fixture
def help_of(monkeypatch, capsys):
    """Return a function that returns the help of a command, run in this process."""

    def call(command, *words):
        module, _, function = ENTRIES[command].partition(":")
        entry = getattr(importlib.import_module(module), function)
        monkeypatch.setattr(sys, "argv", [command, *words, "--help"])
        with pytest.raises(SystemExit) as end:
            entry()
        assert end.value.code == 0
        return capsys.readouterr().out

    return call


@pytest.mark.parametrize("command", ENTRIES)
def test_every_command_has_help(help_of, command):
    assert f"usage: {command}" in help_of(command)


@pytest.mark.parametrize("command", ENTRIES)
def test_every_subcommand_stands_in_the_table_and_nothing_else(help_of, command):
    def leaves(*words):
        shown = help_of(command, *words)
        found = re.search(r"^positional arguments:\n  \{([a-z,-]+)\}", shown, re.M)
        if not found:
            return {" ".join([command, *words])}
        return {leaf for name in found[1].split(",") for leaf in leaves(*words, name)}

    table = (ROOT / "docs/commands.md").read_text()
    assert set(re.findall(rf"^\| `({command}[^`]*)`", table, re.M)) == leaves()


PARTS = ["Status", "Context", "Decision", "Consequences", "Compliance"]
RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))


@pytest.mark.parametrize("path", RECORDS, ids=ids)
def test_a_decision_is_one_screen_with_its_five_parts(path):
    text = path.read_text()
    assert re.findall(r"^\*\*(\w+)[.*]", text, re.M) == PARTS
    assert len(text.splitlines()) <= 40
    assert text.startswith(f"# {int(path.name[:4])}. ")


@pytest.mark.parametrize("path", RECORDS, ids=ids)
def test_a_decision_names_what_holds_it_up(path):
    compliance = path.read_text().rpartition("**Compliance.**")[2]
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    names = {contract["name"] for contract in contracts["contracts"]}
    quoted = {" ".join(q.split()) for q in re.findall(r'contracts? "([^"]+)"', compliance)}
    assert quoted <= names
    assert quoted or re.search(r"`(tests/|make bench|docs/|requirements/)", compliance)


def test_decisions_are_numbered_without_gaps():
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


GUIDES = sorted((ROOT / "docs").glob("*.fr.md"))


@pytest.mark.parametrize("french", GUIDES, ids=ids)
def test_a_page_for_people_exists_in_both_languages(french):
    english = french.with_name(french.name.replace(".fr.", ".en."))
    shapes = [re.findall(r"^(#+|\||-)", page.read_text(), re.M) for page in (french, english)]
    assert shapes[0] == shapes[1]


def test_there_are_pages_for_people():
    assert len(GUIDES) == len(list((ROOT / "docs").glob("*.en.md"))) > 0


@pytest.mark.parametrize(("language", "quotes"), [("fr", "«  »"), ("en", '""')])
def test_the_guide_quotes_the_pages_own_words(language, quotes):
    """What stands in capitals or quotation marks in the guide can be read on the page."""
    text = (ROOT / f"docs/guide.{language}.md").read_text()
    column = ("fr", "en").index(language)
    shown = " ".join(row[column] for row in TEXTS.values()).replace("’", "'")
    first, last = quotes[0], quotes[-1]
    quoted = re.findall(rf"{first} ?([^{last}|]+?) ?{last}", text) + re.findall(
        r"\*\*([^*]+)\*\*", text
    )
    assert len(quoted) > 5
    assert [q for q in quoted if q.replace("’", "'") not in shown] == []
