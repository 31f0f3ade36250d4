"""Hold the words of the cards' tables, English and French; the text is recipes/*.card.*.md."""

from __future__ import annotations

RULES: dict[str, dict[str, str]] = {
    "en": {
        "cost": (
            "One takes {ms} ms, one in a hundred more than {p99_ms} ms, on one core of an "
            "{machine}\n  (`amont-models cost`). On a Raspberry Pi 4, were its core {pi_slower} "
            "times slower and {pi_watts} W thirstier\n  when busy (assumed; no Pi was at hand), "
            "that is {pi_mj} mJ each"
        ),
        "p95": "model, 95 %",
        "p75": "model, 75 %",
        "p50": "model, median",
        "persistence": "persistence",
        "linear": "straight line, 6 h",
        "p98 mark": "fixed lower mark, p98",
        "skill_head": "horizon|PI, int8|PI, float|PI, straight line|inside the 5–95 % band",
        "station_head": "PI by river|+1 h|+3 h|+6 h",
        "elsewhere_head": (
            "record (stations)|PI +30 min|+1 h|+2 h|+3 h|+6 h|ridge +3 h|events|POD|FAR|lead, h|"
            "p98: POD|FAR|lead, h|inside, 3 h"
        ),
        "warning_head": "rule|POD|FAR|CSI|median lead, h",
        "worth head": "PI at +1 / +3 / +6 h",
        "worth all": "**what the record has**",
        "worth no rain": "without its rain",
        "worth no upstream": "without stations upstream",
        "worth foretold": "with a made-up forecast: what fell, made worse",
        "worth observed": "with what fell as the forecast (a ceiling)",
        "worth history": "{case} after it all began to measure",
        "shipped": "**what ships**",
        "network": "the test with the network, int8",
        "float": "the test with the network, float",
        "no_network": "the test without the network",
        "own_thresholds": "what ships, thresholds from each zone's own days",
        "holidays": "what ships, public holidays as Sundays",
        "weather": "what ships, less what temperature and rain explain",
        "neighbours": "what ships, less what the other zones explain",
        "night CUSUM": "floor: night flow, CUSUM over its last month",
        "step test": "floor: three nights against the fourteen before",
        "LightGBM + CUSUM": "floor: LightGBM's expected inflow, CUSUM",
        "random": "floor: as many alarms at random",
        "floors": (
            "The floors saw the whole record since 2021, up to the hour; the random alarms are "
            "the mean of twenty draws."
        ),
        "rule": (
            "  Among rules within it ({budget} at most) one goes first whose abrupt leaks are "
            "mostly found within {most_h} h. The rule\n  found {found} of {of} leaks of ≥ 15 % "
            "there at {false} false a year; with the network asked, {asked} at {asked_false}. "
            "Budget and\n  figures are signed with it (`rule_chosen` in the manifest)."
        ),
        "reliability_head": "told|nights|told on average|a leak was open",
        "setting": "what ships, step {step}, drift {drift}, alarm at {alarm}",
        "night_step": "night flow {share} % over the last 14 nights' median, twice",
        "leak_head": (
            "rule|leaks of ≥ 15 % of night flow found|all leaks found|"
            "false a year and zone|median delay of abrupt ones, h"
        ),
        "adapted": (
            "`amont-models adapt` gives a zone thresholds of its own, if they do no worse on the "
            "last quarter of its past, with\nleaks that it opens there, and if its whole past, "
            "drawn to what any zone does, lets expect no more than one false\nalarm a year, or no "
            "more than before. The areas' past is here the training part{when}: {kept} of {areas} "
            "took theirs,\nthe others were refused or could not be judged. Public holidays are "
            "known in both rows."
        ),
        "adapted_when": ", and the rule the one before this",
        "as_it_comes": "what ships, as it comes",
        "with_own": "with what their own past taught",
    },
    "fr": {
        "cost": (
            "Il faut {ms} ms, une fois sur cent plus de {p99_ms} ms, sur un cœur d'un {machine}\n"
            "  (`amont-models cost`). Sur un Raspberry Pi 4, si son cœur est {pi_slower} fois "
            "plus lent et prend {pi_watts} W\n  de plus au travail (supposé : aucun Pi sous la "
            "main), cela fait {pi_mj} mJ"
        ),
        "p95": "modèle, 95 %",
        "p75": "modèle, 75 %",
        "p50": "modèle, médiane",
        "persistence": "persistance",
        "linear": "droite, 6 h",
        "p98 mark": "repère fixe plus bas, p98",
        "skill_head": "horizon|PI, int8|PI, flottant|PI, droite|dans la bande 5–95 %",
        "station_head": "PI par rivière|+1 h|+3 h|+6 h",
        "elsewhere_head": (
            "mesures (stations)|PI +30 min|+1 h|+2 h|+3 h|+6 h|ridge +3 h|événements|POD|FAR|"
            "avance, h|p98 : POD|FAR|avance, h|dans la bande, 3 h"
        ),
        "warning_head": "règle|POD|FAR|CSI|avance médiane, h",
        "worth head": "PI à +1 / +3 / +6 h",
        "worth all": "**ce que contiennent les mesures**",
        "worth no rain": "sans la pluie",
        "worth no upstream": "sans station en amont",
        "worth foretold": "avec une prévision inventée : la pluie tombée, dégradée",
        "worth observed": "avec la pluie tombée pour prévision (un plafond)",
        "worth history": "{case} après le début de toute mesure",
        "shipped": "**ce qui est livré**",
        "network": "le test avec le réseau, int8",
        "float": "le test avec le réseau, flottant",
        "no_network": "le test sans le réseau",
        "own_thresholds": "ce qui est livré, seuils tirés des jours propres à chaque secteur",
        "holidays": "ce qui est livré, jours fériés comme des dimanches",
        "weather": "ce qui est livré, moins ce qu'expliquent température et pluie",
        "neighbours": "ce qui est livré, moins ce qu'expliquent les autres secteurs",
        "night CUSUM": "plancher : débit nocturne, CUSUM sur son dernier mois",
        "step test": "plancher : trois nuits contre les quatorze d'avant",
        "LightGBM + CUSUM": "plancher : débit attendu par LightGBM, CUSUM",
        "random": "plancher : autant d'alertes au hasard",
        "floors": (
            "Les planchers ont vu tout l'enregistrement depuis 2021, jusqu'à l'heure ; les "
            "alertes au hasard sont la moyenne de\nvingt tirages."
        ),
        "rule": (
            "  Parmi les règles qui y tiennent (au plus {budget}), d'abord une dont les fuites "
            "soudaines sont le plus souvent trouvées\n  en {most_h} h. La règle y a trouvé "
            "{found} fuites de ≥ 15 % sur {of} pour {false} fausse par an ; avec le réseau "
            "interrogé,\n  {asked} pour {asked_false}. Le budget et les chiffres sont signés "
            "avec elle (`rule_chosen` du manifeste)."
        ),
        "reliability_head": "annoncé|nuits|annoncé en moyenne|une fuite était ouverte",
        "setting": "ce qui est livré, saut {step}, dérive {drift}, alerte à {alarm}",
        "night_step": "débit nocturne {share} % au-dessus de la médiane de 14 nuits, deux fois",
        "leak_head": (
            "règle|fuites ≥ 15 % du débit nocturne trouvées|toutes les fuites|"
            "fausses par an et secteur|délai médian des soudaines, h"
        ),
        "adapted": (
            "`amont-models adapt` donne à un secteur ses propres seuils, s'ils ne font pas moins "
            "bien sur le dernier quart de son\npassé, avec des fuites qu'il y ouvre, et si tout "
            "son passé, ramené vers ce que fait un secteur quelconque, ne laisse\npas attendre "
            "plus d'une fausse alerte par an, ou pas plus qu'avant. Le passé des secteurs est ici "
            "la partie\nd'apprentissage{when} : {kept} sur {areas} ont pris les leurs, les "
            "autres ont été refusés ou n'ont pu être jugés. Les\njours fériés sont connus dans "
            "les deux lignes."
        ),
        "adapted_when": ", et la règle celle d'avant",
        "as_it_comes": "ce qui est livré, tel quel",
        "with_own": "avec ce que leur passé leur a appris",
    },
}
