"""Look up every word of the local page, in French and English.

One row a text: ``key: (French, English)``. Placeholders are ``str.format`` names and are the
same in both languages; a test holds that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from amont_gateway.page.texts_acts import ACT_TEXTS
from amont_gateway.page.texts_alarm import ALARM_TEXTS
from amont_gateway.page.texts_foreign import FOREIGN_TEXTS
from amont_gateway.page.texts_lorawan import LORAWAN_TEXTS
from amont_gateway.page.texts_network import NETWORK_TEXTS
from amont_gateway.page.texts_pages import PAGE_TEXTS
from amont_gateway.page.texts_water import WATER_TEXTS
from amont_gateway.view import Text

LANGUAGES = ("fr", "en")

TEXTS: dict[str, tuple[str, str]] = (
    ALARM_TEXTS
    | ACT_TEXTS
    | WATER_TEXTS
    | NETWORK_TEXTS
    | PAGE_TEXTS
    | FOREIGN_TEXTS
    | LORAWAN_TEXTS
)


_BEFORE = re.compile(" (?=[:;!?»%])")


def spaced(text: str) -> str:
    """Keep French punctuation on the line of its word."""
    return _BEFORE.sub("\u00a0", text).replace("« ", "«\u00a0").replace("≈ ", "≈\u00a0")


class Words:
    """Look texts up in one language."""

    def __init__(self, lang: str) -> None:
        self.lang = lang
        self._column = LANGUAGES.index(lang)

    def __call__(self, key: str, **values: object) -> str:
        """Return the text of ``key``; an unknown key is a bug and raises ``KeyError``."""
        text = TEXTS[key][self._column]
        text = text.format(**values) if values else text
        return spaced(text) if self.lang == "fr" else text

    def either(self, key: str, fallback: str) -> str:
        """Return the text of ``key``, or ``fallback`` for words that come from outside."""
        return self(key) if key in TEXTS else fallback

    def join(self, names: Sequence[str]) -> str:
        """Return a list of names as people write it: "Anne, Bruno and Chloé"."""
        if len(names) < 2:
            return "".join(names)
        return self("page.and", first=", ".join(names[:-1]), last=names[-1])

    def of(self, text: Text, fallback: str = "") -> str:
        """Return this language of a bilingual ``text``, else the other one, else ``fallback``."""
        found = text.get(self.lang) or next((t for t in text.values() if t), fallback)
        return spaced(found) if self.lang == "fr" else found
