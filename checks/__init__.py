"""Checks: proof that a strategy does not look ahead, by taking its future away and seeing whether its past changes; the certificate that
paper equals backtest (`checks.parity`); live days beside their simulation (`checks.shadow_days`).

    report = checks.check(RunSpec(strategy="mine.py:Mine"))

Imports engine and everything below it; scripts may import it.
"""

from checks.check import check
from checks.report import Finding, Probe, Report

__all__ = ["Finding", "Probe", "Report", "check"]
