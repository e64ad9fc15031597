"""`cerebrolab paper` and `cerebrolab live`: trade a spec through Alpaca or another store, on paper or with real money."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from core.errors import CerebrolabError, UsageError
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from core.spec import RunSpec
    from engine.live.daily import Daily, Report

LOCK_S = 60.0  # a loop waits for the turns of others
RunFiles = Annotated[list[Path], typer.Argument(
    metavar="RUN.toml...", help="The spec, a TOML file with the options of backtest; several share the account, with --loop.")]
Net = Annotated[bool, typer.Option("--net", help="Settle opposite market orders of several runs between them.")]
Once = Annotated[bool, typer.Option("--once/--loop", help="Do what is due now and end, or go on until stopped.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Decide, send nothing, write nothing down.")]
Store = Annotated[str | None, typer.Option(metavar="MODULE:CLASS", help="A Backtrader store in place of Alpaca, with --loop.")]
StoreOption = Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="What that store is made with; repeatable.")]


def paper(
    run: RunFiles,
    once: Once = True,
    dry_run: DryRun = False,
    net: Net = False,
    store: Store = None,
    store_option: StoreOption = None,
    param: given.Param = None,
    as_json: given.AsJson = False,
) -> None:
    """Trade a spec on Alpaca's paper account; a daily one may be repeated at any time, and adds nothing then."""
    _trade(run, Account(True, store, tuple(store_option or ()), net), once, dry_run, param or (), as_json)


def live(
    run: RunFiles,
    once: Once = True,
    dry_run: DryRun = False,
    accepted: Annotated[bool, typer.Option("--i-accept-real-money", help="Orders cost and may lose real money.")] = False,
    net: Net = False,
    store: Store = None,
    store_option: StoreOption = None,
    param: given.Param = None,
    as_json: given.AsJson = False,
) -> None:
    """The same with real money, for a strategy that has passed the gate."""
    if not accepted and not dry_run:
        raise UsageError("live trades with real money: say --i-accept-real-money, or try it with cerebrolab paper")
    _trade(run, Account(False, store, tuple(store_option or ()), net), once, dry_run, param or (), as_json)


class Account(NamedTuple):
    """Whose account: Alpaca's, on paper or not, or that of a store by its import path; and whether its runs are netted."""

    on_paper: bool
    store: str | None
    options: tuple[str, ...]
    nets: bool


def _trade(files: Sequence[Path], account: Account, once: bool, dry_run: bool, params: Any, as_json: bool) -> None:
    from engine.live.streaming import needs_cerebro

    specs = [build_spec(file, params, {}) for file in files]
    if len(specs) > 1:
        for file, spec in zip(files, specs, strict=True):
            if once or dry_run or not needs_cerebro(spec):
                raise UsageError(f"{file} is one of several runs, and is not run bar by bar: say --loop, without --dry-run, and trade daily "
                                 "targets on their own")
    if account.store is None and (once or dry_run or not needs_cerebro(specs[0])):
        _trade_daily(specs[0], account.on_paper, once, dry_run, as_json)
    elif once or dry_run:
        raise UsageError("a store of your own is traded in Cerebro, bar by bar: say --loop, without --dry-run")
    else:
        from scripts.paper_stream import trade_stream

        with _terminated() as stopped:
            trade_stream(specs, account, lambda: bool(stopped), as_json)


