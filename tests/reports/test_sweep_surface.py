"""The cells behind heat map and contour: which trials are in them, what is left out, what a neighbourhood is."""

import numpy as np
import pytest
from hill_sweeps import MIXED, PLANE, hill_sweep
from hypothesis import given
from hypothesis import strategies as st

from core.space import Choice, Range, Space
from reports.sweep_surface import Scale, Surface, scale_of, surface, varied


@pytest.fixture(scope="module")
def bars(make_bars):
    return make_bars(60, ("A",))


def test_a_grid_has_its_values_in_their_places_and_holes_where_the_rule_forbids(bars):
    result = hill_sweep(bars)
    found = surface(result, "fast", "slow")
    assert found.cells.shape == (19, 12) and found.note == ""
    for at in range(len(result)):
        row, column = (result.params(at)["slow"] - 20) / 10, (result.params(at)["fast"] - 5) / 5
        assert found.cells[int(row), int(column)] == result.objective[at]
    assert np.isfinite(found.cells).sum() == len(result) < PLANE.size
    assert found.cells[found.best] == result.objective[result.best] == np.nanmax(found.cells)


def test_other_parameters_of_a_grid_stay_at_the_best_trials_values(bars):
    space = Space(
        {"fast": Range(5, 25, 5), "slow": Range(20, 60, 20), "kind": Choice("sma", "ema"), "risk": Range(0.1, 0.3, 0.1)}
    )
    result = hill_sweep(bars, space)
    found, fixed = surface(result, "fast", "slow"), result.params(result.best)
    assert found.note == f"Other parameters as in the best trial: kind={fixed['kind']}, risk={fixed['risk']:g}."
    rows = (result.columns["kind"] == fixed["kind"]) & (result.columns["risk"] == fixed["risk"])
    assert sorted(found.cells.ravel()) == sorted(result.objective[rows])


def test_scattered_trials_share_cells_by_their_median(bars):
    result = hill_sweep(bars, MIXED, "random", 400)
    across, up = scale_of(result, "fast"), scale_of(result, "kind")
    found = surface(result, "fast", "kind")
    assert across.binned and not up.binned and list(up.values) == ["sma", "ema", "wma"]
    for (row, column), value in np.ndenumerate(found.cells):
        inside = result.objective[(up.places == row) & (across.places == column)]
        assert (np.isnan(value) and not len(inside)) or value == np.median(inside)
    assert "median" in found.note and "sizer.risk" in found.note


def test_bins_of_a_logarithmic_range_are_equal_in_the_logarithm(bars):
    scale = scale_of(hill_sweep(bars, MIXED, "random", 400), "band")
    steps = np.diff(np.log(scale.values))
    assert np.allclose(steps, steps[0]) and steps[0] > 0


def test_the_robust_trial_has_a_mark_only_where_it_has_a_cell(bars):
    space = Space({"fast": Range(5, 25, 5), "slow": Range(20, 60, 20), "kind": Choice("sma", "ema")})
    result = hill_sweep(bars, space)
    same = result.columns["kind"] == result.params(result.best)["kind"]
    assert surface(result, "fast", "slow", int(np.flatnonzero(same)[0])).robust == (0, 0)
    assert surface(result, "fast", "slow", int(np.flatnonzero(~same)[0])).robust is None


def test_without_a_best_trial_there_is_no_surface(bars):
    assert surface(hill_sweep(bars, nothing=True), "fast", "slow") is None


def test_parameters_that_never_vary_are_left_out(bars):
    result = hill_sweep(bars, Space({"fast": Range(5, 15, 5), "slow": Choice(50), "kind": Choice("sma")}))
    assert varied(result) == ["fast"]


@given(st.integers(1, 6), st.integers(1, 6), st.randoms(use_true_random=False))
def test_a_neighbourhood_is_the_mean_of_the_cells_around(rows, columns, chance):
    cells = np.array([[chance.choice([np.nan, chance.uniform(-1, 1)]) for _ in range(columns)] for _ in range(rows)])
    scale = Scale("x", np.arange(6.0), np.arange(6))
    found = Surface(scale, scale, cells, (0, 0), None, "").neighbourhood()
    for (row, column), value in np.ndenumerate(found):
        around = cells[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
        assert (
            np.isnan(value)
            if np.isnan(cells[row, column])
            else value == pytest.approx(around[np.isfinite(around)].mean())
        )
