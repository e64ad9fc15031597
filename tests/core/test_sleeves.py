"""Sleeves by hand: how they are written, who belongs where, what is refused."""

import numpy as np
import pytest

from core.errors import BadSpec
from core.sleeves import Sleeve, Sleeves
from core.spec import RunSpec


@pytest.mark.parametrize("values", [
    {"etfs": "0.5: SPY, QQQ", "rest": "0.5"},
    {"etfs": "0.5:SPY,QQQ", "rest": 0.5},
    {"etfs": {"share": 0.5, "symbols": ["SPY", "QQQ"]}, "rest": {"share": "0.5"}},
    {"etfs": {"share": 0.5, "symbols": "SPY, QQQ"}, "rest": "0.5:"},
])
def test_every_way_to_write_them_means_the_same(values):
    assert Sleeves.read(values).parts == (Sleeve("etfs", 0.5, ("SPY", "QQQ")), Sleeve("rest", 0.5))


def test_no_sleeves_are_false():
    assert not Sleeves.read({}) and Sleeves.read({"all": "1"})


def test_symbols_are_assigned_and_the_rest_takes_what_is_left():
    names, codes, shares = Sleeves.read({"etfs": "0.4: SPY,QQQ", "rest": "0.6"}).assign(("A", "SPY", "B", "QQQ"))
    assert names == ("etfs", "rest") and codes.tolist() == [1, 0, 1, 0] and shares.tolist() == [0.4, 0.6]


def test_without_a_rest_other_symbols_belong_nowhere():
    _, codes, shares = Sleeves.read({"etfs": "0.4: SPY"}).assign(("A", "SPY"))
    assert codes.tolist() == [-1, 0] and shares.tolist() == [0.4]


@pytest.mark.parametrize(("symbols", "shares"), [
    (("SPY", "A"), [0.2, 0.0, 0.6]), (("A", "B"), [0.0, 0.0, 0.9]), (("SPY", "GLD"), [0.6, 0.3, 0.0]),
    (("SPY", "GLD", "A"), [0.2, 0.1, 0.6]),
])
def test_the_share_of_an_empty_sleeve_goes_to_the_others_by_habit(symbols, shares):
    found = Sleeves.read({"etfs": "0.2: SPY", "gold": "0.1: GLD", "rest": "0.6"}, flexible=True).assign(symbols)[2]
    assert found.sum() == pytest.approx(0.9)
    assert found == pytest.approx(np.array(shares) * 0.9 / sum(shares))


def test_a_habit_that_fits_nothing_gives_nothing():
    _, codes, shares = Sleeves.read({"etfs": "0.5: SPY"}, flexible=True).assign(("A",))
    assert codes.tolist() == [-1] and shares.tolist() == [0.0]


def test_what_was_assigned_cannot_be_changed():
    sleeves = Sleeves.read({"all": "1"})
    with pytest.raises(ValueError, match="read-only"):
        sleeves.assign(("A",))[2][0] = 0.5
    assert sleeves.assign(("A",))[2].tolist() == [1.0]


@pytest.mark.parametrize(("values", "message"), [
    ({"a": "0.6: X", "b": "0.5: Y"}, "the shares of the sleeves sum to 1.1: they are parts"),
    ({"a": "0.5", "b": "0.4"}, "sleeves a, b name no symbols: only one"),
    ({"a": "0.5: X,Y", "b": "0.4: Y"}, "symbol Y is named twice"),
    ({"a": "0.5: X,X"}, "symbol X is named twice"),
    ({"a": "half: X"}, "sleeve a is 'half: X': write its share"),
    ({"a": "0: X"}, "sleeve a is '0: X'"), ({"a": "-0.5: X"}, "'-0.5: X'"), ({"a": "50: X"}, "'50: X'"),
    ({"a": "nan: X"}, "'nan: X'"), ({"a": ""}, "sleeve a is ''"), ({"a": None}, "sleeve a is None"),
    ({"a": {"symbols": "X"}}, "it has a share, and may have symbols"),
    ({"a": {"share": 0.5, "symbol": "X"}}, "it has a share, and may have symbols"),
])
def test_impossible_sleeves_are_explained(values, message):
    with pytest.raises(BadSpec, match=message):
        Sleeves.read(values)
    with pytest.raises(BadSpec, match=message):
        RunSpec(sleeves=values)


@pytest.mark.parametrize(("values", "symbols", "message"), [
    ({"a": "0.5: X,Z", "rest": "0.5"}, ("A", "B"), "sleeve a is empty: none of X, Z is in the universe"),
    ({"a": "0.5: X,Y", "rest": "0.5"}, ("X", "Y"), "sleeve rest is empty: nothing is left of in the universe"),
])
def test_a_wish_that_fits_nothing_is_an_error(values, symbols, message):
    with pytest.raises(BadSpec, match=message):
        Sleeves.read(values).assign(symbols)
