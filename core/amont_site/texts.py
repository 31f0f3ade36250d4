"""List the sentences about a site's file: what is wrong, then what to write instead."""

from __future__ import annotations

from amont_site.texts_foreign import TEXTS_FOREIGN
from amont_site.texts_lorawan import TEXTS_LORAWAN
from amont_site.texts_radio import TEXTS_RADIO

# code: (English, French)
TEXTS: dict[str, tuple[str, str]] = {
    # the file
    "unreadable": (
        "cannot be read ({why}); check the path and its permissions",
        "illisible ({why}) ; vérifiez le chemin et les droits",
    ),
    "too-large": (
        "more than {most} bytes; a site's file holds a few thousand",
        "plus de {most} octets ; un fichier de site en tient quelques milliers",
    ),
    "not-utf8": (
        "not UTF-8; save the file as UTF-8",
        "pas en UTF-8 ; enregistrez le fichier en UTF-8",
    ),
    "empty": (
        "the file is empty; begin with docs/examples/site.yaml",
        "le fichier est vide ; partez de docs/examples/site.yaml",
    ),
    "tab": (
        "a tab; indent with two spaces",
        "une tabulation ; indentez avec deux espaces",
    ),
    "syntax": (
        "not YAML ({why}); check indentation, colons and quotes",
        "pas du YAML ({why}) ; vérifiez l'indentation, les deux-points et les guillemets",
    ),
    "alias": (
        "an alias (*{name}); write the value out",
        "un alias (*{name}) ; écrivez la valeur en entier",
    ),
    "too-deep": (
        "nested too deep; look for a bracket that is never closed",
        "trop de niveaux imbriqués ; cherchez un crochet jamais fermé",
    ),
    # keys
    "key-text": (
        "a key must be a word",
        "une clé doit être un mot",
    ),
    "duplicate-key": (
        "'{key}' stands here and in line {first}; keep one of them",
        "« {key} » est ici et ligne {first} ; gardez-en un seul",
    ),
    "unknown-key": (
        "unknown key '{key}'; write one of: {choices}",
        "clé inconnue « {key} » ; écrivez l'une de : {choices}",
    ),
    "unknown-key-near": (
        "unknown key '{key}'; did you mean '{near}'?",
        "clé inconnue « {key} » ; vouliez-vous dire « {near} » ?",
    ),
    "missing-key": (
        "'{key}' is missing; add: {example}",
        "« {key} » manque ; ajoutez : {example}",
    ),
    # values
    "mapping": (
        "must hold keys and values, such as: {example}",
        "doit contenir des clés et des valeurs, par exemple : {example}",
    ),
    "list": (
        "must be a list; begin each item with '- '",
        "doit être une liste ; commencez chaque élément par « - »",
    ),
    "items": (
        "must have {least} to {most} items, not {count}",
        "doit avoir de {least} à {most} éléments, pas {count}",
    ),
    "text": (
        "must be a text; put it on this line",
        "doit être un texte ; mettez-le sur cette ligne",
    ),
    "length": (
        "must have {least} to {most} characters, not {count}",
        "doit avoir de {least} à {most} caractères, pas {count}",
    ),
    "unprintable": (
        "holds a character that cannot be seen; write plain text on one line",
        "contient un caractère invisible ; écrivez un texte simple sur une ligne",
    ),
    "form": (
        "'{value}' does not have the form {form}; such as: {example}",
        "« {value} » n'a pas la forme {form} ; par exemple : {example}",
    ),
    "whole": (
        "'{value}' is not a whole number; such as: {example}",
        "« {value} » n'est pas un nombre entier ; par exemple : {example}",
    ),
    "number": (
        "'{value}' is not a number; such as: {example}",
        "« {value} » n'est pas un nombre ; par exemple : {example}",
    ),
    "between": (
        "{value} is out of bounds; write {least} to {most}",
        "{value} est hors limites ; écrivez de {least} à {most}",
    ),
    "yes-no": (
        "'{value}' is neither true nor false; write true or false",
        "« {value} » n'est ni true ni false ; écrivez true ou false",
    ),
    "choice": (
        "'{value}' is not possible; write one of: {choices}",
        "« {value} » n'est pas possible ; écrivez l'un de : {choices}",
    ),
    "clear-pin": (
        "a PIN in clear text; run 'python -m amont_site hash-pin' and write what it prints",
        "un code en clair ; lancez « python -m amont_site hash-pin » et écrivez ce qu'il affiche",
    ),
    # what hangs together
    "twice": (
        "'{value}' stands here and in line {first}; give each its own",
        "« {value} » est ici et ligne {first} ; donnez à chacun le sien",
    ),
    "unknown-sensor": (
        "no node has a sensor '{value}'{near}; name one of a node's channels",
        "aucun nœud n'a de capteur « {value} »{near} ; nommez l'un des canaux d'un nœud",
    ),
    "unknown-station": (
        "there is no station '{value}'{near}; name one of 'stations'",
        "il n'y a pas de station « {value} »{near} ; nommez l'une de « stations »",
    ),
    "unknown-gauge": (
        "there is no rain gauge '{value}'{near}; name one of 'rain_gauges'",
        "il n'y a pas de pluviomètre « {value} »{near} ; nommez l'un de « rain_gauges »",
    ),
    "upstream-loop": (
        "'{value}' would lie upstream of itself; name only stations that the water passes before",
        "« {value} » serait en amont d'elle-même ; ne nommez que des stations où l'eau passe"
        " avant",
    ),
    "one-coordinate": (
        "'{value}' has one coordinate; write both latitude and longitude, or none",
        "« {value} » n'a qu'une coordonnée ; écrivez latitude et longitude, ou aucune",
    ),
    "one-pressure": (
        "'{value}' is the only pressure, and one alone has nothing to be compared with; name two"
        " or more, or none: then the flows alone are judged",
        "« {value} » est la seule pression, et une seule ne se compare à rien ; nommez-en deux"
        " ou plus, ou aucune : alors les débits seuls sont jugés",
    ),
    "sensor-used": (
        "sensor '{value}' is already used in line {first}; a sensor has one place",
        "le capteur « {value} » sert déjà ligne {first} ; un capteur a une seule place",
    ),
    "sensor-unused": (
        "sensor '{value}' is used nowhere; name it under a station, a zone, a network or a rain"
        " gauge",
        "le capteur « {value} » ne sert nulle part ; nommez-le dans une station, une zone, un"
        " réseau ou un pluviomètre",
    ),
    "quantity": (
        "sensor '{value}' measures {quantity}; here only {needed} fits",
        "le capteur « {value} » mesure {quantity} ; ici seul {needed} convient",
    ),
    "order": (
        "{key} ({value}) must be above {below_key} ({below}); write watch < warning < alarm < "
        "alarm_plus",
        "{key} ({value}) doit dépasser {below_key} ({below}) ; écrivez watch < warning < alarm "
        "< alarm_plus",
    ),
    "outside": (
        "{key} ({value}) is outside the bounds of sensor '{sensor}' ({least} to {most}); it "
        "would never be reached",
        "{key} ({value}) est hors des limites du capteur « {sensor} » ({least} à {most}) ; il "
        "ne serait jamais atteint",
    ),
    "hysteresis": (
        "hysteresis_mm ({value}) must be less than the {gap} mm between two thresholds",
        "hysteresis_mm ({value}) doit être inférieur aux {gap} mm entre deux seuils",
    ),
    "no-bridge": (
        "node {value} comes through the bridge, but 'bridge' is missing; add: bridge: {{port: "
        "/dev/amont-bridge}}",
        "le nœud {value} passe par le pont, mais « bridge » manque ; ajoutez : bridge: {{port: "
        "/dev/amont-bridge}}",
    ),
    "no-broker": (
        "node {value} comes over MQTT, but 'broker' is missing; add: broker: {{host: 127.0.0.1}}",
        "le nœud {value} passe par MQTT, mais « broker » manque ; ajoutez : broker: {{host: "
        "127.0.0.1}}",
    ),
    "fast-slower": (
        "fast_interval_s ({value}) is longer than interval_s ({interval}); write at most "
        "{interval}",
        "fast_interval_s ({value}) dépasse interval_s ({interval}) ; écrivez au plus {interval}",
    ),
    "look": (
        "look_s ({value}) does not fit; write {least} to {most}, or 0 for no looks between"
        " samples",
        "look_s ({value}) ne convient pas ; écrivez de {least} à {most}, ou 0 sans coup d'œil"
        " entre les mesures",
    ),
    "marks-station": (
        "'{value}' belongs to a station, whose limits are its marks; remove 'marks'",
        "« {value} » est d'une station, dont les seuils sont ses repères ; retirez « marks »",
    ),
    "no-wifi": (
        "a board '{value}' has no Wi-Fi, which carrier 'mqtt' needs; write pico-w or esp32, or"
        " carrier: bridge",
        "une carte « {value} » n'a pas le Wi-Fi, dont « mqtt » a besoin ; écrivez pico-w ou esp32,"
        " ou carrier: bridge",
    ),
    "sleep-deep": (
        "a board '{value}' forgets the time in deep sleep; write sleep: light, or gate with a"
        " clock chip",
        "une carte « {value} » oublie l'heure en sommeil profond ; écrivez sleep: light, ou gate"
        " avec une horloge",
    ),
    "probe-quantity": (
        "a probe '{kind}' gives {needed}, not {value}; write another quantity or probe",
        "une sonde « {kind} » donne {needed}, pas {value} ; écrivez une autre grandeur ou sonde",
    ),
    "probe-useless": (
        "'{kind}' has no use for '{key}'; remove it (it knows: {choices})",
        "« {kind} » n'a que faire de « {key} » ; retirez-le (il connaît : {choices})",
    ),
    "probe-missing": (
        "'{kind}' needs '{key}'; add: {key}: {example}",
        "« {kind} » a besoin de « {key} » ; ajoutez : {key}: {example}",
    ),
    "pin-twice": (
        "pin {value} is already taken by {other}; use another one (only one bus may be shared)",
        "la broche {value} est déjà prise par {other} ; prenez-en une autre (seul un bus se"
        " partage)",
    ),
    "validity-short": (
        "validity_s ({value}) is not longer than interval_s ({interval}); write {better}, so "
        "that one lost frame is no fault",
        "validity_s ({value}) ne dépasse pas interval_s ({interval}) ; écrivez {better}, pour "
        "qu'une trame perdue ne soit pas une panne",
    ),
    "validity-frames": (
        "validity_s ({value}) is over before the next frame of {samples} samples comes; write"
        " {better}, or a smaller frame_samples",
        "validity_s ({value}) s'achève avant la trame suivante de {samples} mesures ; écrivez"
        " {better}, ou un frame_samples plus petit",
    ),
    "min-max": (
        "min ({value}) must be below max ({most})",
        "min ({value}) doit être inférieur à max ({most})",
    ),
    "time-zone": (
        "'{value}' is no time zone; such as: Europe/Paris",
        "« {value} » n'est pas un fuseau horaire ; par exemple : Europe/Paris",
    ),
    "night": (
        "night_to ({value}) must come after night_from ({first}); the usual night is 02:00 to "
        "04:00",
        "night_to ({value}) doit suivre night_from ({first}) ; la nuit usuelle va de 02:00 à "
        "04:00",
    ),
    "low-high": (
        "low ({low}) must be below high ({high})",
        "la limite basse ({low}) doit être inférieure à la haute ({high})",
    ),
    "bounds-wide": (
        "wider than what every sensor of the station can read; write at most [{least}, {most}]",
        "plus large que ce que chaque capteur de la station peut lire ; écrivez au plus "
        "[{least}, {most}]",
    ),
    "outside-bounds": (
        "{key} ({value}) is outside bounds_mm ({least} to {most}); widen the bounds or move it",
        "{key} ({value}) est hors de bounds_mm ({least} à {most}) ; élargissez les bornes ou "
        "déplacez-le",
    ),
    "output-missing": (
        "an output of kind {kind} needs '{key}'; add: {key}: {example}",
        "une sortie de type {kind} demande « {key} » ; ajoutez : {key}: {example}",
    ),
    "output-useless": (
        "an output of kind {kind} has no '{key}'; remove it, or change the kind",
        "une sortie de type {kind} n'a pas de « {key} » ; retirez-le, ou changez le type",
    ),
    "active-low": (
        "a relay that is on while its pin is low sounds while the computer starts; remove "
        "this, and take a board that is on while the pin is high",
        "un relais fermé quand sa broche est basse sonne pendant que l'ordinateur démarre ; "
        "retirez ceci, et prenez une carte fermée quand la broche est haute",
    ),
    "no-wires": (
        "'{key}' needs wires, and a simulated output has none; remove it, or write kind: gpio "
        "or kind: modbus",
        "« {key} » demande des fils, et une sortie simulée n'en a pas ; retirez-le, ou écrivez "
        "kind: gpio ou kind: modbus",
    ),
    "unknown-person": (
        "'{value}' is not one of 'people'{near}; a drill is agreed by two people of this file",
        "« {value} » n'est pas dans « people »{near} ; un exercice est convenu par deux "
        "personnes de ce fichier",
    ),
    # warnings: the site works, with less
    "weaker-promise": (
        "sensor '{value}' comes over {carrier}: its path to the siren depends on broker and"
        " gateway, a weaker promise; carry it over the bridge if you can",
        "le capteur « {value} » passe par {carrier} : son chemin vers la sirène dépend du courtier"
        " et de la passerelle, promesse plus faible ; faites-le passer par le pont si possible",
    ),
    "one-sensor": (
        "station '{value}' sounds a siren on one sensor: more false and missed alarms; add a "
        "second sensor if you can",
        "la station « {value} » déclenche une sirène avec un seul capteur : plus d'alarmes "
        "fausses et manquées ; ajoutez un second capteur si possible",
    ),
    "silent-test-partial": (
        "without {missing} the silent test cannot try the relay, and a fault of it shows only "
        "when the siren is needed; see docs/wiring.en.md",
        "sans {missing}, le test silencieux ne peut pas essayer le relais, et sa panne ne se "
        "voit que quand la sirène doit sonner ; voir docs/wiring.fr.md",
    ),
    "few-people": (
        "muting or drilling from afar takes two people, and there are {count}; add someone "
        "under 'people'",
        "couper le son ou faire un exercice à distance demande deux personnes, et il y en a "
        "{count} ; ajoutez quelqu'un sous « people »",
    ),
    "no-tls": (
        "the broker at '{value}' is reached without TLS; write tls: true, or anyone on the way "
        "can read and drop frames",
        "le courtier « {value} » est joint sans TLS ; écrivez tls: true, sinon quiconque sur le"
        " chemin peut lire et supprimer des trames",
    ),
    **TEXTS_FOREIGN,
    **TEXTS_RADIO,
    **TEXTS_LORAWAN,
}
# The site works all the same, with less.
WARNINGS = frozenset({
    "weaker-promise", "one-sensor", "few-people", "no-tls", "silent-test-partial", "fair-use",
    "foreign-undated",
})  # fmt: skip
