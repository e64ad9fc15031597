"""Players: what a sweep gives sets of parameters to, and gets measures and block moments back from.

    player(RunSpec(strategy="GoldenCross"), bars).play([{"fast": 20, "slow": 100}]).measures

The twin's player plays a batch in one compiled call; Cerebro's plays run after run and takes any strategy.
"""

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple, Protocol

import numpy as np

from analyzers import metrics
from core.bars import Bars
from core.blocks import BLOCKS, edges
from core.calendars import get_calendar
from core.errors import BadSpec, CerebrolabError, NoBars, UnknownName
from core.measures import MEASURES
from core.result import RunResult
from core.spec import RunSpec
from engine import resolve, twin
from engine.build import lone_sizer, sizer_of, trades_adjusted
from engine.plans import Decisions, plan_of, wish_of
from engine.run import run
from engine.simulate import account_of, market_of, obstacle, simulate
from engine.twin.batch import Plans, play_many
from engine.twin.measures import Window, measure, session_returns
from sizers.base import PortfolioSizer
from strategies.base import ENGINE_PARAMS, TargetStrategy

ENGINES = ("auto", "twin", "cerebro")
MOST_CELLS = 2**21  # (decision, symbol) pairs played in one call, about 35 MB
MOST_ACCOUNTS = 256  # sizers and limits kept ready
Others = tuple[tuple[str, Any], ...]  # assignments to sizer, limits and exits


class Trials(NamedTuple):
    """What came out of m trials.

    Attributes:
        measures: (m, len(MEASURES)) float64, a row of NaN where a trial could not be played.
        count: (B,) int64 sessions in each block. sum, square: (m, B) of their simple returns, and of the squares.
        problems: m texts, "" for a trial that was played.
    """

    measures: np.ndarray
    count: np.ndarray  # type: ignore[assignment]
    sum: np.ndarray
    square: np.ndarray
    problems: tuple[str, ...]


class Batch(NamedTuple):
    """Trials with the same sizer, limits and exits: these assignments, places among all, and what each decides."""

    key: Others
    places: list[int]
    decisions: Decisions


class Prepared(NamedTuple):
    """Trials whose plans are made and that are not played yet; a text where there is no plan."""

    problems: list[str]
    batches: list[tuple[Batch, Plans]]


class Player(Protocol):
    """Plays trials of one run on one panel.

    Attributes:
        engine: "twin" or "cerebro". obstacle: why it is not the twin, "" where it is.
        spec, bars: the run whose parameters vary, and what it is played on. sessions: (S,) dates that are measured.
        traded: those bars at the prices orders fill at. periods: sessions a year.
    """

    engine: str
    obstacle: str
    spec: RunSpec
    bars: Bars
    traded: Bars
    sessions: np.ndarray
    periods: float

    def play(self, trials: Sequence[Mapping[str, Any]]) -> Trials:
        """Measures of each set of parameters; names are those of `-p` ("fast", "sizer.risk", "exits.stop")."""

    def returns(self, params: Mapping[str, Any]) -> np.ndarray:
        """(S,) simple session returns of one trial."""

    def result(self, params: Mapping[str, Any]) -> RunResult:
        """One trial with everything a report needs."""

    def measures(self, result: RunResult) -> dict[str, float]:
        """The measures of a result, over the window, by name."""

    def session_returns(self, result: RunResult) -> np.ndarray:
        """(S,) simple session returns of a result."""


