import pytest

from core import errors
from core.errors import BadBars, CerebrolabError, UnknownName, named

STANDARD = {
    "UsageError": ValueError, "UnknownName": LookupError, "BadSpec": ValueError, "NoBars": LookupError,
    "BadBars": ValueError, "SourceUnavailable": ConnectionError, "CorruptFile": OSError, "StoreFailed": OSError,
    "AccountLeft": RuntimeError,
}


def test_the_table_below_names_every_error_but_the_root():
    own = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, CerebrolabError)}
    assert own == {"CerebrolabError", *STANDARD}
    assert all(name in errors.__doc__ for name in own)


@pytest.mark.parametrize(("name", "standard"), STANDARD.items())
def test_every_error_is_ours_and_the_standard_librarys(name, standard):
    kind = getattr(errors, name)
    assert issubclass(kind, CerebrolabError)
    assert issubclass(kind, standard)
    assert kind.exit_code == (3 if name == "AccountLeft" else 2)


@pytest.mark.parametrize(("name", "known", "advice"), [
    ("GoldenCros", ["GoldenCross", "BuyAndHold"], "did you mean 'GoldenCross'?"),
    ("goldencross", ["GoldenCross", "BuyAndHold"], "did you mean 'GoldenCross'?"),
    ("zzz", ["b", "a"], "known: a, b"),
    ("zzz", [], "none are known here"),
    ("zzz", [f"name{at:02}" for at in range(13)], "name11, …"),
])
def test_an_unknown_name_comes_with_the_nearest_or_the_known_ones(name, known, advice):
    message = str(UnknownName.of("strategy", name, known))
    assert message.startswith(f"unknown strategy {name!r}: ")
    assert message.endswith(advice)


def test_bad_bars_name_symbol_row_and_rule():
    error = BadBars("AAPL", "row 3", "close is negative")
    assert str(error) == "bad bars for AAPL at row 3: close is negative; correct the data"
    assert (error.symbol, error.row, error.rule) == ("AAPL", "row 3", "close is negative")


def test_a_message_names_ten_and_counts_the_rest():
    assert named(["A", "B"]) == "A, B" and named([]) == ""
    assert named([f"S{number}" for number in range(10)]).endswith("S8, S9")
    assert named([f"S{number}" for number in range(5_000)]).endswith("S8, S9 and 4,990 more")
