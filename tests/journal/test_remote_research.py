"""Backtests, sweeps and history behind the REST API: exact to the bit, in as many requests as it takes, and wrong ones named."""

import base64
import itertools
import struct
from decimal import Decimal

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import StoreFailed, UnknownName
from core.measures import MEASURES
from journal import Journal, SweepHead, opened
from journal.ledger import rows_of
from journal.run_record import run_record
from services.api.staged import Staged

HEAD = SweepHead("key", "GoldenCross", "source", ["BBB", "AAA"], "data", {"cash": 1.0}, {"fast": "1:3:1"}, "grid", "sharpe", -(2**63),
                 "twin", "2020-01-02", "2020-12-31", 2**40)
ODD = [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 0.1 + 0.2, 1.7976931348623157e308]


@pytest.fixture(name="remote")
def _remote(url):
    with opened(url) as journal:
        yield journal


def trials(count, width=3):
    chosen = np.random.default_rng(count)
    measures = chosen.normal(size=(count, len(MEASURES)))
    sums = chosen.normal(size=(count, width)).astype(np.float32)
    return [{"fast": number, "sizer.risk": number / 7, "across": "chosen", "on": number % 2 == 0} for number in range(count)], measures, sums


def plain(row):
    return {name: value for name, value in vars(row).items() if not name.startswith("_")}


def same(batch, other):
    assert batch.numbers.tolist() == other.numbers.tolist() and batch.params == other.params
    for mine, theirs in zip(batch[2:], other[2:], strict=True):
        assert (mine.dtype, mine.shape, mine.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


def test_every_float_of_a_trial_comes_back_to_the_bit(remote, path):
    """What the database makes of a number, the API does: it has no NaN, and keeps the sign and the last bit of all others."""
    measures = np.resize(ODD, (len(ODD), len(MEASURES)))
    sums = np.resize(np.array([*ODD[:4], 1e-45, 3.4028235e38], np.float32), (len(ODD), 4))
    numbers = [0, 1, 2, 3, 4, 2**62, 2**63 - 1]
    params = [{"a": value} for value in (1, 1.0, -0.0, 1e22, 2**70, "x\u0000y", True)]
    with Journal(path) as journal:
        ids = [ledger.begin(SweepHead(**{**vars(HEAD), "key": key}))[0] for key, ledger in (("a", remote.ledger), ("b", journal.ledger))]
        for ledger, sweep in zip((remote.ledger, journal.ledger), ids, strict=True):
            ledger.append(sweep, numbers, params, measures, sums, sums[::-1])
        there, = journal.ledger.trials(ids[1])
        for ledger in (remote.ledger, journal.ledger):
            batch, = ledger.trials(ids[0])
            same(batch, there)
            assert [type(each["a"]) for each in batch.params] == [type(each["a"]) for each in params]
        assert plain(remote.ledger.sweep(ids[0])) == plain(journal.ledger.sweep(ids[0]))
        assert (there.sum.tobytes(), there.numbers.tolist()) == (sums.tobytes(), numbers)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4), st.integers(-(2**63), 2**63 - 1))
def test_every_amount_of_a_run_comes_back_to_the_bit(remote, make_result, numbers, time_ns):
    size, price, commission, cash = numbers
    result = make_result()
    record = run_record(result, None, 5)
    record.values.update(cash=cash, metrics={"sharpe": size, "trades": 3, "none": float("nan")})
    record.orders[0].update(size=size, price=price, time_ns=time_ns)
    record.executions[0].update(size=size, price=price, commission=commission, time_ns=time_ns)
    number = remote.insert_run(record)
    order, execution = remote.orders(number)[0], next(row for row in remote.executions(number) if row.order_number == 1)
    assert [struct.pack("d", float(each)) for each in (order.size, order.price, execution.commission)] == [
        struct.pack("d", each + 0.0 if each else float(Decimal(repr(each)))) for each in (size, price, commission)]
    assert (order.time_ns, execution.time_ns, remote.run(number).cash) == (time_ns, time_ns, Decimal(repr(cash)))
    assert remote.run(number).metrics == {"none": None, "sharpe": size, "trades": 3} and type(remote.run(number).metrics["trades"]) is int


