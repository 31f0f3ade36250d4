"""What is taken out of a node's program, and what must stay in it."""

import ast
from collections.abc import Iterator

import pytest

from amont_provision import compile as compiling
from amont_provision.slim import module_name, slim


def slimmed(**sources: str) -> dict[str, str]:
    """Return modules of one package after they were made slim, by name."""
    files = {f"p/{name}.py": text.encode() for name, text in sources.items()}
    return {path[2:-3]: text.decode() for path, text in slim(files).items()}


def run(sources: dict[str, str], name: str) -> dict[str, object]:
    """Return what a module without imports defines."""
    found: dict[str, object] = {}
    exec(compile(sources[name], name, "exec"), found)
    return found


def test_constants_become_what_they_are_and_lines_stay():
    text = "_MINUTE_S = 60\n_HOUR_S = 60 * _MINUTE_S  # long\n\n\ndef hours(s):\n"
    text += "    return s // _HOUR_S - -_MINUTE_S\n"
    made = slimmed(a=text)["a"]
    assert "_HOUR_S" not in made
    assert made.splitlines()[5] == "    return s // 3600 - -60"
    assert run({"a": made}, "a")["hours"](7200) == 62  # type: ignore[operator]


def test_constants_of_other_modules_are_not_imported():
    made = slimmed(
        a="LOW = -3\nNAME = 'tally'\nOPEN = True\n\ndef f():\n    pass\n",
        b="from p import a as other\nfrom p.a import (\n    LOW,\n    NAME as WORD,\n    f,\n)\n"
        "x = [LOW, WORD, other.OPEN, f]\n",
        c="def late():\n    from p.a import LOW\n    return LOW\n",
    )
    assert made["a"].split() == ["pass"] * 3 + ["def", "f():", "pass"]
    assert made["b"].splitlines()[1] == "from p.a import f"
    assert made["b"].splitlines()[-1] == "x = [(-3), 'tally', True, f]"
    assert made["c"] == "def late():\n    pass\n    return (-3)\n"


@pytest.mark.parametrize(
    "text",
    [
        "COUNT = 0\n\ndef more():\n    global COUNT\n    COUNT += 1\n",
        "ONE = 1\nONE = 2\n",
        "LIMIT = 5\n\ndef f(LIMIT):\n    return LIMIT\n",
        "import sys\nBIG = sys.maxsize\n",
        "TEXT = 'longer than a name may be'\n",
        "PAIR = (1, 2)\n",
        "lower = 3\nprint(lower)\n",
    ],
)
def test_what_may_change_or_costs_more_stays(text):
    assert slimmed(a=text)["a"] == text


def test_what_is_asked_for_by_its_text_or_through_an_unknown_name_stays():
    made = slimmed(
        a="A = 1\nB = 2\nC = 3\n",
        b="from p import a\nprint(getattr(a, 'A'))\n",
        c="import sys\nif sys:\n    from p import a as hal\nelse:\n    from p import b as hal\n"
        "print(hal.B)\n",
    )
    assert made["a"] == "A = 1\nB = 2\npass\n"


def test_imports_for_annotations_alone_go_and_others_stay():
    made = slimmed(
        a="class Kind:\n    pass\n\nclass Other:\n    pass\n",
        b="from p.a import Kind, Other\n\ndef f(x: Kind) -> 'Kind':\n    y: Kind = Other()\n",
        c="from p.a import Kind\n",
        d="from p.c import Kind\nprint(Kind)\n",
    )
    assert made["b"].splitlines()[0] == "from p.a import Other"
    assert made["c"] == "from p.a import Kind\n"


def test_of_the_wire_only_one_half_stays():
    wire = compiling.sources(("amont_wire",))
    node = b"from amont_wire.downlink import decode\nfrom amont_wire.samples import Samples\n"
    made = slim({**wire, "amont_node/a.py": node + b"print(decode, Samples.encode)\n"})
    assert "amont_wire/messages.py" not in made
    assert "amont_wire/link.py" not in made
    names = {
        node.name
        for path in ("samples", "downlink", "rice")
        for node in ast.walk(ast.parse(made[f"amont_wire/{path}.py"]))
        if isinstance(node, ast.FunctionDef)
    }
    assert {"encode_trimmed", "decode_ack", "decode", "cheapest"} <= names
    assert not {"decode_samples", "covers", "__repr__", "_fields", "_rice"} & names


def test_decorated_definitions_and_what_uses_them_stay_or_go_whole():
    text = "class A:\n    @property\n    def __eq__(self):\n        return (\n            1)\n"
    made = slim({"amont_wire/a.py": text.encode(), "b.py": b"from amont_wire.a import A\nA\n"})
    assert made["amont_wire/a.py"] == b"class A:\n    pass\n\n\n\n"


def test_what_does_not_parse_is_left_to_the_compiler():
    files = {"a.py": b"def (:\n", "b.py": b"X = 1\n"}
    assert slim(files) == files


def test_a_name_that_is_passed_on_is_found_where_it_is_asked_for():
    made = slimmed(
        a="SIZE = 4\n\ndef f():\n    pass\n",
        b="from p.a import SIZE, f\n",
        c="from p import b\nprint(b.SIZE, b.f)\n",
    )
    assert made["b"].split() == ["from", "p.a", "import", "f"]
    assert made["c"].splitlines()[1] == "print(4, b.f)"


def test_the_application_has_no_name_that_is_gone():
    made = compiling.application()
    assert set(made) < set(compiling.sources())
    trees = {module_name(path): ast.parse(text) for path, text in made.items()}
    known = {name: set(_defined(tree)) for name, tree in trees.items()}
    for name in known:  # a package has its modules
        package, _, own = name.rpartition(".")
        known.setdefault(package, set()).add(own) if package else None
    for name, tree in trees.items():
        for module, asked in _asked(tree, known):
            assert asked in known.get(module, asked), (name, module, asked)


def _defined(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.alias):
            yield node.asname or node.name


def _asked(tree: ast.AST, known: dict[str, set[str]]) -> Iterator[tuple[str, str]]:
    aliases = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in known:
            for one in node.names:
                yield node.module, one.name
                if f"{node.module}.{one.name}" in known:
                    aliases[one.asname or one.name] = f"{node.module}.{one.name}"
    aliases.pop("hal", "")  # which of the two it is, only the board knows
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield aliases.get(node.value.id, ""), node.attr
