"""Settings of the whole suite: Hypothesis neither times its examples nor depends on earlier runs; garbage is looked for less often."""

import gc

from hypothesis import HealthCheck, settings

settings.register_profile("cerebrolab", deadline=None, derandomize=True, print_blob=True, max_examples=30,
                          suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cerebrolab")

gc.set_threshold(100_000, 20, 50)  # a tenth of the time
