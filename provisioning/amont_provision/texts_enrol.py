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
    "enrol-bridge": (
        "cette carte est un pont radio, qui ne garde aucune clé ; prenez-en une autre, ou effacez"
        " celle-ci : amont-provision flash",
        "this board is a bridge, which holds no key; take another one, or erase this one:"
        " amont-provision flash",
    ),
    "port-unknown": (
        "port {port} : forme inconnue ; écrivez /dev/ttyACM0 ou virtual:DOSSIER",
        "port {port}: unknown form; write /dev/ttyACM0 or virtual:FOLDER",
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
        "nœud {node} enrôlé : génération {generation}, {files:fichier|fichiers} sur {port}",
        "node {node} enrolled: generation {generation}, {files:file|files} on {port}",
    ),
    "dry": (
        "à blanc, rien n'est écrit : nœud {node}, génération {generation},"
        " {files:fichier|fichiers}"
        " sur {port}",
        "dry run, nothing written: node {node}, generation {generation}, {files:file|files} on"
        " {port}",
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
    "no-dev-eui": (
        "le nœud {node} passe par LoRaWAN, mais le fichier du site ne dit pas son dev_eui ;"
        " écrivez nodes[].lorawan et lorawan",
        "node {node} is carried by LoRaWAN, but the site's file lacks its dev_eui; write"
        " nodes[].lorawan and lorawan",
    ),
    "lorawan-next": (
        "nouvelle clé LoRaWAN : exportez-la vers le serveur de réseau, sans quoi le nœud {node} ne"
        " pourra pas s'y joindre",
        "a new LoRaWAN key: export it to the network server, or node {node} cannot join there",
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
    "needs": (
        "il manque {option} ; ajoutez-le (voir --help)",
        "{option} is missing; add it (see --help)",
    ),
    "enrolled-far": (
        "le gardien connaît déjà cette clé ; le premier salut scellé du nœud la confirme",
        "the guard knows this key already; the node's first sealed hello closes it",
    ),
    "ask-passphrase": ("Phrase secrète du lot", "Passphrase of the bundle"),
    "secret-differs": (
        "les deux saisies diffèrent ; relancez la commande",
        "the two answers differ; run the command again",
    ),
    "secret-empty": (
        "{what} : rien n'a été donné ; relancez la commande",
        "{what}: nothing was given; run the command again",
    ),
    "secret-open": (
        "{path} : d'autres peuvent le lire ; chmod 600, puis relancez",
        "{path}: others may read it; chmod 600, then run the command again",
    ),
    "secret-unread": (
        "{path} : {why} ; donnez un fichier d'une ligne",
        "{path}: {why}; give a file of one line",
    ),
    "laptop-public": (
        "clé publique de ce portable (à donner à « enrol --batch --for ») : {public}",
        "this laptop's public key (for 'enrol --batch --for'): {public}",
    ),
    "laptop-key": (
        "{path} n'est pas une clé de portable ; retirez-le, une nouvelle sera faite",
        "{path} is no laptop's key; move it away, a new one is made",
    ),
    "public-key": (
        "« {text} » n'est pas une clé publique ; affichez-la sur le portable : enrol"
        " --show-laptop-key",
        "'{text}' is no public key; show it on the laptop: enrol --show-laptop-key",
    ),
    "passphrase-short": (
        "la phrase secrète doit avoir au moins {least} caractères ; quatre mots suffisent",
        "the passphrase must have at least {least} characters; four words will do",
    ),
    "batch-bounds": (
        "un lot a de 1 à {nodes} identités et vaut de 1 à {days} jours",
        "a bundle holds 1 to {nodes} identities and lasts 1 to {days} days",
    ),
    "batch-few": (
        "{count:identité demandée|identités demandées}, {found:nœud libre|nœuds libres} ; ajoutez"
        " des nœuds au fichier du site"
        " ou nommez-les : --nodes",
        "{count:identity|identities} asked for, {found:node is|nodes are} free; add nodes to the"
        " site's file or"
        " name them: --nodes",
    ),
    "batch-line": ("nœud {node}, génération {generation}", "node {node}, generation {generation}"),
    "batch-done": (
        "{count:identité|identités} en attente dans {bundle}, {days:jour|jours} ; la phrase"
        " secrète voyage à part, le lot va sur un seul portable (--for y veille)",
        "{count:identity waits|identities wait} in {bundle}, {days:day|days}; let the passphrase"
        " travel apart, and the bundle go to one laptop alone (--for sees to that)",
    ),
    "batch-done-for": (
        "{count:identité|identités} en attente dans {bundle}, {days:jour|jours} ; seul le portable"
        " nommé l'ouvre",
        "{count:identity waits|identities wait} in {bundle}, {days:day|days}; only the laptop that"
        " was named opens it",
    ),
    "batch-dry": (
        "à blanc, rien n'est écrit : {count:identité irait|identités iraient} dans"
        " {bundle}, {days:jour|jours}",
        "dry run, nothing written: {count:identity|identities} would go into {bundle},"
        " {days:day|days}",
    ),
    "withdraw-done": (
        "identités reprises : {list} ; leur clé ne vaut plus rien",
        "identities taken back: {list}; their keys are worth nothing now",
    ),
    "withdraw-dry": (
        "à blanc, rien n'est écrit : {list} seraient repris",
        "dry run, nothing written: {list} would be taken back",
    ),
    "bundle-exists": (
        "{path} existe déjà ; donnez un autre nom",
        "{path} exists already; give another name",
    ),
    "clock-unset": (
        "l'horloge de cette machine n'est pas à l'heure ; réglez-la, le lot porte une date",
        "this machine's clock is not set; set it, the bundle bears a date",
    ),
    "clock-back": (
        "l'horloge dit {now}, le lot est du {made} ; réglez l'horloge de ce portable",
        "the clock says {now}, the bundle was made on {made}; set this laptop's clock",
    ),
    "bundle-over": (
        "ce lot n'est plus valable depuis le {day} ; faites-en un autre au Pi : enrol --withdraw,"
        " puis --batch",
        "this bundle ended on {day}; make another one at the Pi: enrol --withdraw, then --batch",
    ),
    "bundle-closed": (
        "{path} ne s'ouvre pas : phrase secrète fausse, ou fichier abîmé ; réessayez",
        "{path} does not open: wrong passphrase, or a damaged file; try again",
    ),
    "bundle-other": (
        "ce lot est pour un autre portable (clé {wanted}…, la nôtre est {own}…) ; prenez celui-là",
        "this bundle is for another laptop (key {wanted}…, ours is {own}…); use that one",
    ),
    "bundle-node": (
        "le lot n'a pas d'identité pour le nœud {node} ; il a : {nodes}",
        "the bundle has no identity for node {node}; it has: {nodes}",
    ),
    "bundle-used": (
        "l'identité du nœud {node} est déjà sur la carte {board} ; deux stations ne peuvent la"
        " porter. Carte perdue ou cassée : une nouvelle identité au Pi (enrol --batch --renew)",
        "the identity of node {node} is on board {board} already; two stations cannot have it. If"
        " that board is lost or broken: a new identity at the Pi (enrol --batch --renew)",
    ),
    "bundle-notes": (
        "{path} : {why} ; ce fichier dit quelle carte a quelle identité : remettez-le tel qu'il"
        " était",
        "{path}: {why}; this file says which board has which identity: put it back as it was",
    ),
    "bundle-site": (
        "le lot est du site {other}, pas de {site} ; prenez le bon fichier",
        "the bundle is of site {other}, not of {site}; take the right file",
    ),
    "bundle-unreadable": (
        "{path} : {why} ; copiez de nouveau le lot depuis le Pi",
        "{path}: {why}; copy the bundle from the Pi again",
    ),
}
