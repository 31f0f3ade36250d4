"""Third-party MicroPython libraries: fetched once as ``mip`` would, locked by hash, then offline.

A package is named as mip names it: ``NAME`` or ``NAME@VERSION`` of an index, or the address or
path of a ``package.json``. The index answers ``package/py/NAME/VERSION.json`` and
``file/HH/HASH``, where HASH is the start of the file's SHA-256; an index may also be a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from amont_provision import cache as caching
from amont_provision.cache import Cache
from amont_provision.fetch import fetched
from amont_provision.texts import Flaw, Refused

KIND = "packages"
LOCK = "deps.lock"
NEWEST = "latest"
PACKAGES_MAX = 32  # with what they need in turn
FILES_MAX = 128
FILE_BYTES_MAX = 256_000  # the largest driver of micropython-lib has 35 KB
SHORT_HASH = re.compile(r"[0-9a-f]{8,64}")
PATH = re.compile(r"(?:[A-Za-z0-9_]+/){0,4}[A-Za-z0-9_]+\.py")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
OURS = ("amont_wire/", "amont_watch/", "amont_node/", "amont_bridge/", "main.py", "boot.py")
Lock = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Package:
    """A package as it was found, with where each of its files is."""

    name: str
    version: str
    origin: str
    files: Mapping[str, tuple[str, str]]  # path on the board: (address, start of its SHA-256)
    needs: tuple[tuple[str, str], ...]


def read_lock(path: Path) -> Lock:
    """Return the packages of a lock file; raise Refused if it is damaged."""
    entries = caching.read_lock(path, KIND)
    try:
        for entry in entries.values():
            for inside, held in entry["files"].items():
                _check_path(inside)
                if not re.fullmatch(r"[0-9a-f]{64}", held["sha256"]):
                    raise Flaw("flaw-lib-hash", path=inside, hash=ascii(held["sha256"])[:80])
                str(held["from"])
    except Flaw as flaw:
        raise Refused("lock-damaged", path=path, why=flaw) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused("lock-damaged", path=path, why=Flaw("flaw-form")) from None
    return entries


def add(names: list[str], index: str | None, lock: Lock, cache: Cache) -> Lock:
    """Return the lock with packages and what they need, each file kept in the cache.

    Raise Refused before anything is locked if one cannot be had, or differs from its lock.
    """
    queue = [(*_split(name), name) for name in names]
    found: Lock = {}
    while queue:
        name, version, said = queue.pop(0)
        package = _described(said, name, version, index)
        if package.name in found:
            continue
        if len(found) == PACKAGES_MAX:
            raise Refused("too-many-packages", most=PACKAGES_MAX)
        found[package.name] = _kept(package, lock.get(package.name), cache)
        queue += [(need, wanted, need) for need, wanted in package.needs]
    return lock | found


def complete(lock: Lock, cache: Cache) -> list[str]:
    """Fetch what the lock names and the cache lacks; return those paths. Raise Refused."""
    fresh = []
    for entry in lock.values():
        for path, held in entry["files"].items():
            if cache.find(held["sha256"]) is None:
                content = fetched(_web(held["from"]), FILE_BYTES_MAX)
                if sha256(content).hexdigest() != held["sha256"]:
                    raise Refused("lock-differs", path=path, address=held["from"])
                cache.keep(content)
                fresh.append(path)
    return fresh


def sources(lock: Lock, cache: Cache, named: Path = Path(LOCK)) -> dict[str, bytes]:
    """Return the libraries' sources by path, from the cache alone; raise Refused.

    ``named`` is the lock's file, of which a refusal says how to have what is missing.
    """
    result: dict[str, bytes] = {}
    for name, entry in lock.items():
        for path, held in entry["files"].items():
            content = cache.find(held["sha256"])
            if content is None:
                raise Refused("not-cached", what=f"{name}: {path}", lock=named)
            result[path] = content
    return result


def _kept(package: Package, locked: dict[str, Any] | None, cache: Cache) -> dict[str, Any]:
    files = {}
    for path, (address, start) in package.files.items():
        content = fetched(address, FILE_BYTES_MAX)
        digest = sha256(content).hexdigest()
        before = locked["files"].get(path) if locked else None
        same_version = locked is not None and locked.get("version") == package.version
        differs = before is not None and same_version and before["sha256"] != digest
        if not digest.startswith(start) or differs:
            raise Refused("lock-differs", path=path, address=address)
        files[path] = {"sha256": digest, "from": address}
        cache.keep(content)
    return {"version": package.version, "from": package.origin, "files": files}


def _described(said: str, name: str, version: str, index: str | None) -> Package:
    """Read a package's description; raise Refused with its address if it is not one."""
    direct = said.endswith(".json")
    if not direct and index is None:
        raise Refused("no-index", name=name)
    base = (index or "").rstrip("/")
    origin = _web(said) if direct else f"{base}/package/py/{name}/{version}.json"
    content = fetched(origin, FILE_BYTES_MAX)
    try:
        value = json.loads(content)
        files = _files(value, origin, None if direct else base)
        needs = tuple(_need(entry) for entry in value.get("deps", []))
        return Package(name, str(value.get("version", version)), origin, files, needs)
    except Flaw as flaw:
        raise Refused("package-damaged", address=origin, why=flaw) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused("package-damaged", address=origin, why=Flaw("flaw-form")) from None


