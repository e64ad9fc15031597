"""The gate: is the best run of a sweep more than the luck of having tried so much? Pass or fail, with reasons.

Pure: what is judged comes in as arrays and numbers, the verdict goes out. Imports optimize.statistics,
analyzers.metrics and core.errors.
"""

import math
from typing import NamedTuple

import numpy as np

from analyzers import metrics
from core.errors import UsageError
from optimize.statistics.effective import effective_trials
from optimize.statistics.moments import Moments
from optimize.statistics.overfitting import Overfitting
from optimize.statistics.sharpe import NORMAL, expected_maximum, minimum_backtest_length, standard_error

LEVEL = 0.95  # of the deflated Sharpe ratio
MOST_PBO = 0.5
FEWEST_SESSIONS = 60  # the standard errors are large-sample ones


class Verdict(NamedTuple):
    """What the gate says of one run.

    Attributes:
        passed: True when every criterion that could be checked is met.
        reasons: one line per criterion with its numbers and its bar; of a failed run those it failed.
        numbers: by name, NaN where unknown: sharpe, luck_sharpe (annual, expected best of the trials without skill),
            standard_error (annual), deflated_sharpe, probabilistic_sharpe (against 0), pbo, sessions, years, trials,
            effective_trials, minimum_backtest_length (years).
    """

    passed: bool
    reasons: tuple[str, ...]
    numbers: dict[str, float]


def judge(
    returns: np.ndarray,
    periods: float,
    trials: Moments | float,
    overfitting: Overfitting | float | None = None,
    agreement: bool | str | None = None,
    counted: int | None = None,
) -> Verdict:
    """Judge the run with these (S,) simple session returns, `periods` sessions a year, the best of a sweep.

    trials: moments of every trial (the run's among them), or their effective number where it is known, with `counted`
    the plain number. overfitting: of `pbo`. agreement: True where twin and Cerebro agree, else the first difference.
    To pass: a deflated Sharpe ratio (probability that the true ratio is above what the trials reach by luck, with
    the robust, cautious standard error) of 0.95 or more; a PBO of at most 0.5 where known; agreement where known.

    Source of the idea: D. Bailey and M. Lopez de Prado, "The Deflated Sharpe Ratio" (2014); see `standard_error`,
    `effective_trials` and `expected_maximum` for what is put in the place of its parts.

    Raises:
        UsageError: `periods` is not above 0, or fewer than 1 trial.
    """
    if not periods > 0:
        raise UsageError(f"sessions a year are above 0, got {periods}: 252 for daily bars")
    returns = np.asarray(returns, dtype=np.float64)
    effective = effective_trials(trials) if isinstance(trials, Moments) else float(trials)
    if counted is None:
        counted = len(trials.sum) if isinstance(trials, Moments) else math.ceil(effective)
    numbers = _numbers(returns, periods, effective, counted)
    numbers["pbo"] = overfitting.pbo if isinstance(overfitting, Overfitting) else _known(overfitting)
    criteria = [_deflated(returns, numbers), _overfitting(numbers["pbo"]), _agreement(agreement)]
    checked = [each for each in criteria if each is not None]
    passed = all(met for met, _ in checked)
    return Verdict(passed, tuple(line for met, line in checked if passed or not met), numbers)


def _numbers(returns: np.ndarray, periods: float, effective: float, counted: int) -> dict[str, float]:
    nan, sessions, year = math.nan, len(returns), math.sqrt(periods)
    best_by_luck = expected_maximum(effective)
    sharpe, error, luck = nan, nan, nan
    if sessions > 2 and np.isfinite(returns).all():
        sharpe, error = metrics.sharpe(returns, 1.0), standard_error(returns, cautious=True)
        luck = standard_error(returns, 0.0, cautious=True) * best_by_luck
    return {
        "sharpe": sharpe * year, "luck_sharpe": luck * year, "standard_error": error * year,
        "deflated_sharpe": _probability(sharpe - luck, error), "probabilistic_sharpe": _probability(sharpe, error),
        "sessions": float(sessions), "years": sessions / periods, "trials": float(counted),
        "effective_trials": effective, "minimum_backtest_length": minimum_backtest_length(effective, sharpe * year),
    }


def _deflated(returns: np.ndarray, numbers: dict[str, float]) -> tuple[bool, str]:
    sessions, unknown = len(returns), np.count_nonzero(~np.isfinite(returns))
    if unknown:
        return False, f"{unknown:,} of {sessions:,} returns are not finite numbers: run it again on complete data"
    if sessions < FEWEST_SESSIONS:
        return False, f"{sessions} sessions are too few to judge, at least {FEWEST_SESSIONS} are needed: use more data"
    value = numbers["deflated_sharpe"]
    if math.isnan(value):
        return False, f"the returns of all {sessions:,} sessions are equal, so there is no Sharpe ratio: did it trade?"
    met = value >= LEVEL
    return met, (
        f"deflated Sharpe {_shown(value, LEVEL)} {'reaches' if met else 'is below'} {LEVEL:g}: {_count(numbers)} "
        f"explain an annual Sharpe of {numbers['luck_sharpe']:.2f}, "
        f"the run has {numbers['sharpe']:.2f} over {numbers['years']:.1f} years")


def _count(numbers: dict[str, float]) -> str:
    trials, effective = numbers["trials"], numbers["effective_trials"]
    near = f"{effective:,.0f}" if effective >= 10 else f"{effective:.2g}"
    return f"{trials:,.0f} trial{'s' if trials != 1 else ''} ({near} effective)"


def _overfitting(value: float) -> tuple[bool, str] | None:
    if math.isnan(value):
        return None
    met = value <= MOST_PBO
    return met, (f"probability of backtest overfitting {value:.3g} is {'at most' if met else 'above'} {MOST_PBO:g}: "
                 f"the best trial in-sample falls below the median out-of-sample in {value:.1%} of the splits")


def _agreement(agreement: bool | str | None) -> tuple[bool, str] | None:
    if agreement is None:
        return None
    if agreement and not isinstance(agreement, str):
        return True, "twin and Cerebro agree to the last fill"
    return False, f"twin and Cerebro disagree: {agreement or 'see the first difference in the sweep'}"


def _probability(excess: float, error: float) -> float:
    return NORMAL.cdf(excess / error) if error > 0 else math.nan


def _known(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _shown(value: float, bar: float) -> str:
    """Two digits, more where rounding would hide on which side of the bar it is."""
    return f"{value:.2f}" if value >= bar or round(value, 2) < bar else f"{math.floor(value * 1e4) / 1e4:.4f}"
