"""Work out the yield and the losses of a network from its volumes, as French law defines them.

Volumes V1 to V9, the indices P105.3 and P106.3 and the yield P104.3: arrêté of 2 May 2007 on the
yearly reports of water services, annex I, as amended on 2 December 2013. The yield that must be
reached: code de l'environnement, art. D. 213-48-14-1 (décret 2012-97 of 27 January 2012).
Everything is computed in decimal numbers and rounded once, at the end, half away from zero.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

DAYS_A_YEAR = 365  # the law divides by 365 whatever the year
GOAL_PERCENT = Decimal(85)
BASE_PERCENT = {False: Decimal(65), True: Decimal(70)}
SHARE_OF_ILC = Decimal(5)

# Volumes by the name that the import gives them; V7 is the sum of both metered ones.
PRODUCED, IMPORTED, EXPORTED = "produced", "imported", "exported"
DOMESTIC, OTHER = "metered_domestic", "metered_other"
UNMETERED, SERVICE = "unmetered", "service"
KINDS = (PRODUCED, IMPORTED, EXPORTED, DOMESTIC, OTHER, UNMETERED, SERVICE)
# Estimated by nature: nobody meters a fire hydrant or the rinsing of a tank.
ALWAYS_ESTIMATED = (UNMETERED, SERVICE)


class BalanceError(ValueError):
    """The volumes give no indicator; the message says what is wanting."""


@dataclass(frozen=True)
class Network:
    """What the law asks of a network: mains without service pipes, and whether water is scarce.

    ``scarce``: the water comes from a zone de répartition des eaux and more than 2 million m³ a
    year are taken from it.
    """

    length_km: Decimal
    scarce: bool = False

    def __post_init__(self) -> None:
        """Raise BalanceError for a length that no network has."""
        if not self.length_km.is_finite() or not 0 < self.length_km < 100_000:
            raise BalanceError(f"length of the network: {self.length_km} km; it must be above 0")


@dataclass(frozen=True)
class Balance:
    """A year's volumes in m³ and what follows from them; nothing is rounded yet."""

    network: Network
    volume_m3: Mapping[str, Decimal]
    days: int

    @property
    def distributed_m3(self) -> Decimal:
        """V4, put into distribution: produced and imported less exported."""
        volume = self.volume_m3
        return volume[PRODUCED] + volume[IMPORTED] - volume[EXPORTED]

    @property
    def metered_m3(self) -> Decimal:
        """V7, metered."""
        return self.volume_m3[DOMESTIC] + self.volume_m3[OTHER]

    @property
    def authorised_m3(self) -> Decimal:
        """V6, consumed with leave: metered, unmetered and used by the service."""
        return self.metered_m3 + self.volume_m3[UNMETERED] + self.volume_m3[SERVICE]

    @property
    def lost_m3(self) -> Decimal:
        """V5, lost; below zero the volumes contradict each other."""
        return self.distributed_m3 - self.authorised_m3

    @property
    def yield_percent(self) -> Decimal:
        """P104.3: (V6 + V3) / (V1 + V2)."""
        volume = self.volume_m3
        entered = volume[PRODUCED] + volume[IMPORTED]
        return 100 * (self.authorised_m3 + volume[EXPORTED]) / entered

    @property
    def consumption_m3_km_day(self) -> Decimal:
        """ILC: what is used and sold, (V6 + V3), by km and day."""
        return self._by_km_and_day(self.authorised_m3 + self.volume_m3[EXPORTED])

    @property
    def uncounted_m3_km_day(self) -> Decimal:
        """P105.3, ILVNC: (V4 - V7) by km and day."""
        return self._by_km_and_day(self.distributed_m3 - self.metered_m3)

    @property
    def losses_m3_km_day(self) -> Decimal:
        """P106.3, ILP: (V4 - V6) by km and day."""
        return self._by_km_and_day(self.lost_m3)

    @property
    def asked_percent(self) -> Decimal:
        """The yield that must be reached: 85, or less where the network is long for its water."""
        base = BASE_PERCENT[self.network.scarce]
        return min(GOAL_PERCENT, base + self.consumption_m3_km_day / SHARE_OF_ILC)

    @property
    def reached(self) -> bool:
        """Whether the yield that must be reached is."""
        return self.yield_percent >= self.asked_percent

    @property
    def contradicts(self) -> bool:
        """Whether more is consumed than was put in: meters read at other times, or a mistake."""
        return self.lost_m3 < 0

    def _by_km_and_day(self, volume_m3: Decimal) -> Decimal:
        days = DAYS_A_YEAR if self.days in (365, 366) else self.days
        return volume_m3 / (days * self.network.length_km)


def balance(network: Network, volume_m3: Mapping[str, Decimal], days: int) -> Balance:
    """Return the balance of volumes over ``days``; kinds that are not given count as zero.

    Raise BalanceError where water neither comes in nor is metered, or a volume is negative.
    """
    unknown = sorted(set(volume_m3) - set(KINDS))
    if unknown:
        raise BalanceError(f"no such volume: {', '.join(unknown)}")
    whole = {kind: volume_m3.get(kind, Decimal(0)) for kind in KINDS}
    negative = [kind for kind, volume in whole.items() if volume < 0]
    if negative:
        raise BalanceError(f"below zero: {', '.join(negative)}")
    if days < 1:
        raise BalanceError(f"{days} days")
    if not whole[PRODUCED] + whole[IMPORTED] > 0:
        raise BalanceError("no water comes in: neither produced nor imported")
    if DOMESTIC not in volume_m3:
        raise BalanceError("no metered domestic volume")
    return Balance(network, whole, days)


def rounded(value: Decimal, digits: int = 1) -> Decimal:
    """Return ``value`` to so many digits, halves away from zero, as people round."""
    return value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
