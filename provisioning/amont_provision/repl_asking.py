"""Ask a board single questions through its raw REPL, so that noise shows and does nothing.

A statement goes with a check over its characters and is run only if both agree; its result comes
back with a check too, between marks that name the exchange. So neither a garbled question or
answer, nor a log line, nor a late answer to an earlier question is taken for something else.
"""

from __future__ import annotations

import itertools
import re

from amont_provision.repl import Garbled, Repl

STEP_S = 10.0  # longest answer: erasing flash, hashing a big file
REFUSED = "?"
# The check fits the small integers of any board: no single wrong byte passes, and of other
# faults one in 16 million.
_ASKING = """
_r=''
def _k(s):
 k=1
 for b in bytes(s,'utf8'):
  k=(k*31+b)&0xffffff
 return k
def _x(c,s):
 if _k(s)!=c:
  return '?'
 exec(s,globals())
 s=str(_r)
 return '%d %s'%(_k(s),s)
"""


def check_of(data: bytes) -> int:
    """Return the check that the board computes too."""
    check = 1
    for byte in data:
        check = (check * 31 + byte) & 0xFFFFFF
    return check


class Asking:
    """The questions to one board. A statement leaves its result in the global ``_r``."""

    def __init__(self, repl: Repl) -> None:
        self.repl = repl
        self._tags = itertools.count(1)
        self._ready = False  # the board knows how to check a question

    def forget(self) -> None:
        """Know that the interpreter was restarted: what we defined is gone."""
        self._ready = False

    def ask(self, statement: str) -> str:
        """Run a statement and return its result; raise Garbled, BoardError or another Refused."""
        if not self._ready:
            self.repl.exec(_ASKING, STEP_S)
            wrong = check_of(b"_r=''") ^ 1
            if self._answer("_r='here'") != "here" or self._said("_r=''", wrong) != REFUSED:
                raise self.garbled("no way of asking")
            self._ready = True
        return self._answer(statement)

    def garbled(self, why: str) -> Garbled:
        """Return what to raise for an answer that makes no sense."""
        return Garbled("repl-garbled", port=self.repl.shown, why=why)

    def _answer(self, statement: str) -> str:
        check, _, answer = self._said(statement, check_of(statement.encode())).partition(" ")
        if not self._agrees(check, answer):
            raise self.garbled("question or answer and their check differ")
        return answer

    def _agrees(self, check: str, answer: str) -> bool:
        return check == str(check_of(answer.encode()))

    def _said(self, statement: str, check: int) -> str:
        tag = next(self._tags)
        said = self.repl.exec(f"print('\\x1e{tag} '+_x({check},{statement!r})+'\\x1f')", STEP_S)
        found = re.search(rb"\x1e%d ([^\x1e\x1f]*)\x1f" % tag, said)
        if found is None:
            raise self.garbled("answer without its marks")
        return found[1].decode("utf-8", errors="replace").replace("\r\n", "\n")
