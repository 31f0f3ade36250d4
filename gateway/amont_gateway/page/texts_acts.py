"""Hold the words about people's actions: what each does, who must agree, why one is refused."""

from __future__ import annotations

ACT_TEXTS: dict[str, tuple[str, str]] = {
    # the form on the overview
    "act.title": ("J’ai vu l’alarme", "I have seen the alarm"),
    "act.note": (
        "Ne coupe jamais la sirène. Votre nom est enregistré.",
        "Never silences the siren. Your name is recorded.",
    ),
    "act.open": ("Agir", "Act"),
    "act.person": ("Votre nom", "Your name"),
    "act.choose": ("Choisir", "Choose"),
    "act.pin": ("Votre code", "Your PIN"),
    "act.nobody": ("Personne n’est déclaré pour agir.", "Nobody is declared who may act."),
    "act.nothing": (
        "Rien d’autre à demander pour le moment. La clé, sur place, marche toujours.",
        "Nothing else to ask for now. The key, on site, always works.",
    ),
    "act.sending": ("Envoi…", "Sending…"),
    "act.ways.alarm": ("L’alarme", "The alarm"),
    "act.ways.practice": ("S’exercer", "Practice"),
    "act.cancel": ("Ne rien faire, revenir", "Do nothing, go back"),
    "act.training": (
        "Entraînement : la demande va au gardien d’entraînement, aucune sirène n’est reliée.",
        "Training: this goes to the training guard, no siren is connected.",
    ),
    "act.simulated": (
        "Cette sirène est simulée : rien ne sonnera dehors.",
        "This siren is simulated: nothing will sound outside.",
    ),
    "act.watch_relay": (
        "C’est l’ordre. La ligne « Relais » de la sirène dit s’il est suivi.",
        "That is the order. The siren’s “Relay” line tells whether it is followed.",
    ),
    "act.asked": (
        "{person} demande {what}. Une autre personne doit confirmer avant {time}.",
        "{person} asks for {what}. A second person must confirm before {time}.",
    ),
    "act.asked.mute": ("à couper la sirène", "the siren to be muted"),
    "act.asked.drill": ("un exercice", "a drill"),
    "act.confirm": ("Confirmer : {what}", "Confirm: {what}"),
    "act.confirm.other": (
        "{person} ne peut pas confirmer sa propre demande.",
        "{person} cannot confirm their own request.",
    ),
    "act.family.alarm": ("Alarme réelle", "Real alarm"),
    "act.family.practice": ("S’exercer — pas d’alarme", "Practice — no alarm"),
    # each action: the way to its page, its title, what it does, its button
    "act.acknowledge.way": ("J’ai vu l’alarme…", "I have seen the alarm…"),
    "act.acknowledge.title": ("Dire que j’ai vu l’alarme", "Say that I have seen the alarm"),
    "act.acknowledge.what": (
        "Votre nom est enregistré comme ayant vu l’alarme. La sirène continue de sonner.",
        "Your name is recorded as having seen the alarm. The siren goes on sounding.",
    ),
    "act.acknowledge.button": ("J’ai vu l’alarme", "I have seen the alarm"),
    "act.mute.way": ("Couper la sirène…", "Mute the siren…"),
    "act.mute.title": ("Couper la sirène un moment", "Mute the siren for a while"),
    "act.mute.what": (
        "Deux personnes différentes doivent le demander en 60 secondes, pour 10 minutes au plus. "
        "L’alarme reste en cours : une montée plus grave sonne aussitôt. Sur place, la clé "
        "suffit.",
        "Two different people must ask within 60 seconds, for 10 minutes at most. The alarm stays "
        "on: a worse rise sounds at once. On site, the key is enough.",
    ),
    "act.mute.button": ("Couper la sirène", "Mute the siren"),
    "act.minutes": ("Couper pendant", "Mute for"),
    "act.minutes.value": ("{count} min", "{count} min"),
    "act.reset.way": ("Lever l’alarme…", "Clear the alarm…"),
    "act.reset.title": ("Lever l’alarme", "Clear the alarm"),
    "act.reset.what": (
        "L’eau a baissé et quelqu’un a vu l’alarme : la sirène redevient prête pour la suivante. "
        "Allez voir la rivière avant.",
        "The water has fallen and somebody has seen the alarm: the siren is ready for the next "
        "one. Go and look at the river first.",
    ),
    "act.reset.button": ("Lever l’alarme", "Clear the alarm"),
    "act.test.way": ("Essai silencieux…", "Silent test…"),
    "act.test.title": ("Essai silencieux de la sirène", "Silent test of the siren"),
    "act.test.what": (
        "La ligne est isolée, le relais est actionné et relu : rien ne sonne dehors. "
        "Une vraie alarme l’interrompt aussitôt.",
        "The line is cut off, the relay is driven and read back: nothing sounds outside. "
        "A real alarm ends it at once.",
    ),
    "act.test.button": ("Lancer l’essai silencieux", "Start the silent test"),
    "act.drill.way": ("Exercice qui sonne…", "Drill that sounds…"),
    "act.drill.title": ("Exercice : la sirène sonne", "Drill: the siren sounds"),
    "act.drill.what": (
        "LA SIRÈNE SONNE DEHORS, avec le signal d’exercice. Prévenez la population avant. "
        "Une autre personne doit confirmer en 60 secondes. Une vraie alarme passe avant.",
        "THE SIREN SOUNDS OUTSIDE, with the drill’s signal. Warn people beforehand. "
        "A second person must confirm within 60 seconds. A real alarm comes first.",
    ),
    "act.drill.button": ("Faire sonner l’exercice", "Sound the drill"),
    "act.site": ("Écrivez le nom de la commune : {name}", "Type the name of the place: {name}"),
    "act.stop.way": ("Arrêter l’essai ou l’exercice…", "Stop the test or drill…"),
    "act.stop.title": ("Arrêter l’essai ou l’exercice", "Stop the test or the drill"),
    "act.stop.what": (
        "La sirène se tait et redevient prête pour une vraie alarme.",
        "The siren falls silent and is ready again for a real alarm.",
    ),
    "act.stop.button": ("Arrêter", "Stop"),
    # answers of our own
    "act.lost": (
        "Pas de réponse : rien n’est sûr. Réessayez ou allez à la sirène.",
        "No answer: nothing is certain. Try again or go to the siren.",
    ),
    "act.unanswered": (
        "Le gardien n’a pas répondu : rien n’est sûr. Réessayez ou allez à la sirène.",
        "The guard did not answer: nothing is certain. Try again or go to the siren.",
    ),
    "act.busy": (
        "Trop de demandes à la fois. Réessayez.",
        "Too many requests at once. Try again.",
    ),
    # plain HTTP: read only
    "act.plain": (
        "Cette liaison n’est pas chiffrée : on peut lire, pas agir.",
        "This link is not encrypted: you can read, not act.",
    ),
    "act.plain.go": ("Agir : ouvrir la page chiffrée", "To act: open the encrypted page"),
    "act.plain.none": (
        "Pour agir, il faut la page chiffrée (HTTPS), qui n’est pas en marche ici.",
        "To act takes the encrypted page (HTTPS), which is not running here.",
    ),
    "act.plain.help": (
        "Votre appareil s’en méfie ? Voici comment l’installer.",
        "Your device distrusts it? How to install it.",
    ),
    # refusals before the guard is asked
    "refused.origin": (
        "Demande venue d’un autre site : refusée.",
        "Request from another site: refused.",
    ),
    "refused.token": (
        "Formulaire périmé : rechargez la page et recommencez.",
        "Form out of date: reload the page and try again.",
    ),
    "refused.size": ("Demande trop longue : refusée.", "Request too long: refused."),
    "refused.type": ("Format de demande refusé.", "Request format refused."),
    "refused.field": (
        "Champ manquant ou invalide : {field}.",
        "Missing or invalid field: {field}.",
    ),
    "refused.site": (
        "Le nom de la commune n’est pas le bon : l’exercice n’a pas été demandé.",
        "That is not the name of the place: the drill was not asked for.",
    ),
    "refused.plain": (
        "Liaison non chiffrée : demande refusée. Ouvrez la page en HTTPS.",
        "The link is not encrypted: request refused. Open the page over HTTPS.",
    ),
    "refused.records": (
        "Les enregistrements ne peuvent pas être lus en ce moment.",
        "The records cannot be read at the moment.",
    ),
    "refused.unknown": ("Cette page n’existe pas.", "There is no such page."),
    "refused.speed": ("Vitesse inconnue : {speed}.", "Unknown speed: {speed}."),
    "refused.clients": ("Trop de pages ouvertes.", "Too many open pages."),
    "refused.back": ("Retour à la page", "Back to the page"),
}
