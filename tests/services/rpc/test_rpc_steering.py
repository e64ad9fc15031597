"""Through gRPC into a running paper process: the venue's ledger shows what was asked for, and the desired portfolio is what it then holds."""

import numpy as np
import pytest
from rpc_client import Client
from streamed_runs import held, lived, two_days, venue

from brokers.local_alpaca import VenueClock
from core.spec import RunSpec
from journal import Journal
from services.rpc.server import PORTS, Servers, Serving
from strategies import GoldenCross

SPEC = RunSpec(strategy="GoldenCross", params={"fast": 3, "slow": 8}, symbols=("AAA", "BBB"), interval="1m", start="2024-02-20", sizer="EqualWeight",
               on_stop="keep", name="paper")
CONFIGURE, REBALANCE = "strategyservice.StrategyService/ConfigureStrategy", "portfolioservice.PortfolioService/TriggerRebalance"
SCHEDULE, UPDATE = "portfolioservice.PortfolioService/UpdateRebalanceSchedule", "portfoliostateservice.PortfolioStateService/UpdatePortfolioState"


@pytest.fixture(name="steered")
def _steered(tmp_path, settings, source):
    """A venue, a journal on its time, and a client of servers for the run."""
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "paper.db", VenueClock(alpaca)) as journal:
        serving = Serving(spec=SPEC.replace(source=source), only=["strategy", "state", "portfolio"], ports=dict.fromkeys(PORTS, 0))
        with Servers(settings, journal, serving) as servers, Client(servers.ports) as client:
            yield alpaca, journal, client


def test_what_is_asked_by_grpc_is_done_by_the_paper_process(steered):
    """Other averages from a bar on; then somebody sells everything by hand, and it is bought again because somebody asks."""
    alpaca, journal, client = steered

    def configure(_):
        answer = client(CONFIGURE, {"strategy_name": "golden_cross", "parameters": {"fast": "2", "slow": "5"}, "requested_by": "a test"})
        assert {"fast": "2", "slow": "5"}.items() <= answer["parameters"].items()
        assert client.fails(CONFIGURE, {"strategy_name": "golden_cross", "parameters": {"fast": "9"}})[0] == "INVALID_ARGUMENT"

    def emptied(live):
        for symbol, position in dict(alpaca.ledger.positions).items():
            alpaca.outside_order(symbol=symbol, side="sell", qty=int(position))
        live.broker.reconcile()
        client(REBALANCE)
        client(SCHEDULE, {"schedule": "weekly", "requested_by": "a test"})

    at = [("2024-02-21T09:42:10-05:00", configure), ("2024-02-21T10:00:10-05:00", emptied)]
    strategy, _ = lived(alpaca, "2024-02-21T10:04:30-05:00", SPEC, journal=journal, at_time=at)
    configured, rebalanced, refused = sorted(journal.steering.answers(), key=lambda answer: answer.request_id)
    assert configured.text.startswith("fast: 3 -> 2, slow: 8 -> 5;") and configured.taken and rebalanced.taken
    assert not refused.taken and "GoldenCross, which has no schedule" in refused.text
    orders = [order for order in alpaca.ledger.orders if (order.client_order_id or "").startswith("cl-")]
    bars, moments = two_days(rows=60), {row.bar_ns for row in journal.blotter.decisions(rebalanced.account)}
    signals = GoldenCross.decisions(bars, strategy.p)
    asked = {int(moment) for moment, row in zip(bars.index, signals, strict=True) if not np.isnan(row).all()}
    later = {moment for moment in moments if configured.bar_ns <= moment}
    assert later and later <= asked | {rebalanced.bar_ns}
    assert held(strategy) == {name: float(qty) for name, qty in alpaca.ledger.positions.items() if qty}
    standing = np.array([column[~np.isnan(column)][-1] for column in signals[: int(np.searchsorted(bars.index, rebalanced.bar_ns)) + 1].T])
    bought = [order.symbol for order in orders if order.side == "buy" and journal.blotter.run_of(order.client_order_id) == "paper"]
    assert set(journal.blotter.decision(rebalanced.account, "paper", rebalanced.bar_ns).targets) == {"AAA", "BBB"}
    assert {symbol for symbol, conviction in zip(bars.symbols, standing, strict=True) if conviction} <= set(bought)
