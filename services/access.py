"""Who may call a service: this machine, or whoever names the token. Imports core."""

import ipaddress
from pathlib import Path

from core.errors import UsageError
from core.settings import Settings

LEAST_TOKEN = 16  # characters
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")


def token_of(settings: Settings, file: Path | None) -> str | None:
    """The token that callers have to name: that of a file, else of the settings; None = none is asked for.

    Raises:
        UsageError: the file cannot be read, or holds no token that is worth the name; nor do the settings.
    """
    if file is not None:
        return read_token(file)
    if settings.api_token is None:
        return None
    return _checked(settings.api_token.get_secret_value().strip(), "CEREBROLAB_API_TOKEN")


def read_token(file: Path) -> str:
    """The token in a file, without the spaces around it.

    Raises:
        UsageError: the file cannot be read, or holds no token that is worth the name.
    """
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the token in {file}: {error}; name a file with one line") from None
    return _checked(token, str(file))


def _checked(token: str, place: str) -> str:
    if len(token) < LEAST_TOKEN or not (token.isascii() and token.isprintable()) or " " in token:
        raise UsageError(f"{place} holds no token: write {LEAST_TOKEN} letters and digits or more into it, on one line")
    return token


def check_host(host: str, token: str | None) -> None:
    """Raise `UsageError` if a service would be open to other machines without a token."""
    if token is None and not is_loopback(host):
        raise UsageError(f"host {host} can be reached from other machines: name a token with --token-file FILE, or use --host 127.0.0.1")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
