"""Search: how a sweep looks for good parameters, in plain values."""

from dataclasses import dataclass

from core.errors import BadSpec, UnknownName

OPTUNA = ("tpe", "cmaes", "nsga2")
METHODS = ("grid", "random", *OPTUNA)
DEFAULT_TRIALS = 100  # of the methods that have no end of their own


@dataclass(frozen=True)
class Search:
    """How to search.

    Attributes:
        method: "grid" (every point), "random", or Optuna's "tpe", "cmaes", "nsga2".
        trials: how many, for all methods but the grid. objective: see `optimize.objective.read_objectives`.
        folds: consecutive parts of the sessions over which Optuna's objective is averaged, weak trials stopped early.
        jobs: threads (twin) or processes (Cerebro) at work. dask: address of a scheduler whose workers play instead.
        engine: "auto", "twin" or "cerebro". seed: of everything random.
        storage: Optuna's, a file or a URL, None for memory; study: its name there.
        verify: play the best, and a few at random, through Cerebro too. statistics: deflate, and estimate overfitting.
        many: a sweep of more than a million trials is meant.
    """

    method: str = "grid"
    trials: int | None = None
    objective: str = "sharpe"
    folds: int = 1
    jobs: int | None = None
    dask: str | None = None
    engine: str = "auto"
    seed: int = 0
    storage: str | None = None
    study: str | None = None
    verify: bool = True
    statistics: bool = True
    many: bool = False

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UnknownName.of("method", self.method, METHODS)
        for name in ("trials", "folds", "jobs"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadSpec(f"{name} is {value}: it must be 1 or more")
        if self.method == "grid" and self.trials is not None:
            raise BadSpec(f"trials is {self.trials} and the grid has as many as it has points: drop it, or use "
                          "method random for some of them")
        if self.folds > 1 and not self.optuna:
            raise BadSpec(f"folds is {self.folds}: only tpe, cmaes and nsga2 stop trials early; for {self.method} validate "
                          "with cerebrolab walkforward")

    @property
    def optuna(self) -> bool:
        """Whether Optuna proposes the trials."""
        return self.method in OPTUNA
