"""Set what holds for every test: seeds, and what a skipped test means in CI."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline: a test says what must happen, never how fast this machine is. Derandomised, so that
# a red run is red again; FULL=1 explores afresh.
settings.register_profile(
    "amont",
    deadline=None,
    derandomize=not os.environ.get("FULL"),
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile("amont")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a CI run in which a test was skipped: there, every real part must be present."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") and reporter is not None and reporter.stats.get("skipped"):
        reporter.write_line("CI: a skipped test is a failure here", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
