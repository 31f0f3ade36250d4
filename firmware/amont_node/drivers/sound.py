# Distances by the time that sound takes. Pure; integers only.

from amont_node.measure import nearest


# Speed of sound in dry air, c = 331.3 + 0.606 T m/s (T in °C): within 0.1 % of the root law
# 331.3 sqrt(1 + T / 273.15) from -20 to 25 °C, 0.25 % at 40. Damp air is tenths of a percent
# faster.
def sound_mm_s(temp_cc: int) -> int:
    return 331300 + nearest(606 * temp_cc, 100)


# The distance that an echo of this time came from.
def echo_mm(echo_us: int, temp_cc: int) -> int:
    return nearest(echo_us * sound_mm_s(temp_cc), 2000000)


# A distance by a sensor that took the air to have `assumed_cc`.
def corrected_mm(range_mm: int, temp_cc: int, assumed_cc: int) -> int:
    return nearest(range_mm * sound_mm_s(temp_cc), sound_mm_s(assumed_cc))
