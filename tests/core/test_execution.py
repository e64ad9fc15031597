"""Execution: the text of a spec and the arguments of an order say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadSpec, UnknownName
from core.execution import Execution


@pytest.mark.parametrize(("text", "meant"), [
    ("twap:30", Execution("twap", minutes=30)),
    ("vwap:30", Execution("vwap", minutes=30)),
    ("vwap:45:10", Execution("vwap", minutes=45, sessions=10)),
    ("participation:0.1", Execution("participation", rate=0.1)),
    ("participation:0.1:60", Execution("participation", rate=0.1, minutes=60)),
    ("participation:0.1:60:complete", Execution("participation", rate=0.1, minutes=60, complete=True)),
])
def test_a_text_names_an_algorithm_and_its_numbers(text, meant):
    assert Execution.read(text) == meant
    assert str(meant) == text


@given(st.builds(Execution, st.just("participation"), st.none() | st.integers(1, 400), st.sampled_from([0.01, 0.125, 0.5, 1.0])))
def test_what_is_written_is_read_again(execution):
    assert Execution.read(str(execution)) == execution


@pytest.mark.parametrize(("text", "told"), [
    ("twap", "twap needs minutes: say how long it may take, such as 'twap:30'"),
    ("twap:half", "execution 'twap:half' is not understood: write it as 'twap:30'"),
    ("twap:0", "minutes of twap is 0: it is a whole number from 1 on"),
    ("twap:30:5", "execution 'twap:30:5' says too much: write it as 'twap:30'"),
    ("vwap:30:0", "sessions of vwap is 0: it is a whole number from 1 on"),
    ("participation", "rate of participation is None: it is a part of a bar's volume, above 0 and at most 1 (0.1 means 10%)"),
    ("participation:10", "rate of participation is 10.0: it is a part of a bar's volume, above 0 and at most 1 (0.1 means 10%)"),
    ("participation:nan", "rate of participation is nan: it is a part of a bar's volume, above 0 and at most 1 (0.1 means 10%)"),
    ("participation:0.1:60:all", "execution 'participation:0.1:60:all' is not understood: write it as 'participation:0.1:60:complete'"),
])
def test_bad_texts_are_told_in_one_line(text, told):
    with pytest.raises(BadSpec) as error:
        Execution.read(text)
    assert str(error.value) == told


@pytest.mark.parametrize("text", ["twop:30", "", ":30"])
def test_an_unknown_algorithm_is_told(text):
    with pytest.raises(UnknownName, match="unknown execution algorithm"):
        Execution.read(text)


@pytest.mark.parametrize(("terms", "told"), [
    ({"algo": "twap", "minutes": 30, "rate": 0.1}, "twap takes no rate: leave it out, or name another algorithm"),
    ({"algo": "participation", "rate": 0.1, "sessions": 5}, "participation takes no sessions: leave it out, or name another algorithm"),
    ({"algo": "twap", "minutes": 1.5}, "minutes of twap is 1.5: it is a whole number from 1 on"),
    ({"algo": "twap", "minutes": True}, "minutes of twap is True: it is a whole number from 1 on"),
    ({"algo": "participation", "rate": "0.1"},
     "rate of participation is '0.1': it is a part of a bar's volume, above 0 and at most 1 (0.1 means 10%)"),
    ({"algo": "participation", "rate": 0.1, "complete": 1, "minutes": 3}, "complete of participation is 1: it is true or false"),
    ({"algo": "participation", "rate": 0.1, "complete": True},
     "participation needs minutes: say how long it may take, such as 'participation:0.1:60:complete'"),
])
def test_bad_arguments_are_told_in_one_line(terms, told):
    with pytest.raises(BadSpec) as error:
        Execution(**terms)
    assert str(error.value) == told


def test_minutes_need_bars_within_the_day():
    with pytest.raises(BadSpec, match="execution twap:30 counts minutes, and the bars are whole days"):
        Execution.read("twap:30").check_bars(is_daily=True)
    Execution.read("twap:30").check_bars(is_daily=False)
    Execution.read("participation:0.1").check_bars(is_daily=True)