def player(spec: RunSpec, bars: Bars, engine: str = "auto", start: str | None = None, end: str | None = None,
           blocks: int = BLOCKS) -> Player:
    """The player of a run.

    Args:
        spec: its parameters hold where a trial says nothing.
        engine: "twin", "cerebro", or "auto": the twin where it can play the run.
        start, end: ISO dates of what is measured; the strategy sees earlier bars and decides from `start` on. A plain
            strategy, which decides when it likes, sees no bars before `start`.
        blocks: of sessions in the moments.

    Raises:
        UnknownName: no such engine. BadSpec: the twin is asked for what it cannot play. NoBars: nothing to measure.
    """
    if engine not in ENGINES:
        raise UnknownName.of("engine", engine, ENGINES)
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    spec = resolve.of_bars(spec, bars)
    if end is not None:
        bars = bars.between(None, end)
    if not issubclass(strategy, TargetStrategy):  # Backtrader waits for the first bar of every feed, for ever where there is none
        bars, start = bars.between(start, None).present() if start else bars.present(), None
        spec = resolve.of_bars(spec, bars)
    if start is not None:
        spec = spec.replace(signal_start=max(start, spec.signal_start or start))
    reason = obstacle(spec, strategy)
    if reason and engine == "twin":
        raise BadSpec(f"{spec.strategy} cannot run on the twin: {reason}; use --engine auto or cerebro")
    kind = CerebroPlayer if reason or engine == "cerebro" else TwinPlayer
    return kind(spec, bars, strategy, reason or ("" if engine != "cerebro" else "Cerebro was asked for"), start, blocks)


class _Base:
    """What both players share: the window, and from names to parameters."""

    engine = ""

    def __init__(self, spec: RunSpec, bars: Bars, strategy: Any, reason: str, start: str | None, blocks: int) -> None:
        self.spec, self.bars, self.obstacle = spec, bars, reason
        self._strategy = strategy
        self.traded = bars.adjusted if trades_adjusted(spec, strategy) else bars
        first = 0 if start is None else int(np.searchsorted(bars.session, np.datetime64(start, "D")))
        if first >= len(bars):
            raise NoBars(f"nothing to measure from {start} on: the bars end on {bars.session[-1] if len(bars) else '-'}")
        ends = np.flatnonzero(np.r_[bars.session[1:] != bars.session[:-1], True])
        ends = ends[ends >= first]
        self.sessions = bars.session[ends]
        self.periods = float(metrics.sessions_a_year(bars))
        self._window = Window(ends, first, edges(len(ends), blocks), float(spec.cash), self.periods,
                              float(metrics.years(self.sessions)), math.expm1(math.log1p(spec.risk_free) / self.periods))

    def _spec_of(self, params: Mapping[str, Any]) -> RunSpec:
        """The run with a trial's parameters."""
        aliases = getattr(self._strategy, "aliases", None) or {}
        return self.spec.with_assignments({aliases.get(name, name): value for name, value in params.items()})

    def measures(self, result: RunResult) -> dict[str, float]:
        """The measures of a result, over the window, by name."""
        return measures_of(result, self._window)

    def session_returns(self, result: RunResult) -> np.ndarray:
        """(S,) simple session returns of a result."""
        made = np.empty(len(self._window.ends))
        session_returns(result.equity, self._window.ends, self._window.cash, made)
        return made

    def _empty(self, count: int) -> Trials:
        blocks = np.diff(self._window.edges)
        return Trials(np.full((count, len(MEASURES)), np.nan), blocks, np.zeros((count, len(blocks))),
                      np.zeros((count, len(blocks))), ("",) * count)


