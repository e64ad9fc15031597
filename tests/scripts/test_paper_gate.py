"""What the gate has said binds the commands that trade: paper warns of a failure, live refuses, a pass is silent."""

import pytest
from alpaca_commands import RUN, point_at
from live_days import panel, venue

from brokers.local_alpaca import AccountRules
from core.settings import load_settings
from engine.deciding import deciding
from engine.resolve import source_digest, strategy_class
from journal import Journal
from scripts.spec_options import build_spec


def verdict(folder, passed):
    """Record what the gate would say of the run."""
    spec = build_spec(folder / "run.toml", (), {})
    with Journal(load_settings().journal) as journal:
        journal.ledger.record_verdict(run_id=None, strategy="SteadyDecisions",
                                      strategy_source=source_digest(strategy_class(spec.strategy)),
                                      params=deciding(spec), universe=spec.symbols, fingerprint="", passed=passed,
                                      reasons=[] if passed else ["deflated Sharpe 0.41 is below 0.95"], numbers={})


@pytest.mark.parametrize("passed", [False, True], ids=["failed", "passed"])
@pytest.mark.parametrize("name", ["paper", "live"])
def test_the_verdict_binds(command, folder, monkeypatch, name, passed):
    (folder / "run.toml").write_text(RUN)
    with venue(panel(), now="2024-02-20T19:05-05:00", account=AccountRules(live=name == "live")) as alpaca:
        point_at(monkeypatch, alpaca)
        verdict(folder, passed)
        answer = command(name, "run.toml", *["--i-accept-real-money"] * (name == "live"))
        refused = name == "live" and not passed
        assert answer.code == (2 if refused else 0) and bool(alpaca.ledger.orders) is not refused
        assert ("SteadyDecisions failed the gate: deflated Sharpe 0.41 is below 0.95" in answer.err) is not passed
        assert len(answer.err.splitlines()) == (0 if passed else 1)
