"""Stops, trailing stops, profits and time exits, bar by bar."""

import numpy as np
import pytest
from made_bars import bars, frame

from core.spec import RunSpec
from strategies import TargetStrategy

QUIET = [100, 101, 99, 100]


class Held(TargetStrategy):
    """Conviction 1 on the first bar; what `later` says afterwards (row -> conviction)."""

    params = dict(later=())

    @classmethod
    def signals(cls, panel, p):
        wanted = np.full(panel.shape, np.nan)
        wanted[0] = 1.0
        for row, conviction in p.later:
            wanted[row] = conviction
        return wanted


def run(rows, exits, monkeypatch, later=(), side=1, **options):
    """Fills of `Held` on the given (open, high, low, close) rows: (bar, size, price, intent)."""
    import engine.resolve

    monkeypatch.setattr(Held, "params", Held.params)
    monkeypatch.setattr(engine.resolve, "strategy_class", lambda name: Held)
    spec = RunSpec(strategy="Held", params=dict(later=tuple(later)), exits=exits, cash=10_000,
                   limits=dict(cash_buffer=0.1), **options)
    panel = bars(A=frame(rows))
    result = engine.run(spec, bars=panel)
    row_of = {int(time): row for row, time in enumerate(panel.index)}
    return [(row_of[fill.time], fill.size, pytest.approx(fill.price), fill.intent) for fill in result.fills], result


def test_a_stop_works_on_the_entry_bar(monkeypatch):
    fills, result = run([QUIET, [100, 100, 90, 92], QUIET, QUIET], dict(stop=0.08), monkeypatch)
    assert fills == [(1, 90, 100, "enter"), (1, -90, 92, "stop")]
    assert result.equity.tolist() == [10_000, 9_280, 9_280, 9_280]


def test_a_stop_fills_at_the_open_after_a_gap(monkeypatch):
    fills, _ = run([QUIET, QUIET, [85, 86, 84, 85], QUIET], dict(stop=0.08), monkeypatch)
    assert fills == [(1, 90, 100, "enter"), (2, -90, 85, "stop")]


def test_the_profit_is_taken_at_its_price(monkeypatch):
    fills, result = run([QUIET, QUIET, [100, 112, 100, 111], QUIET], dict(stop=0.08, profit=0.1), monkeypatch)
    assert fills == [(1, 90, 100, "enter"), (2, -90, 110, "profit")]
    assert [(order.intent, order.status) for order in result.orders] == [
        ("enter", "Completed"), ("stop", "Canceled"), ("profit", "Completed")]


def test_when_a_bar_reaches_both_the_stop_counts(monkeypatch):
    fills, _ = run([QUIET, QUIET, [100, 115, 90, 100], QUIET], dict(stop=0.08, profit=0.1), monkeypatch)
    assert fills[1] == (2, -90, 92, "stop")


def test_a_trailing_stop_follows_the_best_close(monkeypatch):
    rows = [QUIET, QUIET, [100, 121, 100, 120], [118, 119, 115, 116], [115, 116, 107, 108], QUIET]
    fills, _ = run(rows, dict(trail=0.1), monkeypatch)
    assert fills == [(1, 90, 100, "enter"), (4, -90, 108, "trail")]


def test_a_time_exit_counts_the_entry_bar(monkeypatch):
    fills, _ = run([QUIET] * 7, dict(bars=3), monkeypatch)
    assert fills == [(1, 90, 100, "enter"), (4, -90, 100, "time")]


def test_a_stopped_symbol_stays_out_until_its_conviction_was_given_up(monkeypatch):
    rows = [QUIET, [100, 100, 90, 92]] + [QUIET] * 6
    fills, _ = run(rows, dict(stop=0.08), monkeypatch, later=[(2, 1.0), (4, 0.0), (5, 1.0)])
    assert [(row, intent) for row, _, _, intent in fills] == [(1, "enter"), (1, "stop"), (6, "enter")]


def test_an_exit_cancels_the_stop_first_and_leaves_nothing_behind(monkeypatch):
    """A gap down at the open of a market exit: sold once, not once more by the stop."""
    rows = [QUIET, QUIET, QUIET, [80, 80, 70, 75], QUIET]
    fills, result = run(rows, dict(stop=0.08), monkeypatch, later=[(2, 0.0)])
    assert fills == [(1, 90, 100, "enter"), (3, -90, 80, "exit")]
    assert result.positions[-1].tolist() == [0]


