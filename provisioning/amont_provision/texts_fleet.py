"""Say in French and English what was set, replaced, revoked, updated, and how the fleet is."""

# code: (French, English); every refusal names the next step
TEXTS: dict[str, tuple[str, str]] = {
    "guard-folder": (
        "{path} n'est pas le dossier du gardien, ou il est fermé ({why}) ; lancez au Pi, avec"
        " sudo",
        "{path} is not the guard's folder, or it is closed ({why}); run this at the Pi, with sudo",
    ),
    "pending-unreadable": (
        "{path} : {why} ; corrigez ou retirez ce fichier",
        "{path}: {why}; mend or remove this file",
    ),
    "set-nothing": (
        "rien à régler ; écrivez par exemple interval_s=300, --wifi NOM ou --tls DOSSIER",
        "nothing to set; write for example interval_s=300, --wifi NAME or --tls FOLDER",
    ),
    "set-cable": (
        "le Wi-Fi et les certificats ne vont que par câble ; sans --pending, avec --port",
        "Wi-Fi and certificates go by cable only; without --pending, with --port",
    ),
    "set-name": (
        "« {name} » ne se règle pas ainsi ; possible : {names}",
        "'{name}' cannot be set this way; possible: {names}",
    ),
    "set-bounds": (
        "{name} = {value} est hors limites ; écrivez de {least} à {most}",
        "{name} = {value} is out of bounds; write {least} to {most}",
    ),
    "set-watchful": (
        "{name} = {value} est hors limites ; par les airs, écrivez de {least} à {most} : un nœud"
        " n'y"
        " devient jamais moins attentif. Sinon changez le fichier du site, puis enrol sur place",
        "{name} = {value} is out of bounds; by the air, write {least} to {most}: no node becomes"
        " less watchful that way. Otherwise change the site's file, then enrol on site",
    ),
    "set-fixed": (
        "{name} ne change pas par les airs, où {most} est déjà le plus attentif ; changez le"
        " fichier"
        " du site, puis enrol sur place",
        "{name} does not change by the air, where {most} is the most watchful already; change the"
        " site's file, then enrol on site",
    ),
    "set-pending": (
        "nœud {node} : demandé ; le gardien le lui dira à son prochain message",
        "node {node}: asked; the guard tells it at its next message",
    ),
    "set-pending-dry": (
        "à blanc, rien n'est écrit : nœud {node}",
        "dry run, nothing written: node {node}",
    ),
    "set-done": (
        "nœud {node} : réglé, configuration {version}",
        "node {node}: set, configuration {version}",
    ),
    "set-dry": (
        "à blanc, rien n'est écrit : nœud {node}, configuration {version}",
        "dry run, nothing written: node {node}, configuration {version}",
    ),
    "ask-wifi": ("Mot de passe du Wi-Fi « {name} »", "Password of Wi-Fi '{name}'"),
    "wifi-name": (
        "un nom de Wi-Fi a de 1 à {most} octets ; recopiez-le",
        "a Wi-Fi's name has 1 to {most} bytes; copy it again",
    ),
    "wifi-password": (
        "un mot de passe de Wi-Fi a de {least} à {most} caractères ; relancez la commande",
        "a Wi-Fi's password has {least} to {most} characters; run the command again",
    ),
    "tls-unfit": (
        "les certificats du nœud {node} ne vont pas ensemble ({why}) ; refaites-les",
        "the certificates of node {node} do not belong together ({why}); make them again",
    ),
    "tls-over": (
        "{name} n'est plus valable depuis le {day} ; refaites-le",
        "{name} ended on {day}; make it again",
    ),
    "replaced": (
        "nœud {node} : l'ancienne carte n'est plus entendue dès que celle-ci parle ;"
        " étalonnages repris : {sensors}",
        "node {node}: the old board is not heard any more once this one speaks; calibrations"
        " carried over: {sensors}",
    ),
    "revoked": (
        "nœud {node} : clés jusqu'à la génération {generation} révoquées",
        "node {node}: keys up to generation {generation} revoked",
    ),
    "revoked-before": (
        "nœud {node} : ses clés sont déjà révoquées, rien à faire",
        "node {node}: its keys are revoked already, nothing to do",
    ),
    "revoke-dry": (
        "à blanc, rien n'est écrit : nœud {node}, clés jusqu'à la génération {generation}",
        "dry run, nothing written: node {node}, keys up to generation {generation}",
    ),
    "update-pending": (
        "par les airs : ajoutez --pending ; par câble : amont-provision deploy",
        "by the air: add --pending; by cable: amont-provision deploy",
    ),
    "update-bridge": (
        "le nœud {node} passe par la radio, trop lente pour cela ; sur place : deploy",
        "node {node} comes by radio, which is too slow for this; on site: deploy",
    ),
    "update-unproved": (
        "la clé du nœud {node} n'a pas encore été entendue ; attendez son premier salut",
        "the key of node {node} was not heard yet; wait for its first hello",
    ),
    "update-older": (
        "le nœud {node} a la version {has}, {offered} n'est pas plus récente ; construisez-en une"
        " autre",
        "node {node} has release {has}, {offered} is no newer; build another one",
    ),
    "update-waits": (
        "nœud {node} : la version {release} ({name}, {bytes} octets) attend son prochain message",
        "node {node}: release {release} ({name}, {bytes} bytes) waits for its next message",
    ),
    "update-dry": (
        "à blanc, rien n'est écrit : nœud {node}, {running} → {release} ({name}, {bytes} octets)",
        "dry run, nothing written: node {node}, {running} → {release} ({name}, {bytes} bytes)",
    ),
    "update-withdrawn": (
        "nœud {node} : plus de mise à jour en attente",
        "node {node}: no update waits any more",
    ),
    "fleet-without": ("sans cela : {why}", "without this: {why}"),
    "fleet-journal": (
        "{path} illisible ({why}) ; donnez le journal.db de la passerelle",
        "{path} cannot be read ({why}); give the gateway's journal.db",
    ),
    "fleet-view": (
        "{url} ne répond pas ({why}) ; la passerelle tourne-t-elle ?",
        "{url} does not answer ({why}); does the gateway run?",
    ),
    "fleet-node": ("nœud", "node"),
    "fleet-name": ("nom", "name"),
    "fleet-key": ("clé", "key"),
    "fleet-config": ("réglage", "config"),
    "fleet-release": ("version", "release"),
    "fleet-heard": ("entendu il y a", "heard ago"),
    "fleet-battery": ("pile", "battery"),
    "fleet-faults": ("pannes", "faults"),
    "fleet-key-no-key": ("aucune", "none"),
    "fleet-key-proved": ("{n}", "{n}"),
    "fleet-key-writing": ("{n}, à finir", "{n}, to be finished"),
    "fleet-key-in-bundle": ("{n}, en lot", "{n}, in a bundle"),
    "fleet-key-bundle-over": ("{n}, lot périmé", "{n}, bundle over"),
}