class TwinPlayer(_Base):
    """Plays batches on the compiled twin; may be called from several threads at once."""

    engine = "twin"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._market = market_of(self.traded)
        get_calendar(self.bars.calendar)  # made here once, not in several threads
        given = resolve.typed_params(self._strategy, self.spec.params)
        self._defaults = {**dict(self._strategy.params._getitems()), **given, "signal_start": self.spec.signal_start}
        self._first = 0 if self.spec.signal_start is None else int(
            np.searchsorted(self.bars.session, np.datetime64(self.spec.signal_start, "D")))
        self._shape, self._references = self.traded.shape, np.flatnonzero(~self.traded.tradable)
        self._accounts: dict[Others, tuple[PortfolioSizer, Any]] = {}
        self._account(())

    def play(self, trials: Sequence[Mapping[str, Any]]) -> Trials:
        return self.finish(self.prepare(trials))

    def prepare(self, trials: Sequence[Mapping[str, Any]]) -> Prepared:
        """What the trials decide: the part of `play` that needs the interpreter."""
        problems = [""] * len(trials)
        batches: list[Batch] = []
        latest: dict[Others, Batch] = {}
        for at, params in enumerate(trials):
            own, others = self._sorted_out(params)
            try:
                signals = self._signals(own)
            except Exception as error:  # noqa: BLE001  (a user's strategy may raise anything; the sweep goes on)
                problems[at] = problem_of(error)
                continue
            batch = latest.get(others)
            if batch is None or batch.decisions.cells > MOST_CELLS:
                batch = latest[others] = Batch(others, [], Decisions(len(self.traded.symbols), self._first))
                batches.append(batch)
            batch.decisions.add(signals)
            batch.places.append(at)
        return Prepared(problems, [(batch, plans) for batch in batches if (plans := self._plans(batch, problems)) is not None])

    def finish(self, prepared: Prepared) -> Trials:
        """Play what was prepared: the part of `play` that other threads go on beside."""
        made = self._empty(len(prepared.problems))
        for batch, plans in prepared.batches:
            self._play(batch, plans, made, prepared.problems)
        return made._replace(problems=tuple(prepared.problems))

    def returns(self, params: Mapping[str, Any]) -> np.ndarray:
        own, others = self._sorted_out(params)
        sizer, account = self._account(others)
        plan = plan_of(self._signals(own), self._first, sizer, self.traded)
        equity = twin.play(self._market, plan, account, wish_of(sizer, self.traded))[0]
        made = np.empty(len(self._window.ends))
        session_returns(equity, self._window.ends, self._window.cash, made)
        return made

    def result(self, params: Mapping[str, Any]) -> RunResult:
        return simulate(self._spec_of(params), self.bars)

    def _plans(self, batch: Batch, problems: list[str]) -> Plans | None:
        """What a batch asks for; None, with its problems told, where the sizer raises."""
        try:
            return batch.decisions.plans(self._account(batch.key)[0], self.traded)
        except Exception as error:  # noqa: BLE001  (so may a user's sizer)
            for at in batch.places:
                problems[at] = problem_of(error)
            return None

    def _play(self, batch: Batch, plans: Plans, made: Trials, problems: list[str]) -> None:
        places = batch.places
        sizer, account = self._account(batch.key)
        blocks = len(made.count)
        out, sums, squares = np.empty((len(places), len(MEASURES))), np.empty((len(places), blocks)), np.empty((len(places), blocks))
        asked = play_many(self._market, plans, account, self._window, sums, squares, out)
        for at in np.flatnonzero(asked).tolist():
            try:
                self._play_one(plans.part(at), sizer, account, sums[at], squares[at], out[at])
            except Exception as error:  # noqa: BLE001  (a user's sizer may raise on the way, too)
                problems[places[at]] = problem_of(error)
                out[at], sums[at], squares[at] = np.nan, 0.0, 0.0
        made.measures[places], made.sum[places], made.square[places] = out, sums, squares

    def _play_one(self, plan: twin.Plan, sizer: PortfolioSizer, account: twin.Account, sums: np.ndarray,
                  squares: np.ndarray, out: np.ndarray) -> None:
        """A trial whose sizer is asked again on the way, because a protective exit has barred a symbol."""
        equity, cash, returns = np.empty(len(self.traded)), np.empty(len(self.traded)), np.empty(len(self._window.ends))
        book = twin.played(self._market, plan, account, wish_of(sizer, self.traded), equity, cash)
        measure(self._market, book, account.fractional, equity, self._window, returns, sums, squares, out)

    def _signals(self, own: Mapping[str, Any]) -> np.ndarray:
        """(T, N) float64: what a strategy with these parameters decides, NaN = nothing."""
        p = SimpleNamespace(**{**self._defaults, **{name: self._typed(name, value) for name, value in own.items()}})
        self._strategy.check(p)
        signals = np.asarray(self._strategy.shown(self.traded, p), dtype=np.float64)
        if signals.shape != self._shape or len(self._references) and not np.isnan(signals[self._first :, self._references]).all():
            self._strategy.decisions(self.traded, p)  # says what is wrong
        return signals

    def _sorted_out(self, params: Mapping[str, Any]) -> tuple[dict[str, Any], Others]:
        """A trial's parameters of the strategy itself, and its assignments to the sizer, the limits and the exits."""
        aliases, own, others = self._strategy.aliases, {}, []
        for name, value in params.items():
            meant = aliases.get(name, name)
            if "." in meant:
                others.append((meant, value))
            else:
                own[meant] = value
        return own, tuple(others)

    def _typed(self, name: str, value: Any) -> Any:
        """A parameter of the strategy as the type of its default."""
        if name not in self._defaults or name in ENGINE_PARAMS:
            known = [each for each in self._defaults if each not in ENGINE_PARAMS]
            raise UnknownName.of(f"parameter of {self._strategy.__name__}", name, [*known, *self._strategy.aliases])
        default = self._defaults[name]
        return value if type(value) is int and type(default) is int else resolve.like(name, value, default)

    def _account(self, key: Others) -> tuple[PortfolioSizer, Any]:
        known = self._accounts.get(key)
        if known is None:
            spec = self.spec.with_assignments(dict(key)) if key else self.spec
            reason = obstacle(spec, self._strategy)
            if reason:
                raise BadSpec(f"cannot run on the twin: {reason}")
            sizer = lone_sizer(*sizer_of(spec, self._strategy), self._strategy)
            known = sizer, account_of(spec, sizer, self.traded)
            if len(self._accounts) >= MOST_ACCOUNTS:
                self._accounts.pop(next(iter(self._accounts)), None)
            self._accounts[key] = known
        return known


