"""What the statistics of a sweep mean to a trader: sentences with their numbers. Imports optimize."""

import math
from typing import Any

import numpy as np

from analyzers import metrics
from core.space import Space
from optimize.gate import LEVEL, MOST_PBO, Verdict, judge
from optimize.plateau import Plateau
from optimize.result import SweepResult
from reports.formats import count, number, percent
from reports.sweep_axes import shown, title

Sentence = tuple[str, str]  # a heading, and what there is to say


def verdict(result: SweepResult) -> Verdict | None:
    """The gate's view of the best trial; None without its run."""
    run = result.best_run
    if run is None:
        return None
    equity = metrics.session_last(run.bars.session, run.equity)[1]
    returns = metrics.session_returns(equity, run.spec.cash)
    trials = result.effective_trials if result.effective_trials >= 1 else 1.0
    agreement = result.agreement.difference or result.agreement.agrees
    return judge(
        returns,
        metrics.sessions_a_year(run.bars),
        trials,
        result.pbo,
        agreement,
        max(result.ledger_trials, len(result)),
    )


def beliefs(result: SweepResult, judged: Verdict | None, plateau: Plateau | None) -> list[Sentence]:
    """How far the best trial can be believed; nothing without one."""
    if result.best < 0:
        return []
    said = [_luck(result, judged), _overfitting(result), _neighbours(result, plateau), ("Engines", agreement(result))]
    return [each for each in said if each[1]]


def agreement(result: SweepResult) -> str:
    """Whether the compiled twin and Cerebro agree, in one line."""
    found = result.agreement
    if result.engine != "twin":
        return (
            f"Every trial was played by Cerebro itself: {result.obstacle}."
            if result.obstacle
            else "Every trial was played by Cerebro itself."
        )
    if found.agrees is None:
        return "Nothing was played again in Cerebro."
    many = trials_text(len(found.compared))
    if found.agrees:
        return f"{many} played again in Cerebro: the same fills in the same order, the same account value."
    return f"They disagree over {many}, do not trust this sweep: {found.difference}"


def trials_text(count: int) -> str:
    """ "1 trial", "1,000 trials"."""
    return f"{count:,} trial{'' if count == 1 else 's'}"


def params_text(params: dict[str, object]) -> str:
    """ "fast=20, slow=150", whole numbers without decimals."""
    return ", ".join(
        f"{name}={format(value, '.6g') if isinstance(value, float) else value}" for name, value in params.items()
    )


def space_text(space: Space) -> str:
    """ "fast=5:100:5, slow=50:300:10, where fast < slow"."""
    dimensions = ", ".join(f"{name}={each}" for name, each in space.dimensions.items())
    return dimensions + (f", where {' and '.join(space.where)}" if space.where else "")


def name_of(strategy: str) -> str:
    """The class of a strategy."""
    return strategy.rpartition(":")[2]


def whole_numbers(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters with 20.0 as 20."""
    return {
        name: int(value) if isinstance(value, float) and value.is_integer() else value for name, value in params.items()
    }


def _luck(result: SweepResult, judged: Verdict | None) -> Sentence:
    heading, chance = "Luck", result.deflated_sharpe
    if math.isnan(chance):
        return heading, ""
    tried = (
        f"{max(result.ledger_trials, len(result)):,} trials on this strategy and universe so far are worth "
        f"{number(result.effective_trials, 1)} independent ones"
    )
    reached = ""
    if judged is not None and np.isfinite(judged.numbers["luck_sharpe"]):
        luck = number(judged.numbers["luck_sharpe"])
        reached = f" Without any skill the best of so many is expected to show a Sharpe of {luck}."
    met = "which meets" if chance >= LEVEL else "which is below"
    return heading, (
        f"{tried}.{reached} The chance that the best trial is better than that luck, the deflated Sharpe, is "
        f"{percent(chance)}, {met} the {percent(LEVEL, 0)} the gate asks for."
    )


def _overfitting(result: SweepResult) -> Sentence:
    if math.isnan(result.pbo):
        return "Overfitting", ""
    met = "at most" if result.pbo <= MOST_PBO else "more than"
    return "Overfitting", (
        "Choosing the best trial on one half of the sessions and looking at the other half, the choice did worse than "
        f"the median trial in {percent(result.pbo)} of the splits (probability of backtest overfitting): {met} the "
        f"{percent(MOST_PBO, 0)} of a coin."
    )


def _neighbours(result: SweepResult, plateau: Plateau | None) -> Sentence:
    if plateau is None or not plateau.neighbours:
        return "Neighbours", ""
    metric = plateau.metric
    steady = ""
    if plateau.robust >= 0 and plateau.robust != result.best:
        params = params_text(result.params(plateau.robust))
        steady = (
            f" The trial with the best neighbours is number {count(plateau.number)} ({params}), "
            f"{shown(metric, plateau.robust_mean)} on average with them."
        )
    above = "" if result.objectives[0].minimize else f", {percent(plateau.positive, 0)} of them above zero"
    return "Neighbours", (
        f"The best trial has {title(metric)} {shown(metric, plateau.best)}, its {len(plateau.neighbours)} neighbours "
        f"{shown(metric, plateau.mean)} on average and {shown(metric, plateau.worst)} at worst{above}: "
        f"a plateau can be traded, a lone peak is luck.{steady}"
    )
