"""The command `cerebrolab`: its sub-commands, and the one place where errors become one line and an exit code.

Exit codes: 0 done, 1 unexpected error (traceback in the log) or a finding, 2 the request or the data is wrong, 3 a live run has ended and its
account is not as it was asked to be, 130 interrupted.
"""

import logging
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from typer.exceptions import TyperException

from core import __version__
from core.errors import CerebrolabError
from scripts import output
from scripts.accounts import accounts
from scripts.backtest import backtest
from scripts.check import check
from scripts.daily import daily
from scripts.data import data
from scripts.gate import gate
from scripts.guard import guard
from scripts.notify import notify
from scripts.paper import live, paper
from scripts.parity import parity
from scripts.questdb import questdb
from scripts.recommend import recommend
from scripts.report import report
from scripts.runs import runs
from scripts.serve import serve
from scripts.shadow import shadow
from scripts.signals import signals
from scripts.sweep import sweep
from scripts.taxes import taxes
from scripts.transfer import bring_in, export
from scripts.walkforward import walkforward

if TYPE_CHECKING:
    from core.logs import LogFile

log = logging.getLogger(__name__)
INTERRUPTED = 130
app = typer.Typer(name="cerebrolab", add_completion=False, pretty_exceptions_enable=False)
app.command()(backtest)
app.command()(check)
app.command()(parity)
app.command()(sweep)
app.command()(walkforward)
app.command()(gate)
app.command()(recommend)
app.command()(shadow)
app.command()(report)
app.command()(signals)
app.command()(notify)
app.command()(daily)
app.command()(paper)
app.command()(live)
app.command()(accounts)
app.command()(taxes)
app.command()(export)
app.command("import")(bring_in)
app.add_typer(data, name="data")
app.add_typer(guard, name="guard")
app.add_typer(questdb, name="questdb")
app.add_typer(runs, name="runs")
app.add_typer(serve, name="serve")


@app.callback(invoke_without_command=True)
def cerebrolab(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Backtrader strategies, from research to the live account."""
    if version:
        output.line(f"cerebrolab {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        output.line(context.get_help())


def main() -> None:
    """Entry point of the installed command."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Carry out one command line and return its exit code; never raises."""
    log_file = None
    try:
        log_file = _log_file(arguments)
        code = app(list(arguments), prog_name="cerebrolab", standalone_mode=False)
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        return code if isinstance(code, int) else 0
    except CerebrolabError as error:
        output.fail(str(error))
        return error.exit_code
    except TyperException as error:
        output.fail(_usage(error))
        return 2
    except (KeyboardInterrupt, typer.Abort):
        output.fail("interrupted; what was recorded is kept")
        return INTERRUPTED
    except BrokenPipeError:
        output.drop_stdout()
        return 0
    except Exception as error:  # noqa: BLE001  (the last resort of the command line)
        return _unexpected(error, log_file)
    finally:
        _release(log_file)


def _log_file(arguments: Sequence[str]) -> "LogFile | None":
    """Start logging, except for help and version, which must be fast."""
    if not arguments or {"--help", "--version"} & set(arguments):
        return None
    from core import logs
    from core.settings import load_settings

    return logs.configure(load_settings())


def _release(log_file: "LogFile | None") -> None:
    if log_file is not None:
        from core import logs

        logs.release(log_file)


def _unexpected(error: Exception, log_file: "LogFile | None") -> int:
    if log_file is None:
        raise error
    from engine.resolve import raised_in_file

    log.error("unexpected error", exc_info=error)
    told = raised_in_file(error)
    if told:
        output.fail(f"{told}; the traceback is in {log_file.baseFilename}")
        return 2
    output.fail(f"unexpected {type(error).__name__}: {error}; the traceback is in {log_file.baseFilename}")
    return 1


def _usage(error: TyperException) -> str:
    """What is wrong with a command line, with the value and where to read on."""
    context, details = getattr(error, "ctx", None), getattr(error.__cause__, "errors", None)
    value = f", not {details()[0]['input']!r}" if details else ""  # what pydantic could not read
    return f"{error.format_message()}{value} (see {context.command_path if context else 'cerebrolab'} --help)"
