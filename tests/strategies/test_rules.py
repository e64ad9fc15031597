"""Every daily strategy against a slow, obvious re-statement of its rule, on real and on made-up bars."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
import restated_rules as restated
from hypothesis import given, settings
from hypothesis import strategies as st
from made_bars import frame, walk
from pandas import DatetimeIndex

from core.bars import Bars
from core.calendars import get_calendar
from core.errors import BadSpec, UnknownName
from feeds import load_bars
from strategies import DualMomentum, EtfRotation, MeanReversion, Momentum

STOCKS = ("AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "PEP", "PFE", "PG", "RRC", "UNH",
          "WMT", "XOM")
FUNDS = ("MTUM", "QUAL", "SIZE", "USMV", "VLUE")
TRADED = ("AAPL", "GOOG", "IBM", "MSFT")


def params(strategy, **changes):
    """The parameters of a strategy as attributes, as Backtrader gives them."""
    return SimpleNamespace(**{**dict(strategy.params._getitems()), **changes})


def agree(decided, expected):
    """The same rows and symbols decided on, out and in alike, and convictions equal to 1e-9."""
    np.testing.assert_array_equal(np.isnan(decided), np.isnan(expected))
    np.testing.assert_array_equal(np.sign(decided), np.sign(expected))
    np.testing.assert_allclose(decided, expected, rtol=1e-9, atol=0)


@lru_cache(maxsize=4)
def sample(symbols, reference=()):
    return load_bars(source="sample", symbols=symbols, reference=reference)


RULES = [(Momentum, restated.momentum), (MeanReversion, restated.mean_reversion),
         (EtfRotation, restated.etf_rotation), (DualMomentum, restated.dual_momentum)]
REAL = [(STOCKS, ("^GSPC",)), (FUNDS, ("^GSPC",)), (TRADED, ("^SPX",))]


@pytest.mark.parametrize(("symbols", "reference"), REAL, ids=["stocks", "funds", "traded"])
@pytest.mark.parametrize(("strategy", "rule"), RULES, ids=[each.__name__ for each, _ in RULES])
def test_decisions_on_real_bars(strategy, rule, symbols, reference):
    panel = sample(symbols, reference)
    own = {DualMomentum: {"safe": symbols[-1], "bills": symbols[-2]}}.get(strategy, {})
    expected = rule(panel, params(strategy, **own))
    assert (expected > 0).sum() > 20 and (expected == 0).sum() > 20
    agree(strategy.signals(panel, params(strategy, **own)), expected)


def market(seed, start="2001-06-04", rows=150):
    """A ragged market on business days (holidays included, which are no sessions), two symbols that always tie, and
    an index with gaps that begins late."""
    random = np.random.default_rng(seed)
    frames = {f"S{at}": walk(rows, seed * 10 + at, start, drift=0.002 * (at - 1), risk=0.02) for at in range(4)}
    for at, name in enumerate(list(frames)[1:], 1):
        first, last = int(random.integers(0, rows // 3)), rows - int(random.integers(0, rows // 4)) * (at % 2)
        frames[name] = frames[name].iloc[first:last][random.random(last - first) > 0.1]
    frames["TWIN"] = frames["S1"]
    index = walk(rows, seed * 10 + 7, start, drift=float(random.choice([-0.001, 0.001])))
    frames["INDEX"] = index[random.random(rows) > 0.15].iloc[3:]
    return Bars.from_frames(frames, reference=("INDEX",))


STARTS = st.sampled_from(["2001-06-04", "2007-05-01", "2013-10-01", "2002-01-02"])  # closed weeks, Wednesdays, Good Fridays
DAYS = st.sampled_from([0, 1, 10, 20])


@settings(max_examples=30)
@given(seed=st.integers(0, 100_000), start=STARTS, top=st.sampled_from([0.2, 0.4, 0.5, 1.0]),
       band=st.sampled_from([0.0, 0.05, 0.3]), weekday=st.integers(0, 4), index_average=st.sampled_from([0, 10, 30]),
       begin=st.sampled_from([None, 0, 37, 80]), index=st.sampled_from(["", "INDEX", "S0"]))
def test_momentum_on_made_up_bars(seed, start, top, band, weekday, index_average, begin, index):
    panel = market(seed, start)
    begin = None if begin is None else panel.session[begin].item()
    p = params(Momentum, lookback=15, average=12, atr=5, top=top, band=band, weekday=weekday, index=index,
               index_average=index_average, signal_start=begin and begin.isoformat())
    agree(Momentum.signals(panel, p), restated.momentum(panel, p, begin))


@settings(max_examples=30)
@given(seed=st.integers(0, 100_000), start=STARTS, weekday=st.integers(0, 4), entry=st.sampled_from([0.5, 1.0, 2.0]),
       exit_=st.sampled_from([-0.5, 0.0, 0.3]), period=st.sampled_from([4, 10, 30]))
def test_mean_reversion_on_made_up_bars(seed, start, weekday, entry, exit_, period):
    panel = market(seed, start)
    p = params(MeanReversion, period=period, entry=entry, exit=exit_, weekday=weekday)
    agree(MeanReversion.signals(panel, p), restated.mean_reversion(panel, p))


@settings(max_examples=30)
@given(seed=st.integers(0, 100_000), start=STARTS, lookback=st.integers(1, 40), top=st.integers(1, 6), day=DAYS)
def test_etf_rotation_on_made_up_bars(seed, start, lookback, top, day):
    panel = market(seed, start)
    p = params(EtfRotation, lookback=lookback, top=top, day=day)
    agree(EtfRotation.signals(panel, p), restated.etf_rotation(panel, p))


@settings(max_examples=30)
@given(seed=st.integers(0, 100_000), start=STARTS, lookback=st.integers(1, 40), top=st.integers(1, 4),
       safe=st.sampled_from(["S3", "AGG", "INDEX"]), bills=st.sampled_from(["S2", "BIL", "INDEX"]), day=DAYS)
def test_dual_momentum_on_made_up_bars(seed, start, lookback, top, safe, bills, day):
    panel = market(seed, start)
    p = params(DualMomentum, lookback=lookback, top=top, safe=safe, bills=bills, day=day)
    agree(DualMomentum.signals(panel, p), restated.dual_momentum(panel, p))


def decided_on(decided, panel):
    """The exchange dates with a decision."""
    return set(panel.session[~np.isnan(decided).all(axis=1)].astype(str))


def whole_market(start, end, **drifts):
    """Symbols that trade on every session of the exchange; name=drift a day."""
    sessions = get_calendar("XNYS").between(start, end)
    made = drifts or {"A": 0.004, "B": 0.002}
    return Bars.from_frames({name: walk(len(sessions), 3 + at, drift=drift, risk=0.004).set_axis(DatetimeIndex(sessions))
                             for at, (name, drift) in enumerate(made.items())})


QUICK = dict(lookback=10, average=8, atr=5, index_average=0, top=1.0)


@pytest.mark.parametrize(("start", "end", "updated", "passed_over"), [
    ("2013-11-01", "2014-01-10", {"2013-12-18", "2013-12-26", "2014-01-02", "2014-01-08"},
     {"2013-12-25", "2013-12-24", "2013-12-27", "2014-01-01", "2014-01-03"}),  # Christmas and New Year on Wednesdays
    ("2007-06-01", "2007-07-20", {"2007-07-05", "2007-07-11"}, {"2007-07-03", "2007-07-06"}),  # Independence Day
    ("2001-08-01", "2001-10-01", {"2001-09-05", "2001-09-19"}, {"2001-09-10", "2001-09-17", "2001-09-18"}),  # no session
])
def test_momentum_moves_on_after_a_holiday_but_never_into_the_next_week(start, end, updated, passed_over):
    panel = whole_market(start, end)
    dates = decided_on(Momentum.signals(panel, params(Momentum, **QUICK)), panel)
    assert updated <= dates and not passed_over & dates


def test_only_the_second_wednesday_resizes_what_stays_within_its_band():
    panel = whole_market("2007-03-01", "2007-08-31", A=0.004)
    decided = Momentum.signals(panel, params(Momentum, **QUICK, band=100.0))[:, 0]
    dates = panel.session[decided > 0].astype(str).tolist()
    assert dates[1:] == ["2007-04-11", "2007-05-09", "2007-06-13", "2007-07-11", "2007-08-08"]


@pytest.mark.parametrize(("start", "end", "month_end"), [
    ("2002-01-02", "2002-04-19", "2002-03-28"), ("2013-01-02", "2013-04-12", "2013-03-28"),  # Good Friday
    ("2008-09-02", "2008-12-12", "2008-11-28"),  # a shortened Friday
])
@pytest.mark.parametrize("strategy", [EtfRotation, DualMomentum])
def test_monthly_strategies_decide_on_the_last_session_of_the_month(strategy, start, end, month_end):
    panel = whole_market(start, end)
    dates = decided_on(strategy.signals(panel, params(strategy, lookback=5)), panel)
    month = {date for date in dates if date[:7] == month_end[:7]}
    assert month == {month_end} and not {date for date in dates if date[:7] == end[:7]}


def test_a_symbol_without_a_bar_on_the_last_session_waits_a_month():
    whole = whole_market("2013-01-02", "2013-05-01")
    series = [whole.series("A"), whole.series("B").rows(whole.session != np.datetime64("2013-03-28"))]
    decided = EtfRotation.signals(Bars.of(series), params(EtfRotation, lookback=5))
    assert [str(date) for date in whole.session[~np.isnan(decided[:, 1])]] == ["2013-01-31", "2013-02-28", "2013-04-30"]


def test_a_stale_or_missing_index_lets_nothing_new_in_and_what_is_held_stay():
    panel = whole_market("2007-03-01", "2007-08-31", A=0.004, I=0.004)
    late = panel.session >= np.datetime64("2007-06-01")
    for end, entries in (("2007-05-31", True), ("2007-02-28", False)):
        index = panel.series("I").rows(panel.session <= np.datetime64(end)) if entries else panel.series("I").rows(slice(0, 1))
        both = Bars.of([panel.series("A"), index], reference=("I",))
        decided = Momentum.signals(both, params(Momentum, **{**QUICK, "index_average": 5}))
        assert (decided[late, 0] > 0).any() == entries  # held ones are still resized
        late_start = params(Momentum, **{**QUICK, "index_average": 5}, signal_start="2007-06-01")
        assert not (Momentum.signals(both, late_start) > 0).any()


def test_momentum_depends_on_where_its_decisions_begin():
    panel = sample(STOCKS, ("^GSPC",)).between("2006-01-03", "2010-12-31")
    whole, late = (Momentum.signals(panel, params(Momentum, signal_start=start)) for start in (None, "2008-01-10"))
    rows = panel.session >= np.datetime64("2008-01-10")
    assert np.isnan(late[~rows]).all()
    assert not np.array_equal(whole[rows], late[rows], equal_nan=True)
    assert Momentum.path_dependent and (whole[rows] > 0).sum() > (late[rows] > 0).sum() > 0


def test_momentum_says_that_it_needs_an_index():
    panel = whole_market("2007-03-01", "2007-08-31")
    with pytest.raises(BadSpec, match=r"no.*--reference \^GSPC, or switch the filter off with -p index_average=0"):
        Momentum.signals(panel, params(Momentum))
    with pytest.raises(UnknownName, match="unknown symbol '\\^GSPK'"):
        Momentum.signals(panel, params(Momentum, index="^GSPK"))
    assert Momentum.signals(panel, params(Momentum, index_average=0)).shape == panel.shape


@pytest.mark.parametrize(("strategy", "wrong", "message"), [
    (Momentum, dict(top=0.0), "top=0.0 is not a part"),
    (Momentum, dict(top=20), "top=20 is not a part of the symbols: write 0.2"),
    (Momentum, dict(weekday=5), "weekday=5 is no trading day"),
    (MeanReversion, dict(weekday=-1), "weekday=-1 is no trading day"),
    (MeanReversion, dict(entry=1.0, exit=1.0), "entry=1.0 and exit=1.0"),
    (MeanReversion, dict(entry=0.0, exit=-1.0), "entry=0.0 and exit=-1.0"),
    (MeanReversion, dict(period=1), "period=1 is too short"),
    (EtfRotation, dict(top=0), "top=0 holds nothing"),
    (DualMomentum, dict(top=-1), "top=-1 holds nothing"),
    (EtfRotation, dict(day=31), "day=31 lies in no month: it is the number of sessions before the last one, from 0 to 30"),
    (DualMomentum, dict(day=-1), "day=-1 lies in no month"),
])
def test_impossible_parameters_are_explained(strategy, wrong, message):
    with pytest.raises(BadSpec, match=message):
        strategy.check(params(strategy, **wrong))


@pytest.mark.parametrize(("strategy", "name"), [(Momentum, "lookback"), (Momentum, "average"), (Momentum, "atr"),
                                                (EtfRotation, "lookback"), (DualMomentum, "lookback")])
@pytest.mark.parametrize("value", [0, -5])
def test_windows_without_a_bar_are_explained(strategy, name, value):
    p = params(strategy, **{"index_average": 0, name: value})
    with pytest.raises(BadSpec, match=str(value)):
        strategy.check(p)
        strategy.signals(whole_market("2007-03-01", "2007-08-31"), p)


@pytest.mark.parametrize("strategy", [each for each, _ in RULES])
def test_features_are_panels_of_the_numbers_behind_the_decisions(strategy):
    panel = sample(FUNDS, ("^GSPC",))
    shown = strategy.features(panel, params(strategy))
    assert shown and all(each.shape == panel.shape for each in shown.values())
    decided = strategy.signals(panel, params(strategy)) > 0
    assert decided.any() and all(np.isfinite(each[decided]).all() for each in shown.values())


def flat(start, end, level=100.0):
    sessions = get_calendar("XNYS").between(start, end)
    return frame(np.full(len(sessions), level)).set_axis(DatetimeIndex(sessions))


def test_what_does_not_move_has_no_upward_momentum():
    panel = Bars.from_frames({"A": flat("2007-03-01", "2007-08-31")})
    decided = Momentum.signals(panel, params(Momentum, **QUICK))[:, 0]
    assert (decided[~np.isnan(decided)] == 0).all() and not np.isnan(decided).all()


def test_an_index_exactly_at_its_average_is_not_above_it():
    rising = whole_market("2007-03-01", "2007-08-31", A=0.004).series("A")
    level = Bars.from_frames({"I": flat("2007-03-01", "2007-08-31")}).series("I")
    both = Bars.of([rising, level], reference=("I",))
    assert not (Momentum.signals(both, params(Momentum, **{**QUICK, "index_average": 5})) > 0).any()


def test_a_price_exactly_at_its_average_has_not_fallen_below_it():
    panel = whole_market("2007-03-01", "2007-08-31", A=0.004)
    decided = Momentum.signals(panel, params(Momentum, **{**QUICK, "average": 1}))[:, 0]  # the average is the close
    assert (decided > 0).sum() > 10


def test_an_asset_class_that_only_equals_bills_does_not_beat_them():
    made = flat("2007-01-03", "2007-03-30")
    panel = Bars.from_frames({"SPY": made, "BIL": made, "AGG": made})
    last = DualMomentum.signals(panel, params(DualMomentum, lookback=5))[-1]
    assert last.tolist() == [0.0, 0.0, 1.0]
    alone = DualMomentum.signals(panel.select(["SPY", "AGG"]), params(DualMomentum, lookback=5))[-1]
    assert alone.tolist() == [0.0, 1.0]  # no bills: it must be above 0
