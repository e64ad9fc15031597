"""The options that say what to run, shared by the commands that run something."""

from pathlib import Path
from typing import Annotated

import typer

from core.spec import FILLS, ON_STOP, PRICES, RULES

Strategy = Annotated[str | None, typer.Argument(
    metavar="[STRATEGY]", help="A shipped strategy, file.py:Class, or module:Class.")]
Symbols = Annotated[list[str] | None, typer.Option(help="Symbols to trade: A,B or repeated; or CSV files.")]
Universe = Annotated[str | None, typer.Option(metavar="FILE", help="CSV of who belonged to the universe when: symbol, entry, exit.")]
Events = Annotated[str | None, typer.Option(metavar="FILE", help="CSV of delistings, mergers and new symbols: date, symbol, event, value.")]
Delisting = Annotated[float | None, typer.Option(help="Part of its last close that a symbol loses whose bars end: 0.3.")]
Reference = Annotated[list[str] | None, typer.Option(help="Symbols to see but not to trade.")]
Source = Annotated[str | None, typer.Option(help="sample, csv, csv:DIR, yahoo, alpaca, synthetic; the default is sample.")]
Start = Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")]
End = Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")]
Period = Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")]
Years = Annotated[int | None, typer.Option(min=1, help="The same, in years.")]
AsOf = Annotated[str | None, typer.Option(metavar="DATE", help="Stored bars as they were on a day or at a UTC time, before the source changed any.")]
SignalStart = Annotated[str | None, typer.Option(metavar="DATE", help="First session with decisions.")]
Interval = Annotated[str | None, typer.Option(help="Length of a bar: 1d, 1h, 1m.")]
Calendar = Annotated[str | None, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")]
Cash = Annotated[float | None, typer.Option(help="Starting cash.")]
Commission = Annotated[str | None, typer.Option(help="0.001, 0.1%, 10bp, 0.005/share min 1, none.")]
Slippage = Annotated[str | None, typer.Option(help="0.0005, 0.05%, 5bp, 0.01/share, none.")]
Fractional = Annotated[bool | None, typer.Option(
    "--fractional/--whole", help="Trade fractions of shares, or whole ones.", show_default=False)]
MaxVolume = Annotated[float | None, typer.Option(help="Largest part of a bar's volume one order fills.")]
Fill = Annotated[str | None, typer.Option(metavar="|".join(FILLS), help="When orders fill.")]
Prices = Annotated[str | None, typer.Option(metavar="|".join(PRICES), help="Prices orders fill at.")]
Rules = Annotated[str | None, typer.Option(metavar="|".join(RULES), help="Whose order rules the simulated broker applies.")]
Sizer = Annotated[str | None, typer.Option(help="A shipped sizer, or file.py:Class.")]
Quantity = Annotated[float | None, typer.Option(help="Shares of every position, instead of a sizer.")]
SleeveTexts = Annotated[list[str] | None, typer.Option(
    metavar="NAME=SHARE:SYMBOLS", help="A part of the account: etfs=0.5:SPY,QQQ, or rest=0.5; repeatable.")]
Sectors = Annotated[str | None, typer.Option(metavar="FILE", help="CSV with the columns symbol and sector.")]
Shorts = Annotated[str | None, typer.Option(metavar="FILE", help="CSV of symbols that can be sold short: symbol, date, fee, available.")]
Benchmark = Annotated[str | None, typer.Option(help="A symbol, or universe.")]
RiskFree = Annotated[float | None, typer.Option(help="Annual rate used in Sharpe and alpha.")]
Capital = Annotated[float | None, typer.Option(help="Largest part of a live account the run may use.")]
TradingDays = Annotated[int | None, typer.Option(help="Sessions on which a live run decides.")]
Name = Annotated[str | None, typer.Option(help="Name of the run on its account; the default is the strategy's.")]
OnStop = Annotated[str | None, typer.Option(metavar="|".join(ON_STOP), help="What a live run does with its positions when it ends.")]
StopWithin = Annotated[float | None, typer.Option(help="Seconds the end of a live run may take.")]
Execution = Annotated[str | None, typer.Option(help="How market orders are carried out: twap:30, vwap:30, participation:0.1.")]
Seed = Annotated[int | None, typer.Option(help="Seed of everything random.")]
Param = Annotated[list[str] | None, typer.Option(
    "--param", "-p", metavar="NAME=VALUE", help="Parameter: fast=20, sizer.x=1, limits.x=1, exits.stop=0.08, guard.collar=0.05, carry.borrow=0.003.")]
Swept = Annotated[list[str] | None, typer.Option(
    "--param", "-p", metavar="NAME=VALUES", help="What to try: fast=5:90:5 (a range), top=3,5,8 (a choice); fast=20 is fixed.")]
Spec = Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file with the same names.")]
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of the report.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Where = Annotated[list[str] | None, typer.Option(metavar="RULE", help="A rule between parameters: 'fast < slow'; repeatable.")]
Method = Annotated[str, typer.Option(metavar="grid|random|tpe|cmaes|nsga2", help="How to search.")]
Trials = Annotated[int | None, typer.Option(help="How many trials, for all methods but the grid; 100 where not given.")]
Objective = Annotated[str, typer.Option(help="A measure, or several: sharpe,max_drawdown; -NAME is to be small.")]
Jobs = Annotated[int | None, typer.Option(help="Threads or processes; the default is one per core.")]
Engine = Annotated[str, typer.Option(metavar="auto|twin|cerebro", help="Which engine plays the trials.")]
