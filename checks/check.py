"""`check`: all probes of one strategy within a budget of time. Imports engine and everything below it."""

import os
import time
from collections.abc import Callable, Collection
from contextlib import redirect_stdout
from functools import cached_property, partial
from itertools import repeat
from typing import Any

from checks import probes, process, variants
from checks.market import market
from checks.outcome import Orders, Outcome
from checks.probes import SCALE, Tally, by_row, cut_off, shaken_up, spread, upside_down
from checks.report import KINDS, Probe, Report
from checks.subject import Subject, Unplayable
from core.bars import Bars
from core.errors import CerebrolabError, NoBars, UnknownName
from core.spec import RunSpec
from engine.loading import load

STATE = 1_234_567  # another state of the global random generators
SHAKEN = 40  # bars after which the future is replaced by another kind of market, beside the mirrored one
PURE_ORDERS = 6  # bars cut in Cerebro where only shipped code turns decisions into orders
FEWEST = 3  # bars a panel must have
CURRENCY_LIMITS = ("min_cash", "max_position", "min_position")


def check(spec: RunSpec, *, bars: Bars | None = None, budget_s: float = 15.0, cuts: int | None = None, seed: int = 0,
          skip: Collection[str] = (), store: Any = None) -> Report:
    """Look for decisions of a strategy that depend on the future, or on anything else than the bars up to then.

    Args:
        spec: the strategy, its parameters and its sizer; where it names neither symbols nor a source, the check
            uses bars of its own (`checks.market`).
        bars: what to check on instead.
        budget_s: seconds for cutting and changing the future; the rest takes a few seconds more.
        cuts: number of bars after which the future is taken away; None = as many as the budget allows.
        seed: of the order in which bars are tried, and of the changed futures.
        skip: kinds of probes to leave out. store: a bar store for sources that need one.

    Raises:
        CerebrolabError: the spec is not possible; or the strategy raises an exception on the whole bars.
    """
    for kind in skip:
        if kind not in KINDS:
            raise UnknownName.of("kind of probe", kind, KINDS)
    started = time.perf_counter()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):  # strategies print, and they run a thousand times
        subject = Subject(spec)
        if bars is None:
            own = not spec.symbols and spec.universe is None and spec.source == RunSpec().source
            bars = market(subject.target) if own else load(spec, store)
        if len(bars) < FEWEST:
            raise NoBars(f"{len(bars)} bars are too few to cut: name more with --start or --period")
        bars = variants.rows(bars, slice(None))
        report = Report(spec.strategy, repr(bars)[5:-1])
        run = _Run(subject, bars, report, budget_s, cuts, seed, frozenset(skip))
        (run.target if subject.target else run.plain)()
    report.seconds = time.perf_counter() - started
    return report


