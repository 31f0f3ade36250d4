"""Say in French and English what is to be expected of a site before it is built."""

# code: (French, English)
TEXTS: dict[str, tuple[str, str]] = {
    "plan-head": (
        "{name} : {good:bonne|bonnes}, {marginal} à la limite, {unlikely:improbable|improbables},"
        " {unknown:inconnue|inconnues}",
        "{name}: {good} good, {marginal} marginal, {unlikely} unlikely, {unknown} unknown",
    ),
    "plan-bridge-head": (
        "Pont : SF {factors}, sur {channels:canal|canaux}. En heure calme ses réponses prennent"
        " {calm} de sa part ; il peut répondre à {nodes:station|stations} de ce genre. {flood}",
        "Bridge: SF {factors}, on {channels:channel|channels}. In a calm hour its answers take"
        " {calm} of its share; it can answer {nodes:such station|such stations}. {flood}",
    ),
    "plan-bridge-all": (
        "En crue il répond aussitôt à toutes.",
        "In a flood it answers all at once.",
    ),
    "plan-bridge-some": (
        "En crue il répond aussitôt à {flood} des trames ; les autres attendent, rien ne se perd.",
        "In a flood it answers {flood} of the frames at once; the others wait, nothing is lost.",
    ),
    "plan-column-node": ("n°", "no."),
    "plan-column-name": ("station", "station"),
    "plan-column-word": ("liaison", "link"),
    "plan-column-margin": ("marge", "margin"),
    "plan-column-heard": ("reçu", "heard"),
    "plan-column-readings": ("mesures", "readings"),
    "plan-column-day": ("s/jour", "s/day"),
    "plan-column-calm": ("calme", "calm"),
    "plan-column-flood": ("crue", "flood"),
    "plan-column-years": ("ans", "years"),
    "plan-word-good": ("bonne", "good"),
    "plan-word-marginal": ("limite", "marginal"),
    "plan-word-unlikely": ("improbable", "unlikely"),
    "plan-word-unknown": ("inconnue", "unknown"),
    "plan-carrier-mqtt": ("Wi-Fi", "Wi-Fi"),
    "plan-carrier-lorawan": ("LoRaWAN", "LoRaWAN"),
    "plan-legend-margin": (
        "marge : dB au-dessus de ce que le récepteur demande ; huit lieux de ce genre sur dix"
        " sont entre les deux.",
        "margin: dB above what the receiver needs; eight of ten such places lie between both.",
    ),
    "plan-legend-heard": (
        "reçu : trames entendues, au moins, dans neuf de ces lieux sur dix. mesures : celles qui"
        " y arrivent même si aucune réponse ne revient ; avec les réponses, {recovered}.",
        "heard: frames, at least, at nine of ten such places. readings: those that arrive there"
        " though no answer ever comes back; with answers, {recovered}.",
    ),
    "plan-legend-air": (
        "s/jour : secondes d'émission. calme, crue : la pire heure, de ce que la loi permet"
        " ({share_s:.0f} s).",
        "s/day: seconds on the air. calm, flood: the worst hour, of what the law allows"
        " ({share_s:.0f} s).",
    ),
    "plan-legend-years": (
        "ans : sur deux piles AA ; ~ : carte ou capteur non dit.",
        "years: on two AA cells; ~: board or sensor not named.",
    ),
    "plan-recovered-all": ("toutes", "all"),
    "plan-recovered-some": ("toutes, sauf de {nodes}", "all but those of {nodes}"),
    "plan-recovered-node": ("{node} ({share})", "{node} ({share})"),
    "plan-no-map": (
        "Aucune carte n'est lue : ce qui se dresse entre deux antennes, seul un essai sur place"
        " le dit.",
        "No map is read: what stands between two antennas only a test on site tells.",
    ),
    "plan-taken": (
        "Supposé, le fichier ne le dit pas : {what}.",
        "Taken, for the file does not say it: {what}.",
    ),
    "plan-taken-bridge": ("pont {fields}", "bridge {fields}"),
    "plan-taken-node": ("{node} {fields}", "{node} {fields}"),
    "plan-taken-loss": (
        "{nodes} : une trame perdue sur cinq",
        "{nodes}: one frame of five lost",
    ),
    "plan-taken-lorawan": ("LoRaWAN à SF{sf}", "LoRaWAN at SF{sf}"),
    "plan-one-channel": (
        "Petit site (jusqu'à une dizaine de stations) : avec un seul canal (channels_khz:"
        " [868100]) le pont a moins d'endroits à regarder ; à SF{sf} chaque trame est {spared}"
        " plus courte.",
        "For small sites (up to about ten stations): with one channel (channels_khz: [868100])"
        " the bridge has fewer places to look at; at SF{sf} each frame is {spared} shorter.",
    ),
    "plan-one-factor": (
        "SF{rare} n'est que pour {nodes} ; sans lui, à SF{sf} chaque trame est {spared} plus"
        " courte.",
        "SF{rare} is for {nodes} alone; without it each frame at SF{sf} is {spared} shorter.",
    ),
    "plan-missing": (
        "écrivez {fields} sous radio ; sans cela rien ne s'en dit",
        "write {fields} under radio; without it nothing can be said",
    ),
    "plan-antenna": (
        "levez son antenne à {node_m} m : alors bonne",
        "raise its antenna to {node_m} m: good then",
    ),
    "plan-lid": (
        "sortez son antenne du regard, sur un poteau de {node_m:.0f} m : alors bonne",
        "bring its antenna out of the manhole, on a post of {node_m:.0f} m: good then",
    ),
    "plan-bridge": (
        "levez l'antenne du pont à {bridge_m} m : alors bonne",
        "raise the bridge's antenna to {bridge_m} m: good then",
    ),
    "plan-sf": (
        "écrivez radio: {{spreading_factor: {sf}}}, que le pont écoute déjà : alors bonne",
        "write radio: {{spreading_factor: {sf}}}, which the bridge listens to already: good then",
    ),
    "plan-sf-new": (
        "écrivez radio: {{spreading_factor: {sf}}} : alors bonne, mais les trames de toutes"
        " s'allongent",
        "write radio: {{spreading_factor: {sf}}}: good then, but everybody's frames grow longer",
    ),
    "plan-both": (
        "levez son antenne à {node_m:.0f} m et celle du pont à {bridge_m:.0f} m : alors bonne",
        "raise its antenna to {node_m:.0f} m and the bridge's to {bridge_m:.0f} m: good then",
    ),
    "plan-all": (
        "antennes à {node_m:.0f} m et {bridge_m:.0f} m (pont), et spreading_factor: {sf} : alors"
        " bonne",
        "antennas at {node_m:.0f} m and {bridge_m:.0f} m (bridge), and spreading_factor: {sf}:"
        " good then",
    ),
    "plan-both-lid": (
        "sortez son antenne du regard, à {node_m:.0f} m de haut, et celle du pont à"
        " {bridge_m:.0f} m : alors bonne",
        "bring its antenna out of the manhole, {node_m:.0f} m high, and the bridge's to"
        " {bridge_m:.0f} m: good then",
    ),
    "plan-all-lid": (
        "son antenne hors du regard à {node_m:.0f} m, celle du pont à {bridge_m:.0f} m, et"
        " spreading_factor: {sf} : alors bonne",
        "its antenna out of the manhole at {node_m:.0f} m, the bridge's at {bridge_m:.0f} m, and"
        " spreading_factor: {sf}: good then",
    ),
    "plan-listener": (
        "un second récepteur (listeners) dont l'antenne regarde d'un autre côté : alors bonne",
        "a second receiver (listeners) whose antenna looks out on another side: good then",
    ),
    "plan-lorawan": (
        "rien ici n'y suffit : un réseau LoRaWAN que l'on capte là-bas (carrier: lorawan), ou un"
        " pont plus proche",
        "nothing here is enough: a LoRaWAN network heard there (carrier: lorawan), or a bridge"
        " nearer by",
    ),
    "plan-slow": (
        "en crue une trame toutes les {fast_s:.0f} s au lieu de {asked_s}, la loi ne permet pas"
        " plus ; l'urgence part toujours aussitôt",
        "in a flood a frame each {fast_s:.0f} s instead of {asked_s}, the law allows no more; what"
        " is urgent still goes at once",
    ),
    "plan-slow-channel": (
        "un seul canal (channels_khz: [868100]) : en crue une trame toutes les {fast_s:.0f} s",
        "one channel alone (channels_khz: [868100]): in a flood a frame each {fast_s:.0f} s",
    ),
    "plan-slow-factor": (
        "SF{sf} pour tous les nœuds : en crue une trame toutes les {fast_s:.0f} s",
        "SF{sf} for all nodes: in a flood a frame each {fast_s:.0f} s",
    ),
    "plan-slow-one": (
        "SF{sf} pour tous les nœuds et un seul canal : en crue une trame toutes les"
        " {fast_s:.0f} s",
        "SF{sf} for all nodes and one channel: in a flood a frame each {fast_s:.0f} s",
    ),
    "plan-slow-sf": (
        "écrivez radio: {{spreading_factor: {sf}}}, cela suffit : en crue une trame toutes les"
        " {fast_s:.0f} s",
        "write radio: {{spreading_factor: {sf}}}, which is enough: in a flood a frame each"
        " {fast_s:.0f} s",
    ),
    "plan-fair": (
        "30 s par jour (TTN) tiennent jusqu'à SF{sf} ; plus d'échantillons par trame, ou"
        " ChirpStack",
        "30 s a day (TTN) hold up to SF{sf}; more samples a frame, or ChirpStack",
    ),
    "plan-fair-none": (
        "30 s par jour (TTN) ne suffisent à aucun débit ; un intervalle plus long, ou ChirpStack",
        "30 s a day (TTN) are not enough at any rate; a longer interval, or ChirpStack",
    ),
    "plan-cells": (
        "{years:.1f} an sur deux piles ; amont-provision energy SITE --node {node} dit quoi faire",
        "{years:.1f} years on two cells; amont-provision energy SITE --node {node} says what"
        " helps",
    ),
    "plan-mains": (
        "le Wi-Fi veut le secteur ou un panneau : {years:.1f} an sur deux piles",
        "Wi-Fi wants the mains or a panel: {years:.1f} years on two cells",
    ),
}
