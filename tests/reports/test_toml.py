"""A spec written as TOML reads back as the same spec."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.spec import RunSpec
from reports.toml import to_toml

names = st.text(min_size=1, max_size=8).filter(lambda name: name not in ("name",))
values = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text(max_size=12))


@given(st.dictionaries(names, st.one_of(values, st.lists(values, max_size=3)), max_size=5), st.text(max_size=8))
def test_any_parameters_survive(tmp_path_factory, params, source):
    spec = RunSpec(params=params, symbols=("BRK.B", "^GSPC"), source=source or "sample", end="2020-01-31",
                   limits={"max_weight": 0.2}, fractional=True, cash=1e9)
    path = tmp_path_factory.mktemp("toml") / "spec.toml"
    path.write_text(to_toml(spec.to_dict()), encoding="utf-8")
    assert RunSpec.from_toml(path).to_dict() == spec.to_dict()


def test_it_reads_as_people_write_it():
    spec = RunSpec(strategy="GoldenCross", params={"fast": 50}, symbols=("SPY",), commission="0.1%")
    assert to_toml(spec.to_dict()) == (
        'strategy = "GoldenCross"\nsymbols = ["SPY"]\ncommission = "0.1%"\n\n[params]\nfast = 50\n')


def test_nested_tables_and_foreign_numbers():
    assert to_toml({"params": {"weights": {"a b": np.float64(0.5)}, "none": None}}) == (
        '\n[params]\nweights = { "a b" = 0.5 }\n')
