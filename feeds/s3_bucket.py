"""Objects in a bucket of an S3 server, by obstore: read with ETags, written on condition, listed. Imports core.

A PUT is atomic. With If-Match or If-None-Match the server carries it out only where nobody has written since, as Amazon
documents; versitygw does (tested). One that answers that it cannot is written without, and a warning says so. One that overlooks
conditions cannot be told from those: let one process at a time write there. obstore's threads do not outlive a fork: where this
is imported, start processes by spawn.
"""

import configparser
import logging
import os
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import StoreFailed, UsageError

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Store

log = logging.getLogger(__name__)
_forked = threading.Event()
os.register_at_fork(after_in_child=_forked.set)
TRIES = 4
WAITS_S = (0.2, 2.0)  # before a request is sent again: the first time, and at most
NO_MORE_TRIES_S = 5.0
CONNECT_S, READ_S, REQUEST_S = 2.0, 30.0, 300.0
_ADVICE = {
    "NoSuchBucket": "make the bucket, or correct its name",
    "AccessDenied": "give these keys the right to list, read and write there",
    "InvalidAccessKeyId": "check AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "check AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "renew AWS_SESSION_TOKEN",
    "RequestTimeTooSkewed": "set the clock of this machine",
    "PermanentRedirect": "set AWS_REGION to the bucket's",
    "AuthorizationHeaderMalformed": "set AWS_REGION to the bucket's",
}
_NAME = re.compile(r"[A-Za-z0-9._-]+")
_ADDRESS = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\])(:(?P<port>\d{1,5}))?(/[A-Za-z0-9._~/-]*)?")
_ROLES = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE",
          "AWS_METADATA_ENDPOINT")


class S3Bucket:
    """The objects of one bucket; keys and address as AWS's own tools find them.

    Args:
        name: of the bucket.

    Raises:
        UsageError: obstore is not installed, there are no keys, or the name or the server's address is none.
    """

    def __init__(self, name: str) -> None:
        if find_spec("obstore") is None:
            raise UsageError("s3:// needs the package obstore, which is not installed: install it with pip install -e '.[s3]'")
        if not _NAME.fullmatch(name):
            raise UsageError(f"{name!r} is no name of a bucket: write letters, digits, dots and hyphens")
        self.name, self._opened, self._conditional = name, _store(name), True

    def get(self, key: str, known: str | None = None) -> tuple[bytes, str] | None:
        """(content, ETag) of an object; the content is b"" where the ETag is still `known`. None when there is none.

        Raises:
            StoreFailed: the server does not answer, or refuses.
        """
        import obstore
        from obstore.exceptions import BaseError, NotModifiedError

        try:
            found = obstore.get(self._store, key, options={"if_none_match": known} if known else None)
            return bytes(found.bytes()), str(found.meta["e_tag"])
        except NotModifiedError:
            return b"", str(known)
        except FileNotFoundError as error:
            self._check_bucket(error)
            return None
        except BaseError as error:
            raise self._failed(error) from None

    def put(self, key: str, content: bytes, expected: str | None) -> str | None:
        """Write an object that still has the ETag `expected` (None: that is not there); its new ETag, None if another was quicker.

        Raises:
            StoreFailed: the server does not answer, or refuses; the object is untouched.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

        mode = "overwrite" if not self._conditional else {"e_tag": expected} if expected else "create"
        try:
            return str(obstore.put(self._store, key, content, mode=mode, use_multipart=False)["e_tag"])  # type: ignore[arg-type]
        except (AlreadyExistsError, PreconditionError, FileNotFoundError) as error:
            self._check_bucket(error)
            return None
        except BaseError as error:
            if not (self._conditional and _status(error).startswith("501")):
                raise self._failed(error) from None
        log.warning("the server of s3://%s knows no conditional writes: let one process at a time write to it", self.name)
        self._conditional = False
        return self.put(key, content, expected)

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key below the folder `prefix` ("" = all), in order of the alphabet.

        Raises:
            StoreFailed: the server does not answer, or refuses.
        """
        import obstore
        from obstore.exceptions import BaseError

        try:
            for page in obstore.list(self._store, prefix):
                yield from (each["path"] for each in page)
        except (BaseError, FileNotFoundError) as error:
            raise self._failed(error) from None

    @property
    def _store(self) -> "S3Store":
        if _forked.is_set():
            raise StoreFailed(f"s3://{self.name} failed: a forked process cannot use it; start processes by spawn")
        return self._opened

    def _check_bucket(self, error: Exception) -> None:
        """An object that is not there is fine; a bucket that is not there is not."""
        if _code(error) == "NoSuchBucket":
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> StoreFailed:
        """In one line, without what the server repeats of the request."""
        code, status, first = _code(error), _status(error), str(error).partition("\n")[0]
        if status:
            told = f"{code or status[4:]} (status {status[:3]}); {_ADVICE.get(code, 'see the log of the server')}"
        elif "redirect" in first:
            told = f"it is elsewhere; {_ADVICE['PermanentRedirect']}"
        elif "HTTP error" in first:
            told = f"the server does not answer ({first.rpartition('HTTP error: ')[2]}); check AWS_ENDPOINT_URL and that it runs"
        else:
            told = f"{first.rpartition(' - ')[2][:200]}; check AWS_ENDPOINT_URL"
        return StoreFailed(f"s3://{self.name} failed: {told}")


