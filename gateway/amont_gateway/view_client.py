"""Ask the running gateway's local page for its view."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

PAGE = "127.0.0.1:8080"
_WAIT_S = 5.0


def fetch_view(page: str) -> dict[str, Any] | None:
    """Return ``/view.json`` of the page at host:port, None if no gateway answers there."""
    try:
        with urllib.request.urlopen(f"http://{page}/view.json", timeout=_WAIT_S) as answer:
            view = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return None
    # Another program at that address may answer JSON too.
    return view if isinstance(view, dict) and "guard_alive" in view else None
