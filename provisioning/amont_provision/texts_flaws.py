"""Say in French and English what is wrong with a file; other texts say what to do about it."""

TEXTS: dict[str, tuple[str, str]] = {
    "flaw-form": ("forme inconnue", "unknown form"),
    "flaw-large": ("plus de {most} octets", "more than {most} bytes"),
    "flaw-cut": ("coupé à l'octet {at}", "cut off at byte {at}"),
    "flaw-cut-download": (
        "coupé : {came} octets sur {told}",
        "cut off: {came} of {told} bytes",
    ),
    "flaw-missing": ("{name} manque", "no {name}"),
    # images
    "flaw-no-blocks": (
        "{size} octets ne sont pas des blocs entiers de {block}",
        "{size} bytes are no whole blocks of {block}",
    ),
    "flaw-no-block": ("pas de bloc UF2 à l'octet {at}", "no UF2 block at byte {at}"),
    "flaw-no-family": (
        "bloc à l'octet {at} : pas pour la mémoire flash d'une famille connue",
        "block at byte {at}: not for a flash of a known family",
    ),
    "flaw-outside": (
        "bloc à l'octet {at} : en dehors de la mémoire flash",
        "block at byte {at}: outside the flash",
    ),
    "flaw-family": (
        "famille 0x{found:08x} au lieu de 0x{wanted:08x}",
        "family 0x{found:08x}, not 0x{wanted:08x}",
    ),
    "flaw-cut-blocks": (
        "coupée : {found} blocs sur {total}",
        "cut off: {found} blocks of {total}",
    ),
    "flaw-order": (
        "des blocs manquent ou sont dans un autre ordre",
        "blocks are missing or in another order",
    ),
    "flaw-machine": ("pour {found}, pas pour {wanted}", "for {found}, not for {wanted}"),
    "flaw-no-esp": ("pas d'image ESP à l'octet {at}", "no ESP image at byte {at}"),
    "flaw-no-table": (
        "pas de table des partitions à l'octet {at}",
        "no partition table at byte {at}",
    ),
    "flaw-chip": (
        "pour la puce {found}, pas {wanted} ({name})",
        "for chip {found}, not {wanted} ({name})",
    ),
    "flaw-segments": ("elle a {count} segments", "{count} segments"),
    "flaw-checksum": (
        "somme de contrôle de l'image à l'octet {at}",
        "checksum of the image at byte {at}",
    ),
    "flaw-sha256": ("SHA-256 de l'image à l'octet {at}", "SHA-256 of the image at byte {at}"),
    # releases
    "flaw-zip": ("ce n'est pas un fichier zip entier", "no whole zip file"),
    "flaw-compressed": ("le zip est comprimé", "the zip is compressed"),
    "flaw-twice": ("un nom vient deux fois", "a name comes twice"),
    "flaw-json": ("{name} n'est pas du JSON", "{name} is no JSON"),
    "flaw-schema": ("{name} n'est pas du schéma {schema}", "{name} is not of schema {schema}"),
    "flaw-number": ("son numéro n'est pas de 1 à {most}", "its number is not 1 to {most}"),
    "flaw-name": (
        "son nom n'est pas de lettres, chiffres et « ._+- »",
        "its name is not of letters, digits and '._+-'",
    ),
    "flaw-files": ("pas de 1 à {most} fichiers", "not 1 to {most} files"),
    "flaw-path": ("{path} n'est pas un fichier de version", "{path} is no file of a slot"),
    "flaw-not-both": (
        "{path} est dans la liste ou dans le fichier, pas dans les deux",
        "{path} is in the list or in the file, not in both",
    ),
    "flaw-hash": ("{path} a un autre SHA-256", "{path} has another SHA-256"),
    # libraries
    "flaw-lib-hash": (
        "{path} : {hash} n'est pas un SHA-256",
        "{path}: {hash} is no SHA-256",
    ),
    "flaw-lib-path": (
        "{path} n'est pas une place pour une bibliothèque",
        "{path} is no place for a library",
    ),
    "flaw-lib-name": ("{name} n'est pas une bibliothèque", "{name} is no library"),
    "flaw-lib-outside": (
        "{path} sort du dossier de la bibliothèque",
        "{path} leaves the library's folder",
    ),
}