def _trade_daily(spec: "RunSpec", on_paper: bool, once: bool, dry_run: bool, as_json: bool) -> None:
    from filelock import FileLock

    from brokers.alpaca.clock import BrokerClock
    from brokers.alpaca.endpoints import Endpoints
    from brokers.alpaca.rest import Rest
    from core.settings import load_settings
    from engine.live.daily import Daily
    from engine.live.verdicts import check_gate
    from engine.live.wanted import check_daily
    from feeds import stores
    from feeds.alpaca_splits import splits_on
    from journal import opened
    from sizers import solved

    settings = load_settings()
    check_daily(spec)
    rest = Rest(Endpoints.of(settings, paper=on_paper))
    solved.configure(settings.solved)
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {settings.home}: {error.strerror}; name another with CEREBROLAB_HOME") from None
    try:
        account = rest.account()
        clock = BrokerClock(rest)
        lock = FileLock(settings.home / f"{account.number}.lock", timeout=0 if once else LOCK_S)
        with opened(settings.journal, clock) as journal:
            warning = check_gate(spec, journal, refuse=not on_paper and not dry_run)
            if warning:
                output.warn(warning)
            daily = Daily(spec, rest, clock, journal, stores.opened(settings.store),
                          splits_on=lambda symbols, date: splits_on(symbols, date, settings, clock))
            working = settings.home / f"{account.number}-{os.getpid()}.loop.lock"
            _carry_out(Locked(daily, lock, account.number), clock, once or dry_run, dry_run, as_json, working)
    finally:
        rest.close()


class Locked:
    """A daily run, of which only one process at a time takes its turn on an account."""

    def __init__(self, daily: "Daily", lock: Any, number: str) -> None:
        self._daily, self._lock, self._number = daily, lock, number

    def once(self, dry: bool = False) -> "Report":
        """As `Daily.once`; a dry run changes nothing and needs no turn.

        Raises:
            CerebrolabError: it is another process's turn.
        """
        from filelock import Timeout

        if dry:
            return self._daily.once(dry)
        try:
            with self._lock:
                return self._daily.once()
        except Timeout:
            raise CerebrolabError(f"another process trades the account {self._number}: wait until it has ended, or stop it") from None


def _carry_out(daily: "Locked", clock: Any, once: bool, dry_run: bool, as_json: bool, working: Path) -> None:
    """Args: working: a file that is locked while a loop goes on, also between its turns."""
    from filelock import FileLock

    from engine.live.looping import loop

    tell = _tell_json if as_json else _tell
    if once:
        tell(daily.once(dry=dry_run))
        return
    try:
        with _terminated() as stopped, FileLock(working):
            loop(daily, clock, lambda: bool(stopped), tell, output.warn)
    finally:
        working.unlink(missing_ok=True)


@contextmanager
def _terminated() -> Iterator[list[int]]:
    """A list that is filled by SIGTERM or Ctrl-C: what is being done is finished first, unless it is said twice.

    Raises:
        KeyboardInterrupt: the second time.
    """
    received: list[int] = []

    def hear(number: int, _: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    kept = {number: signal.signal(number, hear) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)


def _tell(report: "Report") -> None:
    rows = [(order.side, f"{order.qty:f}", order.symbol, order.intent, order.tif or "-", order.status or order.state, f"{order.filled:f}",
             "-" if order.price is None else f"{order.price:f}", order.reason) for order in report.orders]
    made = "decided" if report.new else "decided before"
    if rows:
        output.table(f"{made} on {report.session}: {len(rows)} orders, equity {report.equity:,.2f}, cash {report.cash:,.2f}",
                     ("side", "shares", "symbol", "intent", "sent", "status", "filled", "price", "reason"), rows, left=1)
    else:
        output.line(f"{made} on {report.session}: nothing to trade; equity {report.equity:,.2f}, cash {report.cash:,.2f}")
    for text in report.waiting:
        output.line(f"waits: {text}")
    for text in report.warnings:
        output.warn(text)


def _tell_json(report: "Report") -> None:
    output.as_json({
        "session": report.session, "new": report.new, "done": report.done, "over": report.over, "equity": float(report.equity),
        "cash": float(report.cash), "targets": report.targets, "waiting": list(report.waiting), "warnings": list(report.warnings),
        "orders": [{**vars(order), "qty": float(order.qty), "filled": float(order.filled),
                    "price": None if order.price is None else float(order.price)} for order in report.orders]})
