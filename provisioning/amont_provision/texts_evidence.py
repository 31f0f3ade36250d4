"""Say in French and English what was read off a board."""

TEXTS: dict[str, tuple[str, str]] = {
    "pulled": (
        "nœud {node} : {files:fichier|fichiers} ({bytes} octets) dans {to}, {fresh:copié|copiés}"
        " maintenant",
        "node {node}: {files:file|files} ({bytes} bytes) in {to}, {fresh} of them copied now",
    ),
    "pulled-bare": (
        "carte sans identité : {files:fichier|fichiers} ({bytes} octets) dans {to},"
        " {fresh:copié|copiés}"
        " maintenant",
        "board without identity: {files:file|files} ({bytes} bytes) in {to}, {fresh} of them"
        " copied"
        " now",
    ),
    "pull-dry": (
        "à blanc, rien n'est copié : {files:fichier|fichiers} ({bytes} octets) iraient dans {to}",
        "dry run, nothing copied: {files:file|files} ({bytes} bytes) would go to {to}",
    ),
    "evidence-changed": (
        "{name} a changé pendant la copie ; relancez la commande, elle reprend le reste",
        "{name} changed while it was copied; run the command again, it goes on with the rest",
    ),
    "logs-no-crash": ("aucune erreur notée sur la carte", "no error is noted on the board"),
    "logs-listen": (
        "écoute pendant {seconds} s ; une carte en service normal se tait, tenez son bouton"
        " pendant un reset",
        "listening for {seconds} s; a board in normal service is silent, hold its button during a"
        " reset",
    ),
    "logs": ("{count:ligne entendue|lignes entendues}", "{count:line|lines} heard"),
}
