import math

import pytest

from core.errors import BadSpec, UnknownName
from core.options import PRESETS, Exits, Limits, read_group


def test_numbers_and_numbers_as_text_are_read():
    assert read_group(Limits, {"max_weight": "0.25", "max_positions": 4}) == Limits(max_weight=0.25, max_positions=4.0)
    assert read_group(Limits, {"max_weight": math.inf}) == Limits()
    assert read_group(Exits, {}) == Exits(0.0, 0.0, 0.0, 0.0)


def test_a_preset_stands_for_its_values_and_keys_beside_it_win():
    small = read_group(Limits, {"preset": "small-account"})
    assert small == Limits(max_position=300.0, max_weight=0.3, min_position=50.0, min_weight=0.05, min_cash=100.0,
                           max_positions=4.0, max_sector=0.4, sectors_required=0.0, max_correlation=0.8)
    assert read_group(Limits, {"preset": "small-account", "min_cash": "50"}) == small._replace(min_cash=50.0)
    stated = read_group(Limits, {"max_sector": 0.5, "preset": "small-account"})
    assert stated == small._replace(max_sector=0.5, sectors_required=1.0)


def test_an_unknown_preset_gets_a_suggestion():
    with pytest.raises(UnknownName, match="unknown limits.preset 'small-acount': did you mean 'small-account'"):
        read_group(Limits, {"preset": "small-acount"})


def test_every_preset_can_be_met():
    for name in PRESETS:
        assert read_group(Limits, {"preset": name}) != Limits()


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
    (Limits, {"max_weight": 0}, "limits.max_weight is 0: nothing could ever be held"),
    (Limits, {"max_positions": 0.5}, "limits.max_positions is 0.5: nothing could ever be held"),
    (Limits, {"min_position": 400, "max_position": 300}, "limits.min_position 400 is above limits.max_position 300"),
    (Limits, {"min_weight": 0.4, "max_weight": 0.3}, "limits.min_weight 0.4 is above limits.max_weight 0.3"),
    (Limits, {"min_weight": 0.6, "max_gross": 0.5}, "limits.min_weight 0.6 is above limits.max_gross 0.5"),
    (Limits, {"min_weight": 0.3, "max_sector": 0.2}, "limits.min_weight 0.3 is above limits.max_sector 0.2"),
    (Limits, {"min_position": 400, "preset": "small-account"}, "limits.min_position 400 is above limits.max_position 300"),
    (Limits, {"max_correlation": 80}, "limits.max_correlation is 80: a correlation is at most 1"),
    (Limits, {"correlation_bars": 2.5}, "limits.correlation_bars is 2.5"),
    (Limits, {"correlation_bars": math.inf}, "limits.correlation_bars is inf"),
    (Limits, {"sectors_required": 2}, "limits.sectors_required is 2"),
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
