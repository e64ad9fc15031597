# %% [markdown]
# # Five days, three strategies, one account
#
# `BuyCloseSellOpen`, `ShortTermMomentum` and `TimeOfDay` share an account for five sessions, one of them a half day: real REST, real
# websockets, real order rules, on a **local Alpaca** that plays given minutes in virtual time. **The minutes are synthetic**: what the
# strategies earn here says nothing about any market. What the pages show does not depend on that: whose profit is whose, what trading
# cost against the simulation, and what was at risk.
#
# `examples/five_days.py` is this notebook as text; `python examples/build_five_days.py` runs it and writes the notebook with its output.

# %%
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from local_week import lived

from checks.shadow_days import shadow_days
from core.clock import SystemClock
from core.spec import RunSpec
from feeds import ParquetStore, load_bars
from journal import Journal

warnings.filterwarnings("ignore", category=UserWarning, module="matplotlib")
pd.options.display.float_format = "{:,.2f}".format
pd.options.display.width = 150
FIRST, LAST, CASH = "2024-11-25", "2024-12-02", 100_000.0

# %% [markdown]
# ## The runs
#
# Each has symbols and capital of its own. The venue takes 5 basis points from every market order, which nobody tells the strategies.

# %%
shared = dict(source="synthetic", start="2024-11-22", interval="1m", capital=30_000.0, on_stop="keep", sizer="EqualWeight",
              limits={"cash_buffer": 0.05})
specs = [
    RunSpec(strategy="BuyCloseSellOpen", symbols=("SYN001", "SYN002"), **shared),
    RunSpec(strategy="ShortTermMomentum", symbols=("SYN003", "SYN004"), **shared),
    RunSpec(strategy="TimeOfDay", symbols=("SYN005", "SYN006"), **shared),
]
bars = load_bars(source="synthetic", symbols=[symbol for spec in specs for symbol in spec.symbols], start="2024-11-22", end=LAST, interval="1m")
folder = Path(tempfile.mkdtemp())
week = lived(specs, bars, FIRST, folder, CASH, slippage="0.0005")
print(f"{bars}\nsynthetic: {bars.origin.synthetic}; account worth {week.equity:,.2f} after {len(np.unique(bars.session)) - 1} sessions")

# %% [markdown]
# ## Trades
#
# Everything below comes from the journal: each execution with its run, and each order with the bar it was decided on.

# %%
with Journal(week.journal) as journal:
    executions = journal.account_log.executions(week.account)
trades = pd.DataFrame({
    "time": pd.to_datetime([each.time_ns for each in executions], utc=True).tz_convert("America/New_York"),
    "strategy": [each.run for each in executions], "symbol": [each.symbol for each in executions],
    "shares": [float(each.signed) for each in executions], "price": [float(each.price) for each in executions],
})
trades["value"] = (trades.shares * trades.price).abs()
print(trades.assign(time=trades.time.dt.strftime("%a %H:%M:%S")).head(8).to_string(index=False))
print()
print(trades.groupby("strategy").agg(executions=("shares", "size"), bought=("shares", lambda each: each[each > 0].sum()),
                                     sold=("shares", lambda each: -each[each < 0].sum()), value=("value", "sum")))

# %% [markdown]
# ## Profit by strategy, minute by minute
#
# Cash and positions of each run at every bar: what its own orders have executed, valued at the last close. The three sum to the
# account's equity, by the venue's own books, to the cent. What the closing auction executes belongs to the session it closes.

# %%
live = bars.session >= np.datetime64(FIRST)
moments, closes = bars.index[live], bars.last_close[live]
sessions = bars.session[live]
profit, gross = {}, {}
for spec in specs:
    cash, worth, at_stake = np.zeros(len(moments)), np.zeros(len(moments)), np.zeros(len(moments))
    for symbol in spec.symbols:
        mine = [each for each in executions if each.run == spec.strategy and each.symbol == symbol]
        times = np.array([each.time_ns for each in mine])
        rows = np.minimum(np.searchsorted(moments, times, "left"), len(moments) - 1)
        rows -= (rows > 0) & (times - moments[rows - 1] < 60e9) & (sessions[rows] != sessions[rows - 1])
        moved, paid = np.zeros(len(moments)), np.zeros(len(moments))
        np.add.at(moved, rows, [float(each.signed) for each in mine])
        np.add.at(paid, rows, [float(each.signed * each.price + each.commission) for each in mine])
        value = np.cumsum(moved) * closes[:, bars.column(symbol)]
        cash, worth, at_stake = cash - np.cumsum(paid), worth + value, at_stake + np.abs(value)
    profit[spec.strategy], gross[spec.strategy] = cash + worth, at_stake
profit, gross = pd.DataFrame(profit), pd.DataFrame(gross)
days = pd.Index(sessions).strftime("%a %d %b")
ends = profit.groupby(days, sort=False).last()
daily = ends.diff().fillna(ends.iloc[:1]).assign(account=lambda each: each.sum(axis=1))
print(pd.concat([daily, daily.sum().to_frame("sum").T]))
assert abs(daily.account.sum() - (float(week.equity) - CASH)) < 0.01

