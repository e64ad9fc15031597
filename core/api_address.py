"""The address of a REST API as it is written in a setting or an option, with its token as a password."""

from urllib.parse import unquote, urlsplit

from core.errors import UsageError


def read_api_address(url: str) -> tuple[str, str]:
    """The address without a password, and the password: the token in http://token:TOKEN@HOST:PORT, "" without one.

    Raises:
        UsageError: it is no address of an API.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise UsageError(f"{url.rpartition('@')[2].partition('?')[0]!r:.80} is no address of an API: write http://127.0.0.1:8000")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}", unquote(parts.password or "")