def test_a_resize_moves_the_stop_to_the_whole_position(monkeypatch):
    rows = [QUIET, QUIET, [50, 50, 47, 50], [50, 50, 47, 50], [50, 50, 30, 35], QUIET]
    fills, _ = run(rows, dict(stop=0.6), monkeypatch, later=[(2, 1.0)])
    bought = sum(size for _, size, _, intent in fills if intent != "stop")
    assert fills[-1][1] == -bought and fills[-1][3] == "stop" and bought > 90


def test_a_short_is_protected_the_other_way_round(monkeypatch):
    monkeypatch.setattr(Held, "signals", classmethod(
        lambda cls, panel, p: np.where(np.arange(len(panel))[:, None] == 0, -1.0, np.nan)))
    fills, _ = run([QUIET, QUIET, [100, 110, 100, 109], QUIET], dict(stop=0.08), monkeypatch)
    assert fills == [(1, -90, 100, "enter"), (2, 90, 108, "stop")]


def test_an_entry_at_the_close_is_not_stopped_by_what_came_before_it(monkeypatch):
    fills, _ = run([QUIET, [100, 100, 50, 100], QUIET, QUIET], dict(stop=0.08), monkeypatch, fill="session_close")
    assert fills == [(1, 90, 100, "enter")]


def test_partial_entries_are_protected_as_they_grow(monkeypatch):
    import engine.resolve

    monkeypatch.setattr(engine.resolve, "strategy_class", lambda name: Held)
    rows = [QUIET, QUIET, QUIET, [100, 100, 80, 90], QUIET, QUIET]
    panel = bars(A=frame(rows, volume=30.0))
    result = engine.run(RunSpec(strategy="Held", exits=dict(stop=0.08), cash=10_000, max_volume=1.0,
                                limits=dict(cash_buffer=0.1)), bars=panel)
    assert [(fill.size, fill.price, fill.intent) for fill in result.fills] == [
        (30, 100, "enter"), (30, 100, "enter"), (30, 100, "enter"),
        (-30, 92, "stop"), (-30, 92, "stop"), (-30, 100, "stop")]  # the cap binds each order; bar 3 saw two stops
    assert result.positions[-1].tolist() == [0]


def test_an_exit_that_is_ordered_anew_while_the_symbol_pauses_is_not_joined_by_a_stop(monkeypatch):
    """The end of the first exit order once brought the stop back: the gap then sold the position twice."""
    import engine.resolve

    monkeypatch.setattr(Held, "signals", classmethod(lambda cls, panel, p: np.where(
        np.arange(len(panel))[:, None] == 0, [[1.0, np.nan]],
        np.where(np.isin(np.arange(len(panel)), [2, 3])[:, None], [[0.0, np.nan]], np.nan))))
    monkeypatch.setattr(engine.resolve, "strategy_class", lambda name: Held)
    paused = frame([QUIET] * 5 + [[80, 80, 70, 75], QUIET])
    panel = bars(A=paused.drop(paused.index[[3, 4]]), B=frame([QUIET] * 7))
    result = engine.run(RunSpec(strategy="Held", exits=dict(stop=0.08), cash=10_000), bars=panel)
    assert [(fill.size, fill.price, fill.intent) for fill in result.fills] == [(50, 100, "enter"), (-50, 80, "exit")]


def test_a_reversal_starts_the_count_of_bars_anew(monkeypatch):
    fills, _ = run([QUIET] * 9, dict(bars=4), monkeypatch, later=[(2, -1.0)])
    assert fills == [(1, 90, 100, "enter"), (3, -180, 100, "enter"), (7, 90, 100, "time")]


def test_a_short_never_takes_a_profit_of_the_whole_price(monkeypatch):
    """Its limit would be a price of 0, which Backtrader reads as no price, so as the last close."""
    monkeypatch.setattr(Held, "signals", classmethod(
        lambda cls, panel, p: np.where(np.arange(len(panel))[:, None] == 0, -1.0, np.nan)))
    fills, result = run([QUIET] * 4, dict(profit=1.0), monkeypatch)
    assert fills == [(1, -90, 100, "enter")] and len(result.orders) == 1


def test_a_stop_that_is_good_for_one_session_is_placed_again(monkeypatch):
    """By Alpaca's rules an order for a part of a share ends at the close; the position stays protected."""
    fills, result = run([[97, 97, 97, 97], QUIET, QUIET, QUIET, [100, 100, 94, 96], QUIET], dict(stop=0.05), monkeypatch, fractional=True, rules="alpaca")
    assert fills[1:] == [(4, -fills[0][1], 95, "stop")] and fills[0][1] != int(fills[0][1])
    assert [order.status for order in result.orders if order.intent == "stop"] == ["Expired", "Expired", "Completed"]
