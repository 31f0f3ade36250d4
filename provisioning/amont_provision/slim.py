"""Take out of a node's program what costs its board memory and gives it nothing.

A board keeps every name of every module in its heap. So constants become the numbers that they
are, wherever the whole program shows that nobody changes them; what is imported for annotations
alone is not imported; and of the wire, which serves both ends, only the node's half stays. Lines
stay where they are: what a board says of an exception is true of the sources.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

WIRE = "amont_wire."  # serves both ends of a link, and a board is one
# What people and tests ask of messages, and what the other end does with them.
UNASKED = {
    "": ("__eq__", "__hash__", "__repr__", "_fields"),
    "amont_wire.downlink": ("encode",),
    "amont_wire.rice": ("decode",),
}
TEXT_MAX = 10  # characters: longer texts are no names to MicroPython, each use would be a copy
Value = int | str
Definition = ast.FunctionDef | ast.ClassDef
_OPERATIONS = {
    ast.Add: int.__add__, ast.Sub: int.__sub__, ast.Mult: int.__mul__,
    ast.FloorDiv: int.__floordiv__, ast.LShift: int.__lshift__, ast.BitOr: int.__or__,
}  # fmt: skip


def module_name(path: str) -> str:
    """Return the dotted name of a file's module."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def slim(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the same program with less in it, by path; sources that do not parse stay."""
    modules = {}
    for path, source in files.items():
        try:
            modules[module_name(path)] = _Module(path, source)
        except (SyntaxError, ValueError):  # the compiler says better what is wrong
            return dict(files)
    _leave_out(modules)
    _find_constants(modules)
    for module in modules.values():
        module.inline(modules)
    _drop_imports(modules)
    _drop_constants(modules)
    _drop_definitions(modules)
    _drop_imports(modules)
    return {module.path: module.text() for module in modules.values()}


