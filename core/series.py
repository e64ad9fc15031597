"""The bars of one symbol, as sources deliver them and stores keep them, and the rules they must obey."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.errors import BadBars

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "volume")
TOLERANCE = 1e-9  # relative; prices that went through a division may differ in the last digits


@dataclass(frozen=True, eq=False)
class SymbolBars:
    """Raw bars of one symbol: T rows in time order, one per bar that traded.

    Attributes:
        symbol: canonical name ("BRK.B", "^GSPC").
        index: (T,) int64, UTC nanoseconds of the moment each bar is complete.
        session: (T,) datetime64[D], the exchange date.
        open, high, low, close, volume: (T,) float64, as traded; open, high, low and volume are NaN in a
            close-only series.
        dividend: (T,) float64, cash per share on the ex-date (its first bar), 0 elsewhere. On a day with a
            split too, per share after the split.
        split: (T,) float64, new shares per old share on the ex-date (its first bar), 1 elsewhere.
        pay_date: (T,) datetime64[D], when the dividend is paid; NaT where unknown.
        close_only: the source knows closes only; such a series fills at the next close.
    """

    symbol: str
    index: np.ndarray
    session: np.ndarray
    open: np.ndarray
    high: np.ndarray
    low: np.ndarray
    close: np.ndarray
    volume: np.ndarray
    dividend: np.ndarray
    split: np.ndarray
    pay_date: np.ndarray
    close_only: bool = False

    @classmethod
    def make(cls, symbol: str, index, session, close, *, open=None, high=None, low=None, volume=None,
             dividend=None, split=None, pay_date=None, validated: bool = True) -> "SymbolBars":
        """Build from array-likes, filling what is not given, and validate.

        Raises:
            BadBars: a rule of `validate` is broken.
        """
        rows = len(close)

        def column(values, default: float) -> np.ndarray:
            return np.full(rows, default) if values is None else np.ascontiguousarray(values, dtype=np.float64)

        bars = cls(
            symbol=symbol,
            index=np.ascontiguousarray(index, dtype=np.int64),
            session=np.asarray(session, dtype="datetime64[D]"),
            open=column(open, np.nan), high=column(high, np.nan), low=column(low, np.nan),
            close=column(close, np.nan), volume=column(volume, np.nan),
            dividend=column(dividend, 0.0), split=column(split, 1.0),
            pay_date=(np.full(rows, np.datetime64("NaT"), dtype="datetime64[D]") if pay_date is None
                      else np.asarray(pay_date, dtype="datetime64[D]")),
            close_only=open is None,
        )
        if validated:
            validate(bars)
        return bars

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, selection) -> "SymbolBars":
        """The rows picked by a slice, mask or index array."""
        columns = ("index", "session", *FIELDS, "dividend", "split", "pay_date")
        return replace(self, **{name: getattr(self, name)[selection] for name in columns})


def validate(bars: SymbolBars) -> None:
    """Check the rules every stored or computed-on series must obey.

    Times strictly increase; there is at least one bar; closes are positive numbers; open, high and low are
    positive, with low <= open, close <= high; volume is not negative; a split is positive; a dividend is
    not negative and below the previous close (in post-split shares).

    Raises:
        BadBars: names the symbol, the first row that breaks a rule, and the rule.
    """
    if not len(bars):
        raise BadBars(bars.symbol, "row 0", "there are no bars", "check the symbol and the dates")
    _check_times(bars)
    _check_prices(bars)
    _check_actions(bars)


def _check_times(bars: SymbolBars) -> None:
    steps = np.diff(bars.index)
    if not (steps > 0).all():
        row = int(np.argmax(steps <= 0)) + 1
        rule = "the time is there twice" if steps[row - 1] == 0 else "the time is before the row above"
        raise BadBars(bars.symbol, f"row {row} ({bars.session[row]})", rule, "remove or sort the rows")


def _check_prices(bars: SymbolBars) -> None:
    _reject(bars, ~np.isfinite(bars.close), lambda t: f"close {bars.close[t]} is not a number")
    for name in PRICES:
        values = getattr(bars, name)
        _reject(bars, values <= 0, partial(_shown, "{name} {value:g} is not positive", name, values))
    if not bars.close_only:
        for name in ("open", "high", "low"):
            values = getattr(bars, name)
            _reject(bars, ~np.isfinite(values), partial(_shown, "{name} {value} is not a number", name, values))
        slack = bars.close * TOLERANCE
        top, bottom = np.maximum(bars.open, bars.close), np.minimum(bars.open, bars.close)
        _reject(bars, bars.high < bars.low - slack,
                lambda t: f"high {bars.high[t]:g} is below low {bars.low[t]:g}")
        _reject(bars, bars.high < top - slack,
                lambda t: f"high {bars.high[t]:g} is below open or close {top[t]:g}")
        _reject(bars, bars.low > bottom + slack,
                lambda t: f"low {bars.low[t]:g} is above open or close {bottom[t]:g}")
    _reject(bars, bars.volume < 0, lambda t: f"volume {bars.volume[t]:g} is negative")


def _check_actions(bars: SymbolBars) -> None:
    _reject(bars, ~(bars.split > 0) | ~np.isfinite(bars.split),
            lambda t: f"split {bars.split[t]:g} is not a positive ratio")
    _reject(bars, ~(bars.dividend >= 0), lambda t: f"dividend {bars.dividend[t]:g} is negative")
    before = np.r_[np.inf, bars.close[:-1]] / bars.split
    _reject(bars, (bars.dividend > 0) & (bars.dividend >= before),
            lambda t: f"dividend {bars.dividend[t]:g} is not below the previous close {before[t]:g}")


def _shown(rule: str, name: str, values: np.ndarray, row: int) -> str:
    return rule.format(name=name, value=values[row])


def _reject(bars: SymbolBars, broken: np.ndarray, rule: Callable[[int], str]) -> None:
    if broken.any():
        row = int(np.argmax(broken))
        raise BadBars(bars.symbol, f"row {row} ({bars.session[row]})", rule(row))
