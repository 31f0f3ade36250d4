"""Say in French and English what a board cannot do that the site's file asks of it."""

# code: (French, English); every refusal names the next step
TEXTS: dict[str, tuple[str, str]] = {
    "board-unknown": (
        "la carte « {board} » est inconnue ici ; écrivez dans le fichier du site : {known}",
        "the board '{board}' is unknown here; write in the site's file: {known}",
    ),
    "bridge-board": (
        "la carte « {board} » est inconnue ici ; donnez --board avec l'une de : {known}",
        "the board '{board}' is unknown here; give --board with one of: {known}",
    ),
    "board-sleep": (
        "une carte « {board} » ne sait pas dormir « {sleep} » ; écrivez sleep: {choices}",
        "a board '{board}' cannot sleep '{sleep}'; write sleep: {choices}",
    ),
    "board-watchdog": (
        "watchdog_s ({value}) : celui d'une carte « {board} » compte jusqu'à {most} ; écrivez au"
        " plus {most}",
        "watchdog_s ({value}): that of a board '{board}' counts to {most}; write {most} at most",
    ),
    "pin-taken": (
        "{place} : la broche {pin} d'une carte « {board} » sert à la carte même ; prenez-en une"
        " autre",
        "{place}: pin {pin} of a board '{board}' serves the board itself; take another one",
    ),
    "pin-none": (
        "{place} : une carte « {board} » n'a pas de broche {pin} ; écrivez 0 à {last}",
        "{place}: a board '{board}' has no pin {pin}; write 0 to {last}",
    ),
    "pin-input": (
        "{place} : la broche {pin} d'une carte « {board} » ne sait que lire ; prenez-en une autre",
        "{place}: pin {pin} of a board '{board}' can only be read; take another one",
    ),
    "pin-wakes": (
        "board.float.pin : la broche {pin} d'une carte « {board} » ne réveille pas du sommeil"
        " profond ; prenez {choices}, ou wakes: false",
        "board.float.pin: pin {pin} of a board '{board}' does not wake it from deep sleep; take"
        " {choices}, or wakes: false",
    ),
    "no-boards": (
        "{folder} : les descriptions des cartes ne sont pas installées ici ; faites-le depuis le"
        " portable, avec le dossier du projet (enrol --bundle)",
        "{folder}: the boards' descriptions are not installed here; do it from the laptop, in the"
        " project's folder (enrol --bundle)",
    ),
    "pin-modem": (
        "{place} : la broche {pin} d'une carte « {board} » est celle du module radio ;"
        " prenez-en une autre",
        "{place}: pin {pin} of a board '{board}' is the radio module's; take another one",
    ),
    "uart-modem": (
        "{place} : la ligne série {id} d'une carte « {board} » est celle du module radio RAK3172"
        " ; prenez l'autre",
        "{place}: serial line {id} of a board '{board}' is the RAK3172 module's; take the"
        " other one",
    ),
}
