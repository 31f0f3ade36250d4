"""What the C library frees goes back to the system, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Once it has freed a large block, the library would take as large a one from the heap, where what
# lies above keeps it.
_CODE = """
import ctypes, resource
from amont_gateway import running
if {spare}:
    running._spare_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
def held():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
libc.free(libc.malloc(16 << 20))
large = libc.malloc(8 << 20)
ctypes.memset(large, 1, 8 << 20)
above, before = libc.malloc(100_000), held()
libc.free(large)
print((before - held()) >> 20)
"""


@pytest.mark.parametrize(("spare", "mib"), [(False, 0), (True, 8)])
def test_a_large_block_goes_back_however_large_one_was_before(spare: bool, mib: int) -> None:
    command = [sys.executable, "-c", _CODE.format(spare=spare)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert int(told.stdout) == mib
