"""Ask a board single questions through its raw REPL, so that noise shows and does nothing.

A statement goes with a check over its characters and is run only if both agree; its result comes
back between marks that name the exchange. So neither a garbled question, nor a log line, nor a
late answer to an earlier question can be taken for something else.
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
def _x(c,s):
 k=1
 for b in bytes(s,'utf8'):
  k=(k*31+b)&0xffffff
 if k!=c:
  return '?'
 exec(s,globals())
 return str(_r)
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
            if self._exchange("_r='here'", 0) != "here" or self._exchange("_r=''", 1) != REFUSED:
                raise self.garbled("no way of asking")
            self._ready = True
        answer = self._exchange(statement, 0)
        if answer == REFUSED:
            raise self.garbled("question not understood")
        return answer

    def garbled(self, why: str) -> Garbled:
        """Return what to raise for an answer that makes no sense."""
        return Garbled("repl-garbled", port=self.repl.shown, why=why)

    def _exchange(self, statement: str, wrong_by: int) -> str:
        tag = next(self._tags)
        check = check_of(statement.encode()) ^ wrong_by
        said = self.repl.exec(f"print('\\x1e{tag} '+_x({check},{statement!r})+'\\x1f')", STEP_S)
        found = re.search(rb"\x1e%d ([^\x1e\x1f]*)\x1f" % tag, said)
        if found is None:
            raise self.garbled("answer without its marks")
        return found[1].decode("utf-8", errors="replace").replace("\r\n", "\n")