def test_a_run_is_in_the_database_as_if_it_had_been_recorded_there(remote, path, make_result):
    with Journal(path) as journal:
        numbers = [each.record_run(make_result(), "runs/first") for each in (remote, journal)]
        own = dict.fromkeys(("id", "run_id", "created_ns", "key"))  # of the record, not of the run
        for read in (lambda journal, number: [journal.run(number)], lambda journal, number: journal.orders(number),
                     lambda journal, number: journal.executions(number)):
            mine, theirs = (list(map(plain, read(journal, number))) for number in numbers)
            assert [{**row, **own} for row in mine] == [{**row, **own} for row in theirs]
            through = read(remote, numbers[1])
            assert [{**row, **plain(each)} for row, each in zip(theirs, through, strict=True)] == theirs


class Forgetful(Staged):
    """Forgets everything before the first run is told, as an API does that is started again."""

    asked = 0

    def all_of(self, key, count):
        self.asked += 1
        if self.asked == 1:
            self.drop(key)
        return super().all_of(key, count)


def test_a_run_larger_than_a_request_is_all_or_nothing(remote, api, path, make_result, monkeypatch):
    monkeypatch.setattr("journal.remote_research.BODY", 1_000)
    api[0].state.staged = staged = Forgetful()
    order, fill = make_result().orders[0], make_result().fills[0]
    result = make_result(orders=[order._replace(order=at) for at in range(50)], fills=[fill._replace(order=at) for at in range(40)])
    number = remote.record_run(result)
    assert [row.number for row in remote.orders(number)] == list(range(50)) and len(remote.executions(number)) == 40
    assert staged.asked == 2 and not staged._parts
    with Journal(path) as journal:
        assert [plain(row) for row in journal.orders(number)] == [plain(row) for row in remote.orders(number)]
    later = [each._replace(time=each.time + 1) for each in result.fills]
    assert remote.record_executions(number, [*result.fills, *later]) == 40


def test_an_api_that_loses_every_part_is_one_clear_line(remote, api, make_result, monkeypatch):
    class Lossy(Staged):
        def put(self, key, number, part):
            """Keep nothing."""

    monkeypatch.setattr("journal.remote_research.BODY", 100)
    api[0].state.staged = Lossy()
    with pytest.raises(StoreFailed, match="lost parts of a run 3 times"):
        remote.record_run(make_result())
    assert remote.runs() == []


def test_parts_that_nobody_claims_are_forgotten():
    staged = Staged(most=10)
    staged.put("first", 0, b"12345")
    staged.put("second", 0, b"12345")
    staged.put("second", 0, b"1234")
    assert staged.all_of("first", 1) == [b"12345"] and staged.all_of("none", 0) == []
    staged.put("third", 1, b"123")
    with pytest.raises(UnknownName, match="unknown part 0 of first: send all 1 parts again"):
        staged.all_of("first", 1)
    with pytest.raises(UnknownName, match="unknown part 0 of third"):
        staged.all_of("third", 2)
    assert staged.all_of("second", 1) == [b"1234"]


