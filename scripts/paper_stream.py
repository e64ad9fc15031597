"""Paper and live trading bar by bar: Cerebro on Alpaca's streams, or on a store that somebody else wrote."""

import json
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from core.errors import BadSpec, CerebrolabError, UsageError
from scripts import output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.spec import RunSpec
    from engine.live.streaming import Event, Tell
    from scripts.paper import Account

Stopped = Callable[[], bool]


def trade_stream(specs: Sequence["RunSpec"], account: "Account", stopped: Stopped, as_json: bool) -> None:
    """Trade until stopped, or until the trading days are over, and end as `spec.on_stop` says; what happens is told line by line.

    Raises:
        AccountLeft: it has ended, and the account is not as asked. CerebrolabError: the run cannot begin.
    """
    from core.settings import load_settings
    from engine.build import check_live
    from engine.live.verdicts import check_gate
    from engine.several import ELSEWHERE, named
    from journal import opened

    if len(specs) > 1 and account.store is not None:
        raise BadSpec(ELSEWHERE)
    for spec in named(specs).values():
        check_live(spec, account.store is None)
    settings = load_settings()
    with opened(settings.journal) as journal:
        for warning in filter(None, [check_gate(spec, journal, refuse=not account.on_paper) for spec in specs]):
            output.warn(warning)
    tell = _tell_json if as_json else _tell
    if account.store is not None:
        _trade_own(specs, _own(account.store, account.options, account.on_paper), stopped, tell)
        return
    with _alpaca(account.on_paper, settings) as store, opened(settings.journal, store.clock) as journal:
        from engine.live.history import live_history
        from engine.live.streaming import stream_several
        from feeds import stores

        store.bar_store = stores.opened(settings.store)
        histories = [live_history(spec, store, store.bar_store) for spec in specs]
        stream_several(specs, store, stopped, tell, histories, journal, account.nets)


def _own(path: str, options: Sequence[str], on_paper: bool) -> Any:
    from core.spec_texts import parse_value
    from engine.resolve import store_class
    from engine.stores import made

    given = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals or not name.isidentifier():
            raise UsageError(f"--store-option {option!r} is not understood: write NAME=VALUE")
        given[name] = parse_value(value)
    return made(store_class(path), given, on_paper)


def _trade_own(specs: Sequence["RunSpec"], store: Any, stopped: Stopped, tell: "Tell") -> None:
    from engine.live.streaming import Event, stream_several
    from engine.stores import told_of

    with told_of(type(store), lambda text: tell(Event("store", text))):
        stream_several(specs, store, stopped, tell)


@contextmanager
def _alpaca(on_paper: bool, settings: Any) -> "Iterator[Any]":
    """A store of the account, which nobody else trades meanwhile."""
    from filelock import FileLock, Timeout

    from engine.stores import alpaca_store

    store = alpaca_store(on_paper)
    try:
        number = store.rest.account().number
        try:
            with FileLock(settings.home / f"{number}.lock", timeout=0):
                yield store
        except Timeout:
            raise CerebrolabError(f"another process trades the account {number}: wait until it has ended, or stop it") from None
    finally:
        store.stop()


def _tell(event: "Event") -> None:
    (output.warn if event.kind in ("store", "guard", "alert") else output.line)(f"{_time(event)}{event.text}")


def _time(event: "Event") -> str:
    """New York's, as the exchange's hours are."""
    from brokers.alpaca.moments import new_york

    return "" if event.time is None else f"{new_york(event.time):%Y-%m-%d %H:%M:%S} "


def _tell_json(event: "Event") -> None:
    if event.kind == "alert":
        output.warn(f"{_time(event)}{event.text}")
    output.line(json.dumps(output.finite({"event": event.kind, "time": event.time, "text": event.text, **event.facts})))
