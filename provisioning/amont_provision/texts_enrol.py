"""Say in French and English what enrolment did or why it refused."""

# code: (French, English); every refusal names the next step
TEXTS: dict[str, tuple[str, str]] = {
    "not-in-site": (
        "le nœud {node} n'est pas dans {site} ; ajoutez-le d'abord au fichier du site",
        "node {node} is not in {site}; add it to the site's file first",
    ),
    "known": (
        "le nœud {node} a déjà une clé (génération {generation}) ; deux stations ne peuvent porter"
        " la même identité. Pour la même station, remise à neuf : --renew",
        "node {node} already has a key (generation {generation}); two stations cannot have one"
        " identity. If this is the same station, made new: --renew",
    ),
    "other-board": (
        "cette carte est enrôlée comme nœud {found} ; prenez-en une autre, ou écrasez-la :"
        " --replace",
        "this board is enrolled as node {found}; take another one, or overwrite it: --replace",
    ),
    "port-unknown": (
        "port {port} : forme inconnue ; écrivez virtual:DOSSIER",
        "port {port}: unknown form; write virtual:FOLDER",
    ),
    "port-missing": (
        "port {port} : le dossier n'existe pas ; créez-le ou démarrez la carte simulée",
        "port {port}: the folder does not exist; create it or start the simulated board",
    ),
    "keys-unreadable": (
        "{path} : {why} ; restaurez ce fichier, il n'a pas été touché",
        "{path}: {why}; restore this file, it was not touched",
    ),
    "generations": (
        "le nœud {node} a épuisé ses générations ; donnez-lui un autre numéro",
        "node {node} has used up its generations; give it another number",
    ),
    "no-broker": (
        "{site} n'a pas de broker, dont le nœud {node} a besoin ; ajoutez « broker: »",
        "{site} has no broker, which node {node} needs; add 'broker:'",
    ),
    "no-tls": (
        "le broker exige TLS ; donnez --tls DOSSIER avec ca.crt, {node}.crt et {node}.key",
        "the broker requires TLS; give --tls FOLDER with ca.crt, {node}.crt and {node}.key",
    ),
    "write": (
        "écriture impossible : {why} ; corrigez puis relancez la même commande, qui continuera",
        "cannot write: {why}; mend it, then run the same command again, which carries on",
    ),
    "verify": (
        "la carte ne rend pas ce qui a été écrit dans {name} ; remplacez-la",
        "the board does not give back what was written to {name}; replace it",
    ),
    "done": (
        "nœud {node} enrôlé : génération {generation}, {files} fichiers sur {port}",
        "node {node} enrolled: generation {generation}, {files} files on {port}",
    ),
    "dry": (
        "à blanc, rien n'est écrit : nœud {node}, génération {generation}, {files} fichiers sur"
        " {port}",
        "dry run, nothing written: node {node}, generation {generation}, {files} files on {port}",
    ),
    "restart": (
        "le gardien lit la nouvelle clé de lui-même, en une seconde",
        "the guard reads the new key by itself, within a second",
    ),
    "in-bundle": (
        "le nœud {node} attend dans un lot chiffré (génération {generation}) ; utilisez ce lot"
        " (--bundle), ou retirez-le d'abord : enrol --withdraw {node}",
        "node {node} waits in a bundle (generation {generation}); use that bundle (--bundle), or"
        " take it back first: enrol --withdraw {node}",
    ),
    "not-pending": (
        "le nœud {node} n'a pas d'identité en attente ; voyez : fleet",
        "node {node} has no identity that waits; look at: fleet",
    ),
    "no-key": (
        "le nœud {node} n'a pas de clé ici ; voyez : fleet",
        "node {node} has no key here; look at: fleet",
    ),
    "keys-changed": (
        "le nœud {node} a reçu une autre clé entre-temps ; relancez la commande",
        "node {node} was given another key meanwhile; run the command again",
    ),
    "keys-busy": (
        "{path} : une autre commande y travaille ; attendez qu'elle finisse",
        "{path}: another command is at work there; wait until it ends",
    ),
}
