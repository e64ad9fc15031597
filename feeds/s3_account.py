"""The account of an S3 server as AWS's own tools find it: environment variables, then the profile. Also who signs requests."""

import configparser
import datetime as dt
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from core.errors import UsageError


@dataclass(frozen=True)
class S3Account:
    """Keys and address of a server; signs requests (AWS Signature Version 4).

    Attributes:
        key_id, secret_key, token: as AWS names them; token "" for none. region: its name.
        endpoint: scheme, host and port of the server.
    """

    key_id: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    region: str
    endpoint: str

    @classmethod
    def found(cls) -> "S3Account":
        """By AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION and AWS_ENDPOINT_URL, or by AWS_PROFILE.

        Raises:
            UsageError: there are no keys.
        """
        stated, profile = os.environ, _profile(os.environ)
        keys = stated if stated.get("AWS_ACCESS_KEY_ID") else profile
        key_id, secret_key = keys.get("AWS_ACCESS_KEY_ID", ""), keys.get("AWS_SECRET_ACCESS_KEY", "")
        if not (key_id and secret_key):
            raise UsageError("there are no keys for s3://: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
        both = {**profile, **{name: value for name, value in stated.items() if value}}
        region = both.get("AWS_REGION") or both.get("AWS_DEFAULT_REGION") or "us-east-1"
        endpoint = both.get("AWS_ENDPOINT_URL_S3") or both.get("AWS_ENDPOINT_URL") or f"https://s3.{region}.amazonaws.com"
        return cls(key_id, secret_key, keys.get("AWS_SESSION_TOKEN", ""), region, endpoint.rstrip("/"))

    def signed(self, method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes,
               now: dt.datetime | None = None) -> tuple[str, dict[str, str]]:
        """(URL, headers) of a request for the path of a bucket or object, as it is before encoding."""
        stamp = f"{now or dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}"
        place = urlsplit(self.endpoint)
        all_headers = {"host": place.netloc, "x-amz-content-sha256": hashlib.sha256(body).hexdigest(), "x-amz-date": stamp,
                       **({"x-amz-security-token": self.token} if self.token else {}), **headers}
        encoded = place.path + quote(path, safe="/-_.~")
        asked = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(query.items()))
        names = sorted(all_headers)
        canonical = "\n".join([method, encoded, asked, *[f"{name}:{all_headers[name].strip()}" for name in names], "", ";".join(names),
                               all_headers["x-amz-content-sha256"]])
        scope = f"{stamp[:8]}/{self.region}/s3/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self._key(scope), to_sign.encode(), hashlib.sha256).hexdigest()
        credential = f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"
        url = f"{place.scheme}://{place.netloc}{encoded}" + (f"?{asked}" if asked else "")
        return url, {**all_headers, "authorization": credential}

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _profile(stated: Mapping[str, str]) -> dict[str, str]:
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
