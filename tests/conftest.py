"""Settings of the whole suite: Hypothesis neither times its examples nor depends on earlier runs."""

from hypothesis import HealthCheck, settings

settings.register_profile("cerebrolab", deadline=None, derandomize=True, print_blob=True, max_examples=60,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cerebrolab")
