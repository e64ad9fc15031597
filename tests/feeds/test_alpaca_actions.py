"""Corporate actions in Alpaca's words, and where they stand on bars; worked out by hand."""

import logging

import numpy as np
import pytest

from core.errors import BadBars
from feeds.alpaca_actions import Action, placed, read_actions


def day(text):
    return np.datetime64(text, "D")


def told(**kinds):
    """One page; every action of AAA, unless it says otherwise."""
    return {"corporate_actions": {kind: [{"symbol": "AAA", **each} for each in rows] for kind, rows in kinds.items()},
            "next_page_token": None}


def read(*pages, start="2024-01-01", end="2024-12-31"):
    return read_actions(pages, start, end)


@pytest.mark.parametrize(("kind", "rates", "split"), [
    ("forward_splits", {"new_rate": 4, "old_rate": 1}, 4.0),
    ("forward_splits", {"new_rate": 3.0, "old_rate": 2.0}, 1.5),
    ("reverse_splits", {"new_rate": 1, "old_rate": 10}, 0.1),
    ("stock_dividends", {"rate": 0.05}, 1.05),
])
def test_new_shares_per_old_share(kind, rates, split):
    found = read(told(**{kind: [{"ex_date": "2024-06-10", "process_date": "2024-06-10", **rates}]}))
    assert found == {"AAA": [Action(day("2024-06-10"), split=split)]}


def test_cash_is_dated_by_its_ex_date_and_keeps_its_pay_date():
    paid, unpaid = read(told(cash_dividends=[
        {"ex_date": "2024-05-10", "payable_date": "2024-05-16", "process_date": "2024-05-16", "rate": 0.25},
        {"ex_date": "2024-08-12", "process_date": "2024-08-20", "rate": 0.26}]))["AAA"]
    assert paid == Action(day("2024-05-10"), cash=0.25, pay_date=day("2024-05-16"))
    assert (unpaid.ex_date, unpaid.cash) == (day("2024-08-12"), 0.26) and np.isnat(unpaid.pay_date)


def test_ex_dates_outside_the_range_are_left_out_whatever_their_process_date():
    rows = [{"ex_date": date, "process_date": "2024-06-01", "rate": 1.0}
            for date in ("2023-12-29", "2024-01-02", "2024-03-28", "2024-04-01")]
    found = read(told(cash_dividends=rows[2:]), told(cash_dividends=rows[:2]), start="2024-01-01", end="2024-03-31")
    assert [str(action.ex_date) for action in found["AAA"]] == ["2024-01-02", "2024-03-28"]


def test_no_actions():
    assert read({"corporate_actions": {}, "next_page_token": None}, {"corporate_actions": None}) == {}


def test_what_bars_cannot_express_is_named(caplog):
    spin = {"symbol": None, "source_symbol": "AAA", "new_symbol": "BBB", "source_rate": 1, "new_rate": 0.25,
            "ex_date": "2024-04-02", "process_date": "2024-04-02"}
    merger = {"symbol": None, "acquiree_symbol": "CCC", "acquirer_symbol": "AAA", "rate": 15.0,
              "effective_date": "2024-07-01", "process_date": "2024-07-02"}
    renamed = {"symbol": None, "old_symbol": "FFF", "new_symbol": "AAA", "process_date": "2024-03-01"}
    with caplog.at_level(logging.WARNING):
        assert read(told(spin_offs=[spin], cash_mergers=[merger], name_changes=[renamed])) == {}
    assert [record.getMessage() for record in caplog.records] == [
        "AAA: the spin off of 2024-04-02 is not in alpaca's bars: prices around it are as they traded",
        "CCC: the cash merger of 2024-07-01 is not in alpaca's bars: prices around it are as they traded"]


@pytest.mark.parametrize(("kind", "row", "words"), [
    ("cash_dividends", {"ex_date": "2024-05-10", "rate": -1}, "cash_dividends of 2024-05-10: .*-1 is not positive"),
    ("forward_splits", {"ex_date": "2024-05-10", "new_rate": 2}, "forward_splits of 2024-05-10: .*'old_rate'"),
    ("forward_splits", {"ex_date": "soon", "new_rate": 2, "old_rate": 1}, "the date 'soon' of the action is none"),
    ("cash_dividends", {"rate": 1}, "the date None of the action is none"),
])
def test_an_action_that_makes_no_sense_is_named(kind, row, words):
    with pytest.raises(BadBars, match=f"bad bars for AAA at .*{words}"):
        read(told(**{kind: [row]}))


SESSIONS = np.array(["2024-06-03", "2024-06-03", "2024-06-04", "2024-06-06"], dtype="datetime64[D]")


def test_an_action_stands_on_the_first_bar_of_its_ex_date_or_the_next_there_is():
    columns = placed(SESSIONS, [Action(day("2024-06-03"), split=2.0), Action(day("2024-06-05"), cash=0.5),
                                Action(day("2024-06-07"), cash=9.0)])
    assert columns["split"].tolist() == [2, 1, 1, 1] and columns["dividend"].tolist() == [0, 0, 0, 0.5]


def test_cash_is_per_share_after_every_split_on_the_same_bar():
    rows = told(cash_dividends=[{"ex_date": "2024-06-05", "rate": 1.0}, {"ex_date": "2024-06-06", "rate": 0.25}],
                forward_splits=[{"ex_date": "2024-06-06", "new_rate": 4, "old_rate": 1}])
    columns = placed(SESSIONS, read(rows)["AAA"])
    assert columns["split"].tolist() == [1, 1, 1, 4] and columns["dividend"].tolist() == [0, 0, 0, 1 / 4 + 0.25]


def test_of_two_payments_on_one_bar_the_sum_and_the_later_pay_date_stand():
    actions = [Action(day("2024-06-04"), cash=0.2, pay_date=day(paid)) for paid in ("2024-06-20", "2024-06-14", "NaT")]
    columns = placed(SESSIONS, actions)
    assert columns["dividend"].tolist() == pytest.approx([0, 0, 0.6, 0])
    assert columns["pay_date"].astype(str).tolist() == ["NaT", "NaT", "2024-06-20", "NaT"]
