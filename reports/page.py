"""The page of a report: what it says, and in which words. The layout is in `report.html.j2`."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import Any

from analyzers.metrics import years
from core.bars import Bars
from core.result import RunResult
from reports.figures import Picture
from reports.formats import count, gain_or_loss, money, number, percent, signed_percent
from reports.palette import DARK, LIGHT, css
from reports.tables import note_table, rejected_table, trade_table
from reports.toml import to_toml


def render(result: RunResult, pictures: list[Picture]) -> str:
    """The whole page as one HTML text that needs nothing else."""
    named = {picture.name: picture for picture in pictures}
    fundamental = ("equity", "drawdown", "exposure", "monthly")
    return filled(
        "report.html.j2", kind="Backtest report", title=_strategy(result), span=span_of(result.bars), spec=result.spec,
        synthetic=result.bars.origin.synthetic, notes=_notes(result), tiles=_tiles(result), groups=_groups(result),
        figures={name: named[name] for name in fundamental},
        charts=[picture for picture in pictures if picture.name not in fundamental], price_note=_price_note(result),
        trades=trade_table(result), rejected=rejected_table(result), remarks=note_table(result), data=_data(result), run=_run(result),
        toml=to_toml(result.spec.masked()), runnable=result.spec.source != "cerebro",
    )


def filled(template: str, **content: Any) -> str:
    """A page of this package's look: `content` in a template that extends `layout.html.j2`."""
    return _templates().get_template(template).render(light=css(LIGHT), dark=css(DARK), **content)


@lru_cache(maxsize=1)
def _templates() -> Any:
    import jinja2

    folder = jinja2.FileSystemLoader(Path(__file__).parent)
    return jinja2.Environment(loader=folder, autoescape=True, undefined=jinja2.StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)


# -- sentences --------------------------------------------------------------------------------------------


def _strategy(result: RunResult) -> str:
    return result.spec.strategy.rpartition(":")[2]


def span_of(bars: Bars) -> str:
    """What a page is about: symbols, dates, length of the bars."""
    traded = [symbol for symbol, tradable in zip(bars.symbols, bars.tradable, strict=True) if tradable]
    names = ", ".join(traded[:8]) + (f" and {len(traded) - 8} more" if len(traded) > 8 else "")
    return f"{names} · {bars.session[0]} to {bars.session[-1]} · {bars.interval} bars"


def _notes(result: RunResult) -> list[str]:
    bars = result.bars
    closes = [symbol for symbol, only in zip(bars.symbols, bars.close_only, strict=True) if only]
    notes = list(result.warnings)
    if closes and not any("close-only" in note for note in notes):
        names = ", ".join(closes[:8]) + (f" and {len(closes) - 8} more" if len(closes) > 8 else "")
        notes.append(f"Closing prices only for {names}: orders fill at the next close.")
    return notes


def _price_note(result: RunResult) -> str:
    kind = ("Prices are forward-adjusted: splits and dividends are reinvested from the first bar on."
            if result.bars.has_actions.any() else "Prices as traded.")
    traded = len({trade.symbol for trade in result.trades})
    shown = min(traded, 6)
    most = f" The {shown} most traded of {traded} symbols." if traded > shown else ""
    return f"{kind} Shaded while held; ▲ buys, ▼ sells.{most}"


# -- numbers ----------------------------------------------------------------------------------------------


def _tiles(result: RunResult) -> list[tuple[str, str, str, str]]:
    """(label, value, remark, "gain" or "loss" or "")."""
    found, spec = result.metrics, result.spec
    closed = sum(not trade.open for trade in result.trades)
    return [
        ("Final value", money(result.final_value), f"from {money(spec.cash)}", ""),
        ("Total return", signed_percent(found["total_return"]),
         f"benchmark {signed_percent(found['benchmark_return'])}", gain_or_loss(found["total_return"])),
        ("A year (CAGR)", signed_percent(found["cagr"]), f"volatility {percent(found['volatility'])}",
         gain_or_loss(found["cagr"])),
        ("Sharpe", number(found["sharpe"]), f"Sortino {number(found['sortino'])}", ""),
        ("Max drawdown", percent(-found["max_drawdown"]), f"longest {count(found['max_drawdown_days'])} days", ""),
        ("Trades", count(closed), f"{percent(found['win_rate'], 0)} won", ""),
    ]


