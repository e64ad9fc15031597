import math

import pytest

from core.errors import BadSpec, UnknownName
from core.options import Exits, Limits, read_group


def test_numbers_and_numbers_as_text_are_read():
    assert read_group(Limits, {"max_weight": "0.25", "max_positions": 4}) == Limits(max_weight=0.25, max_positions=4.0)
    assert read_group(Limits, {"max_weight": math.inf}) == Limits()
    assert read_group(Exits, {}) == Exits(0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(("kind", "name", "message"), [
    (Limits, "max_wieght", "unknown limit 'max_wieght': did you mean 'max_weight'?"),
    (Exits, "stopp", "unknown exit 'stopp': did you mean 'stop'?"),
])
def test_an_unknown_name_gets_a_suggestion(kind, name, message):
    with pytest.raises(UnknownName) as caught:
        read_group(kind, {name: 1})
    assert str(caught.value) == message


@pytest.mark.parametrize(("kind", "values", "message"), [
    (Limits, {"max_weight": -0.1}, "limits.max_weight is -0.1"),
    (Limits, {"cash_buffer": 1}, "limits.cash_buffer is 1"),
    (Limits, {"min_cash": "much"}, "limits.min_cash is 'much'"),
    (Limits, {"min_cash": True}, "limits.min_cash is True"),
    (Limits, {"min_cash": math.nan}, "limits.min_cash is nan"),
    (Exits, {"stop": 8}, "exits.stop is 8"),
    (Exits, {"trail": 1.0}, "exits.trail is 1"),
    (Exits, {"bars": None}, "exits.bars is None"),
])
def test_a_value_out_of_range_is_named(kind, values, message):
    with pytest.raises(BadSpec) as caught:
        read_group(kind, values)
    assert str(caught.value).startswith(message)
