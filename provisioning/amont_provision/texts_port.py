"""Say in French and English why a board could not be reached, and what to do next."""

# code: (French, English); every refusal names the next step
TEXTS: dict[str, tuple[str, str]] = {
    "port-absent": (
        "{port} : rien n'y est branché ; branchez la carte et cherchez son port :"
        " amont-provision scan",
        "{port}: nothing is plugged in there; plug the board in and find its port:"
        " amont-provision scan",
    ),
    "port-busy": (
        "{port} : un autre programme s'en sert ; fermez-le (moniteur série, Thonny, une autre"
        " commande), puis recommencez",
        "{port}: another program uses it; close that one (serial monitor, Thonny, another"
        " command), then try again",
    ),
    "port-denied": (
        "{port} : accès refusé ; ajoutez-vous au groupe (sudo adduser $USER dialout), puis"
        " rouvrez la session",
        "{port}: access denied; join the group (sudo adduser $USER dialout), then log in again",
    ),
    "port-broken": (
        "{port} : impossible à ouvrir ({why}) ; vérifiez le nom du port et le câble",
        "{port}: cannot be opened ({why}); check the port's name and the cable",
    ),
    "port-pulled": (
        "{port} : la carte n'est plus là ; rebranchez-la et relancez la même commande, qui"
        " continuera",
        "{port}: the board is gone; plug it in again and run the same command, which will go on",
    ),
    "port-stuck": (
        "{port} : la carte ne prend plus de données ; appuyez sur son bouton reset, puis"
        " recommencez",
        "{port}: the board takes no more data; press its reset button, then try again",
    ),
    "port-name": (
        "{name} : ce nom ne peut pas servir sur une carte ; prenez lettres, chiffres, « . »,"
        " « _ », « - » et « / »",
        "{name}: this name cannot be used on a board; take letters, digits, '.', '_', '-' and '/'",
    ),
    "repl-silent": (
        "{port} : aucune réponse ; si un nœud y tourne, tenez son bouton pendant un reset ; sinon"
        " vérifiez que le câble transmet des données, ou installez MicroPython :"
        " amont-provision flash",
        "{port}: no answer; if a node runs there, hold its button during a reset; otherwise check"
        " that the cable carries data, or install MicroPython: amont-provision flash",
    ),
    "repl-locked": (
        "{port} : un nœud tourne et son interpréteur est fermé ; tenez son bouton pendant un reset"
        " (carte simulée : créez le fichier « button » puis redémarrez-la), puis recommencez",
        "{port}: a node runs there with its interpreter off; hold its button during a reset"
        " (simulated board: create the file 'button', then restart it), then try again",
    ),
    "repl-foreign": (
        "{port} : quelque chose répond, mais ce n'est pas MicroPython ({why}) ; est-ce le bon port"
        " et la bonne carte ? Sinon : amont-provision flash",
        "{port}: something answers, but not MicroPython ({why}); is this the right port and the"
        " right board? If so: amont-provision flash",
    ),
    "repl-garbled": (
        "{port} : la réponse est illisible ({why}) ; vérifiez le câble et son raccord, puis"
        " recommencez",
        "{port}: the answer makes no sense ({why}); check the cable and its plug, then try again",
    ),
    "repl-timeout": (
        "{port} : pas de réponse complète en {seconds} s ; appuyez sur reset, puis recommencez",
        "{port}: no complete answer within {seconds} s; press reset, then try again",
    ),
    "repl-restarted": (
        "{port} : la carte a redémarré pendant l'opération ; relancez la même commande, et"
        " vérifiez son alimentation si cela se répète",
        "{port}: the board restarted in the middle; run the same command again, and check its"
        " power supply if that repeats",
    ),
    "repl-restless": (
        "{port} : le programme de la carte s'arrête et redémarre sans cesse ; tenez son bouton"
        " pendant un reset, puis relancez",
        "{port}: the board's program fails and starts again and again; hold its button during a"
        " reset, then run again",
    ),
    "repl-flood": (
        "{port} : plus de {limit} octets sans fin de réponse ; appuyez sur reset, puis"
        " recommencez",
        "{port}: more than {limit} bytes and no end of the answer; press reset, then try again",
    ),
    "board-raised": (
        "{port} : erreur sur la carte : {why} ; relancez, et si elle revient : amont-provision"
        " logs",
        "{port}: error on the board: {why}; try again, and if it comes back: amont-provision logs",
    ),
    "board-full": (
        "{port} : plus de place pour {name} ; retirez des fichiers ou réinstallez la carte :"
        " amont-provision flash",
        "{port}: no room left for {name}; remove files or start afresh: amont-provision flash",
    ),
    "board-verify": (
        "{port} : {name} n'a pas passé intact en {tries} essais ({why}) ; changez de câble, sinon"
        " de carte, puis relancez la même commande",
        "{port}: {name} did not get through whole in {tries} tries ({why}); try another cable,"
        " then another board, and run the same command again",
    ),
    "virtual-missing": (
        "il n'y a pas de port Unix de MicroPython pour simuler une carte ; installez-le :"
        " pip install 'amont[demo]' (Linux x86_64)",
        "there is no MicroPython Unix port to simulate a board; install it:"
        " pip install 'amont[demo]' (Linux x86_64)",
    ),
    "virtual-dead": (
        "virtual:{folder} : la carte simulée ne démarre pas ({why}) ; lisez {folder}/.board.log",
        "virtual:{folder}: the simulated board does not start ({why}); read {folder}/.board.log",
    ),
    "virtual-unplugged": (
        "virtual:{folder} : le câble de la carte simulée est débranché ; rebranchez-le :"
        " python -m amont_provision.virtual plug {folder}",
        "virtual:{folder}: the simulated board's cable is pulled; plug it in:"
        " python -m amont_provision.virtual plug {folder}",
    ),
}
