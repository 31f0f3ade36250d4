"""Say in French and English what keeping files for work without a network found."""

TEXTS: dict[str, tuple[str, str]] = {
    "lock-damaged": (
        "{path} : {why} ; restaurez ce fichier, rien n'a été touché",
        "{path}: {why}; restore this file, nothing was touched",
    ),
    "not-fetched": (
        "{address} : {why} ; vérifiez l'adresse et le réseau, ou donnez un fichier local",
        "{address}: {why}; check the address and the network, or name a local file",
    ),
    "not-cached": (
        "{what} n'est pas gardé sur cet ordinateur ; tant que le réseau est là, lancez :"
        " amont-provision deps --lock {lock}",
        "{what} is not kept on this computer; while there is a network, run: amont-provision deps"
        " --lock {lock}",
    ),
    "lock-differs": (
        "{path} de {address} n'est pas le fichier verrouillé ; si ce changement est voulu, ôtez"
        " son entrée du verrou",
        "{path} from {address} is not the file that is locked; if that change is meant, remove"
        " its entry from the lock file",
    ),
    "package-damaged": (
        "{address} ne décrit pas une bibliothèque ({why}) ; vérifiez l'adresse",
        "{address} does not describe a library ({why}); check the address",
    ),
    "no-index": (
        "{name} : dans quel index ? donnez --index ADRESSE ou DOSSIER",
        "{name}: of which index? give --index ADDRESS or FOLDER",
    ),
    "no-package-name": (
        "{name} n'est pas un nom de bibliothèque ; écrivez NOM, NOM@VERSION ou un package.json",
        "{name} is no library's name; write NAME, NAME@VERSION or a package.json",
    ),
    "too-many-packages": (
        "plus de {most} bibliothèques ; une carte n'en contient pas tant, retirez-en",
        "more than {most} libraries; a board does not hold that many, take some away",
    ),
    "deps": (
        "verrouillé dans {lock} : {count:bibliothèque|bibliothèques}, gardé sur cet ordinateur",
        "{count:library|libraries} locked in {lock}, kept on this computer",
    ),
    "deps-dry": (
        "à blanc, verrou inchangé : {lock} contiendrait {count:bibliothèque|bibliothèques}",
        "dry run, lock unchanged: {lock} would hold {count:library|libraries}",
    ),
}
