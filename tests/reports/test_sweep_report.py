"""The report of a real sweep, with its walk-forward and robustness: page, tables and files."""

import csv
import dataclasses
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from hill_sweeps import MIXED, hill_sweep
from made_bars import walk

import reports
from core.bars import Bars, Origin
from core.errors import BadSpec
from core.space import Choice, Range, Space
from core.spec import RunSpec
from optimize.result import Agreement
from optimize.robustness import robustness
from optimize.sweep import sweep
from optimize.walk_forward import walk_forward
from reports.sweep_words import agreement, beliefs, verdict

SPACE = Space({"fast": Range(2, 14, 3), "slow": Range(10, 40, 5)}, where=("fast < slow",))


@pytest.fixture(scope="module")
def bars():
    return Bars.from_frames({"AAA": walk(700, 3), "BBB": walk(700, 4)})


@pytest.fixture(scope="module")
def swept(bars):
    spec = RunSpec(strategy="GoldenCross", symbols=bars.symbols, commission="0.001")
    return sweep(spec, SPACE, bars=bars, jobs=1)


@pytest.fixture(scope="module")
def walked(swept, bars):
    return walk_forward(swept.spec, SPACE, bars=bars, train="1y", test="3mo")


@pytest.fixture(scope="module")
def robust(swept):
    return robustness(swept, draws=50)


@pytest.fixture(scope="module")
def written(swept, walked, robust, tmp_path_factory):
    return reports.write_sweep(swept, tmp_path_factory.mktemp("reports") / "sweep", walked, robust)


@pytest.fixture(scope="module")
def small(bars):
    return bars.between(None, "2000-06-30")


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_what_is_in_it(written):
    names = {path.name for path in written.parent.iterdir()}
    assert names == {
        "index.html",
        "sweep.json",
        "trials.csv",
        "heat_map.csv",
        "best.toml",
        "walk_forward.csv",
        "equity.csv",
        "figures",
    }
    assert {path.stem for path in (written.parent / "figures").iterdir()} == {
        "heat-map",
        "contour",
        "parallel",
        "objectives",
        "importance",
        "splits",
        "equity",
        "drawdown",
        "exposure",
        "walk-forward",
        "walk-forward-drawdown",
        "windows",
        "paths",
    }


def test_every_trial_with_every_measure_is_in_the_csv(written, swept):
    rows = rows_of(written.parent / "trials.csv")
    assert len(rows) == len(swept)
    for at, row in enumerate(rows):
        assert float(row["number"]) == swept.numbers[at]
        assert {name: float(row[name]) for name in SPACE.names} == swept.params(at)
        for name, values in swept.metrics.items():
            assert (row[name] == "" and np.isnan(values[at])) or float(row[name]) == values[at]


def test_the_heat_map_is_in_a_csv(written, swept):
    cells = {
        (float(row["fast"]), float(row["slow"])): float(row["sharpe"])
        for row in rows_of(written.parent / "heat_map.csv")
    }
    expected = {
        tuple(swept.params(at).values()): value for at, value in enumerate(swept.objective) if not np.isnan(value)
    }
    assert cells == expected


def test_the_numbers_are_strict_json(written, swept, walked):
    found = json.loads((written.parent / "sweep.json").read_text(), parse_constant=pytest.fail)
    assert found["trials"] == len(swept) and found["best"]["params"] == swept.params(swept.best)
    assert found["space"] == SPACE.to_dict() and found["spec"]["commission"] == "0.001"
    assert found["plateau"]["best"] == swept.objective[swept.best]
    assert len(found["walk_forward"]["windows"]) == len(walked.windows)
    assert set(found["robustness"]) >= {"intervals", "trade_order", "costs", "paths"}
    assert set(found["importance"]) == {"fast", "slow"} and isinstance(found["verdict"]["passed"], bool)


def test_the_best_trial_runs_again(written, swept):
    spec = RunSpec.from_toml(written.parent / "best.toml")
    assert spec.params == swept.params(swept.best) and spec.symbols == ("AAA", "BBB")


