"""Sites with other people's sensors, for the tests of what takes them in."""

from __future__ import annotations

from pathlib import Path

from amont_site import load
from amont_site.foreign import ForeignSource
from amont_site.model import Site

SITE = """
format: 1
id: essai
name: {{fr: Essai, en: Trial}}
latitude: 44.0
longitude: 4.0
time_zone: Europe/Paris
bridge: {{port: "{bridge}"}}
broker: {{host: 127.0.0.1, port: {port}, tls: false}}
nodes:
  - id: 17
    name: {{fr: Pont a, en: Bridge a}}
    carrier: bridge
    interval_s: 60
    channels: [{{sensor: pont-a, quantity: stage_mm}}]
  - id: 18
    name: {{fr: Pont b, en: Bridge b}}
    carrier: bridge
    interval_s: 60
    channels: [{{sensor: pont-b, quantity: stage_mm}}]
stations:
  - id: pont
    name: {{fr: Pont, en: Bridge}}
    river: Essai
    sensors: [pont-a, pont-b]
    watch_mm: 1200
    warning_mm: 1800
    alarm_mm: 2500
    alarm_plus_mm: 3200
zones:
  - {{id: bourg, name: {{fr: Bourg, en: Village}}, inflow: [bourg-debit]}}
sirens:
  - {{id: mairie, name: {{fr: Mairie, en: Hall}}, stations: [pont], output: {{kind: simulated}}}}
people: []
foreign_sources:
  - id: sondes
    name: {{fr: Sondes, en: Probes}}
    topic: lora/{{device}}/up
    time: {{at: time}}
    interval_s: 900
    sensors:
      - {{sensor: pont-tiers, number: 1, device: radar, value: object.level, unit: m,
         quantity: stage_mm, station: pont}}
      - {{sensor: bourg-debit, number: 2, device: compteur, value: object.flow, unit: m3/h,
         quantity: flow_l_h}}
      - {{sensor: bourg-pile, number: 3, device: compteur, value: object.battery, unit: V,
         quantity: battery_mv}}
  - id: cave
    name: {{fr: Cave, en: Cellar}}
    topic: maison/cave
    form: plain
    interval_s: 60
    sensors: [{{sensor: cave-temp, number: 4, unit: °C, quantity: air_temp_cc}}]
"""


def make_site(folder: Path, port: int = 1883, bridge: str = "/dev/none") -> Site:
    """Write and read a site with two foreign sources: one dated, one not."""
    path = folder / "site.yaml"
    path.write_text(SITE.format(port=port, bridge=bridge), encoding="utf-8")
    return load(path)


def source(**said: object) -> ForeignSource:
    """Return one source with one sensor, of which a test says what it looks at."""
    import msgspec

    own = {"sensor": "s", "number": 1, "value": "v", "quantity": "stage_mm", "unit": "m"}
    own |= {k[2:]: said.pop(k) for k in list(said) if k.startswith("s_")}
    plain = {
        "id": "q", "name": {"fr": "q", "en": "q"}, "topic": "a/{device}",
        "sensors": [{k: v for k, v in own.items() if v is not None}],
    }  # fmt: skip
    return msgspec.convert(plain | said, ForeignSource)
