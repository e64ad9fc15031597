"""The figures: what is drawn, at every size of run."""

import io
import time
import xml.etree.ElementTree as ET

import matplotlib
import matplotlib.image
import numpy as np
import pytest
from matplotlib import pyplot

from reports import figures
from reports.figures import HALF, PHONE, WIDE


def names(pictures):
    return [picture.name for picture in pictures]


@pytest.mark.parametrize(("count", "trades"), [(1, 0), (2, 0), (40, 1), (300, 100)])
def test_every_run_has_its_figures(make_result, make_bars, count, trades):
    pictures = figures.draw_all(make_result(make_bars(count), trades=trades))
    assert names(pictures)[:4] == ["equity", "drawdown", "exposure", "monthly"]
    for picture in pictures:
        image = matplotlib.image.imread(io.BytesIO(picture.png))
        assert image.shape[1] >= 650 and np.ptp(image[:, :, :3]) > 0.3
        for svg in filter(None, (picture.svg, picture.narrow_svg)):
            assert ET.fromstring(svg).get("viewBox")


def test_the_same_run_gives_the_same_pictures(make_result):
    assert figures.draw_all(make_result()) == figures.draw_all(make_result())


def test_matplotlibs_settings_neither_matter_nor_change(make_result):
    result, numbers = make_result(trades=0), pyplot.get_fignums()
    plain = figures.draw_all(result)
    with pyplot.style.context("dark_background"):
        before = dict(matplotlib.rcParams)
        assert figures.draw_all(result) == plain
        assert dict(matplotlib.rcParams) == before
    assert pyplot.get_fignums() == numbers


def test_a_log_scale_when_values_span_more_than_three_times(make_result):
    result = make_result()
    for last, scale in ((2.9, "linear"), (3.5, "log")):
        result.benchmark[:] = np.linspace(100_000, 100_000 * last, len(result.bars))
        assert figures.equity(result, WIDE).axes[0].get_yscale() == scale


def test_a_lost_account_stays_linear(make_result):
    result = make_result()
    result.equity[-1] = -5.0
    assert figures.equity(result, WIDE).axes[0].get_yscale() == "linear"


def test_up_to_six_symbols_by_number_of_trades(make_result, make_bars):
    market = make_bars(200, tuple("ABCDEFGH"))
    result = make_result(market, trades=9)  # A is traded twice, the others once
    assert figures.most_traded(result) == list("ABCDEF")
    result.trades.extend([result.trades[7]] * 5)
    assert figures.most_traded(result) == list("HABCDE")


def test_fills_are_marked_at_their_adjusted_price(make_result, make_bars):
    market = make_bars(120, ("A",), actions=True)
    result = make_result(market, trades=1)
    (drawn,) = figures.trades_on_price(result, "A", HALF).axes
    bought, sold = (marks.get_offsets() for marks in drawn.collections)
    row = int(np.searchsorted(market.index, result.fills[1].time))
    assert bought.tolist() == [[1, pytest.approx(result.fills[0].price)]]
    assert sold.tolist() == [[row, pytest.approx(market.close[row, 0])]]
    assert market.factor[row, 0] > 2


def test_the_time_held_is_shaded(make_result, make_bars):
    result = make_result(make_bars(50, ("A",)), trades=2)
    (drawn,) = figures.trades_on_price(result, "A", HALF).axes
    corners = drawn.patches[0].get_xy()
    held = np.flatnonzero(result.positions[:, 0])
    assert (corners[:, 0].min(), corners[:, 0].max()) == (held[0] - 0.5, held[-1] + 0.5)
    assert set(corners[:, 1]) == {0, 1}


def test_the_heat_map_shows_each_month_and_the_years(make_result, make_bars):
    result = make_result(make_bars(300))
    texts = [text.get_text() for text in figures.monthly(result, WIDE).axes[0].texts]
    assert len(texts) == 15 + 2  # January 2019 to March 2020, and two years


def test_phone_figures_are_narrow(make_result):
    for draw in (figures.equity, figures.monthly):
        assert draw(make_result(), PHONE).get_size_inches()[0] == PHONE.width


def test_a_thousand_trades_are_drawn_in_seconds(make_result, make_bars):
    result = make_result(make_bars(5000, tuple("ABCDEFG"), start="2000-01-03"), trades=1000)
    started = time.process_time()
    figures.draw_all(result)
    assert time.process_time() - started < 10
