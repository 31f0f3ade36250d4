"""Say in French and English what happened to a board's MicroPython."""

TEXTS: dict[str, tuple[str, str]] = {
    "image-kept": (
        "{name} est gardée pour {board} (SHA-256 {sha256:.16}…)",
        "{name} is kept for {board} (SHA-256 {sha256:.16}…)",
    ),
    "keep-dry": (
        "à blanc, rien n'est écrit : {name} serait gardée pour {board} (SHA-256 {sha256:.16}…)",
        "dry run, nothing written: {name} would be kept for {board} (SHA-256 {sha256:.16}…)",
    ),
    "flashed": (
        "{image} est sur {to} ; la carte redémarre seule, ensuite : amont-provision scan",
        "{image} is on {to}; the board restarts by itself, next: amont-provision scan",
    ),
    "flash-dry": (
        "à blanc, rien n'est écrit : {image} ({bytes} octets) irait sur {to}",
        "dry run, nothing written: {image} ({bytes} bytes) would go to {to}",
    ),
    "wrong-image": (
        "{name} n'est pas une image entière pour {board} ({why}) ; prenez celle de cette carte",
        "{name} is no whole image for {board} ({why}); take the one of this board",
    ),
    "image-locked": (
        "{board} a déjà une autre image, {name} ; pour la remplacer : --swap",
        "{board} already has another image, {name}; to put this one in its place: --swap",
    ),
    "no-image": (
        "aucune image gardée pour {board} ; une fois, avec le réseau ou le fichier :"
        " amont-provision flash --board {board} --keep IMAGE",
        "no image is kept for {board}; once, with a network or the file:"
        " amont-provision flash --board {board} --keep IMAGE",
    ),
    "image-lost": (
        "{name} manque dans le cache ou y est abîmée ; gardez-la de nouveau :"
        " amont-provision flash --board {board} --keep IMAGE",
        "{name} is missing or damaged in the cache; keep it again:"
        " amont-provision flash --board {board} --keep IMAGE",
    ),
    "no-drive": (
        "aucune carte {wanted} en mode BOOTSEL ; branchez-la en tenant le bouton BOOTSEL, ou"
        " nommez son lecteur : --drive DOSSIER",
        "no {wanted} board in BOOTSEL mode; plug it in while you hold its BOOTSEL button, or name"
        " its drive: --drive FOLDER",
    ),
    "not-mounted": (
        "la carte attend, son lecteur n'est pas monté ; sudo mount -o uid=$USER {device} /mnt,"
        " puis relancez avec --drive /mnt",
        "the board waits, but its drive is not mounted; sudo mount -o uid=$USER {device} /mnt,"
        " then run again with --drive /mnt",
    ),
    "wrong-board": (
        "{drive} est une carte {found}, pas {wanted} ; prenez la bonne carte ou changez --board",
        "{drive} is a {found} board, not {wanted}; take the right board or change --board",
    ),
    "many-drives": (
        "plusieurs cartes attendent : {drives} ; nommez-en une : --drive DOSSIER",
        "several boards wait: {drives}; name one of them: --drive FOLDER",
    ),
    "drive-cut": (
        "{drive} n'a pas pris toute l'image ({why}) ; rebranchez la carte en tenant BOOTSEL et"
        " relancez, son démarreur est intact",
        "{drive} did not take the whole image ({why}); plug the board in again while you hold"
        " BOOTSEL and run again, its boot ROM is untouched",
    ),
    "no-esp-port": (
        "{board} s'écrit par son port série ; nommez-le : --port /dev/ttyUSB0",
        "{board} is written over its serial port; name it: --port /dev/ttyUSB0",
    ),
    "no-esptool": (
        "esptool n'est pas installé ; installez-le à part : pipx install esptool",
        "esptool is not installed; install it on its own: pipx install esptool",
    ),
    "esptool-fails": (
        "esptool n'a pas écrit sur {port} ({why}) ; tenez BOOT en branchant la carte et relancez",
        "esptool did not write to {port} ({why}); hold BOOT while you plug the board in, then run"
        " again",
    ),
}