class _Module:
    """A file, what it defines, and the edits that make it slimmer."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.name = path, module_name(path)
        self.tree = ast.parse(source)
        _forget_annotations(self.tree)
        self.lines = source.split(b"\n")
        self.constants: dict[str, Value] = {}
        self.seen: dict[str, Value] = {}  # constants by the name that they have here
        self.aliases: dict[str, str] = {}  # modules by the name that they have here
        self.inlined: set[ast.AST] = set()
        self.dropped: set[ast.AST] = set()
        self._bound = Counter(_bindings(self.tree))
        self._edits: dict[ast.stmt | ast.expr, bytes] = {}

    def is_once(self, name: str) -> bool:
        """Say whether a name is bound in one place, whatever the scope."""
        return self._bound[name] == 1

    def find(self, modules: Mapping[str, _Module]) -> bool:
        """Note which constants and modules are seen from here; return whether any is new."""
        before = len(self.seen) + len(self.aliases)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                self._find_imported(node, modules)
        for statement in self.tree.body:
            name = _constant_name(statement)
            if name and self.is_once(name):
                value = _folded(statement.value, self.seen)  # type: ignore[attr-defined]
                if value is not None:
                    self.constants[name] = self.seen[name] = value
        return len(self.seen) + len(self.aliases) > before

    def _find_imported(self, node: ast.ImportFrom, modules: Mapping[str, _Module]) -> None:
        source = modules.get(node.module or "")
        for name in node.names:
            here = name.asname or name.name
            if not self.is_once(here):
                continue
            if source is not None and name.name in source.constants:
                self.seen[here] = source.constants[name.name]
            elif f"{node.module}.{name.name}" in modules:
                self.aliases[here] = f"{node.module}.{name.name}"

    def inline(self, modules: Mapping[str, _Module]) -> None:
        """Write values where constants are used."""
        for node in ast.walk(self.tree):
            value = self._value(node, modules)
            if value is not None:
                self.inlined.add(node)
                self._edits[node] = _literal(value)  # type: ignore[index]

    def _value(self, node: ast.AST, modules: Mapping[str, _Module]) -> Value | None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            return self.seen.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of = modules.get(self.aliases.get(node.value.id, ""))
            return None if of is None else of.seen.get(node.attr)
        return None

    def imports(self) -> Iterator[str]:
        """Yield the dotted names that are still imported."""
        return _imports(self.nodes())

    def drop_imports(self, asked: set[str]) -> None:
        """Import only what is used here, or asked of this module by others."""
        used = {
            name
            for node in self.nodes()
            if not isinstance(node, ast.alias) and node not in self.inlined
            for name in _names([node])
        }
        for node in self.nodes():
            if isinstance(node, ast.ImportFrom):
                kept = [a for a in node.names if (a.asname or a.name) in used | asked]
                if len(kept) < len(node.names):
                    node.names = kept
                    text = ast.unparse(node) if kept else "pass"
                    self._edits[node] = text.encode()

    def drop(self, node: ast.stmt) -> None:
        """Take a statement out, or a definition with its decorators."""
        self.dropped.add(node)
        self._edits[node] = b"pass"

    def nodes(self, root: ast.AST | None = None) -> Iterator[ast.AST]:
        """Yield what is left of the tree, or of one definition in it."""
        waiting: list[ast.AST] = [root or self.tree]
        while waiting:
            node = waiting.pop()
            if node not in self.dropped:
                yield node
                if node not in self.inlined:
                    waiting.extend(ast.iter_child_nodes(node))

    def text(self) -> bytes:
        """Return the source with all edits made; those inside another are lost with it."""
        lines = self.lines
        spans = [(_begin(node), node, text) for node, text in self._edits.items()]
        outer: list[tuple[tuple[int, int], tuple[int, int], bytes]] = []
        for begin, node, text in sorted(
            spans, key=lambda one: (one[0], -(one[1].end_lineno or 0))
        ):
            if not outer or begin >= outer[-1][1]:
                end = (node.end_lineno or 0, node.end_col_offset or 0)
                outer.append((begin, end, text))
        for (line, column), (last, until), text in reversed(outer):
            tail = lines[last - 1][until:]
            lines[line - 1] = lines[line - 1][:column] + text
            for at in range(line, last):
                lines[at] = b""
            lines[line - 1] += tail
        return b"\n".join(lines)


def _leave_out(modules: dict[str, _Module]) -> None:
    """Leave out what of the wire no module imports: a node hears and says only one half of it."""
    while True:
        imported = {name for module in modules.values() for name in module.imports()}
        idle = [
            name for name, module in modules.items()
            if name.startswith(WIRE) and name not in imported
        ]  # fmt: skip
        for name in idle:
            del modules[name]
        if not idle:
            return


def _imports(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def _find_constants(modules: Mapping[str, _Module]) -> None:
    while any([module.find(modules) for module in modules.values()]):
        pass


def _drop_imports(modules: Mapping[str, _Module]) -> None:
    attributes = {
        node.attr
        for module in modules.values()
        for node in module.nodes()
        if isinstance(node, ast.Attribute) and node not in module.inlined
    }
    imported = {name for module in modules.values() for name in module.imports()}
    for module in modules.values():
        inside = module.name + "."
        asked = {name[len(inside) :] for name in imported if name.startswith(inside)}
        module.drop_imports(asked | attributes)


def _drop_constants(modules: Mapping[str, _Module]) -> None:
    names = {name for module in modules.values() for name in _uses(module)}
    for module in modules.values():
        for statement in module.tree.body:
            name = _constant_name(statement)
            if name in module.constants and name not in names:
                module.drop(statement)


def _drop_definitions(modules: Mapping[str, _Module]) -> None:
    """Drop what nobody names, until nothing more falls; texts count as names."""
    while True:
        used = Counter(name for module in modules.values() for name in _uses(module))
        found = [
            (module, node)
            for module in modules.values()
            for node in module.nodes()
            if isinstance(node, Definition) and _is_idle(module, node, used)
        ]
        for module, node in found:
            module.drop(node)
        if not found:
            return


def _is_idle(module: _Module, node: Definition, used: Counter[str]) -> bool:
    if not module.name.startswith(WIRE):
        return False
    if node.name in (*UNASKED[""], *UNASKED.get(module.name, ())):
        return True
    own = sum(name == node.name for name in _names(module.nodes(node)))
    return not node.name.startswith("__") and used[node.name] <= own and not node.decorator_list


def _uses(module: _Module) -> Iterator[str]:
    yield from _names(node for node in module.nodes() if node not in module.inlined)


def _names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.alias):
            yield node.name.rpartition(".")[2]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _forget_annotations(tree: ast.AST) -> None:
    """Take annotations out of a tree, and leave them in the text: MicroPython skips them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        elif isinstance(node, ast.arg):
            node.annotation = None
        elif isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)


def _bindings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names
        elif isinstance(node, ast.alias):
            yield node.asname or node.name
        elif isinstance(node, Definition):
            yield node.name


def _constant_name(statement: ast.stmt) -> str:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name) and target.id == target.id.upper():
            return target.id
    return ""


def _folded(node: ast.expr, known: Mapping[str, Value]) -> Value | None:
    if isinstance(node, ast.Constant):
        value = node.value
        short = isinstance(value, str) and len(value) <= TEXT_MAX
        return value if isinstance(value, int) or short else None  # type: ignore[return-value]
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = _folded(node.operand, known)
        return -value if isinstance(value, int) else None
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _folded(node.left, known), _folded(node.right, known)
        if isinstance(left, int) and isinstance(right, int):
            return _OPERATIONS[type(node.op)](left, right)
    return None


def _literal(value: Value) -> bytes:
    text = repr(value)
    return f"({text})".encode() if text.startswith("-") else text.encode()


def _begin(node: ast.stmt | ast.expr) -> tuple[int, int]:
    first = getattr(node, "decorator_list", None)
    if first:
        return first[0].lineno, first[0].col_offset - 1
    return node.lineno, node.col_offset
