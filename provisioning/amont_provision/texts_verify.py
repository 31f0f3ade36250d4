"""Say in French and English what verifying found; every failure names the next step."""

TEXTS: dict[str, tuple[str, str]] = {
    "gateway-url": (
        "--gateway : donnez http://HÔTE:PORT, sans nom d'utilisateur ni « ? »",
        "--gateway: give http://HOST:PORT, without user name or '?'",
    ),
    "service-left": (
        "{why} ; la carte est restée en mode service et ne dort plus : rebranchez-la et relancez"
        " la commande avant de partir",
        "{why}; the board was left in service mode and does not sleep: plug it in and run the"
        " command again before you leave",
    ),
    "verify-timeout": (
        "--timeout : de 1 à {most} secondes",
        "--timeout: 1 to {most} seconds",
    ),
    "verify-step": ("  {mark} {text}", "  {mark} {text}"),
    "verify-name": ("{name} : ", "{name}: "),
    "verify-waiting": ("pas atteint", "not reached"),
    "verify-reading": (
        "{value} (brut {raw}, écart {spread})",
        "{value} (raw {raw}, spread {spread})",
    ),
    "verify-uncalibrated": (
        "brut {raw}, jamais étalonné ; étalonnez ce capteur : amont-provision calibrate",
        "raw {raw}, never calibrated; calibrate this sensor: amont-provision calibrate",
    ),
    "verify-boot": (
        "le nœud {node} a démarré, version {release} (emplacement {slot}), configuration {config}",
        "node {node} started, release {release} (slot {slot}), configuration {config}",
    ),
    "verify-boot-state": (
        "la carte dit « {state} » ; enrôlez-la (enrol) ou déployez une version (deploy)",
        "the board says '{state}'; enrol it (enrol) or deploy a release to it (deploy)",
    ),
    "verify-other-node": (
        "la carte démarre comme nœud {found} et non {node} ; enrôlez-la à nouveau : --replace",
        "the board starts as node {found}, not {node}; enrol it again: --replace",
    ),
    "verify-sample": ("mesuré : {values}", "measured: {values}"),
    "verify-sample-form": (
        "la mesure n'a pas les capteurs du fichier du site ; enrôlez à nouveau : --renew",
        "the sample does not have the sensors of the site's file; enrol it again: --renew",
    ),
    "verify-quality": (
        "{sensor} : mesure douteuse (qualité {quality}) ; vérifiez câble, visée et alimentation",
        "{sensor}: reading in doubt (quality {quality}); check cable, aim and supply",
    ),
    "verify-range": (
        "{sensor} : {value} hors de {low} à {high} ; étalonnez (calibrate) ou corrigez min et max",
        "{sensor}: {value} is outside {low} to {high}; calibrate it or mend min and max",
    ),
    "verify-sent": ("trame {counter} envoyée", "frame {counter} sent"),
    "verify-ack": (
        "réponse scellée à la trame {counter}, mesure {seq} en sûreté (RSSI {rssi_dbm} dBm)",
        "sealed answer to frame {counter}, sample {seq} is safe (RSSI {rssi_dbm} dBm)",
    ),
    "verify-ack-no-rssi": (
        "réponse scellée à la trame {counter}, mesure {seq} en sûreté",
        "sealed answer to frame {counter}, sample {seq} is safe",
    ),
    "verify-ack-weak": (
        "réponse scellée à la trame {counter}, mesure {seq} en sûreté, mais radio faible"
        " (RSSI {rssi_dbm} dBm) : dégagez ou levez l'antenne",
        "sealed answer to frame {counter}, sample {seq} is safe, but radio is weak"
        " (RSSI {rssi_dbm} dBm): clear or raise the antenna",
    ),
    "verify-no-boot": (
        "pas de démarrage en {seconds} s{faults} ; vérifiez l'alimentation ; doctor, logs",
        "no start in {seconds} s{faults}; check the supply, then: doctor, logs",
    ),
    "verify-no-sample": (
        "pas de mesure en {seconds} s{faults} ; vérifiez les capteurs, puis : logs",
        "no sample in {seconds} s{faults}; check the sensors, then: logs",
    ),
    "verify-no-sent": (
        "aucune trame envoyée en {seconds} s{faults} ; vérifiez radio, antenne ou Wi-Fi",
        "no frame sent in {seconds} s{faults}; check radio, antenna or Wi-Fi",
    ),
    "verify-no-ack": (
        "pas de réponse scellée en {seconds} s{faults} ; gardien et passerelle tournent-ils, le"
        " gardien connaît-il la clé (enrol), l'antenne est-elle mise ?",
        "no sealed answer in {seconds} s{faults}; do guard and gateway run, does the guard know"
        " the key (enrol), is the antenna on?",
    ),
    "verify-ack-other": (
        "le gardien répond, mais en {seconds} s la mesure n'est pas en sûreté{faults} ; la"
        " passerelle tourne-t-elle ? Un nœud qui rattrape son retard : relancez dans une minute",
        "the guard answers, but in {seconds} s the sample is not safe{faults}; does the gateway"
        " run? If the node is catching up: run again in a minute",
    ),
    "verify-page": (
        "{url} montre la même mesure, d'âge prouvé",
        "{url} shows the same sample, its age proved",
    ),
    "verify-page-silent": (
        "{url} ne répond pas ; vérifiez l'adresse et le réseau, ou laissez --gateway",
        "{url} does not answer; check address and network, or leave --gateway out",
    ),
    "verify-page-unknown": (
        "{url} ne connaît pas {sensor} ; le Pi a-t-il le même fichier de site ?",
        "{url} does not know {sensor}; does the Pi have the same site file?",
    ),
    "verify-page-other": (
        "la page montre {page} pour {sensor}, le nœud a mesuré {node} ; attendez une minute et"
        " relancez",
        "the page shows {page} for {sensor}, the node measured {node}; wait a minute, run again",
    ),
    "verify-page-unproved": (
        "{url} montre la même mesure ; son âge n'est pas encore prouvé, elle ne peut pas encore"
        " faire sonner",
        "{url} shows the same sample; its age is not proved yet, so it cannot sound yet",
    ),
    "verify-proved": (
        "prouvé de bout en bout : nœud {node}, {seconds} s",
        "verified end to end: node {node}, {seconds} s",
    ),
    "verify-not-proved": (
        "pas prouvé : nœud {node}, {seconds} s ; suivez la première ligne en échec et relancez",
        "not verified: node {node}, {seconds} s; do as the first failed line says and run again",
    ),
}
