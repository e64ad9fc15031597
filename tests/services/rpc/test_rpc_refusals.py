"""What is asked wrongly is refused with a status and the name of the field; nothing is written, nothing hangs, nothing is said of the inside."""

import threading
import time

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from rpc_client import Client

from core.errors import SourceUnavailable, StoreFailed, UnknownName, UsageError
from services.rpc import data

DATA, BATCH = "dataservice.DataService/GetStockData", "dataservice.DataService/GetBatchStockData"
SIGNALS, CONFIGURE = "strategyservice.StrategyService/GenerateSignals", "strategyservice.StrategyService/ConfigureStrategy"
PARAMETERS = "strategyservice.StrategyService/GetStrategyParameters"
STATE, UPDATE = "portfoliostateservice.PortfolioStateService/GetPortfolioState", "portfoliostateservice.PortfolioStateService/UpdatePortfolioState"
ORDERS, DESIRED = "portfolioservice.PortfolioService/GenerateOrders", "portfolioservice.PortfolioService/GetDesiredPortfolioState"
REBALANCE, SCHEDULE = "portfolioservice.PortfolioService/TriggerRebalance", "portfolioservice.PortfolioService/UpdateRebalanceSchedule"
METHODS = (DATA, BATCH, SIGNALS, CONFIGURE, PARAMETERS, STATE, UPDATE, ORDERS, DESIRED, REBALANCE, SCHEDULE)
BUY = {"symbol": "AAPL", "signal": "BUY", "risk_unit": 0.1, "current_price": 150.0}
WRONG, MISSING = "INVALID_ARGUMENT", "NOT_FOUND"


