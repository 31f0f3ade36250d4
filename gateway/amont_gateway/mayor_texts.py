"""Hold the mayor's sheet: one source for docs/mayor.fr.md, docs/mayor.en.md and the page.

Each section is (title, kind, lines); kind "-" is a list, "1" a numbered one, "" are paragraphs.
``___`` is left to be filled in by hand.
"""

from __future__ import annotations

Section = tuple[str, str, tuple[str, ...]]

TITLES = {
    "fr": "La sirène de crue : la fiche du maire",
    "en": "The flood siren: the mayor’s sheet",
}
LEADS = {
    "fr": "À imprimer, à remplir, à afficher près de la clé de la sirène. "
    "Amont complète les alertes officielles ; il ne les remplace pas.",
    "en": "To be printed, filled in and put up beside the siren’s key. "
    "Amont supplements official warnings; it does not replace them.",
}
FACTS = {
    "fr": ("Sirène", "Seuils d’alarme", "Peuvent agir", "Essai silencieux", "Page"),
    "en": ("Siren", "Alarm limits", "May act", "Silent test", "Page"),
}
EVERY_DAY = {"fr": "chaque jour à {at}", "en": "each day at {at}"}
BY_COMMA = {"fr": " ; ", "en": "; "}

SECTIONS: dict[str, tuple[Section, ...]] = {
    "fr": (
        (
            "Ce que veut dire la sirène",
            "-",
            (
                "Elle sonne par salves, avec des pauses : l’eau a passé le seuil d’alarme d’une "
                "station et les capteurs se confirment. Elle recommence tant que l’alarme dure.",
                "Exercice : annoncé à l’avance, deux minutes au plus, la page dit EXERCICE. "
                "L’essai silencieux ne s’entend pas.",
            ),
        ),
        (
            "Quand elle sonne",
            "1",
            (
                "Lancez le plan communal de sauvegarde. N’attendez pas de comprendre l’écran.",
                "Ouvrez la page : quelle station, quelle hauteur. Envoyez voir, sans danger.",
                "« J’ai vu l’alarme », nom et code. Cela ne coupe jamais la sirène.",
                "Appelez, dans l’ordre de la liste en bas.",
                "La page dit SIRÈNE EN DÉFAUT ou NON CONFIRMÉE : prévenez autrement "
                "(porte-à-porte, haut-parleur, cloches, SMS).",
            ),
        ),
        (
            "La faire taire",
            "-",
            (
                "Sur la page : deux personnes, chacune son nom et son code, en 60 secondes. "
                "10 minutes au plus à la fois, 20 minutes par alarme.",
                "Sur place, si elle est posée : la clé, tenue 2 secondes, une seule personne, "
                "sans code.",
                "L’eau monte encore, ou un autre capteur passe le seuil : elle sonne aussitôt. "
                "Personne ne peut l’éteindre pour de bon tant que l’alarme dure.",
            ),
        ),
        (
            "Après",
            "-",
            (
                "L’eau a baissé : la sirène s’arrête seule, l’alarme reste à lever. Allez voir la "
                "rivière, puis « Lever l’alarme », une personne.",
                "La fin d’alerte à la population, c’est vous qui la dites : la sirène ne la sonne "
                "pas.",
                "Imprimez le rapport : page, « Crues et exercices passés ».",
            ),
        ),
        (
            "Fausse alerte : le texte prêt à envoyer",
            "",
            (
                "Seulement quand quelqu’un a vu la rivière de ses yeux :",
                "> CORRECTION. Mairie de ___ : la sirène qui a sonné le ___ à ___ h ___ "
                "n’annonçait pas de crue. Vous pouvez reprendre vos activités. Cause : ___. "
                "La sirène reste en service : si elle sonne de nouveau, suivez les consignes. "
                "Renseignements : ___.",
            ),
        ),
        (
            "Chaque mois",
            "-",
            (
                "Un exercice annoncé : deux personnes, page, « Exercice qui sonne… ». L’a-t-on "
                "entendue au point le plus éloigné ? Notez-le.",
                "Regardez la page : capteurs, batterie, dernier essai silencieux. Un essai manqué "
                "deux jours est une panne : appelez le technicien.",
                "Une fois par an, entraînez l’équipe sur une crue rejouée : amont-demo training.",
            ),
        ),
        (
            "Ce qu’Amont ne promet pas",
            "-",
            (
                "Il ne voit que ses capteurs : ni un affluent sans capteur, ni une rupture de "
                "digue, ni le ruissellement. Regardez aussi Vigicrues et le ciel.",
                "Il n’est certifié à aucun niveau de sûreté (SIL). Il peut sonner pour rien, il "
                "peut manquer une crue. Ce qui est prouvé, et ce qui ne l’est pas : "
                "docs/reliability-ledger.csv.",
                "Une sirène ne s’entend pas partout, ni dans une maison fermée, ni par grand "
                "vent.",
            ),
        ),
        (
            "Qui appeler",
            "-",
            (
                "Pompiers : **18** ou **112**",
                "Préfecture, astreinte : ____________________",
                "Commune d’aval : ____________________",
                "Électricité : ____________________",
                "Technicien d’Amont : ____________________",
                "Clé de la sirène chez : ____________________",
            ),
        ),
    ),
    "en": (
        (
            "What the siren means",
            "-",
            (
                "It sounds in bursts, with pauses: the water has passed a station’s alarm limit "
                "and sensors bear each other out. It goes on while the alarm stands.",
                "Drill: announced beforehand, two minutes at most, the page says DRILL. "
                "The silent test cannot be heard.",
            ),
        ),
        (
            "When it sounds",
            "1",
            (
                "Start the emergency plan. Do not wait until you understand the screen.",
                "Open the page: which station, what stage. Send somebody to look, in safety.",
                "“I have seen the alarm”, name and PIN. This never silences the siren.",
                "Call, in the order of the list at the bottom.",
                "The page says SIREN FAULT or NOT CONFIRMED: warn people by other means "
                "(door to door, loudspeaker, bells, SMS).",
            ),
        ),
        (
            "Silencing it",
            "-",
            (
                "On the page: two people, each with name and PIN, within 60 seconds. "
                "10 minutes at most at a time, 20 minutes an alarm.",
                "On site, where it is fitted: the key, held for 2 seconds, one person, no PIN.",
                "The water rises further, or another sensor passes the limit: it sounds at once. "
                "Nobody can switch it off for good while the alarm stands.",
            ),
        ),
        (
            "Afterwards",
            "-",
            (
                "The water has fallen: the siren stops by itself, the alarm is still to be "
                "cleared. Go and look at the river, then “Clear the alarm”, one person.",
                "The all-clear to the people is yours to give: the siren does not sound it.",
                "Print the report: page, “Past floods and drills”.",
            ),
        ),
        (
            "False alarm: the text ready to send",
            "",
            (
                "Only when somebody has seen the river with their own eyes:",
                "> CORRECTION. Town hall of ___: the siren that sounded on ___ at ___ did not "
                "announce a flood. You may go on with what you were doing. Cause: ___. The siren "
                "stays in service: if it sounds again, follow the instructions. "
                "Information: ___.",
            ),
        ),
        (
            "Each month",
            "-",
            (
                "An announced drill: two people, page, “Drill that sounds…”. Was it heard at the "
                "farthest point? Write it down.",
                "Look at the page: sensors, battery, last silent test. A test missed for two days "
                "is a fault: call the technician.",
                "Once a year, train the team on a replayed flood: amont-demo training.",
            ),
        ),
        (
            "What Amont does not promise",
            "-",
            (
                "It sees its own sensors only: no tributary without a sensor, no breach of a "
                "dike, no run-off. Watch the official forecasts and the sky too.",
                "It is certified to no safety level (SIL). It may sound for nothing, it may miss "
                "a flood. What has been shown and what has not: docs/reliability-ledger.csv.",
                "A siren is not heard everywhere, not in a closed house, not in strong wind.",
            ),
        ),
        (
            "Whom to call",
            "-",
            (
                "Emergency: **112**",
                "County duty officer: ____________________",
                "Next commune downstream: ____________________",
                "Electricity: ____________________",
                "Amont’s technician: ____________________",
                "The siren’s key is with: ____________________",
            ),
        ),
    ),
}
