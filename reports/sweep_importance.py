"""Which parameters decide a sweep: Optuna's PED-ANOVA on at most a few thousand of its trials. Imports optimize."""

import warnings
from typing import Any

import numpy as np

from core.space import Range
from optimize.result import SweepResult
from reports.sweep_surface import varied

MOST_TRIALS, FEWEST_TRIALS = 2000, 20


def importances(result: SweepResult, seed: int = 0) -> dict[str, float]:
    """Parameter name -> share (they sum to 1) in whether a trial is among the best tenth, largest first.

    Empty for fewer than 2 varied parameters, fewer than 20 trials with an objective, or one that never differs.

    Source: S. Watanabe, A. Bansal and F. Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
    Arbitrary Subspaces", IJCAI (2023), as Optuna has it.
    """
    names, scores = varied(result), result.objectives[0].score(result.objective)
    rows = np.flatnonzero(np.isfinite(scores))
    if len(names) < 2 or len(rows) < FEWEST_TRIALS or np.ptp(scores[rows]) == 0:
        return {}
    if len(rows) > MOST_TRIALS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_TRIALS, replace=False))
    distributions = {name: _distribution(result, name) for name in names}
    columns = {name: _values(result.columns[name][rows]) for name in names}
    found = _evaluated(distributions, columns, scores[rows].tolist())
    total = sum(found.values())
    return {name: share / total for name, share in found.items()} if total > 0 else {}


def _evaluated(distributions: dict[str, Any], columns: dict[str, list[Any]], scores: list[float]) -> dict[str, float]:
    import optuna
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
    from optuna.trial import create_trial

    shown = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(direction="maximize")
        study.add_trials(
            [
                create_trial(
                    params={name: column[at] for name, column in columns.items()},
                    distributions=distributions,
                    value=score,
                )
                for at, score in enumerate(scores)
            ]
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
    finally:
        optuna.logging.set_verbosity(shown)
    return {name: float(share) for name, share in found.items()}


def _distribution(result: SweepResult, name: str) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution

    column, dimension = result.columns[name], result.space.dimensions.get(name)
    if column.dtype == object:
        return CategoricalDistribution(sorted({str(value) for value in column}))
    log = isinstance(dimension, Range) and dimension.log
    return FloatDistribution(float(column.min()), float(column.max()), log=log)


def _values(column: np.ndarray) -> list[Any]:
    return [str(value) for value in column] if column.dtype == object else column.tolist()
