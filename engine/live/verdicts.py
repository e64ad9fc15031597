"""What the gate has said of a run, before it trades: paper warns, live refuses. Imports engine.deciding and journal."""

from typing import Any

from core.errors import BadSpec
from core.spec import RunSpec
from engine.deciding import deciding
from engine.resolve import source_digest, strategy_class
from journal import Journal

ADVICE = "sweep its parameters, then ask cerebrolab gate"


def check_gate(spec: RunSpec, journal: Journal, refuse: bool) -> str:
    """A sentence where the strategy has not passed the gate with these parameters on this universe; "" where it has.

    Raises:
        BadSpec: it has not, and `refuse`.
    """
    strategy: Any = strategy_class(spec.strategy)
    verdict = journal.ledger.verdict(source_digest(strategy), deciding(spec), spec.symbols)
    if verdict is not None and verdict.passed:
        return ""
    if verdict is None:
        told = f"{strategy.__name__} has not been before the gate with these parameters on these symbols: {ADVICE}"
    else:
        told = f"{strategy.__name__} failed the gate: {'; '.join(verdict.reasons) or 'no reason is recorded'}"
    if refuse:
        raise BadSpec(told)
    return told
