"""`cerebrolab data record`: the bars of the running session, as the vendor tells them, into the store."""

import threading
from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output
from scripts.ending import heard

if TYPE_CHECKING:
    from core.settings import Settings
    from feeds.alpaca import AlpacaSource


def record(
    symbols: Annotated[list[str], typer.Option(help="Symbols: A,B or repeated.")],
    source: Annotated[str, typer.Option(help="alpaca or alpaca:sip.")] = "alpaca",
    interval: Annotated[str, typer.Option(help="Length of a bar: 1m, as the vendor tells them.")] = "1m",
    once: Annotated[bool, typer.Option("--once", help="End when the session is over and its official bars are stored.")] = False,
    stream: Annotated[bool, typer.Option("--stream/--no-stream", help="Use the account's one websocket; without it, every minute is asked for.")] = True,
) -> None:
    """Write real-time minute bars and their moving averages into the store while the market is open; SIGINT or SIGTERM ends it."""
    from brokers.alpaca.store import AlpacaStore
    from core.clock import SystemClock
    from core.settings import load_settings
    from feeds import stores
    from scripts.spec_options import split_names
    from services.recording import Recorder, RecorderClock

    asked, settings = _source(source, interval), load_settings()
    names = asked.canonical(_named(split_names(symbols)))
    bars, ending = stores.opened(settings.store), threading.Event()
    store = AlpacaStore(*_addresses(settings, asked.feed), clock=RecorderClock(SystemClock(), ending), stream=False)
    recorder = Recorder(store, bars, names, ending, output.line, output.warn, once=once, stream=stream)
    with heard(recorder.stop):
        recorder.run()


def _source(source: str, interval: str) -> "AlpacaSource":
    from core.errors import BadSpec, UsageError
    from feeds.alpaca import AlpacaSource
    from feeds.intervals import is_intraday
    from feeds.load import SOURCES, source_named

    is_live = source.partition(":")[0] == "alpaca"
    found = source_named(source) if is_live or source.partition(":")[0] not in SOURCES else None
    if not isinstance(found, AlpacaSource):
        raise UsageError(f"the source {source!r} tells no bars in real time: use alpaca or alpaca:sip")
    if not is_intraday(interval) or interval != "1m":
        raise BadSpec(f"interval {interval!r} is not what alpaca tells in real time: use --interval 1m")
    return found


def _named(names: tuple[str, ...]) -> tuple[str, ...]:
    from core.errors import UsageError

    if not names:
        raise UsageError("no symbols were given: name some, such as --symbols SPY,QQQ")
    return names


def _addresses(settings: "Settings", feed: str) -> tuple[str, str, bool, str | None, str | None, str, str | None]:
    """What an AlpacaStore is made with: keys of either account, and the websocket of the feed."""
    from brokers.alpaca.endpoints import Endpoints, stream_of
    from core.errors import UsageError
    from feeds.alpaca_pages import LIVE_KEY

    is_paper = not settings.alpaca_keys[0].startswith(LIVE_KEY)
    endpoints = Endpoints.of(settings, is_paper)
    if settings.alpaca_stream_url is not None and endpoints.data_feed != feed:
        raise UsageError(f"ALPACA_STREAM_URL tells the bars of {endpoints.data_feed}, not of {feed}: remove it, or use --source "
                         f"{'alpaca' if endpoints.data_feed == 'iex' else 'alpaca:sip'}")
    stream_url = settings.alpaca_stream_url or stream_of(feed)
    return *settings.alpaca_keys, is_paper, settings.alpaca_base_url, settings.alpaca_data_url, stream_url, settings.alpaca_trade_stream_url