# %%
COLOURS = dict(zip(profit, ("#2456e6", "#0b8a58", "#c77700"), strict=True))


def style(axes, label):
    """Dates below, a quiet grid, no box."""
    starts = np.flatnonzero(np.r_[True, sessions[1:] != sessions[:-1]])
    axes.set_xticks(starts, days[starts], ha="left")
    axes.set_xlim(0, len(sessions))
    axes.set_ylabel(label)
    axes.grid(axis="y", color="#e3e6eb", linewidth=0.7)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axhline(0, color="#687182", linewidth=0.8)


figure, axes = plt.subplots(figsize=(10, 3.6), layout="constrained")
for name in profit:
    axes.plot(profit[name], color=COLOURS[name], linewidth=1.3, label=name)
axes.plot(profit.sum(axis=1), color="#1b1f27", linewidth=1.8, label="account")
style(axes, "profit, USD")
axes.set_title("Profit by strategy (synthetic minutes)", loc="left", fontsize=11)
figure.legend(frameon=False, ncols=4, loc="outside lower center")
plt.show()

# %% [markdown]
# ## Slippage: each day beside its simulation
#
# `cerebrolab shadow 2024-11-25:2024-12-02` does this: each run's day is played again on the simulated broker, from what it held when the
# day began. What live made less is divided into delay, spread, slippage, missed fills and fees, which sum to the difference exactly.

# %%
with Journal(week.journal) as journal:
    shadows = shadow_days(journal, ParquetStore(folder / "bars"), f"{FIRST}:{LAST}", SystemClock())
found = shadows.summary()
parts = pd.DataFrame(found["days"]).groupby("strategy")[
    ["live_gain", "shadow_gain", "delay", "spread", "slippage", "missed", "fees", "shortfall", "value"]].sum()
parts["bp of value"] = parts.shortfall / parts.value * 1e4
print(parts.T)
estimate = found["slippage_estimate"]
print(f"\nplanted 5 bp; found slippage = \"{estimate['text']}\" from {estimate['orders']} orders "
      f"(95% {estimate['low']:.2f} to {estimate['high']:.2f} bp)")
assert abs(parts.live_gain.sum() - (float(week.equity) - CASH)) < 0.01
assert abs(estimate["bp"] - 5.0) < 1.0

# %%
names = ["delay", "spread", "slippage", "missed", "fees"]
figure, axes = plt.subplots(figsize=(10, 2.8), layout="constrained")
for at, strategy in enumerate(parts.index):
    axes.bar(np.arange(len(names)) + (at - 1) * 0.26, parts.loc[strategy, names], 0.24, color=COLOURS[strategy], label=strategy)
axes.set_xticks(range(len(names)), names)
axes.set_ylabel("cost, USD")
axes.axhline(0, color="#687182", linewidth=0.8)
axes.spines[["top", "right", "left"]].set_visible(False)
axes.set_title("Where the shortfall comes from, five days", loc="left", fontsize=11)
axes.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Risk
#
# Drawdown from the highest equity so far. Exposure: the value of all positions, long and short added up, as a part of the equity; its
# mean is over the minutes of the sessions, so that what is held over night only counts little. VaR and expected shortfall: of one hour's
# profit, by historical simulation over the overlapping hours of the five days, nights included; five days are few, and a forecast of
# nothing.

# %%
HOUR, LEVEL = 60, 0.95
equity = pd.concat([profit, profit.sum(axis=1).rename("account")], axis=1)
held = pd.concat([gross, gross.sum(axis=1).rename("account")], axis=1)
capital = pd.Series({**{spec.strategy: spec.capital for spec in specs}, "account": CASH})
worth = equity + capital
fall = 1 - worth / worth.cummax().clip(lower=capital, axis=1)
hourly = equity.diff(HOUR).dropna()
quantile = hourly.quantile(1 - LEVEL)
risk = pd.DataFrame({
    "profit": equity.iloc[-1], "return, %": 100 * equity.iloc[-1] / capital, "max drawdown, %": 100 * fall.max(),
    "mean exposure, %": 100 * (held / worth).mean(), "max exposure, %": 100 * (held / worth).max(),
    "VaR 95%, one hour": -quantile, "expected shortfall": -hourly[hourly <= quantile].mean(),
})
print(risk.T)
alone = risk.loc[list(profit), "VaR 95%, one hour"].sum()
print(f"\nthe three VaRs add up to {alone:,.2f}; together it is {risk.loc['account', 'VaR 95%, one hour']:,.2f}")

# %%
figure, (top, bottom) = plt.subplots(2, 1, figsize=(10, 4.6), layout="constrained", sharex=True)
top.fill_between(range(len(fall)), -100 * fall.account, color="#d13c3c", alpha=0.3, linewidth=0)
style(top, "drawdown, %")
top.set_title("Account: drawdown and exposure", loc="left", fontsize=11)
share = 100 * gross.div(worth.account, axis=0)
bottom.stackplot(range(len(share)), share.T, colors=[COLOURS[name] for name in share], labels=list(share), alpha=0.75, linewidth=0)
style(bottom, "exposure, %")
figure.legend(frameon=False, ncols=3, loc="outside lower center")
plt.show()
