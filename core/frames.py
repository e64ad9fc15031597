"""`series_of`: the bars of one symbol from a pandas frame. Imports core.series and core.calendars."""

from typing import Any

import numpy as np

from core.calendars import Calendar
from core.series import SymbolBars


def series_of(symbol: str, frame: Any, calendar: Calendar) -> SymbolBars:
    """A frame as one symbol's bars; what its index means is said at `core.bars.Bars.from_frames`.

    Raises:
        BadBars: a rule of `core.series.validate` is broken.
    """
    named = {str(column).lower(): frame[column].to_numpy() for column in frame.columns}
    moments = frame.index.tz_convert("UTC").tz_localize(None) if frame.index.tz is not None else frame.index
    times = moments.to_numpy().astype("datetime64[ns]")
    dates = times.astype("datetime64[D]")
    if frame.index.tz is None and (times == dates).all():
        index, session = calendar.close_of(dates), dates
    else:
        index = times.astype(np.int64)
        session = calendar.session_of(index)
    wanted = ("open", "high", "low", "volume", "dividend", "split", "pay_date")
    columns: dict[str, Any] = {name: named.get(name) for name in wanted}
    return SymbolBars.make(symbol, index, session, named["close"], **columns)
