"""List the sentences about other people's sensors in a site's file: English, French."""

from __future__ import annotations

TEXTS_FOREIGN: dict[str, tuple[str, str]] = {
    "foreign-votes": (
        "'{value}' is a foreign sensor: its readings are not sealed, so they never vote; name"
        " nodes' sensors here, and write station under '{value}' to have it shown and advise",
        "« {value} » est un capteur tiers : ses mesures ne sont pas scellées, donc ne votent"
        " jamais ; nommez ici des capteurs de nœuds, et écrivez station sous « {value} » pour"
        " qu'il soit montré et donne son avis",
    ),
    "foreign-no-broker": (
        "source '{value}' has no broker, and neither has the site; add: broker: {{host:"
        " 127.0.0.1}}",
        "la source « {value} » n'a pas de courtier, et le site non plus ; ajoutez : broker:"
        " {{host: 127.0.0.1}}",
    ),
    "foreign-topic": (
        "'{value}' is no topic; + and {{device}} take a whole level, {{device}} once, # only the"
        " last; such as: zigbee2mqtt/{{device}}",
        "« {value} » n'est pas un sujet ; + et {{device}} prennent un niveau entier, {{device}}"
        " une fois, # le dernier seulement ; par exemple : zigbee2mqtt/{{device}}",
    ),
    "foreign-topic-wide": (
        "'{value}' could take in everything, or our own frames; begin with the word that this"
        " server's topics begin with (not amont, $, + or #)",
        "« {value} » prendrait tout, ou nos propres trames ; commencez par le mot qui commence les"
        " sujets de ce serveur (ni amont, ni $, + ou #)",
    ),
    "foreign-device-twice": (
        "the topic names the device already; remove 'device', or write + instead of {{device}}",
        "le sujet nomme déjà l'appareil ; retirez « device », ou écrivez + au lieu de {{device}}",
    ),
    "foreign-device-nowhere": (
        "nothing says which message is of device '{value}'; write {{device}} in the topic, or"
        " device: with its path under the source",
        "rien ne dit quel message vient de l'appareil « {value} » ; écrivez {{device}} dans le"
        " sujet, ou device: avec son chemin sous la source",
    ),
    "foreign-useless": (
        "form {form} has no use for '{key}'; remove it, or write form: json",
        "la forme {form} n'a que faire de « {key} » ; retirez-le, ou écrivez form: json",
    ),
    "foreign-value": (
        "sensor '{value}' does not say where its value is; add value: with a path such as"
        " object.level (of SenML: the record's whole name)",
        "le capteur « {value} » ne dit pas où est sa valeur ; ajoutez value: avec un chemin comme"
        " object.level (en SenML : le nom entier de l'enregistrement)",
    ),
    "foreign-path": (
        "'{value}' is no path; write names with dots, [0] for a place in a list, ['a name'] for"
        " other characters; such as: object.level",
        "« {value} » n'est pas un chemin ; écrivez des noms avec des points, [0] pour une place"
        " dans une liste, ['un nom'] pour d'autres caractères ; par exemple : object.level",
    ),
    "foreign-unit-once": (
        "sensor '{value}' needs its unit, once: unit: (one of {choices}), or unit_at: where the"
        " message says it",
        "le capteur « {value} » a besoin de son unité, une fois : unit: (l'une de {choices}), ou"
        " unit_at: là où le message la dit",
    ),
    "foreign-unit": (
        "'{value}' is no unit of {quantity}; write one of: {choices}",
        "« {value} » n'est pas une unité de {quantity} ; écrivez l'une de : {choices}",
    ),
    "foreign-total": (
        "a total of {value} says nothing of what came since; total: true fits {choices} only",
        "un total de {value} ne dit rien de ce qui est venu depuis ; total: true ne convient qu'à"
        " {choices}",
    ),
    # a warning
    "foreign-undated": (
        "the messages of '{value}' do not say when they were measured: they count as measured when"
        " they arrive, and what comes while the gateway is away is not had; add time: if they can"
        " tell it",
        "les messages de « {value} » ne disent pas quand ils furent mesurés : ils comptent comme"
        " mesurés à leur arrivée, et ce qui vient en l'absence de la passerelle est perdu ;"
        " ajoutez time: s'ils peuvent le dire",
    ),
}
