"""Every code that the guard can speak has French and English words; the list is its own source."""

import ast
import importlib.util
from pathlib import Path

import pytest

from amont_gateway import finding_words, guard_words
from amont_gateway.guard_events import ASKED, PEOPLE, word_audit
from amont_gateway.guard_words import word_fault, word_fault_name, word_reason, word_result
from amont_guard import people, practice, supervise
from amont_watch import machine, siren, vote

GUARD = Path(people.__file__).parent
NAMES = {"pont": {"fr": "Le pont", "en": "The bridge"}, "mairie": {"fr": "Mairie", "en": "Hall"}}


def tree(module):
    return ast.parse(Path(importlib.util.find_spec(module).origin).read_text())


def texts_of(node):
    """Return the strings that an expression may be, not those that it is made of."""
    if isinstance(node, ast.Constant):
        return {node.value} if isinstance(node.value, str) else set()
    if isinstance(node, ast.Tuple):
        return texts_of(node.elts[0]) if node.elts else set()
    if isinstance(node, ast.IfExp):
        return texts_of(node.body) | texts_of(node.orelse)
    if isinstance(node, ast.BoolOp):
        return {text for value in node.values for text in texts_of(value)}
    if isinstance(node, ast.Subscript):
        return {t for item in getattr(node.value, "elts", ()) for t in texts_of(item)}
    return set()


def returned(module):
    nodes = [n for n in ast.walk(tree(module)) if isinstance(n, ast.Return) and n.value]
    return {text for node in nodes for text in texts_of(node.value)} - {""}


def called(paths, name):
    """Return the strings that calls of a function of that name are given first."""
    found = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and node.args:
                function = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if function == name:
                    found |= texts_of(node.args[0])
    return found


def record_kinds():
    found = set()
    for path in GUARD.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                pairs = zip(node.keys, node.values, strict=True)
                found |= {
                    v.value for k, v in pairs
                    if isinstance(k, ast.Constant) and k.value == "kind"
                    and isinstance(v, ast.Constant) and isinstance(v.value, str)
                }  # fmt: skip
    return found - {"simulated"}  # of an output


RULES = {r for r in returned("amont_watch.vote") if " " in r or r == "level"}
RULES |= returned("amont_watch.hazard")
STEPS = {row[4] for row in (*machine._ANNUNCIATION, *machine._MODE)}
STEPS |= called([Path(machine.__file__)], "record")
CODES = returned("amont_guard.people") | returned("amont_guard.thresholds")
CODES |= set(people.GRANTED) | {"malformed", "busy"}
CODES |= {row[2] for row in machine._REFUSALS}
FINDINGS = {*supervise.CODES, *(f"{kind}_missed" for kind in practice.PLANS)}
FAULTS = called(GUARD.glob("*.py"), "fault")


@pytest.mark.parametrize(
    ("codes", "words", "least"),
    [
        (RULES, guard_words.RULES, {"two votes", "cleared", "lost while rising"}),
        (STEPS, guard_words.STEPS, {"alarm", "muted", "acknowledged", "asked", "healthy"}),
        (CODES, guard_words.RESULTS, {"done", "pin", "bounds", "same person", "nothing sounds"}),
        (FINDINGS, finding_words.FINDINGS, {"line_open", "test_missed", "drill_missed"}),
        (FAULTS, guard_words.FAULTS, {"config", "relay", "silent", "disk"}),
        (set(vote.LEVEL_NAMES), guard_words.LEVELS, {"alarm_plus"}),
        (set(people.KINDS), ASKED, {"mute", "limits"}),
        ({siren.KEY, siren.SCHEDULE}, PEOPLE, set()),
    ],
    ids=["rules", "steps", "codes", "findings", "faults", "levels", "requests", "nobody"],
)
def test_every_code_of_the_guard_has_words(codes, words, least):
    assert least <= codes  # or the list above no longer finds what it looks for
    assert codes - words.keys() == set()
    assert all(words[c]["fr"] and words[c]["en"] for c in codes)


