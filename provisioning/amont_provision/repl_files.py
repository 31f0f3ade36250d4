"""Move files through a raw REPL, whole or not at all, also on a MicroPython from 2017.

A board with ``os.stat``, ``os.rename``, SHA-256 and base64 gets its files beside their final name
and answers with their hashes, before and after the renaming. An older one has only ``open``,
``os.listdir`` and ``os.remove``: everything that is written there is read back and compared.
"""

from __future__ import annotations

import itertools
import re
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable
from hashlib import sha256
from typing import TypeVar

from amont_provision.repl import BoardError, Garbled, Repl
from amont_provision.texts import Refused

T = TypeVar("T")
Facts = tuple[int, str]  # size in bytes, SHA-256 in hex
Names = list[str]
TRIES = 3
STEP_S = 10.0  # longest answer: erasing flash, hashing a big file
CHUNK_BYTES = 1024  # a few of these fit beside each other on the smallest board that we sell
FLAT_CHUNK_BYTES = 48  # 9 KB of heap on a micro:bit
NEW = ".new"
FULL = ("Errno 28", "ENOSPC", "No space left", "OSError: 28")
_NAME = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9_.\-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9_.\-]+)*")

_PROBE = """
import os
_r=[n for n in('stat','rename','mkdir')if hasattr(os,n)]
try:
 import hashlib,binascii
 hashlib.sha256
 binascii.a2b_base64
 _r.append('sums')
except (ImportError,AttributeError):
 pass
"""
# Each answer names its file, so that a name garbled on the way there shows.
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
   return p
  try:
   os.mkdir(p[:i])
  except OSError as e:
   if e.args[0]!=17:
    raise
  i=p.find('/',i+1)
def _w(d):
 return _f.write(binascii.a2b_base64(d))
def _g(n):
 return str(binascii.b2a_base64(_f.read(n)),'ascii').strip()
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
  if e.args[0]!=2:
   raise
 return _i(p)
"""


def checked(name: str) -> str:
    """Return a name that is safe as a path below a board's root; raise Refused."""
    if not _NAME.fullmatch(name):
        raise Refused("port-name", name=name)
    return name


