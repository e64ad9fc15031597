"""The daily run is steered too: what is asked is taken at its next decision, once, also where it is killed in between."""

from types import SimpleNamespace

import numpy as np
import pytest
from live_days import SPEC, Days, panel, venue
from steady_decisions import SteadyDecisions

from engine.live.phases import Phase, decisions
from engine.live.wanted import wanted
from journal import Journal
from journal.blotter import Blotter
from strategies.base import TargetStrategy

RUN = SPEC.replace(params={"seed": 3, "density": 0.7}, name="daily")


class Once(TargetStrategy):
    """Decides on its first session alone."""

    params = dict(share=0.25)
    default_sizer = "TargetWeight"

    @classmethod
    def signals(cls, bars, p):
        return np.where((bars.session == np.datetime64("2024-02-20"))[:, None] & bars.tradable, p.share, np.nan)


@pytest.fixture(name="days")
def _days(tmp_path):
    bars = panel()
    with venue(bars) as alpaca:
        yield Days(alpaca, bars, tmp_path / "journal.db", RUN)


def asked(days, kind, **facts):
    with Journal(days.path) as journal:
        return journal.steering.ask(kind, "", "", facts, "a test", asked_ns=days.alpaca.now)


def answers(days):
    with Journal(days.path) as journal:
        return journal.steering.answers()


def test_other_parameters_decide_from_the_next_session_on(days):
    days.whole_day()
    days.once()
    asked(days, "configure", parameters={"seed": 8})
    asked(days, "configure", parameters={"seed": "x"})
    days.whole_day()
    assert not answers(days)  # this session was decided on before
    days.whole_day()
    [taken, refused] = answers(days)
    report = next(report for report in days.reports if any("configure 1" in text for text in report.warnings))
    assert (taken.taken, taken.text.partition(";")[0], refused.taken) == (True, "seed: 3 -> 8", False) and "seed=x is not a number" in refused.text
    decided = {str(row.session): row for row in rows(days)}
    other = RUN.replace(params={"seed": 8, "density": 0.7})
    for session, row in decided.items():
        bars, spec = days.bars.between(None, session), other if row.bar_ns >= taken.bar_ns else RUN
        assert set(row.targets) == set(wanted(spec, bars, {}, 1e5, 1e5).targets) and row.spec["params"] == spec.params
    assert report.session in decided and len(decided) == 3 and len({row.run_key for row in decided.values()}) == 1


def rows(days):
    with Journal(days.path) as journal:
        return journal.blotter.decisions(journal.steering.answers()[0].account)


@pytest.mark.parametrize("killed", [False, True])
def test_a_call_to_rebalance_is_followed_once(days, monkeypatch, killed):
    """The strategy decides once; what is sold by hand comes back only where somebody asks; killed between the answer and the decision."""
    days.spec = RUN.replace(strategy=f"{__name__}:Once", params={}, sizer=None)
    days.whole_day()
    days.alpaca.advance(to=f"{days.session_after(days.today)}T10:00-05:00")
    days.alpaca.outside_order(symbol="AAA", side="sell", qty=100)
    days.at("16:25")
    before = dict(days.alpaca.ledger.positions)
    asked(days, "rebalance")
    if killed:
        with monkeypatch.context() as patched:
            patched.setattr(Blotter, "decide", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                days.once()
        assert answers(days)[0].taken
    days.whole_day()
    [answer], after = answers(days), dict(days.alpaca.ledger.positions)
    targets = next(row.targets for row in rows(days) if row.bar_ns == answer.bar_ns)
    assert set(targets) == {"AAA", "BBB", "CCC"} and {name: float(qty) for name, qty in after.items()} == targets
    assert after["AAA"] > before["AAA"] + 90
    orders = len(days.alpaca.ledger.orders)
    days.whole_day()
    assert len(days.alpaca.ledger.orders) == orders and len(answers(days)) == 1


def test_decisions_before_a_change_stay_what_they_were():
    """Oracle: row by row, each by the parameters of its day."""
    bars, specs = panel(), [RUN.replace(signal_start=None, params={"seed": seed, "density": 0.7}) for seed in range(4)]
    since = [0, int(bars.index[20]), int(bars.index[20]), int(bars.index[40])]
    found = decisions([Phase(moment, spec) for moment, spec in zip(since, specs, strict=True)], bars)
    each = [SteadyDecisions.decisions(bars, SimpleNamespace(**{"shorts": 0.0, "signal_start": None, **spec.params})) for spec in specs]
    np.testing.assert_array_equal(found, np.concatenate([each[0][:20], each[2][20:40], each[3][40:]]))
