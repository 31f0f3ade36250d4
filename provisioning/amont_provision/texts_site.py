"""Say in French and English what the guard was given of the site's file."""

TEXTS: dict[str, tuple[str, str]] = {
    "site-folder": (
        "{path} n'est pas un dossier ; donnez celui du gardien, ou créez-le : mkdir -m 700 {path}",
        "{path} is no folder; give the guard's, or make it: mkdir -m 700 {path}",
    ),
    "site-same": (
        "{path} est déjà comme le fichier du site ; rien à faire",
        "{path} is as the site's file already; nothing to do",
    ),
    "site-dry": (
        "à blanc, rien n'est écrit : {path} changerait ainsi :",
        "dry run, nothing written: {path} would change so:",
    ),
    "site-written": (
        "{path} est écrit ; redémarrez le gardien pour qu'il le lise. Ce qui a changé :",
        "{path} is written; restart the guard so that it reads it. What changed:",
    ),
}