@pytest.mark.parametrize("method, asked, status, said", [
    (DATA, {}, WRONG, "symbol: '' at 0 is no symbol"),
    (DATA, {"symbol": "../etc/passwd"}, WRONG, "symbol: '../etc/passwd'"),
    (DATA, {"symbol": "NOPE"}, MISSING, "unknown symbol 'NOPE'"),
    (DATA, {"symbol": "AAPL", "start_date": "2023-02-30"}, WRONG, "start_date is '2023-02-30'"),
    (DATA, {"symbol": "AAPL", "start_date": "2023-06-01", "end_date": "2023-01-01"}, WRONG, "start_date 2023-06-01 is after end_date 2023-01-01"),
    (DATA, {"symbol": "AAPL", "start_date": "2030-01-01"}, MISSING, "no 1d bars of AAPL from 2030-01-01"),
    (DATA, {"symbol": "AAPL", "interval": "daily"}, WRONG, "interval 'daily' is not understood"),
    (DATA, {"symbol": "AAPL", "source": "csv:/etc"}, WRONG, "source 'csv:/etc' is a file or code of this machine"),
    (DATA, {"symbol": "AAPL", "source": "yohoo"}, WRONG, "unknown source 'yohoo': did you mean 'yahoo'?"),
    (BATCH, {}, WRONG, "symbols: 0 were given"),
    (BATCH, {"symbols": ["AAPL", "AAPL"]}, WRONG, "symbols: AAPL is named twice"),
    (BATCH, {"symbols": [f"S{at}" for at in range(2_001)]}, WRONG, "symbols: 2001 were given"),
    (SIGNALS, {"symbols": ["AAPL"], "strategy_name": "momentun"}, MISSING, "unknown strategy 'momentun'"),
    (SIGNALS, {"symbols": ["AAPL"], "strategy_name": "evil.py:Strategy"}, WRONG, "is a file or code of this machine"),
    (SIGNALS, {"symbols": ["AAPL"], "market_index": "^NOPE"}, MISSING, "unknown symbol '^NOPE'"),
    (SIGNALS, {"symbols": ["AAPL"], "parameters": {"lookback": "nan"}}, WRONG, "lookback"),
    (SIGNALS, {"symbols": ["AAPL"], "parameters": {"lookbock": "90"}}, WRONG, "did you mean 'lookback'"),
    (CONFIGURE, {}, WRONG, "strategy_name is empty"),
    (CONFIGURE, {"strategy_name": "nobody"}, MISSING, "unknown strategy 'nobody'"),
    (CONFIGURE, {"strategy_name": "momentum"}, WRONG, "parameters: none were given"),
    (CONFIGURE, {"strategy_name": "momentum", "parameters": {"topPercentage": "2"}}, WRONG, "top=2"),
    (CONFIGURE, {"strategy_name": "momentum", "parameters": {"riskFactor": "-1"}}, WRONG, "sizer.risk is -1"),
    (CONFIGURE, {"strategy_name": "momentum", "parameters": {"lookbackPeriod": "inf"}}, WRONG, "lookbackPeriod is inf"),
    (PARAMETERS, {"strategy_name": "csv"}, MISSING, "unknown strategy 'csv'"),
    (STATE, {"account": "nobody"}, MISSING, "unknown account 'nobody'"),
    (STATE, {"run": "none"}, MISSING, "unknown run on the account default 'none'"),
    (UPDATE, {}, WRONG, "positions and cash_balance are both missing"),
    (UPDATE, {"cash_balance": "NaN"}, WRONG, "cash_balance is nan"),
    (UPDATE, {"positions": [{"symbol": "", "quantity": 1}]}, WRONG, "positions[0].symbol is ''"),
    (UPDATE, {"positions": [{"symbol": "A", "quantity": 1}] * 2}, WRONG, "positions[1].symbol is 'A'"),
    (UPDATE, {"positions": [{"symbol": "A", "quantity": "Infinity"}]}, WRONG, "positions[0].quantity is inf"),
    (UPDATE, {"positions": [{"symbol": "A", "quantity": 1, "current_price": -2}]}, WRONG, "positions[0].current_price is -2"),
    (UPDATE, {"positions": [{"symbol": "A", "quantity": 10, "current_price": 2, "market_value": 30}]}, WRONG, "positions[0].market_value is 30"),
    (ORDERS, {"signals": [{**BUY, "signal": "MAYBE"}]}, WRONG, "signals[0].signal is 'MAYBE': write BUY, SELL, HOLD or SHORT"),
    (ORDERS, {"signals": [BUY, {**BUY, "risk_unit": "NaN"}]}, WRONG, "signals[1].risk_unit is nan"),
    (ORDERS, {"signals": [{**BUY, "risk_unit": -0.1}]}, WRONG, "signals[0].risk_unit is -0.1"),
    (ORDERS, {"signals": [{**BUY, "current_price": 0}]}, WRONG, "signals[0].current_price is 0"),
    (ORDERS, {"signals": [{**BUY, "momentum_score": -1}]}, WRONG, "signals[0].momentum_score is -1"),
    (ORDERS, {"signals": [BUY, BUY]}, WRONG, "signals name AAPL twice"),
    (ORDERS, {"signals": [{"symbol": "NOPE", "signal": "BUY"}]}, MISSING, "unknown symbol 'NOPE'"),
    (ORDERS, {"signals": [BUY], "account": "nobody"}, MISSING, "unknown account 'nobody'"),
    (DESIRED, {"account": "nobody"}, MISSING, "unknown account 'nobody'"),
    (REBALANCE, {"strategy_name": "nobody"}, MISSING, "unknown strategy 'nobody'"),
    (SCHEDULE, {}, WRONG, "unknown schedule '': write daily, weekly"),
    (SCHEDULE, {"schedule": "hourly"}, WRONG, "unknown schedule 'hourly': write daily, weekly, monday"),
    (SCHEDULE, {"schedule": "monthly", "strategy_name": "momentum"}, WRONG, "schedule 'monthly' is none of Momentum, which decides weekly"),
    (SCHEDULE, {"schedule": "weekly", "strategy_name": "golden_cross"}, WRONG, "GoldenCross, which has no schedule"),
])
def test_bad_input_is_refused_by_name(shared, method, asked, status, said):
    client, journal = shared
    found, text = client.fails(method, asked)
    assert (found, said in text) == (status, True), text
    assert "\n" not in text and "Traceback" not in text
    assert not journal.steering.requests() and not journal.state.reconciliations()


def test_bytes_that_are_no_message_are_a_wrong_argument(shared):
    with pytest.raises(grpc.RpcError) as refused:
        shared[0].raw(DATA, b"\xff\xff\xff")
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT and "is no dataservice.StockDataRequest" in refused.value.details()


def test_a_message_beyond_the_limit_is_not_read(shared):
    with pytest.raises(grpc.RpcError) as refused:
        shared[0].raw(UPDATE, bytes(5_000_000))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


NAMES = some.sampled_from(["AAPL", "MSFT", "^GSPC", "momentum", "golden_cross", "weekly", "1d", "2023-01-03", "BUY", "SELL", "HOLD", "lookback", "0.2", ""])
TEXTS = NAMES | some.text(max_size=20)
NUMBERS = some.floats() | some.sampled_from([0.0, 0.1, 1.0, 100.0, -5.0])


