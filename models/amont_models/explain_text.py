"""Put an explanation into plain words, French or English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from amont_gateway.scoring.zone_features import SUNDAY

Found = dict[str, Any]


# key: (French, English)
WORDS: dict[str, tuple[str, str]] = {
    "unknown": ("inconnu", "not known"),
    "head": ("{place}, le {at}", "{place}, {at}"),
    "model": ("modèle {name}, SHA-256 {sha}", "model {name}, SHA-256 {sha}"),
    "model.none": ("aucun modèle ; la raison, en anglais : {fault}", "no model: {fault}"),
    "inputs": ("Ce que le modèle avait sous les yeux", "What the model had before it"),
    "stage": ("hauteur {mm} à {at}", "stage {mm} at {at}"),
    "rises": ("montée depuis {h} h : {mm}", "rise since {h} h: {mm}"),
    "rain": ("pluie, de {a} à {b} h avant : {mm}", "rain, {a} to {b} h before: {mm}"),
    "rain.none": ("pluie : inconnue", "rain: not known"),
    "upstream": (
        "station amont {name} : {mm} à {at} ; en 3 h {rise}",
        "station upstream {name}: {mm} at {at}; in 3 h {rise}",
    ),
    "upstream.none": ("station amont {name} : inconnue", "station upstream {name}: not known"),
    "foretold": ("pluie prévue : {mm}", "foretold rain: {mm}"),
    "foretold.none": (
        "pluie prévue : non gardée, donc non comptée ici",
        "foretold rain: not kept, so not counted here",
    ),
    "doubted": (
        "{sensor} {value} à {at} écarté : {why}", "{sensor} {value} at {at} left out: {why}",
    ),
    "doubted.none": ("aucun relevé écarté", "no reading left out"),
    "silent": ("{sensor} : aucun relevé", "{sensor}: no reading"),
    "newest": ("{sensor} : dernier bon relevé à {at}", "{sensor}: last good reading at {at}"),
    "rung.full": ("prévision complète", "full forecast"),
    "rung.no rain": ("prévision sans pluviomètre", "forecast without rain gauge"),
    "rung.no upstream": ("prévision sans la station amont", "forecast without upstream station"),
    "rung.local only": ("prévision d'après la station seule", "forecast from this station alone"),
    "rung.thresholds only": ("pas de prévision : seuils seuls", "no forecast: thresholds only"),
    "rung.watch lost": ("veille perdue : aucun relevé récent", "watch lost: no recent reading"),
    "band": ("Bande prévue, au plus haut", "Forecast band, at the highest"),
    "band.row": ("dans {h} h : {parts}", "within {h} h: {parts}"),
    "adapted": ("appris du passé de la station : {parts}", "learnt from its own past: {parts}"),
    "part.line": ("correction des médianes", "correction of the medians"),
    "part.widths": ("largeurs de la bande", "widths of the band"),
    "part.margins": ("marge pour les crues sans signe", "margin for floods without a sign"),
    "part.shift": ("promptitude des alertes", "readiness to warn"),
    "why": ("Pourquoi", "Why"),
    "asked": (
        "{level} à {h} h : le quantile {q} donne {mm}, le seuil est {mark} : {said}",
        "{level} at {h} h: quantile {q} gives {mm}, the mark is {mark}: {said}",
    ),
    "reached": ("ATTEINT", "REACHED"),
    "below": ("non atteint", "not reached"),
    "watch": ("vigilance", "watch"),
    "warning": ("alerte", "warning"),
    "none": ("rien", "nothing"),
    "backed": (
        "la pluie ou l'amont parle pour une montée", "rain or upstream speaks for a rise",
    ),
    "supported": (
        "une prévision précédente montrait déjà le seuil dans sa bande",
        "an earlier forecast already had the mark in its band",
    ),
    "unsupported": (
        "rien d'autre ne l'appuie : une alerte reste vigilance",
        "nothing else supports it: a warning stays a watch",
    ),
    "held": ("le niveau tient d'une prévision précédente", "the level holds from an earlier step"),
    "computed": ("Avis recalculé : {level}", "Advice computed again: {level}"),
    "recorded": (
        "Avis donné alors : {level} ({model}, {at})", "Advice given then: {level} ({model}, {at})",
    ),
    "recorded.none": ("Avis donné alors : rien de noté", "Advice given then: nothing on record"),
    "recorded.lost": (
        "Les archives de la passerelle manquent", "The gateway's records are not there",
    ),
    "forecast": (
        "Prévision notée à {at} : au plus haut {mm} dans {h} h, atteint : {reaches}",
        "Forecast on record at {at}: highest {mm} within {h} h, reaches: {reaches}",
    ),
    "other": (
        "Attention : un autre modèle servait alors ({models}) ; les chiffres d'ici sont ceux du "
        "modèle d'aujourd'hui.",
        "Mind: another model was served then ({models}); the figures here are those of today's.",
    ),
    "verdict": ("Verdict : {verdict}", "Verdict: {verdict}"),
    "verdict.normal": ("pas de fuite visible", "no leak in sight"),
    "verdict.watch": ("à surveiller", "to watch"),
    "verdict.leak": ("fuite probable", "probable leak"),
    "verdict.unknown": ("inconnu, il manque des relevés", "unknown, readings are missing"),
    "leak": (
        "fuite de {flow} (probabilité {p}), depuis {at}",
        "leak of {flow} (probability {p}), since {at}",
    ),
    "nights": (
        "Nuits, en l/h : débit, attendu, reste ; somme (vigilance {watch}, fuite {leak})",
        "Nights, in l/h: flow, expected, left; sum (watch {watch}, leak {leak})",
    ),
    "own": (
        "Seuils appris de son passé : heures × {step}, nuits × {night} (adapt)",
        "Thresholds learnt from its own past: hours × {step}, nights × {night} (adapt)",
    ),
    "own.none": (
        "Seuils tels que livrés (pas d'adaptation en service)",
        "Thresholds as they came (no adaptation in use)",
    ),
    "thresholds": (
        "heures : {step} fois le bruit de la zone ; nuits : somme de {leak}",
        "hours: {step} times the zone's noise; nights: a sum of {leak}",
    ),
    "free": (
        "{day} : jour férié, attendu comme {kind}", "{day}: public holiday, expected like {kind}",
    ),
    "free.0": ("un jour ouvré", "a working day"),
    "free.1": ("un samedi", "a Saturday"),
    "free.2": ("un dimanche", "a Sunday"),
    "night": (
        "{at} : {flow}, {expected}, {left} ; somme {sum}",
        "{at}: {flow}, {expected}, {left}; sum {sum}",
    ),
}  # fmt: skip
QUALITIES = {
    1: ("douteux, dit le nœud", "suspect, says the node"),
    2: ("hors limites, dit le nœud", "out of range, says the node"),
    3: ("défaut du capteur, dit le nœud", "sensor fault, says the node"),
    5: ("valeur figée, dit le nœud", "held value, says the node"),
    6: ("essai", "test"),
}
CAUSES = {
    "spike": ("pic", "spike"),
    "drop": ("chute", "drop"),
    "jump": ("saut", "jump"),
    "settling": ("se remet", "settling"),
    "flat": ("figé", "flat"),
    "frozen": ("gelé", "frozen"),
    "apart": ("s'écarte des voisins", "apart from its neighbours"),
    "pulses": ("chaîne d'impulsions", "chain of pulses"),
}


class Words:
    """One language, one time zone."""

    def __init__(
        self, lang: str, zone: ZoneInfo, texts: dict[str, tuple[str, str]] = WORDS
    ) -> None:
        self._index = 0 if lang == "fr" else 1
        self._zone, self._texts = zone, texts

    def __call__(self, key: str, **parts: Any) -> str:
        """Return a text with its parts."""
        return self._texts[key][self._index].format(**parts)

    def of(self, pair: tuple[str, str]) -> str:
        """Return the one of both that is in this language."""
        return pair[self._index]

    def number(self, value: float | None, unit: str = "", decimals: int = 0) -> str:
        """Return a number as this language writes it."""
        if value is None:
            return self("unknown")
        text = f"{value:.{decimals}f}"
        text = text.replace(".", ",") if self._index == 0 else text
        return f"{text} {unit}".strip()

    def mm(self, value: float | None) -> str:
        """Return a height."""
        return self.number(value, "mm")

    def at(self, t_ms: int | None) -> str:
        """Return a moment, local time."""
        if t_ms is None:
            return self("unknown")
        return dt.datetime.fromtimestamp(t_ms / 1000, self._zone).strftime("%Y-%m-%d %H:%M")


def text(found: Found, lang: str, zone: ZoneInfo) -> str:
    """Return the explanation as lines."""
    words = Words(lang, zone)
    parts = _station(found, words) if found["kind"] == "station" else _zone(found, words)
    return "\n".join([*_head(found, words), *parts, *_recorded(found, words)]) + "\n"


def _head(found: Found, words: Words) -> Iterator[str]:
    yield words("head", place=found["place"], at=words.at(found["at_ms"]))
    if found["model"]:
        yield words("model", name=found["model"], sha=found["sha256"])
    else:
        yield words("model.none", fault=found["fault"])


def _station(found: Found, words: Words) -> Iterator[str]:
    yield words(f"rung.{found['rung']}")
    yield ""
    yield words("inputs")
    yield from indented(_inputs(found, words))
    if "band" not in found:
        return
    yield ""
    yield words("band")
    for row in found["band"]:
        quantiles = [f"{float(q):.0%} {words.mm(mm)}" for q, mm in row["mm"].items()]
        hours = words.number(row["horizon_h"], decimals=0 if row["horizon_h"] >= 1 else 1)
        yield "  " + words("band.row", h=hours, parts=", ".join(quantiles))
    if found["adapted"]:
        parts = (words(f"part.{part}") for part in found["adapted"])
        yield "  " + words("adapted", parts=", ".join(parts))
    yield ""
    yield words("why")
    yield from indented(_why(found, words))


def _inputs(found: Found, words: Words) -> Iterator[str]:
    if "stage_mm" in found:
        yield words("stage", mm=words.mm(found["stage_mm"]), at=words.at(found["issued_ms"]))
        for rise in found["rises_mm"]:
            hours = words.number(rise["hours"], decimals=0 if rise["hours"] >= 1 else 1)
            yield words("rises", h=hours, mm=words.mm(rise["mm"]))
        yield from _rain(found, words)
        yield from _upstream(found, words)
    else:
        yield from newest(found, words)
    yield from doubted(found, words)


def _rain(found: Found, words: Words) -> Iterator[str]:
    known = [one for one in found["rain_mm"] if one["mm"] is not None]
    if not known:
        yield words("rain.none")
    for one in known:
        mm = words.number(one["mm"], "mm", 1)
        yield words("rain", a=one["from_h"], b=one["to_h"], mm=mm)
    foretold = found["rain_forecast_mm"]
    if foretold is None:
        yield words("foretold.none")
    else:
        yield words("foretold", mm=words.number(foretold, "mm", 1))


def _upstream(found: Found, words: Words) -> Iterator[str]:
    for one in found["upstream"]:
        if not one["known"]:
            yield words("upstream.none", name=one["station"])
            continue
        rise = next(rise["mm"] for rise in one["rises_mm"] if rise["hours"] == 3)
        stage, at = words.mm(one["stage_mm"]), words.at(one["t_ms"])
        yield words("upstream", name=one["station"], mm=stage, at=at, rise=words.mm(rise))


def newest(found: Found, words: Words) -> Iterator[str]:
    """Yield when each sensor was read last."""
    for sensor, last in found["sensors"].items():
        if last["t_ms"] is None:
            yield words("silent", sensor=sensor)
        else:
            yield words("newest", sensor=sensor, at=words.at(last["good_t_ms"]))


def doubted(found: Found, words: Words) -> Iterator[str]:
    """Yield the readings that were left out."""
    if not found["doubted"]:
        yield words("doubted.none")
    for one in found["doubted"]:
        why = [words.of(CAUSES[cause]) for cause in one["causes"]]
        if one["quality"] in QUALITIES:
            why.append(words.of(QUALITIES[one["quality"]]))
        at = words.at(one["t_ms"])
        said = ", ".join(why) or str(one["quality"])
        yield words("doubted", sensor=one["sensor"], value=one["value"], at=at, why=said)


def _why(found: Found, words: Words) -> Iterator[str]:
    for one in found["asked"]:
        hours = words.number(one["horizon_h"], decimals=0 if one["horizon_h"] >= 1 else 1)
        yield words(
            "asked", level=words(one["level"]), h=hours, q=f"{one['quantile']:.0%}",
            mm=words.mm(one["height_mm"]), mark=words.mm(one["mark_mm"]),
            said=words("reached" if one["reached"] else "below"),
        )  # fmt: skip
    warned = any(one["reached"] for one in found["asked"] if one["level"] == "warning")
    if warned and found["support"] > 0.0:
        supports = [name for name in ("backed", "supported") if found[name]]
        yield from (words(name) for name in supports or ["unsupported"])
    if found["held"]:
        yield words("held")


def _zone(found: Found, words: Words) -> Iterator[str]:
    yield words("verdict", verdict=words(f"verdict.{found['verdict']}"))
    if found["verdict"] in ("watch", "leak"):
        flow, since = words.number(found["leak_l_h"], "l/h"), words.at(found["since_ms"])
        yield words("leak", flow=flow, p=words.number(found["probability"], decimals=2), at=since)
    yield ""
    yield from _thresholds(found, words)
    if found["nights"]:
        yield words("nights", watch=found["watch_sum"], leak=found["leak_sum"])
    for night in found["nights"]:
        yield "  " + words(
            "night", at=words.at(night["end_ms"]), flow=words.number(night["flow_l_h"]),
            expected=words.number(night["expected_l_h"]),
            left=words.number(night["residual_l_h"]), sum=words.number(night["sum"], decimals=1),
        )  # fmt: skip
    yield from indented(newest(found, words))
    yield from indented(doubted(found, words))


def _thresholds(found: Found, words: Words) -> Iterator[str]:
    own = found["adapted"]
    if own is None:
        yield words("own.none")
    else:
        factors = {name: words.number(own[name], decimals=2) for name in ("step", "night")}
        yield words("own", **factors)
    step, leak = (words.number(found[name], decimals=1) for name in ("step", "leak_sum"))
    yield "  " + words("thresholds", step=step, leak=leak)
    kind = words(f"free.{SUNDAY if own is None else own['holiday']}")
    yield from (words("free", day=day, kind=kind) for day in found["holidays"])


def _recorded(found: Found, words: Words) -> Iterator[str]:
    recorded = found["recorded"]
    yield ""
    if found["kind"] == "station":
        yield words("computed", level=words(found["computed"]))
    if not recorded["known"]:
        yield words("recorded.lost")
        return
    if found["kind"] == "station":
        yield from _advised(recorded, words)
    models = recorded["models"]
    if models and found["sha256"] and found["sha256"] not in models.values():
        yield words("other", models=", ".join(models))


def _advised(recorded: Found, words: Words) -> Iterator[str]:
    advice, forecast = recorded["advice"], recorded["forecast"]
    if advice is None:
        yield words("recorded.none")
    else:
        at, level = words.at(advice["at_ms"]), words(advice["level"])
        yield words("recorded", level=level, model=advice["model"], at=at)
    if forecast is not None and forecast.get("steps"):
        hours, *_, high = forecast["steps"][-1]
        yield words(
            "forecast", at=words.at(forecast["at_ms"]), mm=words.mm(high), h=f"{hours:g}",
            reaches=forecast["reaches"],
        )  # fmt: skip


def indented(lines: Iterator[str]) -> Iterator[str]:
    """Yield lines as part of what stands above them."""
    return (f"  {line}" for line in lines)
