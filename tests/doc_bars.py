"""Made-up markets for the pages of docs/, under the names of well-known funds and stocks: what Yahoo and Alpaca have of them there."""

import numpy as np
import pandas as pd
from made_bars import walk
from yahoo_server import Listing, YahooServer

from brokers.local_alpaca.made_minutes import minute_frame
from core.bars import Bars
from core.calendars import get_calendar
from core.clock import SystemClock

FIRST = "2024-01-02"
ROWS = 5_000  # made of each symbol, so that a longer range has the same beginning
SYMBOLS = ("SPY", "QQQ", "IWM", "EFA", "TLT", "GLD", "AAPL", "MSFT", "NVDA", "^GSPC")


def daily(last: np.datetime64) -> dict[str, pd.DataFrame]:
    """Frames of daily bars by symbol up to a session, prices in whole cents."""
    sessions = get_calendar("XNYS").between(FIRST, str(last)).astype("datetime64[ns]")
    return {symbol: walk(ROWS, seed).round(2)[:len(sessions)].set_axis(sessions) for seed, symbol in enumerate(SYMBOLS)}


def minutes(day: str, symbols=("SPY", "QQQ")) -> Bars:
    """The minutes of one session."""
    frames = {}
    for seed, symbol in enumerate(symbols):
        steps = np.random.default_rng(seed).normal(0, 0.0005, 390)
        frames[symbol] = minute_frame(np.round(100 * np.exp(np.cumsum(steps)), 2), f"{day} 09:30")
    return Bars.from_frames(frames, interval="1m")


def yahoo() -> YahooServer:
    """A session for yfinance that answers for these symbols, up to the latest close: a dividend of SPY, a split of NVDA."""
    calendar = get_calendar("XNYS")
    last = calendar.sessions[calendar.closes <= SystemClock().now_ns()][-1]
    listings = {symbol: Listing([(f"{day.date()}", *row) for day, row in zip(frame.index, frame.to_numpy().tolist(), strict=True)])
                for symbol, frame in daily(last).items()}
    listings["SPY"].dividends["2025-06-20"] = 0.5
    listings["NVDA"].splits["2024-06-10"] = 10.0
    return YahooServer(listings)
