"""Hash the PINs of people, so that the site's file never holds one."""

from __future__ import annotations

import hashlib
import secrets

COST, BLOCK, LANES = 8_192, 8, 2  # 8 MiB, for the guard is small, and some 50 ms: slow for a thief
DIGITS_MIN, DIGITS_MAX = 6, 12  # the guard lets 480 be tried a day: 4 digits last three weeks


def hash_pin(pin: str, salt: bytes | None = None) -> str:
    """Return ``scrypt$8192$8$2$salt$hash`` of 6 to 12 digits; else raise ValueError."""
    if not (pin.isascii() and pin.isdigit() and DIGITS_MIN <= len(pin) <= DIGITS_MAX):
        raise ValueError(f"a PIN has {DIGITS_MIN} to {DIGITS_MAX} digits")
    salt = secrets.token_bytes(16) if salt is None else salt
    hashed = hashlib.scrypt(pin.encode(), salt=salt, n=COST, r=BLOCK, p=LANES, dklen=32)
    return f"scrypt${COST}${BLOCK}${LANES}${salt.hex()}${hashed.hex()}"
