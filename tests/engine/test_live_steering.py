"""A streaming run that is steered while it goes on: the venue's ledger shows it, the journal answers, and a restart keeps it."""

from types import SimpleNamespace

import backtrader as bt
import numpy as np
import pytest
from killed_streams import Killed
from several_runs import lived as lived_several
from several_runs import spec as several
from streamed_runs import SPEC, held, lived, two_days, venue

from brokers.local_alpaca import VenueClock
from core.errors import BadSpec, StoreFailed
from core.spec import RunSpec
from engine import resolve
from engine.deciding import deciding
from engine.live.steering import FRESH_NS, RunSteering
from journal import Journal
from strategies import TargetStrategy

START, ASKED = "2024-02-21T09:34:30-05:00", "2024-02-21T09:45:10-05:00"
RUN, STEADY = SPEC.replace(start="2024-02-20", name="one"), "SteadyMinutes"


class Daily(TargetStrategy):
    """Decides once a day, on the bar of minute `minute`: so much of the account in each symbol."""

    params = dict(share=0.2, minute=5, weekday=2, bars=1)
    default_sizer = "TargetWeight"
    timing = {"weekday": (0, 1, 2, 3, 4)}

    @classmethod
    def check(cls, p):
        if not 0 < p.share < 1:
            raise BadSpec(f"share is {p.share}: it is a part")

    @classmethod
    def warmup(cls, p):
        return p.bars

    @classmethod
    def signals(cls, bars, p):
        return np.where((bars.minute == p.minute)[:, None] & bars.tradable, p.share, np.nan)


class Plain(bt.Strategy):
    """Does nothing."""


DAILY = RunSpec(strategy=f"{__name__}:Daily", symbols=("AAA", "BBB"), interval="1m", start="2024-02-20", cash=100_000.0, on_stop="keep", name="one")


@pytest.fixture(name="alpaca")
def _alpaca():
    with venue(two_days(rows=60), START) as alpaca:
        yield alpaca


@pytest.fixture(name="journal")
def _journal(alpaca, tmp_path):
    with Journal(tmp_path / "journal.db", VenueClock(alpaca)) as journal:
        yield journal


def asking(journal, kind, strategy="", run="", **facts):
    return (ASKED, lambda live: journal.steering.ask(kind, strategy, run, facts, "a test"))


def answered(journal):
    """The only answer, which was given on the first bar that was complete after the question."""
    [answer], [request] = journal.steering.answers(), journal.steering.requests()
    assert 0 < answer.bar_ns - request.asked_ns <= 60 * 10**9
    return answer


def check_decisions(journal, bars, phases):
    """Every decision on record is that of the parameters in force; returns the seeds they had."""
    seen = set()
    for row in journal.blotter.decisions(journal.steering.answers()[0].account):
        spec = [spec for since, spec in phases if since <= row.bar_ns][-1]
        signals = decided(spec, bars)[int(np.flatnonzero(bars.index == row.bar_ns)[0])]
        assert {symbol: bool(shares) for symbol, shares in row.targets.items()} == {
            symbol: bool(signal) for symbol, signal in zip(bars.symbols, signals, strict=True) if not np.isnan(signal)}
        assert row.spec["params"] == spec.params
        seen.add(spec.params["seed"])
    return seen


def decided(spec, bars):
    strategy = resolve.strategy_class(spec.strategy)
    return strategy.decisions(bars, SimpleNamespace(**{**dict(strategy.params._getitems()), **spec.params}))


def test_a_configured_run_decides_by_the_other_parameters_from_its_next_bar_on(alpaca, journal):
    bars = two_days(rows=60)
    strategy, events = lived(alpaca, "2024-02-21T10:05:30-05:00", RUN, journal=journal,
                             at_time=[asking(journal, "configure", STEADY, parameters={"seed": "7", "sizer.across": "chosen"})])
    answer = answered(journal)
    assert answer.taken and answer.run == "one"
    assert answer.text.startswith("seed: 2 -> 7, sizer.across: universe -> chosen; SteadyMinutes has not been before the gate with these parameters")
    other = RUN.replace(params={**RUN.params, "seed": 7})
    assert check_decisions(journal, bars, [(0, RUN), (answer.bar_ns, other)]) == {2, 7}
    assert strategy._sizer.p.across == "chosen" and held(strategy) == {name: float(qty) for name, qty in alpaca.ledger.positions.items() if qty}
    assert [event.text for event in events if "configure 1" in event.text] == [f"one: configure 1 of a test is taken: {answer.text}"]


def sold(live):
    """Somebody sells 100 AAA by hand."""
    live.alpaca.outside_order(symbol="AAA", side="sell", qty=100)
    live.broker.reconcile()


SOLD = ("2024-02-21T09:40:10-05:00", sold)


