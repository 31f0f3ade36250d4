"""Say in French and English what was found on a technician's laptop."""

TEXTS: dict[str, tuple[str, str]] = {
    "doctor-well": ("cet ordinateur est prêt", "this computer is ready"),
    "doctor-bad": ("à corriger d'abord : {wrong}", "to be mended first: {wrong}"),
    "doctor-python": ("Python {version} convient", "Python {version} will do"),
    "doctor-python-other": (
        "Python {version} : il faut 3.11 à 3.13 ; recréez l'environnement avec l'un d'eux",
        "Python {version}: it has to be 3.11 to 3.13; make the environment again with one",
    ),
    "doctor-clock": ("il est {shown} UTC", "it is {shown} UTC"),
    "doctor-clock-lost": (
        "l'horloge dit {shown} UTC et a perdu l'heure ; réglez-la : sudo timedatectl set-time",
        "the clock says {shown} UTC and has lost its time; set it: sudo timedatectl set-time",
    ),
    "doctor-compiler": ("compilateur : {version}", "compiler: {version}"),
    "doctor-serial": (
        "ports série ouvrables ({count:branché|branchés})",
        "serial ports open ({count} there)",
    ),
    "doctor-serial-closed": (
        "{port} ne s'ouvre pas ; sudo adduser {user} dialout, puis rouvrez la session",
        "{port} does not open; sudo adduser {user} dialout, then log in again",
    ),
    "doctor-serial-group": (
        "{user} ne pourra ouvrir aucun port série ; sudo adduser {user} dialout, puis rouvrez la"
        " session",
        "{user} will not be able to open a serial port; sudo adduser {user} dialout, then log in"
        " again",
    ),
    "doctor-meddler": (
        "{name} parle à chaque carte que l'on branche ; attendez 30 s, ou arrêtez-le :"
        " sudo systemctl stop ModemManager",
        "{name} talks to every board that is plugged in; wait 30 s, or stop it:"
        " sudo systemctl stop ModemManager",
    ),
    "doctor-images-none": (
        "aucun MicroPython gardé pour travailler sans réseau ; amont-provision flash --board pico"
        " --keep IMAGE",
        "no MicroPython is kept for work without a network; amont-provision flash --board pico"
        " --keep IMAGE",
    ),
    "doctor-image-sound": (
        "{board} : {name} est gardée et entière",
        "{board}: {name} is kept and whole",
    ),
    "doctor-libraries": (
        "{count:fichier|fichiers} de {lock} : tout est gardé",
        "{count:file|files} of {lock}: all is kept",
    ),
    "doctor-keys": ("versions crues de : {keys}", "releases are believed from: {keys}"),
    "doctor-key-open": (
        "{path} est lisible par d'autres ; chmod 600 {path}",
        "{path} can be read by others; chmod 600 {path}",
    ),
    "doctor-port-free": ("{port} est libre", "{port} is free"),
    "doctor-port-held": (
        "{port} est ouvert par {who} ; fermez ce programme",
        "{port} is held by {who}; close that program",
    ),
}
