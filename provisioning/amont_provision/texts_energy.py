"""Say in French and English what a station draws and what is wrong with a trace."""

TEXTS: dict[str, tuple[str, str]] = {
    "energy-head": (
        "{profile} sur {board}, {carrier}, une mesure toutes les {interval_s} s,"
        " {frames_day} trames par jour : {mah_day} mAh par jour, {years} ans sur deux piles AA",
        "{profile} on {board}, {carrier}, a sample each {interval_s} s, {frames_day} frames a day:"
        " {mah_day} mAh a day, {years} years on two AA cells",
    ),
    "energy-row": ("  {label:<34} {mah:>8.4f} mAh/j", "  {label:<34} {mah:>8.4f} mAh/day"),
    "energy-source": (
        "  {name:<20} {value:>8g} {unit:<3} {source}{assumed}",
        "  {name:<20} {value:>8g} {unit:<3} {source}{assumed}",
    ),
    "energy-assumed": (" (supposé)", " (assumed)"),
    "energy-measure": (
        "supposés, donc à mesurer sur votre carte avant de promettre des années : {names}",
        "assumed, so measure them on your board before you promise years: {names}",
    ),
    "energy-which": (
        "donnez le fichier du site et --node N, ou aucun des deux",
        "give the site's file and --node N, or neither",
    ),
    "energy-other": (
        "cette carte est la station {found} et non {node} ; donnez --node {found} ou l’autre",
        "this board is node {found} and not {node}; give --node {found}, or the other board",
    ),
    "energy-guess-board": (
        "le fichier du site ne dit rien de la carte (board) : supposée coupée entre deux réveils",
        "the site's file does not name the board: taken for one whose supply is cut between wakes",
    ),
    "energy-guess-sensor": (
        "un capteur sans câblage (probe) dans le fichier compte comme celui qu’on a d’habitude",
        "a sensor without wiring (probe) in the file counts as the usual one",
    ),
    "energy-five-frames": (
        "pour {years:.1f} ans ({mah:.2f} mAh/j) : écrivez validity_s: {validity_s} à chaque voie"
        " de la station, puis enrôlez à nouveau. Il en coûte qu’un niveau calme se voit toutes les"
        " {calm_min} min au lieu de {calm_now_min}, et un silence après {silent_min} min au lieu"
        " de {silent_now_min} ; ce qui passe une marque part toujours aussitôt",
        "for {years:.1f} years ({mah:.2f} mAh a day): write validity_s: {validity_s} on each"
        " channel of the station, and enrol again. It costs that a calm level is seen each"
        " {calm_min} min instead of {calm_now_min}, and silence after {silent_min} min instead"
        " of {silent_now_min}; what crosses a mark is still sent at once",
    ),
    "energy-five-gate": (
        "pour {years:.1f} ans ({mah:.2f} mAh/j) : une horloge et un interrupteur d’alimentation"
        " qui coupe la carte entre deux réveils (board: sleep: gate) ; il en coûte ces deux"
        " composants, rien d’autre",
        "for {years:.1f} years ({mah:.2f} mAh a day): a clock chip and a supply switch that cuts"
        " the board off between wakes (board: sleep: gate); it costs these two parts, nothing"
        " else",
    ),
    "energy-five-both": (
        "pour {years:.1f} ans ({mah:.2f} mAh/j) : une horloge et un interrupteur d’alimentation"
        " (board: sleep: gate), et validity_s: {validity_s} à chaque voie de la station. Il en"
        " coûte qu’un niveau calme se voit toutes les {calm_min} min au lieu de {calm_now_min},"
        " et un silence après {silent_min} min au lieu de {silent_now_min} ; ce qui passe une"
        " marque part toujours aussitôt",
        "for {years:.1f} years ({mah:.2f} mAh a day): a clock chip and a supply switch (board:"
        " sleep: gate), and validity_s: {validity_s} on each channel of the station. It costs"
        " that a calm level is seen each {calm_min} min instead of {calm_now_min}, and silence"
        " after {silent_min} min instead of {silent_now_min}; what crosses a mark is still sent"
        " at once",
    ),
    "energy-five-none": (
        "aucun réglage ne donne cinq ans avec deux piles AA : au mieux {years:.1f} ans"
        " ({mah:.2f} mAh/j) ; il faut de plus grosses piles, un panneau ou un autre capteur",
        "no setting gives five years on two AA cells: {years:.1f} at best ({mah:.2f} mAh a day);"
        " it takes larger cells, a panel or another sensor",
    ),
    "energy-sources": ("d’après :", "from:"),
    "energy-part-sleep": ("sommeil", "asleep"),
    "energy-part-clock": ("horloge", "clock chip"),
    "energy-part-start": ("démarrage et Python", "wake and Python's start"),
    "energy-part-work": ("processeur, mesure et envoi", "processor, measuring and sending"),
    "energy-part-sensor": ("capteur alimenté", "sensor powered"),
    "energy-part-transmit": ("radio, émission", "radio, transmitting"),
    "energy-part-receive": ("radio, réception", "radio, receiving"),
    "energy-part-cells": ("les piles elles-mêmes", "the cells themselves"),
    "energy-state-asleep": ("endormi", "asleep"),
    "energy-state-awake": ("éveillé", "awake"),
    "energy-state-sending": ("émission", "sending"),
    "energy-trace": (
        "  {label:<10} relevé {measured_mah:8.4f} mAh/j ({measured_s:.0f} s à"
        " {measured_ma:.3g} mA), modèle {modelled_mah:8.4f} mAh/j ({modelled_s:.0f} s){ratio}",
        "  {label:<10} recorded {measured_mah:8.4f} mAh/day ({measured_s:.0f} s at"
        " {measured_ma:.3g} mA), model {modelled_mah:8.4f} mAh/day ({modelled_s:.0f} s){ratio}",
    ),
    "energy-trace-ratio": (", soit × {ratio:.2f}", ", that is × {ratio:.2f}"),
    "energy-trace-read": (
        "{path} : illisible ({why}) ; donnez un fichier CSV",
        "{path}: cannot be read ({why}); give a CSV file",
    ),
    "energy-trace-head": (
        "{path} : la première ligne doit nommer les colonnes {columns}",
        "{path}: the first line must name the columns {columns}",
    ),
    "energy-trace-line": (
        "{path}, ligne {line} : ce ne sont pas deux nombres ; corrigez ou ôtez cette ligne",
        "{path}, line {line}: not two numbers; mend or remove that line",
    ),
    "energy-trace-time": (
        "{path}, ligne {line} : le temps n’avance pas ; triez par time_s, sans doublon",
        "{path}, line {line}: time does not go on; sort by time_s, without doubles",
    ),
    "energy-trace-negative": (
        "{path}, ligne {line} : courant négatif ; l’appareil de mesure est branché à l’envers",
        "{path}, line {line}: a negative current; the instrument is connected the wrong way round",
    ),
    "energy-trace-short": (
        "{path} : {found} s de relevé ; il en faut au moins {least}, pour des cycles entiers",
        "{path}: {found} s recorded; at least {least} are needed, for whole cycles",
    ),
}
