"""`TwinPlayer`: a batch of trials in one compiled call. Imports core, sizers, strategies and engine."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName
from core.measures import MEASURES
from core.result import RunResult
from engine import resolve, twin
from engine.build import lone_sizer, sizer_of
from engine.plans import Decisions, plan_of, wish_of
from engine.simulate import account_of, market_of, obstacle, simulate
from engine.trials.base import Base, problem_of
from engine.trials.outcome import Trials
from engine.twin.batch import Plans, play_many
from engine.twin.measures import measure, session_returns
from sizers.base import PortfolioSizer
from strategies.base import ENGINE_PARAMS

MOST_CELLS = 2**21  # (decision, symbol) pairs played in one call, about 35 MB
MOST_ACCOUNTS = 256  # sizers and limits kept ready
Others = tuple[tuple[str, Any], ...]  # assignments to sizer, limits and exits


class Batch(NamedTuple):
    """Trials with the same sizer, limits and exits: these assignments, places among all, and what each decides."""

    key: Others
    places: list[int]
    decisions: Decisions


class Prepared(NamedTuple):
    """Trials whose plans are made and that are not played yet; a text where there is no plan."""

    problems: list[str]
    batches: list[tuple[Batch, Plans]]


class TwinPlayer(Base):
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
