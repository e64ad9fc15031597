"""Portfolio sizers inside Cerebro, with plain strategies, and on their own."""

import backtrader as bt
import numpy as np
import pytest
from made_bars import bars, frame

import sizers
from brokers import SimulatedBroker
from core.bars import Bars
from core.errors import BadSpec, UnknownName
from core.options import Limits, read_group
from feeds.cerebro_feed import BarsData


@pytest.mark.parametrize("across, expected", [("universe", [1 / 3, 0, -1 / 3]), ("chosen", [0.5, 0, -0.5])])
def test_equal_weight(across, expected):
    panel = bars(A=frame([1.0]), B=frame([1.0]), C=frame([1.0]))
    weights = sizers.EqualWeight(across=across).weights(np.array([2.0, 0.0, -1.0]), panel)
    assert weights.tolist() == pytest.approx(expected)


def test_equal_weight_does_not_count_reference_symbols():
    panel = bars(A=frame([1.0]), I=frame([1.0]))
    object.__setattr__(panel, "tradable", np.array([True, False]))
    assert sizers.EqualWeight().weights(np.array([1.0, 0.0]), panel).tolist() == [1.0, 0.0]


def test_an_unknown_way_to_share_is_refused():
    with pytest.raises(UnknownName, match="everyone"):
        sizers.EqualWeight(across="everyone").weights(np.ones(1), bars(A=frame([1.0])))


class Plain(bt.Strategy):
    """Buys A on bar 1 and B on bar 2, sells A on bar 4, without ever saying how many."""

    def next(self):
        a, b = self.datas
        {1: lambda: self.buy(a), 2: lambda: self.buy(b), 4: lambda: self.sell(a)}.get(len(self), lambda: None)()


@pytest.mark.parametrize("preload", [True, False])
def test_a_plain_strategy_may_use_a_portfolio_sizer(preload):
    cerebro = bt.Cerebro(stdstats=False, preload=preload)
    for name in "AB":
        cerebro.adddata(BarsData(dataname=frame([10.0] * 6)), name=name)
    cerebro.addstrategy(Plain)
    cerebro.addsizer(sizers.EqualWeight, limits=Limits(cash_buffer=0.0))
    cerebro.broker.setcash(1_000.0)
    strategy = cerebro.run()[0]
    assert [strategy.getposition(data).size for data in strategy.datas] == [0, 50]


def sectored(**sectors):
    return Bars.from_frames({name: frame([10.0] * 3) for name in sectors}, sectors=sectors)


def everything(sizer, panel, value=1_000.0):
    count = len(panel.symbols)
    return sizer.target_shares(conviction=np.ones(count), decided=np.ones(count, bool), history=panel,
                               held=np.zeros(count), value=value, cash=value).tolist()


def test_a_sector_is_capped():
    sizer = sizers.EqualWeight(limits=Limits(max_sector=0.4, cash_buffer=0.0))
    assert everything(sizer, sectored(A="Energy", B="Energy", C="Utilities")) == [33, 6, 33]


def test_a_hole_in_the_sectors_is_an_error_when_the_cap_was_asked_for():
    sizer = sizers.EqualWeight(limits=Limits(max_sector=0.4))
    with pytest.raises(BadSpec) as caught:
        everything(sizer, sectored(A="Energy", B="", C=""))
    assert str(caught.value) == ("limits.max_sector is 0.4 and no sector is known for B, C: name a sector for B in the "
                                 "sector map (--sectors FILE) or drop limits.max_sector")


def test_with_a_preset_unknown_sectors_are_uncapped_and_noted_once():
    sizer = sizers.EqualWeight(limits=read_group(Limits, {"preset": "small-account", "max_correlation": 1}))
    panel = sectored(A="Energy", B="Energy", C="", D="")
    assert everything(sizer, panel) == everything(sizer, panel) == [25, 15, 25, 23]
    assert [note.text for note in sizer.notes] == [
        "2 symbols have no sector and no sector limit: name them in the sector map"]


def test_of_correlated_symbols_the_strongest_gets_the_weight():
    move = 10 + np.sin(np.arange(30))
    panel = bars(A=frame(move), B=frame(2 * move), C=frame(10 + np.cos(np.arange(30) * 2)))
    sizer = sizers.EqualWeight(limits=Limits(max_correlation=0.8, correlation_bars=20, cash_buffer=0.0), across="chosen")
    shares = sizer.target_shares(conviction=np.array([1.0, 2.0, 1.0]), decided=np.ones(3, bool), history=panel,
                                 held=np.zeros(3), value=1_000.0, cash=1_000.0)
    assert shares[0] == 0 and shares[1] > 0 and shares[2] > 0


def test_a_symbol_without_a_price_takes_no_budget():
    whole = frame([10.0] * 5)
    panel = bars(A=whole, NEW=whole.iloc[3:]).upto(1)
    assert everything(sizers.FixedFraction(fraction=0.9, limits=Limits(cash_buffer=0.0)), panel) == [90, 0]
    late = sizers.FixedFraction(fraction=0.9, limits=Limits(cash_buffer=0.0, max_positions=1))
    shares = late.target_shares(conviction=np.array([1.0, 2.0]), decided=np.ones(2, bool), history=panel,
                                held=np.zeros(2), value=1_000.0, cash=1_000.0)
    assert shares.tolist() == [90, 0]


def test_seconds_add_up():
    sizer, panel = sizers.EqualWeight(), sectored(A="", B="")
    everything(sizer, panel)
    first = sizer.seconds
    everything(sizer, panel)
    assert sizer.seconds > first > 0


def test_a_sizer_of_ones_own_states_one_method():
    class Half(sizers.PortfolioSizer):
        def weights(self, conviction, history):
            return 0.5 * np.sign(conviction)

    assert everything(Half(limits=Limits(cash_buffer=0.0)), sectored(A="", B="")) == [50, 50]
    with pytest.raises(BadSpec, match="PortfolioSizer has no weights method"):
        everything(sizers.PortfolioSizer(), sectored(A=""))


@pytest.mark.parametrize(("limits", "bought"), [
    (Limits(cash_buffer=0.0), [30, 30, 30]),
    (Limits(max_positions=1), [30, 0, 0]),
    (Limits(max_gross=0.5, cash_buffer=0.0), [30, 20, 0]),
    (Limits(min_cash=600.0, cash_buffer=0.0), [30, 10, 0]),
])
def test_limits_hold_for_all_orders_of_a_plain_strategy_on_one_bar(limits, bought):
    class Eager(bt.Strategy):
        def next(self):
            if len(self) == 2:
                for data in (*self.datas, *self.datas):
                    self.buy(data)

    panel = bars(**{name: frame([10.0] * 4) for name in "ABC"})
    cerebro = bt.Cerebro(stdstats=False)
    cerebro.setbroker(SimulatedBroker(cash=1_000.0))
    for symbol in panel.symbols:
        cerebro.adddata(BarsData(dataname=panel, symbol=symbol))
    cerebro.addstrategy(Eager)
    cerebro.addsizer(sizers.FixedFraction, fraction=0.3, limits=limits)
    (strategy,) = cerebro.run()
    assert [strategy.getposition(data).size for data in strategy.datas] == bought
