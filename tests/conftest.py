"""Settings of the whole suite: Hypothesis neither times its examples nor depends on earlier runs; garbage is looked for less often;
temporary files are in memory where there is room, as a busy disk takes seconds for what databases write."""

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from chromium import chromium
from hypothesis import HealthCheck, settings
from questdb_server import _quest_place, _quest_server  # noqa: F401  (fixtures of every folder)
from scheduling import ByFile, slow_first

settings.register_profile("cerebrolab", deadline=None, derandomize=True, print_blob=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cerebrolab")

gc.set_threshold(100_000, 20, 50)  # a tenth of the time

MEMORY = Path("/dev/shm")
ROOM = 6 * 2**30  # bytes

if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC and shutil.disk_usage(MEMORY).free > ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log) if config.option.dist == "loadgroup" else None


def pytest_collection_modifyitems(config, items):
    if hasattr(config, "workerinput"):
        slow_first(items)


@pytest.fixture(name="browser", scope="module")
def _browser():
    """One at a time in a process, and gone with its module: while playwright is there, `asyncio.run` refuses."""
    with chromium() as browser:
        yield browser
