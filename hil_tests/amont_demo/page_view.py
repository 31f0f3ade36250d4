"""Look at the page as the demonstrations do: one snapshot, or wait until it shows the guard."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

_ROUND_S = 0.2


def snapshot(page: str) -> dict[str, Any] | None:
    """Return what the page at this address shows, None while it does not answer."""
    try:
        with urllib.request.urlopen(page + "view.json", timeout=2) as answer:
            return dict(json.load(answer))
    except (urllib.error.URLError, OSError, ValueError):
        return None


def shows_guard(page: str, check: Callable[[], None], within_s: float) -> bool:
    """Wait until the page shows a living guard; ``check`` raises if a part ended by itself."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        check()
        view = snapshot(page)
        if view is not None and view["guard_alive"]:
            return True
        time.sleep(_ROUND_S)
    return False
