"""Requests made from the API's own description, and broken ones: no 5xx, no traceback, and every answer as described."""

import httpx
import pytest
import schemathesis
from api_settings import settings_in
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from served import serving

from services.api.app import create_app

LONGEST = 4_000  # characters of a query: the server refuses to read lines of more than 64 kB
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture(name="address", scope="module")
def _address(tmp_path_factory):
    """A real server; jobs wait for ever, so that no example begins a process."""
    with serving(create_app(settings_in(tmp_path_factory.mktemp("fuzz")), rate=0, workers=0)) as address:
        yield address


def fuzz(address, examples, modes):
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    told = {}
    for result in schema.get_all_operations():
        operation = result.ok()
        for mode in modes:
            try:
                _check(operation, examples, mode, told)
            except Unsatisfiable:  # a request without fields cannot be a wrong one
                assert mode is GenerationMode.NEGATIVE
            except BaseException as error:
                error.add_note(f"{operation.label}, {mode}")
                raise
    return told


def _check(operation, examples, mode, told):
    @settings(max_examples=examples, deadline=None, phases=[Phase.generate], derandomize=True, database=None,
              suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case):
        assume(len(str(case.query)) < LONGEST)
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        assert "Traceback" not in response.text
        told.setdefault(operation.label, set()).add(response.status_code)

    check()


@pytest.mark.filterwarnings("ignore")
def test_a_few_requests_to_every_path(address):
    told = fuzz(address, 1, [GenerationMode.POSITIVE])
    paths = httpx.get(f"{address}/openapi.json").json()["paths"]
    assert len(told) == sum(len(methods) for methods in paths.values())


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore")
def test_many_requests_to_every_path(address):
    told = fuzz(address, 100, [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
    assert all(any(status < 500 for status in statuses) for statuses in told.values())
