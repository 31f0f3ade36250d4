"""Say in French and English what a LoRaWAN network server is told."""

TEXTS: dict[str, tuple[str, str]] = {
    "lorawan-none": (
        "le site {site} n'a pas de nœud en LoRaWAN ; écrivez carrier: lorawan et la section"
        " lorawan dans son fichier",
        "site {site} has no node on LoRaWAN; write carrier: lorawan and the section lorawan in"
        " its file",
    ),
    "lorawan-not": (
        "le nœud {node} ne passe pas par LoRaWAN dans le fichier du site",
        "node {node} does not come over LoRaWAN in the site's file",
    ),
    "lorawan-no-key": (
        "sans clé ici : {nodes} ; enrôlez d'abord (amont-provision enrol), ou nommez chacun des"
        " autres nœuds : --node NUMÉRO",
        "no key here: {nodes}; enrol first (amont-provision enrol), or name each of the other"
        " nodes: --node NUMBER",
    ),
    "lorawan-no-keys": (
        "sans clé ici : {nodes} ; enrôlez d'abord (amont-provision enrol)",
        "no key here: {nodes}; enrol first (amont-provision enrol)",
    ),
    "lorawan-where": (
        "dites où : --out DOSSIER pour des fichiers à importer, ou --api https://HOTE:PORT",
        "say where to: --out FOLDER for files to import, or --api https://HOST:PORT",
    ),
    "lorawan-api": (
        "--api ne connaît que ChirpStack ; pour The Things Stack : --out DOSSIER, puis importez",
        "--api knows ChirpStack only; for The Things Stack: --out FOLDER, then import",
    ),
    "lorawan-tenant": (
        "ajoutez --tenant UUID (un profil y est fait) ou --profile UUID, que ChirpStack affiche",
        "add --tenant UUID (a profile is made there) or --profile UUID, as ChirpStack shows them",
    ),
    "lorawan-token": (
        "{name} manque : mettez-y une clé d'API de ChirpStack",
        "{name} is missing: put an API key of ChirpStack there",
    ),
    "lorawan-address": (
        "{address} n'est pas https://HOTE:PORT",
        "{address} is not https://HOST:PORT",
    ),
    "lorawan-clear": (
        "{address} : des clés y voyageraient en clair ; prenez https, ou un tunnel vers 127.0.0.1",
        "{address}: keys would travel there in clear; use https, or a tunnel to 127.0.0.1",
    ),
    "lorawan-extra": (
        "--api demande chirpstack-api : pip install 'amont[chirpstack]', ou prenez --out",
        "--api needs chirpstack-api: pip install 'amont[chirpstack]', or use --out",
    ),
    "lorawan-server": (
        "{address} refuse : {why}",
        "{address} refuses: {why}",
    ),
    "lorawan-pending": (
        "nœud {node} : sa nouvelle clé n'est pas encore prouvée sur la carte ; il ne pourra"
        " rejoindre le réseau qu'avec elle",
        "node {node}: its new key is not proved on the board yet; it can join only with that one",
    ),
    "lorawan-dry": (
        "à blanc, rien n'est écrit ; seraient déclarés :",
        "dry run, nothing written; these would be registered:",
    ),
    "lorawan-written": (
        "{count:appareil|appareils} dans {folder} ; les fichiers contiennent des clés, effacez-les"
        " après l'import :",
        "{count:device|devices} in {folder}; the files hold keys, delete them after the import:",
    ),
    "lorawan-registered": (
        "{count:appareil déclaré|appareils déclarés} à ChirpStack, profil {profile} :",
        "{count:device|devices} registered at ChirpStack, profile {profile}:",
    ),
}
