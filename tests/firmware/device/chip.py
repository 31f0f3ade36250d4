# A flash chip in memory whose power can be cut at any operation, also in the middle of a write.

BLOCK_BYTES = 512
BLOCKS = 96
_FAILED = -5  # EIO; returned, for an exception would jump right through littlefs


class Chip:
    def __init__(self, data: bytes = b"\xff" * (BLOCK_BYTES * BLOCKS)) -> None:
        self.data = bytearray(data)
        self.cut_at = 0  # operation that fails, from 1; 0: none
        self.torn = False  # the failing write leaves its first half
        self.operations = 0

    def _dead(self) -> bool:
        self.operations += 1
        return bool(self.cut_at) and self.operations >= self.cut_at

    def readblocks(self, block: int, buffer, offset: int = 0) -> None:
        start = block * BLOCK_BYTES + offset
        memoryview(buffer)[:] = memoryview(self.data)[start : start + len(buffer)]

    def writeblocks(self, block: int, buffer, offset: int = 0) -> int:
        dead = self._dead()
        size = len(buffer)
        if dead:
            size = size // 2 if self.torn and self.operations == self.cut_at else 0
        start = block * BLOCK_BYTES + offset
        self.data[start : start + size] = bytes(memoryview(buffer)[:size])
        return _FAILED if dead else 0

    def ioctl(self, op: int, argument: int) -> "int | None":
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK_BYTES
        if op == 6:
            if self._dead():
                return _FAILED
            start = argument * BLOCK_BYTES
            self.data[start : start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
        return 0
