"""Say in French and English how an installation went, and what stands in its way."""

TEXTS: dict[str, tuple[str, str]] = {
    "install-bundle": (
        "{path} n'est pas le dossier d'une version ({why}) ; copiez-le de nouveau",
        "{path} is not the folder of a release ({why}); copy it again",
    ),
    "install-damaged": (
        "{path} n'est pas ce que dit sa liste : rien n'est installé ; copiez le dossier de "
        "nouveau",
        "{path} is not what its list says: nothing was installed; copy the folder again",
    ),
    "install-pip": (
        "pip n'a pas pu installer les paquets : {why}",
        "pip could not install the packages: {why}",
    ),
    "install-command": (
        "{command} a échoué : {why}",
        "{command} failed: {why}",
    ),
    "install-apt": (
        "Paquets de Debian : {packages} …",
        "Debian's packages: {packages} …",
    ),
    "install-unpacking": (
        "{release} est contrôlée et s'installe à côté de ce qui tourne ; quelques minutes la "
        "première fois …",
        "{release} is checked and goes beside what runs; some minutes the first time …",
    ),
    "install-there": (
        "{release} est déjà installée ici : prenez upgrade",
        "{release} is installed here already: use upgrade",
    ),
    "install-none": (
        "rien n'est installé ici : prenez install",
        "nothing is installed here: use install",
    ),
    "install-same": (
        "{release} est déjà celle qui est choisie ; pour tout remettre en ordre : install",
        "{release} is the one that is chosen already; to put everything right again: install",
    ),
    "install-no-previous": (
        "il n'y a pas de version d'avant vers laquelle revenir",
        "there is no release before to go back to",
    ),
    "install-root": (
        "il faut être administrateur : sudo …, ou --prefix pour un essai",
        "this needs root: sudo …, or --prefix to try it out",
    ),
    "install-python": (
        "Python {version} est trop ancien : il faut 3.11 ou plus récent",
        "Python {version} is too old: 3.11 or newer is needed",
    ),
    "install-room": (
        "{free} Mo libres, il en faut {needed} : faites de la place ou prenez une carte plus "
        "grande",
        "{free} MB free, {needed} are needed: make room, or take a larger card",
    ),
    "install-site": (
        "{path} : {why}",
        "{path}: {why}",
    ),
    "install-done": (
        "{release} est installée et tourne. La page : http://localhost:8080 ; l'état : sudo "
        "amont-install status",
        "{release} is installed and runs. The page: http://localhost:8080; how it is: sudo "
        "amont-install status",
    ),
    "install-apart": (
        "{release} est installée dans {home} ; ce qui doit tourner, lancez-le vous-même, "
        "comme le disent les unités",
        "{release} is installed in {home}; start yourself what is to run, as the units say",
    ),
    "install-no-site": (
        "{release} est installée ; il manque {site}. Mettez-le là, puis : sudo "
        "amont-provision site --site {site} --guard /var/lib/amont/guard && sudo systemctl "
        "enable --now amont-guard amont-gateway",
        "{release} is installed; {site} is missing. Put it there, then: sudo amont-provision "
        "site --site {site} --guard /var/lib/amont/guard && sudo systemctl enable --now "
        "amont-guard amont-gateway",
    ),
    "install-down": (
        "installé, mais tout ne tient pas debout ({states}) ; voyez : journalctl -u "
        "amont-guard -u amont-gateway",
        "installed, but not everything stays up ({states}); see: journalctl -u amont-guard "
        "-u amont-gateway",
    ),
    "install-tried": (
        "essayé sur une copie : {part}",
        "tried on a copy: {part}",
    ),
    "install-trial": (
        "la nouvelle version échoue sur une copie de vos données ({part}) : rien n'a "
        "changé.\n{why}",
        "the new release fails on a copy of your data ({part}): nothing was changed.\n{why}",
    ),
    "install-doctor": (
        "la nouvelle version trouve mauvais ce que celle d'avant ne trouve pas ({parts}) : "
        "rien n'a changé ; voyez amont-gateway doctor",
        "the new release finds bad what the one before does not ({parts}): nothing was "
        "changed; see amont-gateway doctor",
    ),
    "install-backup": (
        "pas de sauvegarde, donc pas de changement : {why}",
        "no backup, so no change: {why}",
    ),
    "install-backed-up": (
        "sauvegardé dans {path}",
        "backed up in {path}",
    ),
    "install-upgraded": (
        "{after} tourne ; retour à {before} : sudo amont-install rollback",
        "{after} runs; back to {before}: sudo amont-install rollback",
    ),
    "install-back": (
        "{release} ne tenait pas debout ({states}) : {before} tourne de nouveau ; voyez "
        "journalctl -u amont-guard -u amont-gateway",
        "{release} did not stay up ({states}): {before} runs again; see journalctl -u "
        "amont-guard -u amont-gateway",
    ),
    "install-rolled-back": (
        "{after} tourne de nouveau, à la place de {before}",
        "{after} runs again, in place of {before}",
    ),
    "install-packed": (
        "{path} : version {release}, {bytes} octets ; copiez le dossier sur la machine, puis "
        ": sudo ./install.sh install",
        "{path}: release {release}, {bytes} bytes; copy the folder to the machine, then: "
        "sudo ./install.sh install",
    ),
}
