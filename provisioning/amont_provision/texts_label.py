"""Say in French and English what labels, documents and the logbook have to say."""

TEXTS: dict[str, tuple[str, str]] = {
    "label-url": (
        "--url : donnez http://HÔTE/CHEMIN, {most} caractères au plus, sans nom d'utilisateur, mot"
        " de passe, « ? » ni « # »",
        "--url: give http://HOST/PATH, {most} characters at most, without user name, password,"
        " '?' or '#'",
    ),
    "label-library": (
        "il manque la bibliothèque des codes QR : pip install 'amont[technician]'",
        "the library for QR codes is missing: pip install 'amont[technician]'",
    ),
    "label-sheet": ("Étiquettes de {site}", "Labels of {site}"),
    "label-done": (
        "{labels:étiquette|étiquettes} dans {folder} ; à imprimer à 100 %, sans mise à l'échelle"
        " :",
        "{labels:label|labels} in {folder}; print at 100 %, without scaling:",
    ),
    "label-dry": (
        "à blanc, rien n'est écrit : {labels:étiquette|étiquettes} pour {folder} :",
        "dry run, nothing written: {labels:label|labels} for {folder}:",
    ),
    "document": (
        "{path} : {why} ; donnez un autre dossier avec --out",
        "{path}: {why}; give another folder with --out",
    ),
    "logbook-size": (
        "{path} dépasse {most} Mo, ce n'est pas un carnet ; déplacez-le et relancez",
        "{path} is over {most} MB, which is no logbook; move it away and run again",
    ),
    "logbook-unreadable": (
        "carnet {path} illisible : {why} ; donnez-vous le droit de le lire et relancez",
        "logbook {path} cannot be read: {why}; give yourself the right to and run again",
    ),
    "logbook-unwritable": (
        "carnet {path} : {why} ; rien n'est noté, libérez le dossier du site et relancez",
        "logbook {path}: {why}; nothing is noted, make room in the site's folder and run again",
    ),
    "logbook-line": (
        "carnet {path} : cette note dépasse {most} ko ; abrégez-la",
        "logbook {path}: this note is over {most} kB; make it shorter",
    ),
    "logbook-damaged": (
        "carnet {path} : lignes abîmées, laissées de côté : {lines} ; le reste a servi",
        "logbook {path}: damaged lines, left aside: {lines}; the rest was used",
    ),
    "clock": (
        "l'horloge dit {date} : elle n'est pas à l'heure ; réglez-la, ou donnez --date"
        " AAAA-MM-JJTHH:MM",
        "the clock says {date}: it was not set; set it, or give --date YYYY-MM-DDTHH:MM",
    ),
    "date": (
        "--date {told} n'est pas une date ; écrivez AAAA-MM-JJTHH:MM",
        "--date {told} is no date; write YYYY-MM-DDTHH:MM",
    ),
    "date-ahead": (
        "--date {date} est dans l'avenir ; vérifiez la date et l'horloge de l'ordinateur",
        "--date {date} lies ahead; check the date and this computer's clock",
    ),
    "line-length": (
        "{what} : de 1 à {most} caractères",
        "{what}: 1 to {most} characters",
    ),
    "line-characters": (
        "{what} contient des caractères invisibles ; tapez-le à la main",
        "{what} holds invisible characters; type it by hand",
    ),
}
