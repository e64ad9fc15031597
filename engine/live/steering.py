"""`RunSteering`: what others ask of one live run while it goes on, taken at its next decision or refused with the reason.

Requests and answers stand in the journal, and are the audit: nothing is in force that is not written down there.
Imports journal, strategies, engine.build and core.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from core.bars import Bars
from core.errors import BadSpec, CerebrolabError, StoreFailed, UsageError
from core.spec import RunSpec
from engine import resolve
from engine.build import sizer_of, strategy_params
from engine.live.changes import changed, check_history
from engine.live.phases import Phase
from engine.live.verdicts import check_gate
from journal import Journal
from journal.steering import REBALANCE, SteeringRequest
from strategies.base import ENGINE_PARAMS, TargetStrategy

log = logging.getLogger(__name__)
DAY_NS = 86_400 * 10**9
FRESH_NS = 4 * DAY_NS  # a weekend and a holiday
Told = Callable[[str], None]


class RunSteering:
    """The steering of one run.

    Args:
        journal: where requests, answers and the gate's verdicts are. account, run: whose they are. spec: what the run was begun with.
        now: UTC ns. told: what a human should know. real: it trades real money, and takes only what has passed the gate.

    Attributes:
        phases: what the run has decided by, the first since ever; the last is in force.
        called: bars (UTC ns) on which it has taken a call to rebalance.
    """

    def __init__(self, journal: Journal, account: str, run: str, spec: RunSpec, now: Callable[[], int], told: Told, real: bool = False) -> None:
        self._journal, self._log, self._real = journal, journal.steering, real
        self._account, self._run, self._now, self._told = account, run, now, told
        self._strategy: Any = resolve.strategy_class(spec.strategy)
        self.phases = [Phase(0, resolve.without_aliases(spec, self._strategy))]
        self.called: set[int] = set()
        self._carried_out: dict[int, tuple[str, int]] = {}  # and still to be answered
        self._failing = False

    @property
    def spec(self) -> RunSpec:
        """What is in force."""
        return self.phases[-1].spec

    def recall(self) -> list[str]:
        """Put in force again what earlier processes of the run had taken.

        Returns:
            A sentence for each.

        Raises:
            StoreFailed: it cannot be read, and the run must not decide without it.
        """
        told, since = [], {answer.request_id: answer.bar_ns for answer in self._log.answers(account=self._account, run=self._run) if answer.taken}
        for request in self._log.taken(self._account, self._run) if since else ():
            if request.kind == REBALANCE:
                self.called.add(since[request.id])
                continue
            try:
                spec, text = self._changed(request)
            except CerebrolabError as error:
                self._told(f"{self._run}: {request.kind} {request.id} of {request.by} cannot be put in force again: {error}")
                continue
            self.phases.append(Phase(since[request.id], spec))
            told.append(f"{self._run}: {request.kind} {request.id} of {request.by} is in force again: {text}")
        return told

    def look(self, bar_ns: int, bars: Bars | None = None) -> list[SteeringRequest]:
        """Take or refuse what waits for the run, before it decides on a bar (UTC ns); `phases` grows by what is taken.

        Args:
            bars: up to that bar; None for a plain strategy, which takes nothing.

        Returns:
            What asks it to trade to its targets at once, still to be answered.
        """
        rebalances = []
        try:
            for request in self._log.waiting(self._account, self._run, self._strategy.__name__):
                if request.id in self._carried_out:
                    self.answer(request, True, *self._carried_out[request.id])
                elif self._takes(request, bar_ns, bars):
                    rebalances.append(request)
            self._failing = False
        except StoreFailed as error:  # what cannot be written down is not in force, and waits
            if not self._failing:
                log.warning("not steered: %s", error)
                self._told(f"{self._run} cannot be steered: {error}")
            self._failing = True
        return rebalances

    def _takes(self, request: SteeringRequest, bar_ns: int, bars: Bars | None) -> bool:
        """Whether it is a call to rebalance that is to be followed; everything else is answered."""
        try:
            self._check(request)
            if request.kind == REBALANCE:
                return True
            spec, text = self._changed(request)
            if bars is not None:
                check_history(self.spec, spec, bars)
        except CerebrolabError as error:
            self.answer(request, False, str(error), bar_ns)
            return False
        self.answer(request, True, text, bar_ns)
        self.phases.append(Phase(bar_ns, spec))
        return False

    def _changed(self, request: SteeringRequest) -> tuple[RunSpec, str]:
        """As `changed`; with real money only what has passed the gate, on paper it is told."""
        spec, text = changed(self.spec, request)
        warning = check_gate(spec, self._journal, self._real)
        return spec, f"{text}; {warning}" if warning and spec != self.spec else text

    def _check(self, request: SteeringRequest) -> None:
        if not issubclass(self._strategy, TargetStrategy):
            raise BadSpec(f"{self._strategy.__name__} is a plain Backtrader strategy, which nobody steers: start it again with other parameters")
        age = self._now() - request.asked_ns
        if request.kind == REBALANCE and age > FRESH_NS:
            raise UsageError(f"it was asked {age / DAY_NS:.0f} days ago, and the run decides only now: ask again")

    def answer(self, request: SteeringRequest, taken: bool, text: str, bar_ns: int) -> None:
        """Write down, and tell, what has become of a request.

        Raises:
            StoreFailed: it cannot be written down.
        """
        self._log.answer(request.id, self._account, self._run, taken, text, bar_ns)
        self._carried_out.pop(request.id, None)
        if taken and request.kind == REBALANCE:
            self.called.add(bar_ns)
        self._told(f"{self._run}: {request.kind} {request.id} of {request.by} is {'taken' if taken else 'refused'}: {text}")

    def carried_out(self, requests: Sequence[SteeringRequest], text: str, bar_ns: int) -> None:
        """Answer what has been done; what cannot be answered now is at the next look, and not done again."""
        for request in requests:
            self._carried_out[request.id] = text, bar_ns
            try:
                self.answer(request, True, text, bar_ns)
            except StoreFailed as error:
                self._told(f"{self._run}: {request.kind} {request.id} is done, and not written down yet: {error}")


class StreamSteering:
    """The steering of a strategy in Cerebro; see `strategies.steered.Steering`."""

    def __init__(self, run: RunSteering, changed: Callable[[RunSpec], None], told: Told) -> None:
        self._run, self._changed, self._told, self._recalled = run, changed, told, False

    def recall(self, strategy: Any) -> None:
        """As there."""
        if not self._recalled:
            for text in self._run.recall():
                self._told(text)
            self._recalled = True
            self._apply(strategy, 1)

    def look(self, strategy: Any, bars: Bars) -> list[SteeringRequest]:
        """As there."""
        known = len(self._run.phases)
        rebalances = self._run.look(int(bars.index[-1]), bars)
        self._apply(strategy, known)
        return rebalances

    def rebalanced(self, asked: Sequence[SteeringRequest], strategy: Any, bar_ns: int) -> None:
        """As there; the answer names the targets."""
        shares = {} if strategy.decision is None else strategy.decision.shares
        self._run.carried_out(asked, traded_to({data._name: target for data, target in shares.items()}), bar_ns)

    def refuse(self, bar_ns: int) -> None:
        """Tell those who ask that a plain strategy is not steered."""
        self._run.look(bar_ns)

    def _apply(self, strategy: Any, first: int) -> None:
        for phase in self._run.phases[first:]:
            kind: Any = resolve.strategy_class(phase.spec.strategy)
            params = {name: value for name, value in strategy_params(phase.spec, kind).items() if name not in ENGINE_PARAMS}
            sizer, sizing = sizer_of(phase.spec, kind)
            strategy.change(params, sizer(**sizing) if sizer else None, phase.since_ns)
            self._changed(phase.spec)


def traded_to(targets: Mapping[str, float]) -> str:
    """The answer to a call to rebalance."""
    return f"it trades to its targets: {', '.join(f'{symbol} {shares:g}' for symbol, shares in targets.items()) or 'none'}"
