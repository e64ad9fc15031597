"""Build feeds/sample/bars.parquet, the real daily bars that come with the project, from public packages.

Run `python -m scripts.build_sample`; needs bokeh-sampledata, skfolio and arch (extra "dev"). The same package
versions give the same file, byte for byte. Origin and licences: feeds/sample/ORIGIN.md.
"""

import json
from collections.abc import Iterator
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.calendars import get_calendar
from core.errors import BadBars
from core.series import FIELDS, PRICES, SymbolBars
from feeds.sample_bars import METADATA_KEY, SAMPLE

CALENDAR = "XNYS"
FACTORS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
NOISE = 1e-7  # relative; below it two adjustment ratios are the same number
MOST_DECIMALS = 6
LARGEST_DIVIDEND = 0.2  # as a part of the price; a larger step is a split


def build(path: Path = SAMPLE) -> Path:
    """Write the sample file and return its path.

    Raises:
        BadBars: a package holds bars that break a rule, or a date that is no session.
    """
    described: dict[str, dict] = {}
    groups: list[pa.Table] = []
    for bars, about in sorted(_all_series(), key=lambda pair: pair[0].symbol):
        _check_sessions(bars)
        described[bars.symbol] = {"group": len(groups), "close_only": bars.close_only, "decimals": _decimals(bars),
                                  "first": str(bars.session[0]), "last": str(bars.session[-1]), **about}
        groups.append(_table(bars, described[bars.symbol]["decimals"]))
    schema = groups[0].schema.with_metadata({METADATA_KEY: json.dumps(described, sort_keys=True).encode()})
    delta = dict.fromkeys(("time", "session", *FIELDS), "DELTA_BINARY_PACKED")
    with pq.ParquetWriter(path, schema, compression="zstd", compression_level=19,
                          use_dictionary=["dividend", "split"], column_encoding=delta) as writer:
        for table in groups:
            writer.write_table(table.replace_schema_metadata(schema.metadata), row_group_size=len(table))
    return path


def derive_actions(close: np.ndarray, adjusted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(dividend, split) per row from raw and adjusted closes of a series that reinvests at the ex-date's close.

    The source divides the prices before an ex-date by `split` and by `1 + dividend / close on the ex-date`, so
    `close / adjusted` steps down by that factor. Dividends come out in whole cents.

    Raises:
        BadBars: a step is neither a small ratio nor a dividend in cents.
    """
    ratio = close / adjusted
    step = np.r_[1.0, ratio[:-1] / ratio[1:]]
    dividend, split = np.zeros(len(close)), np.ones(len(close))
    for row in np.flatnonzero(np.abs(step - 1) > NOISE):
        if step[row] - 1 < LARGEST_DIVIDEND and step[row] > 1:
            cash = (step[row] - 1) * close[row]
            dividend[row] = round(cash, 2)
            exact = abs(dividend[row] - cash) < 1e-6
        else:
            nearest = Fraction(step[row]).limit_denominator(20)
            split[row] = nearest.numerator / nearest.denominator
            exact = abs(split[row] / step[row] - 1) < NOISE
        if not exact:
            raise BadBars("sample", f"row {row}", f"step {step[row]} is neither a dividend in cents nor a split")
    return dividend, split


def _all_series() -> Iterator[tuple[SymbolBars, dict]]:
    yield from _stocks_with_actions()
    yield from _adjusted_closes()
    yield from _index_bars()


def _stocks_with_actions() -> Iterator[tuple[SymbolBars, dict]]:
    from bokeh_sampledata import stocks

    for symbol in ("AAPL", "FB", "GOOG", "IBM", "MSFT"):
        table = getattr(stocks, symbol)
        columns = {name: np.array(table[name], dtype=np.float64) for name in (*FIELDS, "adj_close")}
        dividend, split = derive_actions(columns["close"], columns.pop("adj_close"))
        bars = _series(symbol, table["date"], columns, dividend=dividend, split=split)
        yield bars, _about("bokeh-sampledata", "stock")


def _adjusted_closes() -> Iterator[tuple[SymbolBars, dict]]:
    from skfolio.datasets import load_factors_dataset, load_sp500_dataset, load_sp500_index

    frames = (load_sp500_dataset(), load_factors_dataset(), load_sp500_index())
    for frame in frames:
        for name in frame.columns:
            symbol = {"AAPL": "AAPL.ADJ", "MSFT": "MSFT.ADJ", "SP500": "^GSPC"}.get(name, name)
            kind = "index" if symbol == "^GSPC" else "etf" if name in FACTORS else "stock"
            bars = _series(symbol, frame.index, {"close": frame[name].to_numpy(np.float64)})
            yield bars, _about("skfolio", kind, adjusted=kind != "index")


def _index_bars() -> Iterator[tuple[SymbolBars, dict]]:
    from arch.data import nasdaq, sp500

    for symbol, package in (("^SPX", sp500), ("^IXIC", nasdaq)):
        frame = package.load()
        columns = {name: frame[name.capitalize()].to_numpy(np.float64) for name in FIELDS}
        yield _series(symbol, frame.index, columns), _about("arch", "index")


def _series(symbol: str, dates: Any, columns: dict[str, Any], **actions: Any) -> SymbolBars:
    session = pd.DatetimeIndex(dates).to_numpy().astype("datetime64[D]")
    index = get_calendar(CALENDAR).close_of(session)
    return SymbolBars.make(symbol, index, session, columns.pop("close"), **columns, **actions)


def _about(package: str, kind: str, adjusted: bool = False) -> dict:
    return {"package": f"{package} {version(package)}", "kind": kind, "adjusted": adjusted}


def _check_sessions(bars: SymbolBars) -> None:
    closed = get_calendar(CALENDAR).position(bars.session) < 0
    if closed.any():
        raise BadBars(bars.symbol, str(bars.session[closed][0]), f"the date is no session of {CALENDAR}")


def _decimals(bars: SymbolBars) -> int:
    """The fewest decimals that write every price of the series exactly."""
    prices = np.concatenate([getattr(bars, name) for name in (["close"] if bars.close_only else PRICES)])
    for decimals in range(MOST_DECIMALS + 1):
        if (np.rint(prices * 10**decimals) / 10**decimals == prices).all():
            return decimals
    raise BadBars(bars.symbol, "some row", f"a price has more than {MOST_DECIMALS} decimals")


def _table(bars: SymbolBars, decimals: int) -> pa.Table:
    scale = {name: 10**decimals for name in PRICES} | {"volume": 1}
    whole = {name: np.nan_to_num(np.rint(getattr(bars, name) * scale[name])).astype(np.int64) for name in FIELDS}
    return pa.table({"time": bars.index, "session": bars.session, **whole,
                     "dividend": bars.dividend, "split": bars.split})


if __name__ == "__main__":
    print(build())
