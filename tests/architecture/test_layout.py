"""Keep the tree as docs/architecture.md and the contracts in pyproject.toml lay it out."""

import ast
import importlib.metadata
import re
import sys
import tomllib
from pathlib import Path

import pytest
import urllib3

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
CONTRACTS = PROJECT["tool"]["importlinter"]


def sources(folder):
    return [p for p in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in p.parts]


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module


def test_every_package_on_disk_is_shipped():
    on_disk = {str(p.parent.relative_to(ROOT)) for p in ROOT.glob("*/amont_*/__init__.py")}
    assert on_disk == set(PACKAGES)


def test_every_package_has_an_import_contract():
    names = {Path(package).name for package in PACKAGES}
    sources_named = {m for c in CONTRACTS["contracts"] for m in c.get("source_modules", ())}
    assert set(CONTRACTS["root_packages"]) == names
    assert names - sources_named == {"amont_demo"}, "amont_demo alone may import everything"


def test_architecture_page_names_every_package():
    rows = re.findall(r"^\| `(.+?)` \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    rows += re.findall(r"^\| `.+?`, `(.+?)` \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    named = {name for row in rows for name in row.replace("`", "").split(", ")}
    assert set(PACKAGES) <= named


def test_guard_uses_only_the_third_parties_that_it_names():
    third = {
        name.partition(".")[0]
        for path in sources("gateway/amont_guard")
        for name in imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
    }
    ours = {name for name in third if name.startswith("amont_")}
    assert ours <= {"amont_guard", "amont_wire", "amont_watch"}
    assert third - ours <= {"serial", "cryptography", "gpiozero", "minimalmodbus"}


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_imports_the_tests(package):
    wrong = [
        f"{path.name}: {name}"
        for path in sources(package)
        for name in imported(path)
        if name.partition(".")[0] in {"tests", "conftest", "pytest"}
    ]
    # The boards' pytest plug-in lives with the boards; nothing else of ours may know pytest.
    assert package == "hil_tests/amont_hil" or wrong == []


def test_licence_is_apache():
    assert "Apache License" in (ROOT / "LICENSE").read_text()[:200]
    assert PROJECT["project"]["license"] == "Apache-2.0"


def test_one_module_knows_a_grafana_library_and_urllib3_is_untouched():
    knows = {f.name for p in PACKAGES for f in sources(p) for n in imported(f) if "grafana_c" in n}
    assert knows == {"remote.py"}
    extras = PROJECT["project"]["optional-dependencies"]
    assert [n for n, needs in extras.items() if "grafana" in "".join(needs)] == ["grafana"]
    assert "grafana" not in "".join(PROJECT["project"]["dependencies"])
    assert "grafana-client" not in (ROOT / "requirements/base.txt").read_text()
    # grafana-client 4 and later bring a package that replaces urllib3 when Python starts.
    assert urllib3.__version__ == importlib.metadata.version("urllib3")
