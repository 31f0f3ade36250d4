"""Word what ``amont-gateway history`` says of the database, in French and English."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

_LATEST_MS = 1 << 42  # the year 2109

TEXTS: dict[str, tuple[str, str]] = {
    "at_rest": (
        "aucune passerelle ne répond : ce qui suit vient du dossier de données",
        "no gateway answers: what follows is from the data folder",
    ),
    "none": (
        "base de données : aucune dans le fichier du site",
        "database: none in the site's file",
    ),
    "ok": ("base de données : répond depuis {since}", "database: answers since {since}"),
    "away": (
        "base de données : NE RÉPOND PAS depuis {since} ({reason})",
        "database: DOES NOT ANSWER since {since} ({reason})",
    ),
    "refused": (
        "base de données : REFUSE la passerelle depuis {since} ({reason})",
        "database: REFUSES the gateway since {since} ({reason})",
    ),
    "waiting_none": ("relevés en attente : aucun", "rows waiting: none"),
    "waiting": (
        "relevés en attente : {rows}, le plus ancien de {since} ; rien n'est perdu",
        "rows waiting: {rows}, the oldest of {since}; nothing is lost",
    ),
    "quarantined": (
        "lignes refusées, mises de côté : {lines} ; voir amont-gateway history quarantine list",
        "refused lines, set aside: {lines}; see amont-gateway history quarantine list",
    ),
    "journal": (
        "journal : {rows} relevés depuis {since} ; on peut réécrire depuis lors",
        "journal: {rows} rows since {since}; replay can go back to then",
    ),
    "journal_empty": ("journal : vide", "journal: empty"),
    "damaged": (
        "journal : ABÎMÉ ({why}) ; {path} : amont-gateway journal check dit ce qui reste lisible,"
        " history replay --journal le réécrit",
        "journal: DAMAGED ({why}); {path}: amont-gateway journal check says what can be read,"
        " history replay --journal writes it again",
    ),
    "zone": ("heures : {zone}, celles du site", "times: {zone}, the site's"),
    "zone_machine": (
        "heures : {zone}, celles de la machine (pas de fichier du site)",
        "times: {zone}, the machine's (no site's file)",
    ),
    "consumer": ("{name} : jusqu'à {place} sur {last}", "{name}: up to {place} of {last}"),
    "quarantine_empty": ("aucune ligne refusée", "no refused lines"),
    "reason": ("{lines} × {reason}", "{lines} × {reason}"),
    "mended": ("{id} : {line}", "{id}: {line}"),
    "would_mend": ("{id} deviendrait : {line}", "{id} would become: {line}"),
    "resent": (
        "{taken} lignes écrites et retirées, {left} encore refusées",
        "{taken} lines written and taken out, {left} still refused",
    ),
    "dropped": ("{lines} lignes oubliées", "{lines} lines forgotten"),
    "would_drop": ("{lines} lignes seraient oubliées", "{lines} lines would be forgotten"),
    "would_replay": (
        "{rows} relevés du {since} au {until} seraient réécrits, {lost} sont illisibles",
        "{rows} rows of {since} to {until} would be written again, {lost} cannot be read",
    ),
    "replaying": ("{percent} %, jusqu'au {until}", "{percent} %, up to {until}"),
    "replayed": (
        "{rows} relevés relus, {lines} lignes écrites, {refused} refusées et mises de côté,"
        " {bad} relevés abîmés laissés, {lost} illisibles,"
        " heures et jours : {days} jours",
        "{rows} rows read, {lines} lines written, {refused} refused and set aside,"
        " {bad} damaged rows left out, {lost} cannot be read,"
        " hours and days: {days} days",
    ),
    "stopped": (
        "arrêté après {rows} relevés, {lines} lignes écrites, {lost} relevés illisibles : {why} ;"
        " ce qui est écrit le reste, relancez la commande",
        "stopped after {rows} rows, {lines} lines written, {lost} rows unreadable: {why};"
        " what is written stays, run the command again",
    ),
}


def word(key: str, lang: str, **values: object) -> str:
    """Return a text in "fr" or "en" with its values."""
    return TEXTS[key][lang == "en"].format(**values)


def moment(at_ms: int | None, zone: dt.tzinfo | None = None) -> str:
    """Write a moment in a time zone, by default the machine's; beyond a calendar it is "…"."""
    if at_ms is None or not 0 < at_ms < _LATEST_MS:
        return "…"
    return f"{dt.datetime.fromtimestamp(at_ms / 1000, zone):%Y-%m-%d %H:%M}"


def describe(state: Mapping[str, Any], lang: str, zone: dt.tzinfo | None = None) -> list[str]:
    """Say in lines how the database is: ``view.HistoryState`` as plain data."""
    since, reason = moment(state["since_ms"], zone), state.get("reason") or "?"
    lines = [word(state["state"], lang, since=since, reason=reason)]
    if state["waiting"]:
        since = moment(state["waiting_since_ms"], zone)
        lines.append(word("waiting", lang, rows=state["waiting"], since=since))
    else:
        lines.append(word("waiting_none", lang))
    if state["quarantined"]:
        lines.append(word("quarantined", lang, lines=state["quarantined"]))
    return lines
