"""Every text exists in both languages, is used, and every word that a view may carry has one."""

import re
from pathlib import Path
from string import Formatter

import pytest

import amont_gateway.page
from amont_gateway.page.texts import TEXTS, Words
from amont_gateway.page.texts_acts import ACT_TEXTS
from amont_gateway.page.texts_alarm import ALARM_TEXTS
from amont_gateway.page.texts_foreign import FOREIGN_TEXTS
from amont_gateway.page.texts_lorawan import LORAWAN_TEXTS
from amont_gateway.page.texts_network import NETWORK_TEXTS
from amont_gateway.page.texts_pages import PAGE_TEXTS
from amont_gateway.page.texts_water import WATER_TEXTS

SOURCES = [
    path.read_text("utf-8")
    for path in Path(amont_gateway.page.__file__).parent.rglob("*")
    if path.suffix in (".py", ".html") and not path.name.startswith("texts_")
]
SOURCE = "\n".join(SOURCES)
LITERAL = re.compile(r"""["']([a-z]+(?:\.[a-z_]+)+)["']""")
PREFIX = re.compile(r"""["']([a-z]+\.(?:[a-z]+[._])*)(?:\{|["'] ~)""")


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_things():
    wrong = [
        key
        for key, (french, english) in TEXTS.items()
        if not french.strip()
        or not english.strip()
        or placeholders(french) != placeholders(english)
    ]
    assert wrong == []
    parts = (
        ACT_TEXTS, ALARM_TEXTS, FOREIGN_TEXTS, LORAWAN_TEXTS, NETWORK_TEXTS, PAGE_TEXTS,
        WATER_TEXTS,
    )  # fmt: skip
    assert len(TEXTS) == sum(map(len, parts))


def test_every_key_in_use_exists():
    areas = {key.partition(".")[0] for key in TEXTS}
    used = {key for key in LITERAL.findall(SOURCE) if key.partition(".")[0] in areas}
    used = {key for key in used if not key.endswith((".html", ".css", ".js"))}
    assert sorted(used - TEXTS.keys()) == []


def test_no_text_is_left_over():
    prefixes = tuple(PREFIX.findall(SOURCE))
    used = set(LITERAL.findall(SOURCE))
    assert sorted(k for k in TEXTS if k not in used and not k.startswith(prefixes)) == []


WORDS = {
    "lorawan.link": "ok away refused",
    "lorawan.why": "size json topic device port base64 length node",
    "foreign": "heard waiting silent cut",
    "refused": "oversize malformed retained flood device path number unit time future old bounds"
    " overtaken reset many",
    "siren": "idle sound muted latch fault unconfirmed stuck exercise pause unknown test bypass "
    "silenced",
    "siren.line.mode": "armed test drill bypass",
    "siren.kind": "simulated gpio modbus",
    "act.asked": "mute drill",
    "measured": "line_ohm coil_ma horn_ma battery_mv mains",
    "trust": "good weak bad",
    "journal.only": "alarm fault notice info",
    "limits": "proposed agreed previous",
    "siren.health": "ok degraded fault",
    "level": "normal watch warning alarm alarm_plus unknown",
    "chart": "watch warning alarm alarm_plus",
    "rest": "normal watch warning alarm alarm_plus",
    "severity": "info notice fault alarm",
    "carrier": "bridge mqtt lorawan",
    "forecast.reaches": "none watch warning alarm",
    "forecast": "fault",
    "flag": "range rate spike flat suspect fault",
    "zone": "normal watch leak unknown",
    "status": "database_away database_refused broker_away broker_refused lorawan_away"
    " lorawan_refused journal_full"
    " journal_read-only journal_fault",
    "voting": "none one two three one_of_two one_of_three two_of_three",
}


@pytest.mark.parametrize("area", WORDS)
def test_every_word_of_the_contract_has_a_text(area):
    words = [word.replace("_of_", " of ") for word in WORDS[area].split()]
    assert [w for w in words if f"{area}.{w}" not in TEXTS] == []


def test_words_from_outside_are_shown_as_they_are():
    words = Words("fr")
    assert words.either("flag.unheard_of", "unheard_of") == "unheard_of"
    assert words.of({"en": "only English"}) == "only English"
    assert words.of({}, "fallback") == "fallback"
    assert words.of({"fr": "Attention : « ici » !"}) == "Attention\u00a0: «\u00a0ici\u00a0»\u00a0!"
    with pytest.raises(KeyError):
        words("no.such.text")
