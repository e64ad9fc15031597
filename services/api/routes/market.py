"""Bars and indicators: /v1/bars, /v1/bars/columns, /v1/indicators. Imports services and what is beside it."""

import datetime as dt
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from core.bars import Bars
from core.spec import RunSpec
from services import market, own_files
from services.api.parts import FilesPart, Limit, Offset, Page, SettingsPart, Symbols, iso, next_page, split

router = APIRouter(tags=["market data"])
Number = float | None
COLUMNS = ("open", "high", "low", "close", "volume")


class Bar(BaseModel):
    """One bar of one symbol: raw prices, and the close that strategies see."""

    symbol: str
    session: dt.date = Field(description="Exchange date.")
    time: str = Field(description="When the bar is complete.")
    open: Number
    high: Number
    low: Number
    close: Number
    volume: Number
    dividend: Number = Field(description="Cash a share on the ex-date, else 0.")
    split: Number = Field(description="New shares for an old one on the ex-date, else 1.")
    signal_close: Number = Field(description="The close with splits and dividends inside (forward-adjusted).")


class BarsPage(Page):
    """Bars in order of time, then as the symbols were named."""

    interval: str
    source: str
    warnings: list[str]
    bars: list[Bar]


class BarColumns(Page):
    """Bars as columns: one entry a moment; null where a symbol has no bar."""

    interval: str
    source: str
    warnings: list[str]
    session: list[dt.date]
    time: list[str]
    symbols: dict[str, dict[str, list[Number]]] = Field(description="Symbol -> column -> values.")


class IndicatorParameter(BaseModel):
    """One parameter of an indicator."""

    name: str
    kind: str = Field(description="int, float, text, or list (of whole numbers, separated by commas).")
    default: bool | int | float | str | list[int] | None = Field(description="null: it has to be given.")


class Indicator(BaseModel):
    """An indicator and what it is asked with."""

    name: str
    meaning: str
    parameters: list[IndicatorParameter]
    parts: list[str] = Field(description="Names of the columns it gives.")


class IndicatorValue(BaseModel):
    """The values of an indicator on one bar of one symbol."""

    symbol: str
    session: dt.date
    time: str
    values: dict[str, Number]


class IndicatorPage(Page):
    """Values in order of time, then as the symbols were named."""

    indicator: str
    parameters: dict[str, Any]
    rows: list[IndicatorValue]


class Asked(NamedTuple):
    """Which bars are meant."""

    symbols: tuple[str, ...]
    start: str | None
    end: str | None
    interval: str
    source: str
    calendar: str


def asked(
    files: FilesPart, symbols: Symbols,
    start: Annotated[dt.date | None, Query(description="First session.", examples=["2012-01-03"])] = None,
    end: Annotated[dt.date | None, Query(description="Last session.")] = None,
    interval: Annotated[str, Query(description="Length of a bar: 1d, 1h, 1m.")] = "1d",
    source: Annotated[str, Query(description="sample, yahoo, alpaca, synthetic.")] = "sample",
    calendar: Annotated[str, Query(description="Exchange calendar: XNYS, XLON, 24/7.")] = "XNYS",
) -> Asked:
    """The bars that a query means."""
    found = Asked(split(symbols), iso(start), iso(end), interval, source, calendar)
    if not files:
        own_files.refuse(RunSpec(**found._asdict()))
    return found


AskedPart = Annotated[Asked, Depends(asked)]


@router.get("/bars", response_model=BarsPage)
def bars(request: Request, settings: SettingsPart, asked: AskedPart, limit: Limit = 1_000, offset: Offset = 0) -> Any:
    """Bars of symbols, one row a bar and symbol."""
    panel = _bars(settings, asked)
    rows, columns = np.nonzero(panel.traded)
    total, first = len(rows), min(offset, len(rows))
    rows, columns = rows[first : first + limit], columns[first : first + limit]
    values = {name: getattr(panel, f"raw_{name}")[rows, columns].tolist() for name in COLUMNS}
    values |= {name: getattr(panel, name)[rows, columns].tolist() for name in ("dividend", "split")}
    values |= {"signal_close": panel.close[rows, columns].tolist(), "session": _dates(panel, rows), "time": _times(panel, rows),
               "symbol": [panel.symbols[at] for at in columns]}
    made = [dict(zip(values, each, strict=True)) for each in zip(*values.values(), strict=True)]
    return {**_head(panel), "total": total, "next": next_page(request, limit, offset, total), "bars": made}


