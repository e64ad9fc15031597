"""Code of one's own is configured by the name that a run's spec has for it: never read by the server, checked by the run, refused with the reason."""

from decimal import Decimal

import pytest
from rpc_client import Client
from streamed_runs import lived, two_days, venue

from brokers.local_alpaca import VenueClock
from core.spec import RunSpec
from journal import Journal
from journal.steering import CONFIGURE
from services.rpc.server import PORTS, Servers, Serving

ASK, READ = "strategyservice.StrategyService/ConfigureStrategy", "strategyservice.StrategyService/GetStrategyParameters"
DECISION = dict(account="A", bar_ns=10, session="2024-03-01", strategy="Mine", strategy_source="x", fingerprint="f", equity=Decimal(1), cash=Decimal(1),
                targets={}, notes=[])
MINE = """
from pathlib import Path
from strategies import GoldenCross

with Path(__file__).with_suffix(".log").open("a") as log:
    log.write("read\\n")


class Mine(GoldenCross):
    pass
"""


@pytest.fixture(name="code")
def _code(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    return path


def served(settings, journal, source):
    return Servers(settings, journal, Serving(spec=RunSpec(source=source), only=["strategy"], ports=dict.fromkeys(PORTS, 0)))


def test_it_is_never_read_for_whoever_names_it(tmp_path, settings, source, code):
    name, other = f"{code}:Mine", f"{code}:Other"
    with Journal(tmp_path / "own.db") as journal:
        for run, strategy in (("first", name), ("second", name), ("third", "GoldenCross"), ("fourth", other)):
            journal.blotter.decide([], run_key=run, spec={"strategy": strategy}, **DECISION)
        journal.blotter.decide([], run_key="fourth", spec={"strategy": "other.py:Mine"}, **{**DECISION, "bar_ns": 11})
        with served(settings, journal, source) as servers, Client(servers.ports) as client:
            answer = client(ASK, {"strategy_name": name, "parameters": {"fast": "2", "wild": "yes"}, "requested_by": "a test"})
            assert answer["parameters"] == {"fast": "2", "wild": "yes"} and answer["strategy_name"] == "Mine"
            asked = journal.steering.requests(CONFIGURE)
            assert [(each.strategy, each.run, each.facts) for each in asked] == [
                ("Mine", run, {"parameters": {"fast": 2, "wild": "yes"}}) for run in ("first", "second")]
            for method, wanted in ((ASK, other), (ASK, f"{code}:Nothing"), (ASK, "os:system"), (READ, name)):
                status, words = client.fails(method, {"strategy_name": wanted, **({"parameters": {"fast": "2"}} if method is ASK else {})})
                assert status in ("NOT_FOUND", "INVALID_ARGUMENT") and ("no run in the journal decides by it" in words or "not taken from outside" in words)
            assert client.fails(ASK, {"strategy_name": name})[0] == "INVALID_ARGUMENT"
        assert journal.steering.requests(CONFIGURE) == asked
    assert not code.with_suffix(".log").exists()


def test_a_running_process_takes_what_it_can_and_says_why_not(tmp_path, settings, source, code):
    spec = RunSpec(strategy=f"{code}:Mine", params={"fast": 3, "slow": 8}, symbols=("AAA", "BBB"), interval="1m", start="2024-02-20",
                   sizer="EqualWeight", on_stop="keep", name="paper")
    with venue(two_days(rows=60), "2024-02-21T09:34:30-05:00") as alpaca, Journal(tmp_path / "paper.db", VenueClock(alpaca)) as journal, \
            served(settings, journal, source) as servers, Client(servers.ports) as client:

        def configure(_):
            client(ASK, {"strategy_name": spec.strategy, "parameters": {"fast": "2", "slow": "5"}})
            client(ASK, {"strategy_name": spec.strategy, "parameters": {"fast": "9"}})
            client(ASK, {"strategy_name": spec.strategy, "parameters": {"fats": "4"}})

        lived(alpaca, "2024-02-21T09:58:30-05:00", spec, journal=journal, at_time=[("2024-02-21T09:52:10-05:00", configure)])
        taken, refused, unknown = sorted(journal.steering.answers(), key=lambda answer: answer.request_id)
        assert taken.taken and taken.text.startswith("fast: 3 -> 2, slow: 8 -> 5") and taken.run == "paper"
        assert not refused.taken and "fast=9 is not below slow=5" in refused.text
        assert not unknown.taken and "did you mean 'fast'" in unknown.text