def test_what_is_read_comes_in_as_many_answers_as_it_takes(remote, path, make_result, monkeypatch):
    for name, most in (("MOST_RECORDS", 2), ("MOST_ROWS", 2), ("MOST_TRIALS", 3), ("MOST_NUMBERS", 2)):
        monkeypatch.setattr(f"journal.remote_research.{name}", most)
    params, measures, sums = trials(10)
    with Journal(path) as journal:
        for _ in range(5):
            journal.record_run(make_result())
        ids = [journal.ledger.begin(SweepHead(**{**vars(HEAD), "key": str(at)}))[0] for at in range(5)]
        journal.ledger.append(ids[0], range(10), params, measures, sums, sums)
        assert [row.id for row in remote.runs()] == [5, 4, 3, 2, 1] and [row.id for row in remote.runs(limit=3)] == [5, 4, 3]
        assert [row.id for row in remote.runs("GoldenCross", before=3)] == [2, 1]
        assert [row.number for row in remote.orders(1)] == [1, 2, 3]
        assert [row.id for row in remote.ledger.sweeps("GoldenCross", ["AAA", "BBB"])] == ids
        assert [row.id for row in remote.ledger.sweeps(after=ids[1], limit=2)] == ids[2:4]
        assert remote.ledger.begin(SweepHead(**{**vars(HEAD), "key": "0"}))[1].tolist() == list(range(10))
        monkeypatch.setattr("journal.ledger.READ_AT_ONCE", 7)
        for one, other in zip(remote.ledger.trials(ids[0]), journal.ledger.trials(ids[0]), strict=True):
            same(one, other)
        assert remote.ledger.part(ids[1], -1, 5) is None and remote.ledger.count(ids[1]) == 0


def test_history_comes_in_as_many_answers_as_it_takes(remote, path, monkeypatch):
    monkeypatch.setattr("journal.remote_state.FEW", 2)
    decision = dict(account="A", session="2024-03-01", strategy="S", strategy_source="x", spec={}, fingerprint="f", targets={}, notes=[])
    with Journal(path) as journal:
        for at in range(5):
            journal.history.say("A", f"r{at % 2}", "S", at, {"AAA": 1.0})
            journal.history.take("A", f"r{at % 2}", Decimal("0.10"), Decimal(1), {"AAA": {"quantity": "1"}}, time_ns=at + 1)
            journal.blotter.decide([], run_key="r0", bar_ns=at + 1, equity=Decimal(at), cash=Decimal("1e-20"), **decision)
        for name, chosen in itertools.product(("signals", "snapshots", "equity"), (("A",), ("A", "r0"), ("A", None, 2, 4), ("B",))):
            assert getattr(remote.history, name)(*chosen) == getattr(journal.history, name)(*chosen)
        assert len(remote.history.equity("A")) == 10 and len(remote.history.signals()) == 5


def test_many_trials_go_in_requests_that_fit(remote, monkeypatch):
    params, measures, sums = trials(3_000, width=100)
    asked = []
    send = type(remote.ledger._client).send
    monkeypatch.setattr(type(remote.ledger._client), "send", lambda self, method, path, body: asked.append(body) or send(self, method, path, body))
    sweep, _ = remote.ledger.begin(HEAD)
    remote.ledger.insert(rows_of(sweep, range(3_000), params, measures, sums, sums), finished=sweep)
    sizes = [len(httpx.Request("POST", "http://x", json=body).content) for body in asked[1:]]
    assert max(sizes) < 500_000 and len(sizes) == pytest.approx(sum(sizes) / 400_000, abs=2)
    assert [body["finished"] for body in asked[1:]] == [False] * (len(sizes) - 1) + [True]
    assert remote.ledger.count(sweep) == 3_000 and remote.ledger.sweep(sweep).finished_ns == 3


RUN = dict(key="a" * 8, strategy="S", strategy_source="x", symbols=["A"], spec={}, source="csv", start="2020-01-02", end="2020-01-03", interval="1d",
           fingerprint="f", versions={}, cash=1, final_value="1", metrics={}, warnings=[], trades=0, fills=0, rejected=0, seconds=0.1)
TRIALS = dict(names=list(MEASURES), numbers=[], params=[], measures="", blocks="")
ONE = dict(TRIALS, numbers=[1], params=[{}], measures=base64.b64encode(bytes(8 * len(MEASURES))).decode(), blocks="AAAAAAAAAAA=")
RUN_ORDER = dict(number=1, time_ns=1, symbol="A", size=1, kind="Market", status="Completed", filled=1)


