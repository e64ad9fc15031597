"""gRPC servers on free ports of this machine, on bars that cover what the documents ask for."""

import numpy as np
import pytest
from rpc_client import FEW, FREE, STOCKS, Client

from core.calendars import get_calendar
from core.settings import Settings
from core.spec import RunSpec
from journal import Journal
from services.rpc.server import Servers, Serving


@pytest.fixture(name="source", scope="session")
def _source(tmp_path_factory):
    """Made-up bars of real names, two years up to June 2023."""
    folder = tmp_path_factory.mktemp("bars")
    sessions = get_calendar("XNYS").between("2021-06-01", "2023-06-30")
    for at, symbol in enumerate((*STOCKS, "^GSPC")):
        closes = 100 * np.exp(np.cumsum(np.random.default_rng(at).normal(0.001, 0.015, len(sessions)))).round(4)
        lines = [f"{day},{close},{close * 1.01:.4f},{close * 0.99:.4f},{close},1000000" for day, close in zip(sessions, closes, strict=True)]
        (folder / f"{symbol}.csv").write_text("\n".join(["date,open,high,low,close,volume", *lines]) + "\n")
    return f"csv:{folder}"


@pytest.fixture(name="spec", scope="session")
def _spec(source):
    return RunSpec(strategy="Momentum", symbols=FEW, reference=("^GSPC",), source=source, signal_start="2022-06-01")


@pytest.fixture(name="settings")
def _settings(tmp_path):
    return Settings(CEREBROLAB_HOME=tmp_path / "home", _env_file=None)


@pytest.fixture(name="journal")
def _journal(tmp_path):
    with Journal(tmp_path / "journal.db") as journal:
        yield journal


@pytest.fixture(name="serve")
def _serve(settings, journal, spec):
    """`serve(**fields of Serving)`: running servers."""
    begun = []

    def serve(**fields):
        begun.append(Servers(settings, journal, Serving(**{"spec": spec, "ports": FREE, **fields})))
        return begun[-1]

    yield serve
    for servers in begun:
        servers.stop(0)


@pytest.fixture(name="client")
def _client(serve):
    with Client(serve().ports) as client:
        yield client


@pytest.fixture(name="shared", scope="module")
def _shared(tmp_path_factory, spec):
    """One client and journal for calls that change nothing."""
    yield from _lasting(tmp_path_factory, spec)


@pytest.fixture(name="wild", scope="module")
def _wild(tmp_path_factory, spec):
    """One client for calls that may change anything."""
    for client, _ in _lasting(tmp_path_factory, spec):
        yield client


def _lasting(tmp_path_factory, spec):
    folder = tmp_path_factory.mktemp("services")
    settings = Settings(CEREBROLAB_HOME=folder / "home", _env_file=None)
    with Journal(folder / "journal.db") as journal, Servers(settings, journal, Serving(spec=spec, ports=FREE)) as servers, Client(servers.ports) as client:
        yield client, journal