class Tags(HTMLParser):
    """Whether every tag is closed, and what is written outside of figures."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"svg", "style", "script"} & set(self.open):
            self.text += data


def page_of(path):
    source = path.read_text(encoding="utf-8")
    page = Tags(source)
    assert page.open == []
    assert not re.search(r"url\((?!#)|@import|<link|<iframe|src=\"http", source)
    return re.sub(r"\s+", " ", page.text)


def test_the_page_says_it_all(written, swept, walked, robust):
    text = page_of(written)
    params = swept.params(swept.best)
    assert f"fast={params['fast']:g}, slow={params['slow']:g}" in text
    assert "Without any skill the best of so many" in text and "probability of backtest overfitting" in text
    assert "the same fills in the same order, the same account value" in text
    assert f"{len(walked.windows)} windows, parameters chosen anew before each" in text
    for heading in (
        "Bootstrap intervals",
        "Order of the trades",
        "Costs",
        "Random costs",
        "Walk-forward",
        "Best trials",
        "Run the best trial",
    ):
        assert heading in text, heading
    assert "2 ×" in text and "3 ×" in text and len(robust.costs) == 4
    assert "nan" not in re.sub(r"[a-z]+nan|nan[a-z]+", "", text.lower())


def test_enough_rebalance_days_are_drawn_too(small, robust, tmp_path):
    played = tuple(({"day": day}, {"sharpe": 0.1 * day, "cagr": 0.05}) for day in range(8))
    moved = dataclasses.replace(robust, timing=played, timing_luck=0.0123)
    page = reports.write_sweep(hill_sweep(small, trials=20), tmp_path / "sweep", robustness=moved)
    assert (page.parent / "figures" / "timing.png").exists()
    text = page_of(page)
    assert "Luck of the day: 1.2% a year" in text and "day=7" in text


def test_the_same_sweep_writes_the_same_files(swept, walked, robust, written, tmp_path):
    again = reports.write_sweep(swept, tmp_path / "sweep", walked, robust)
    for path in written.parent.rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (again.parent / path.relative_to(written.parent)).read_bytes(), path.name


def test_an_older_report_is_replaced_and_foreign_files_stay(small, tmp_path):
    reports.write_sweep(hill_sweep(small, trials=30), tmp_path / "sweep")
    (tmp_path / "sweep" / "notes.txt").write_text("mine")
    reports.write_sweep(hill_sweep(small, nothing=True), tmp_path / "sweep")
    assert (tmp_path / "sweep" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "sweep" / "best.toml").exists() and not list((tmp_path / "sweep" / "figures").iterdir())


def test_a_folder_of_something_else_is_left_alone(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadSpec, match="holds no report"):
        reports.write_sweep(hill_sweep(small), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_walk_forward_has_a_page_of_its_own(walked, tmp_path):
    page = reports.write_walk_forward(walked, tmp_path / "walk")
    assert {path.name for path in page.parent.iterdir()} == {
        "index.html",
        "walk_forward.json",
        "walk_forward.csv",
        "equity.csv",
        "figures",
    }
    rows = rows_of(page.parent / "walk_forward.csv")
    assert [row["test_start"] for row in rows] == [each.test_start for each in walked.windows]
    curve = rows_of(page.parent / "equity.csv")
    assert [float(row["equity"]) for row in curve] == walked.equity.tolist() and curve[0]["session"] == str(
        walked.sessions[0]
    )
    text = page_of(page)
    assert all(f"{each.test_start} to {each.test_end}" in text for each in walked.windows)
    assert json.loads((page.parent / "walk_forward.json").read_text())["trials"] == walked.trials


@pytest.mark.parametrize(
    ("fields", "there", "absent"),
    [
        (dict(trials=1), set(), {"heat-map", "objectives", "splits"}),
        (dict(space=Space({})), set(), {"parallel", "importance"}),
        (dict(space=Space({"fast": Range(5, 60, 5)})), {"objective", "parallel"}, {"heat-map", "importance"}),
        (dict(space=Space({"kind": Choice("a", "b"), "on": Choice(True, False)})), {"heat-map"}, {"contour"}),
        (dict(space=MIXED, method="tpe", trials=60), {"heat-map", "importance"}, {"front"}),
        (dict(objective="sharpe,max_drawdown", trials=40), {"front", "heat-map"}, set()),
    ],
)
def test_every_shape_of_space_has_its_figures(small, tmp_path, fields, there, absent):
    page = reports.write_sweep(hill_sweep(small, **fields), tmp_path / "sweep")
    drawn = {path.stem for path in (page.parent / "figures").iterdir()}
    assert drawn >= there and not drawn & absent
    assert "What was asked" in page_of(page)


def test_an_objective_that_is_never_a_number_is_said_aloud(small, tmp_path):
    text = page_of(reports.write_sweep(hill_sweep(small, nothing=True), tmp_path / "sweep"))
    assert "Sharpe is not a number on any of 203 trials, so none is the best: did the strategy ever trade?" in text
    assert "How far to believe it" not in text and "Run the best trial" not in text


def test_a_hundred_thousand_trials_fit_on_a_page(small, tmp_path):
    page = reports.write_sweep(hill_sweep(small, MIXED, "random", 100_000), tmp_path / "sweep")
    assert page.stat().st_size < 3_000_000
    with (page.parent / "trials.csv").open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == 100_001


def test_invented_prices_are_labelled(make_bars, tmp_path):
    invented = make_bars(60, ("A",), origin=Origin("synthetic", synthetic=True))
    assert "SYNTHETIC DATA" in page_of(reports.write_sweep(hill_sweep(invented, trials=3), tmp_path / "sweep"))


def test_names_are_escaped(small, tmp_path):
    result = hill_sweep(small, Space({"kind": Choice("<b>", "&"), "fast": Range(1, 3)}), warnings=("look <out>",))
    text = page_of(reports.write_sweep(result, tmp_path / "sweep"))
    assert "look <out>" in text and "<b>" in text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            dict(agreement=Agreement(False, (1, 2), "trial 1: fill 3 differs")),
            "They disagree over 2 trials, do not trust this sweep: trial 1: fill 3 differs",
        ),
        (dict(agreement=Agreement(None)), "Nothing was played again in Cerebro."),
        (
            dict(engine="cerebro", obstacle="protective exits"),
            "Every trial was played by Cerebro itself: protective exits.",
        ),
        (
            dict(agreement=Agreement(True, (1,))),
            "1 trial played again in Cerebro: the same fills in the same order, the same account value.",
        ),
    ],
)
def test_the_engines_in_one_line(small, fields, said):
    assert agreement(hill_sweep(small, trials=5, **fields)) == said


def test_what_is_not_known_is_not_said(small):
    result = hill_sweep(small, trials=20, deflated_sharpe=math.nan, pbo=math.nan)
    assert verdict(result) is None  # no run to judge
    assert [heading for heading, _ in beliefs(result, None, None)] == ["Engines"]


@pytest.mark.parametrize(
    ("deflated", "pbo", "words"),
    [(0.96, 0.5, ("which meets", "at most")), (0.949, 0.501, ("which is below", "more than"))],
)
def test_the_bars_of_the_gate_are_in_the_words(small, deflated, pbo, words):
    said = dict(beliefs(hill_sweep(small, trials=20, deflated_sharpe=deflated, pbo=pbo), None, None))
    assert words[0] in said["Luck"] and words[1] in said["Overfitting"]