@router.get("/bars/columns", response_model=BarColumns)
def bar_columns(request: Request, settings: SettingsPart, asked: AskedPart, limit: Limit = 1_000, offset: Offset = 0) -> Any:
    """Bars of symbols, as columns over one time axis."""
    panel = _bars(settings, asked)
    first = min(offset, len(panel))
    rows = np.arange(first, min(first + limit, len(panel)))
    names = {**{name: getattr(panel, f"raw_{name}") for name in COLUMNS}, "dividend": panel.dividend, "split": panel.split,
             "signal_close": panel.close}
    columns = {symbol: {name: values[rows, at].tolist() for name, values in names.items()} for at, symbol in enumerate(panel.symbols)}
    return {**_head(panel), "total": len(panel), "next": next_page(request, limit, offset, len(panel)), "session": _dates(panel, rows),
            "time": _times(panel, rows), "symbols": columns}


@router.get("/indicators", response_model=list[Indicator], tags=["indicators"])
def indicators() -> Any:
    """Every indicator, with its parameters."""
    return [vars(each) | {"parameters": [vars(one) for one in each.parameters]} for each in market.indicators()]


NAMES = sorted({one.name for each in market.indicators() for one in each.parameters})
EXTRA = {"parameters": [{"name": name, "in": "query", "required": False, "schema": {"type": "string"},
                         "description": "A parameter of the indicator: see /v1/indicators."} for name in NAMES]}


@router.get("/indicators/{name}", response_model=IndicatorPage, tags=["indicators"], openapi_extra=EXTRA)
def indicator(request: Request, settings: SettingsPart, name: str, asked: AskedPart, limit: Limit = 1_000, offset: Offset = 0,
              since: Annotated[dt.date | None, Query(description="First session told; the bars before it count.")] = None) -> Any:
    """An indicator on the bars from `start` to `end`, its parameters by name in the query (period=20); null until there are bars enough."""
    market.indicator_kind(name)
    known = {"symbols", *Asked._fields, "limit", "offset", "since"}
    given = market.indicator_params(name, {each: value for each, value in request.query_params.items() if each not in known})
    panel = _bars(settings, asked, market.indicator_reference(name, given, asked.symbols))
    values = market.indicator(panel, name, given)
    shown = panel.traded & panel.tradable
    if since is not None:
        shown = shown & (panel.session >= np.datetime64(since))[:, None]
    rows, columns = np.nonzero(shown)
    total, first = len(rows), min(offset, len(rows))
    rows, columns = rows[first : first + limit], columns[first : first + limit]
    told = {part: each[rows, columns].tolist() for part, each in values.items()}
    made = [{"symbol": panel.symbols[column], "session": session, "time": time, "values": dict(zip(told, each, strict=True))}
            for column, session, time, *each in zip(columns.tolist(), _dates(panel, rows), _times(panel, rows), *told.values(), strict=True)]
    return {"indicator": name, "parameters": given, "total": total, "next": next_page(request, limit, offset, total), "rows": made}


def _bars(settings: Any, asked: Asked, reference: Sequence[str] = ()) -> Bars:
    return market.bars(settings, asked.symbols, asked.start, asked.end, asked.interval, asked.source, reference, asked.calendar)


def _head(panel: Bars) -> dict[str, Any]:
    return {"interval": panel.interval, "source": panel.origin.source, "warnings": list(panel.origin.warnings)}


def _dates(panel: Bars, rows: np.ndarray) -> list[str]:
    return np.datetime_as_string(panel.session[rows]).tolist()


def _times(panel: Bars, rows: np.ndarray) -> list[str]:
    return [f"{each}Z" for each in np.datetime_as_string(panel.index[rows].astype("datetime64[ns]"), unit="s").tolist()]