def test_every_kind_of_record_has_an_event_of_its_own():
    kinds = record_kinds()
    assert {"level", "siren", "limits", "tried", "wrong pin", "start"} <= kinds
    events = {kind: word_audit({"kind": kind}, NAMES) for kind in kinds}
    assert {k for k, event in events.items() if event and event[0] == "guard_audit"} == set()
    assert None not in events.values()
    assert word_audit({"kind": "fault"}, NAMES) is None  # the state shows it


@pytest.mark.parametrize(
    ("record", "kind", "french"),
    [
        (
            {"kind": "limits", "station": "pont", "person": "Anne", "asked": "limits",
             "limits_mm": [1000, 1500, 2000, 3000], "code": "second"},
            "limits_changed",
            "Le pont : Anne propose des seuils 1,00\xa0m / 1,50\xa0m / 2,00\xa0m / 3,00\xa0m – "
            "proposé. Une deuxième personne",
        ),
        (
            {"kind": "limits", "station": "pont", "person": "Luc", "asked": "keep",
             "limits_mm": [], "code": "done"},
            "limits_changed",
            "Le pont : Luc garde les seuils en vigueur – changement retiré",
        ),
        (
            {"kind": "limits", "station": "pont", "limits_mm": [1000, 1500, 2000, 3000]},
            "limits_changed",
            "Le pont : seuils en vigueur : 1,00\xa0m",
        ),
        (
            {"kind": "tried", "siren": "mairie", "tried": "test", "ok": False,
             "findings": {"contact_welded": 2}},
            "siren_failed",
            "Mairie : ESSAI SILENCIEUX ÉCHOUÉ, Le contact du relais reste fermé",
        ),
        (
            {"kind": "tried", "siren": "mairie", "tried": "drill", "ok": True, "findings": {}},
            "siren_tried",
            "Mairie : exercice tenu",
        ),
    ],
)  # fmt: skip
def test_changes_of_limits_and_practice_are_told(record, kind, french):
    found, words, _ = word_audit(record, NAMES)
    assert (found, words["fr"][: len(french)]) == (kind, french)
    assert words["en"] != words["fr"]


def test_the_same_code_of_limits_gives_people_longer():
    assert "60" in word_result("second", "mute")["en"]
    assert "10 minutes" in word_result("second", "limits")["en"]
    assert word_result("from tomorrow")["fr"] == "from tomorrow"


def test_faults_and_reasons_name_places_as_the_site_does():
    fault = {"kind": "relay", "about": "mairie", "detail": "line_open", "level": 2}
    assert word_fault(fault, NAMES)["en"].startswith("Hall: The siren’s line is cut")
    assert word_fault_name("relay mairie line_open", NAMES) == word_fault(fault, NAMES)
    assert word_fault_name("disk No space left", NAMES)["fr"] == "Disque : No space left"
    assert word_fault_name("new thing {0}", NAMES)["fr"] == "new thing {0}"
    assert word_fault({"kind": "{about.x}", "detail": "{y}"}, NAMES)["en"] == "{about.x}  {y}"
    reason = {"station": "pont", "level": "alarm", "rule": "two votes", "stage_mm": 2540,
              "limit_mm": 2500, "sensors": ["a", "b"]}  # fmt: skip
    assert word_reason(reason, NAMES) == {
        "fr": "Le pont : 2,54\xa0m (≥ 2,50\xa0m), deux capteurs d’accord",
        "en": "The bridge: 2.54\xa0m (≥ 2.50\xa0m), two sensors agree",
    }
    lost = word_reason({**reason, "stage_mm": 1520, "rule": "lost while rising"}, NAMES)
    assert "1.52\u00a0m (limit 2.50\u00a0m), sensors lost" in lost["en"]
    assert word_reason({}, NAMES) == {}
