"""Source "synthetic": invented bars from a seeded generator, always labelled so. Imports core and feeds.source.

Returns follow one market factor, a sector factor and a symbol's own part, all Student t; on top come gaps,
dividends with pay dates, splits, listings, delistings and missing bars. Every symbol is generated from the first
session on by its own random stream and then cut, so that neither the range nor the company it is asked for in
changes a number. Minute bars are in feeds/synthetic_minutes.py and add up to the daily bars.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from core.calendars import Calendar, get_calendar
from core.errors import BadSpec, UnknownName
from core.series import SymbolBars
from feeds.intervals import is_intraday, require_daily
from feeds.source import Progress, cut
from feeds.synthetic_minutes import intraday_bars

FIRST, LAST = "2005-01-03", "2024-12-31"
INDEX = "^SYN"
SECTORS = ("Energy", "Materials", "Industrials", "Consumer Discretionary", "Consumer Staples", "Health Care",
           "Financials", "Information Technology", "Communication Services", "Utilities", "Real Estate")
DEFAULTS = {"seed": 0, "symbols": 20}
TAIL = 4.0  # degrees of freedom of the t distribution
MARKET, SECTOR = 0.009, 0.006  # daily standard deviations of the two factors
DRIFT = 0.0003
LARGEST_STEP = 0.35  # log return of one day
SPLIT_ABOVE, SPLIT_BELOW = 250.0, 3.0
PAY_DELAY = 15  # sessions from the ex-date to the pay date
LISTED_LATE, DELISTED = 0.3, 0.05  # parts of the symbols
GAP_RATE = 0.001  # part of the sessions without a bar


@dataclass(frozen=True, eq=False)
class SyntheticSource:
    """N symbols SYN001, SYN002, … and the index ^SYN.

    Attributes:
        seed: of everything. count: number of symbols. calendar: name of the exchange calendar.
    """

    seed: int = 0
    count: int = 20
    calendar: str = "XNYS"
    name = "synthetic"
    synthetic = True
    stored = False
    market_index = INDEX

    @classmethod
    def parse(cls, options: str = "", calendar: str = "XNYS") -> "SyntheticSource":
        """From the text after the colon of "synthetic:seed=7,symbols=500".

        Raises:
            UnknownName: no such option. BadSpec: a value that is no number, or out of range.
        """
        values = dict(DEFAULTS)
        for part in filter(None, options.split(",")):
            key, _, value = part.partition("=")
            if key.strip() not in DEFAULTS:
                raise UnknownName.of("option of the source synthetic", key.strip(), DEFAULTS)
            if not value.strip().isdecimal():
                raise BadSpec(f"synthetic {key}={value}: write a whole number, such as synthetic:seed=7,symbols=500")
            values[key.strip()] = int(value)
        if not 1 <= values["symbols"] <= 9_999:
            raise BadSpec(f"synthetic symbols={values['symbols']}: write a number from 1 to 9999")
        return cls(values["seed"], values["symbols"], calendar)

    @property
    def note(self) -> str:
        """What a report prints."""
        return f"synthetic bars, invented by a generator (seed {self.seed}): not market data"

    def symbols(self) -> tuple[str, ...]:
        """SYN001 … in order, without the index."""
        return tuple(f"SYN{number:03d}" for number in range(1, self.count + 1))

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """The names as they are.

        Raises:
            UnknownName: not one of `symbols()` or "^SYN".
        """
        for symbol in symbols:
            if symbol != INDEX and symbol not in self._known:
                hint = f"(synthetic has {self.count} symbols; more with synthetic:symbols=N)"
                raise UnknownName.of("symbol", symbol, (*self.symbols(), INDEX), hint)
        return tuple(symbols)

    def sector(self, symbol: str) -> str:
        """The sector of a symbol, one of `SECTORS`; "" for the index.

        Raises:
            UnknownName: not one of `symbols()` or "^SYN".
        """
        self.canonical([symbol])
        return "" if symbol == INDEX else SECTORS[_number(symbol) % len(SECTORS)]

    def last_session(self, symbols: Sequence[str]) -> np.datetime64:
        """The last session of the generator."""
        return np.datetime64(LAST, "D")

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d",
              progress: Progress | None = None) -> list[SymbolBars]:
        """Bars of the symbols; see `feeds.source.Source.fetch`.

        Raises:
            UnknownName: not one of `symbols()` or "^SYN". BadSpec: the interval is longer than a day.
        """
        intraday = is_intraday(interval)
        if not intraday:
            require_daily(interval, self.name)
        series = []
        for done, symbol in enumerate(self.canonical(symbols), 1):
            bars = cut(self._daily(symbol), start, end)
            if len(bars):
                key = (self.seed, _number(symbol))
                series.append(intraday_bars(bars, interval, key, get_calendar(self.calendar)) if intraday else bars)
            if progress:
                progress(done, len(symbols), symbol)
        return series

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.symbols())

    def _daily(self, symbol: str) -> SymbolBars:
        if symbol == INDEX:
            return _index_bars(self.seed, self.calendar)
        return _stock_bars(symbol, self.seed, self.calendar)


def _number(symbol: str) -> int:
    return 0 if symbol == INDEX else int(symbol.removeprefix("SYN"))


def _stream(seed: int, *key: int) -> np.random.Generator:
    return np.random.default_rng([seed, *key])


def _fat(stream: np.random.Generator, size: int) -> np.ndarray:
    """Student t with unit variance."""
    return stream.standard_t(TAIL, size) / np.sqrt(TAIL / (TAIL - 2))


@lru_cache(maxsize=4)
def _sessions(calendar: str) -> tuple[np.ndarray, np.ndarray]:
    source: Calendar = get_calendar(calendar)
    session = source.between(FIRST, LAST)
    return session, source.close_of(session)


@lru_cache(maxsize=16)
def _market(seed: int, length: int) -> np.ndarray:
    return DRIFT + MARKET * _fat(_stream(seed, 1), length)


@lru_cache(maxsize=256)
def _sector_factor(seed: int, sector: int, length: int) -> np.ndarray:
    return SECTOR * _fat(_stream(seed, 2, sector), length)


@lru_cache(maxsize=2_000)
def _stock_bars(symbol: str, seed: int, calendar: str) -> SymbolBars:
    """All daily bars of one stock."""
    session, index = _sessions(calendar)
    length, number = len(session), _number(symbol)
    stream = _stream(seed, 3, number)
    beta, own, start = stream.uniform(0.5, 1.5), stream.uniform(0.010, 0.022), stream.uniform(20, 120)
    returns = beta * _market(seed, length) + _sector_factor(seed, number % len(SECTORS), length)
    returns = np.clip(returns + own * _fat(stream, length), -LARGEST_STEP, LARGEST_STEP)
    paid = _dividend_yields(stream, length)
    path = start * np.exp(np.cumsum(returns + np.log1p(-paid)))
    split = _splits(path)
    close = path / np.cumprod(split)
    dividend = np.r_[0.0, np.round(paid[1:] * close[:-1] / split[1:], 2)]
    columns = _ohlcv(stream, close, returns, base_volume=10 ** stream.uniform(5.0, 6.7))
    columns["volume"] = np.rint(columns["volume"] * np.cumprod(split))
    kept = _listed(stream, length) & ~((stream.random(length) < GAP_RATE) & (dividend == 0) & (split == 1))
    later = session[np.minimum(np.arange(length) + PAY_DELAY, length - 1)]
    pay_date = np.where(dividend > 0, later, np.datetime64("NaT"))
    bars = SymbolBars.make(symbol, index, session, **columns, dividend=dividend, split=split, pay_date=pay_date,
                           validated=False)
    return bars.rows(kept)


@lru_cache(maxsize=16)
def _index_bars(seed: int, calendar: str) -> SymbolBars:
    """All daily bars of the index: the market factor alone, without actions."""
    session, index = _sessions(calendar)
    returns = np.clip(_market(seed, len(session)), -LARGEST_STEP, LARGEST_STEP)
    close = 1_000 * np.exp(np.cumsum(returns))
    return SymbolBars.make(INDEX, index, session, **_ohlcv(_stream(seed, 4), close, returns, base_volume=3e9),
                           validated=False)


def _ohlcv(stream: np.random.Generator, close: np.ndarray, returns: np.ndarray, base_volume: float) -> dict:
    """Prices in cents around each close, low <= open, close <= high, and a volume that grows with the move."""
    length, scale = len(close), returns.std()
    inside = 0.7 * returns + 0.3 * scale * stream.standard_normal(length)
    opened = close * np.exp(-inside)
    reach = np.exp(0.4 * scale * np.abs(stream.standard_normal((2, length))))
    high, low = np.maximum(opened, close) * reach[0], np.minimum(opened, close) / reach[1]
    busy = 1 + np.abs(returns) / scale
    volume = np.rint(base_volume * busy * np.exp(0.35 * stream.standard_normal(length)))
    prices = {"open": opened, "high": high, "low": low, "close": close}
    return {name: np.maximum(np.round(values, 2), 0.01) for name, values in prices.items()} | {"volume": volume}


def _dividend_yields(stream: np.random.Generator, length: int) -> np.ndarray:
    """(T,) part of the price paid on each ex-date: quarterly for six stocks of ten, else nothing."""
    paid = np.zeros(length)
    offset, rate, pays = stream.integers(1, 64), stream.uniform(0.002, 0.010), stream.random() < 0.6
    if pays:
        paid[offset::63] = rate
    return paid


def _splits(path: np.ndarray) -> np.ndarray:
    """(T,) ratio: 2, 3 or 4 for one the day after the price is too high, one for ten after it is too low."""
    split, at, price = np.ones(len(path)), 0, path.copy()
    while True:
        outside = (price[at:-1] > SPLIT_ABOVE) | (price[at:-1] < SPLIT_BELOW)
        if not outside.any():
            return split
        at += int(np.argmax(outside)) + 1
        before = price[at - 1]
        ratio = min(4.0, before // 100) if before > SPLIT_ABOVE else 0.1
        split[at] = ratio
        price[at:] /= ratio


def _listed(stream: np.random.Generator, length: int) -> np.ndarray:
    """(T,) bool: between listing and delisting."""
    late, gone, first, last = stream.random(4)
    rows = np.arange(length)
    begin = int(first * 0.6 * length) if late < LISTED_LATE else 0
    finish = int((0.7 + 0.3 * last) * length) if gone < DELISTED else length
    return (rows >= begin) & (rows < finish)
