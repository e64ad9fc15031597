"""Stores: the account and the live feeds that a Cerebro gets in place of the simulated broker and whole panels.

Imports feeds, brokers and core; `engine.build` puts them into a Cerebro.
"""

import datetime as dt
import inspect
import logging
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import backtrader as bt

from core.bars import Bars
from core.errors import BadSpec, CerebrolabError, UsageError
from core.logs import MASK
from core.options import Exits, read_group
from core.spec import RunSpec
from core.spec_texts import period_start
from feeds.intervals import interval_ns, is_intraday
from strategies.base import TargetStrategy

if TYPE_CHECKING:
    from brokers.alpaca import AlpacaStore

log = logging.getLogger(__name__)
KEYS = ("key_id", "secret_key", "paper")


@runtime_checkable
class StoreClass(Protocol):
    """What a Backtrader store offers, whoever wrote it."""

    def getbroker(self, *args: Any, **kwargs: Any) -> Any:
        """The account's broker."""

    def getdata(self, *args: Any, **kwargs: Any) -> Any:
        """A feed of `dataname`."""


def is_store(broker: Any) -> bool:
    """Whether it is a store rather than a broker or a name."""
    return isinstance(broker, StoreClass)


def alpaca_store(paper: bool = True) -> "AlpacaStore":
    """Alpaca, with the keys and addresses of the settings.

    Raises:
        UsageError, BadSpec: see `brokers.alpaca.endpoints.Endpoints`.
    """
    from brokers.alpaca import AlpacaStore
    from core.settings import load_settings

    settings = load_settings()
    return AlpacaStore(*settings.alpaca_keys, paper, settings.alpaca_base_url, settings.alpaca_data_url, settings.alpaca_stream_url,
                       settings.alpaca_trade_stream_url)


def made(kind: Any, options: Mapping[str, Any], paper: bool = True) -> Any:
    """A store of a class, with `options`, and the Alpaca keys of the settings where it takes parameters of those names.

    Raises:
        UsageError: it cannot be made.
    """
    own = dict(zip(KEYS, (*_keys(), paper), strict=True))
    given = {name: value for name, value in own.items() if name in _params(kind) and value != ""}
    try:
        return kind(**{**given, **options})
    except CerebrolabError:
        raise
    except Exception as error:  # whatever somebody else's code raises
        raise UsageError(f"{kind.__name__} cannot be made ({_named(error)}): give what it needs with --store-option NAME=VALUE") from error


@contextmanager
def told_of(kind: type, tell: Callable[[str], None]) -> Iterator[None]:
    """Whatever fails inside somebody else's store is one line; a thread of it that dies is told, not printed.

    Raises:
        UsageError: the store raised something, which is its cause.
    """
    def died(thread: threading.ExceptHookArgs) -> None:
        if thread.exc_value is not None:
            log.error("a thread of %s died", kind.__name__, exc_info=thread.exc_value)
        tell(f"a thread of {kind.__name__} ended by {_named(thread.exc_value)}: what it delivered will be missing")

    kept, threading.excepthook = threading.excepthook, died
    try:
        yield
    except CerebrolabError:
        raise
    except Exception as error:
        package = kind.__module__.partition(".")[0]
        places = [str(frame.f_globals.get("__name__", "")) for frame, _ in traceback.walk_tb(error.__traceback__)]
        if not any(place.partition(".")[0] == package for place in places):
            raise
        log.error("%s failed", kind.__name__, exc_info=error)
        raise UsageError(f"{kind.__name__} raised {_named(error)}; look at its keys and at what it is made with (--store-option)") from error
    finally:
        threading.excepthook = kept


def _named(error: BaseException | None) -> str:
    """In one line, without keys."""
    text = " ".join(str(error).split())
    for key in filter(None, _keys()):
        text = text.replace(key, MASK)
    return f"{type(error).__name__}: {text}"


def _params(kind: Any) -> set[str]:
    own: Any = getattr(kind, "params", None)
    names = set(own._getkeys()) if hasattr(own, "_getkeys") else set()
    return names | set(inspect.signature(kind.__init__).parameters)


def _keys() -> tuple[str, str]:
    from core.settings import load_settings

    return load_settings().alpaca_keys


