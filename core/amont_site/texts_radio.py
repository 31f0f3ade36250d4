"""List the sentences about what a site's file says of radio."""

from __future__ import annotations

# code: (English, French)
TEXTS_RADIO: dict[str, tuple[str, str]] = {
    "usb-form": (
        "'{value}' is no USB id; write usb:VID:PID or usb:VID:PID:SERIAL, such as"
        " usb:2e8a:0005:e6614103e7452d2f",
        "« {value} » n'est pas un identifiant USB ; écrivez usb:VID:PID ou usb:VID:PID:SERIE,"
        " par exemple usb:2e8a:0005:e6614103e7452d2f",
    ),
    "usb-serial": (
        "'{value}' fits two boards of this file; add each one's serial number: usb:VID:PID:SERIAL",
        "« {value} » convient à deux cartes de ce fichier ; ajoutez le numéro de série de"
        " chacune : usb:VID:PID:SERIE",
    ),
    "channel-band": (
        "{value} kHz is in no band of Europe that allows 1 % of the time; write 865063 to 868537,"
        " 869463 to 869587 or 869763 to 869937",
        "{value} kHz n'est dans aucune bande d'Europe qui permet 1 % du temps ; écrivez de 865063"
        " à 868537, de 869463 à 869587 ou de 869763 à 869937",
    ),
    "power-band": (
        "{value} dBm is more than these channels allow; write at most {most}",
        "{value} dBm dépasse ce que ces canaux permettent ; écrivez au plus {most}",
    ),
    "radio-useless": (
        "a node of carrier '{value}' has no use for 'radio'; remove it, or write carrier: bridge",
        "un nœud dont « carrier » est « {value} » n'a que faire de « radio » ; retirez-le, ou"
        " écrivez carrier: bridge",
    ),
    "radiated-band": (
        "an antenna of {value} dBi radiates more than these channels allow; write power_dbm:"
        " {power} under bridge, or take a smaller antenna",
        "une antenne de {value} dBi rayonne plus que ces canaux ne permettent ; écrivez"
        " power_dbm: {power} sous bridge, ou prenez une antenne plus petite",
    ),
    "obstacle-useless": (
        "obstacle_m says how high a valley's spur is; remove it, or write setting: valley",
        "obstacle_m dit la hauteur d'un éperon de vallée ; retirez-le, ou écrivez setting: valley",
    ),
}