def _store(bucket: str) -> "S3Store":
    from obstore.store import S3Store

    config = _account()
    waits = {"init_backoff": timedelta(seconds=WAITS_S[0]), "max_backoff": timedelta(seconds=WAITS_S[1]), "base": 3}
    retry: RetryConfig = {"max_retries": TRIES - 1, "retry_timeout": timedelta(seconds=NO_MORE_TRIES_S), "backoff": waits}  # type: ignore[typeddict-item]
    client: ClientConfig = {"allow_http": config.get("endpoint", "").startswith("http://"), "connect_timeout": timedelta(seconds=CONNECT_S),
                            "read_timeout": timedelta(seconds=READ_S), "timeout": timedelta(seconds=REQUEST_S)}
    return S3Store(bucket, config=config, client_options=client, retry_config=retry)


def _account() -> "S3Config":
    """By AWS_ACCESS_KEY_ID and the other variables of AWS's tools, or by AWS_PROFILE; what obstore reads by itself is left to it."""
    stated = {name: value for name, value in os.environ.items() if name.startswith("AWS_") and value}
    profile = _profile(stated)
    keys, both = stated if "AWS_ACCESS_KEY_ID" in stated else profile, {**profile, **stated}
    config: S3Config = {"region": both.get("AWS_REGION") or both.get("AWS_DEFAULT_REGION") or "us-east-1"}
    if keys.get("AWS_ACCESS_KEY_ID") and keys.get("AWS_SECRET_ACCESS_KEY"):
        config["access_key_id"], config["secret_access_key"] = keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]
        if keys.get("AWS_SESSION_TOKEN"):
            config["session_token"] = keys["AWS_SESSION_TOKEN"]
        if not re.fullmatch(r"[!-~]*", keys["AWS_ACCESS_KEY_ID"] + keys.get("AWS_SESSION_TOKEN", "")):
            raise UsageError("AWS_ACCESS_KEY_ID or AWS_SESSION_TOKEN has characters that no key has: copy it again")
    elif stated.keys().isdisjoint(_ROLES):
        raise UsageError("there are no keys for s3://: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
    endpoint = both.get("AWS_ENDPOINT_URL_S3") or both.get("AWS_ENDPOINT_URL")
    if endpoint:
        address = _ADDRESS.fullmatch(endpoint)
        if address is None or int(address["port"] or 80) not in range(1, 65536):
            raise UsageError("AWS_ENDPOINT_URL is no address of a server: write http://HOST:PORT or https://HOST")
        config["endpoint"] = endpoint.rstrip("/")
    return config


def _profile(stated: dict[str, str]) -> dict[str, str]:
    """What the files of AWS's tools say of the profile, under the names of the environment."""
    name = stated.get("AWS_PROFILE") or "default"
    parser = configparser.RawConfigParser()
    files = [stated.get("AWS_CONFIG_FILE") or "~/.aws/config", stated.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials"]
    try:
        parser.read([Path(each).expanduser() for each in files], encoding="utf-8")
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the profiles of AWS: {str(error).splitlines()[0]}; correct {' or '.join(files)}") from None
    sections = [each for each in (f"profile {name}", name) if parser.has_section(each)]
    values = {option: value for section in sections for option, value in parser.items(section)}
    return {f"AWS_{option.removeprefix('aws_').upper()}": value for option, value in values.items()}


def _status(error: Exception) -> str:
    """Such as "404 Not Found"; "" where the server did not answer."""
    found = re.search(r"status code: (\d{3} [A-Za-z -]+)", str(error))
    return found[1].strip() if found else ""


def _code(error: Exception) -> str:
    """What S3 calls the error; "" where the answer does not say."""
    found = re.search(r"<Code>(\w+)</Code>", str(error))
    return found[1] if found else ""
