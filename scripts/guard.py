"""`cerebrolab guard`: what the guard of a live run has refused, whether it has stopped the run, and letting it go on."""

import datetime as dt
import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UnknownName, UsageError
from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from journal.account_log import AccountLog, Note

guard = typer.Typer(help="What the guards of live runs have refused and stopped.")
Run = Annotated[str, typer.Argument(metavar="RUN.toml|NAME", help="The spec of the run, or its name on the account.")]
Account = Annotated[str | None, typer.Option(metavar="N", help="The broker's id of the account, where the run has been on several.")]
LATEST = 20  # refusals that are shown


@dataclass(frozen=True)
class _Guarded:
    """One run on one account, and what its guard has noted."""

    account: str
    run: str
    notes: Sequence["Note"]

    @property
    def stopped(self) -> "Note | None":
        """What stopped it, if nobody has let it go on since."""
        from journal.account_log import KILLED, RESUMED

        last = next((note for note in reversed(self.notes) if note.kind in (KILLED, RESUMED)), None)
        return last if last is not None and last.kind == KILLED else None

    @property
    def refused(self) -> list["Note"]:
        """The latest refusals."""
        from journal.account_log import REFUSED

        return [note for note in self.notes if note.kind == REFUSED][-LATEST:]


@guard.command()
def show(run: Run, account: Account = None, as_json: given.AsJson = False) -> None:
    """Say whether a run is stopped, and what was refused last."""
    with _log() as log:
        found = _find(log, run, account)
    if as_json:
        output.as_json([{"account": each.account, "run": each.run, "stopped": each.stopped is not None,
                         "reason": each.stopped.text if each.stopped else "", "since": _when(each.stopped) if each.stopped else None,
                         "refused": [{"at": _when(note), "text": note.text, **note.facts} for note in each.refused]} for each in found])
        return
    for each in found:
        output.line(f"{each.run} on account {each.account}: " + (each.stopped.text if each.stopped else "it may trade"))
        if each.refused:
            output.table("", ("refused at (UTC)", "rule", "limit", "found", "why"), [_row(note) for note in each.refused], left=2)


@guard.command()
def clear(run: Run, account: Account = None) -> None:
    """Let a run that was stopped trade again; its losses count from now on."""
    from journal.account_log import RESUMED

    with _log() as log:
        stopped = [each for each in _find(log, run, account) if each.stopped]
        if not stopped:
            raise UsageError(f"{run} is not stopped: there is nothing to clear, see cerebrolab guard show {run}")
        if len(stopped) > 1:
            raise UsageError(f"{run} is stopped on the accounts {', '.join(each.account for each in stopped)}: name one with --account")
        for each in stopped:
            log.note(each.account, each.run, RESUMED, f"{_user()} lets it go on after: {each.stopped.text if each.stopped else ''}", by=_user())
            output.line(f"{each.run} on account {each.account} may trade again; its losses count from now on")


@contextmanager
def _log() -> Iterator["AccountLog"]:
    from core.settings import load_settings
    from journal import opened

    path = load_settings().journal
    if isinstance(path, Path) and not path.exists():
        raise UsageError(f"there is no journal {path}: no run has traded live from here; look in its folder, or set CEREBROLAB_HOME")
    with opened(path) as journal:
        yield journal.account_log


def _find(log: "AccountLog", run: str, account: str | None) -> list[_Guarded]:
    name = _name(run)
    notes = log.notes(account, kinds=_kinds())
    if account is not None and not notes:
        raise UnknownName.of("account", account, {note.account for note in log.notes(kinds=_kinds())})
    if name not in {note.run for note in notes}:
        raise UnknownName.of("run", name, {note.run for note in notes}, "(a run is known once its guard has noted something)")
    accounts = list(dict.fromkeys(note.account for note in notes if note.run == name))
    return [_Guarded(each, name, [note for note in notes if (note.account, note.run) == (each, name)]) for each in accounts]


def _kinds() -> tuple[str, ...]:
    from brokers.guard import DAY, KILLED, REFUSED, RESUMED

    return DAY, KILLED, REFUSED, RESUMED


def _name(run: str) -> str:
    """The name of a run on its account."""
    from engine.resolve import strategy_class
    from scripts.spec_options import build_spec

    if not run.endswith(".toml"):
        return run
    spec = build_spec(Path(run), (), {})
    return spec.name or strategy_class(spec.strategy).__name__


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"


def _when(note: "Note") -> str:
    return f"{dt.datetime.fromtimestamp(note.time_ns / 1e9, dt.UTC):%Y-%m-%d %H:%M:%S}"


def _row(note: "Note") -> tuple[Any, ...]:
    limit, value = (note.facts.get(name) for name in ("limit", "value"))
    return (_when(note), note.facts.get("rule", ""), _number(limit), _number(value), note.text)


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:,.6g}"
