"""Hold the limits on size and the words that names and files must not use."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 400, 600, 70
VAGUE = re.compile(r"(^|_)(utils?|helpers?|common|managers?|misc)(_|$)")
LEFT_TO_DO = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
SKIPS = re.compile(r"pytest\.(mark\.)?(skip|xfail)" r"(if)?\b")


def tracked():
    out = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, timeout=30,
    ).stdout  # fmt: skip
    return [ROOT / name for name in out.decode().split("\0") if name and (ROOT / name).is_file()]


TRACKED = tracked()
PYTHON = [path for path in TRACKED if path.suffix == ".py"]
TEXTS = [p for p in TRACKED if b"\0" not in p.read_bytes()[:8192]]


def is_test(path):
    return {"tests", "hil_tests"} & set(
        path.relative_to(ROOT).parts[:-1]
    ) or path.stem == "conftest"


def found(pattern, paths):
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}"
        for path in paths
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1)
        if re.search(pattern, line)
    ]


def test_files_are_short():
    lines = {p.relative_to(ROOT): len(p.read_text().splitlines()) for p in PYTHON}
    long = {
        str(path): count
        for path, count in lines.items()
        if count > (TEST_FILE_LINES if is_test(ROOT / path) else FILE_LINES)
    }
    assert long == {}


def test_functions_are_short():
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1}"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES
    ]
    assert long == []


def test_no_file_has_a_vague_name():
    assert [str(p) for p in PYTHON if VAGUE.search(p.stem) or VAGUE.search(p.parent.name)] == []


def test_no_class_or_function_has_a_vague_name():
    vague = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in PYTHON
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and VAGUE.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).lower())
    ]
    assert vague == []


def test_nothing_is_left_to_do_and_no_test_is_skipped():
    assert found(LEFT_TO_DO, PYTHON) == []
    assert found(SKIPS, PYTHON) == []


@pytest.mark.parametrize("folder", [ROOT, Path.home()])
def test_no_path_of_this_machine(folder):
    assert found(re.escape(f"{folder}/"), TEXTS) == []


def test_no_registry_address():
    # Pins are exported without them: the machine that installs decides where packages come from.
    # One example a rule would match itself, hence the split strings.
    pattern = (
        r"https?://[^ \"]*/(simple|pack"
        r"ages)/|\"resol"
        r"ved\": *\"http|^(--)?(extra-)?index-"
        r"url"
    )
    assert found(pattern, TEXTS) == []


def test_the_project_speaks_of_itself_alone():
    talk = (
        r"(?i)\b(as an "
        r"ai|language "
        r"model|this ses"
        r"sion (was|is)|iss"
        r"ue #?[0-9]+ asks)\b"
    )
    assert found(talk, TEXTS) == []


def test_every_lint_exception_says_why():
    exception = r"# (noqa|pragma: no cover)"
    reason = r"# (noqa(: ?[A-Z0-9, ]+)?|pragma: no cover)[ #(:—-]+\w{2,}"
    bare = [line for line in found(exception, PYTHON) if not re.search(reason, line)]
    assert bare == []
