"""Say in French and English what became of a release on a board."""

TEXTS: dict[str, tuple[str, str]] = {
    "older-release": (
        "la carte a déjà la version {running}, plus récente que {number} ; prenez une version"
        " plus récente",
        "the board already has release {running}, which is newer than {number}; take a newer one",
    ),
    "wrong-micropython": (
        "la carte lit le code de version {found}, il faut {wanted} ; installez un MicroPython"
        " actuel : amont-provision flash",
        "the board reads code of version {found}, it has to be {wanted}; install a current"
        " MicroPython: amont-provision flash",
    ),
    "no-facts": (
        "la carte ne dit pas ce qu'elle est ({why}) ; est-ce bien un Pico ou un ESP32 ?"
        " amont-provision scan",
        "the board does not say what it is ({why}); is it a Pico or an ESP32? amont-provision"
        " scan",
    ),
    "flash-full": (
        "il faut {needed_bytes} octets sur la carte, {free_bytes} sont libres ; retirez des"
        " fichiers, rien n'a été envoyé",
        "the board needs {needed_bytes} bytes, {free_bytes} are free; remove files from it,"
        " nothing was sent",
    ),
    "slot-refused": (
        "la carte refuse la version dans {slot} ({why}) et garde l'ancienne ; relancez la"
        " commande",
        "the board refuses the release in {slot} ({why}) and keeps the one before; run the"
        " command again",
    ),
    "trial-over": (
        "l'essai de cette version vient de se terminer ; relancez la commande",
        "the trial of this release has just ended; run the command again",
    ),
    "trial-ended": (
        "l'essai de la version {number} est abandonné",
        "the trial of release {number} is given up",
    ),
    "loader-kept": (
        "main.py n'est pas celui de cette version et reste en place (pour le remplacer :"
        " --loader)",
        "main.py is not this release's and stays (to replace it: --loader)",
    ),
    "deploy-wait": (
        "la carte redémarre ; attente de « bon » pendant {seconds} s",
        "the board restarts; waiting up to {seconds} s for 'good'",
    ),
    "deploy-already": (
        "la version {release} est déjà en marche dans {slot} ; rien à faire",
        "release {release} already runs in {slot}; nothing to do",
    ),
    "deploy-already-dry": (
        "à blanc : la version {release} est déjà en marche dans {slot}, rien ne serait à faire",
        "dry run: release {release} already runs in {slot}, there would be nothing to do",
    ),
    "deploy-safe": (
        "la version {release} est dans {slot}, mais la carte est en mode de secours après trop de"
        " démarrages manqués ; lisez pourquoi : amont-provision logs",
        "release {release} is in {slot}, but the board is in safe mode after too many failed"
        " boots; read why: amont-provision logs",
    ),
    "deploy-safe-dry": (
        "à blanc : la version {release} est déjà dans {slot}, en mode de secours",
        "dry run: release {release} is in {slot} already, in safe mode",
    ),
    "deploy-resume-dry": (
        "à blanc : la version {release} est à l'essai dans {slot}, il resterait à attendre",
        "dry run: release {release} is on trial in {slot}, only waiting would be left",
    ),
    "deploy-install-dry": (
        "à blanc, rien n'est écrit : version {running} -> {release} dans {slot}, "
        "{sent:fichier|fichiers} ({bytes} octets) à envoyer, {kept} déjà là, {removed} à retirer",
        "dry run, nothing written: release {running} -> {release} in {slot}, "
        "{sent:file|files} ({bytes} bytes) to send, {kept} there already, {removed} to remove",
    ),
    "deploy-good": (
        "la version {release} est bonne et reste, dans {slot}"
        " ({sent:fichier envoyé|fichiers envoyés},"
        " {kept} déjà là)",
        "release {release} is good and stays, in {slot} ({sent:file|files} sent, {kept} there"
        " already)",
    ),
    "deploy-waiting": (
        "la version {release} est dans {slot} ; la carte n'a pas encore d'identité, ensuite :"
        " amont-provision enrol",
        "release {release} is in {slot}; the board has no identity yet, next: amont-provision"
        " enrol",
    ),
    "deploy-switched": (
        "la version {release} est à l'essai dans {slot} ; la carte revient seule à {running} si"
        " elle ne va pas",
        "release {release} is on trial in {slot}; the board goes back to {running} by itself if"
        " it does not work",
    ),
    "deploy-back": (
        "la version {release} n'a pas fait ses preuves, la carte est revenue à {running} ;"
        " lisez pourquoi : amont-provision logs",
        "release {release} did not prove good, the board went back to {running}; read why:"
        " amont-provision logs",
    ),
    "deploy-prompt": (
        "la carte attend des commandes au lieu de marcher",
        "the board stands at a prompt in place of running",
    ),
    "deploy-crashed-back": (
        "la version {release} s'arrête sur cette carte ({why}), qui revient à {running} ; ce"
        " qu'elle"
        " a dit :",
        "release {release} fails on this board ({why}), which goes back to {running}; what it"
        " said:",
    ),
    "deploy-crashed": (
        "la version {release} s'arrête sur cette carte ({why}) et il n'y en a pas d'autre ;"
        " corrigez-la, tenez le bouton pendant un reset et déployez ; ce qu'elle a dit :",
        "release {release} fails on this board ({why}) and there is no other; mend it, hold the"
        " button during a reset and deploy; what it said:",
    ),
    "deploy-crashed-loader": (
        "main.py s'arrête sur cette carte ({why}) ; remplacez-le par celui de la version : deploy"
        " --loader ; ce qu'il a dit :",
        "main.py fails on this board ({why}); put the release's own in its place: deploy --loader;"
        " what it said:",
    ),
    "deploy-unknown": (
        "la version {release} est en place dans {slot}, mais rien n'a prouvé qu'elle va ; tenez le"
        " bouton pendant un reset et lisez : amont-provision logs",
        "release {release} is in {slot}, but nothing proved that it works; hold the button"
        " during a reset and read: amont-provision logs",
    ),
}
