"""From a spec to a result: accounting identities, warnings, plain strategies, user files, bad input."""

import backtrader as bt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import bars, frame, ragged, walk

import engine
from core.bars import Bars
from core.errors import BadSpec, NoBars, UnknownName, UsageError
from core.spec import RunSpec
from engine import resolve

PLAIN = '''
import backtrader as bt

class Dip(bt.Strategy):
    """Buys ten shares below the average, sells above it."""

    params = dict(period=10)

    def __init__(self):
        self.average = bt.ind.SMA(period=self.p.period)

    def next(self):
        if not self.position and self.data.close[0] < self.average[0]:
            self.buy(size=10)
        elif self.position and self.data.close[0] > self.average[0]:
            self.close()
'''


def market_with_actions(seed: int) -> Bars:
    """Ragged symbols with a split and dividends."""
    random = np.random.default_rng(seed)
    frames = {}
    for name, made in ragged(150, 3, seed).items():
        made = made.assign(split=1.0, dividend=0.0)
        if len(made) > 40:
            at = int(random.integers(10, len(made) - 1))
            made.iloc[at, made.columns.get_loc("split")] = 2.0
            made.iloc[at:, :4] /= 2.0
            made.iloc[at - 5, made.columns.get_loc("dividend")] = 0.5
        frames[name] = made
    return Bars.from_frames(frames)


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), fractional=st.booleans(), commission=st.sampled_from(["none", "0.1%", "0.01/share min 1"]),
       stop=st.sampled_from([0.0, 0.03]), cap=st.sampled_from([None, 0.0005]))
def test_cash_and_positions_add_up_to_equity_on_every_bar(seed, fractional, commission, stop, cap):
    panel = market_with_actions(seed)
    spec = RunSpec(params=dict(fast=3, slow=10), commission=commission, slippage="5bp", fractional=fractional,
                   exits=dict(stop=stop), max_volume=cap, cash=20_000)
    result = engine.run(spec, bars=panel)
    worth = np.where(result.positions == 0, 0, result.positions * panel.last_close).sum(axis=1)
    np.testing.assert_allclose(result.cash + worth, result.equity, rtol=1e-9)
    outcome = sum(trade.pnl + trade.dividends for trade in result.trades)
    assert outcome == pytest.approx(result.final_value - spec.cash, abs=1e-6 * spec.cash)
    moved = -sum(fill.size * fill.price + fill.commission for fill in result.fills)
    booked = sum(event.amount for event in result.cash_events)
    assert spec.cash + moved + booked == pytest.approx(result.cash[-1], abs=1e-6 * spec.cash)
    assert result.cash.min() >= -1e-6


@given(seed=st.integers(0, 1_000))
@settings(max_examples=10)
def test_the_same_spec_gives_the_same_result(seed):
    panel = market_with_actions(seed)
    first, second = (engine.run(RunSpec(params=dict(fast=3, slow=10)), bars=panel) for _ in range(2))
    assert first.fills == second.fills and first.trades == second.trades
    np.testing.assert_array_equal(first.equity, second.equity)


def test_the_result_says_what_a_reader_must_know():
    closes = frame([100.0] * 20)
    closes = closes.drop(columns=["open", "high", "low"])
    result = engine.run(RunSpec(params=dict(fast=2, slow=5)), bars=bars(A=closes))
    assert any("close-only" in warning for warning in result.warnings)
    assert any("no order was placed in 20 bars" in warning for warning in result.warnings)
    assert result.spec.symbols == ("A",) and result.strategy_source and result.timings["total"] > 0


def test_too_little_history_is_an_error():
    with pytest.raises(NoBars, match="GoldenCross needs 201 bars before it can decide, and the longest series has 20"):
        engine.run(RunSpec(), bars=bars(A=frame([100.0] * 20)))


def test_a_refused_order_is_in_the_result_and_its_warnings():
    gap = frame([[10, 10, 10, 10], [9, 9, 9, 9], [10, 20, 10, 20], [40, 40, 40, 40], [41, 41, 41, 41]])
    result = engine.run(RunSpec(params=dict(fast=1, slow=2), cash=1_000), bars=bars(A=gap))
    assert [(order.status, order.reason) for order in result.rejected] == [
        ("Margin", "needs 1,960.00 at 40, 1,000.00 is at hand")]
    assert "1 of 1 orders were refused; the first: A, needs 1,960.00" in result.warnings[0]
    assert result.summary()["rejected"] == 1


def test_a_plain_strategy_from_a_file_runs_at_adjusted_prices(tmp_path):
    path = tmp_path / "dip.py"
    path.write_text(PLAIN)
    made = walk(200).assign(split=1.0)
    made.iloc[100:, :4] /= 2
    made.iloc[100, made.columns.get_loc("split")] = 2.0
    for name in (f"{path}:Dip", str(path)):
        result = engine.run(RunSpec(strategy=name, params=dict(period=5)), bars=bars(A=made))
        assert len(result.trades) > 5 and result.bars.split.max() == 1.0
    raw = engine.run(RunSpec(strategy=f"{path}:Dip", prices="raw"), bars=bars(A=made))
    assert raw.bars.split.max() == 2.0
    worth = raw.positions[:, 0] * raw.bars.raw_close[:, 0]
    np.testing.assert_allclose(raw.cash + worth, raw.equity)


