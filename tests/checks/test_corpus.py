"""Twenty and more strategies that look ahead, each found; twenty that do not, each left alone."""

from pathlib import Path

import pytest

import checks
from core.spec import RunSpec

pytestmark = pytest.mark.slow

CORPUS = Path(__file__).parent / "corpus"
CLEAN = sorted(each.stem for each in CORPUS.glob("clean_*.py"))
LEAKY = {  # file -> the kind of probe that must find it
    "leaky_backfill": "future", "leaky_best_column": "future", "leaky_calendar": "future",
    "leaky_centred_window": "future", "leaky_class_cache": "repeat", "leaky_clock": "process",
    "leaky_dividend": "future", "leaky_full_sample": "future", "leaky_hash_order": "process",
    "leaky_interpolation": "future", "leaky_plain_array": "future", "leaky_plain_index": "delivery",
    "leaky_plain_line": "delivery", "leaky_plain_random": "repeat", "leaky_plain_rare": "future",
    "leaky_plain_unguarded": "delivery", "leaky_rank": "future", "leaky_rare": "perturbation",
    "leaky_remembered_run": "repeat", "leaky_shift": "future", "leaky_sizer": "orders",
    "leaky_turning_points": "future", "leaky_unseeded": "repeat", "leaky_volume": "perturbation",
    "leaky_week_close": "future",
}


def spec_of(name):
    return RunSpec(strategy=str(CORPUS / f"{name}.py"))


def bars_for(name, panel, plain_panel):
    return plain_panel if "_plain_" in name else panel


def test_the_corpus_is_complete():
    assert sorted(each.stem for each in CORPUS.glob("leaky_*.py")) == sorted(LEAKY)
    assert len(LEAKY) >= 20 and len(CLEAN) >= 20


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.soak) if name == "leaky_clock" else name for name in LEAKY])
def test_every_leak_is_found(name, panel, plain_panel):
    skip = {"process", "orders", "scale"} - {LEAKY[name]}
    bars = bars_for(name, panel, plain_panel)
    report = checks.check(spec_of(name), bars=bars, budget_s=60, cuts=30 if bars is plain_panel else None, skip=skip)
    assert LEAKY[name] in {finding.kind for finding in report.findings}
    assert report.findings[0].symbol and report.findings[0].session >= "2015-01-02"


@pytest.mark.parametrize("cuts", [6, pytest.param(30, marks=pytest.mark.soak)])
@pytest.mark.parametrize("name", [*CLEAN[::2], *(pytest.param(name, marks=pytest.mark.soak) for name in CLEAN[1::2])])
def test_no_false_alarm(name, cuts, panel, plain_panel):
    skip = ("process",) if name == "clean_sizer" else ("process", "orders")
    report = checks.check(spec_of(name), bars=bars_for(name, panel, plain_panel), budget_s=60, cuts=cuts, skip=skip)
    assert [str(finding) for finding in report.findings] == []
    assert "clean" in {probe.result for probe in report.probes if probe.kind == "future"}
    assert bool(report.warnings) == (name == "clean_idle")


@pytest.mark.soak
@pytest.mark.parametrize(("name", "cuts"), [("leaky_hash_order", 5), ("leaky_rare", None), ("leaky_plain_rare", 40)])
def test_the_hardest_are_found_on_the_default_bars(name, cuts):
    report = checks.check(spec_of(name), budget_s=60, cuts=cuts, skip=("orders", "scale"))
    assert not report.clean


@pytest.mark.parametrize(("name", "row", "symbol"), [pytest.param("leaky_rare", 311, 0, marks=pytest.mark.soak), ("leaky_plain_rare", 332, 0)])
def test_the_one_bar_in_500_is_named(name, row, symbol, panel, plain_panel):
    bars = bars_for(name, panel, plain_panel)
    cuts = 30 if bars is plain_panel else None
    skip = ("process", "orders", "scale", "repeat")
    report = checks.check(spec_of(name), bars=bars, budget_s=60, cuts=cuts, skip=skip)
    assert {(finding.session, finding.time, finding.symbol) for finding in report.findings} == {
        (str(bars.session[row]), bars.index[row], bars.symbols[symbol])}
