"""Addresses of a REST API, as settings and options name them."""

import pytest

from core.api_address import read_api_address
from core.errors import UsageError


@pytest.mark.parametrize(("url", "found"), [
    ("http://127.0.0.1:8000", ("http://127.0.0.1:8000", "")), ("https://token:a%20b@[::1]:9/", ("https://[::1]:9", "a b")),
    ("http://host", ("http://host", "")),
])
def test_an_address_and_its_token(url, found):
    assert read_api_address(url) == found


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000", "ftp://host", "http://", "http://host:port", "http://token:geheim@host/path", "https://host?token=geheim", "http://h#x"])
def test_what_is_none_is_named_without_its_token(url):
    with pytest.raises(UsageError, match="is no address of an API: write http://127.0.0.1:8000") as caught:
        read_api_address(url)
    assert "geheim" not in str(caught.value) and "\n" not in str(caught.value)
