"""Say under which names and addresses this machine is reached."""

from __future__ import annotations

import contextlib
import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path

ADDRESSES_MAX = 16
_SIOCGIFADDR = 0x8915  # of linux/sockios.h: an interface's IPv4 address
_TEMPORARY, _DEPRECATED = 0x01, 0x20  # of linux/if_addr.h


def own_names(extra: Sequence[str] = ()) -> list[str]:
    """Return the names under which this machine is reached, in lower case."""
    host = socket.gethostname().lower().rstrip(".")
    short = host.partition(".")[0]
    names = [host, short, f"{short}.local", "localhost", *(name.lower() for name in extra)]
    return sorted({name for name in names if _is_name(name)})


def _is_name(name: str) -> bool:
    labels = name.split(".")
    return len(name) <= 253 and all(
        0 < len(label) <= 63 and label.isascii() and label.replace("-", "").isalnum()
        for label in labels
    )


def own_addresses() -> list[str]:
    """Return this machine's addresses; IPv6 ones only if they stay."""
    found = {"127.0.0.1", "::1"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            with contextlib.suppress(OSError):  # an interface without an address
                answer = fcntl.ioctl(asked.fileno(), _SIOCGIFADDR, request)
                found.add(socket.inet_ntoa(answer[20:24]))
    with contextlib.suppress(OSError):
        found.update(_lasting(Path("/proc/net/if_inet6").read_text("ascii").splitlines()))
    return sorted(found)[:ADDRESSES_MAX]


def _lasting(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        digits, _index, _prefix, _scope, flags, _name = line.split()
        address = ipaddress.IPv6Address(bytes.fromhex(digits))
        passing = int(flags, 16) & (_TEMPORARY | _DEPRECATED)
        if not address.is_link_local and not passing:  # a browser takes no link-local address
            yield str(address)
