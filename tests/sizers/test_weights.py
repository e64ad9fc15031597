"""The rules of the simple sizers, by hand."""

import numpy as np
import pytest
from made_bars import bars, frame

import sizers
from core.errors import BadSpec, UnknownName
from sizers.window import usable, window_of

LONG, SHORT, OUT = 1.0, -1.0, 0.0


def weights(sizer, conviction, panel):
    return sizer.weights(np.array(conviction), panel).tolist()


def test_fixed_fraction():
    panel = bars(A=frame([1.0]), B=frame([1.0]), C=frame([1.0]))
    assert weights(sizers.FixedFraction(fraction=0.25), [3.0, OUT, -0.5], panel) == [0.25, 0, -0.25]


def test_by_confidence_from_low_to_high():
    panel = bars(A=frame([1.0]), B=frame([1.0]), C=frame([1.0]), D=frame([1.0]))
    found = weights(sizers.ByConfidence(), [2.0, 1.0, OUT, -0.5], panel)
    assert found == pytest.approx([0.3, 0.25, 0, -0.225])
    assert weights(sizers.ByConfidence(), [OUT] * 4, panel) == [0] * 4


def test_inverse_volatility_shares_in_proportion():
    calm, wild = [100, 101, 100, 101, 100], [100, 102, 100, 102, 100]
    panel = bars(A=frame(calm), B=frame(wild))
    first, second = (np.std(np.diff(each) / each[:-1], ddof=1) for each in (calm, wild))
    expected = [second / (first + second), -first / (first + second)]
    assert weights(sizers.InverseVolatility(lookback=4), [LONG, SHORT], panel) == pytest.approx(expected)


def test_inverse_volatility_gives_newcomers_and_the_motionless_the_equal_share():
    calm, wild = [100, 101, 100, 101, 100, 101], [100, 102, 100, 102, 100, 102]
    panel = bars(A=frame(calm), B=frame(wild), NEW=frame(calm[:2], start="2020-01-08"), FLAT=frame([5.0] * 6))
    found = weights(sizers.InverseVolatility(lookback=5), [LONG] * 4, panel)
    alone = weights(sizers.InverseVolatility(lookback=5), [LONG, LONG, OUT, OUT], panel)
    assert found == pytest.approx([alone[0] / 2, alone[1] / 2, 0.25, 0.25])


def test_atr_risk_is_value_times_risk_over_atr():
    rows = [(10, 11, 9, 10)] * 5  # a true range of 2 every day
    panel = bars(A=frame(rows), B=frame([(100, 101, 99, 100)] * 5), FLAT=frame([7.0] * 5))
    found = weights(sizers.AtrRisk(risk=0.01, period=3), [LONG, SHORT, LONG], panel)
    assert found == pytest.approx([0.01 * 10 / 2, -0.01 * 100 / 2, 0])


def test_atr_risk_is_in_currency_of_today_after_a_split():
    rows = [(10.0, 11, 9, 10)] * 3 + [(5.0, 5.5, 4.5, 5)] * 3
    split = bars(A=frame(rows, split=[1, 1, 1, 2, 1, 1]))
    plain = bars(A=frame([(10.0, 11, 9, 10)] * 6))
    sizer = sizers.AtrRisk(risk=0.01, period=3)
    assert weights(sizer, [LONG], split) == pytest.approx(weights(sizer, [LONG], plain))


def test_atr_risk_on_a_day_without_a_bar_takes_the_last_one_known():
    whole = frame([(10, 11, 9, 10)] * 6)
    panel = bars(A=whole, B=whole.iloc[:4])
    assert weights(sizers.AtrRisk(risk=0.01, period=3), [OUT, LONG], panel) == pytest.approx([0, 0.05])


def test_the_window_ends_at_the_decision_and_carries_closes_over_holes():
    whole = frame([1.0, 2.0, 4.0, 3.0, 5.0])
    panel = bars(A=whole, B=whole.drop(whole.index[3]), LATE=whole.iloc[3:])
    closes, known = usable(window_of(panel, np.array([0, 1, 2]), 3), 3)
    assert known.tolist() == [True, True, False]
    assert closes.T.tolist() == [[2, 4, 3, 5], [2, 4, 4, 5]]


@pytest.mark.parametrize("name, params, error, message", [
    ("FixedFraction", dict(fraction=0.0), BadSpec, "sizer.fraction is 0"),
    ("ByConfidence", dict(low=0.4), BadSpec, "sizer.low 0.4 and sizer.high 0.3 are no band"),
    ("AtrRisk", dict(risk=-1.0), BadSpec, "sizer.risk is -1"),
    ("InverseVolatility", dict(lookback=1), BadSpec, "sizer.lookback is 1"),
    ("MaxSharpe", dict(lookback=2.5), BadSpec, "sizer.lookback is 2.5"),
    ("SinglePeriod", dict(turnover=0.0), BadSpec, "sizer.turnover is 0"),
    ("SinglePeriod", dict(transaction_cost=-0.1), BadSpec, "sizer.transaction_cost is -0.1"),
    ("MultiPeriod", dict(horizon=0), BadSpec, "sizer.horizon is 0"),
    ("BlackLitterman", dict(tau=0.0), BadSpec, "sizer.tau is 0"),
    ("EqualWeight", dict(across="all"), UnknownName, "unknown value of sizer.across 'all'"),
    ("EqualWeight", dict(rounding="up"), UnknownName, "unknown value of sizer.rounding 'up'"),
])
def test_an_impossible_parameter_is_named(name, params, error, message):
    with pytest.raises(error) as caught:
        getattr(sizers, name)(**params)
    assert str(caught.value).startswith(message)
