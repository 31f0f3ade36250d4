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
