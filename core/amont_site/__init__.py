"""Read and check one commune's file, and compile it for the guard.

``load(path)`` returns a ``Site`` or raises ``SiteError`` with everything that is wrong;
``check(path)`` returns both the site, if any, and all problems, warnings included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from amont_site.guardfile import canonical, compile_guard, write_guard
from amont_site.model import Site, fill_profiles, limits
from amont_site.pins import hash_pin
from amont_site.problems import Problem, SiteError
from amont_site.reading import Reader
from amont_site.rules import Rules

__all__ = [
    "Problem", "Site", "SiteError", "canonical", "check", "compile_guard",
    "hash_pin", "limits", "load", "schema", "write_guard",
]  # fmt: skip


def check(path: str | Path) -> tuple[Site | None, list[Problem]]:
    """Return the site (None if there is any error) and all problems in the order of lines."""
    reader = Reader(str(path))
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        reader.problem(0, (), "unreadable", why=error.strerror or str(error))
        return None, reader.problems
    plain = reader.read(data, Site)
    fill_profiles(plain)
    try:  # an unknown key does not hide what else is wrong, a wrong value does
        site = msgspec.convert(plain, Site)
        Rules(reader, site).run()
    except msgspec.ValidationError:
        assert reader.problems, "the reader let something pass"
    problems = sorted(reader.problems, key=lambda problem: problem.line)
    return (None if any(not p.warning for p in problems) else site), problems


def load(path: str | Path) -> Site:
    """Return the site of a file, or raise SiteError with all problems."""
    site, problems = check(path)
    if site is None:
        raise SiteError(problems)
    return site


def schema() -> dict[str, Any]:
    """Return the JSON schema of a site's file, for editors."""
    return msgspec.json.schema(Site)
