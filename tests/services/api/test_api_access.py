"""Who may call the API, how often, with how much; and every error as a problem, without a traceback or a secret."""

import asyncio
import json
import logging
import socket

import httpx
import pytest
from api_settings import settings_in
from served import serving

from core.errors import AccountLeft, BadBars, CorruptFile, SourceUnavailable, StoreFailed, UsageError
from core.logs import LogFile, SecretFilter
from services import access as granted
from services.api import access
from services.api.app import create_app

TOKEN = "a-token-of-some-length-3141592653"
STEPS = 1e-9


@pytest.fixture(name="guarded", scope="module")
def _guarded(tmp_path_factory):
    """An API with a token, small bodies, few requests, and routes that fail."""
    app = create_app(settings_in(tmp_path_factory.mktemp("guarded")), TOKEN, body_limit=2_000, rate=0)
    failures = {"usage": UsageError("x is wrong: y"), "store": StoreFailed("disk full: make room"), "bars": BadBars("A", "3", "rule"),
                "source": SourceUnavailable("yahoo did not answer: try again"), "file": CorruptFile("damaged"), "account": AccountLeft("left"),
                "none": ZeroDivisionError(f"secret {TOKEN}")}

    @app.get("/failing/{name}")
    def failing(name: str) -> None:
        raise failures[name]

    with serving(app) as address:
        yield address


@pytest.fixture(name="named", scope="module")
def _named(guarded):
    with httpx.Client(base_url=guarded, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


@pytest.fixture(name="nobody", scope="module")
def _nobody(guarded):
    with httpx.Client(base_url=guarded) as client:
        yield client


def problem(answer):
    assert answer.headers["content-type"] == "application/problem+json"
    found = answer.json()
    assert found["status"] == answer.status_code and {"type", "title", "detail", "instance"} <= set(found)
    assert "Traceback" not in answer.text and TOKEN not in answer.text
    return found


@pytest.mark.parametrize("header", [None, "", "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"])
@pytest.mark.parametrize("path", ["/v1/strategies", "/docs", "/openapi.json", "/nothing"])
def test_without_the_token_nothing_is_told(nobody, header, path):
    answer = nobody.get(path, headers=[] if header is None else [(b"Authorization", header.encode("latin-1"))])
    assert problem(answer)["title"] == "Unauthorized" and answer.headers["www-authenticate"] == "Bearer"


def test_the_health_needs_none_and_the_rest_takes_it(nobody, named):
    assert nobody.get("/health").json()["status"] == "ok"
    assert named.get("/v1/strategies").status_code == 200 and named.get("/docs").status_code == 200
    assert nobody.get("/v1/nothing", headers={"Authorization": f"bearer  {TOKEN}"}).status_code == 404
    assert named.get("/openapi.json").json()["components"]["securitySchemes"] == {"HTTPBearer": {"type": "http", "scheme": "bearer"}}


def test_no_page_of_another_site_may_read_it(named):
    asked = {"Origin": "http://evil.example", "Access-Control-Request-Method": "PUT"}
    answers = [named.get("/v1/strategies", headers=asked), named.options("/v1/strategies", headers=asked)]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("name", "status", "kind"), [
    ("usage", 422, "unusable-request"), ("store", 503, "store-failed"), ("bars", 502, "bad-bars"), ("source", 503, "source-unavailable"),
    ("file", 503, "corrupt-file"), ("account", 422, "unusable-request")])
def test_errors_of_ours_are_problems(named, name, status, kind):
    found = problem(named.get(f"/failing/{name}"))
    assert (found["status"], found["type"], found["instance"]) == (status, f"urn:cerebrolab:problem:{kind}", f"/failing/{name}")


def test_an_unexpected_error_is_logged_and_not_told(named, caplog):
    found = problem(named.get("/failing/none"))
    assert (found["status"], found["detail"]) == (500, "something went wrong here: the log of the API says what")
    [record] = [each for each in caplog.records if each.name == "services.api.access" and each.levelno == logging.ERROR]
    assert SecretFilter([TOKEN]).filter(record) and TOKEN not in record.exc_text and "ZeroDivisionError: secret ***" in record.exc_text


def test_paths_and_methods_that_are_not_there(named):
    assert problem(named.get("/nothing"))["detail"] == "there is no /nothing: see /docs"
    wrong = named.delete("/v1/strategies")
    assert problem(wrong)["detail"] == "DELETE is not possible here: see /docs" and wrong.headers["allow"] == "GET"


@pytest.mark.parametrize(("body", "status"), [
    (b"{", 422), (b"\x80", 400), (b"[]", 422), (b"", 422), (b'{"strategy": "\\ud800", "symbols": ["A"]}', 404),
    (b'{"\\ud800": 1}', 422), (b'{"a":' * 300 + b"1" + b"}" * 300, 422)])
def test_bodies_that_are_none(named, body, status):
    assert problem(named.post("/v1/signals", content=body, headers={"Content-Type": "application/json"}))["status"] == status


