"""`check`: each clause on a strategy written for it, and requests that cannot be carried out."""

import numpy as np
import pytest

import checks
from checks.market import market
from checks.report import KINDS
from core.bars import Bars
from core.errors import NoBars, UnknownName, UsageError
from core.spec import RunSpec

TARGET = '''
import numpy as np
import time
from strategies import TargetStrategy
from strategies.base import may_decide


class Mine(TargetStrategy):
    {stated}

    @classmethod
    def signals(cls, bars, p):
        close, nothing = bars.close, np.full(bars.shape, np.nan)
        {body}
'''
PLAIN = '''
import backtrader as bt


class Mine(bt.Strategy):
    def next(self):
        {body}
'''
CHANGE = "past = np.vstack([close[:1], close[:-1]])\n        "


@pytest.fixture(name="write")
def _write(tmp_path):
    def write(body, stated="params = dict(period=10)", template=TARGET):
        path = tmp_path / "mine.py"
        path.write_text(template.format(body=body, stated=stated))
        return RunSpec(strategy=f"{path}:Mine")

    return write


def only(kind):
    return frozenset(KINDS) - {kind}


def test_a_price_level_is_found_by_scaling(write, panel):
    spec = write("return np.where(bars.tradable, np.where(close > 50.0, 1.0, 0.0), np.nan)")
    report = checks.check(spec, bars=panel, budget_s=20, cuts=20, skip=("process", "orders"))
    assert [finding.kind for finding in report.findings] == ["scale"]
    assert "divided by 1024" in report.findings[0].explanation
    assert checks.check(spec, bars=panel, budget_s=20, cuts=20, skip=("process", "orders", "scale")).clean


@pytest.mark.parametrize(("price", "kinds"), [("self.data.close[0] < 400.0", ["scale"]),
                                              ("self.data.close[0] > self.data.close[-1]", [])])
def test_a_price_level_of_a_plain_strategy(write, plain_panel, price, kinds):
    body = f"self.order_target_percent(target=0.5 if {price} else 0.0)"
    report = checks.check(write(body, template=PLAIN), bars=plain_panel, budget_s=20, cuts=5, skip=("process",))
    assert [finding.kind for finding in report.findings] == kinds


@pytest.mark.parametrize(("stated", "result"), [(30, "clean"), (5, "leak"), (None, "not checked"),
                                                (1_000, "not checked")])
def test_a_stated_warm_up_is_held_to(write, panel, stated, result):
    body = ("mean = np.full(bars.shape, np.nan)\n"
            "        for row in range(30, len(bars) + 1):\n"
            "            mean[row - 1] = np.nanmean(close[row - 30 : row], axis=0)\n"
            "        for row in range(1, min(30, len(bars) + 1)):\n"
            "            mean[row - 1] = np.nanmean(close[:row], axis=0)\n"
            "        return np.where(bars.tradable & bars.traded, np.where(close > mean, 1.0, 0.0), np.nan)")
    spec = write(body, f"warmup = classmethod(lambda cls, p: {stated})")
    probe, = checks.check(spec, bars=panel, skip=only("warm-up")).probes
    assert (probe.kind, probe.result) == ("warm-up", result)
    assert bool(probe.note) == (result == "not checked")


@pytest.mark.parametrize(("declared", "clean"), [(True, True), (False, False)])
def test_a_path_dependent_strategy_is_checked_from_the_same_start(write, panel, declared, clean):
    body = ("held, signals = np.zeros(len(bars.symbols), bool), nothing\n"
            "        for row in np.flatnonzero(may_decide(bars, p)):\n"
            "            held = ~held & bars.tradable\n"
            "            signals[row, bars.tradable] = held[bars.tradable]\n"
            "        return signals")
    spec = write(body, f"path_dependent = {declared}\n    warmup = classmethod(lambda cls, p: 3)")
    assert checks.check(spec, bars=panel, skip=only("warm-up")).clean == clean


def test_the_first_bar_symbol_and_values_are_named(write):
    from made_bars import frame

    panel = Bars.from_frames({"A": frame([10.0, 11.0, 12.0, 11.0, 9.0]), "B": frame([5.0, 5.0, 5.0, 6.0, 5.0])})
    spec = write("coming = np.vstack([close[1:], close[-1:]])\n        return np.where(coming > close, 1.0, np.nan)")
    report = checks.check(spec, bars=panel, skip=only("future"))
    finding, = report.findings
    assert (finding.kind, finding.session, finding.time) == ("future", str(panel.session[0]), panel.index[0])
    assert (finding.symbol, finding.seen, finding.without) == ("A", "1", "no decision")
    assert str(finding) == (f"future: on {panel.session[0]}, A: 1, but no decision when the bars after "
                            f"{panel.session[0]} are cut off")
    assert report.summary()["findings"][0]["symbol"] == "A"


