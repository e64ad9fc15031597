"""The figures of a sweep: what is drawn, for every shape of space, and never more than a page can hold."""

import numpy as np
import pytest
from hill_sweeps import MIXED, hill_sweep

from core.space import Choice, Range, Space
from optimize.plateau import plateau
from reports import parallel_figure, surface_figures, sweep_figures
from reports.picture import HALF, PHONE, WIDE
from reports.sweep_pictures import main_surface
from reports.sweep_surface import surface


@pytest.fixture(scope="module")
def bars(make_bars):
    return make_bars(60, ("A",))


@pytest.fixture(scope="module")
def plane(bars):
    return hill_sweep(bars)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_the_heat_map_shows_every_cell_and_marks_the_best(plane):
    over = surface(plane, "fast", "slow")
    axes, bar = surface_figures.heat_map(over, plane.objectives[0], HALF).axes
    shown = axes.images[0].get_array()
    assert np.array_equal(shown.filled(np.nan), over.cells, equal_nan=True)
    assert axes.collections[0].get_offsets().tolist() == [[over.best[1], over.best[0]]]
    assert axes.get_xlabel() == "fast" and "slow" in texts(axes) and bar.images


def test_a_small_heat_map_has_its_values_written_in(bars):
    result = hill_sweep(bars, Space({"fast": Range(5, 20, 5), "slow": Range(20, 40, 10)}))
    over = surface(result, "fast", "slow")
    axes = surface_figures.heat_map(over, result.objectives[0], HALF).axes[0]
    assert f"{over.cells[0, 0]:.2f}".replace("-", "−") in texts(axes)
    assert len(axes.texts) == 12  # the best has its star, the parameter up the side its name


def test_where_less_is_better_the_colours_turn_round(bars):
    low, high = (
        surface_figures.heat_map(surface(result, "fast", "slow"), result.objectives[0], HALF)
        .axes[0]
        .images[0]
        .get_cmap()
        for result in (hill_sweep(bars, objective="max_drawdown"), hill_sweep(bars))
    )
    assert low(0.0) == high(1.0)


def test_the_contour_marks_the_best_trial_and_the_robust_one(plane):
    robust = plateau(plane).robust
    over = main_surface(plane, {}, plateau(plane))
    assert surface_figures.has_contour(over)
    axes = surface_figures.contour(over, plane.objectives[0], HALF).axes[0]
    labels = {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)}
    assert set(labels) == {"Best trial", "Best neighbours"}
    at = labels["Best neighbours"].get_offsets()[0]
    assert (over.x.values[int(at[0])], over.y.values[int(at[1])]) == tuple(plane.params(robust).values())


@pytest.mark.parametrize(
    "space",
    [Space({"kind": Choice("sma", "ema", "wma"), "fast": Range(1, 9)}), Space({"a": Range(1, 2), "b": Range(1, 9)})],
)
def test_texts_and_two_rows_have_no_contour(bars, space):
    assert not surface_figures.has_contour(surface(hill_sweep(bars, space), *space.names))


def test_a_flat_objective_has_no_contour(bars):
    result = hill_sweep(bars)
    result.metrics["sharpe"][:] = 0.5
    assert not surface_figures.has_contour(surface(result, "fast", "slow"))


def test_a_fine_grid_is_averaged_for_its_contour(bars):
    result = hill_sweep(bars, Space({"a": Range(1, 150), "b": Range(1, 130)}))
    cells, rows, columns = surface_figures._coarser(surface(result, "a", "b").cells)
    assert cells.shape == (len(rows), len(columns)) == (44, 50)
    assert cells[0, 0] == pytest.approx(surface(result, "a", "b").cells[:3, :3].mean())
    assert (rows[0], columns[0]) == (1.0, 1.0)


def test_one_parameter_makes_a_curve(bars):
    result = hill_sweep(bars, Space({"fast": Range(5, 60, 5)}))
    assert main_surface(result, {}, None) is None
    axes = sweep_figures.curve(result, "fast", WIDE).axes[0]
    assert axes.lines[0].get_xydata().tolist() == np.column_stack([result.columns["fast"], result.objective]).tolist()


def test_parallel_coordinates_go_through_every_parameter_to_the_objective(bars):
    result = hill_sweep(bars, MIXED, "random", 50)
    axes = parallel_figure.parallel(result, MIXED.names, WIDE).axes[0]
    lines = axes.collections[0].get_segments()
    assert len(lines) == 50 and all(len(line) == 5 for line in lines)
    assert lines[-1][-1][1] == 1.0 and lines[0][-1][1] == 0.0  # the best on top, the worst below
    assert [text.get_text() for text in axes.get_xticklabels()] == ["fast", "band", "kind", "sizer.risk", "Sharpe"]
    assert {"sma", "ema", "wma"} <= set(texts(axes))


def test_many_trials_are_thinned_with_the_extremes_kept(bars):
    result = hill_sweep(bars, MIXED, "random", 20_000)
    heights = [
        line[-1][1]
        for line in parallel_figure.parallel(result, MIXED.names, PHONE).axes[0].collections[0].get_segments()
    ]
    assert len(heights) == parallel_figure.MOST_LINES and (min(heights), max(heights)) == (0.0, 1.0)
    two = hill_sweep(bars, MIXED, "nsga2", 3000, "sharpe,max_drawdown")
    assert len(sweep_figures.front(two, WIDE).axes[0].collections[0].get_offsets()) == sweep_figures.MOST_DOTS


def test_the_histogram_counts_every_trial_and_marks_best_and_luck(plane):
    axes = sweep_figures.histogram(plane, 0.4, HALF).axes[0]
    assert sum(bar.get_height() for bar in axes.patches) == len(plane)
    assert [line.get_xdata()[0] for line in axes.lines] == [plane.objective[plane.best], 0.4]
    assert len(sweep_figures.histogram(plane, float("nan"), HALF).axes[0].lines) == 1


def test_an_infinite_best_is_drawn_at_the_edge(bars):
    result = hill_sweep(bars, objective="profit_factor")
    result.metrics["profit_factor"][result.best] = np.inf
    axes = sweep_figures.histogram(result, float("nan"), HALF).axes[0]
    assert np.isfinite(axes.lines[0].get_xdata()).all()


def test_the_front_is_in_the_order_of_its_first_objective(bars):
    result = hill_sweep(bars, objective="sharpe,max_drawdown")
    x, y = sweep_figures.front(result, WIDE).axes[0].lines[0].get_data()
    assert list(x) == sorted(x, reverse=True) and list(y) == sorted(y, reverse=True) and len(x) == len(result.front)


def test_importance_names_every_bar():
    axes = sweep_figures.importance({"slow": 0.75, "fast": 0.25}, HALF).axes[0]
    assert texts(axes) == ["slow", "75%", "fast", "25%"]
    assert [bar.get_width() for bar in axes.patches[2:]] == [0.75, 0.25]


def test_of_many_parameters_the_most_important_are_drawn(bars):
    space = Space({f"p{at}": Range(1, 3) for at in range(12)})
    result = hill_sweep(bars, space, "random", 50)
    axes = parallel_figure.parallel(result, [f"p{at}" for at in (11, 4, 7, 0, 1)], PHONE).axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["p0", "p4", "p7", "p11", "Sharpe"]
