"""The tables of a report's page, as cells that know what they show and what they sort by."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np

from core.notes import Note
from core.result import OrderRecord, RunResult, Trade
from reports.formats import count, gain_or_loss, money, price, signed_percent

LISTED = 200  # rows shown at each end of a longer list


class Cell(NamedTuple):
    """A table cell: what it shows, what it sorts by, and "gain", "loss", "text" or ""."""

    shown: str
    key: Any
    kind: str = ""


def _ends(rows: list[Any]) -> tuple[list[Any], list[Any], int]:
    """The first and the last rows of a long list, and how many lie between."""
    if len(rows) <= 2 * LISTED:
        return rows, [], 0
    return rows[:LISTED], rows[-LISTED:], len(rows) - 2 * LISTED


def table(heads: Iterable[tuple[str, str]], rows: list[Any], cells: Callable[[Any], list[Cell]],
          file: str = "result.json") -> dict[str, Any]:
    """What the macro `listing` shows: heads with their kinds, both ends of the rows, and the file that has them all."""
    first, last, between = _ends(rows)
    return {"heads": list(heads), "first": [cells(row) for row in first], "last": [cells(row) for row in last],
            "between": between, "total": len(rows), "file": file}


def trade_table(result: RunResult) -> dict[str, Any]:
    """Round trips, with open ones at their last close."""
    heads = [("Symbol", "text"), ("Side", "text"), ("Shares", ""), ("Entry", "text"), ("Price", ""), ("Exit", "text"),
             ("Price", ""), ("Profit", ""), ("Return", ""), ("Dividends", ""), ("Commission", ""), ("Bars", "")]

    def cells(trade: Trade) -> list[Cell]:
        profit, entered = trade.pnl + trade.dividends - trade.borrow, abs(trade.size) * trade.entry_price
        gain = profit / entered if entered else float("nan")
        exit_shown = "open" if trade.open else _moment(result, trade.exit_time, trade.exit_session)
        return [
            Cell(trade.symbol, trade.symbol, "text"),
            Cell("short" if trade.size < 0 else "long", int(trade.size < 0), "text"),
            Cell(count(abs(trade.size)), abs(trade.size)),
            Cell(_moment(result, trade.entry_time, trade.entry_session), trade.entry_time, "text"),
            Cell(price(trade.entry_price), trade.entry_price),
            Cell(exit_shown, trade.exit_time, "text"),
            Cell(price(trade.exit_price), trade.exit_price),
            Cell(money(profit), profit, gain_or_loss(profit)),
            Cell(signed_percent(gain, 2), gain, gain_or_loss(gain)),
            Cell(money(trade.dividends), trade.dividends),
            Cell(money(trade.commission), trade.commission),
            Cell(count(trade.bars), trade.bars),
        ]

    return table(heads, result.trades, cells)


def rejected_table(result: RunResult) -> dict[str, Any]:
    """Orders the broker turned down."""
    heads = [("Time", "text"), ("Symbol", "text"), ("Shares", ""), ("Type", "text"), ("Status", "text"),
             ("Reason", "text")]

    def cells(order: OrderRecord) -> list[Cell]:
        return [
            Cell(_bar(result, order.time), order.time, "text"),
            Cell(order.symbol, order.symbol, "text"),
            Cell(count(order.size), order.size),
            Cell(order.kind, order.kind, "text"),
            Cell(order.status, order.status, "text"),
            Cell(order.reason, order.reason, "reason"),
        ]

    return table(heads, result.rejected, cells)


def note_table(result: RunResult) -> dict[str, Any]:
    """Remarks on single decisions, such as an optimisation that failed."""
    heads = [("Time", "text"), ("From", "text"), ("Remark", "text")]

    def cells(note: Note) -> list[Cell]:
        return [
            Cell(_bar(result, note.time), note.time, "text"),
            Cell(note.source, note.source, "text"),
            Cell(note.text, note.text, "reason"),
        ]

    return table(heads, result.notes, cells)


def _bar(result: RunResult, time: int) -> str:
    row = min(int(np.searchsorted(result.bars.index, time)), len(result.bars) - 1)
    return _moment(result, time, result.bars.session[row])


def _moment(result: RunResult, time: int, session: np.datetime64) -> str:
    """The session of a daily bar, the UTC time of a shorter one."""
    if result.bars.daily:
        return str(session)
    return str(np.datetime64(time, "ns").astype("datetime64[m]")).replace("T", " ")