def messages(descriptor):
    """Any message of a kind."""
    def one(field):
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return some.dictionaries(TEXTS, TEXTS if field.message_type.fields_by_name["value"].cpp_type == field.CPPTYPE_STRING else NUMBERS, max_size=3)
        value = (messages(field.message_type) if field.message_type is not None else TEXTS if field.cpp_type == field.CPPTYPE_STRING else
                 some.integers(0, 2**40) if field.cpp_type == field.CPPTYPE_INT64 else NUMBERS)
        return some.lists(value, max_size=3) if field.is_repeated else value

    fields = {field.name: one(field) for field in descriptor.fields}
    return some.fixed_dictionaries({}, optional=fields).map(lambda values: GetMessageClass(descriptor)(**values))


@pytest.mark.parametrize("examples", [25, pytest.param(1_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("method", METHODS)
def test_any_message_is_answered_or_refused_with_a_reason(wild, method, examples):
    """No UNKNOWN, no INTERNAL, no hang: random fields, some of them possible, and random bytes."""
    request = wild.descriptor(method).input_type

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(messages(request).map(lambda made: made.SerializeToString()) | some.binary(max_size=40))
    def asked(sent):
        try:
            wild.raw(method, sent)
        except grpc.RpcError as error:
            assert error.code().name in (WRONG, MISSING, "FAILED_PRECONDITION"), (error.code(), error.details())
            assert error.details()

    asked()


# -- who waits, and who may ask -------------------------------------------------------------------------


def test_work_that_outlives_its_deadline_is_given_up(serve, monkeypatch):
    ended = threading.Event()

    def slow(spec, store, progress):
        try:
            while True:
                time.sleep(0.01)
                progress()
        finally:
            ended.set()

    monkeypatch.setattr(data, "load", slow)
    with Client(serve().ports) as client:
        assert client.fails(DATA, {"symbol": "AAPL"}, timeout=0.3)[0] == "DEADLINE_EXCEEDED"
        assert ended.wait(60)
        ended.clear()
        call = client.channel(DATA).unary_unary(f"/{DATA}").future(b"\x0a\x04AAPL")
        time.sleep(0.2)
        call.cancel()
        assert ended.wait(60)
        assert client("portfoliostateservice.PortfolioStateService/GetPortfolioState")["source"] == "spec"


@pytest.mark.parametrize("error, status", [(SourceUnavailable("the network failed"), "UNAVAILABLE"), (StoreFailed("the disk is full"), "UNAVAILABLE"),
                                           (UnknownName("unknown symbol 'X'"), "NOT_FOUND"), (ZeroDivisionError("secret"), "INTERNAL")])
def test_what_fails_inside_has_a_status_of_its_own(serve, monkeypatch, error, status):
    def fails(*_):
        raise error

    monkeypatch.setattr(data, "load", fails)
    with Client(serve(only=["data"]).ports) as client:
        found, text = client.fails(DATA, {"symbol": "AAPL"})
        assert found == status and text == ("something went wrong here: the log says what" if status == "INTERNAL" else str(error))


def test_with_a_token_only_the_health_is_open(serve):
    ports = serve(token="a-token-of-the-test", only=["state"], host="0.0.0.0").ports
    assert list(ports) == ["state"]
    for metadata, passes in (((), False), ((("authorization", "Bearer wrong"),), False), ((("authorization", "a-token-of-the-test"),), False),
                             ((("authorization", "bearer a-token-of-the-test"),), True)):
        with Client(ports, metadata) as client:
            health = client.raw_of("state", "grpc.health.v1.Health/Check", b"")
            assert health_pb2.HealthCheckResponse.FromString(health).status == health_pb2.HealthCheckResponse.SERVING
            if passes:
                assert client.raw(STATE, b"")
                continue
            for method in (STATE, UPDATE):
                with pytest.raises(grpc.RpcError) as refused:
                    client.raw(method, b"")
                assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED and "wrong" not in refused.value.details()
            with pytest.raises(grpc.RpcError) as refused:
                client.descriptor(STATE)
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_other_machines_need_a_token_and_ports_are_free(serve):
    with pytest.raises(UsageError, match="0.0.0.0 can be reached from other machines"):
        serve(host="0.0.0.0")
    taken = serve(only=["data"]).ports["data"]
    with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{taken}"):
        serve(ports={"data": taken}, only=["data"])
    with pytest.raises(UnknownName, match="unknown service 'date': did you mean 'data'"):
        serve(only=["date"])