def connect(cerebro: bt.Cerebro, store: Any, spec: RunSpec, bars: Bars | None, name: str) -> None:
    """Give a Cerebro the store's broker and a live feed of every symbol.

    Args:
        bars: history to begin with; None = the store's own. name: of the run, in the ids of its orders.

    Raises:
        BadSpec: see `check_feeds`. Otherwise as the store.
    """
    cerebro.setbroker(store.getbroker(strategy=name, capital=spec.capital) if is_alpaca(store) else store.getbroker())
    for symbol, feed in live_feeds(store, spec, bars).items():
        cerebro.adddata(feed, name=symbol)


def live_feeds(store: Any, spec: RunSpec, bars: Bars | None) -> dict[str, Any]:
    """Symbol -> live feed, of every symbol of a spec; the arguments and errors of `connect`."""
    is_ours = is_alpaca(store)
    check_feeds(spec, is_ours)
    unit, count = _timeframe(spec.interval)
    feeds = {}
    for symbol in (*spec.symbols, *spec.reference):
        options = _own_options(spec, symbol, store, bars) if is_ours else _options(spec, dt.datetime.now(dt.UTC).date())
        feeds[symbol] = store.getdata(dataname=symbol, timeframe=unit, compression=count, **options)
    return feeds


def is_alpaca(store: Any) -> bool:
    """Whether it is our own store."""
    from brokers.alpaca import AlpacaStore

    return isinstance(store, AlpacaStore)


def check_feeds(spec: RunSpec, at_alpaca: bool) -> None:
    """Whether a store, ours or another, can have live feeds and orders such as a spec asks for; nobody is asked.

    Raises:
        BadSpec, UnknownName: it cannot, and why.
    """
    unit, count = _timeframe(spec.interval)
    if not at_alpaca:
        if spec.capital is not None:
            raise BadSpec(f"capital is {spec.capital:g}: only an Alpaca account can be traded in part; drop it with this store")
        return
    from feeds.alpaca import PROXIES, AlpacaSource, ticker_of
    from feeds.alpaca_feed import live_interval

    live_interval(unit, count)
    AlpacaSource(calendar=spec.calendar)
    for symbol in {*spec.symbols, *spec.reference} - set(PROXIES):
        ticker_of(symbol)
    check_exits(spec)


def check_exits(spec: RunSpec) -> None:
    """Whether Alpaca can hold the protective orders of a spec.

    Raises:
        BadSpec: it refuses some of them, so that a position would stand without.
    """
    exits = read_group(Exits, spec.exits)
    if exits.stop and exits.trail:
        raise BadSpec("exits.stop and exits.trail together: Alpaca holds shares for one of them only; name one")
    if spec.fractional and (exits.trail or (exits.stop and exits.profit)):
        raise BadSpec("exits.trail, or exits.stop with exits.profit, on fractions of shares: Alpaca takes them for whole shares only; "
                      "trade --whole, or name one of stop and profit")


def check_fill(spec: RunSpec, strategy: type[bt.Strategy]) -> None:
    """Whether the orders of a target strategy can reach the auctions they are meant for.

    Raises:
        BadSpec: they cannot.
    """
    if not issubclass(strategy, TargetStrategy):
        return
    fills = strategy.fills(spec.fill)
    auctions = [fill for fill in fills if fill != "next_open"]
    if spec.fractional and auctions:
        raise BadSpec(f"fill = {auctions[0]} with fractions of shares: Alpaca's auctions take whole shares only; trade --whole, or fill at next_open")
    if "session_close" in fills and not is_intraday(spec.interval):
        raise BadSpec(f"fill = session_close with {spec.interval} bars, live: the auction is over when the bar is complete; use next_open, "
                      "or a daily run without exits, which trades in the next one")
    known = dict(strategy.params._getitems())
    given = {name: value for name, value in spec.params.items() if isinstance(value, type(known.get(name)))}  # others are told of later
    strategy.check_bars(spec.interval, SimpleNamespace(**known | given))


def _options(spec: RunSpec, today: dt.date) -> dict[str, Any]:
    start = str(period_start(spec.period, today)) if spec.period else spec.start
    return {"fromdate": dt.datetime.fromisoformat(start)} if start else {}


def _own_options(spec: RunSpec, symbol: str, store: "AlpacaStore", bars: Bars | None) -> dict[str, Any]:
    return {**_options(spec, store.clock.today()), "history": bars, "tradable": symbol not in spec.reference, "bar_store": store.bar_store}


def _timeframe(interval: str) -> tuple[int, int]:
    if is_intraday(interval):
        return bt.TimeFrame.Minutes, interval_ns(interval) // (60 * 10**9)
    if interval != "1d":
        raise BadSpec(f"interval is {interval}: live bars are minutes, hours or days")
    return bt.TimeFrame.Days, 1
