"""Settings: where things are kept and which keys are used, read from the environment and `.env`.

The only reader of the environment. Imports pydantic-settings, so it is itself imported only where needed.
"""

import os
import re
from pathlib import Path
from urllib.parse import quote, unquote

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import UnknownName, UsageError

PREFIX = "CEREBROLAB_"
ENV_FILE = ".env"


class Settings(BaseSettings):
    """Typed settings; secrets show as "**********" when printed. Relative folders start at the current one."""

    model_config = SettingsConfigDict(env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(
        default=Path(".cerebrolab"), validation_alias="CEREBROLAB_HOME",
        description="Folder of the stored bars and the journal.",
    )
    runs_dir: Path = Field(
        default=Path("runs"), validation_alias="CEREBROLAB_RUNS_DIR",
        description="Folder in which each run gets a folder of its own.",
    )
    logs_dir: Path = Field(
        default=Path("logs"), validation_alias="CEREBROLAB_LOGS_DIR",
        description="Folder of the rotating log files.",
    )
    journal_place: SecretStr | None = Field(
        default=None, validation_alias="CEREBROLAB_JOURNAL",
        description="Journal: a file, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, or http://HOST:PORT of `cerebrolab serve api` (http://token:TOKEN@HOST:PORT).",
    )
    store_place: SecretStr | None = Field(
        default=None, validation_alias="CEREBROLAB_STORE",
        description="Store of bars: a folder, sqlite:///FILE, postgresql://USER:PASSWORD@HOST:PORT/DATABASE, questdb://USER:PASSWORD@HOST:9000 or s3://BUCKET/PREFIX; none = bars in CEREBROLAB_HOME.",
    )
    questdb_place: SecretStr | None = Field(
        default=None, validation_alias="CEREBROLAB_QUESTDB",
        description="QuestDB that follows the journal: questdb://USER:PASSWORD@HOST:9000, with ?pg_port=8812 where that is another; none = none does.",
    )
    db_host: str = Field(
        default="localhost", validation_alias="DB_HOST",
        description="Host of the PostgreSQL server that DB_NAME is on.",
    )
    db_port: int = Field(
        default=5432, validation_alias="DB_PORT", gt=0, lt=65536,
        description="Port of the PostgreSQL server.",
    )
    db_name: str | None = Field(
        default=None, validation_alias="DB_NAME",
        description="Database that holds the journal, on a PostgreSQL server; none = the journal is a file.",
    )
    db_user: str | None = Field(
        default=None, validation_alias="DB_USER",
        description="User of that database.",
    )
    db_password: SecretStr | None = Field(
        default=None, validation_alias="DB_PASSWORD",
        description="Password of that user; kept out of logs.",
    )
    alpaca_api_key: SecretStr | None = Field(
        default=None, validation_alias="ALPACA_API_KEY",
        description="Alpaca key, of the paper account unless you trade live; kept out of logs.",
    )
    alpaca_secret_key: SecretStr | None = Field(
        default=None, validation_alias="ALPACA_SECRET_KEY",
        description="Alpaca secret; kept out of logs.",
    )
    alpaca_base_url: str | None = Field(
        default=None, validation_alias="ALPACA_BASE_URL",
        description="Host of the trading API; none = Alpaca's paper or live host.",
    )
    alpaca_data_url: str | None = Field(
        default=None, validation_alias="ALPACA_DATA_URL",
        description="Host of the market data API; none = Alpaca's.",
    )
    alpaca_stream_url: str | None = Field(
        default=None, validation_alias="ALPACA_STREAM_URL",
        description="Websocket address of the market data stream; none = Alpaca's.",
    )
    alpaca_trade_stream_url: str | None = Field(
        default=None, validation_alias="ALPACA_TRADE_STREAM_URL",
        description="Websocket address of the trade updates; none = Alpaca's.",
    )

    source: str = Field(
        default="yahoo", validation_alias="CEREBROLAB_SOURCE",
        description="Source of the bars of what subscribers follow: yahoo, alpaca, csv:DIR, sample.",
    )
    email_host: str | None = Field(
        default=None, validation_alias="EMAIL_HOST",
        description="SMTP server that mails to subscribers are handed to; none = no mail leaves.",
    )
    email_port: int = Field(
        default=587, validation_alias="EMAIL_PORT", gt=0, lt=65536,
        description="Port of the SMTP server.",
    )
    email_user: str | None = Field(
        default=None, validation_alias="EMAIL_USER",
        description="Name at the SMTP server; none = it asks for none.",
    )
    email_password: SecretStr | None = Field(
        default=None, validation_alias="EMAIL_PASSWORD",
        description="Password at the SMTP server; kept out of logs.",
    )
    email_from: str | None = Field(
        default=None, validation_alias="EMAIL_FROM",
        description="Whom mails are from: name@host, or Name <name@host>; none = EMAIL_USER.",
    )
    email_security: str = Field(
        default="auto", validation_alias="EMAIL_SECURITY",
        description="tls, starttls or none; auto = TLS at port 465, none on this machine, STARTTLS elsewhere.",
    )
    site: str = Field(
        default="http://127.0.0.1:8000", validation_alias="CEREBROLAB_SITE",
        description="Address of the REST API as those who get mails reach it: links in mails lead there.",
    )
    notify_places: SecretStr | None = Field(
        default=None, validation_alias="CEREBROLAB_NOTIFY",
        description="Where the operator is told of failures: addresses of apprise (slack://…, tgram://…, mailto://…), with spaces between them; kept out of logs.",
    )
    api_token: SecretStr | None = Field(
        default=None, validation_alias="CEREBROLAB_API_TOKEN",
        description="Token that the services ask every caller for; none = only this machine may call. Kept out of logs.",
    )

    @property
    def bars_dir(self) -> Path:
        """Folder of the stored bars, where no other store is named."""
        return self.home / "bars"

    @property
    def store(self) -> Path | str:
        """Folder of the stored bars; a text is an address, perhaps with a password: hand it to `feeds.stores.opened` only."""
        place = self.store_place.get_secret_value().strip() if self.store_place else ""
        return place if "://" in place else Path(place or self.bars_dir)

    @property
    def journal(self) -> Path | str:
        """File of the journal; a text is the address of a database, with its password: hand it to `Journal` only."""
        if self.journal_place is not None:
            place = self.journal_place.get_secret_value().strip()
            return place if "://" in place else Path(place)
        return self._database_address if self.db_name else self.home / "journal.db"

    @property
    def questdb(self) -> str | None:
        """Address of the QuestDB that follows the journal, with its password: hand it to `Quest` only."""
        place = self.questdb_place.get_secret_value().strip() if self.questdb_place else ""
        return place or None

    @property
    def _database_address(self) -> str:
        """The DB_ settings as one address; a host that is a folder is that of the server's socket."""
        password = f":{quote(self.db_password.get_secret_value(), safe='')}" if self.db_password else ""
        user = quote(self.db_user or "", safe="") + password
        begin = f"postgresql://{user}@" if user else "postgresql://"
        if self.db_host.startswith("/"):
            return f"{begin}/{self.db_name}?host={quote(self.db_host)}&port={self.db_port}"
        host = f"[{self.db_host}]" if ":" in self.db_host else self.db_host
        return f"{begin}{host}:{self.db_port}/{self.db_name}"

    @property
    def optuna(self) -> Path:
        """File of the studies of sweeps that use Optuna."""
        return self.home / "optuna.db"

    @property
    def solved(self) -> Path:
        """File of the weights that optimisers have solved, so that none is solved twice."""
        return self.home / "solved.db"

    @property
    def alpaca_keys(self) -> tuple[str, str]:
        """Key and secret key in plain text; "" where one is not set."""
        key_id, secret_key = (key.get_secret_value().strip() if key else "" for key in (self.alpaca_api_key, self.alpaca_secret_key))
        return key_id, secret_key

    @property
    def secrets(self) -> list[str]:
        """The values that must never be printed or logged."""
        values = (getattr(self, name) for name in type(self).model_fields if not name.endswith("_place"))
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)] + self._address_secrets

    @property
    def _address_secrets(self) -> list[str]:
        """The passwords in the addresses, as they are written there and as they are; but the one that QuestDB ships with."""
        written = [each for place in (self.journal, self.store, self.questdb) for pair in re.findall(r"://[^:/]*:(.*)@|[?&]password=([^&]*)", str(place))
                   for each in pair if each not in ("", "quest")]
        return written + [unquote(each) for each in written]


def variable_names() -> list[str]:
    """The environment variables `Settings` reads."""
    return [str(each.validation_alias) for each in Settings.model_fields.values()]


def load_settings(env_file: str | Path = ENV_FILE) -> Settings:
    """Read the environment, then `env_file` for what the environment does not say.

    Raises:
        UnknownName: a CEREBROLAB_ variable that does not exist. UsageError: a value of the wrong kind.
    """
    try:
        stated = {**dotenv_values(env_file, encoding="utf-8"), **os.environ}
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {env_file}: {error}; correct or remove it") from None
    for name in stated:
        if name.startswith(PREFIX) and name not in variable_names():
            raise UnknownName.of("setting", name, [each for each in variable_names() if each.startswith(PREFIX)])
    try:
        return Settings(_env_file=env_file)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        raise UsageError(f"setting {name}: {first['msg']}; correct it in the environment or in {env_file}") from None

