"""Estimate without a map how well a bridge hears a node: loss on the way, margin, delivery.

Nothing here knows the ground. The loss is a median over places of one kind, so each answer is a
band: eight places of ten lie within it. What a formula is not valid for stands beside it; figures
that nobody measured are marked as assumed. Distances and heights in m, frequencies in MHz.

Sources: Recommendation ITU-R P.525 (free space), P.526 (one edge), Report ITU-R SM.2028 (Hata's
formulas as SEAMCAT extends them to low antennas), Semtech's SX1262 datasheet (reception),
ERC Recommendation 70-03 and EN 300 220-2 (what may be radiated).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import asin, cos, hypot, log10, pi, radians, sin, sqrt
from statistics import NormalDist

FREQUENCY_MHZ = 868.3
LIGHT_M_US = 299.792458
EARTH_M = 6_371_000.0
ERP_MOST_DBM = 14.0  # 25 mW within 868.0 to 868.6 MHz: ERC 70-03 annex 1 h1.4
DIPOLE_DBI = 2.15  # power is limited beside a half-wave dipole, gains are told beside a sphere

# SX1262 datasheet, table 6-1: signal to noise that a spreading factor needs. With a noise figure
# of 6 dB that gives -124.5 dBm at SF7 and -137 at SF12; the datasheet's table 3-8 says -124 and
# -137 (125 kHz, boosted gain, one frame of 64 bytes in a hundred lost).
REQUIRED_SNR_DB = {7: -7.5, 8: -10.0, 9: -12.5, 10: -15.0, 11: -17.5, 12: -20.0}
NOISE_FIGURE_DB = 6.0
THERMAL_DBM_HZ = -174.0

BEYOND = 0.1  # of such places lie below a band, and as many above it
# The best of so many receivers whose ways are of one kind and independent: mean and deviation of
# the largest of as many normal numbers, in deviations of one (Tippett 1925).
BEST = {1: (0.0, 1.0), 2: (0.564, 0.826), 3: (0.846, 0.748), 4: (1.029, 0.701)}
FRAMES_NEEDED = 0.8  # overlap makes 99.9 % of the readings of that: plan.py
LOW_M = 0.35
LID_DB = 25.0
OBSTACLE_M = 20.0


@dataclass(frozen=True)
class Setting:
    """What is around a node; spreads are standard deviations, log-normal.

    ``place_db``: of places of one kind around the median. ``time_db``: of frames at one place
    (rain, leaves, flood, channels). ``assumed``: no published figure stands behind the numbers.
    """

    name: str
    place_db: float
    time_db: float
    extra_db: float = 0.0
    assumed: bool = False
    source: str = ""


# 9 dB: SM.2028 beyond 600 m. 5.6 dB: what Rayleigh fading spreads by (its logarithm's deviation),
# the worst that many paths without a direct one can do.
SETTINGS = {
    setting.name: setting
    for setting in (
        Setting("clear", 4, 3, assumed=True, source="two rays over flat ground; spreads assumed"),
        Setting("open", 9, 5.6, source="SM.2028, open area"),
        Setting("village", 9, 5.6, source="SM.2028, suburban"),
        Setting("valley", 10, 5.6, assumed=True, source="open area and one edge by P.526"),
        Setting(
            "manhole", 10, 5.6, LID_DB, assumed=True,
            source="suburban, antenna at the ground, and 25 dB of a cast-iron lid",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """A node, its bridge, and what lies between; gains in dBi, the cable's loss taken off.

    ``obstacle_m``: how far a valley's spur or ridge reaches above the line between both.
    ``receivers``: the bridge, and those that only listen, each with an antenna that looks out on
    another side.
    """

    distance_m: float
    setting: str
    sf: int
    node_m: float = 2.0
    bridge_m: float = 8.0
    node_gain_db: float = 0.0
    bridge_gain_db: float = 2.0
    power_dbm: float = 14.0
    obstacle_m: float = OBSTACLE_M
    frequency_mhz: float = FREQUENCY_MHZ
    receivers: int = 1

    @property
    def erp_dbm(self) -> float:
        """Return what the node radiates in its best direction, beside a dipole: the law's word."""
        return self.power_dbm + self.node_gain_db - DIPOLE_DBI


@dataclass(frozen=True)
class Estimate:
    """What is to be expected of a link: margins in dB above what the receiver needs.

    ``margin_db`` is the median of one receiver; all else is of the best of them.
    """

    loss_db: float
    received_dbm: float
    margin_db: float
    setting: Setting = field(repr=False)
    receivers: int = 1

    def _reached_db(self, share: float) -> float:
        """Return the margin that such a share of places does not reach."""
        of_one = NormalDist().inv_cdf(share ** (1 / self.receivers))
        return self.margin_db + of_one * self.setting.place_db

    @property
    def band_db(self) -> tuple[float, float]:
        """Return the margins between which eight of ten such places lie."""
        return self._reached_db(BEYOND), self._reached_db(1 - BEYOND)

    @property
    def frames(self) -> tuple[float, float, float]:
        """Return the share of frames heard: at the band's worse edge, over all places, better."""
        worse_db, better_db = self.band_db
        place_db, time_db = self.setting.place_db, self.setting.time_db
        mean, deviation = BEST[self.receivers]
        return (
            delivery(worse_db, time_db),
            delivery(self.margin_db + mean * place_db, hypot(deviation * place_db, time_db)),
            delivery(better_db, time_db),
        )

    @property
    def word(self) -> str:
        """Return "good", "marginal" or "unlikely".

        Good: at nine of ten such places enough frames come through. Unlikely: at more than half
        of them most do not.
        """
        if self.frames[0] >= FRAMES_NEEDED:
            return "good"
        return "unlikely" if self._reached_db(0.5) < 0 else "marginal"


