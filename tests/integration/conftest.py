"""A market that goes up today, at a local Alpaca that the real client library asks, and a real mail server; both for processes of their own."""

import time

import numpy as np
import pandas as pd
import pytest
from mail_server import postbox
from served_stack import settings_of

from brokers.local_alpaca import LocalAlpaca
from core.bars import Bars
from core.calendars import get_calendar
from services.daily.run import last_due

SYMBOL = "UPP"  # falls slowly, and has its golden cross on the session whose daily run is due


def rising(last):
    """Daily bars up to a session: 250 that fall, and one far above."""
    hours = get_calendar("XNYS")
    sessions = hours.between(last - np.timedelta64(500, "D"), last)[-251:]
    closes = np.r_[10.0 - 0.001 * np.arange(250), 30.0]
    frame = pd.DataFrame({name: closes for name in ("open", "high", "low", "close")}, index=pd.DatetimeIndex(sessions)).assign(volume=1e6)
    return Bars.from_frames({SYMBOL: frame})


@pytest.fixture(name="due", scope="session")
def _due():
    return last_due(get_calendar("XNYS"), time.time_ns())


@pytest.fixture(name="world")
def _world(due, tmp_path):
    """(environment of processes, the postbox)."""
    with postbox() as (box, port), LocalAlpaca(rising(due), now=pd.Timestamp.now("America/New_York").isoformat()) as alpaca:
        keys = dict(API_KEY=alpaca.key_id, SECRET_KEY=alpaca.secret_key, BASE_URL=alpaca.url, DATA_URL=alpaca.data_url, STREAM_URL=alpaca.stream_url,
                    TRADE_STREAM_URL=alpaca.trade_stream_url)
        mail = dict(EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(port), EMAIL_FROM="signals@example.org", CEREBROLAB_SOURCE="alpaca")
        yield settings_of(tmp_path, **{f"ALPACA_{name}": value for name, value in keys.items()}, **mail), box


@pytest.fixture(name="symbol")
def _symbol():
    return SYMBOL