def test_a_users_target_strategy_and_sizer_from_a_file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text('''
import numpy as np
from sizers import PortfolioSizer
from strategies import TargetStrategy

class Always(TargetStrategy):
    @classmethod
    def signals(cls, bars, p):
        return np.where(np.arange(len(bars))[:, None] == 0, 1.0, np.nan) * np.ones(bars.shape)

class Tenth(PortfolioSizer):
    def weights(self, conviction, history):
        return 0.1 * np.sign(conviction)
''')
    result = engine.run(RunSpec(strategy=f"{path}:Always", sizer=f"{path}:Tenth", cash=1_000), bars=bars(A=frame([10.0] * 4)))
    assert result.positions[-1].tolist() == [10]


@pytest.mark.parametrize("name, text, message", [
    ("no_such.py:Thing", None, "there is no file"),
    ("broken.py:Thing", "import nothing_of_this_name", r"broken.py does not import: ModuleNotFoundError.*line 1"),
    ("broken.py:Thing", "def f(:", "broken.py does not import: SyntaxError"),
    ("empty.py", "x = 1", "holds 0 strategy classes"),
    ("two.py", PLAIN + "\nclass Dop(Dip): pass\n", r"holds 2 strategy classes \(Dip, Dop\)"),
    ("two.py:Dap", PLAIN, "did you mean 'Dip'"),
    ("nowhere.module:Thing", None, "cannot import nowhere.module"),
    ("GoldenCros", None, "did you mean 'GoldenCross'"),
])
def test_a_strategy_that_cannot_be_found_is_explained(name, text, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if text:
        (tmp_path / name.split(":")[0]).write_text(text)
    with pytest.raises(UsageError, match=message):
        resolve.strategy_class(name)


@pytest.mark.parametrize("name", ["GoldenCross", "golden_cross", "golden-cross", "GOLDENCROSS"])
def test_names_are_forgiving_about_case_and_underscores(name):
    assert resolve.strategy_class(name).__name__ == "GoldenCross"


@pytest.mark.parametrize("spec, error, message", [
    (dict(params=dict(fats=3)), UnknownName, "did you mean 'fast'"),
    (dict(params=dict(fast="x")), BadSpec, "fast=x is not a number"),
    (dict(params=dict(fast=2.5)), BadSpec, "fast=2.5 is not a whole number"),
    (dict(params=dict(fast=200)), BadSpec, "fast=200 is not below slow=200"),
    (dict(params=dict(exits=1)), UnknownName, "'exits'"),
    (dict(sizer="EqualWeigth"), UnknownName, "did you mean 'EqualWeight'"),
    (dict(sizer_params=dict(acros=1)), UnknownName, "did you mean 'across'"),
    (dict(sizer="backtrader.sizers:FixedSize", limits=dict(min_cash=1)), BadSpec, "limits and sleeves need a portfolio sizer"),
    (dict(strategy="backtrader:Strategy"), UnknownName, "Strategy"),
    (dict(benchmark="XYZ"), UnknownName, "XYZ"),
])
def test_bad_specs_are_explained(spec, error, message):
    with pytest.raises(error, match=message):
        engine.run(RunSpec(**spec), bars=bars(A=walk(30)))


def test_plain_strategies_take_neither_exits_nor_limits(tmp_path):
    (tmp_path / "dip.py").write_text(PLAIN)
    name = f"{tmp_path / 'dip.py'}:Dip"
    for given_, message in ((dict(exits=dict(stop=0.1)), "exits needs a target strategy"),
                            (dict(limits=dict(min_cash=1)), "need a sizer")):
        with pytest.raises(BadSpec, match=message):
            engine.run(RunSpec(strategy=name, **given_), bars=bars(A=walk(30)))


def test_build_takes_a_broker_of_your_own_and_nothing_else():
    panel = bars(A=walk(30))
    own = bt.brokers.BackBroker(cash=5.0)
    assert engine.build(RunSpec(params=dict(fast=2, slow=3)), broker=own, bars=panel).broker is own
    with pytest.raises(UnknownName, match="somewhere"):
        engine.build(RunSpec(), broker="somewhere", bars=panel)


def test_build_alone_loads_the_bars_of_the_spec():
    cerebro = engine.build(RunSpec(symbols=("FB", "GOOG"), reference=("^SPX",), start="2012-06-01"))
    strategy = cerebro.run()[0]
    assert [data._name for data in strategy.datas] == ["FB", "GOOG", "^SPX"]
    assert len(strategy) > 100 and not strategy.datas[2].tradable


def test_a_plain_strategy_that_waits_for_a_late_symbol_is_told():
    panel = bars(AAA=walk(60, 1), ZZZ=walk(60, 2).iloc[30:])
    made = engine.run(RunSpec(strategy="plain_sellers:Seller", prices="raw"), bars=panel)
    first = panel.session[30]
    assert f"plain_sellers:Seller has its first turn on {first}, with the first bar of ZZZ" in " ".join(made.warnings)
    assert min(order.time for order in made.orders) >= panel.index[30]
    assert "first turn" not in " ".join(engine.run(RunSpec(strategy="BuyAndHold"), bars=panel).warnings)