@pytest.mark.parametrize("path", ["/v1/signals", "/nothing"])
def test_a_body_that_is_too_large(named, path):
    def pieces():
        for _ in range(30):
            yield b" " * 100

    for content in (b" " * 2_001, pieces()):
        answer = named.post(path, content=content, headers={"Content-Type": "application/json"})
        assert problem(answer)["detail"] == "the body is larger than 2,000 bytes: send it in parts" and answer.status_code == 413
    fits = json.dumps({"strategy": "GoldenCros", "symbols": ["AAPL"]}).encode().ljust(2_000)
    assert named.post("/v1/signals", content=iter([fits[:999], fits[999:]]), headers={"Content-Type": "application/json"}).status_code == 404


def test_a_length_that_is_a_lie_is_not_waited_for(guarded, monkeypatch):
    host, port = guarded.removeprefix("http://").split(":")
    monkeypatch.setattr(access, "DRAIN_S", 0.1)
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(f"POST /v1/signals HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99999999\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


def test_more_requests_than_allowed_are_asked_to_wait(tmp_path):
    with serving(create_app(settings_in(tmp_path), rate=3)) as address, httpx.Client(base_url=address) as client:
        answers = [client.get("/v1/nothing") for _ in range(4)]
        assert [each.status_code for each in answers] == [404, 404, 404, 429]
        assert answers[-1].headers["retry-after"] == "20" and "more than 3 requests a minute" in problem(answers[-1])["detail"]


class Clock:
    now = 1_000.0

    def __call__(self):
        return self.now


def test_the_bucket_fills_with_time_for_each_client():
    async def ours(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})

    clock = Clock()
    limited = access.RateLimit(ours, 60, clock)

    async def ask(client):
        sent = []

        async def send(message):
            sent.append(message)

        await limited({"type": "http", "path": "/x", "client": (client, 1), "headers": []}, None, send)
        return sent[0]["status"]

    async def story():
        assert [await ask("a") for _ in range(61)] == [200] * 60 + [429] and await ask("b") == 200
        clock.now += 1.0 - STEPS
        assert await ask("a") == 429
        clock.now += 2 * STEPS
        assert [await ask("a"), await ask("a")] == [200, 429]
        clock.now += 3_600.0
        assert [await ask("a") for _ in range(61)] == [200] * 60 + [429]
        for at in range(access.MOST_CLIENTS + 5):
            await ask(f"client {at}")
        assert len(limited._buckets) == access.MOST_CLIENTS and "a" not in limited._buckets

    asyncio.run(story())


def test_hosts_under_which_it_is_not_known(tmp_path):
    with serving(create_app(settings_in(tmp_path), hosts=granted.LOOPBACK_HOSTS)) as address, httpx.Client(base_url=address) as client:
        assert client.get("/health").status_code == 200
        for host, status in (("localhost:1", 200), ("[::1]:8000", 200), ("LOCALHOST", 200), ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421)):
            assert client.get("/health", headers={"Host": host}).status_code == status, host


@pytest.mark.parametrize(("host", "inside"), [
    ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("192.168.1.7", False), ("::", False),
    ("localhost.example", False), ("", False)])
def test_only_this_machine_needs_no_token(host, inside):
    assert granted.is_loopback(host) is inside
    granted.check_host(host, TOKEN)
    if inside:
        granted.check_host(host, None)
    else:
        with pytest.raises(UsageError, match=r"name a token with --token-file FILE"):
            granted.check_host(host, None)


@pytest.mark.parametrize(("text", "good"), [(f" {TOKEN}\n", True), ("", False), ("short", False), ("two words are no token at all", False),
                                            ("a" * 20 + "\n" + "b" * 20, False), ("\xe9" * 20, False), ("\udcff" * 20, False)])
def test_the_token_in_a_file(tmp_path, text, good):
    file = tmp_path / "token"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    if good:
        assert granted.read_token(file) == TOKEN
    else:
        with pytest.raises(UsageError, match="token"):
            granted.read_token(file)
    with pytest.raises(UsageError, match=r"cannot read the token in .*gone"):
        granted.read_token(tmp_path / "gone")


def test_what_is_written_and_what_fails_is_logged_without_forged_lines(named, tmp_path):
    handler = LogFile(tmp_path / "api.log", [TOKEN])
    logger = logging.getLogger("services.api.access")
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        named.get("/v1/strategies")
        named.get(f"/v1/strategies/{TOKEN}%0AERROR forged")
        named.put("/v1/strategies/GoldenCross/parameters", json={"parameters": {"fast": 21}})
        named.get("/v1/strategies")  # answered once what came before it is logged
    finally:
        logger.setLevel(before)
        logger.removeHandler(handler)
        handler.close()
    lines = (tmp_path / "api.log").read_text().splitlines()
    assert [line.partition("access: ")[2] for line in lines] == [
        "GET /v1/strategies/***%0AERROR%20forged from 127.0.0.1: 404", "PUT /v1/strategies/GoldenCross/parameters from 127.0.0.1: 200"]
