"""`cerebrolab check`: prove that a strategy does not look ahead, or name the first decision that does."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output
from scripts import run_options as given
from scripts.spec_options import build_spec, split_names

if TYPE_CHECKING:
    from checks.report import Probe, Report


def check(
    strategy: Annotated[str | None, typer.Argument(
        metavar="[STRATEGY]", help="A shipped strategy, file.py:Class, or module:Class.")] = None,
    symbols: Annotated[list[str] | None, typer.Option(
        help="Symbols to check on: A,B or repeated; the default is made-up bars.")] = None,
    universe: given.Universe = None,
    events: given.Events = None,
    delisting: given.Delisting = None,
    reference: Annotated[list[str] | None, typer.Option(help="Symbols to see but not to trade.")] = None,
    source: Annotated[str | None, typer.Option(help="sample, csv, csv:DIR, yahoo, alpaca, synthetic.")] = None,
    start: Annotated[str | None, typer.Option(metavar="DATE", help="First session, such as 2015-01-31.")] = None,
    end: Annotated[str | None, typer.Option(metavar="DATE", help="Last session.")] = None,
    period: Annotated[str | None, typer.Option(help="Length back from the end: 5y, 18mo, 6w, 90d.")] = None,
    as_of: given.AsOf = None,
    interval: Annotated[str | None, typer.Option(help="Length of a bar: 1d, 1h, 1m.")] = None,
    calendar: Annotated[str | None, typer.Option(help="Exchange calendar: XNYS, XLON, 24/7.")] = None,
    sizer: Annotated[str | None, typer.Option(help="A shipped sizer, or file.py:Class.")] = None,
    sleeves: Annotated[list[str] | None, typer.Option(
        metavar="NAME=SHARE:SYMBOLS", help="A part of the account: etfs=0.5:SPY,QQQ, or rest=0.5; repeatable.")] = None,
    sectors: Annotated[str | None, typer.Option(metavar="FILE", help="CSV with the columns symbol and sector.")] = None,
    param: Annotated[list[str] | None, typer.Option(
        "--param", "-p", metavar="NAME=VALUE", help="Parameter: fast=20, sizer.x=1, limits.x=1.")] = None,
    spec: Annotated[Path | None, typer.Option(metavar="FILE", help="TOML file with a run's options.")] = None,
    cuts: Annotated[int | None, typer.Option(min=1, help="Bars to cut at; default: all there is time for.")] = None,
    budget: Annotated[float, typer.Option(min=1, help="Seconds for cutting and changing the future.")] = 15.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the changed futures and of the order of cuts.")] = 0,
    skip: Annotated[list[str] | None, typer.Option(
        help="Leave out: future, perturbation, orders, delivery, scale, warm-up, repeat, process.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Look for look-ahead: take the future away, change it, and see whether the past decides differently.

    Exit code 0: clean. 1: a decision depends on what it must not. 2: the strategy could not be run.
    """
    fields = {"strategy": strategy, "symbols": symbols, "reference": reference, "source": source, "start": start,
              "end": end, "period": period, "interval": interval, "calendar": calendar, "sizer": sizer,
              "sleeves": sleeves, "sectors": sectors, "universe": universe, "events": events, "delisting": delisting, "as_of": as_of}
    run = build_spec(spec, param or (), fields)

    import checks
    from core.settings import load_settings
    from feeds import stores

    report = checks.check(run, cuts=cuts, budget_s=budget, seed=seed, skip=split_names(skip or ()),
                          store=stores.opened(load_settings().store))
    if as_json:
        output.as_json(report.summary())
    else:
        _show(report)
    if not report.clean:
        raise typer.Exit(1)


def _show(report: "Report") -> None:
    rows = [(probe.kind, probe.tried, _extent(probe), probe.result) for probe in report.probes]
    output.table(f"{report.strategy} on {report.bars}", ("check", "what was tried", "times", "result"), rows, left=4)
    output.line()
    for finding in report.findings:
        output.line(str(finding))
    for probe in report.probes:
        if probe.note:
            judged = f"{probe.unjudged} of {probe.done} not judged: " if probe.done else "not checked: "
            output.warn(f"{probe.kind}: {judged}{probe.note}")
    for warning in report.warnings:
        output.warn(warning)
    tried = any(probe.done for probe in report.probes)
    clean = "no look-ahead found" if tried else "nothing was checked"
    verdict = clean if report.clean else f"{len(report.findings)} findings"
    output.line(f"{verdict} in {report.seconds:.1f} s")


def _extent(probe: "Probe") -> str:
    return f"{probe.done:,} of {probe.of:,}" if probe.of else "-"
