"""Say which gauges lie upstream of which, from the list of stations that comes with a record.

On a river of one name gauges follow each other by the area of their catchments: the next smaller
one is the nearest upstream. A tributary counts where it joins just above a gauge that has no
nearer one, or beside it. A catchment of less than a tenth says too little of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from amont_models.records.folder import columns, numbers

MOST = 3  # upstream gauges of one gauge
LEAST_SHARE = 0.1
# Areas in km² that the list lacks, or that contradict the order of the gauges along the river (of
# Céret and Réals it gives a part): each between those of its neighbours on the map.
AREAS = {
    "Y026401001": 480.0,  # Tech at Céret: below Amélie (376), above Le Boulou (608)
    "Y142203001": 1900.0,  # Aude at Trèbes: below Carcassonne (1839), above Marseillette (3127)
    "Y158402001": 700.0,  # Orbieu at Villedaigne: the last one, below Luc (586)
    "Y161203001": 4860.0,  # Aude at Cuxac: below Moussan (4838), above Coursan (4900)
    "Y161205001": 4910.0,  # Aude at Coursan, village: below Arminis
    "Y257404001": 1120.0,  # Orb at Réals: below Cessenon (1064), above Thézan (1203)
}
# Gauges on tributaries that join between the next gauge upstream and this one: before it where
# they carry more of the water or are nearer.
TRIBUTARIES = {
    "O060003001": ("O059251001",),  # Garonne at Palaminy: the Salat
    "O200001001": ("O171251001", "O187401001"),  # Garonne at Portet: the Ariège, the Lèze
}


def upstream(path: Path, station: str, river: str, area: str) -> Mapping[str, tuple[str, ...]]:
    """Return the gauges upstream of each gauge, nearest first, from a list with these columns.

    Without the list nobody is linked.
    """
    if not path.is_file():
        return {}
    table = columns(path, (station, river, area))
    areas = dict(zip(table[station], numbers(table[area]).tolist(), strict=True))
    areas |= {name: AREAS[name] for name in areas if name in AREAS}
    rivers = dict(zip(table[station], table[river], strict=True))
    found = {}
    for name, own in areas.items():
        smaller = [
            other
            for other, km2 in areas.items()
            if rivers[other] == rivers[name] and LEAST_SHARE * own <= km2 < own
        ]
        nearest = sorted(smaller, key=lambda other: -areas[other])
        joining = [other for other in TRIBUTARIES.get(name, ()) if other in areas]
        found[name] = tuple([*joining, *nearest][:MOST])
    return found
