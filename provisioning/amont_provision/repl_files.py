"""Move files through a raw REPL, whole or not at all, also on a MicroPython from 2017.

A board with ``os.stat``, ``os.rename``, SHA-256 and base64 gets its files beside their final name
and answers with their hashes, before and after the renaming. An older one goes through
``repl_flat``. What noise garbled shows, and is asked again.
"""

from __future__ import annotations

import contextlib
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import TypeVar

from amont_provision.repl import BoardError, Garbled, Repl
from amont_provision.repl_asking import Asking
from amont_provision.repl_flat import NEW, FlatFiles
from amont_provision.texts import Refused

T = TypeVar("T")
Facts = tuple[int, str]  # size in bytes, SHA-256 in hex
FOLDER: Facts = (0, "/")
TRIES = 3
CHUNK_BYTES = 1024  # several times that fits into the heap of the smallest node
WORTH_ANOTHER = ("repl-garbled", "repl-timeout", "repl-restarted", "board-raised")
FULL = ("Errno 28", "ENOSPC", "No space left", "OSError: 28")
_NAME = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9_.\-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9_.\-]+)*")

_FEATURES = """
import os
_r=[n for n in('stat','rename','mkdir')if hasattr(os,n)]
try:
 import hashlib,binascii
 _r+=[n for n in('sha256',)if hasattr(hashlib,n)]
 _r+=[n for n in('a2b_base64',)if hasattr(binascii,n)]
except ImportError:
 pass
_r=' '.join(_r)+' .'
"""
_ALL = frozenset(("stat", "rename", "mkdir", "sha256", "a2b_base64"))
# Facts of a file are "size hash name", "- - name" for none, "/ / name" for a folder.
_KIT = """
import os,hashlib,binascii
def _i(p):
 try:
  s=os.stat(p)
 except OSError as e:
  if e.args[0]not in(2,20):
   raise
  return '- - '+p
 if s[0]&0x4000:
  return '/ / '+p
 h=hashlib.sha256()
 n=0
 with open(p,'rb')as f:
  for _ in range(s[6]//512+1):
   d=f.read(512)
   h.update(d)
   n+=len(d)
 return '%d %s %s'%(n,str(binascii.hexlify(h.digest()),'ascii'),p)
def _l(p):
 r=[_i(p+'/'+n if p else n)for n in(os.listdir(p)if p else os.listdir())if n[0]!='.']
 return '\\n'.join(r)
def _m(p):
 i=p.find('/')
 for _ in p:
  if i<0:
   return
  try:
   os.mkdir(p[:i])
  except OSError as e:
   if e.args[0]!=17:
    raise
  i=p.find('/',i+1)
def _g(n):
 d=_f.read(n)
 return str(binascii.b2a_base64(d),'ascii').strip()
def _n(p,q):
 try:
  os.rename(p,q)
 except OSError:
  os.remove(q)
  os.rename(p,q)
 if hasattr(os,'sync'):
  os.sync()
 return _i(q)
def _d(p):
 try:
  os.remove(p)
 except OSError as e:
  if e.args[0]not in(2,20):
   raise
 return _i(p)
"""


def checked(name: str) -> str:
    """Return a name that is safe as a path below a board's root; raise Refused."""
    if not _NAME.fullmatch(name):
        raise Refused("port-name", name=name)
    return name


class Files:
    """The files of the board behind a REPL, whatever it can do; every method raises Refused."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl
        self._asking = Asking(repl)
        self._there: HashedFiles | FlatFiles | None = None

    def forget(self) -> None:
        """Know that the interpreter was restarted: what we defined is gone."""
        self._asking.forget()
        self._there = None

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        checked(name)
        return self._surely(name, lambda files: files.read(name))

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole; what arrived is what was sent, or this raises."""
        checked(name)
        self._surely(name, lambda files: files.write(name, content))

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        checked(name)
        self._surely(name, lambda files: files.remove(name))

    def list(self, folder: str) -> dict[str, Facts]:
        """Return size and SHA-256 of all files below a folder, but of no hidden ones."""
        if folder:
            checked(folder)
        return self._surely(folder or "/", lambda files: files.list(folder))

    # Noise may garble question or answer: both show, and all that we do may be done again.
    def _surely(self, name: str, act: Callable[[HashedFiles | FlatFiles], T]) -> T:
        for left in reversed(range(TRIES)):
            try:
                return act(self._files())
            except Refused as error:
                if isinstance(error, BoardError) and error.says(FULL):
                    self._discard(name)
                    raise Refused("board-full", port=self._repl.shown, name=name) from None
                if error.code not in WORTH_ANOTHER:
                    raise
                if not left:
                    raise self._final(error, name) from None
            self.forget()
            self._repl.slow_down()
        raise AssertionError("unreachable")

    def _final(self, error: Refused, name: str) -> Refused:
        if not isinstance(error, Garbled):
            return error
        why = error.values["why"]
        return Refused("board-verify", port=self._repl.shown, name=name, tries=TRIES, why=why)

    # What did not fit must not take the room of what is there.
    def _discard(self, name: str) -> None:
        with contextlib.suppress(Refused):
            self._asking.ask("_f.close()")
        with contextlib.suppress(Refused):
            self._files().discard(name)

    def _files(self) -> HashedFiles | FlatFiles:
        if self._there is None:
            said = self._asking.ask(_FEATURES).split()
            if said[-1:] != ["."] or not _ALL.issuperset(said[:-1]):
                raise self._asking.garbled("no features")
            self._there = (
                HashedFiles(self._asking)
                if _ALL.issubset(said)
                else FlatFiles(self._asking, "rename" in said)
            )
        return self._there


