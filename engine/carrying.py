"""What holding costs in a run: its terms, worked out on the sessions of its bars. Imports core and feeds."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from core.bars import Bars
from core.carry import Lending, Nights
from core.errors import UsageError
from core.options import Carry, read_group
from core.spec import RunSpec
from feeds.shorts_file import read_shorts


def carry_of(spec: RunSpec) -> Carry:
    """The rates of a spec."""
    return Carry(*map(float, read_group(Carry, spec.carry)))


def lending_of(spec: RunSpec) -> Lending:
    """What a spec says of shares that are borrowed.

    Raises:
        UsageError: see `feeds.shorts_file.read_shorts`.
    """
    fee = carry_of(spec).borrow
    if spec.shorts is None:
        return Lending(fee)
    path = Path(spec.shorts)
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise UsageError(f"cannot read the file of shorts {path}: {error.strerror}") from None
    return _read(path, changed, fee)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int, fee: float) -> Lending:
    return Lending(fee, read_shorts(path))


def nights_of(spec: RunSpec, bars: Bars) -> Nights:
    """When carry is booked on these bars, and at which terms."""
    carry, lending = carry_of(spec), lending_of(spec)
    begins = np.flatnonzero(np.r_[True, bars.session[1:] != bars.session[:-1]])
    sessions = bars.session[begins]
    fees, lent = lending.fees(bars.symbols, sessions), lending.lent(bars.symbols, sessions)
    rows, days = begins[1:], np.diff(sessions).astype(np.float64)
    if not (fees.any() or carry.margin or carry.cash):
        rows, days = rows[:0], days[:0]
    elif len(fees) > 1:
        fees = fees[:-1]  # what was known the evening before
    if lent is None:
        return Nights(rows, days, fees, np.empty(0, np.int64), np.empty((0, len(bars.symbols)), np.bool_))
    return Nights(rows, days, fees, np.searchsorted(sessions, bars.session), lent)
