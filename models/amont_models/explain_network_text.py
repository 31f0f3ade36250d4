"""Tell the explanation of a network's past moment, in French and English."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from amont_models.explain_text import WORDS, Words, doubted, indented, newest

Found = dict[str, Any]


# key: (French, English)
OWN: dict[str, tuple[str, str]] = {
    "by.network-test": (
        "jugé par les pressions et les débits ({name}, {rule})",
        "judged by pressures and flows ({name}, {rule})",
    ),
    "by.network-inflow": (
        "jugé par les débits seuls ({name}, {rule})", "judged by flows alone ({name}, {rule})",
    ),
    "rung.flows only": (
        "trop de pressions se taisaient pour juger par elles",
        "too many pressures were silent to judge by them",
    ),
    "left_out": ("jugé sans : {meters}", "judged without: {meters}"),
    "heard.pressures": (
        "{heard} pressions sur {count} entendues en 36 h",
        "{heard} of {count} pressures heard within 36 h",
    ),
    "heard.meters": (
        "{heard} débits et niveaux sur {count} entendus en 36 h",
        "{heard} of {count} flows and levels heard within 36 h",
    ),
    "learning": ("en apprentissage, pas encore d'avis", "learning, no opinion yet"),
    "found": (
        "fuite {number} : {flow}, depuis {since}, dite le {found} (probabilité {p})",
        "leak {number}: {flow}, since {since}, told {found} (probability {p})",
    ),
    "perhaps": (
        "peut-être une fuite, {number} : {flow}, depuis {since}, dite le {found} "
        "(probabilité {p})",
        "perhaps a leak, {number}: {flow}, since {since}, told {found} (probability {p})",
    ),
    "score": (
        "écart à l'habitude {score}, dite à partir de {alarm}",
        "distance from the usual {score}, told from {alarm} on",
    ),
    "beside": (
        "{what} : {before} aux mêmes heures la semaine d'avant, {after} depuis",
        "{what}: {before} at the same hours the week before, {after} since",
    ),
    "inflow": ("débit entrant", "inflow"),
    "no leak": ("aucune fuite n'expliquait mieux les relevés", "no leak explained the readings"),
    "days": (
        "Débit entrant par jour, en l/h : lu, et en moyenne les sept jours d'avant",
        "Inflow by the day, in l/h: read, and the mean of the seven days before",
    ),
    "day": ("24 h jusqu'à {at} : {read}, {before}", "24 h until {at}: {read}, {before}"),
    "noted": (
        "Noté par la passerelle à {at} : {verdict}, fuites : {count} ({model})",
        "On the gateway's record at {at}: {verdict}, leaks: {count} ({model})",
    ),
    "noted.none": ("Noté par la passerelle : rien", "On the gateway's record: nothing"),
}  # fmt: skip


def text(found: Found, lang: str, zone: ZoneInfo) -> str:
    """Return the explanation as lines."""
    words = Words(lang, zone, WORDS | OWN)
    return "\n".join([*_lines(found, words), *_recorded(found, words)]) + "\n"


def _lines(found: Found, words: Words) -> Iterator[str]:
    yield words("head", place=found["place"], at=words.at(found["at_ms"]))
    rule = dict(found["rule"])
    name = rule.pop("name")
    told = ", ".join(f"{key} {value}" for key, value in rule.items())
    yield words(f"by.{found['model']}", name=name, rule=told)
    yield words("verdict", verdict=words(f"verdict.{found['verdict']}"))
    if found["learning"]:
        yield words("learning")
    yield ""
    yield words("inputs")
    yield from indented(_inputs(found, words))
    yield ""
    yield words("why")
    yield from indented(_why(found, words))


def _inputs(found: Found, words: Words) -> Iterator[str]:
    if found["rung"] == "flows only":
        yield words("rung.flows only")
    if found["left_out"]:
        yield words("left_out", meters=", ".join(found["left_out"]))
    if found["pressures"]:
        yield words("heard.pressures", heard=found["heard"], count=found["pressures"])
    yield words("heard.meters", heard=found["meters_heard"], count=found["meters"])
    yield words("days")
    for day in found["days"]:
        read, before = (words.number(day[key]) for key in ("inflow_l_h", "before_l_h"))
        yield "  " + words("day", at=words.at(day["end_ms"]), read=read, before=before)
    yield from newest(found, words)
    yield from doubted(found, words)


def _why(found: Found, words: Words) -> Iterator[str]:
    if not found["leaks"]:
        yield words("no leak" if found["status"] == "ok" else "unknown")
    for leak in found["leaks"]:
        yield words(
            "found" if leak["is_sure"] else "perhaps", number=leak["number"],
            flow=words.number(leak["size_l_h"], "l/h"), since=words.at(leak["since_ms"]),
            found=words.at(leak["found_ms"]), p=words.number(leak["probability"], decimals=2),
        )  # fmt: skip
        score, alarm = (words.number(leak[key], decimals=1) for key in ("score", "alarm"))
        yield "  " + words("score", score=score, alarm=alarm)
        for what, before, after in _beside(leak, words):
            yield "  " + words("beside", what=what, before=before, after=after)


def _beside(leak: Found, words: Words) -> Iterator[tuple[str, str, str]]:
    pairs = zip(leak["sensors"], leak["before_kpa"], leak["after_kpa"], strict=True)
    for sensor, before, after in pairs:
        yield sensor, words.number(before, "kPa"), words.number(after, "kPa")
    before, after = (words.number(leak[f"inflow_{x}_l_h"], "l/h") for x in ("before", "after"))
    yield words("inflow"), before, after


def _recorded(found: Found, words: Words) -> Iterator[str]:
    recorded = found["recorded"]
    yield ""
    if not recorded["known"]:
        yield words("recorded.lost")
        return
    last = recorded["network"]
    if last is None:
        yield words("noted.none")
        return
    yield words(
        "noted", at=words.at(last["at_ms"]), verdict=words(f"verdict.{last['verdict']}"),
        count=len(last.get("leaks") or ()), model=(last.get("rule") or {}).get("name", "?"),
    )  # fmt: skip
