# A serial line by its path, with the methods of machine.UART that at.py uses: a module at a Unix
# process, behind a USB adapter or a test's pseudo-terminal. Whoever opened it first has set its
# speed. The board's twin is machine.UART itself.

import select
import sys

_MICROPYTHON = sys.implementation.name == "micropython"
_SOME = 64


class FileUart:
    def __init__(self, path: str) -> None:
        self._file = open(path, "r+b") if _MICROPYTHON else open(path, "r+b", buffering=0)
        self._poll = select.poll()
        self._poll.register(self._file, select.POLLIN)

    # How much may be read; it may be less.
    def any(self) -> int:
        return _SOME if self._waits() else 0

    def read(self, most: int) -> bytes | None:
        if not _MICROPYTHON:
            return self._file.read(most) or None
        found = b""
        while len(found) < most and self._waits():  # there, a read waits for all that it asks for
            found += self._file.read(1)
        return found or None

    def write(self, data: bytes) -> int:
        self._file.write(data)
        return len(data)

    def deinit(self) -> None:
        self._file.close()

    def _waits(self) -> bool:
        for entry in self._poll.poll(0):
            return bool(entry[1] & select.POLLIN)
        return False
