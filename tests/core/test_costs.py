import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.costs import Commission, Slippage, parse_commission, parse_slippage
from core.errors import BadSpec


@pytest.mark.parametrize(("text", "expected"), [
    ("none", Commission()), ("0", Commission()), ("", Commission()), (0, Commission()),
    ("0.001", Commission(rate=0.001)), ("0.1%", Commission(rate=0.001)), ("10bp", Commission(rate=0.001)),
    (0.001, Commission(rate=0.001)), ("0.005/share", Commission(per_share=0.005)),
    ("0.005/share min 1", Commission(per_share=0.005, minimum=1.0)),
    ("0.005/share, min 1", Commission(per_share=0.005, minimum=1.0)),
    ("0.1% min 2", Commission(rate=0.001, minimum=2.0)),
])
def test_commission_is_read(text, expected):
    assert parse_commission(text) == pytest.approx(expected)


@pytest.mark.parametrize(("text", "expected"), [
    ("none", Slippage()), ("0.05%", Slippage(rate=0.0005)), ("5bp", Slippage(rate=0.0005)),
    ("0.01/share", Slippage(fixed=0.01)), (0.0005, Slippage(rate=0.0005)),
])
def test_slippage_is_read(text, expected):
    assert parse_slippage(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["free", "-1", "1%%", "nan", "inf", "0.005/shares", "1", "100%", "min 1", "0.1% min x"])
def test_a_commission_that_makes_no_sense_is_named(text):
    with pytest.raises(BadSpec, match="commission") as caught:
        parse_commission(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["free", "-0.1", "2", "nan/share"])
def test_a_slippage_that_makes_no_sense_is_named(text):
    with pytest.raises(BadSpec, match="slippage") as caught:
        parse_slippage(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(("commission", "shares", "price", "expected"), [
    (Commission(rate=0.001), 100, 50.0, 5.0),
    (Commission(rate=0.001), -100, 50.0, 5.0),
    (Commission(per_share=0.005, minimum=1.0), 100, 50.0, 1.0),
    (Commission(per_share=0.005, minimum=1.0), 1000, 50.0, 5.0),
    (Commission(per_share=0.005, minimum=1.0), 0, 50.0, 0.0),
])
def test_commission_of_a_fill_by_hand(commission, shares, price, expected):
    assert commission.of(shares, price) == pytest.approx(expected)


@given(st.floats(0, 0.5), st.floats(0, 1), st.floats(0, 10), st.floats(-1e6, 1e6), st.floats(0.01, 1e4))
def test_commission_is_never_negative_and_blind_to_the_side(rate, per_share, minimum, shares, price):
    commission = Commission(rate, per_share, minimum)
    assert commission.of(shares, price) == commission.of(-shares, price) >= (minimum if shares else 0)
