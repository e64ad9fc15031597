"""`cerebrolab shadow`: a live day beside its simulation: where the shortfall comes from, and the slippage to simulate with."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.errors import UsageError
from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from checks.shadow_days import ShadowDays
    from core.settings import Settings

PARTS = ("delay", "spread", "slippage", "missed", "fees")
WORST = 10  # orders shown, those with the largest shortfall, either way


def shadow(
    days: Annotated[str, typer.Argument(metavar="DAY", help="The day, 2024-02-21, or several: 2024-02-19:2024-02-23.")],
    run: Annotated[str | None, typer.Option(metavar="NAME|RUN.toml", help="A run, or its strategy, or its file; the default is all.")] = None,
    account: Annotated[str | None, typer.Option(help="The broker's id of the account; the default is all.")] = None,
    quotes: Annotated[Path | None, typer.Option(metavar="FILE", help="CSV with the columns time, symbol, bid and ask.")] = None,
    out: given.Out = None,
    as_json: given.AsJson = False,
) -> None:
    """Replay a live day through the simulated broker, and say where the difference comes from."""
    from checks.shadow_bars import read_quotes
    from checks.shadow_days import shadow_days
    from core.clock import SystemClock
    from core.settings import load_settings
    from feeds import stores
    from journal import opened
    from reports.archive import check_target
    from reports.shadow_report import SHADOW, write_shadow
    from scripts.backtest import new_directory

    settings = load_settings()
    if out is not None:
        check_target(out, SHADOW)
    known = read_quotes(quotes) if quotes else None
    with output.progress_bar() as progress, _journal(settings, opened) as journal:
        found = shadow_days(journal, stores.opened(settings.store), days, SystemClock(), _wanted(run), account, known, progress)
    summary = found.summary()
    directory = out or new_directory(settings.runs_dir, "shadow-" + days.replace(":", "-"))
    summary["report"] = str(write_shadow(summary, directory).resolve())
    if as_json:
        output.as_json(summary)
    else:
        _show(found, summary)


def _journal(settings: "Settings", kind: Any) -> Any:
    if isinstance(settings.journal, Path) and not settings.journal.is_file():
        raise UsageError(f"there is no journal {settings.journal}: live runs write it; name its folder with CEREBROLAB_HOME")
    return kind(settings.journal)


def _wanted(run: str | None) -> Any:
    if run is None or not run.endswith(".toml"):
        return run
    from scripts.spec_options import build_spec

    return build_spec(Path(run), (), {})


def _show(found: "ShadowDays", summary: dict[str, Any]) -> None:
    for day in summary["days"]:
        _show_parts(f"{day['strategy']} ({day['run']}) on {day['session']}", day)
    if len(summary["days"]) > 1:
        _show_parts(f"all {len(summary['days'])}", summary)
    _show_orders([(day["session"], order) for day in summary["days"] for order in day["orders"]])
    _show_slippage(summary["slippage_estimate"])
    for warning in summary["warnings"]:
        output.warn(warning)
    output.line(f"report: {summary['report']}")


def _show_parts(title: str, values: dict[str, Any]) -> None:
    rows = [(name, output.number("", round(values[name], 2)), _points(values[f"{name}_bp"])) for name in (*PARTS, "shortfall")]
    output.table(f"{title}: live {values['live_gain']:,.2f}, simulated {values['shadow_gain']:,.2f}", ("cost", "amount", "bp"), rows)
    output.line()


def _show_orders(orders: list[tuple[str, dict[str, Any]]]) -> None:
    worst = sorted(orders, key=lambda each: -abs(each[1]["shortfall"]))[:WORST]
    rows = [(day, order["symbol"], order["side"], f"{order['live_qty']:g}", f"{order['shadow_qty']:g}",
             *(output.number("", order[name]) for name in ("arrival", "live_price", "shadow_price", "shortfall")),
             _points(order["shortfall_bp"]), order["reason"] or "-") for day, order in worst]
    if rows:
        output.table(f"the {len(rows)} orders of {len(orders)} that differ most", (
            "day", "symbol", "side", "live", "simulated", "price sent", "price live", "simulated at", "shortfall", "bp", "reason"), rows, left=3)
        output.line()


def _show_slippage(found: dict[str, Any]) -> None:
    if not found["text"]:
        output.line(f"slippage: {found['remark']}")
        return
    output.line(f'slippage = "{found["text"]}"  ({found["orders"]} orders, 95% interval {found["low"]:.2f} to {found["high"]:.2f} bp)'
                + (f"; {found['remark']}" if found["remark"] else ""))


def _points(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"
