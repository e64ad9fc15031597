"""DataService: bars as every command gets them. Imports what `services.rpc` imports."""

import numpy as np

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import NoBars
from core.settings import Settings
from core.spec import RunSpec
from engine.loading import load
from services import market
from services.rpc.asked import asked_dates, asked_source, asked_symbols
from services.rpc.calls import Answer, Call, finite
from services.rpc.generated import dataservice_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["DataService"]


class DataService:
    """Answers with stored or fetched bars.

    Args:
        spec: what the server was started with; its source and calendar are those of requests that name none.
    """

    def __init__(self, settings: Settings, spec: RunSpec) -> None:
        self._settings, self._spec = settings, spec

    def answers(self) -> dict[str, Answer]:
        """Method -> what answers it."""
        return {"GetStockData": self.one, "GetBatchStockData": self.batch}

    def one(self, request: pb.StockDataRequest, call: Call) -> pb.StockData:
        """The bars of one symbol.

        Raises:
            CerebrolabError: no such symbol or source, a date or interval that is none, no bars, or the source does not answer.
        """
        symbols = asked_symbols("symbol", [request.symbol])
        bars = self._bars(symbols, request, call)
        return _data(bars, 0, list(bars.origin.warnings))

    def batch(self, request: pb.BatchStockDataRequest, call: Call) -> pb.BatchStockData:
        """The bars of several symbols, each those it has; raises as `one`."""
        bars = self._bars(asked_symbols("symbols", request.symbols), request, call)
        return pb.BatchStockData(data=[_data(bars, at, []) for at in range(len(bars.symbols))], warnings=bars.origin.warnings)

    def _bars(self, symbols: tuple[str, ...], request: pb.StockDataRequest | pb.BatchStockDataRequest, call: Call) -> Bars:
        start, end = asked_dates(request.start_date, request.end_date)
        spec = RunSpec(symbols=symbols, start=start, end=end, interval=request.interval or "1d", calendar=self._spec.calendar,
                       source=asked_source(request.source, self._spec.source))
        get_calendar(spec.calendar)
        bars = load(spec, market.store(self._settings), call.alive)
        call.alive()
        return bars


def _data(bars: Bars, at: int, warnings: list[str]) -> pb.StockData:
    rows = np.flatnonzero(bars.traded[:, at]).tolist()
    if not rows:
        raise NoBars(f"symbol {bars.symbols[at]} has no bars in this range: choose other dates")
    return pb.StockData(symbol=bars.symbols[at], interval=bars.interval, source=bars.origin.source, warnings=warnings,
                        bars=[_bar(bars, row, at) for row in rows])


def _bar(bars: Bars, row: int, at: int) -> pb.Bar:
    moment = np.datetime64(int(bars.index[row]), "ns").astype("datetime64[s]")
    return pb.Bar(
        date=str(bars.session[row]), time=f"{moment}Z", open=finite(bars.raw_open[row, at]), high=finite(bars.raw_high[row, at]),
        low=finite(bars.raw_low[row, at]), close=float(bars.raw_close[row, at]), volume=finite(bars.raw_volume[row, at]),
        adjusted_close=float(bars.close[row, at]), dividend=float(bars.dividend[row, at]), split=float(bars.split[row, at]))
