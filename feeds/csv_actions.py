"""Splits and dividends from SYMBOL.actions.csv: columns date, dividend, split, and pay_date where it is known.

The date is the ex-date; the split is new shares per old share. An action on a day without a bar takes effect on the
next bar; one before the first bar is of no use and left out. Imports core only.
"""

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from core.series import SymbolBars
from feeds.csv_dates import parse_times
from feeds.csv_table import CsvTable, read_table

log = logging.getLogger(__name__)


def with_actions(bars: SymbolBars, path: Path) -> SymbolBars:
    """The bars with the actions of `path` on the first bar of their ex-date; unchanged without such a file.

    Raises:
        BadBars: names file, line and value: a split that is not positive, a dividend that is negative or not below
            the previous close, an action after the last bar.
    """
    if not path.is_file() or not len(bars):
        return bars
    table = read_table(path)
    table.require("date")
    if not {"dividend", "split"} & set(table.columns):
        table.require("dividend")
    dividend, split, pay_date = bars.dividend.copy(), bars.split.copy(), bars.pay_date.copy()
    cash, ratio, paid = _cash(table), _ratio(table), _pay_dates(table)
    places = _places(table, bars)
    for row, at in enumerate(places):
        if at >= 0:
            dividend[at] += cash[row]
            split[at] *= ratio[row]
            pay_date[at] = paid[row] if cash[row] else pay_date[at]
    _check_cash(table, bars, places, dividend, split)
    return replace(bars, dividend=dividend, split=split, pay_date=pay_date)


def _places(table: CsvTable, bars: SymbolBars) -> list[int]:
    """Row of the bar each action takes effect on; -1 before the first bar."""
    dates = np.array([time.date() for time in parse_times(table.columns["date"], table.bad)], dtype="datetime64[D]")
    places = np.searchsorted(bars.session, dates, "left")
    for row, at in enumerate(places):
        if at == len(bars):
            rule = f"the action of {dates[row]} is after the last bar ({bars.session[-1]})"
            raise table.bad(row, rule, "add the missing bars or remove the action")
        if bars.session[at] != dates[row] and dates[row] > bars.session[0]:
            log.warning("%s: no bar on %s, its action takes effect on %s", table.path, dates[row], bars.session[at])
    return np.where(dates < bars.session[0], -1, places).tolist()


def _ratio(table: CsvTable) -> np.ndarray:
    if "split" not in table.columns:
        return np.ones(len(table))
    ratio = table.numbers("split", empty=1.0)
    for row, value in enumerate(ratio):
        if value <= 0:
            raise table.bad(row, f"split {value:g} is not a positive ratio", "write 4 for four new shares per old one")
    return ratio


def _cash(table: CsvTable) -> np.ndarray:
    if "dividend" not in table.columns:
        return np.zeros(len(table))
    cash = table.numbers("dividend", empty=0.0)
    for row, value in enumerate(cash):
        if value < 0:
            raise table.bad(row, f"dividend {value:g} is negative", "write cash per share")
    return cash


def _pay_dates(table: CsvTable) -> np.ndarray:
    paid = np.full(len(table), np.datetime64("NaT"), dtype="datetime64[D]")
    rows = [row for row, text in enumerate(table.columns.get("pay_date", ())) if text]
    if rows:
        given = table.rows(rows)
        paid[rows] = [time.date() for time in parse_times(given.columns["pay_date"], given.bad)]
    return paid


def _check_cash(table: CsvTable, bars: SymbolBars, places: list[int], dividend: np.ndarray, split: np.ndarray) -> None:
    before = np.r_[np.inf, bars.close[:-1]] / split
    for row, at in enumerate(places):
        if at >= 0 and dividend[at] >= before[at]:
            rule = f"dividend {dividend[at]:g} is not below the previous close {before[at]:g}"
            raise table.bad(row, rule, "write cash per share, after the split")
