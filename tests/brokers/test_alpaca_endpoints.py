"""Keys and addresses: read from settings, checked against each other, never shown."""

import dataclasses

import pytest

from brokers.alpaca.endpoints import Endpoints
from core.errors import BadSpec, UsageError
from core.settings import load_settings

PAPER, LIVE = ("PKABCDEFGH", "secret-of-paper"), ("AKABCDEFGH", "secret-of-live")


def settings_of(tmp_path, monkeypatch, **variables):
    for name in ("API_KEY", "SECRET_KEY", "BASE_URL", "DATA_URL", "STREAM_URL", "TRADE_STREAM_URL"):
        monkeypatch.delenv(f"ALPACA_{name}", raising=False)
    path = tmp_path / ".env"
    path.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return load_settings(path)


def test_settings_become_endpoints(tmp_path, monkeypatch):
    settings = settings_of(tmp_path, monkeypatch, ALPACA_API_KEY=PAPER[0], ALPACA_SECRET_KEY=PAPER[1],
                           ALPACA_BASE_URL="http://127.0.0.1:9/v2/", ALPACA_DATA_URL="http://127.0.0.1:8",
                           ALPACA_STREAM_URL="ws://127.0.0.1:7/v2/iex",
                           ALPACA_TRADE_STREAM_URL="ws://127.0.0.1:6/stream")
    found = Endpoints.of(settings)
    assert (found.key_id, found.secret_key, found.paper) == (*PAPER, True)
    assert (found.trading_host, found.data_host) == ("http://127.0.0.1:9", "http://127.0.0.1:8")
    assert (found.data_stream, found.trade_stream) == ("ws://127.0.0.1:7/v2/iex", "ws://127.0.0.1:6/stream")


def test_alpacas_own_addresses_by_default():
    paper, live = Endpoints(*PAPER), Endpoints(*LIVE, paper=False)
    assert (paper.trading_host, paper.trade_stream) == (
        "https://paper-api.alpaca.markets", "wss://paper-api.alpaca.markets/stream")
    assert (live.trading_host, live.trade_stream) == ("https://api.alpaca.markets", "wss://api.alpaca.markets/stream")
    assert (paper.data_host, paper.data_stream) == (
        "https://data.alpaca.markets", "wss://stream.data.alpaca.markets/v2/iex")
    assert Endpoints(*PAPER, base_url="https://paper-api.alpaca.markets/v2").trading_host == paper.trading_host
    assert Endpoints(*PAPER, base_url="http://127.0.0.1:9").trade_stream == "ws://127.0.0.1:9/stream"


@pytest.mark.parametrize(("variables", "words"), [
    ({}, "ALPACA_API_KEY and ALPACA_SECRET_KEY are not set: put the keys of your paper account into .env"),
    ({"ALPACA_API_KEY": "PK1"}, "ALPACA_SECRET_KEY is not set"),
    ({"ALPACA_SECRET_KEY": "s", "ALPACA_API_KEY": "  "}, "ALPACA_API_KEY is not set"),
])
def test_missing_keys_say_where_to_put_them(tmp_path, monkeypatch, variables, words):
    with pytest.raises(UsageError, match=words):
        Endpoints.of(settings_of(tmp_path, monkeypatch, **variables))


def test_blanks_around_a_key_do_no_harm(tmp_path, monkeypatch):
    settings_of(tmp_path, monkeypatch)
    monkeypatch.setenv("ALPACA_API_KEY", f" {PAPER[0]}\t")
    monkeypatch.setenv("ALPACA_SECRET_KEY", f"{PAPER[1]}\n")
    found = Endpoints.of(load_settings(tmp_path / ".env"))
    assert (found.key_id, found.secret_key) == PAPER


@pytest.mark.parametrize(("keys", "paper", "base_url", "words"), [
    (LIVE, True, None, "begins with AK, so it is a live key, but paper trading was asked for"),
    (PAPER, False, None, "begins with PK, so it is a paper key, but live trading was asked for"),
    (LIVE, True, "https://paper-api.alpaca.markets", "live key"),
    (PAPER, True, "https://api.alpaca.markets", "is not the address of paper trading"),
    (LIVE, False, "https://paper-api.alpaca.markets/v2", "is not the address of live trading"),
])
def test_keys_and_host_of_different_kinds(keys, paper, base_url, words):
    with pytest.raises(BadSpec, match=words) as caught:
        Endpoints(*keys, paper=paper, base_url=base_url)
    assert keys[0] not in str(caught.value) and keys[1] not in str(caught.value)


def test_other_hosts_and_other_keys_are_not_judged_by_their_letters():
    assert Endpoints(*LIVE, base_url="http://127.0.0.1:9").paper
    assert Endpoints("CKOAUTHLIKE", "secret").paper
    assert Endpoints(*PAPER, paper=False, base_url="http://notalpaca.markets:9").trading_host


@pytest.mark.parametrize(("address", "words"), [
    (dict(base_url="paper-api.alpaca.markets"), "ALPACA_BASE_URL 'paper-api.alpaca.markets' is no address"),
    (dict(base_url="http://"), "begins with https:// and a host"), (dict(data_url="http://h:port"), "ALPACA_DATA_URL"),
    (dict(stream_url="https://stream"), "ALPACA_STREAM_URL .* begins with wss://"),
    (dict(trade_stream_url="http://[::1"), "ALPACA_TRADE_STREAM_URL"),
    (dict(base_url="http://paper-api.alpaca.markets"), "would send the keys unencrypted: use https://"),
    (dict(stream_url="ws://stream.data.alpaca.markets/v2/iex"), "use wss://"),
])
def test_addresses_that_cannot_be_meant(address, words):
    with pytest.raises(BadSpec, match=words):
        Endpoints(*PAPER, **address)


@pytest.mark.parametrize("key", ["PK ABC", "PKÄBC", "PK\nABC", "PK\tABC"])
def test_keys_that_were_copied_wrong(key):
    with pytest.raises(UsageError, match="ALPACA_API_KEY contains a character that no key has") as caught:
        Endpoints(key, "secret")
    assert key not in str(caught.value)


def test_keys_are_masked_in_every_text():
    endpoints = Endpoints(*PAPER, base_url="http://127.0.0.1:9")
    assert repr(endpoints) == str(endpoints) == (
        "Endpoints(key_id='**********', secret_key='**********', paper=True, base_url='http://127.0.0.1:9')")
    assert endpoints.masked(f"a {PAPER[0]}\n b {PAPER[1]}") == "a ********** b **********"
    assert len(endpoints.masked("x" * 1000)) == 300
    with pytest.raises(dataclasses.FrozenInstanceError):
        endpoints.paper = False