def _files(value: dict[str, Any], origin: str, base: str | None) -> dict[str, tuple[str, str]]:
    found = {}
    for path, start in value.get("hashes", []):
        if base is None or not SHORT_HASH.fullmatch(start):
            raise Flaw("flaw-lib-hash", path=ascii(path)[:80], hash=ascii(start)[:80])
        found[_check_path(path)] = (f"{base}/file/{start[:2]}/{start}", start)
    for path, address in value.get("urls", []):
        found[_check_path(path)] = (_beside(origin, address), "")
    if not 1 <= len(found) <= FILES_MAX:
        raise Flaw("flaw-files", most=FILES_MAX)
    return found


def _check_path(path: str) -> str:
    if not PATH.fullmatch(path) or path.startswith(OURS):
        raise Flaw("flaw-lib-path", path=ascii(path)[:80])
    return path


def _need(entry: Any) -> tuple[str, str]:
    name, version = str(entry[0]), str(entry[1]) if len(entry) > 1 else NEWEST
    if not NAME.fullmatch(name) and not name.endswith(".json"):
        raise Flaw("flaw-lib-name", name=ascii(name)[:80])
    return name, version


def _split(text: str) -> tuple[str, str]:
    """Return name and version of what a person typed; raise Refused."""
    if text.endswith(".json"):
        return text.rstrip("/").split("/")[-2] if "/" in text else "package", NEWEST
    name, _, version = text.partition("@")
    if not NAME.fullmatch(name) or (version and not NAME.fullmatch(version)):
        raise Refused("no-package-name", name=text)
    return name, version or NEWEST


def _beside(origin: str, address: str) -> str:
    """Return where a description's file is: an address of its own, or beside the description."""
    if ":" in address.partition("/")[0]:
        return _web(address)
    if address.startswith("/") or ".." in address.split("/"):
        raise Flaw("flaw-lib-outside", path=ascii(address)[:80])
    return origin.rpartition("/")[0] + "/" + address if "/" in origin else address


def _web(address: str) -> str:
    """Return an http(s) address for mip's short form ``github:OWNER/NAME/PATH[@BRANCH]``."""
    kind, _, rest = address.partition(":")
    if kind != "github":
        return address
    rest, _, branch = rest.partition("@")
    owner, name, path = rest.split("/", 2)
    return f"https://raw.githubusercontent.com/{owner}/{name}/{branch or 'HEAD'}/{path}"