class _Run:
    def __init__(self, subject: Subject, bars: Bars, report: Report, budget_s: float, cuts: int | None, seed: int,
                 skip: frozenset[str]) -> None:
        self._subject, self._bars, self._report = subject, bars, report
        self._budget_s, self._cuts, self._seed, self._skip = budget_s, cuts, seed, skip

    def target(self) -> None:
        """Probes of decisions, then of the orders that follow from them."""
        subject, bars = self._subject, self._bars
        base = subject.decisions(bars)
        self._note_idle(base)
        rows = spread(range(len(bars) - 1), seed=self._seed)[: self._cuts]
        if not self._repeats(subject.decisions, base):
            return
        remembers_nothing = None if "repeat" in self._skip else subject.fresh()
        self._future(partial(subject.decisions, kind=remembers_nothing), base, rows, self._budget_s * 0.7)
        if "scale" not in self._skip:
            self._add(probes.scale_symbols(subject.decisions, bars, base, self._stop(0.3)))
        self._warm_up()
        if "orders" not in self._skip:
            self._orders()

    def plain(self) -> None:
        """Probes of the orders of a plain strategy."""
        subject, bars = self._subject, self._bars
        base = self._traded
        if base.raised and base.raised[0] < 1:
            raise Unplayable(base.raised[1])
        self._note_idle(base)
        if not self._repeats(subject.orders, base):
            return
        stepwise = subject.orders(bars, preload=False, runonce=False)
        parted = base.difference(stepwise, 0, len(bars) - 1)
        near = [] if parted is None else [parted.row + by for by in (0, -1, 1)]
        rows = spread(range(len(bars) - 1), [*near, *base.rows], self._seed)[: self._cuts]
        self._future(self._short, base, rows, self._budget_s)
        if "delivery" not in self._skip:
            self._delivery(base, stepwise, parted)
        if base.raised and self._report.clean:
            raise Unplayable(base.raised[1])
        if "scale" not in self._skip:
            self._scaled_account(base)

    # -- probes ---------------------------------------------------------------------------------------

    def _future(self, play: Callable[..., Outcome], base: Outcome, rows: list[int], budget_s: float) -> None:
        bars, whole = self._bars, self._budget_s
        if "future" not in self._skip:
            stop = self._stop(budget_s * 0.4 / whole)
            self._add(by_row("future", "bars cut off", play, bars, base, rows, [cut_off(bars)], stop))
        if "perturbation" not in self._skip:
            stop = self._stop(budget_s * 0.4 / whole)
            self._add(by_row("perturbation", "future turned upside down", play, bars, base, rows, [upside_down(bars)],
                             stop))
            stop = self._stop(budget_s * 0.2 / whole)
            self._add(by_row("perturbation", "future of another kind", play, bars, base, rows[:SHAKEN],
                             [shaken_up(bars, self._seed)], stop))

    def _short(self, bars: Bars, spec: RunSpec | None = None) -> Orders:
        """Orders, also on fewer bars than an indicator needs, where Backtrader's vectorised mode raises."""
        orders = self._subject.orders(bars, spec=spec)
        if orders.raised and orders.raised[0] <= 0:
            return self._subject.orders(bars, spec=spec, runonce=False)
        return orders

    def _repeats(self, play: Callable[..., Outcome], base: Outcome) -> bool:
        """Whether fresh plays agree; where they do not, other differences would say nothing."""
        if "repeat" in self._skip:
            return True
        bars, last = self._bars, len(self._bars) - 1
        tally = Tally(bars, "repeat", "same bars again, fresh and after other bars")
        tally.compare(base, lambda: play(bars), 0, last, "on a second run")
        tally.compare(base, lambda: play(bars, STATE), 0, last,
                      "on a run with another state of the random generators: seed a generator of its own")
        if tally.first is None:
            self._play_warm(tally, base)
        self._add(tally.probe())
        if tally.first is None and "process" not in self._skip:
            self._play_elsewhere(base)
        return tally.first is None

    def _play_warm(self, tally: Tally, base: Outcome) -> None:
        """One class plays other bars, fewer bars, and the bars again: what it remembers must change nothing."""
        subject, bars, middle = self._subject, self._bars, len(self._bars) // 2
        if subject.target:
            kind = subject.fresh()
            warm: Callable[[Bars], Outcome] = lambda each: subject.decisions(each, kind=kind)
            cold: Callable[[Bars], Outcome] = subject.decisions
        else:
            spec = subject.warm()
            warm, cold = lambda each: subject.orders(each, spec=spec), self._short
        other, part = variants.mirrored(bars, middle), variants.cut(bars, middle)
        remembered = "when the class has run on other bars before"
        tally.compare(base, partial(warm, bars), 0, len(bars) - 1, remembered)
        for each in (other, part):
            try:
                expected = cold(each)
            except CerebrolabError:
                continue
            tally.compare(expected, partial(warm, each), 0, len(each) - 1, remembered)
        tally.compare(base, partial(warm, bars), 0, len(bars) - 1, remembered)

    def _play_elsewhere(self, base: Outcome) -> None:
        subject, bars = self._subject, self._bars
        tally = Tally(bars, "process", "same bars in new processes, a year later")
        explanation = "in a new process with another hash seed, another random state and another time"
        try:
            played = process.play(subject.spec, bars)
        except CerebrolabError as error:
            self._add(Probe("process", "same bars in new processes", note=str(error)))
            return
        for outcomes in played:
            expected = (base, self._traded) if subject.target else (base,)
            for each, found in zip(expected, outcomes, strict=True):
                tally.compare(each, repeat(found).__next__, 0, len(bars) - 1, explanation)
        self._add(tally.probe())

    def _warm_up(self) -> None:
        subject, bars = self._subject, self._bars
        if "warm-up" in self._skip:
            return
        stated = getattr(subject.strategy, "warmup", lambda p: None)(subject.params)
        if stated is None or stated + FEWEST > len(bars):
            note = "no warm-up is stated" if stated is None else f"the warm-up of {stated} bars is longer than the bars"
            self._add(Probe("warm-up", "bars that begin later", note=note))
            return
        dependent = getattr(subject.strategy, "path_dependent", False)
        self._add(probes.later_starts(subject.decisions, bars, int(stated), dependent))

    def _orders(self) -> None:
        """The way from decisions to orders, on which the sizer might look ahead."""
        subject, bars = self._subject, self._bars
        base = self._traded
        if base.raised:
            raise Unplayable(base.raised[1])
        rows = spread(range(len(bars) - 1), base.rows, self._seed)[: self._cuts]
        if subject.pure:
            rows = spread(base.rows or rows, seed=self._seed)[:PURE_ORDERS]
        else:
            self._add(self._remembering_sizer(base))
        self._add(by_row("orders", "orders in Cerebro: bars cut off, future turned upside down", subject.orders, bars,
                         base, rows, [cut_off(bars), upside_down(bars)], self._stop(0.3)))

    def _remembering_sizer(self, base: Orders) -> Probe:
        """A sizer, like a strategy, must remember nothing of the bars it ran on before."""
        subject, bars, warm = self._subject, self._bars, self._subject.warm()
        subject.orders(variants.mirrored(bars, len(bars) // 2), spec=warm)
        tally = Tally(bars, "orders", "orders in Cerebro again, after other bars")
        tally.compare(base, partial(subject.orders, bars, spec=warm), 0, len(bars) - 1,
                      "when strategy and sizer have run on other bars before")
        return tally.probe()

    @cached_property
    def _traded(self) -> Orders:
        """The orders on the bars as they are."""
        return self._subject.orders(self._bars)

    def _delivery(self, base: Orders, stepwise: Orders, parted: Any) -> None:
        tally = Tally(self._bars, "delivery", "bars delivered one by one", 1)
        told = stepwise.raised
        if told and 0 <= told[0] < len(self._bars) and (not base.raised or told[0] < base.raised[0]):
            tally.done = 1
            tally.first = (probes.Difference(told[0], "all symbols", "it ran on", told[1]),
                           "when the later bars have not been delivered yet")
        elif parted is not None and not self._report.clean:
            tally.compare(base, lambda: stepwise, 0, len(self._bars) - 1, "when later bars have not been delivered yet")
        else:
            tally.done = 1
            if parted is not None:
                self._report.warnings.append(
                    f"delivered one by one, the bars lead to other orders from {self._bars.session[parted.row]} on, "
                    "and not because of the future: an indicator gives other numbers in that mode")
        self._add(tally.probe())

    def _scaled_account(self, base: Orders) -> None:
        """All prices and the cash times a constant: the same orders."""
        spec = self._subject.spec
        limits = {name: value * SCALE if name in CURRENCY_LIMITS else value for name, value in spec.limits.items()}
        free = spec.replace(commission="none", slippage="none")
        larger = free.replace(cash=spec.cash * SCALE, limits=limits)
        bars = self._bars
        other = variants.scaled(bars, slice(None), SCALE)
        tally = Tally(bars, "scale", f"all prices and the cash x {SCALE:g}", 1)
        plain = base if free == spec else self._subject.orders(bars, spec=free)
        tally.compare(plain, lambda: self._subject.orders(other, spec=larger).priced(SCALE), 0, len(bars) - 1,
                      f"when all prices and the cash are {SCALE:g} times as high")
        self._add(tally.probe())

    # -- bookkeeping ----------------------------------------------------------------------------------

    def _add(self, probe: Probe) -> None:
        self._report.probes.append(probe)

    def _stop(self, part: float) -> float:
        return time.perf_counter() + self._budget_s * part

    def _note_idle(self, base: Outcome) -> None:
        if not base.rows:
            self._report.warnings.append(f"no decision in {len(self._bars)} bars: nothing is proven; name other bars "
                                         "with --symbols and --source, or other parameters")