@pytest.mark.parametrize(("method", "what", "body", "status", "words"), [
    ("POST", "/runs", {**RUN, "cash": "many"}, 422, "cash: "), ("POST", "/runs", {**RUN, "final_value": "NaN"}, 422, "final_value: "),
    ("POST", "/runs", {**RUN, "start": "x"}, 422, "start: "), ("POST", "/runs", {**RUN, "key": "x"}, 422, "key: "),
    ("POST", "/runs", {**RUN, "cahs": 1}, 422, "cahs: "), ("POST", "/runs", {**RUN, "orders": [{**RUN_ORDER, "time_ns": 2**63}]}, 422, "orders.0.time_ns: "),
    ("POST", "/runs", {**RUN, "orders": [RUN_ORDER, RUN_ORDER]}, 422, "orders: number 1 is there 2 times"),
    ("POST", "/runs", {**RUN, "parts": 2}, 404, "unknown part 0"), ("POST", "/runs", {**RUN, "metrics": {"sharpe": "high"}}, 422, "metrics.sharpe"),
    ("PUT", "/runs/parts/aaaaaaaa/0", {"orders": [{}]}, 422, "orders.0.number: "), ("PUT", "/runs/parts/aaaaaaaa/x", {}, 422, "number: "),
    ("POST", "/runs/7/executions", {"executions": []}, 404, "unknown run 7"), ("GET", "/runs/7/orders", None, 404, "unknown run 7"),
    ("GET", "/runs/7/executions?limit=0", None, 422, "limit: "),
    ("POST", "/ledger/sweeps", {}, 422, "key: "), ("GET", "/ledger/sweeps/7", None, 404, "unknown sweep 7"),
    ("POST", "/ledger/sweeps/7/trials", TRIALS, 404, "unknown sweep 7"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "names": ["sharpe"]}, 422, "names must be those of this version"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "params": []}, 422, "params must be as many as numbers, 1, not 0"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "params": [{"a": [1]}]}, 422, "params.0.a"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "measures": "?"}, 422, "measures: Value error, Value should be base64"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "measures": "AAAA"}, 422, "measures must be 1 x 17 float64, 136 bytes, not 3"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "blocks": "AAAA"}, 422, "blocks must be 1 x 2 x"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "blocks": ""}, 422, "blocks must be 1 x 2 x"),
    ("POST", "/ledger/sweeps/1/trials", {**TRIALS, "blocks": "AAAA"}, 422, "blocks must be 0 x 2 x"),
    ("POST", "/ledger/sweeps/1/trials", ONE, 422, "blocks: 1 of each trial, and those of sweep 1 have 3: divide the sessions alike"),
    ("POST", "/ledger/sweeps/1/trials", {**ONE, "numbers": [2**63]}, 422, "numbers.0: "),
    ("GET", "/ledger/sweeps/1/trials?limit=1001", None, 422, "limit: "), ("GET", "/ledger/sweeps/1/numbers?after=x", None, 422, "after: "),
    ("POST", "/verdicts", {}, 422, "strategy: "), ("GET", "/signals?limit=1001", None, 422, "limit: "), ("GET", "/equity?account=A&after=x", None, 422, "after 'x'"),
    ("POST", "/verdicts", dict(run_id=7, strategy="S", strategy_source="x", params={}, universe=[], fingerprint="f", passed=True, reasons=[], numbers={}),
     404, "unknown run 7"),
])
def test_what_is_wrong_is_named(url, remote, method, what, body, status, words):
    sweep, _ = remote.ledger.begin(HEAD)
    params, measures, sums = trials(2)
    remote.ledger.append(sweep, [0, 1], params, measures, sums, sums)
    answer = httpx.request(method, f"{url}/v1{what}", json=body)
    assert answer.status_code == status and words in answer.json()["detail"], answer.text
    assert remote.ledger.count(sweep) == 2 and remote.runs() == []


def test_parameters_that_are_no_numbers_never_reach_the_ledger(url, remote):
    sweep, _ = remote.ledger.begin(HEAD)
    body = str({**ONE, "params": [{"a": "?"}]}).replace("'?'", "NaN").replace("'", '"')
    answer = httpx.post(f"{url}/v1/ledger/sweeps/{sweep}/trials", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422 and "params.0.a" in answer.json()["detail"] and remote.ledger.count(sweep) == 0
