"""Say in French and English what calibrating has to say; every refusal names the next step."""

TEXTS: dict[str, tuple[str, str]] = {
    "not-enrolled": (
        "cette carte n'a pas de configuration lisible ; enrôlez-la : amont-provision enrol",
        "this board holds no readable configuration; enrol it first: amont-provision enrol",
    ),
    "versions": (
        "le nœud {node} a épuisé ses versions de configuration ; enrôlez-le à nouveau : --renew",
        "node {node} has used up its configuration versions; enrol it again: --renew",
    ),
    "held-changed": (
        "la configuration du nœud {node} a changé entre-temps ; relancez la commande",
        "the configuration of node {node} changed meanwhile; run the command again",
    ),
    "held-unread": (
        "la carte ne rend pas ce qui a été écrit dans {name} ; relancez, puis remplacez la carte",
        "the board does not give back what was written to {name}; run again, then replace it",
    ),
    "sensor-which": (
        "le nœud {node} a plusieurs capteurs : {sensors} ; dites lequel : --sensor",
        "node {node} has several sensors: {sensors}; say which one: --sensor",
    ),
    "sensor-unknown": (
        "le nœud {node} n'a pas ce capteur ; il a : {sensors}",
        "node {node} has no such sensor; it has: {sensors}",
    ),
    "board-differs": (
        "la carte (nœud {node}) ne connaît pas {sensor} comme le dit le fichier du site ;"
        " enrôlez-la à nouveau : --renew",
        "the board (node {node}) does not know {sensor} as the site's file has it; enrol it"
        " again: --renew",
    ),
    "probe-silent": (
        "le capteur ne répond pas : {why} ; vérifiez câble et alimentation, puis relancez",
        "the sensor does not answer: {why}; check cable and supply, then run again",
    ),
    "probe-absent": (
        "le capteur ne répond pas ({why}) ; vérifiez fils, adresse et alimentation, puis relancez",
        "the sensor does not answer ({why}); check wires, address and supply, then run again",
    ),
    "probe-water": (
        "capteur simulé : il manque {name} dans le dossier de la carte ; copiez-le d'une autre"
        " carte, puis relancez",
        "simulated sensor: {name} is missing in the board's folder; copy it from another board,"
        " then run again",
    ),
    "probe-answer": (
        "la carte répond « {answer} » au lieu d'une mesure ; déployez-y une version à jour"
        " (deploy) et relancez",
        "the board answers '{answer}' instead of a reading; deploy a current release to it"
        " (deploy) and run again",
    ),
    "readings-few": (
        "{good} bonnes lectures sur {asked} : trop peu ; vérifiez câble et visée, puis relancez",
        "{good} good readings of {asked}: too few; check cable and aim, then run again",
    ),
    "spread": (
        "les lectures vont de {low} à {high} : écart {spread}, {most} au plus ; attendez une eau"
        " calme et relancez, ou si elle ne l'est jamais : --force « raison »",
        "the readings go from {low} to {high}: {spread} apart, {most} at most; wait for calm"
        " water and run again, or if it never is: --force 'reason'",
    ),
    "points-count": (
        "{given:point|points} : il en faut de {least} à {most} ; donnez --staff, --point ou"
        " --factor",
        "{given:point|points}: it takes {least} to {most}; give --staff, --point or --factor",
    ),
    "points-one": (
        "une droite demande deux points ; donnez un second --point, le plus loin possible",
        "a line takes two points; give a second --point, as far off as you can",
    ),
    "points-equal": (
        "les points sont au même endroit (valeur brute {low}, {apart} d'écart) ; éloignez-les :"
        " par exemple le zéro et un niveau haut ; s'ils le sont, le capteur est bloqué",
        "the points are at one place (raw value {low}, {apart} apart); take them further apart:"
        " for example zero and a high level; if they are, the sensor is stuck",
    ),
    "points-same-truth": (
        "tous les points disent {true} alors que le capteur a bougé ; relisez l'échelle",
        "all points say {true} although the sensor moved; read the gauge again",
    ),
    "point-size": (
        "point {true} = {raw} hors de toute mesure ; vérifiez les chiffres et les unités",
        "point {true} = {raw} is beyond any measure; check digits and units",
    ),
    "point-form": (
        "--point {given} : écrivez VALEUR ou VALEUR=BRUT, en nombres entiers",
        "--point {given}: write VALUE or VALUE=RAW, whole numbers",
    ),
    "factor-form": (
        "--factor {given} : écrivez un nombre positif, par exemple 10, 0.2 ou 1/3",
        "--factor {given}: write a positive number, for example 10, 0.2 or 1/3",
    ),
    "factor-alone": (
        "--factor se donne seul, et pour un compteur d'impulsions ; ici : {unit}",
        "--factor is given alone, and for a pulse counter; here: {unit}",
    ),
    "count-form": (
        "--count : de 1 à {most} lectures ; 9 suffisent d'ordinaire",
        "--count: 1 to {most} readings; 9 usually do",
    ),
    "points-live": (
        "plusieurs points se lisent l'un après l'autre dans un terminal ; sinon donnez"
        " VALEUR=BRUT pour ceux déjà lus",
        "several points are read one after the other in a terminal; else give VALUE=RAW for"
        " those read before",
    ),
    "loop": (
        "{raw_ma} mA : la boucle signale une panne (en deçà de 3,8 ou au-delà de 20,5 mA) ;"
        " vérifiez fils et alimentation",
        "{raw_ma} mA: the loop tells a failure (under 3.8 or over 20.5 mA); check wires and"
        " supply",
    ),
    "slope-negative": (
        "le courant baisse quand le niveau monte ; les deux points sont sans doute échangés,"
        " relisez-les",
        "the current falls as the level rises; the two points are probably exchanged, read them"
        " again",
    ),
    "slope-zero": (
        "la valeur ne dépend pas du capteur ; relisez les points",
        "the value does not depend on the sensor; read the points again",
    ),
    "factor-sign": (
        "coefficient {true} pour {raw} impulsions : les deux doivent être positifs ; relisez le"
        " compteur et sa plaque",
        "factor {true} for {raw} pulses: both must be positive; read the meter and its plate"
        " again",
    ),
    "transform-size": (
        "pente {slope}, décalage {add} : hors de ce que le nœud calcule ; vérifiez les unités",
        "slope {slope}, offset {add}: beyond what the node computes; check the units",
    ),
    "residual": (
        "point {point} ({true}) : il reste {off}, {most} au plus ; relisez ce point, ou la sonde"
        " n'est pas droite",
        "point {point} ({true}): {off} is left over, {most} at most; read this point again, or"
        " the probe is not straight",
    ),
    "truth-range": (
        "{true} est hors de ce que le fichier du site permet ({low} à {high}) ; vérifiez l'unité"
        " (mm) ou corrigez min et max",
        "{true} is outside what the site's file allows ({low} to {high}); check the unit (mm) or"
        " mend min and max",
    ),
    "offset-first": (
        "{sensor} n'a pas encore de pente : étalonnez d'abord sur deux points",
        "{sensor} has no slope yet: calibrate it on two points first",
    ),
    "facing": (
        "{sensor} : distance ou niveau ? Dites --facing down (le capteur vise l'eau d'en haut) ou"
        " --facing up (il est dans l'eau)",
        "{sensor}: distance or level? Say --facing down (the sensor looks down at the water) or"
        " --facing up (it is in the water)",
    ),
    "jump": (
        "cela déplace {unit} de {moved}, plus que {most} ; relisez l'échelle. Si le capteur a"
        " vraiment été déplacé : --force « raison »",
        "this moves {unit} by {moved}, more than {most}; read the gauge again. If the sensor was"
        " really moved: --force 'reason'",
    ),
    "date-back": (
        "la date {date} est avant le dernier étalonnage ({last}) ; réglez l'horloge ou donnez"
        " --date",
        "the date {date} is before the last calibration ({last}); set the clock or give --date",
    ),
    "calibrate-at": (
        "amenez {sensor} à {true}, puis Entrée ",
        "bring {sensor} to {true}, then press Enter ",
    ),
    "calibrate-draw": (
        "laissez passer {true}, puis Entrée ",
        "let {true} flow, then press Enter ",
    ),
    "calibrate-point": (
        "  point {point} : vrai {true}, brut {raw} ({how}), reste {off}",
        "  point {point}: true {true}, raw {raw} ({how}), left over {off}",
    ),
    "calibrate-keep": (
        "déjà lu, à redonner : {options}",
        "read already, to be given again: {options}",
    ),
    "calibrate-restart": (
        "points saisis : le nœud prend l'étalonnage à son prochain démarrage",
        "points typed in: the node takes the calibration at its next start",
    ),
    "calibrate-raw": ("brut", "raw"),
    "calibrate-typed": ("saisi", "typed in"),
    "calibrate-read": (
        "{count:lecture|lectures}, écart {spread}",
        "{count:reading|readings}, spread {spread}",
    ),
    "calibrate-exact": (
        "  un seul point, ou deux : le reste ne prouve rien ; un point de plus le ferait",
        "  one point or two: what is left over proves nothing; one more point would",
    ),
    "calibrate-done": (
        "{sensor} étalonné : valeur = {formula} ; configuration {config_version} du nœud {node}",
        "{sensor} calibrated: value = {formula}; configuration {config_version} of node {node}",
    ),
    "calibrate-dry": (
        "à blanc, rien n'est écrit : {sensor} deviendrait {formula}",
        "dry run, nothing written: {sensor} would become {formula}",
    ),
}
