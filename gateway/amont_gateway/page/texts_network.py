"""List the texts about networks of pipes: leaks that flows show, with pressures or alone."""

from __future__ import annotations

NETWORK_TEXTS: dict[str, tuple[str, str]] = {
    "network.section": ("Réseau d’eau — {name}", "Water network — {name}"),
    "network.normal": (
        "Pas de fuite visible par les pressions et les débits.",
        "No leak in sight by pressures and flows.",
    ),
    "network.normal.flows": (
        "Pas de fuite visible par les débits.",
        "No leak in sight by flows.",
    ),
    "network.watch": (
        "À surveiller : peut-être une fuite ≈ {flow}, depuis {moment}.",
        "To watch: perhaps a leak ≈ {flow}, since {moment}.",
    ),
    "network.leak": (
        "Fuite probable : ≈ {flow}, depuis {moment}.",
        "Probable leak: ≈ {flow}, since {moment}.",
    ),
    "network.watch.no_flow": (
        "À surveiller : peut-être une fuite, depuis {moment}.",
        "To watch: perhaps a leak, since {moment}.",
    ),
    "network.leak.no_flow": (
        "Fuite probable, depuis {moment}.",
        "Probable leak, since {moment}.",
    ),
    "network.suspects": (
        "À surveiller : les pressions changent, à confirmer dans les heures qui viennent.",
        "To watch: pressures are changing, to be confirmed in the hours to come.",
    ),
    "network.suspects.flows": (
        "À surveiller : les débits changent, à confirmer dans les heures qui viennent.",
        "To watch: flows are changing, to be confirmed in the hours to come.",
    ),
    "network.several": ("{count} fuites probables.", "{count} probable leaks."),
    "network.several.watch": (
        "À surveiller : {count} fuites possibles.",
        "To watch: {count} possible leaks.",
    ),
    "network.near": ("Chercher d’abord près de : {places}.", "Look first near: {places}."),
    "network.near.flows": (
        "Les débits seuls ne disent pas où chercher.",
        "Flows alone do not tell where to look.",
    ),
    "network.rung.flows only": (
        "Jugé par les débits seuls, car trop de pressions se taisent : aucun lieu n’est nommé.",
        "Judged by flows alone, for too many pressures are silent: no place is named.",
    ),
    "network.left_out": (
        "Jugé sans {meters}, qui ne répond plus.",
        "Judged without {meters}: silent.",
    ),
    "network.left_out.several": (
        "Jugé sans {meters}, qui ne répondent plus.",
        "Judged without {meters}: silent.",
    ),
    "network.unknown": ("Fuites : pas encore d’avis.", "Leaks: no opinion yet."),
    "network.learning": (
        "En apprentissage : il faut une semaine de relevés.",
        "Learning: a week of readings is needed.",
    ),
    "network.learning.flows": (
        "En apprentissage : il faut deux semaines de relevés.",
        "Learning: two weeks of readings are needed.",
    ),
    "network.model.fault": (
        "Recherche de fuites en défaut : pas d’avis.",
        "The search for leaks has failed: no opinion.",
    ),
    "network.model.no data": (
        "Pas assez de relevés pour un avis.",
        "Not enough readings for an opinion.",
    ),
    "network.inflow": ("Débit entrant", "Inflow"),
    "network.heard": ("Pressions entendues", "Pressures heard"),
    "network.meters": ("Débits, niveaux entendus", "Flows, levels heard"),
    "network.heard.of": ("{heard} sur {count}", "{heard} of {count}"),
    "network.probability": ("Probabilité", "Probability"),
    "network.found": ("Trouvée", "Found"),
    "network.why": ("Pourquoi ?", "Why?"),
    "network.why.none": (
        "Rien n’a changé : les pressions suivent les débits comme d’habitude.",
        "Nothing has changed: pressures follow the flows as usual.",
    ),
    "network.why.none.flows": (
        "Rien n’a changé : les débits suivent leur cours habituel.",
        "Nothing has changed: flows take their usual course.",
    ),
    "network.why.unknown": (
        "Pas encore d’avis, donc rien à expliquer.",
        "No opinion yet, so nothing to explain.",
    ),
    "network.why.caption": (
        "Aux mêmes heures du jour ; fuite {number}",
        "At the same hours of day; leak {number}",
    ),
    "network.why.what": ("Mesure", "Reading"),
    "network.why.before": ("La semaine d’avant", "The week before"),
    "network.why.after": ("La semaine depuis", "The week since"),
    "network.score": ("Écart à l’habitude", "Distance from the usual"),
    "network.score.of": ("{score}, seuil {alarm}", "{score}, threshold {alarm}"),
}
