"""A real process of a streaming run is steered, killed as its order leaves, and started again: nothing is lost, nothing is traded twice.

Its journal is a file, or the API over PostgreSQL, which shows what it says and is worth while it goes on.
"""

import os
import signal
from contextlib import ExitStack, contextmanager

import pytest
import requests
from alpaca_streams import until
from api_settings import settings_in
from paper_processes import PATIENCE_S, RUN, STRATEGY, Paper, at, heard
from postgres_server import started
from pydantic import SecretStr
from rpc_client import FREE, Client
from served import serving

from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.calendars import MINUTE_NS
from core.spec import RunSpec
from journal import opened
from services.api.app import create_app
from services.rpc.server import Servers, Serving

pytestmark = pytest.mark.slow


@contextmanager
def api_on_postgres(folder):
    """The address of an API whose journal is on PostgreSQL."""
    with started() as server:
        settings = settings_in(folder).model_copy(update={"journal_place": SecretStr(server.get_uri())})
        with serving(create_app(settings, rate=0)) as url:
            yield url


@pytest.fixture(name="place", params=["file", "api"])
def _place(request, tmp_path):
    with ExitStack() as stack:
        yield f"sqlite:///{tmp_path}/journal.db" if request.param == "file" else stack.enter_context(api_on_postgres(tmp_path / "api"))


def kill_at_order(alpaca, process):
    """SIGKILL, once the venue has taken an order and before the process hears of it."""
    def watch(stage, request):
        if stage == "after" and request.method == "POST" and request.path == "/v2/orders" and process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)

    alpaca.on_request(watch)


def test_a_steered_process_that_is_killed_goes_on_as_it_was_told(place, tmp_path):
    bars = minutes(AAA=[100.0] * 30, BBB=[50.0] * 30)
    with LocalAlpaca(bars, now=at("09:34:54"), account=AccountRules(multiplier=4)) as alpaca, opened(place) as journal:
        paper = Paper(alpaca, tmp_path, place)
        journal.steering.ask("configure", STRATEGY, RUN, {"parameters": {"share": "0.3"}}, "a test")
        with paper.process() as process:
            kill_at_order(alpaca, process)
            assert process.wait(PATIENCE_S) == -signal.SIGKILL
        [order] = alpaca.ledger.orders
        alpaca.fill(order.id, price=100.0)
        alpaca.advance(seconds=54 - alpaca.now % MINUTE_NS / 1e9)
        journal.steering.ask("rebalance", STRATEGY, RUN, {}, "a test", asked_ns=alpaca.now)
        with paper.process() as process:
            lines = heard(process, "rebalance 2 of a test is taken")
            check_services(journal, place, alpaca)
            process.send_signal(signal.SIGTERM)
            rest, _ = process.communicate(timeout=60)
            assert process.returncode == 0, rest
        told = "".join(lines) + rest
        assert "configure 1 of a test is in force again: share: 0.1 -> 0.3" in told and "configure 1 of a test is taken" not in told
        check_journal(journal, alpaca)


def check_journal(journal, alpaca):
    """One order for three tenths of the account, executed once, decided by what was asked for."""
    [order], [done] = alpaca.ledger.orders, journal.account_log.executions(alpaca.account_id, RUN)
    assert float(order.qty) == 300 and (done.client_order_id, done.signed) == (order.client_order_id, order.qty)
    [row] = journal.blotter.decisions(alpaca.account_id, RUN)
    assert row.spec["params"] == {"share": 0.3} and row.targets == {"AAA": 300.0}
    assert [(answer.request_id, answer.taken) for answer in journal.steering.answers()] == [(1, True), (2, True)]
    assert [each.convictions for each in journal.history.signals(alpaca.account_id, RUN)][-1] == {"AAA": 0.3}
    last = journal.history.snapshots(alpaca.account_id, RUN)[-1]
    assert (last.equity, last.cash) == (100_000, 70_000) and last.positions == {"AAA": {"quantity": "300", "price": "100"}}


def check_services(journal, place, alpaca):
    """While the run goes on, REST and gRPC say what it says, holds and is worth."""
    def got(path):
        return requests.get(f"{place}/v1{path}?account={alpaca.account_id}", timeout=60).json()

    until(journal.history.signals)  # they are written down once the orders have left
    if place.startswith("http"):
        [said] = got("/signals")["signals"]
        assert (said["run"], said["strategy"], said["convictions"]) == (RUN, STRATEGY, {"AAA": 0.3}) and said["bar_ns"] % MINUTE_NS == 0
        worth = got("/equity")["equity"]
        assert {(point["run"], point["source"]) for point in worth} == {(RUN, "run"), ("", "run"), (RUN, "decision")}
        assert {float(point["equity"]) for point in worth} == {100_000}
    with Servers(None, journal, Serving(RunSpec(), only=("state",), ports=FREE)) as servers, Client(servers.ports) as client:
        state = client("portfoliostateservice.PortfolioStateService/GetPortfolioState", {"account": alpaca.account_id})
        assert (state["cash_balance"], state["positions"][0]["quantity"]) == (70_000, 300)
