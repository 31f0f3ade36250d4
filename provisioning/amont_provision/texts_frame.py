"""Say in French and English what any command may have to say."""

TEXTS: dict[str, tuple[str, str]] = {
    "usage": (
        "{program} : {why} ; voyez {program} --help",
        "{program}: {why}; see {program} --help",
    ),
    "usage-missing": ("il manque {what}", "{what} is missing"),
    "usage-unknown": ("« {what} » n'est pas connu ici", "'{what}' is not known here"),
    "io": (
        "lecture ou écriture impossible : {why} ; corrigez puis relancez la commande",
        "cannot read or write: {why}; mend it, then run the command again",
    ),
    "interrupted": (
        "interrompu ; relancez la commande, elle reprend où elle en était",
        "interrupted; run the command again, it goes on where it stopped",
    ),
}
