"""A node that speaks TLS, in a Pico's heap."""

import pytest
from tests.bench.bench_tls import least

from amont_hil.simulated import HEAP


@pytest.mark.micropython
@pytest.mark.servers
def test_three_sensors_and_tls_fit() -> None:
    free, largest = least("beside", HEAP)
    assert free >= largest > 1024
