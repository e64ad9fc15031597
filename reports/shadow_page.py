"""The page of live days beside their simulations: what it says, and in which words. The layout is in `shadow.html.j2`."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reports.formats import NOTHING, count, gain_or_loss, money, number, price
from reports.page import filled
from reports.picture import Picture
from reports.shadow_figures import PARTS
from reports.tables import Cell, table

MEANING = {
    "delay": "the price moved until the order was sent", "spread": "half the spread, where quotes are known",
    "slippage": "from the price when sent to the fill", "missed": "traded on one side only, at the day's close",
    "fees": "commissions",
}


def render_shadow(summary: Mapping[str, Any], pictures: Sequence[Picture]) -> str:
    """The whole page."""
    days = summary["days"]
    names = list(dict.fromkeys(day["strategy"] for day in days))
    dates = sorted({day["session"] for day in days})
    return filled(
        "shadow.html.j2", kind="Live beside its simulation", title=", ".join(names),
        span=dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]} · {len(dates)} days",
        synthetic=any(day["synthetic"] for day in days), notes=list(summary["warnings"]), tiles=_tiles(summary),
        figures={each.name: each for each in pictures}, parts=_parts(summary), days=_days(days), orders=_orders(days),
        slippage=_slippage(summary["slippage_estimate"]), toml=_toml(summary["slippage_estimate"]), refused=_refused(days))


def _tiles(summary: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    orders = [order for day in summary["days"] for order in day["orders"]]
    both = sum(bool(order["live_qty"] and order["shadow_qty"]) for order in orders)
    found = summary["slippage_estimate"]
    return [
        ("Live", money(summary["live_gain"]), "gain of the days", gain_or_loss(summary["live_gain"])),
        ("Simulated", money(summary["shadow_gain"]), "the same spec, on the bars", gain_or_loss(summary["shadow_gain"])),
        ("Shortfall", money(summary["shortfall"]), f"{_points(summary['shortfall_bp'])} of what traded", gain_or_loss(-summary["shortfall"])),
        ("Traded", money(summary["value"]), "at the prices of the decisions", ""),
        ("Orders", count(len(orders)), f"{both} filled on both sides", ""),
        ("Slippage", _points(found["bp"]), f"{found['orders']} orders", ""),
    ]


def _parts(summary: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str, str]]]]:
    rows = [(f"{words} ({_points(summary[f'{name}_bp'])})", money(summary[name]), MEANING[name]) for name, words in PARTS.items()]
    found = summary["slippage_estimate"]
    groups = [("by side", found["by_side"]), ("by symbol", found["by_symbol"])]
    estimates = [(key, _points(each["bp"]), _interval(each)) for _, group in groups for key, each in group.items()]
    return [("Where it comes from, cost in account currency", rows), ("Slippage", [("all", _points(found["bp"]), _interval(found)), *estimates])]


def _interval(found: Mapping[str, Any]) -> str:
    if _unknown(found["low"]):
        return f"{found['orders']} orders are too few"
    return f"{found['orders']} orders, 95% {number(found['low'])} to {number(found['high'])}"


def _days(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    heads = [("Day", "text"), ("Run", "text"), ("Live", ""), ("Simulated", ""), ("Shortfall", ""), ("bp", ""),
             *((words, "") for words in PARTS.values())]

    def cells(day: Mapping[str, Any]) -> list[Cell]:
        return [Cell(day["session"], day["session"], "text"), Cell(f"{day['strategy']} ({day['run']})", day["run"], "text"),
                *(Cell(money(day[name]), day[name], gain_or_loss(day[name])) for name in ("live_gain", "shadow_gain")),
                _cost(day["shortfall"]), Cell(number(_nan(day["shortfall_bp"])), _nan(day["shortfall_bp"])), *(_cost(day[name]) for name in PARTS)]

    return table(heads, list(days), cells, "shadow.json")


def _orders(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    heads = [("Bar", "text"), ("Symbol", "text"), ("Side", "text"), ("Intent", "text"), ("Live", ""), ("Simulated", ""), ("Decided at", ""),
             ("Sent at", ""), ("Live price", ""), ("Simulated at", ""), ("Shortfall", ""), ("bp", ""), ("Why", "text")]

    def cells(order: Mapping[str, Any]) -> list[Cell]:
        prices = (Cell(price(_nan(order[name])), _nan(order[name])) for name in ("decided", "arrival", "live_price", "shadow_price"))
        return [Cell(_moment(order["bar"]), order["bar"], "text"), *(Cell(order[name], order[name], "text") for name in ("symbol", "side", "intent")),
                *(Cell(count(order[name]), order[name]) for name in ("live_qty", "shadow_qty")), *prices, _cost(order["shortfall"]),
                Cell(number(_nan(order["shortfall_bp"])), _nan(order["shortfall_bp"])), Cell(order["reason"], order["reason"], "reason")]

    return table(heads, [order for day in days for order in day["orders"]], cells, "shadow.json")


def _refused(days: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    def cells(order: Mapping[str, Any]) -> list[Cell]:
        return [Cell(_moment(order["bar"]), order["bar"], "text"), Cell(order["symbol"], order["symbol"], "text"),
                Cell(order["reason"], order["reason"], "reason")]

    return table([("Bar", "text"), ("Symbol", "text"), ("Reason", "text")], [order for day in days for order in day["refused"]], cells, "shadow.json")


def _slippage(found: Mapping[str, Any]) -> str:
    if not found["text"]:
        return f"No slippage to simulate with: {found['remark']}."
    return (f"What {found['orders']} orders say, weighted by value: {_points(found['bp'])}, 95% bootstrap interval {number(found['low'])} to "
            f"{number(found['high'])} bp; half the spread is in it. {found['remark'].capitalize()}").strip()


def _toml(found: Mapping[str, Any]) -> str:
    return f'slippage = "{found["text"]}"' if found["text"] else ""


def _cost(value: float) -> Cell:
    return Cell(money(value), value, gain_or_loss(-value))


def _points(value: float | None) -> str:
    return NOTHING if _unknown(value) else f"{number(value)} bp"


def _unknown(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _nan(value: float | None) -> float:
    return math.nan if value is None else value


def _moment(time: int) -> str:
    return str(np.datetime64(time, "ns").astype("datetime64[m]")).replace("T", " ")