@pytest.mark.parametrize("asks", [True, False])
def test_a_call_to_rebalance_trades_to_the_standing_targets_whatever_the_schedule_says(alpaca, journal, asks):
    """The run decides once a day, on the fifth minute; what is sold after that comes back only where somebody asks."""
    at = [SOLD, asking(journal, "rebalance", run="one")] if asks else [SOLD]
    strategy, _ = lived(alpaca, "2024-02-21T09:50:30-05:00", DAILY, journal=journal, at_time=at)
    bought = [order for order in alpaca.ledger.orders if order.symbol == "AAA" and order.client_order_id.startswith("cl-")]
    whole = np.floor(0.2 * 100_000 / 100)
    if not asks:
        assert len(bought) == 1 and held(strategy)["AAA"] == bought[0].qty - 100
        return
    answer = answered(journal)
    targets = {data._name: shares for data, shares in strategy.decision.shares.items()}
    assert answer.taken and answer.text == f"it trades to its targets: AAA {targets['AAA']:g}, BBB {targets['BBB']:g}"
    assert len(bought) == 2 and float(bought[1].qty) == targets["AAA"] - float(bought[0].qty - 100) and abs(targets["AAA"] - whole) <= 10
    assert held(strategy) == targets == {name: float(qty) for name, qty in alpaca.ledger.positions.items()}
    assert journal.blotter.decision(answer.account, "one", answer.bar_ns).targets == targets


REFUSED = [
    ("schedule", {"schedule": "monthly"}, "which decides weekly: write weekly, monday"),
    ("schedule", {"schedule": "hourly"}, "unknown schedule 'hourly': write daily, weekly"),
    ("configure", {"parameters": {"share": "1.5"}}, "share is 1.5"),
    ("configure", {"parameters": {"shore": "0.5"}}, "did you mean 'share'"),
    ("configure", {"parameters": {"share": "much"}}, "share=much is not a number"),
    ("configure", {"parameters": {"exits.stop": "0.1"}}, "exits.stop cannot change while a run goes on"),
    ("configure", {"parameters": {"limits.max_positions": "0"}}, "limits.max_positions"),
    ("configure", {"parameters": {"sizer.risk": "0.1"}}, "sizer parameter of TargetWeight"),
    ("configure", {"parameters": {}}, "no parameters are named"),
    ("configure", {}, "no parameters are named"),
    ("configure", {"parameters": {"bars": "5000"}}, "needs 5000 bars"),
]
TAKEN = [
    ("schedule", {"schedule": "friday"}, "weekday: 2 -> 4"),
    ("schedule", {"schedule": "weekly"}, "it decides by that already, and nothing changes"),
    ("configure", {"parameters": {"limits.cash_buffer": "0.1"}}, "limits: None -> cash_buffer 0.1"),
]


def test_what_is_asked_is_answered_in_words(alpaca, journal):
    for kind, facts, _ in [*REFUSED, *TAKEN]:
        journal.steering.ask(kind, "Daily", "", facts, "a test")
    journal.steering.ask("rebalance", "", "", {}, "a test", asked_ns=alpaca.now - 2 * FRESH_NS)
    journal.steering.ask("rebalance", "Other", "", {}, "a test")
    strategy, events = lived(alpaca, "2024-02-21T09:37:30-05:00", DAILY, journal=journal)
    answers = journal.steering.answers()
    said = [*REFUSED, *TAKEN, ("rebalance", {}, "it was asked 8 days ago")]
    assert [answer.request_id for answer in answers] == list(range(1, len(said) + 1))
    assert [answer.taken for answer in answers] == [False] * len(REFUSED) + [True] * len(TAKEN) + [False]
    for answer, (_, _, text) in zip(answers, said, strict=True):
        assert text in answer.text and any(answer.text in event.text for event in events)
    assert {name: getattr(strategy.p, name) for name in resolve.defaults(Daily)} == {"share": 0.2, "minute": 5, "weekday": 4, "bars": 1}
    assert strategy._sizer.p.limits.cash_buffer == 0.1


@pytest.mark.parametrize("spec, said", [(RUN, "SteadyMinutes, which has no schedule"),
                                        (DAILY.replace(strategy=f"{__name__}:Plain"), "Plain is a plain Backtrader strategy")])
def test_a_strategy_without_a_schedule_says_so(alpaca, journal, spec, said):
    journal.steering.ask("schedule", "", "", {"schedule": "weekly"}, "a test")
    lived(alpaca, "2024-02-21T09:36:30-05:00", spec, journal=journal)
    [answer] = journal.steering.answers()
    assert said in answer.text and not answer.taken


