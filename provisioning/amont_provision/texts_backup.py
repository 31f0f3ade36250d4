"""Say in French and English what backup and restore do, and why not."""

TEXTS: dict[str, tuple[str, str]] = {
    "ask-backup-passphrase": (
        "Phrase de passe de la sauvegarde",
        "Passphrase of the backup",
    ),
    "backup-made": (
        "{path} : {files:fichier|fichiers}, {bytes} octets, relus et comparés. Les clés des "
        "nœuds y sont en clair : gardez-la sous clé, ou refaites-la avec --encrypt",
        "{path}: {files:file|files}, {bytes} bytes, read back and compared. The nodes' keys "
        "are in it in the clear: lock it away, or make it again with --encrypt",
    ),
    "backup-sealed": (
        "{path} : {files:fichier|fichiers}, {bytes} octets, chiffrés, relus et comparés. "
        "Sans la phrase de passe personne ne la rouvrira",
        "{path}: {files:file|files}, {bytes} bytes, sealed, read back and compared. Without "
        "the passphrase nobody will ever open it",
    ),
    "backup-there": (
        "{path} existe déjà ; attendez une seconde et recommencez",
        "{path} is there already; wait a second and try again",
    ),
    "backup-guard": (
        "{path} n'est pas le dossier d'un gardien ({why}) ; nommez-le avec --guard, en "
        "administrateur",
        "{path} is no guard's folder ({why}); name it with --guard, as root",
    ),
    "backup-folder": (
        "{path} n'est pas un dossier ; nommez les vôtres avec --etc, --gateway et --guard",
        "{path} is no folder; name yours with --etc, --gateway and --guard",
    ),
    "backup-database": (
        "{path} est abîmé ({why}) : rien n'est sauvegardé ; voyez amont-gateway journal check",
        "{path} is damaged ({why}): nothing was backed up; see amont-gateway journal check",
    ),
    "backup-busy": (
        "le journal d'audit de {path} change sans cesse ; recommencez",
        "the audit in {path} keeps changing; try again",
    ),
    "backup-unreadable": (
        "{path} n'est pas une sauvegarde complète ({why}) ; prenez-en une autre",
        "{path} is no complete backup ({why}); take another one",
    ),
    "backup-damaged": (
        "{path} n'est pas ce qui fut sauvegardé : rien n'est restauré ; prenez une autre "
        "sauvegarde",
        "{path} is not what was backed up: nothing was restored; take another backup",
    ),
    "backup-closed": (
        "{name} ne s'ouvre pas : phrase de passe fausse, ou fichier changé",
        "{name} does not open: a wrong passphrase, or a changed file",
    ),
    "backup-clock": (
        "l'horloge de cette machine dit {now} : mettez-la d'abord à l'heure (date -s) ; une "
        "sauvegarde mal datée ne peut pas être restaurée",
        "this machine's clock says {now}: set it first (date -s); a backup with a wrong date "
        "cannot be restored",
    ),
    "restore-day": (
        "{text} n'est pas une date avec l'heure : écrivez --now '2026-11-23 14:05'",
        "{text} is no date with a time: write --now '2026-11-23 14:05'",
    ),
    "restore-clock": (
        "votre montre dit {told}, cette machine {now} : mettez d'abord la machine à l'heure "
        "(date -s)",
        "your watch says {told}, this machine {now}: set the machine's clock first (date -s)",
    ),
    "restore-future": (
        "la sauvegarde dit être du {made}, et nous sommes le {now} : l'horloge qui l'a datée "
        "était fausse ; prenez-en une autre",
        "the backup says that it was made {made}, and it is {now} now: the clock that dated "
        "it was wrong; take another one",
    ),
    "restore-again": (
        "cette sauvegarde fut déjà restaurée le {before} : deux vies pourraient user des "
        "mêmes compteurs ; recommencez après le {after}",
        "this backup was restored already, {before}: two lives might use the same counters; "
        "try again after {after}",
    ),
    "restore-full": (
        "{path} n'est pas vide ; --replace met de côté ce qui s'y trouve",
        "{path} is not empty; --replace moves aside what is there",
    ),
    "restore-running": (
        "quelqu'un travaille dans {path} ; arrêtez le gardien et la passerelle : systemctl "
        "stop amont-gateway amont-guard",
        "somebody works in {path}; stop guard and gateway: systemctl stop amont-gateway "
        "amont-guard",
    ),
    "restore-keys": (
        "les clés de {path} sont illisibles ({why}) : rien n'est restauré ; prenez une autre "
        "sauvegarde",
        "the keys in {path} cannot be read ({why}): nothing was restored; take another backup",
    ),
    "restore-dry": (
        "sauvegarde de {site}, faite le {made} UTC, {files:fichier|fichiers}, complète ; "
        "rien n'est écrit",
        "backup of {site}, made {made} UTC, {files:file|files}, complete; nothing written",
    ),
    "restored": (
        "{site} est restauré : sauvegarde du {made} UTC, {files:fichier|fichiers}",
        "{site} is restored: backup of {made} UTC, {files:file|files}",
    ),
    "restore-aside": (
        "ce qui s'y trouvait est dans {path} ; que cela ne serve plus jamais",
        "what was there is in {path} now; it must never live again",
    ),
    "restore-used-up": (
        "nœud {node} : sa clé est épuisée, il n'aura plus de réponse ; enrôlez-le de nouveau "
        "(amont-provision rotate)",
        "node {node}: its key is used up, it will get no answer; enrol it again "
        "(amont-provision rotate)",
    ),
    "restore-next": (
        "L'ancienne machine ne doit plus jamais démarrer avec ces clés. Clés données ou "
        "révoquées, seuils changés depuis le {made} UTC n'y sont pas : refaites-les. Puis : "
        "systemctl start amont-guard amont-gateway",
        "The old machine must never start with these keys again. Keys given or revoked, "
        "limits that changed since {made} UTC are not in it: do them again. Then: systemctl "
        "start amont-guard amont-gateway",
    ),
}