def estimate(link: Link) -> Estimate:
    """Return what a link's bridge receives and how far above its need; both ways alike."""
    lost_db = loss_db(link)
    gains_db = link.node_gain_db + link.bridge_gain_db
    received_dbm = link.power_dbm + gains_db - lost_db
    margin_db = received_dbm - sensitivity_dbm(link.sf)
    return Estimate(lost_db, received_dbm, margin_db, SETTINGS[link.setting], link.receivers)


def sensitivity_dbm(sf: int, bw_khz: float = 125) -> float:
    """Return the weakest signal that is received."""
    return noise_dbm(bw_khz) + REQUIRED_SNR_DB[sf]


def noise_dbm(bw_khz: float = 125) -> float:
    """Return a receiver's own noise; noise from outside (a Pi's supplies) comes on top of it."""
    return THERMAL_DBM_HZ + 10 * log10(1000 * bw_khz) + NOISE_FIGURE_DB


def loss_db(link: Link) -> float:
    """Return the median loss between both antennas, never less than in free space."""
    # Nearer to the ground than a wavelength it is part of the antenna, whatever the formula says.
    low_m, high_m = (max(m, LOW_M) for m in sorted((link.node_m, link.bridge_m)))
    mhz, away_m = link.frequency_mhz, max(link.distance_m, 1.0)
    least_db = free_space_db(hypot(away_m, high_m - low_m), mhz)
    if link.setting == "clear":
        return max(least_db, two_rays_db(away_m, low_m, high_m))
    if link.setting == "manhole":
        low_m = 1.0
    area = "open" if link.setting in ("open", "valley") else "suburban"
    median_db = max(least_db, hata_db(away_m, low_m, high_m, area, mhz))
    if link.setting == "valley":
        return median_db + edge_db(link.obstacle_m, away_m / 2, away_m / 2, mhz)
    return median_db + SETTINGS[link.setting].extra_db


def delivery(margin_db: float, spread_db: float) -> float:
    """Return the share of frames that come through where the margin spreads log-normally."""
    return NormalDist().cdf(margin_db / spread_db)


def fade_margin_db(share: float, spread_db: float) -> float:
    """Return the median margin from which on such a share of frames comes through."""
    return NormalDist().inv_cdf(share) * spread_db


def distance_m(here: tuple[float, float], there: tuple[float, float]) -> float:
    """Return the distance over a sphere between two (latitude, longitude) in degrees."""
    (north_a, east_a), (north_b, east_b) = here, there
    north, east = radians(north_b - north_a) / 2, radians(east_b - east_a) / 2
    chord = sin(north) ** 2 + cos(radians(north_a)) * cos(radians(north_b)) * sin(east) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(chord)))


def free_space_db(away_m: float, mhz: float = FREQUENCY_MHZ) -> float:
    """Return the loss between two antennas with nothing near (P.525)."""
    return 32.4 + 20 * log10(mhz) + 20 * log10(away_m / 1000)


def two_rays_db(away_m: float, low_m: float, high_m: float) -> float:
    """Return the loss of a direct ray and one off flat ground, beyond where they first cancel.

    Not valid nearer than 4 pi h h / wavelength, where it falls below free space, nor over
    anything but flat ground that both antennas see.
    """
    return 40 * log10(away_m) - 20 * log10(low_m * high_m)


def edge_db(above_m: float, near_m: float, far_m: float, mhz: float = FREQUENCY_MHZ) -> float:
    """Return the loss over one sharp edge (P.526); rounded hills lose more."""
    wave_m = LIGHT_M_US / mhz
    nu = above_m * sqrt(2 / wave_m * (1 / near_m + 1 / far_m))
    if nu <= -0.78:
        return 0.0
    return 6.9 + 20 * log10(sqrt((nu - 0.1) ** 2 + 1) + nu - 0.1)


def hata_db(
    away_m: float, low_m: float, high_m: float, area: str, mhz: float = FREQUENCY_MHZ
) -> float:
    """Return the median loss by Hata's formulas, extended to high antennas below 30 m.

    ``area``: "urban", "suburban" or "open". Measured at Tokyo for 150 to 1500 MHz, 30 to 200 m
    above roofs, 1 to 10 m, 1 to 20 km. Not valid for mountains, nor with both antennas below the
    roofs; below 30 m and 1 km an extrapolation, which SM.2028 gives. Nearer than 100 m between
    that and free space.
    """
    low_m = max(low_m, 1.0)
    if away_m < 100:
        near_db = free_space_db(hypot(max(min(away_m, 40.0), 1.0), high_m - low_m), mhz)
        if away_m <= 40:
            return near_db
        share = (log10(away_m) - log10(40)) / (log10(100) - log10(40))
        return near_db + share * (hata_db(100, low_m, high_m, area, mhz) - near_db)
    f, tall_m = log10(mhz), max(30.0, high_m)
    low_db = (1.1 * f - 0.7) * min(10.0, low_m) - (1.56 * f - 0.8) + max(0, 20 * log10(low_m / 10))
    short_db = min(0.0, 20 * log10(high_m / 30))
    slope_db = (44.9 - 6.55 * log10(tall_m)) * log10(away_m / 1000)
    urban_db = 69.6 + 26.2 * f - 13.82 * log10(tall_m) + slope_db - low_db - short_db
    if area == "suburban":
        return urban_db - 2 * log10(mhz / 28) ** 2 - 5.4
    return urban_db if area == "urban" else urban_db - 4.78 * f**2 + 18.33 * f - 40.94


def break_m(low_m: float, high_m: float, mhz: float = FREQUENCY_MHZ) -> float:
    """Return the distance at which two rays lose as much as free space."""
    return 4 * pi * low_m * high_m * mhz / LIGHT_M_US
