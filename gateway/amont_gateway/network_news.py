"""Say what is new of a network since it was last told: leaks, their end, how it is judged.

Used for the events that people read now and for those that history tells again from the records.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from amont_gateway.places import Network, Places
from amont_gateway.view import Text
from amont_gateway.view_network import NetworkLeak

SAME_MS = 3 * 86_400_000  # what is said anew of the same leak moves its beginning at most so far


class Seen(NamedTuple):
    """What was said of a network, and on which rung of its ladder (``view.Network.rung``)."""

    leaks: tuple[NetworkLeak, ...] = ()
    rung: str = "full"
    left_out: tuple[str, ...] = ()

    def on_same_rung(self, other: Seen) -> bool:
        """Tell whether the same test judged the same meters."""
        return (self.rung, self.left_out) == (other.rung, other.left_out)

    def news(self, before: Seen) -> list[NetworkLeak]:
        """Return the leaks that ``before`` did not tell as they are now, oldest first."""
        same = self.on_same_rung(before)
        return [
            x for x in reversed(self.leaks) if not any(_same(x, y, same) for y in before.leaks)
        ]


def _same(leak: NetworkLeak, told: NetworkLeak, numbered: bool) -> bool:
    """Tell whether a leak was told; another test gives numbers of its own."""
    near = abs(leak.since_ms - told.since_ms) <= SAME_MS
    return leak.is_sure == told.is_sure and (leak.number == told.number if numbered else near)


def happened(
    before: Seen, now: Seen, network: Network, places: Places
) -> Iterator[tuple[str, Text, str]]:
    """Yield what is new as (kind of ``texts``, words, which leak or network it is of).

    That no leak is known any more is said by the test that knew one, and by no other.
    """
    same = now.on_same_rung(before)
    if not same:
        yield "network_rung", rung_words(network, now, places), network.id
    for leak in now.news(before):
        kind = "network_leak" if leak.is_sure else "network_watch"
        yield kind, leak_words(network, leak, places), f"{network.id} {leak.number}"
    if same and before.leaks and not now.leaks:
        yield "network_calm", network.name, network.id


def leak_words(network: Network, leak: NetworkLeak, places: Places) -> Text:
    """Say which network leaks, since when, how much, and near which sensors."""
    since = datetime.fromtimestamp(leak.since_ms / 1000, ZoneInfo(places.time_zone))
    names = [places.names[sensor] for sensor in leak.sensors]
    words: Text = {}
    for lang, since_word, near, about in (
        ("fr", "depuis le {0:%d/%m/%Y %H:%M}", "près de", "environ {0} m³/h"),
        ("en", "since {0:%Y-%m-%d %H:%M}", "near", "about {0} m³/h"),
    ):
        parts = [f"{network.name[lang]}", since_word.format(since)]
        if leak.size_l_h is not None:
            size = f"{leak.size_l_h / 1000:.1f}"
            parts.append(about.format(size.replace(".", ",") if lang == "fr" else size))
        if names:
            parts.append(f"{near} {', '.join(name[lang] for name in names)}")
        words[lang] = ", ".join(parts)
    return words


def rung_words(network: Network, now: Seen, places: Places) -> Text:
    """Say by what a network is judged."""
    words: Text = {}
    for lang, whole, flows, without in (
        ("fr", "par tous ses capteurs", "par les débits seuls", "sans {0}"),
        ("en", "by all its sensors", "by its flows alone", "without {0}"),
    ):
        parts = [network.name[lang]]
        parts += {"full": [whole], "flows only": [flows]}.get(now.rung, [])
        if now.left_out:
            names = [places.names[one][lang] for one in now.left_out if one in places.names]
            parts.append(without.format(", ".join(names)))
        words[lang] = ", ".join(parts)
    return words
