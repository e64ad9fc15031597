"""Settings of an API in a folder of its own."""

from core.settings import Settings


def settings_in(folder):
    """Settings with everything in one folder, whatever the environment says."""
    return Settings(_env_file=None, CEREBROLAB_HOME=folder / "home", CEREBROLAB_RUNS_DIR=folder / "runs", CEREBROLAB_LOGS_DIR=folder / "logs")
