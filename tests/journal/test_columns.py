import math
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from journal.columns import Exact, Json, canonical_json, shortest

SQLITE, POSTGRESQL = sqlite.dialect(), postgresql.dialect()


def stored(value, dialect=SQLITE):
    column = Exact()
    return column.process_result_value(column.process_bind_param(value, dialect), dialect)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_reads_back_to_the_bit(value):
    assert math.copysign(1, float(stored(value))) == math.copysign(1, value)
    assert float(stored(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_a_decimal_reads_back_equal(value):
    assert stored(value) == stored(value, POSTGRESQL) == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_the_shortest_decimal_is_equal_and_the_same_for_equals(value):
    assert shortest(value) == value
    assert str(shortest(value)) == str(shortest(Decimal(f"{value:f}000"))) and not str(shortest(value)).endswith(".")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, Decimal("NaN"), None])
def test_what_is_no_number_is_nothing(value):
    assert stored(value) is stored(value, POSTGRESQL) is None


def test_numpy_numbers_are_numbers():
    assert stored(np.float64(0.1)) == Decimal("0.1")
    assert canonical_json({"b": np.int64(2), "a": np.float64(math.nan), "c": (1, "x")}) == '{"a":null,"b":2,"c":[1,"x"]}'


@given(st.dictionaries(st.text(), st.one_of(st.integers(), st.text(), st.booleans(), st.none())))
def test_equal_tables_are_equal_text(table):
    backwards = dict(reversed(table.items()))
    assert canonical_json(table) == canonical_json(backwards)
    assert Json().process_result_value(canonical_json(table), None) == table
