"""Say in French and English what became of a board that is to be the bridge."""

TEXTS: dict[str, tuple[str, str]] = {
    "bridge-release": (
        "{name} est la version d'un nœud ; faites-en une de pont : amont-provision build --bridge",
        "{name} is a node's release; make a bridge's: amont-provision build --bridge",
    ),
    "deploy-bridge": (
        "c'est la version d'un pont radio, et cette carte n'en est pas un ; pour en faire un :"
        " amont-provision bridge",
        "this is a bridge's release, and this board is none; to make it one:"
        " amont-provision bridge",
    ),
    "deploy-on-bridge": (
        "cette carte est un pont radio, et c'est la version d'un nœud ; prenez une autre carte, ou"
        " une version de build --bridge",
        "this board is a bridge, and this is a node's release; take another board, or a release of"
        " build --bridge",
    ),
    "bridge-is-node": (
        "cette carte est le nœud {node} ; prenez-en une autre, ou effacez celle-ci :"
        " amont-provision flash",
        "this board is node {node}; take another one, or erase this one: amont-provision flash",
    ),
    "bridge-no-radio": (
        "le fichier de la carte {board} ne dit pas comment sa radio est câblée ; ajoutez-y"
        " pins.radio",
        "the file of board {board} does not say how its radio is wired; add pins.radio to it",
    ),
    "bridge-chip": (
        "une radio {chip} n'est pas faite pour un pont ; prenez une de celles-ci : {choices}",
        "a {chip} radio is not made for a bridge; take one of these: {choices}",
    ),
    "bridge-prompt": (
        "cette carte est déjà un pont radio ; elle redémarre sans son programme",
        "this board is a bridge already; it restarts without its program",
    ),
    "bridge-dry": (
        "à blanc, rien n'est écrit : version {release} dans {slot},"
        " {sent:fichier|fichiers} à envoyer, {kept} déjà là ; radio {chip}",
        "dry run, nothing written: release {release} in {slot}, {sent:file|files} to send, {kept}"
        " there already; radio {chip}",
    ),
    "bridge-silent": (
        "la carte ne répond pas comme un pont radio ; débranchez-la, rebranchez-la et"
        " relancez la commande ({port})",
        "the board does not answer as a bridge; unplug it, plug it in and run the command again"
        " ({port})",
    ),
    "bridge-back": (
        "la version {release} n'a pas marché sur cette carte, qui est revenue à {running} ; prenez"
        " une autre version",
        "release {release} did not work on this board, which went back to {running}; take another"
        " release",
    ),
    "bridge-faulty": (
        "le pont radio {unique} répond, mais sa radio a un défaut ({fault}) ; vérifiez le"
        " câblage et l'alimentation de la radio",
        "bridge {unique} answers, but its radio has a fault ({fault}); check the radio's wiring"
        " and supply",
    ),
    "bridge-good": (
        "le pont radio {unique} répond et sa radio écoute (version {release} dans {slot}) ;"
        " nommez-le dans site.yaml (bridge.port)",
        "bridge {unique} answers and its radio listens (release {release} in {slot}); name it in"
        " site.yaml (bridge.port)",
    ),
}