class HashedFiles:
    """Files on a board that can hash and rename."""

    def __init__(self, asking: Asking) -> None:
        self._ask = asking.ask
        self._garbled = asking.garbled
        self._ask(_KIT)

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        facts = self._facts(self._ask(f"_r=_i({name!r})"), name)
        if facts is None or facts == FOLDER:
            return None
        self._ask(f"_f=open({name!r},'rb')")
        content = b""
        while len(content) < facts[0]:
            content += self._decoded(self._ask(f"_r=_g({CHUNK_BYTES})"))
        self._ask("_f.close()")
        self._compare(_facts_of(content), facts)
        return content

    def write(self, name: str, content: bytes) -> None:
        """Replace a file; until the new one is whole and on flash, the old one stays."""
        beside, facts = name + NEW, _facts_of(content)
        self._ask(f"_m({beside!r});_f=open({beside!r},'wb')")
        for start in range(0, len(content), CHUNK_BYTES):
            piece = b64encode(content[start : start + CHUNK_BYTES]).decode()
            self._ask(f"_f.write(binascii.a2b_base64({piece!r}))")
        self._ask("_f.close()")
        self._compare(self._facts(self._ask(f"_r=_i({beside!r})"), beside), facts)
        self._compare(self._facts(self._ask(f"_r=_n({beside!r},{name!r})"), name), facts)

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        self._compare(self._facts(self._ask(f"_r=_d({name!r})"), name), None)

    def discard(self, name: str) -> None:
        """Remove what a write that did not end has left."""
        self.remove(name + NEW)

    def list(self, folder: str) -> dict[str, Facts]:
        """Return size and SHA-256 of all files below a folder."""
        found: dict[str, Facts] = {}
        if folder and self._facts(self._ask(f"_r=_i({folder!r})"), folder) != FOLDER:
            return found
        waiting = [folder]
        while waiting:
            for path, facts in self._entries(waiting.pop()):
                if facts == FOLDER:
                    waiting.append(path)
                elif facts is not None:
                    found[path[len(folder) + 1 if folder else 0 :]] = facts
        return dict(sorted(found.items()))

    def _entries(self, folder: str) -> Iterator[tuple[str, Facts | None]]:
        lines = self._ask(f"_r=_l({folder!r})").split("\n")
        paths = [line.split(" ", 2)[-1] for line in lines if line]
        return ((path, self._facts(line, path)) for line, path in zip(lines, paths, strict=False))

    def _facts(self, answer: str, name: str) -> Facts | None:
        size, _, rest = answer.partition(" ")
        digest, _, named = rest.partition(" ")
        if named != name:
            raise self._garbled("facts of another file")
        if (size, digest) == ("-", "-"):
            return None
        if (size, digest) == ("/", "/"):
            return FOLDER
        if not size.isdecimal() or not re.fullmatch("[0-9a-f]{64}", digest):
            raise self._garbled("no size and hash")
        return int(size), digest

    def _decoded(self, text: str) -> bytes:
        try:
            data = b64decode(text, validate=True)
        except (NoBase64, ValueError):
            raise self._garbled("no base64") from None
        if not data:
            raise self._garbled("the file ends early")
        return data

    def _compare(self, found: Facts | None, expected: Facts | None) -> None:
        if found != expected:
            raise self._garbled("content and hash differ")


def _facts_of(content: bytes) -> Facts:
    return len(content), sha256(content).hexdigest()
