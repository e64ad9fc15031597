"""Slippage from executions: a planted one is found, a few orders say nothing, one order in a jump does not decide."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.shadow_slippage import FEWEST, Filled, estimate, recalibrated, winsorised
from core.costs import parse_slippage, slippage_text


def orders(count, planted_bp, seed, noise_bp=8.0):
    """Values from a log-normal distribution, noise from Student's t as prices within a minute have it."""
    random = np.random.default_rng(seed)
    noise = random.standard_t(4, count) / np.sqrt(2) * noise_bp
    return [Filled(symbol, side, value, (planted_bp + each) / 1e4) for symbol, side, value, each in zip(
        random.choice(["AAA", "BBB"], count), random.choice(["buy", "sell"], count), random.lognormal(9, 0.5, count), noise, strict=True)]


@pytest.mark.parametrize("seed", range(12))
def test_five_planted_points_are_recovered_to_one(seed):
    found = estimate(orders(1500, 5.0, seed))
    assert abs(found.bp - 5.0) < 1.0 and found.low < found.bp < found.high and found.remark == ""
    assert abs(parse_slippage(found.text).rate * 1e4 - 5.0) < 1.0


def test_the_interval_holds_what_was_planted_about_as_often_as_it_says():
    held = [each.low < 5.0 < each.high for each in (estimate(orders(200, 5.0, seed)) for seed in range(200))]
    assert 0.90 <= np.mean(held) <= 0.99


def test_one_order_in_a_jump_does_not_decide():
    calm = orders(400, 5.0, 1)
    wild = [*calm, Filled("AAA", "buy", 1e4, 0.30)]
    assert abs(estimate(wild).bp - estimate(calm).bp) < 0.5
    plain = np.average([each.rate for each in wild], weights=[each.value for each in wild]) * 1e4
    assert plain - estimate(calm).bp > 3


@pytest.mark.parametrize("count", [0, 1, FEWEST - 1])
def test_too_few_orders_give_no_text(count):
    found = estimate(orders(count, 5.0, 3))
    assert found.text == "" and np.isnan(found.low) and found.orders == count
    assert (f"{count} orders are too few" if count else "no order") in found.remark


def test_no_slippage_or_a_gain_is_none():
    better = estimate([Filled("AAA", "buy", 1.0, -0.001)] * 30)
    assert (better.text, round(better.bp, 6)) == ("none", -10.0) and "not clearly above 0" in better.remark
    assert estimate([Filled("AAA", "buy", 1.0, 0.0)] * 30).text == "none"


def test_large_orders_count_more():
    found = estimate([Filled("AAA", "buy", 3.0, 0.0010)] * 20 + [Filled("AAA", "sell", 1.0, 0.0014)] * 20)
    assert found.bp == pytest.approx(11.0) and found.value == 80.0


def test_by_side_and_by_symbol():
    found = recalibrated(orders(300, 5.0, 4))
    assert found["by_side"].keys() == {"buy", "sell"} and found["by_symbol"].keys() == {"AAA", "BBB"}
    assert sum(each["orders"] for each in found["by_side"].values()) == sum(each["orders"] for each in found["by_symbol"].values()) == 300


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=40))
def test_cutting_off_keeps_the_order_and_the_median(rates):
    rates = np.array(rates)
    cut = winsorised(rates)
    assert np.median(cut) == pytest.approx(np.median(rates), abs=1e-12)
    assert (np.diff(cut[np.argsort(rates)]) >= 0).all() and (np.abs(cut) <= np.abs(rates).max() + 1e-12).all()


@pytest.mark.parametrize("rate, text", [(0.0005, "5bp"), (0.000512345, "5.12bp"), (0.0, "none"), (-0.01, "none"), (4e-7, "none"), (0.01, "100bp")])
def test_the_text_a_spec_takes(rate, text):
    assert slippage_text(rate) == text
    assert parse_slippage(text).rate == pytest.approx(max(round(rate, 6), 0.0), abs=1e-12)