def test_the_budget_is_kept_and_said(write, panel):
    spec = write(f"time.sleep(0.02)\n        {CHANGE}return np.where(bars.tradable & (close > past), 1.0, np.nan)")
    report = checks.check(spec, bars=panel, budget_s=1.0, skip=("process", "orders", "repeat"))
    probe = report.probes[0]
    assert 0 < probe.done < probe.of == len(panel) - 1
    assert report.clean


def test_cuts_limit_the_bars_that_are_tried(panel):
    spec = RunSpec(strategy="GoldenCross", params=dict(fast=3, slow=8))
    report = checks.check(spec, bars=panel, cuts=7, skip=only("future"))
    assert [(probe.done, probe.of) for probe in report.probes] == [(7, 7)]


@pytest.mark.parametrize(("body", "said"), [
    ("return close[:, :1] / 0 + undefined", "NameError: name 'undefined' is not defined (line 14 of mine.py)"),
    ("return close[:-1]", "(359, 6): (bars, symbols) is (360, 6)"),
    ("return np.ones(bars.shape)", "reference symbol"),
])
def test_a_strategy_that_cannot_run(write, panel, body, said):
    with pytest.raises(UsageError) as caught:
        checks.check(write(body), bars=panel, budget_s=1, cuts=2, skip=("process",))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("body", ["raise RuntimeError('not today')", "self.nothing.here()"])
def test_a_plain_strategy_that_cannot_run(write, plain_panel, body):
    with pytest.raises(UsageError, match=r"line 7 of mine\.py"):
        checks.check(write(body, template=PLAIN), bars=plain_panel, budget_s=1, cuts=2, skip=("process",))


FORGETFUL = '''
from sizers import PortfolioSizer


class Remembers(PortfolioSizer):
    sizes = []

    def weights(self, conviction, history):
        self.sizes.append(1)
        return conviction * (0.1 if len(self.sizes) < 400 else 0.2)


class Peeks(PortfolioSizer):
    def weights(self, conviction, history):
        whole = history.raw_close.base
        return 0.1 * conviction * (whole[min(len(history), len(whole) - 1)] > history.last_close[-1])
'''


@pytest.mark.parametrize("name", ["Remembers", "Peeks"])
def test_a_users_sizer_is_checked_with_any_strategy(name, panel, tmp_path):
    (tmp_path / "sizes.py").write_text(FORGETFUL)
    spec = RunSpec(strategy="BuyAndHold" if name == "Peeks" else "GoldenCross", sizer=f"{tmp_path}/sizes.py:{name}",
                   params={} if name == "Peeks" else dict(fast=2, slow=3))
    report = checks.check(spec, bars=panel, budget_s=20, cuts=10, skip=only("orders"))
    assert {finding.kind for finding in report.findings} == {"orders"}


def test_requests_that_make_no_sense(panel):
    with pytest.raises(UnknownName, match="'futur': did you mean 'future'"):
        checks.check(RunSpec(), bars=panel, skip=("futur",))
    with pytest.raises(NoBars, match="2 bars are too few"):
        checks.check(RunSpec(), bars=panel.upto(1))
    with pytest.raises(UnknownName, match="'GoldnCross'"):
        checks.check(RunSpec(strategy="GoldnCross"))


def test_the_default_bars_hold_what_trips_a_strategy():
    whole, plain = market(target=True), market(target=False)
    assert whole.origin.synthetic and not whole.tradable[-1] and plain.tradable.all()
    for panel in (whole, plain):
        own = panel.traded[:, panel.tradable]
        assert (panel.split != 1).any() and (panel.dividend > 0).any() and (panel.raw_volume > 0).any()
        assert own[:, 0].sum() > 600 and not own[:40, 1].any() and own[41:, 1].mean() > 0.95
        gaps = [np.flatnonzero(~column)[-1] > np.argmax(column) for column in own[:550].T if not column.all()]
        assert any(gaps)
    assert not whole.traded[:300, 5].any() and not whole.traded[560:, 7].any()
