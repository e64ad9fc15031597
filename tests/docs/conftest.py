"""What the pages of docs/ need around them: the commands, and servers on this machine in place of those of others."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import doc_bars
import numpy as np
import postgres_server
import pytest
import questdb_server
import s3_server
from doc_commands import commands
from doc_pages import Page
from mail_server import postbox

from brokers.local_alpaca import AccountRules, LocalAlpaca
from core.bars import Bars
from core.settings import variable_names

PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


class Given(NamedTuple):
    """What a server gives to a page: settings, texts that stand for something else here, and how its time goes on."""

    settings: dict[str, str]
    replaced: dict[str, str]
    go_on: Callable[[str], object] | None = None


def venue(server: LocalAlpaca) -> Given:
    return Given({"ALPACA_API_KEY": server.key_id, "ALPACA_SECRET_KEY": server.secret_key, "ALPACA_BASE_URL": server.url, "ALPACA_DATA_URL": server.data_url,
                  "ALPACA_STREAM_URL": server.stream_url, "ALPACA_TRADE_STREAM_URL": server.trade_stream_url}, {}, lambda moment: server.advance(to=moment))


@contextmanager
def alpaca():
    """The local Alpaca on daily bars, in the evening of the last session of a month."""
    frames = doc_bars.daily(np.datetime64("2026-11-06"))
    bars = Bars.from_frames({symbol: frame for symbol, frame in frames.items() if not symbol.startswith("^")})
    with LocalAlpaca(bars, now="2026-10-30T19:05-04:00", account=AccountRules(multiplier=4)) as server:
        yield venue(server)


@contextmanager
def minutes():
    """The local Alpaca on minute bars, whose time passes, in the middle of a session."""
    with LocalAlpaca(doc_bars.minutes("2026-11-20"), now="2026-11-20T10:00:55-05:00", account=AccountRules(multiplier=4)) as server:
        server.run()
        yield venue(server)


@contextmanager
def postgres():
    with postgres_server.started() as server:
        yield Given({}, {"postgresql://cerebrolab:PASSWORD@127.0.0.1:5432/cerebrolab": server.get_uri()})


@contextmanager
def s3():
    with s3_server.started() as server:
        settings = {**server.settings, "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
        yield Given(settings, {"s3://my-bucket/": f"s3://{s3_server.BUCKET}/"})


@contextmanager
def mail():
    with postbox() as (_, port):
        yield Given({"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(port), "EMAIL_FROM": "signals@example.org"}, {})


@contextmanager
def questdb():
    with questdb_server.started() as server:
        yield Given({}, {"questdb://cerebrolab:PASSWORD@127.0.0.1:9000": server.address()})


@contextmanager
def grpcurl():
    if not shutil.which("grpcurl", path=PATH):
        pytest.skip("grpcurl is not there: make peers")
    yield Given({}, {})


SERVERS = {each.__name__: each for each in (alpaca, minutes, postgres, s3, mail, questdb, grpcurl)}


@pytest.fixture(name="programs", scope="session")
def _programs():
    with commands() as folder:
        yield folder


@pytest.fixture(name="open_page")
def _open_page(programs, tmp_path):
    """Make a page with the servers it needs: `with open_page(["alpaca"]) as page`."""
    @contextmanager
    def open_page(needed):
        clean = {name: value for name, value in os.environ.items() if name not in variable_names() and not name.startswith("AWS_")}
        with ExitStack() as servers:
            given = [servers.enter_context(SERVERS[name]()) for name in needed]
            settings = {name: value for each in given for name, value in each.settings.items()}
            replaced = {told: meant for each in given for told, meant in each.replaced.items()}
            go_on = next((each.go_on for each in given if each.go_on), str)
            ours = {"PATH": os.pathsep.join([str(programs), PATH]), "PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "140"}
            yield servers.enter_context(Page(tmp_path, clean | ours | settings, replaced, go_on))

    return open_page