class Files:
    """The files of the board behind a REPL; every method raises Refused."""

    def __init__(self, repl: Repl) -> None:
        self._repl = repl
        self._tags = itertools.count(1)
        self._features: frozenset[str] | None = None
        self._kit = False  # our functions are defined there

    def forget(self) -> None:
        """Know that the interpreter was restarted: what we defined is gone."""
        self._kit = False

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None if there is none."""
        checked(name)
        return self._surely(name, lambda: self._read(name))

    def write(self, name: str, content: bytes) -> None:
        """Replace a file as a whole; what arrived is what was sent, or the old file stays."""
        checked(name)
        self._surely(name, lambda: self._write(name, content))

    def remove(self, name: str) -> None:
        """Remove a file if it is there."""
        checked(name)
        self._surely(name, lambda: self._remove(name))

    def list(self, folder: str) -> dict[str, Facts]:
        """Return size and SHA-256 of all files below a folder, but of no hidden ones."""
        if folder:
            checked(folder)
        return self._surely(folder or "/", lambda: self._list(folder))

    # --- trying again

    # Noise may garble question or answer: both show, and asking again costs nothing.
    def _surely(self, name: str, act: Callable[[], T]) -> T:
        for _ in range(TRIES):
            try:
                self._prepare()
                return act()
            except BoardError as error:
                if any(sign in error.traceback for sign in FULL):
                    raise Refused("board-full", port=self._repl.shown, name=name) from None
                failed: Refused = error
            except Garbled as error:
                failed = error
            self.forget()
        if failed.code == "board-raised":
            raise failed
        raise Refused("board-verify", port=self._repl.shown, name=name, tries=TRIES)

    def _prepare(self) -> None:
        if self._features is None:
            said = self._ask("' '.join(_r)", _PROBE)
            self._features = frozenset(said.split())
        if not self._kit and self._sums:
            self._repl.exec(_KIT, STEP_S)
            self._kit = True

    @property
    def _sums(self) -> bool:
        return {"stat", "rename", "mkdir", "sums"} <= (self._features or frozenset())

    # --- one exchange

    # Evaluate an expression there; its text comes between marks that name the exchange, so that
    # neither log lines nor a late answer can be taken for it.
    def _ask(self, expression: str, before: str = "") -> str:
        tag = next(self._tags)
        code = f"{before}\nprint('\\x1e{tag} '+{expression}+'\\x1f')"
        said = self._repl.exec(code, STEP_S)
        found = re.search(rb"\x1e%d ([^\x1e\x1f]*)\x1f" % tag, said)
        if found is None:
            raise self._garbled("answer without its marks")
        return found[1].decode("ascii", errors="replace").replace("\r\n", "\n")

    def _facts(self, answer: str, name: str) -> Facts | None:
        words = answer.split(" ", 2)
        if len(words) != 3 or words[2] != name:
            raise self._garbled("facts of another file")
        if words[:2] == ["-", "-"]:
            return None
        if not words[0].isdigit() or not re.fullmatch("[0-9a-f]{64}", words[1]):
            raise self._garbled("no size and hash")
        return int(words[0]), words[1]

    def _garbled(self, why: str) -> Garbled:
        return Garbled("repl-garbled", port=self._repl.shown, why=why)

    # --- boards that can hash and rename

    def _read(self, name: str) -> bytes | None:
        if not self._sums:
            return self._flat_read(name)
        facts = self._facts(self._ask(f"_i({name!r})"), name)
        if facts is None:
            return None
        self._repl.exec(f"_f=open({name!r},'rb')", STEP_S)
        content = b""
        while len(content) < facts[0]:
            content += self._decoded(self._ask(f"_g({CHUNK_BYTES})"))
        self._repl.exec("_f.close()", STEP_S)
        if _facts_of(content) != facts:
            raise self._garbled("content and hash differ")
        return content

    def _decoded(self, text: str) -> bytes:
        try:
            data = b64decode(text, validate=True)
        except NoBase64:
            raise self._garbled("no base64") from None
        if not data:
            raise self._garbled("the file ends early")
        return data

    def _write(self, name: str, content: bytes) -> None:
        if not self._sums:
            self._flat_write(name, content)
            return
        beside, facts = name + NEW, _facts_of(content)
        self._ask(f"_m({beside!r})")
        self._repl.exec(f"_f=open({beside!r},'wb')", STEP_S)
        for start in range(0, len(content), CHUNK_BYTES):
            piece = b64encode(content[start : start + CHUNK_BYTES]).decode()
            self._ask(f"str(_w({piece!r}))")
        self._repl.exec("_f.close()", STEP_S)
        if self._facts(self._ask(f"_i({beside!r})"), beside) != facts:
            raise self._garbled("content and hash differ")
        if self._facts(self._ask(f"_n({beside!r},{name!r})"), name) != facts:
            raise self._garbled("the renamed file differs")

    def _remove(self, name: str) -> None:
        if not self._sums:
            if name in self._flat_names():
                self._repl.exec(f"import os\nos.remove({name!r})", STEP_S)
        elif self._facts(self._ask(f"_d({name!r})"), name) is not None:
            raise self._garbled("the file is still there")

    def _list(self, folder: str) -> dict[str, Facts]:
        if not self._sums:
            return self._flat_list(folder)
        found: dict[str, Facts] = {}
        if folder and self._ask(f"_i({folder!r})") != f"/ / {folder}":
            self._facts(self._ask(f"_i({folder!r})"), folder)  # raises if that was noise
            return found
        waiting = [folder]
        while waiting:
            inside = waiting.pop()
            for line in filter(None, self._ask(f"_l({inside!r})").split("\n")):
                path = line.split(" ", 2)[-1]
                if line == f"/ / {path}":
                    waiting.append(path)
                elif facts := self._facts(line, path):
                    found[path[len(folder) + 1 if folder else 0 :]] = facts
        return dict(sorted(found.items()))

    # --- boards that can hardly do anything

    def _flat_names(self) -> Names:
        said = self._ask("' '.join(os.listdir())", "import os")
        return [name for name in said.split(" ") if name and not name.startswith(".")]

    def _flat_read(self, name: str) -> bytes | None:
        if name not in self._flat_names():
            return None
        self._repl.exec(f"_f=open({name!r},'rb')", STEP_S)
        content = b""
        while True:
            piece = self._flat_piece()
            if not piece:
                self._repl.exec("_f.close()", STEP_S)
                return content
            content += piece

    # The check is a polynomial that fits the small integers of any board: no single wrong byte
    # passes, and of others one in 16 million.
    def _flat_piece(self) -> bytes:
        code = f"_d=_f.read({FLAT_CHUNK_BYTES})\n_c=1\nfor _b in _d:\n _c=(_c*31+_b)&0xffffff\n"
        said = self._ask("''.join(['%02x'%_b for _b in _d])+' %d'%_c", code)
        try:
            digits, _, check = said.partition(" ")
            piece, told = bytes.fromhex(digits), int(check)
        except ValueError:
            raise self._garbled("no hex") from None
        found = 1
        for byte in piece:
            found = (found * 31 + byte) & 0xFFFFFF
        if found != told:
            raise self._garbled("content and check differ")
        return piece

    def _flat_write(self, name: str, content: bytes) -> None:
        renames = "rename" in (self._features or ())
        beside = name + NEW if renames else name
        self._repl.exec(f"import os\n_f=open({beside!r},'wb')", STEP_S)
        for start in range(0, len(content), FLAT_CHUNK_BYTES):
            self._repl.exec(f"_f.write({content[start : start + FLAT_CHUNK_BYTES]!r})", STEP_S)
        self._repl.exec("_f.close()", STEP_S)
        if renames:
            if self._flat_read(beside) != content:
                raise self._garbled("content differs")
            if name in self._flat_names():
                self._repl.exec(f"os.remove({name!r})", STEP_S)
            self._repl.exec(f"os.rename({beside!r},{name!r})", STEP_S)
        if self._flat_read(name) != content:
            raise self._garbled("content differs")

    def _flat_list(self, folder: str) -> dict[str, Facts]:
        if folder:
            return {}
        found = {name: self._flat_read(name) for name in self._flat_names()}
        return {name: _facts_of(content) for name, content in found.items() if content is not None}


def _facts_of(content: bytes) -> Facts:
    return len(content), sha256(content).hexdigest()
