"""Keys are in nothing that a live run leaves behind, all loggers at DEBUG: files, output, records, errors, reprs."""

import io
import logging
import traceback

import backtrader as bt
import pytest
from alpaca_cerebro import buy_each, cerebro_of, judge, sell_each
from alpaca_commands import RUN, point_at
from alpaca_minutes_live import Live, walks
from alpaca_rest import CallersClock
from broker_contract import Witness
from live_days import panel, venue

from brokers.alpaca import AlpacaStore
from brokers.alpaca.endpoints import Endpoints
from brokers.local_alpaca import AnswerFault, LocalAlpaca
from brokers.local_alpaca.made_minutes import minutes
from core.errors import CerebrolabError
from core.logs import configure, release
from core.settings import load_settings
from core.spec import RunSpec

LOUD = ("urllib3", "requests", "websockets", "asyncio", "alpaca", "sqlalchemy", "brokers", "engine", "feeds",
        "journal", "scripts", "core")


@pytest.fixture(name="records")
def _records(monkeypatch):
    """Every record of every logger as text, unmasked; the venue's own websocket server is not of the run."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    handler.addFilter(lambda record: not record.name.startswith("websockets.server"))
    root = logging.getLogger()
    names = [name for name in logging.root.manager.loggerDict if name.startswith(LOUD)]
    levels = {name: logging.getLogger(name).level for name in (*names, *LOUD)}
    for name in levels:
        logging.getLogger(name).setLevel(logging.DEBUG)
    before, _ = root.level, root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.setLevel(before)
    root.removeHandler(handler)
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def search(secrets, texts, folder):
    """What was found where, of the keys: in texts, and in the names and bytes of files."""
    found = [f"{secret} in {text[:80]!r}" for text in texts for secret in secrets if secret in text]
    for path in folder.rglob("*"):
        if path.is_file():
            written = path.read_bytes()
            found += [f"{secret} in {path}" for secret in secrets if secret.encode() in written or secret in path.name]
    return found


def echo(alpaca):
    """A refusal that repeats the keys."""
    return {"code": 42210000, "message": f"no {alpaca.key_id} {alpaca.secret_key}"}


def failures(alpaca):
    """What goes wrong with one request each."""
    return [dict(method="POST", path="/orders", lost=True), dict(method="POST", path="/orders", accepted=False,
                                                                 status=422, body=echo(alpaca)),
            dict(method="GET", path="/positions", status=500, body="<html>"),
            dict(method="GET", path="/v2/account$", status=401, body=echo(alpaca)),
            dict(method="GET", path="/v2/account$", status=403, body=echo(alpaca)),
            dict(method="GET", path="/stocks", status=401, body=echo(alpaca))]


def test_a_daily_run_from_the_command_line(command, folder, monkeypatch, records):
    (folder / "run.toml").write_text(RUN)
    with venue(panel(), now="2024-02-20T19:05-05:00") as alpaca:
        secrets = [alpaca.key_id, alpaca.secret_key]
        point_at(monkeypatch, alpaca)
        settings = load_settings()
        shown, codes = [repr(settings), str(settings), f"{settings!r} {settings}", repr(Endpoints.of(settings)),
                        str(vars(Endpoints.of(settings)).keys())], []
        for how in (None, *reversed(failures(alpaca))):
            alpaca.faults.clear()
            if how:
                alpaca.faults.add(AnswerFault(**how))
            answer = command("paper", "run.toml", "--json")
            codes.append(answer.code)
            shown += [answer.out, answer.err]
            alpaca.advance(seconds=60)
        alpaca.faults.clear()
        alpaca.advance(to="2024-02-21T09:31-05:00")
        done = command("paper", "run.toml")
        shown += [done.out, done.err, records.getvalue(), repr(RunSpec(strategy="GoldenCross", symbols=("AAA",)))]
        assert 0 in codes and 2 in codes and done.code == 0 and len(alpaca.ledger.executions) >= 2
        assert {"journal.db", "cerebrolab.log"} <= {path.name for path in folder.rglob("*")}
        assert "urllib3" in records.getvalue()
        assert search(secrets, shown, folder) == []


def test_an_alpaca_broker_in_a_cerebro(folder, monkeypatch, records, capfd):
    bars = minutes(AAA=[(100, 101, 99, 100)] * 14, BBB=[(50, 51, 49, 50)] * 14)
    with LocalAlpaca(bars) as alpaca:
        secrets = [alpaca.key_id, alpaca.secret_key, "PKMISTAKEN0000", "mistaken-secret"]
        point_at(monkeypatch, alpaca)
        log_file = configure(load_settings())
        urls = dict(base_url=alpaca.url, data_url=alpaca.url, stream_url=alpaca.stream_url,
                    trade_stream_url=alpaca.trade_stream_url)
        store = AlpacaStore(alpaca.key_id, alpaca.secret_key, clock=CallersClock(alpaca), **urls)
        broker, texts = store.getbroker(), []

        def trouble(s):
            for how in failures(alpaca):
                alpaca.faults.add(AnswerFault(**how))
            alpaca.drop("trade")
            buy_each(3)(s)

        def look(s):
            texts.extend([repr(store), str(store), repr(broker), repr(store.rest), repr(store.endpoints),
                          repr(store.clock), repr(store._stream),
                          *map(str, broker.orders), *map(repr, broker.orders), repr(broker.stopped)])

        plan = {1: lambda s: (alpaca.wait_connected("trade"), buy_each()(s)), 3: trouble, 5: look,
                7: lambda s: alpaca.revoke_keys(), 8: sell_each(2),
                10: lambda s: (alpaca.revoke_keys(False), alpaca.faults.clear())}
        cerebro = cerebro_of(alpaca, bars, broker, plan, Witness)
        cerebro.addstorecb(lambda message, *arguments, **details: texts.append(f"{message} {arguments} {details}"))
        strategy = cerebro.run()[0]
        judge(strategy, alpaca)
        texts += [str(order.info) for order in broker.orders]
        for keys in (secrets[:2], secrets[2:]):
            alpaca.faults.add(AnswerFault(path="/v2/account$", status=422 if keys == secrets[:2] else 401,
                                          body=echo(alpaca)))
            try:
                AlpacaStore(*keys, **urls).getbroker()
            except CerebrolabError as error:
                texts += [*traceback.format_exception(error), repr(error), repr(vars(error))]
        release(log_file)
        texts += [records.getvalue(), *capfd.readouterr()]
        assert any("does not accept the keys" in text for text in texts) and any("broke off" in text for text in texts)
        assert isinstance(strategy, bt.Strategy) and (folder / "logs" / "cerebrolab.log").stat().st_size > 1_000
        assert search(secrets, texts, folder) == []


def test_live_feeds_in_a_cerebro(folder, monkeypatch, records, capfd):
    with LocalAlpaca(walks("2024-03-01 09:30", rows=30), now="2024-03-01T09:34:30-05:00") as alpaca:
        secrets = [alpaca.key_id, alpaca.secret_key]
        point_at(monkeypatch, alpaca)
        log_file = configure(load_settings())
        live = Live(alpaca, "2024-03-01T09:50:10-05:00", at_time=[
            ("2024-03-01T09:38:20-05:00", lambda live: live.alpaca.faults.add(AnswerFault(path="/stocks", status=403, body=echo(alpaca)))),
            ("2024-03-01T09:38:30-05:00", lambda live: live.drop()),
            ("2024-03-01T09:42:30-05:00", lambda live: live.alpaca.streams.send_error(500)),
            ("2024-03-01T09:44:30-05:00", lambda live: live.alpaca.revoke_keys()),
            ("2024-03-01T09:46:30-05:00", lambda live: live.alpaca.revoke_keys(False))]).add("AAA", "BBB")
        strategy = live.run()
        texts = [repr(live.store), repr(live.store.bars), *map(repr, strategy.datas), *map(repr, strategy.told), str(strategy.statuses)]
        release(log_file)
        texts += [records.getvalue(), *capfd.readouterr()]
        assert len(strategy.rows) >= 10 and any("refused the keys" in text for text in strategy.told)
        assert "websockets" in records.getvalue() or "alpaca data stream" in records.getvalue()
        assert search(secrets, texts, folder) == []
