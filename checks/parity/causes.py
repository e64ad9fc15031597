"""Why two sides may differ: each rule looks at what the venue knows, or at an earlier difference, and gives numbers or "".

Imports the modules beside it.
"""

from collections.abc import Mapping

import numpy as np

from checks.parity.evidence import Evidence
from checks.parity.story import PROTECTIVE, Asked, State, Story
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar

SECOND = 10**9
FIRST_TRADE_NS = 10**6  # after a bar's start, at the local venue
TICK = 1.5e-4  # prices are rounded to a hundredth of a cent on either side
CENT = 0.01
WITHOUT_LIMIT = ("Market", "Close", "Stop", "StopTrail")


class Causes:
    """The rules.

    Args:
        late: (moment, symbol) of bars that one side did not see in time, and why.
    """

    def __init__(self, simulated: Story, live: Story, evidence: Evidence, bars: Bars, late: Mapping[tuple[int, str], str]) -> None:
        self._simulated, self._live, self._evidence, self._bars, self._late = simulated, live, evidence, bars, late
        self._rows = {int(at): row for row, at in enumerate(bars.index)}

    # -- what came before ---------------------------------------------------------------------------------

    def unseen(self, bar_ns: int) -> str:
        """A bar of this moment was not there in time."""
        return next((why for (at, _), why in self._late.items() if at == bar_ns), "")

    def other_account(self, bar_ns: int, shares: float, symbol: str) -> str:
        """The accounts differed already when it was decided, by enough for so many shares."""
        simulated, live = self._simulated.states.get(bar_ns), self._live.states.get(bar_ns)
        if simulated is None or live is None:
            return ""
        gap, told = self._apart(simulated, live, bar_ns)
        price = self._close(bar_ns, symbol)
        return f"follows from earlier differences: {told}" if told and abs(shares) * price <= gap + price * 1.0001 else ""

    def _apart(self, simulated: State, live: State, bar_ns: int) -> tuple[float, str]:
        symbols = sorted(set(simulated.positions) | set(live.positions))
        moved = [(symbol, simulated.positions.get(symbol, 0.0), live.positions.get(symbol, 0.0)) for symbol in symbols]
        moved = [each for each in moved if abs(each[1] - each[2]) > 1e-9]
        worth = sum(abs(ours - theirs) * self._close(bar_ns, symbol) for symbol, ours, theirs in moved)
        working = [(symbol, qty) for symbol, qty in live.under_way.items() if abs(qty) > 1e-9]
        worth += sum(abs(qty) * self._close(bar_ns, symbol) for symbol, qty in working)
        value, cash = abs(simulated.value - live.value), abs(simulated.cash - live.cash)
        told = [f"{theirs:g} {symbol} held instead of {ours:g}" for symbol, ours, theirs in moved[:3]]
        told += [f"{qty:+g} {symbol} still to be traded" for symbol, qty in working[:3]]
        if value > 1e-6 or cash > 1e-6:
            told.append(f"value {live.value:,.2f} instead of {simulated.value:,.2f}, cash {live.cash:,.2f} instead of {simulated.cash:,.2f}")
        owed = simulated.value - simulated.cash - sum(size * self._close(bar_ns, symbol) for symbol, size in simulated.positions.items())
        if value > 1e-6 and abs(owed) > CENT:
            told.append(f"{owed:,.2f} of it are dividends owed, which Alpaca counts when they are paid")
        return value + cash + 2 * worth, "; ".join(told)

    def _close(self, bar_ns: int, symbol: str) -> float:
        return float(np.nan_to_num(self._bars.last_close[self._rows[bar_ns], self._bars.column(symbol)])) if bar_ns in self._rows else 0.0

    # -- refusals -------------------------------------------------------------------------------------------

    def refusal(self, simulated: Asked, live: Asked) -> str:
        """One side refused it."""
        if live.refused:
            injected = next((found for sent in live.sent if (found := self._evidence.rejection(sent.client_order_id))), "")
            cash_account = self._evidence.multiplier < 2 and any(words in live.reason for words in ("buying power", "may not sell short"))
            return injected or (f"a cash account, the simulation's rules are those of a margin account: {live.reason}" if cash_account else "")
        lends = simulated.status == "Margin" and self._evidence.multiplier > 1
        return f"the simulation lends nothing, the account buys for {self._evidence.multiplier} times its equity: {simulated.reason}" if lends else ""

    def partner(self, order: Asked) -> str:
        """A protective order that only one side placed, as its partner had been filled by then in the simulation."""
        if order.intent not in PROTECTIVE or order.fills:
            return ""
        done = next((each for each in self._simulated.asked if (each.symbol, each.bar_ns) == (order.symbol, order.bar_ns)
                     and each.intent in PROTECTIVE and order.bar_ns in [fill.bar_ns for fill in each.fills]), None)
        return f"the {done.intent} order placed with it was filled in the entry's own bar, so the simulation placed no second one" if done else ""

    # -- when -------------------------------------------------------------------------------------------------

    def decided_elsewhere(self, simulated: Asked, live: Asked) -> str:
        """It was decided on another bar."""
        apart = self._rows.get(simulated.bar_ns, 0) - self._rows.get(live.bar_ns, 0)
        if simulated.intent in PROTECTIVE and apart == 1:
            return "protective orders are placed when the entry fills: at once there, with the bar of the fill in the simulation; both work on it"
        return self.unseen(simulated.bar_ns) or self.unseen(live.bar_ns)

    def filled_elsewhere(self, simulated: Asked, live: Asked) -> str:
        """It was filled in other bars."""
        return self.trailed(simulated, live) or self.reversal(live) or self.parts(live) or self.waited(live) or self.hesitated(live)

    def other_shares(self, simulated: Asked, live: Asked) -> str:
        """Another number of shares was filled."""
        return self.unfinished(simulated, live) or self.trailed(simulated, live) or self.parts(live) or self.reversal(live) or self.waited(live)

    def unfinished(self, simulated: Asked, live: Asked) -> str:
        """The bars end before the closing auction it is for."""
        last = int(self._bars.index[-1])
        closes = int(get_calendar(self._bars.calendar).close_of(self._bars.session[-1:])[0])
        if live.kind != "Close" or live.status != "open" or closes <= last or [fill.bar_ns for fill in simulated.fills] != [last]:
            return ""
        return f"the bars end {(closes - last) / MINUTE_NS:g} minutes before the close: in the simulation the last one stands for the closing auction"

    def trailed(self, simulated: Asked, live: Asked) -> str:
        """It was a trailing stop, which had another price."""
        if live.intent != "trail" or not live.fills or simulated.bar_ns not in self._rows or live.fills[-1].bar_ns not in self._rows:
            return ""
        column, rows = self._bars.column(live.symbol), slice(self._rows[simulated.bar_ns], self._rows[live.fills[-1].bar_ns] + 1)
        side = 1 if live.size < 0 else -1  # of the position
        trades = side * np.nanmax(side * (self._bars.raw_high if side > 0 else self._bars.raw_low)[rows, column])
        closes = side * np.nanmax(side * self._bars.raw_close[rows, column])
        stop = trades * (1 - side * self._evidence.trail)
        if side * (trades - closes) <= TICK or side * (live.price - stop) > TICK:
            return ""
        return (f"a trailing stop follows every trade at Alpaca, the best at {trades:.4f} (stop {stop:.4f}), and in the simulation the closes "
                f"of bars, the best at {closes:.4f} (stop {closes * (1 - side * self._evidence.trail):.4f})")

    def reversal(self, live: Asked) -> str:
        """It was two orders."""
        if len(live.sent) < 2 or live.sent[1].time_ns <= live.sent[0].time_ns:
            return ""
        closed, opened = (self._evidence.filled(sent.client_order_id) for sent in live.sent[:2])
        return f"a reversal is two orders at Alpaca, the second sent when the first is filled: {closed:+g}, then {opened:+g}"

    def parts(self, live: Asked) -> str:
        """The market had fewer shares than it asked for."""
        most = self._evidence.liquidity.get(live.symbol)
        if most is None or abs(live.size) <= most or abs(live.filled) > abs(live.size) + 1e-9:
            return ""
        return f"no trade of the venue took more than {most:g} shares: {abs(live.filled):g} of {abs(live.size):g} in {len(live.fills)} parts"

    def waited(self, live: Asked) -> str:
        """It was sent long after it was decided, as the account was still selling for it."""
        if not live.sent or live.size < 0:
            return ""
        sent = live.sent[0].time_ns
        sales = [each for done in self._evidence.executions.values() for each in done if each.size < 0 and live.bar_ns <= each.time_ns <= sent]
        if not sales:
            return ""
        brought = -sum(each.size * each.price for each in sales)
        return (f"a purchase waits for the sales that pay for it: sent {(sent - sales[0].time_ns) / SECOND:,.1f} s after the first of them, "
                f"when they had brought {brought:,.2f}")

    def hesitated(self, live: Asked) -> str:
        """It was sent after the first trade of the next bar, as a symbol had no bar in that of the decision."""
        row = self._rows.get(live.bar_ns)
        if row is None or not live.sent or not FIRST_TRADE_NS < live.sent[0].time_ns - live.bar_ns < MINUTE_NS:
            return ""
        silent = [symbol for symbol, traded in zip(self._bars.symbols, self._bars.traded[row], strict=True)
                  if not traded or (live.bar_ns, symbol) in self._late]
        if not silent:
            return ""
        return (f"{', '.join(silent[:3])} had no bar in time: the feeds wait for it before anything is decided, so the order was sent "
                f"{(live.sent[0].time_ns - live.bar_ns) / SECOND:.1f} s later, after the first trade of the next bar")

    # -- at what price ------------------------------------------------------------------------------------------

    def price(self, simulated: Asked, live: Asked) -> str:
        """The same shares in the same bar, at another price."""
        if live.kind not in WITHOUT_LIMIT or not (self._evidence.slippage or any(self._evidence.assumed)):
            return self.parts(live)
        ours, theirs = self._evidence.assumed_away(simulated.size, simulated.price), self._evidence.slipped(live.size, live.price)
        if abs(ours - theirs) > TICK:
            return self.parts(live)
        assumed = round((simulated.price / ours - 1) * 1e4 * (1 if simulated.size > 0 else -1), 2)
        return f"both from {theirs:.4f}: the venue's slippage was {self._evidence.slippage * 1e4:.2f} bp, the simulation's {assumed + 0.0:.2f} bp"
