"""List the sentences about what a site's file says of LoRaWAN."""

from __future__ import annotations

# code: (English, French)
TEXTS_LORAWAN: dict[str, tuple[str, str]] = {
    "no-lorawan": (
        "node {value} comes over LoRaWAN, but 'lorawan' is missing; add: lorawan: {{server:"
        " chirpstack, application: …}}",
        "le nœud {value} passe par LoRaWAN, mais « lorawan » manque ; ajoutez : lorawan: {{server:"
        " chirpstack, application: …}}",
    ),
    "no-dev-eui": (
        "node {value} comes over LoRaWAN, but its DevEUI is missing; add: lorawan: {{dev_eui:"
        " 70b3d57ed0000011}}",
        "le nœud {value} passe par LoRaWAN, mais son DevEUI manque ; ajoutez : lorawan: {{dev_eui:"
        " 70b3d57ed0000011}}",
    ),
    "lorawan-useless": (
        "a node of carrier '{value}' has no use for 'lorawan'; remove it, or write carrier:"
        " lorawan",
        "un nœud dont « carrier » est « {value} » n'a que faire de « lorawan » ; retirez-le, ou"
        " écrivez carrier: lorawan",
    ),
    "eui-zero": (
        "a DevEUI of zeros is nobody's; write the 16 digits on the module's label",
        "un DevEUI de zéros n'est à personne ; écrivez les 16 chiffres de l'étiquette du module",
    ),
    "application-uuid": (
        "'{value}' is no application of ChirpStack; write its id, such as"
        " 17c82e96-be03-4f38-aef3-f83d48582d97",
        "« {value} » n'est pas une application de ChirpStack ; écrivez son identifiant, par"
        " exemple 17c82e96-be03-4f38-aef3-f83d48582d97",
    ),
    "tenant-useless": (
        "ChirpStack's messages name no tenant; remove 'tenant'",
        "les messages de ChirpStack ne nomment aucun « tenant » ; retirez-le",
    ),
    "lorawan-no-broker": (
        "'lorawan' has no broker, and neither has the site; add: broker: {{host: 127.0.0.1}}",
        "« lorawan » n'a pas de courtier, et le site non plus ; ajoutez : broker: {{host:"
        " 127.0.0.1}}",
    ),
    # a warning
    "fair-use": (
        "{value} downlinks a day are more than the {most} of The Things Network's fair use; write"
        " {usual}",
        "{value} messages descendants par jour dépassent les {most} de l'usage équitable de The"
        " Things Network ; écrivez {usual}",
    ),
}
