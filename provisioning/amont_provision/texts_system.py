"""Say in French and English why the system refused a file."""

# code: (French, English); the English is the system's own
TEXTS: dict[str, tuple[str, str]] = {
    "system-absent": ("ce fichier ou ce dossier n'existe pas", "No such file or directory"),
    "system-denied": ("accès refusé", "Permission denied"),
    "system-folder": ("c'est un dossier", "Is a directory"),
    "system-no-folder": ("ce n'est pas un dossier", "Not a directory"),
    "system-full": ("plus de place sur le disque", "No space left on device"),
    "system-read-only": ("système de fichiers en lecture seule", "Read-only file system"),
}
