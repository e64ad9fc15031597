"""`cerebrolab recommend`: which strategy suits a symbol, out-of-sample, and how likely that is luck."""

from typing import TYPE_CHECKING, Annotated

import typer

from scripts import output
from scripts import run_options as given

if TYPE_CHECKING:
    from optimize.recommend import Recommendation


def recommend(
    symbol: Annotated[str, typer.Argument(metavar="SYMBOL", help="The symbol, or a CSV file.")],
    strategies: Annotated[list[str] | None, typer.Option(help="Strategies to compare, A,B or repeated; the default: all that decide on daily bars.")] = None,
    source: Annotated[str, typer.Option(help="sample, csv, csv:DIR, yahoo, alpaca, synthetic.")] = "yahoo",
    period: Annotated[str, typer.Option(help="Length of the bars: 10y, 18mo.")] = "10y",
    commission: Annotated[str, typer.Option(help="0.001, 0.1%, 10bp, 0.005/share min 1, none.")] = "0.1%",
    windows: Annotated[int, typer.Option(min=1, help="Test windows of each walk-forward.")] = 5,
    trials: Annotated[int, typer.Option(min=1, help="Sets of parameters tried in each window.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    as_json: given.AsJson = False,
) -> None:
    """Walk every strategy forward over one symbol, and name the one that did best on what it had not seen.

    "luck": the probability that its Sharpe ratio is no more than the best of so many strategies would show by chance. "overfit": that of its parameters
    having been chosen for what does not come again. One is recommended only where the first is below 10 % and the second below 50 %.
    """
    from core.settings import load_settings
    from engine.loading import load
    from feeds import stores
    from journal import opened
    from optimize.recommend import recommend as walked
    from optimize.recommend import recorder
    from scripts.spec_options import split_names
    from services.comparing import compared, compared_on

    names = split_names(strategies or ()) or compared()
    spec = compared_on(symbol, source, period, commission, seed)
    settings = load_settings()
    store = stores.opened(settings.store)
    bars = load(spec, store)
    spec = spec.replace(symbols=tuple(name for name, tradable in zip(bars.symbols, bars.tradable, strict=True) if tradable))
    with opened(settings.journal) as journal, output.progress_bar() as progress:
        found = walked(spec, names, lambda asked: load(asked, store), windows=windows, trials=trials, record=recorder(journal), progress=progress)
    if as_json:
        output.as_json(found.summary())
    else:
        _show(found)


def _show(found: "Recommendation") -> None:
    played = [each for each in found.candidates if not each.problem]
    rows = [(each.strategy, output.number("sharpe", each.sharpe), output.number("cagr", each.cagr), output.number("max_drawdown", each.max_drawdown),
             each.trades, output.number("max_drawdown", each.overfitting), output.number("max_drawdown", 1 - each.deflated)) for each in played]
    if rows:
        held = output.number("total_return", played[0].benchmark_return)
        output.table(f"{found.symbol} out-of-sample; holding it returned {held}", ("strategy", "sharpe", "cagr", "drawdown", "trades", "overfit", "luck"), rows)
    for each in found.candidates:
        if each.problem:
            output.warn(f"{each.strategy} was not played: {each.problem}")
    best = found.best
    output.line(f"recommended: {best.strategy}" if best else "none is recommended: the best of them may well be luck, or overfitted")
