"""Say in French and English what the broker was given: authority, identities, access list."""

TEXTS: dict[str, tuple[str, str]] = {
    "broker-none": (
        "le fichier du site {site} n'a pas de broker avec TLS ; ajoutez broker: {{host: …}}",
        "the site's file {site} has no broker with TLS; add broker: {{host: …}}",
    ),
    "broker-file": (
        "{path} : {why} ; remettez-le depuis la sauvegarde, ou faites un autre dossier",
        "{path}: {why}; put it back from the backup, or make another folder",
    ),
    "broker-unknown": (
        "le nœud {node} n'a pas d'identité au broker, rien à révoquer",
        "node {node} has no identity at the broker, nothing to revoke",
    ),
    "broker-same": (
        "{folder} : rien à faire",
        "{folder}: nothing to do",
    ),
    "broker-dry": (
        "à blanc, rien n'est écrit ; dans {folder} changerait :",
        "dry run, nothing written; in {folder} this would change:",
    ),
    "broker-written": (
        "{folder} est écrit ; faites relire mosquitto : systemctl reload mosquitto",
        "{folder} is written; make mosquitto read it: systemctl reload mosquitto",
    ),
    "broker-made": ("fait : {name}, jusqu'au {day}", "made: {name}, until {day}"),
    "broker-would": ("à faire : {name}", "to make: {name}"),
    "broker-revoked": (
        "révoqué : nœud {node} ; dès que mosquitto relit, il n'entre plus et ne dit plus rien",
        "revoked: node {node}; once mosquitto has read again it gets in and says nothing more",
    ),
    "broker-old": (
        "le certificat du nœud {node} finit le {day} : broker --renew {node}, puis sur place"
        " amont-provision set --tls {folder}",
        "the certificate of node {node} ends on {day}: broker --renew {node}, then at the station"
        " amont-provision set --tls {folder}",
    ),
}
