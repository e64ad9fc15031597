import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from core.spec_texts import parse_assignment, parse_value, period_start


def test_symbols_are_split_and_kept_in_order():
    assert RunSpec(symbols="MSFT, AAPL IBM").symbols == ("MSFT", "AAPL", "IBM")
    assert RunSpec(symbols=["A", "B"]).symbols == ("A", "B")


@pytest.mark.parametrize(("values", "message"), [
    ({"cash": -5}, "cash is -5"),
    ({"cash": 0}, "cash is 0"),
    ({"cash": float("nan")}, "cash is nan"),
    ({"risk_free": float("inf")}, "risk_free is inf"),
    ({"max_volume": 1.5}, "max_volume is 1.5"),
    ({"max_volume": 0}, "max_volume is 0"),
    ({"start": "2020-01-02", "end": "2020-01-01"}, "start 2020-01-02 is after end 2020-01-01"),
    ({"start": "2020-01-02", "period": "3y"}, "start 2020-01-02 and period 3y"),
    ({"start": "2020-02-30"}, "start '2020-02-30' is not a date"),
    ({"end": "tomorrow"}, "end 'tomorrow' is not a date"),
    ({"period": "5 years"}, "period '5 years' is not understood"),
    ({"symbols": "A,A"}, "symbol A is named twice"),
    ({"symbols": "A,B", "reference": "B"}, "symbol B is both traded and reference"),
    ({"interval": "0d"}, "interval '0d' is not understood"),
    ({"commission": "free"}, "commission 'free' is not understood"),
    ({"exits": {"stop": 2}}, "exits.stop is 2"),
    ({"capital": True}, "capital is True: it must be a number"),
    ({"quantity": 0}, "quantity is 0: it must be above 0"),
    ({"quantity": -3}, "quantity is -3"),
    ({"quantity": float("nan")}, "quantity is nan"),
    ({"quantity": 2.5}, "quantity is 2.5: whole shares only"),
    ({"quantity": 2, "sizer": "EqualWeight"}, "quantity 2 and sizer EqualWeight are both given"),
    ({"quantity": 2, "sizer_params": {"risk": 0.1}}, "quantity 2 and sizer.risk are both given"),
    ({"rules": 1}, "rules is 1: it must be text"),
])
def test_a_value_out_of_range_is_named(values, message):
    with pytest.raises(BadSpec) as caught:
        RunSpec(**values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("values", "message"), [
    ({"fill": "next_opne"}, "unknown fill 'next_opne': did you mean 'next_open'?"),
    ({"rules": "alpacca"}, "unknown rules 'alpacca': did you mean 'alpaca'?"),
    ({"prices": "adj"}, "unknown prices 'adj': known: adjusted, auto, raw"),
])
def test_an_unknown_choice_gets_a_suggestion(values, message):
    with pytest.raises(UnknownName) as caught:
        RunSpec(**values)
    assert str(caught.value) == message


def test_toml_keys_are_the_field_names(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('strategy = "GoldenCross"\nsymbols = ["AAPL"]\nstart = 2001-01-02\ncash = 5000\n'
                    '[params]\nfast = 20\n[sizer]\nname = "EqualWeight"\nscale = 2\n[limits]\nmax_weight = 0.5\n')
    assert RunSpec.from_toml(file) == RunSpec(
        strategy="GoldenCross", symbols=("AAPL",), start="2001-01-02", cash=5000.0, params={"fast": 20},
        sizer="EqualWeight", sizer_params={"scale": 2}, limits={"max_weight": 0.5})


@pytest.mark.parametrize(("text", "message"), [
    ("cahs = 5", "unknown option 'cahs': did you mean 'cash'?"),
    ("cash = ", "is not valid TOML"),
    ('cash = "much"', "cash is 'much'"),
    ("quantity = true", "quantity is True"),
    ("params = 3", "params is 3"),
])
def test_a_bad_file_is_named_with_what_is_wrong(tmp_path, text, message):
    file = tmp_path / "run.toml"
    file.write_text(text)
    with pytest.raises((BadSpec, UnknownName)) as caught:
        RunSpec.from_toml(file)
    assert message in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadSpec, match=r"cannot read .*gone\.toml"):
        RunSpec.from_toml(tmp_path / "gone.toml")


def test_assignments_go_to_their_groups():
    spec = RunSpec(params={"fast": 10}).with_assignments(
        {"fast": 20, "sizer.risk": 0.1, "limits.max_weight": 0.3, "exits.stop": 0.08})
    assert spec.params == {"fast": 20}
    assert spec.sizer_params == {"risk": 0.1}
    assert spec.limits == {"max_weight": 0.3}
    assert spec.exits == {"stop": 0.08}
    with pytest.raises(UnknownName, match="unknown group of parameters 'exit': did you mean 'exits'"):
        spec.with_assignments({"exit.stop": 0.08})


@pytest.mark.parametrize(("text", "expected"), [
    ("fast=20", ("fast", 20)), ("at=10:30", ("at", "10:30")), ("x=0.5", ("x", 0.5)), ("x=true", ("x", True)),
    ("x=1e3", ("x", 1000.0)), ("x=a=b", ("x", "a=b")), (" x = 3 ", ("x", 3)), ("x=", ("x", "")),
])
def test_an_assignment_is_read(text, expected):
    assert parse_assignment(text) == expected


@pytest.mark.parametrize("text", ["fast", "=3", "", "  =1"])
def test_an_assignment_without_name_or_value_is_refused(text):
    with pytest.raises(BadSpec, match="write name=value") as caught:
        parse_assignment(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize(("period", "expected"), [
    ("3y", "2021-02-28"), ("1y", "2023-02-28"), ("18mo", "2022-08-29"), ("12mo", "2023-02-28"), ("4y", "2020-02-29"),
    ("90d", "2023-12-01"), ("2w", "2024-02-15"), ("1mo", "2024-01-29"), ("3mo", "2023-11-29"),
])
def test_a_period_is_counted_back_by_the_calendar(period, expected):
    end = dt.date(2024, 2, 29)
    assert period_start(period, end).isoformat() == expected


@given(st.integers(1, 600), st.dates(dt.date(1970, 1, 1), dt.date(2035, 12, 31)))
def test_months_go_back_by_months_and_keep_the_day_where_they_can(months, end):
    start = period_start(f"{months}mo", end)
    assert end.year * 12 + end.month - start.year * 12 - start.month == months
    assert start.day == end.day or (start + dt.timedelta(days=1)).day == 1


@given(st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False)))
def test_a_value_survives_being_written(value):
    assert parse_value(str(value)) == value


def test_secrets_do_not_show():
    spec = RunSpec(params={"api_key": "PK123", "fast": 20})
    assert "PK123" not in repr(spec)
    assert spec.masked()["params"] == {"api_key": "***", "fast": 20}


@given(
    cash=st.floats(1, 1e9), fast=st.integers(1, 100), seed=st.integers(0, 2**31), fractional=st.booleans(),
    symbols=st.lists(st.sampled_from(["AAPL", "BRK.B", "^GSPC", "IBM"]), unique=True),
)
def test_a_spec_survives_being_written_as_a_table(cash, fast, seed, fractional, symbols):
    spec = RunSpec(cash=cash, params={"fast": fast}, seed=seed, fractional=fractional, symbols=tuple(symbols))
    assert RunSpec.from_dict(spec.to_dict()) == spec
