"""The guard of a run: what it may never do, in the simulation as on a live account. Imports core and Backtrader only.

`RunGuard` is asked about every order (`brokers.hooks.Hooks.refuse`) and looked at on every bar; the limits are those of
`core.options.Guard`. Who writes down what it says, and closes positions, is `engine.guarding`'s affair.
"""

from brokers.guard.kill_switch import DAY, KILLED, REFUSED, RESUMED, KillSwitch
from brokers.guard.run_guard import KILL, RunGuard

__all__ = ["DAY", "KILL", "KILLED", "REFUSED", "RESUMED", "KillSwitch", "RunGuard"]