def _groups(result: RunResult) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """(heading, [(name, value, how it is measured)])."""
    found, spec = result.metrics, result.spec
    open_trades = sum(trade.open for trade in result.trades)
    partial = Counter(order.status for order in result.orders)
    return [
        ("Return", [
            ("Total return", signed_percent(found["total_return"]), "final value over starting cash"),
            ("CAGR", signed_percent(found["cagr"], 2), "compound growth a year, calendar days"),
            ("Benchmark", signed_percent(found["benchmark_return"]), f"{spec.benchmark}, bought and held"),
            ("Alpha", signed_percent(found["alpha"], 2), "a year, over the benchmark's beta"),
            ("Beta", number(found["beta"]), "slope on the benchmark's returns"),
        ]),
        ("Risk", [
            ("Volatility", percent(found["volatility"]), "a year, of session returns"),
            ("Sharpe", number(found["sharpe"]), f"a year, risk-free {percent(spec.risk_free)}"),
            ("Sortino", number(found["sortino"]), "against downside deviation"),
            ("Calmar", number(found["calmar"]), "CAGR over max drawdown"),
            ("Max drawdown", percent(-found["max_drawdown"], 2), "from the highest value so far"),
            ("Longest drawdown", f"{count(found['max_drawdown_days'])} days", "peak to recovery, or the end"),
        ]),
        ("Trading", [
            ("Round trips", count(len(result.trades) - open_trades), f"and {open_trades} open"),
            ("Win rate", percent(found["win_rate"]), "closed trades that made money"),
            ("Average trade", money(found["average_trade"]), "after costs, with dividends"),
            ("Profit factor", number(found["profit_factor"]), "gains over losses"),
            ("Exposure", percent(found["exposure"]), "mean part of the account invested"),
            ("Turnover", f"{number(found['turnover'])} ×", "of the account, a year"),
        ]),
        ("Account", [
            ("Starting cash", money(spec.cash), ""),
            ("Final value", money(result.final_value), f"of it cash {money(float(result.cash[-1]))}"),
            ("Dividends", money(found["dividends"]), "received less paid"),
            ("Orders", count(len(result.orders)), f"{partial['Completed']:,} completed"),
            ("Refused orders", count(len(result.rejected)), "see below" if result.rejected else ""),
        ]),
        ("Costs", _costs(result)),
    ]


def _costs(result: RunResult) -> list[tuple[str, str, str]]:
    """What trading and holding have cost and brought, where they have; older archives do not say all of it."""
    found = result.metrics
    held = [("Borrow fees", "for shares sold short", found.get("borrow_fees", 0.0)),
            ("Margin interest", "on borrowed money", found.get("margin_interest", 0.0)),
            ("Interest", "earned on cash", -found.get("cash_interest", 0.0))]
    paid = found["costs"] + sum(amount for *_, amount in held)
    length, mean = years(result.bars.session), float(result.equity.mean())
    a_year = f"{percent(paid / mean / length, 2)} of the account a year" if length > 0 and mean > 0 else ""
    return [
        ("Commission", money(found["costs"]), f"{len(result.fills):,} fills"),
        ("Slippage", result.spec.slippage, "a trade, inside the prices of its fills"),
        *((title, money(amount), about) for title, about, amount in held if amount),
        ("In all", money(paid), a_year),
    ]


# -- what it ran on ---------------------------------------------------------------------------------------


def _data(result: RunResult) -> list[tuple[str, str]]:
    bars, origin = result.bars, result.bars.origin
    rows, columns = bars.shape
    return [
        ("Source", (origin.source or "own data") + (" (synthetic)" if origin.synthetic else "")),
        ("Range", f"{bars.session[0]} to {bars.session[-1]}, {rows:,} × {bars.interval}"),
        ("Symbols", f"{columns}: {', '.join(bars.symbols[:30])}{' …' if columns > 30 else ''}"),
        ("Calendar", bars.calendar),
        ("Fingerprint", bars.fingerprint),
    ] + ([("Note", origin.note)] if origin.note else [])


def _run(result: RunResult) -> list[tuple[str, str]]:
    shown = [(name, f"{seconds:.2f} s") for name, seconds in result.timings.items()]
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    source = [("Strategy source", result.strategy_source)] if result.strategy_source else []
    return [(f"Time: {name}", value) for name, value in shown] + ([("Versions", versions)] if versions else []) + source