class CerebroPlayer(_Base):
    """Plays one run of Cerebro after the other; takes every strategy that a backtest takes."""

    engine = "cerebro"

    def play(self, trials: Sequence[Mapping[str, Any]]) -> Trials:
        made = self._empty(len(trials))
        problems = [""] * len(trials)
        borders = self._window.edges
        for at, params in enumerate(trials):
            try:
                result = self.result(params)
            except Exception as error:  # noqa: BLE001  (a user's strategy may raise anything; the sweep goes on)
                problems[at] = problem_of(error)
                continue
            returns = self.session_returns(result)
            made.measures[at] = list(self.measures(result).values())
            made.sum[at] = np.add.reduceat(returns, borders[:-1])
            made.square[at] = np.add.reduceat(returns**2, borders[:-1])
        return made._replace(problems=tuple(problems))

    def returns(self, params: Mapping[str, Any]) -> np.ndarray:
        return self.session_returns(self.result(params))

    def result(self, params: Mapping[str, Any]) -> RunResult:
        return run(self._spec_of(params), bars=self.bars)


def measures_of(result: RunResult, window: Window) -> dict[str, float]:
    """The measures of a run in the order of `MEASURES`; those over time within the window only."""
    spec, equity = result.spec, result.equity[window.first :]
    dates, ends = result.bars.session[window.ends], result.equity[window.ends]
    returns = metrics.session_returns(ends, spec.cash)
    fall, growth = metrics.max_drawdown(equity, spec.cash), metrics.cagr(ends, dates, spec.cash)
    traded = [fill.size * fill.price for fill in result.fills]
    found = {
        **result.metrics, "total_return": metrics.total_return(ends, spec.cash), "cagr": growth,
        "volatility": metrics.volatility(returns, window.periods),
        "sharpe": metrics.sharpe(returns, window.periods, spec.risk_free),
        "sortino": metrics.sortino(returns, window.periods, spec.risk_free),
        "calmar": metrics.calmar(growth, fall), "max_drawdown": fall,
        "exposure": metrics.mean_exposure(result.exposure[window.first :]),
        "turnover": metrics.turnover(traded, equity, dates),
        "trades": float(sum(not trade.open for trade in result.trades)), "fills": float(len(result.fills)),
        "rejected": float(len(result.rejected)), "final_value": result.final_value,
    }
    return {name: float(found[name]) for name in MEASURES}


def problem_of(error: Exception) -> str:
    """One line on what kept a trial from being played."""
    if isinstance(error, CerebrolabError):
        return str(error)
    return resolve.raised_in_file(error) or f"{type(error).__name__}: {' '.join(str(error).split())}"
