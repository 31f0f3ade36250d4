"""Link dashboards to each other: the range of time and every choice go along."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amont_dashboards.model import LANGUAGES, Dashboard, Opens

Json = dict[str, Any]
_OPEN = ("Ouvrir", "Open")


def address(uid: str, at: int) -> str:
    """Return where Grafana shows a dashboard in one language."""
    return f"/d/{uid}-{LANGUAGES[at]}"


def dashboard_links(source: Dashboard, every: Sequence[Dashboard], at: int) -> list[Json]:
    """Return the links at the top: up, down, and the same in the other language."""
    above = [other for other in every if source.uid in other.below]
    by_uid = {other.uid: other for other in every}
    found = [_link(f"↑ {other.title[at]}", other.uid, at) for other in above]
    found += [_link(f"↓ {by_uid[uid].title[at]}", uid, at) for uid in source.below]
    return [*found, _link(source.title[1 - at], source.uid, 1 - at)]


def data_links(
    opens: tuple[Opens, ...], at: int, variables: Sequence[str], in_rows: bool
) -> list[tuple[str, Json]]:
    """Return (tag, link) of what a value opens; ``variables`` are those that go along.

    ``in_rows``: the link stands on the tag's own column, so the cell is the value.
    """
    found = []
    for opened in opens:
        kept = [f"${{{name}:queryparam}}" for name in variables if name != opened.variable]
        parts = ["${__url_time_range}", *kept]
        if opened.variable:
            value = "__value.raw" if in_rows else f"__field.labels.{opened.tag}"
            parts.append(f"var-{opened.variable}=${{{value}}}")
        url = f"{address(opened.uid, at)}?{'&'.join(parts)}"
        found.append((opened.tag, {"title": _OPEN[at], "url": url, "targetBlank": False}))
    return found


def _link(title: str, uid: str, at: int) -> Json:
    return {
        "title": title,
        "type": "link",
        "url": address(uid, at),
        "icon": "dashboard",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": False,
        "keepTime": True,
        "includeVars": True,
    }
