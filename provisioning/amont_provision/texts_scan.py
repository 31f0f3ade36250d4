"""Say in French and English which boards are there."""

TEXTS: dict[str, tuple[str, str]] = {
    "scan": ("cartes : {count}", "boards: {count}"),
    "scan-none": (
        "aucune carte ; branchez-la par un câble qui transmet des données, puis relancez",
        "no board; plug one in with a cable that carries data, then run again",
    ),
    "scan-micropython": ("{name} avec MicroPython", "{name} with MicroPython"),
    "scan-bootsel": (
        "{name} attend un MicroPython : amont-provision flash",
        "{name} waits for a MicroPython: amont-provision flash",
    ),
    "scan-chip": (
        "{name} sans MicroPython ? tenez BOOT en la branchant : amont-provision flash",
        "{name} without MicroPython? hold BOOT while you plug it in: amont-provision flash",
    ),
    "scan-bridge": (
        "convertisseur série {name}, souvent un ESP32",
        "serial converter {name}, often an ESP32",
    ),
    "scan-other": ("autre appareil {name}", "another {name} device"),
    "scan-virtual": ("carte simulée {name}", "simulated board {name}"),
    "scan-folder": (
        "{folder} n'est pas un dossier ; créez-le, ou nommez celui des cartes simulées",
        "{folder} is no folder; make it, or name the one of the simulated boards",
    ),
    "scan-is-bare": ("vierge : amont-provision enrol", "bare: amont-provision enrol"),
    "scan-is-bridge": ("pont radio du site", "the site's bridge"),
    "scan-is-bridge-running": (
        "pont radio {unique}, version {release}",
        "bridge {unique}, release {release}",
    ),
    "scan-is-bridge-faulty": (
        "pont radio {unique}, version {release}, défaut de sa radio",
        "bridge {unique}, release {release}, its radio has a fault",
    ),
    "scan-is-enrolled": (
        "nœud {node}, sans version : amont-provision deploy",
        "node {node}, no release: amont-provision deploy",
    ),
    "scan-is-no-identity": (
        "version {release} dans {slot}, sans identité : amont-provision enrol",
        "release {release} in {slot}, no identity: amont-provision enrol",
    ),
    "scan-is-installed": (
        "nœud {node}, version {release} dans {slot}",
        "node {node}, release {release} in {slot}",
    ),
    "scan-is-trial": (
        "nœud {node}, version {release} à l'essai dans {slot}",
        "node {node}, release {release} on trial in {slot}",
    ),
    "scan-is-safe-mode": (
        "nœud {node}, version {release} dans {slot}, mode de secours : amont-provision logs",
        "node {node}, release {release} in {slot}, safe mode: amont-provision logs",
    ),
}
