"""`cerebrolab parity`: a certificate that paper trading does what the backtest says, or what differs and why."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import UnknownName
from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec

if TYPE_CHECKING:
    from checks.parity import Certificate

ACCOUNTS = ("margin", "cash")
SHOWN = 40  # differences in the table; the certificate has all
RunFile = Annotated[Path, typer.Argument(metavar="RUN.toml", help="The spec: a TOML file with the options of backtest.")]


def parity(
    run: RunFile,
    days: Annotated[int | None, typer.Option(
        min=1, help="Last sessions of the bars, played live; the default is 1 with bars within the day, else 30.")] = None,
    inject: Annotated[list[str] | None, typer.Option(
        metavar="GAP", help="slippage=5bp, rejection, late_bar=40, partial=10, lost_event, lost_answer; repeatable.")] = None,
    account: Annotated[str, typer.Option(metavar="|".join(ACCOUNTS), help="Kind of the account at the venue.")] = "margin",
    param: given.Param = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Play a spec on the simulated broker and on Alpaca's path against a local Alpaca, and explain every difference.

    Exit code 0: they traded, and nothing is unexplained. 1: something is, or nothing traded. 2: it could not be played.
    """
    if account not in ACCOUNTS:
        raise UnknownName.of("account", account, ACCOUNTS)
    spec = build_spec(run, param or (), {})

    from checks.parity import Injection, certify, write
    from core.settings import load_settings
    from feeds import stores
    from scripts.backtest import new_directory

    gaps, settings = [Injection.read(text) for text in inject or ()], load_settings()
    with output.progress_bar() as progress:
        certificate = certify(spec, days=days, inject=gaps, account=account, store=stores.opened(settings.store), progress=progress)
    page = write(certificate, out or new_directory(settings.runs_dir, f"parity-{spec.strategy}")).resolve()
    if as_json:
        output.as_json({**certificate.summary(), "certificate": str(page)})
    else:
        _show(certificate, page)
    if not certificate.passed:
        raise typer.Exit(1)


def _show(certificate: "Certificate", page: Path) -> None:
    verdict = certificate.verdict
    shown = [*verdict.unexplained, *(each for each in verdict.differences if each.explanation)][:SHOWN]
    if shown:
        output.table("", ("class", "bar (UTC)", "symbol", "simulated", "alpaca", "cost", "explanation"), certificate.rows(shown), left=7)
        output.line()
    if len(shown) < len(verdict.differences):
        output.line(f"and {len(verdict.differences) - len(shown)} more")
    for note in certificate.notes:
        output.warn(note)
    counts = ", ".join(f"{count} {kind}" for kind, count in verdict.counts.items() if count) or "none"
    output.line(f"differences: {counts}; {len(verdict.unexplained)} unexplained; {verdict.same} of {verdict.orders} orders alike in everything")
    output.line(f"{certificate.title}, in {certificate.seconds:.1f} s")
    output.line(f"certificate: {page}")
