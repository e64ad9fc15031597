"""Endpoints: the keys, and the addresses they are for. Imports core.errors and core.settings' type only.

Alpaca's paper keys begin with PK, live ones with AK; paper account numbers begin with PA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from core.errors import BadSpec, UsageError

if TYPE_CHECKING:
    from core.settings import Settings

PAPER_HOST, LIVE_HOST = "https://paper-api.alpaca.markets", "https://api.alpaca.markets"
DATA_HOST, DATA_STREAM = "https://data.alpaca.markets", "wss://stream.data.alpaca.markets/v2/iex"
KINDS = {True: "paper", False: "live"}
MASK = "**********"
SCHEMES = {"base_url": ("http", "https"), "data_url": ("http", "https"), "stream_url": ("ws", "wss"),
           "trade_stream_url": ("ws", "wss")}


@dataclass(frozen=True, repr=False)
class Endpoints:
    """Where to trade and as whom; a URL that is None is Alpaca's own.

    Attributes:
        key_id, secret_key: hidden in `repr`; see `masked` for texts from elsewhere.
        paper: the account is a paper account.
        base_url, data_url: hosts of the trading and market data REST APIs.
        stream_url, trade_stream_url: full websocket addresses of market data and trade updates.

    Raises:
        UsageError: a key is missing or cannot be one.
        BadSpec: an address that is none, live keys for the paper host, or the reverse.
    """

    key_id: str
    secret_key: str
    paper: bool = True
    base_url: str | None = None
    data_url: str | None = None
    stream_url: str | None = None
    trade_stream_url: str | None = None

    @classmethod
    def of(cls, settings: Settings, paper: bool = True) -> Endpoints:
        """From the environment and `.env`.

        Raises:
            UsageError, BadSpec: see the class.
        """
        return cls(*settings.alpaca_keys, paper, settings.alpaca_base_url, settings.alpaca_data_url,
                   settings.alpaca_stream_url, settings.alpaca_trade_stream_url)

    def __post_init__(self) -> None:
        self._check_keys()
        for name, schemes in SCHEMES.items():
            _check_address(name, getattr(self, name), schemes)
        if is_alpacas(self.trading_host):
            self._check_kind()

    def _check_keys(self) -> None:
        keys = {"ALPACA_API_KEY": self.key_id, "ALPACA_SECRET_KEY": self.secret_key}
        missing = [name for name, key in keys.items() if not key]
        if missing:
            raise UsageError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set: put the keys of "
                             f"your {KINDS[self.paper]} account into .env or the environment; they are made at "
                             "app.alpaca.markets under API Keys")
        for name, key in keys.items():
            if not (key.isascii() and key.isprintable()) or " " in key:
                raise UsageError(f"{name} contains a character that no key has: copy it again into .env")

    def _check_kind(self) -> None:
        own = PAPER_HOST if self.paper else LIVE_HOST
        if self.trading_host != own:
            raise BadSpec(f"ALPACA_BASE_URL {self.trading_host} is not the address of {KINDS[self.paper]} trading, "
                          f"{own}: remove it, or ask for {KINDS[not self.paper]} trading")
        if self.key_id[:2] == ("AK" if self.paper else "PK"):
            raise BadSpec(f"ALPACA_API_KEY begins with {self.key_id[:2]}, so it is a {KINDS[not self.paper]} key, but "
                          f"{KINDS[self.paper]} trading was asked for: set the keys of the {KINDS[self.paper]} account")

    def __repr__(self) -> str:
        shown = {"paper": self.paper, "base_url": self.base_url, "data_url": self.data_url,
                 "stream_url": self.stream_url, "trade_stream_url": self.trade_stream_url}
        stated = "".join(f", {name}={value!r}" for name, value in shown.items() if value is not None)
        return f"Endpoints(key_id='{MASK}', secret_key='{MASK}'{stated})"

    @property
    def trading_host(self) -> str:
        """Host of the trading API, as alpaca-py wants it: without "/v2"."""
        return _host(self.base_url or (PAPER_HOST if self.paper else LIVE_HOST))

    @property
    def data_host(self) -> str:
        """Host of the market data API."""
        return _host(self.data_url or DATA_HOST)

    @property
    def data_stream(self) -> str:
        """Websocket address of market data; Alpaca's own is the free IEX feed."""
        return self.stream_url or DATA_STREAM

    @property
    def data_feed(self) -> str:
        """Whose trades that stream tells: "sip", all exchanges, or "iex", one."""
        return "sip" if self.data_stream.rstrip("/").endswith("/sip") else "iex"

    @property
    def trade_stream(self) -> str:
        """Websocket address of trade updates: beside the trading API, so that keys and account match."""
        return self.trade_stream_url or f"{self.trading_host.replace('http', 'ws', 1)}/stream"

    def masked(self, text: str) -> str:
        """`text` without the keys, on one line."""
        for secret in (self.secret_key, self.key_id):
            text = text.replace(secret, MASK)
        return " ".join(text.split())[:300]

    def check_account(self, number: str) -> None:
        """Whether the account that answers is of the kind that was asked for.

        Raises:
            BadSpec: it is not.
        """
        if number.startswith("PA") is not self.paper:
            raise BadSpec(f"the account at {self.trading_host} is a {KINDS[not self.paper]} account, but "
                          f"{KINDS[self.paper]} trading was asked for: correct the keys or ALPACA_BASE_URL")


def stream_of(feed: str) -> str:
    """Alpaca's own websocket address of a feed, "iex" or "sip"."""
    return DATA_STREAM.replace("iex", feed)


def is_alpacas(url: str) -> bool:
    """Whether an address is Alpaca's own, not a local server's."""
    host = urlsplit(url).hostname or ""
    return host == "alpaca.markets" or host.endswith(".alpaca.markets")


def _check_address(name: str, url: str | None, schemes: tuple[str, str]) -> None:
    if url is None:
        return
    plain, secure = schemes
    try:
        parts = urlsplit(url)
        whole = parts.scheme in schemes and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        whole = False
    if not whole:
        raise BadSpec(f"ALPACA_{name.upper()} {url!r} is no address: it begins with {secure}:// and a host")
    if parts.scheme == plain and is_alpacas(url):
        raise BadSpec(f"ALPACA_{name.upper()} {url} would send the keys unencrypted: use {secure}://")


def _host(url: str) -> str:
    return url.rstrip("/").removesuffix("/v2")
