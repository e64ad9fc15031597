"""The REST API as a client meets it: on a real server, with settings of its own in an empty folder."""

import httpx
import pytest
from api_settings import settings_in
from served import serving

from services.api.app import create_app


@pytest.fixture(name="settings", scope="module")
def _settings(tmp_path_factory):
    return settings_in(tmp_path_factory.mktemp("api"))


@pytest.fixture(name="app", scope="module")
def _app(settings):
    return create_app(settings, rate=0)


@pytest.fixture(name="client", scope="module")
def _client(app):
    with serving(app) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client