def test_a_run_that_starts_again_goes_on_with_what_it_had_taken(alpaca, journal):
    """Three processes: the second one was killed before it could do more than read; what was decided before the change stays."""
    bars = two_days(rows=60)
    lived(alpaca, "2024-02-21T09:50:30-05:00", RUN, journal=journal, at_time=[asking(journal, "configure", STEADY, parameters={"seed": 7})])
    for until in ("2024-02-21T09:51:30-05:00", "2024-02-21T10:05:30-05:00"):
        strategy, events = lived(alpaca, until, RUN, journal=journal)
        assert strategy.p.seed == 7 and [event.text for event in events if "is in force again: seed: 2 -> 7" in event.text]
    answer = answered(journal)
    other = RUN.replace(params={**RUN.params, "seed": 7})
    assert check_decisions(journal, bars, [(0, RUN), (answer.bar_ns, other)]) == {2, 7}
    index = strategy._panel.bars.index
    joined = np.where((index >= answer.bar_ns)[:, None], decided(other, strategy._panel.bars), decided(RUN, strategy._panel.bars))
    np.testing.assert_array_equal(strategy._signals, joined)


def test_of_several_runs_only_the_one_that_is_asked_changes(alpaca, journal):
    at = [asking(journal, "configure", STEADY, "run5", parameters={"seed": 7})]
    strategies, _ = lived_several(alpaca, "2024-02-21T09:50:30-05:00", [several(2), several(5)], journal, at_time=at)
    assert [strategy.p.seed for strategy in strategies] == [2, 7]
    assert [(answer.run, answer.text.partition(";")[0]) for answer in journal.steering.answers()] == [("run5", "seed: 5 -> 7")]


def test_without_an_answer_on_record_nothing_is_in_force(alpaca, journal, monkeypatch):
    """The journal cannot be written for a while: the run goes on as it was, says so once, and takes the request when it can."""
    answer, failures = journal.steering.answer, []

    def fails(*given):
        if len(failures) < 3:
            failures.append(strategy_at.append(alpaca.now))
            raise StoreFailed("the journal is full")
        answer(*given)

    strategy_at = []
    monkeypatch.setattr(journal.steering, "answer", fails)
    strategy, events = lived(alpaca, "2024-02-21T09:55:30-05:00", RUN, journal=journal,
                             at_time=[asking(journal, "configure", STEADY, parameters={"seed": 7})])
    [given] = journal.steering.answers()
    assert strategy.p.seed == 7 and given.bar_ns - journal.steering.requests()[0].asked_ns > 3 * 60 * 10**9
    assert [event.text for event in events if "cannot be steered" in event.text] == ["one cannot be steered: the journal is full"]


@pytest.mark.parametrize("after", [False, True])
def test_a_process_killed_around_its_answer_leaves_nothing_half_done(alpaca, journal, monkeypatch, after):
    """Killed before the answer is on record the request waits; killed after it, the next process decides by it. Both end alike."""
    answer = journal.steering.answer

    def dies(*given):
        if after:
            answer(*given)
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(journal.steering, "answer", dies)
        lived(alpaca, "2024-02-21T09:55:30-05:00", RUN, journal=journal, at_time=[asking(journal, "configure", STEADY, parameters={"seed": 7})])
    assert len(journal.steering.answers()) == after
    strategy, events = lived(alpaca, "2024-02-21T10:05:30-05:00", RUN, journal=journal)
    [given] = journal.steering.answers()
    assert given.taken and strategy.p.seed == 7
    assert [event.text.partition(";")[0] for event in events if "configure 1" in event.text] == [
        f"one: configure 1 of a test is {'in force again' if after else 'taken'}: seed: 2 -> 7"]
    other = RUN.replace(params={**RUN.params, "seed": 7})
    assert 7 in check_decisions(journal, two_days(rows=60), [(0, RUN), (given.bar_ns, other)])
    assert len({order.client_order_id for order in alpaca.ledger.orders}) == len(alpaca.ledger.orders)


def test_with_real_money_only_what_has_passed_the_gate_is_taken(tmp_path):
    """A process that starts again asks the gate again."""
    told, bar_ns = [], 10**18
    with Journal(tmp_path / "journal.db") as journal:
        def process():
            return RunSteering(journal, "account", "one", RUN, lambda: bar_ns, told.append, real=True)

        journal.steering.ask("configure", STEADY, "", {"parameters": {"seed": 7}}, "a test")
        process().look(bar_ns)
        other = RUN.replace(params={**RUN.params, "seed": 7})
        strategy = resolve.strategy_class(RUN.strategy)
        journal.ledger.record_verdict(run_id=None, strategy="SteadyMinutes", strategy_source=resolve.source_digest(strategy), params=deciding(other),
                                      universe=list(other.symbols), fingerprint="", passed=True, reasons=[], numbers={})
        journal.steering.ask("configure", STEADY, "", {"parameters": {"seed": 7}}, "a test")
        steering = process()
        steering.look(bar_ns)
        refused, taken = journal.steering.answers()
        assert not refused.taken and "has not been before the gate with these parameters" in refused.text
        assert (taken.taken, taken.text) == (True, "seed: 2 -> 7") and steering.spec == other
        again = process()
        assert again.recall() == ["one: configure 2 of a test is in force again: seed: 2 -> 7"] and again.spec == other
    assert len(told) == 2
