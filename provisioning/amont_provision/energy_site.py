"""Say what a station draws as it is enrolled, and what would make it last for five years."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from amont_provision import board, energy
from amont_provision.board import Json
from amont_provision.energy import Air, Board, Budget, Profile
from amont_site import Site
from amont_site.model import FRAME_SAMPLES_MOST, Node, limits, validity_for
from amont_wire.airtime import PREAMBLE

YEARS = 5.0
LOOK_S = 60  # of a flash flood's station whose configuration does not say
# kind of probe: sensor of the model; who is simulated counts as what his profile usually has
_SENSORS = {
    "a02yyuw": "ultrasonic", "jsn_sr04t": "ultrasonic", "ads1115_420ma": "loop",
    "pulse": "pulses", "tipping_bucket": "pulses", "ds18b20": "thermometer",
    "modbus_rtu": "bus", "sdi12": "bus", "battery": "divider",
}  # fmt: skip
# (kind of board, how it sleeps): board of the model
_BOARDS = {
    ("pico", "gate"): "pico-gated", ("pico", "light"): "pico",
    ("esp32", "gate"): "esp32-gated", ("esp32", "deep"): "esp32",
    ("esp32", "light"): "esp32-light",
}  # fmt: skip


@dataclass(frozen=True)
class Station:
    """A node's configuration in the words of the model; ``guesses``: what it does not say."""

    profile: Profile
    board: Board
    carrier: str = "lora"
    sf: int = 9
    preamble: int = PREAMBLE
    tries: float = 1.0  # how often a frame goes out until it is answered
    naps: bool = True  # its radio hears on while the processor sleeps
    guesses: tuple[str, ...] = ()

    def budget(self) -> Budget:
        """Return a day of it."""
        air = Air(self.sf, self.preamble, self.tries, self.naps)
        return energy.budget(self.profile, self.board, carrier=self.carrier, air=air)


@dataclass(frozen=True)
class Advice:
    """What gives five years: the code of the words for it, and their values."""

    code: str
    values: dict[str, Any]


def station(config: Json) -> Station:
    """Return what a node's configuration means for its cells."""
    guesses: list[str] = []
    sensors = list(_sensors(config, guesses))
    name = config.get("profile") or "slow-river"
    look_s = config.get("look_s", LOOK_S if name == "flash-flood" else None)
    profile = Profile(
        name, config["interval_s"], config.get("frame_samples", 1), sensors[0],
        None if look_s is None or look_s >= config["interval_s"] else look_s, tuple(sensors[1:]),
        energy.HEALTH_A_DAY if config.get("profile") else energy.PLAIN_HEALTH_A_DAY,
    )  # fmt: skip
    carrier = config["carrier"]
    sends = {"mqtt": "wifi", "lorawan": "lorawan"}.get(carrier["kind"], "lora")
    lora = carrier.get("lora", {})
    supply = _board(config, guesses)
    return Station(
        profile, supply, sends, lora.get("sf", 9), lora.get("preamble", PREAMBLE),
        naps=carrier.get("chip") != "rak3172", guesses=tuple(dict.fromkeys(guesses)),
    )  # fmt: skip


def of_site(site: Site, node: Node, told: Json | None = None) -> Station:
    """Return what enrolment would write, and what a board told of it since."""
    carrier = board.carrier(site, node, None, tls=True)
    config = board.configuration(site, node, 1, 1, carrier)
    kept = ("interval_s", "look_s", "frame_samples", "profile")
    return station(config | {key: told[key] for key in kept if told and key in told})


def advice(node: Node, now: Station) -> Advice | None:
    """Return what would give five years and what it costs; None if they are reached."""
    if now.budget().years >= YEARS:
        return None
    saved = replace(now, profile=replace(now.profile, frame_samples=FRAME_SAMPLES_MOST))
    gated = replace(now, board=_gated(now.board))
    for code, best in (
        ("energy-five-frames", saved),
        ("energy-five-gate", gated),
        ("energy-five-both", replace(gated, profile=saved.profile)),
    ):
        found = best.budget()
        if found.years >= YEARS:
            return Advice(code, _values(node, now, best, found))
    return Advice("energy-five-none", {"years": found.years, "mah": found.mah_day})


def _values(node: Node, now: Station, best: Station, found: Budget) -> dict[str, Any]:
    interval_s, samples = node.interval_s, best.profile.frame_samples
    silent_s = max(limits(node, channel)["validity_s"] for channel in node.channels)
    validity_s = max(silent_s, validity_for(interval_s, samples))
    return {
        "years": found.years,
        "mah": found.mah_day,
        "validity_s": validity_s,
        "calm_min": interval_s * samples // 60,
        "calm_now_min": interval_s * now.profile.frame_samples // 60,
        "silent_min": validity_s // 60,
        "silent_now_min": silent_s // 60,
    }


def _gated(of: Board) -> Board:
    kind = "esp32" if of.name.startswith("esp32") else "pico"
    return replace(energy.BOARDS[f"{kind}-gated"], converter=of.converter)


def _board(config: Json, guesses: list[str]) -> Board:
    said = config.get("board") or {}
    name = str(said.get("name", "unix"))
    kind = next((kind for kind in ("pico", "esp32") if name.startswith(kind)), "")
    if not kind:
        guesses.append("energy-guess-board")
        return energy.BOARDS[energy.RECOMMENDED]
    return energy.BOARDS[_BOARDS.get((kind, said.get("sleep", "light")), kind)]


def _sensors(config: Json, guesses: list[str]) -> Iterator[str]:
    for channel in config["channels"]:
        probe = channel["probe"]
        known = _SENSORS.get(probe["kind"])
        if known is None:
            guesses.append("energy-guess-sensor")
            known = "pulses" if config.get("profile") == "pipe" else "ultrasonic"
        yield known
        if "temperature" in probe:
            yield "thermometer"
