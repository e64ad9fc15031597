"""Settings of the whole suite: Hypothesis neither times its examples nor depends on earlier runs; garbage is looked for less often."""

import gc

import pytest
from chromium import chromium
from hypothesis import HealthCheck, settings
from questdb_server import _quest_place, _quest_server  # noqa: F401  (fixtures of every folder)

settings.register_profile("cerebrolab", deadline=None, derandomize=True, print_blob=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cerebrolab")

gc.set_threshold(100_000, 20, 50)  # a tenth of the time


def pytest_configure(config):
    config.addinivalue_line("markers", "xdist_group(name): one process runs all of a group, with --dist loadgroup")


@pytest.fixture(name="browser", scope="session")
def _browser():
    """One for the whole process: playwright takes no second one beside it."""
    with chromium() as browser:
        yield browser
