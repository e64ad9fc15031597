"""Every shipped strategy passes; shifted by one bar into the past, none does."""

import pytest

import checks
from core.spec import RunSpec
from engine import resolve

SHIFTED = '''
import numpy as np
from strategies import {name}


class Shifted({name}):
    @classmethod
    def signals(cls, bars, p):
        rows = super().signals(bars, p)
        return np.vstack([rows[1:], np.full((1, rows.shape[1]), np.nan)])
'''


MINUTES = dict(source="synthetic:seed=3", symbols=("SYN001", "SYN002"), interval="1m", start="2024-11-26", end="2024-12-02")
WITHIN_THE_DAY = ("BuyCloseSellOpen", "ShortTermMomentum", "TimeOfDay")


def spec(name, strategy=""):
    return RunSpec(strategy=strategy or name, **(MINUTES if name in WITHIN_THE_DAY else {}))


@pytest.mark.parametrize("name", resolve.strategy_names())
def test_shipped_strategies_do_not_look_ahead(name):
    report = checks.check(spec(name), budget_s=30, cuts=25, skip=("process",))
    assert [str(finding) for finding in report.findings] == []
    assert report.warnings == []  # it decides on the default bars


@pytest.mark.parametrize("name", [name if name in ("GoldenCross", "Momentum", "TimeOfDay") else pytest.param(name, marks=pytest.mark.soak)
                                  for name in resolve.strategy_names()])
def test_a_shift_by_one_bar_is_caught(name, tmp_path):
    (tmp_path / "shifted.py").write_text(SHIFTED.format(name=name))
    skip = ("repeat", "process", "scale", "warm-up", "orders", "perturbation")
    report = checks.check(spec(name, f"{tmp_path}/shifted.py:Shifted"), budget_s=60, skip=skip)
    assert [finding.kind for finding in report.findings] == ["future"]
