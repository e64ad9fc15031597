"""AlpacaBroker: a Backtrader broker whose exchange is Alpaca. Imports core and the modules beside it.

Everything of Backtrader's happens in Cerebro's thread: trade updates, told in another, wait in a queue. No value asked
for costs a request. Trouble with the venue becomes a store notification, never an exception out of `cerebro.run()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

import backtrader as bt
from backtrader import Order as BtOrder

from brokers.alpaca.answers import Order
from brokers.alpaca.assets import Assets
from brokers.alpaca.clock import BrokerClock
from brokers.alpaca.order_flow import OrderFlow
from brokers.alpaca.order_holdings import Holding, Holdings
from brokers.alpaca.order_terms import exact_number, symbol_of
from brokers.alpaca.order_trouble import Trouble
from brokers.alpaca.order_watch import OrderWatch
from brokers.alpaca.rest import Rest
from brokers.alpaca.stream_trouble import State
from brokers.alpaca.trade_stream import TradeUpdate
from brokers.hooks import Hooks, Moved
from brokers.order_copies import snapshot
from core.errors import UsageError

ANSWERS = 1000  # states of orders that strategies cause in one turn; a strategy that sends again whatever is refused must not stop the clock


class AlpacaBroker(Hooks, bt.BrokerBase):
    """Cash, positions and orders of one Alpaca account. `AlpacaStore.getbroker()` makes it.

    Args:
        rest, clock, assets: the gateway, the venue's time, and what may be done with each symbol.
        report: told, with a message and details, what a human should know.
        expect: `Stream.expect` of the trade updates, if there is a stream.

    Params:
        persist: called with what is about to be sent, a sequence of `order_desk.Leaving`, all that leaves together at once; where it
            raises an error of core.errors, once more for each alone, and an error then keeps that one back.
        strategy: a name for the client order ids in place of the class name of the order's strategy.
        poll_s: seconds between two looks at the open orders while no stream tells of them.
        reconcile_s: seconds between two comparisons of everything.
        capital: USD; the largest part of the account that cash and value show, and so that is sized by. What the run loses of it
            is filled up from the account; positions in symbols without a feed do not count.

    Orders are sent when the strategies have had their turn (`flush`), so that groups are complete by then. Beside
    Backtrader's arguments they take `tif`, `auction="open"`, `extended_hours` and `notional`. Why an order was not
    carried out stands in `order.info["reason"]`.

    Attributes:
        whose: the name of the run that an order's client order id belongs to, "" where it is nobody's; None = there is one run.
        taken_over: told the orders of the last days, as they were read, before anything is made of them. missed: what moved while
            nobody looked, executions included.
        shared: the `brokers.shared_account.SharedAccount` where several runs share the account.

    Raises:
        Unauthorized, BadSpec, BrokerUnavailable: the account could not be read.
    """

    params = (("persist", lambda leaving: None), ("strategy", None), ("poll_s", 5.0),
              ("reconcile_s", 60.0), ("capital", None))

    def __init__(self, rest: Rest, clock: BrokerClock, assets: Assets, report: Callable[..., None],
                 expect: Callable[[float, float], Any] | None = None) -> None:
        super().__init__()
        self.cerebro: Any = None
        self.store: Any = None
        self._to_tell = ANSWERS
        self.whose: Callable[[str], str] | None = None
        self.shared: Any = None
        self.taken_over: Callable[[Sequence[Order]], None] | None = None
        self.missed: Callable[[], list[Moved]] = list
        self._assets = assets
        self._flow = OrderFlow(rest, clock, assets, self, Trouble(report), expect or (lambda within_s, since: None))
        self._watch = OrderWatch(rest, clock, self._flow, self.p.poll_s, self.p.reconcile_s)
        self._holdings = self._flow.holdings
        self.startingcash = self.getcash()

    # -- life -----------------------------------------------------------------------------------------

    def start(self) -> None:
        super().start()
        if self.store is not None:
            self.cerebro.addstore(self.store)
            self.store.start()
        self._watch.begin()
        self.startingcash = self.getcash()

    def stop(self) -> None:
        self.end_turn()

    def end_turn(self) -> None:
        """Send the orders that wait, and tell that they have left; the store calls it when the strategies have had their turn."""
        self.flush()
        if self.sent:
            self.sent(None)

    def foresee(self) -> None:
        """Do what no decision is to wait for: compare everything, ask for what orders will need; the store calls it after `end_turn`."""
        self._watch.look_around()
        if self.begun and self.cerebro is not None:
            self._assets.ask_ahead(symbol_of(data) for data in self.cerebro.datas if getattr(data, "tradable", True))

    def next(self) -> None:
        """Apply what the venue has told, look after what it has not, and send what waits."""
        self._watch.apply()
        self._watch.look()
        self.flush()
        self._to_tell = len(self._flow.notifications) + ANSWERS

    def flush(self) -> None:
        """Send the orders that wait."""
        self._flow.flush()

    def reconcile(self) -> None:
        """Compare account, positions and orders with the venue's now."""
        self._watch.apply()
        self._watch.reconcile()

    @property
    def begun(self) -> bool:
        """Whether the account has been read; before, positions and orders are not known."""
        return self._flow.begun

    @property
    def equity(self) -> float:
        """Value of the whole account, whatever part of it the run may use; USD."""
        return float(self._holdings.cash) + sum(self._worth(symbol) for symbol, _ in self._holdings)

    @property
    def stopped(self) -> dict[str, str]:
        """Symbols in which nothing is sent, and why."""
        return dict(self._flow.desk.stopped)

    def resume(self, symbol: str) -> None:
        """Trade again in a symbol that an unexplained difference has stopped."""
        self._flow.desk.stopped.pop(symbol, None)

    def on_update(self, update: TradeUpdate) -> None:
        """What happened to an order; from any thread."""
        self._watch.queue.append(update)
        self._wake()

    def on_state(self, state: State) -> None:
        """What became of the stream of updates; from any thread."""
        self._watch.queue.append(state)
        self._wake()

    def _wake(self) -> None:
        if self.store is not None:
            self.store.bell.ring()

    # -- what Backtrader asks -------------------------------------------------------------------------

    def getcash(self) -> float:
        """USD, as of the last update."""
        cash = float(self._holdings.cash)
        if self.p.capital is None:
            return cash
        feeds = self.cerebro.datas if self.cerebro is not None else ()
        return min(cash, self.p.capital - sum(abs(self._worth(symbol_of(data))) for data in feeds))

    def getvalue(self, datas: Iterable[Any] | None = None) -> float:
        """Cash and positions, or the positions in some feeds, at the feeds' last closes; USD."""
        if datas is not None:
            return sum(self._worth(symbol_of(data)) for data in datas)
        return self.equity if self.p.capital is None else min(self.equity, self.p.capital)

    def get_cash(self) -> float:
        """As `getcash`."""
        return self.getcash()

    def get_value(self, datas: Iterable[Any] | None = None) -> float:
        """As `getvalue`."""
        return self.getvalue(datas)

    def getposition(self, data: Any) -> bt.Position:
        """Shares of a feed's symbol and their average price."""
        return self._holdings[symbol_of(data)].position

    @property
    def positions(self) -> dict[Any, bt.Position]:
        """Position by feed."""
        return {data: self.getposition(data) for data in self.cerebro.datas}

    def feed_of(self, symbol: str, client_order_id: str | None = None) -> Any:
        """The feed that shows a symbol, or None; of several runs' feeds, that of the run an order belongs to."""
        feeds = [data for data in (self.cerebro.datas if self.cerebro is not None else ()) if symbol_of(data) == symbol]
        if client_order_id is None or self.whose is None:
            return feeds[0] if feeds else None
        run = self.whose(client_order_id)
        return next((data for data in feeds if data.run == run), None)

    def holders(self, symbol: str, held: Holding) -> list[tuple[Any, Holding]]:
        """Who holds the shares of a symbol, by feed: whoever sees it, unless several runs share the account."""
        if self.shared is not None:
            return list(self.shared.holders(symbol))
        feed = self.feed_of(symbol)
        return [(feed, held)] if feed is not None else []

    @property
    def orders(self) -> list[BtOrder]:
        """Every order submitted in this run, as it stands."""
        return self._flow.orders

    def orderstatus(self, order: BtOrder) -> int:
        """Backtrader's status of an order."""
        return int(self._flow.current(order).status)

    def get_orders_open(self, safe: bool = False) -> list[BtOrder]:
        """Orders that have not ended; copies of them if `safe`."""
        return [snapshot(order) if safe else order for order in self._flow.open_orders()]

    def get_notification(self) -> BtOrder | None:
        """The next state of an order that strategies have not heard of; of what they cause by each answer, so much in one turn."""
        if self._flow.notifications and self._to_tell > 0:
            self._to_tell -= 1
            return self._flow.notifications.popleft()
        if self._flow.notifications:
            self._wake()
        return None

    def add_order_history(self, orders: Any, notify: bool = False) -> None:
        """Not possible: the account has a history of its own.

        Raises:
            UsageError: always.
        """
        raise UsageError("an Alpaca account has its own history: leave out cerebro.add_order_history")

    def set_fund_history(self, fund: Any) -> None:
        """Not possible: the account has a history of its own.

        Raises:
            UsageError: always.
        """
        raise UsageError("an Alpaca account has its own history: leave out cerebro.set_fund_history")

    @property
    def holdings(self) -> Holdings:
        """Exact cash and shares of the whole account."""
        return self._holdings

    @property
    def held(self) -> dict[str, tuple[Decimal, Decimal]]:
        """Symbol -> exact signed shares and price, at the feeds' last closes, of everything the account holds."""
        return {symbol: (held.qty, exact_number(self._price(symbol))) for symbol, held in self._holdings}

    def _worth(self, symbol: str) -> float:
        return float(self._holdings[symbol].qty) * self._price(symbol)

    def _price(self, symbol: str) -> float:
        held, feed = self._holdings[symbol], self.feed_of(symbol)
        return float(feed.close[0] if feed is not None and len(feed) else held.mark or held.average)

    # -- orders ---------------------------------------------------------------------------------------

    def buy(self, owner: Any, data: Any, size: float, price: float | None = None, plimit: float | None = None,
            exectype: int | None = None, valid: Any = None, tradeid: int = 0, oco: BtOrder | None = None,
            trailamount: float | None = None, trailpercent: float | None = None, parent: BtOrder | None = None,
            transmit: bool = True, **kwargs: Any) -> BtOrder:
        """Take a buy order; see the class."""
        order = bt.BuyOrder(owner=owner, data=data, size=size, price=price, pricelimit=plimit, exectype=exectype,
                            valid=valid, tradeid=tradeid, oco=oco, trailamount=trailamount,
                            trailpercent=trailpercent, parent=parent, transmit=transmit)
        return self._take(order, kwargs)

    def sell(self, owner: Any, data: Any, size: float, price: float | None = None, plimit: float | None = None,
             exectype: int | None = None, valid: Any = None, tradeid: int = 0, oco: BtOrder | None = None,
             trailamount: float | None = None, trailpercent: float | None = None, parent: BtOrder | None = None,
             transmit: bool = True, **kwargs: Any) -> BtOrder:
        """Take a sell order; see the class."""
        order = bt.SellOrder(owner=owner, data=data, size=size, price=price, pricelimit=plimit, exectype=exectype,
                             valid=valid, tradeid=tradeid, oco=oco, trailamount=trailamount,
                             trailpercent=trailpercent, parent=parent, transmit=transmit)
        return self._take(order, kwargs)

    def _take(self, order: BtOrder, info: dict[str, Any]) -> BtOrder:
        order.addinfo(**info)
        order.addcomminfo(self.getcommissioninfo(order.data))
        self._flow.take(order)
        return order

    def cancel(self, order: BtOrder) -> bool:
        """Ask for an order's cancellation; whether there was anything to ask for. The end comes by notification."""
        return self._flow.cancel(order)
