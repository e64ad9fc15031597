"""How many trials stand behind a choice: all of them, over sessions, data, source texts and what was held fixed."""

import pytest
from made_bars import bars, walk

from core.space import Range, Space
from core.spec import RunSpec
from journal import Journal
from optimize import sweep

SPEC = RunSpec(strategy="GoldenCross").with_assignments({"slow": 20})
FAST = Space({"fast": Range(2, 14, 2)})


@pytest.fixture(name="whole", scope="module")
def _whole():
    return bars(AAA=walk(300, 7))


@pytest.fixture(name="trials_in")
def _trials_in(tmp_path):
    """The ledger's trials after each of some sweeps, given as (spec, bars)."""
    def trials_in(*swept):
        with Journal(tmp_path / "journal.db") as journal:
            return [sweep(spec, FAST, bars=panel, journal=journal, verify=False).ledger_trials for spec, panel in swept]

    return trials_in


def test_the_same_trials_on_less_data_are_no_new_ones(trials_in, whole):
    assert trials_in((SPEC, whole), (SPEC, whole.upto(280)), (SPEC.replace(period="5y"), whole.upto(270))) == [7, 7, 7]


@pytest.mark.parametrize("change", [{"slow": 30}, {"limits.max_weight": 0.5}, {"exits.stop": 0.1}])
def test_another_run_on_other_data_is_another_idea(trials_in, whole, change):
    other = SPEC.with_assignments(change)
    assert trials_in((SPEC, whole), (other, whole.upto(280)), (other, whole.upto(270))) == [7, 14, 14]


def test_an_edited_source_on_other_data_is_another_idea(trials_in, whole, tmp_path):
    path = tmp_path / "above.py"
    spec = RunSpec(strategy=f"{path}:Above", symbols=("AAA",))
    text = """
import numpy as np
from strategies.base import TargetStrategy
from indicators import on
class Above(TargetStrategy):
    params = dict(fast=5)
    @classmethod
    def signals(cls, bars, p):
        return np.where(bars.close > SHARE * on(bars).sma(p.fast), 1.0, 0.0)
"""
    found = []
    for share, rows in ((1.0, 299), (1.01, 280), (1.02, 270)):
        path.write_text(text.replace("SHARE", repr(share)))
        found += trials_in((spec, whole.upto(rows)))
    assert found == [7, 14, 21]
