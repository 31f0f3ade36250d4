"""``amont-models adapt``: let a site's own past correct the models, or take that back."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from amont_gateway.scoring.model_folder import kept_models
from amont_gateway.scoring.zone_adapted import AS_IT_CAME
from amont_models import adapt_site, zone_chain
from amont_models.adapt import Outcome
from amont_models.adapt_site import Adapting, Earlier
from amont_models.adapt_zone import ZoneOutcome
from amont_models.recipe import ARTIFACTS_DIR
from amont_models.river_chain import shipped
from amont_models.site_past import SitePast

STATE_DIR = Path("/var/lib/amont/gateway")
WORDS = {
    "fr": {
        "": "{station} : adaptée. Perte {loss0:.4f} → {loss1:.4f}, PI {pi0:.2f} → {pi1:.2f}, "
        "avertissements justes {hit0:.0f} → {hit1:.0f} sur {events:.0f} crues, fausses alertes "
        "{false0:.0f} → {false1:.0f}, jugé sur ses {held:.0f} derniers jours. Gardé : {kept}"
        "{refused}",
        "worse": "{station} : refusée, moins bonne sur ses {held:.0f} derniers jours. Perte "
        "{loss0:.4f} → {loss1:.4f}, PI {pi0:.2f} → {pi1:.2f}, avertissements justes {hit0:.0f} → "
        "{hit1:.0f}, fausses alertes {false0:.0f} → {false1:.0f}",
        "refused": " ; refusé : {parts}",
        "part.line": "médianes",
        "part.widths": "largeurs",
        "part.margins": "marges",
        "part.shift": "promptitude",
        "short": "{station} : {days:.0f} jours de mesures, il en faut {least:.0f}",
        "still": "{station} : l'eau a trop peu bougé dans les derniers jours pour juger",
        "zone.": "{zone} : adaptée. {figures}. Seuils des heures × {step:g}, des nuits "
        "× {night:g} ; un jour férié est {holiday}",
        "zone.worse": "{zone} : refusée, moins bonne sur ses propres dernières semaines. "
        "{figures}",
        "zone.loose": "{zone} : refusée, son passé laisse attendre trop de fausses "
        "alertes. {figures}",
        "zone.short": "{zone} : {days:.0f} jours de mesures, il en faut {least:.0f}",
        "zone.few": "{zone} : trop peu de fuites d'essai dans les derniers jours pour juger",
        "zone.figures": "Fuites d'essai (15 % du débit de nuit) trouvées {hit0} → {hit1} sur "
        "{large}, fausses alertes {false0} → {false1}, délai {delay0} → {delay1}, sur "
        "{held:.0f} jours",
        "hours": "{h:.0f} h",
        "day.0": "un jour ouvré",
        "day.1": "un samedi",
        "day.2": "un dimanche",
        "dry": "rien n'est écrit (--dry-run)",
        "none": "aucune station ni zone adaptée ; rien n'est écrit",
        "written": "écrit : {path} ; la passerelle s'en sert d'elle-même. --undo l'annule",
        "undone": "revenu à l'adaptation d'avant",
        "plain": "revenu au modèle sans adaptation",
        "stays": "reste comme adapté avant, faute de quoi juger : {places}",
        "goes": "l'adaptation d'avant s'en va, refusée maintenant : {places}",
        "time": "{seconds:.0f} s en tout",
    },
    "en": {
        "": "{station}: adapted. Loss {loss0:.4f} → {loss1:.4f}, PI {pi0:.2f} → {pi1:.2f}, "
        "events warned {hit0:.0f} → {hit1:.0f} of {events:.0f}, false alarms {false0:.0f} → "
        "{false1:.0f}, judged on its last {held:.0f} days. Kept: {kept}{refused}",
        "worse": "{station}: refused, it does worse on its last {held:.0f} days. Loss "
        "{loss0:.4f} → {loss1:.4f}, PI {pi0:.2f} → {pi1:.2f}, events warned {hit0:.0f} → "
        "{hit1:.0f}, false alarms {false0:.0f} → {false1:.0f}",
        "refused": "; refused: {parts}",
        "part.line": "medians",
        "part.widths": "widths",
        "part.margins": "margins",
        "part.shift": "readiness",
        "short": "{station}: {days:.0f} days of readings, it takes {least:.0f}",
        "still": "{station}: the water moved too little in the last days to judge by",
        "zone.": "{zone}: adapted. {figures}. Thresholds of hours × {step:g}, of nights "
        "× {night:g}; a public holiday is {holiday}",
        "zone.worse": "{zone}: refused, it does worse on its own last weeks. {figures}",
        "zone.loose": "{zone}: refused, its past lets expect too many false alarms. {figures}",
        "zone.short": "{zone}: {days:.0f} days of readings, it takes {least:.0f}",
        "zone.few": "{zone}: too few trial leaks in the last days to judge by",
        "zone.figures": "Trial leaks (15 % of the night flow) found {hit0} → {hit1} of {large}, "
        "false alarms {false0} → {false1}, delay {delay0} → {delay1}, on {held:.0f} days",
        "hours": "{h:.0f} h",
        "day.0": "a working day",
        "day.1": "a Saturday",
        "day.2": "a Sunday",
        "dry": "nothing is written (--dry-run)",
        "none": "no station and no zone adapted; nothing is written",
        "written": "written: {path}; the gateway takes it by itself. --undo goes back",
        "undone": "back to the adaptation before",
        "plain": "back to the model without adaptation",
        "stays": "stays as adapted before, there is nothing to judge by: {places}",
        "goes": "the adaptation before goes, refused now: {places}",
        "time": "{seconds:.0f} s in all",
    },
}


def add_commands(commands: Any) -> None:
    """Add ``adapt``."""
    about = "adapt the models to a site's stations and zones, from its gateway's journal"
    command = commands.add_parser("adapt", help=about, description=about)
    command.add_argument("site", type=Path, help="the site's YAML file")
    command.add_argument("--state", type=Path, default=STATE_DIR, help="gateway's data folder")
    about = "models' folder; by default those that the gateway keeps, else those of this package"
    command.add_argument("--artifacts", type=Path, default=None, help=about)
    which = command.add_mutually_exclusive_group()
    which.add_argument("--dry-run", action="store_true", help="judge only, write nothing")
    which.add_argument("--undo", action="store_true", help="go back to what was before")
    command.add_argument("--lang", choices=("fr", "en"), default="fr")
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)


def run(asked: argparse.Namespace) -> int:
    """Adapt, or undo it; DataError, ModelError or OSError says why not."""
    words = WORDS[asked.lang]
    if asked.undo:
        had = adapt_site.undo(asked.state)
        _say(words["undone" if had else "plain"])
        return 0
    began_s = time.monotonic()
    past = SitePast(asked.site, asked.state)
    folder = asked.artifacts or kept_models(asked.state) or ARTIFACTS_DIR
    chain, leak = shipped(folder), zone_chain.shipped(folder)
    now_ms = time.time_ns() // 1_000_000
    adapting = Adapting.at(past, chain, now_ms)
    made: dict[str, Outcome] = {}
    for station, one in adapting.outcomes():
        made[station] = one
        if not asked.json:
            _say(words[one.reason].format(**_values(words, station, one)))
    zones: dict[str, ZoneOutcome] = {}
    for zone, judged in adapting.zone_outcomes(leak):
        zones[zone] = judged
        if not asked.json:
            _say(_zone_line(words, zone, judged))
    content = adapt_site.content(made, chain.sha256, now_ms, zones, leak.made_for)
    earlier = adapt_site.carry(asked.state, content, made, zones)
    told = _kept(asked, words, content, earlier)
    if asked.json:
        about = {station: one.about() for station, one in made.items()}
        also = {zone: judged.about() for zone, judged in zones.items()}
        said = {"stations": about, "zones": also, "model_sha256": chain.sha256}
        _say(json.dumps(said, indent=1))
    else:
        for key, places in (("stays", earlier.stays), ("goes", earlier.goes)):
            if places:
                _say(words[key].format(places=", ".join(places)))
        _say(told)
        _say(words["time"].format(seconds=time.monotonic() - began_s))
    return 0


def _kept(
    asked: argparse.Namespace, words: dict[str, str], content: dict[str, Any], earlier: Earlier
) -> str:
    """Write what is kept, if it may be; return what to say."""
    if not content["stations"] and not content["zones"]["zones"] and not earlier.goes:
        return words["none"]
    if asked.dry_run:
        return words["dry"]
    return words["written"].format(path=adapt_site.write(asked.state, content))


def _values(words: dict[str, str], station: str, one: Outcome) -> dict[str, Any]:
    """Return what the words name; of a station that keeps nothing, what was refused first."""
    first, then = one.figures.get("first", {}), one.figures.get("adapted", {})
    refused: dict[str, Any] = one.figures.get("left", {})
    if one.adapted is None and refused:
        then = next(iter(refused.values()))
    lost = words["refused"].format(parts=_parts(words, refused)) if refused else ""
    return {
        "station": station,
        "kept": _parts(words, () if one.adapted is None else one.adapted.parts),
        "refused": lost,
        "days": one.figures.get("days", 0.0),
        "least": one.figures.get("least", 0.0),
        "held": one.figures.get("held_back_days", 0.0),
        "events": first.get("events", 0.0),
        **{f"{name}0": first.get(key, 0.0) for name, key in _SHOWN},
        **{f"{name}1": then.get(key, 0.0) for name, key in _SHOWN},
    }


def _parts(words: dict[str, str], names: Iterable[str]) -> str:
    return ", ".join(words[f"part.{name}"] for name in names)


def _zone_line(words: dict[str, str], zone: str, one: ZoneOutcome) -> str:
    """Return what to say of a zone."""
    first, then = one.figures.get("first", {}), one.figures.get("adapted", {})
    figures = ""
    if first:
        hours = words["hours"]
        delays = [hours.format(h=x["delay_h"]) if "delay_h" in x else "-" for x in (first, then)]
        figures = words["zone.figures"].format(
            hit0=first["large_found"], hit1=then["large_found"], large=first["large"],
            false0=first["false"], false1=then["false"], delay0=delays[0], delay1=delays[1],
            held=one.figures["held_back_days"],
        )  # fmt: skip
    own = one.adapted or AS_IT_CAME
    return words[f"zone.{one.reason}"].format(
        zone=zone, figures=figures, step=own.step, night=own.night,
        holiday=words[f"day.{own.holiday}"], days=one.figures["days"],
        least=one.figures.get("least", 0.0),
    )  # fmt: skip


_SHOWN = (("loss", "loss"), ("pi", "pi"), ("hit", "warned"), ("false", "false"))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
