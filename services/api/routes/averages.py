"""Stored moving averages: /v1/averages. Imports services and what is beside it."""

import datetime as dt
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from core.spec import RunSpec
from feeds.averages import NAMES
from services import market, own_files
from services.api.parts import FilesPart, Limit, Offset, Page, SettingsPart, Symbols, iso, next_page, split

router = APIRouter(tags=["market data"])
Number = float | None


class Average(BaseModel):
    """A close, and the simple moving averages of the closes up to it; null until there are bars enough."""

    symbol: str
    session: dt.date = Field(description="Exchange date.")
    time: str = Field(description="When the bar is complete.")
    close: Number = Field(description="The close as traded.")
    sma_7: Number
    sma_21: Number
    sma_50: Number
    sma_100: Number
    sma_200: Number


class AveragesPage(Page):
    """Averages in order of time, then as the symbols were named."""

    interval: str
    source: str
    averages: list[Average]


@router.get("/averages", response_model=AveragesPage)
def averages(
    request: Request, settings: SettingsPart, files: FilesPart, symbols: Symbols,
    start: Annotated[dt.date | None, Query(description="First session.", examples=["2012-01-03"])] = None,
    end: Annotated[dt.date | None, Query(description="Last session.")] = None,
    interval: Annotated[str, Query(description="Length of a bar: 1d, 1h, 1m.")] = "1d",
    source: Annotated[str, Query(description="yahoo, alpaca, alpaca:sip.")] = "yahoo",
    limit: Limit = 1_000, offset: Offset = 0,
) -> Any:
    """Moving averages as the store has them beside the bars, up to their last update; nothing is fetched or computed.

    They belong beside the close of their bar: earlier closes are divided by splits that came after them, and dividends are not taken
    out. /v1/indicators has those of the prices that strategies see.
    """
    names = split(symbols)
    if not files:
        own_files.refuse(RunSpec(symbols=names, source=source))
    found = market.averages(settings, names, iso(start), iso(end), interval, source)
    moments = np.concatenate([each.index for each, _ in found])
    columns = np.repeat(np.arange(len(found)), [len(each) for each, _ in found])
    chosen = np.lexsort((columns, moments))[offset : offset + limit]
    values = np.concatenate([np.column_stack([closes, each.values]) for each, closes in found])[chosen]
    sessions = np.datetime_as_string(np.concatenate([each.session for each, _ in found])[chosen]).tolist()
    times = np.datetime_as_string(moments[chosen].astype("datetime64[ns]"), unit="s").tolist()
    made = [{"symbol": found[column][0].symbol, "session": session, "time": f"{time}Z", **dict(zip(("close", *NAMES), row, strict=True))}
            for column, session, time, row in zip(columns[chosen].tolist(), sessions, times, values.tolist(), strict=True)]
    total = len(moments)
    return {"interval": interval, "source": source, "total": total, "next": next_page(request, limit, offset, total), "averages": made}
