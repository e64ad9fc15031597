"""Undo a vendor's split adjustment, so that prices, volumes and dividends are those that traded. Imports core only."""

import logging
from typing import TYPE_CHECKING

import numpy as np

from core.series import SymbolBars

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
DIGITS = 7  # Yahoo's prices are single precision numbers printed in full
CASH_DECIMALS = 6


def later_splits(split: np.ndarray) -> np.ndarray:
    """(T,) product of the splits after each row: what earlier prices were divided by."""
    return np.r_[np.cumprod(split[::-1])[::-1][1:], 1.0]


def significant(values: np.ndarray, digits: int = DIGITS) -> np.ndarray:
    """Rounded to a number of significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        places = digits - 1 - np.floor(np.log10(np.abs(values)))
        scale = 10.0 ** np.where(np.isfinite(places), places, 0.0)
    return np.rint(values * scale) / scale


def to_raw(symbol: str, index: np.ndarray, session: np.ndarray, frame: "pd.DataFrame",
           actions: "pd.DataFrame | None" = None) -> SymbolBars | None:
    """Validated raw bars from a frame in yfinance's columns, which must reach until today; None without a usable row.

    Args:
        index, session: completion (UTC ns) and exchange date of each row of `frame`.
        actions: daily frame with the actions, where `frame` is intraday.

    Rows without a positive open, high, low and close are left out, their actions pass to the next row. A high or low
    that the open or close lies beyond is widened. Both are counted in the log.

    Raises:
        BadBars: a rule of `core.series.validate` is broken.
    """
    if not len(frame):
        return None
    days = session if actions is None else actions.index.tz_localize(None).to_numpy().astype("datetime64[D]")
    source = frame if actions is None else actions
    ratio, cash = source["Stock Splits"].to_numpy(np.float64), source["Dividends"].to_numpy(np.float64)
    ratio = np.where(ratio > 0, ratio, 1.0)
    day_factor = later_splits(ratio)
    cash = np.round(cash * day_factor, CASH_DECIMALS)
    factor = day_factor if actions is None else _factor_on(session, days, day_factor)
    prices = {name: significant(frame[name.capitalize()].to_numpy(np.float64) * factor)
              for name in ("open", "high", "low", "close")}
    usable = np.logical_and.reduce([values > 0 for values in prices.values()])
    if not usable.any():
        return None
    if not usable.all():
        log.warning("%s: %d rows without a price left out", symbol, int((~usable).sum()))
    volume = np.rint(frame["Volume"].to_numpy(np.float64) / factor)
    columns = {name: values[usable] for name, values in {**prices, "volume": volume}.items()}
    _widen(symbol, columns)
    dividend, split = _placed(session[usable], days, cash, ratio)
    return SymbolBars.make(symbol, index[usable], session[usable], **columns, dividend=dividend, split=split)


def _factor_on(session: np.ndarray, days: np.ndarray, day_factor: np.ndarray) -> np.ndarray:
    """The factor of each row's day; 1 after the last day known, of the next day known otherwise."""
    return np.r_[day_factor, 1.0][np.searchsorted(days, session, "left")]


def _placed(session: np.ndarray, days: np.ndarray, cash: np.ndarray,
            ratio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(dividend, split) on the first row of each ex-date, or of the next day that has a row."""
    dividend, split = np.zeros(len(session)), np.ones(len(session))
    for day in np.flatnonzero((cash > 0) | (ratio != 1)):
        at = int(np.searchsorted(session, days[day], "left"))
        if at < len(session) and days[day] >= session[0]:
            dividend[at] = dividend[at] / ratio[day] + cash[day]
            split[at] *= ratio[day]
    return dividend, split


def _widen(symbol: str, columns: dict[str, np.ndarray]) -> None:
    top, bottom = np.maximum(columns["open"], columns["close"]), np.minimum(columns["open"], columns["close"])
    beyond = (columns["high"] < top) | (columns["low"] > bottom)
    if beyond.any():
        log.warning("%s: high or low widened to hold open and close on %d rows", symbol, int(beyond.sum()))
        columns["high"], columns["low"] = np.maximum(columns["high"], top), np.minimum(columns["low"], bottom)
