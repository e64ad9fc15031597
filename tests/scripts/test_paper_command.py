"""`cerebrolab paper` and `live` against the local Alpaca, from an empty folder with nothing but keys and a TOML file."""

import pytest
from alpaca_commands import RUN, point_at
from live_days import panel, venue


@pytest.fixture(name="alpaca")
def _alpaca(folder, monkeypatch):
    (folder / "run.toml").write_text(RUN)
    with venue(panel(), now="2024-02-20T19:05-05:00") as alpaca:
        point_at(monkeypatch, alpaca)
        yield alpaca


def test_from_keys_to_filled_orders(command, alpaca, folder):
    dry = command("paper", "run.toml", "--dry-run", "--json")
    assert dry.code == 0 and not alpaca.ledger.orders and {order["state"] for order in dry.value["orders"]} == {"planned"}
    sent = command("paper", "run.toml")
    assert sent.code == 0 and "has not been before the gate" in sent.err and "opg" in sent.out
    assert len(alpaca.ledger.orders) == len(dry.value["orders"]) >= 2
    alpaca.advance(to="2024-02-21T09:31-05:00")
    done = command("paper", "run.toml", "--json").value
    assert done["done"] and not done["new"] and {order["status"] for order in done["orders"]} == {"filled"}
    assert {symbol: float(qty) for symbol, qty in alpaca.ledger.positions.items()} == {
        symbol: shares for symbol, shares in done["targets"].items() if shares}
    assert len(alpaca.ledger.orders) == len(dry.value["orders"])
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert alpaca.secret_key.encode() not in written + sent.out.encode() + sent.err.encode()


@pytest.mark.parametrize("arguments, settings, words", [
    (["paper", "run.toml"], {"SECRET_KEY": "geheim"}, "check ALPACA_API_KEY and ALPACA_SECRET_KEY in .env"),
    (["paper", "run.toml"], {"API_KEY": ""}, "ALPACA_API_KEY is not set"),
    (["paper", "absent.toml"], {}, "cannot read absent.toml"),
    (["paper", "run.toml", "-p", "sead=1"], {}, "did you mean 'seed'"),
    (["paper", "run.toml", "-p", "exits.stop=0.1"], {}, "places none"),
    (["live", "run.toml"], {}, "--i-accept-real-money"),
    (["live", "run.toml", "--i-accept-real-money"], {}, "is a paper account, but live trading was asked for"),
    (["live", "run.toml", "--i-accept-real-money"], {"BASE_URL": ""}, "begins with PK, so it is a paper key"),
])
def test_wrong_input_is_one_line(command, alpaca, monkeypatch, arguments, settings, words):
    for name, value in settings.items():
        monkeypatch.setenv(f"ALPACA_{name}", value)
    answer = command(*arguments)
    assert answer.code == 2 and words in answer.err and answer.err.count("\n") == 1 and "geheim" not in answer.err
    assert not alpaca.ledger.orders


def test_live_refuses_what_has_not_passed_the_gate(command, folder, monkeypatch):
    from brokers.local_alpaca import AccountRules

    (folder / "run.toml").write_text(RUN)
    with venue(panel(), now="2024-02-20T19:05-05:00", account=AccountRules(live=True)) as alpaca:
        point_at(monkeypatch, alpaca)
        answer = command("live", "run.toml", "--i-accept-real-money")
        assert answer.code == 2 and "has not been before the gate" in answer.err and not alpaca.ledger.orders


def test_two_processes_do_not_trade_one_account(command, alpaca, folder):
    from filelock import FileLock

    (folder / ".cerebrolab").mkdir()
    with FileLock(folder / ".cerebrolab" / "PA3FAKE0001.lock"):
        answer = command("paper", "run.toml")
    assert answer.code == 2 and "another process trades the account PA3FAKE0001" in answer.err
