"""Objects in a bucket of an S3 server, by its REST API: read with ETags, written on condition, listed. Imports core and feeds.

A PUT is atomic. With If-Match or If-None-Match the server carries it out only where nobody has written since, as Amazon
documents; versitygw does (tested). One that answers that it cannot is written without, and a warning says so. One that overlooks
conditions cannot be told from those: let one process at a time write there.
"""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from xml.etree import ElementTree

import requests

from core.errors import StoreFailed
from feeds.s3_account import S3Account

log = logging.getLogger(__name__)
WAITS_S = (0.2, 1.0, 2.0)  # before a request is sent again
TIMEOUTS_S = (5.0, 30.0)  # to connect, and between two parts of an answer
_PASSING = (429, 500, 502, 503, 504)
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
_ANY = "*"


class S3Bucket:
    """The objects of one bucket.

    Args:
        name: of the bucket. account: None = as `S3Account.found` has it.
        waits_s: how long to wait before a request is sent again when the server does not answer.
    """

    def __init__(self, name: str, account: S3Account | None = None, waits_s: Sequence[float] | None = None) -> None:
        self.name, self._account = name, account or S3Account.found()
        self._waits_s = tuple(WAITS_S if waits_s is None else waits_s)
        self._mine = threading.local()
        self._conditional = True

    def get(self, key: str, known: str | None = None) -> tuple[bytes, str] | None:
        """(content, ETag) of an object; the content is b"" where the ETag is still `known`. None when there is none.

        Raises:
            StoreFailed: the server does not answer, or refuses.
        """
        answer = self._asked("GET", key, headers={"if-none-match": known} if known else {}, fine=(200, 304, 404))
        if answer.status_code == 404:
            self._check_found(answer)
            return None
        return (b"", str(known)) if answer.status_code == 304 else (answer.content, answer.headers["ETag"])

    def put(self, key: str, content: bytes, expected: str | None) -> str | None:
        """Write an object that still has the ETag `expected` (None: that is not there); its new ETag, None if another was quicker.

        Raises:
            StoreFailed: the server does not answer, or refuses; the object is untouched.
        """
        condition = {} if not self._conditional else {"if-match": expected} if expected else {"if-none-match": _ANY}
        answer = self._asked("PUT", key, headers=condition, body=content, fine=(200, 404, 409, 412, 501))
        if answer.status_code == 501 and condition:
            log.warning("the server of s3://%s knows no conditional writes: let one process at a time write to it", self.name)
            self._conditional = False
            return self.put(key, content, expected)
        if answer.status_code == 200:
            return answer.headers["ETag"]
        self._check_found(answer)
        return None

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that begins with `prefix`, in order of the alphabet.

        Raises:
            StoreFailed: the server does not answer, or refuses.
        """
        more: dict[str, str] | None = {}
        while more is not None:
            answer = self._asked("GET", "", query={"list-type": "2", "prefix": prefix, **more})
            page = ElementTree.fromstring(answer.content)
            space = page.tag.partition("}")[0] + "}" if page.tag.startswith("{") else ""
            yield from (str(each.text) for each in page.iterfind(f"{space}Contents/{space}Key"))
            token = page.findtext(f"{space}NextContinuationToken")
            more = {"continuation-token": token} if token else None

    def _asked(self, method: str, key: str, query: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
               body: bytes = b"", fine: Sequence[int] = (200,)) -> requests.Response:
        """The answer, after as many tries as it takes."""
        for wait_s in (*self._waits_s, None):
            url, signed = self._account.signed(method, f"/{self.name}/{key}" if key else f"/{self.name}", query or {}, headers or {}, body)
            try:
                answer = self._session.request(method, url, headers=signed, data=body or None, timeout=TIMEOUTS_S, allow_redirects=False)
                if answer.status_code in fine:
                    return answer
                told = self._told(answer)
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
                told, answer = f"the server does not answer ({_cause(error)}); check AWS_ENDPOINT_URL and that it runs", None
            except requests.RequestException as error:
                raise StoreFailed(f"s3://{self.name} failed: {_cause(error)}; check AWS_ENDPOINT_URL") from None
            if wait_s is None or (answer is not None and answer.status_code not in _PASSING):
                raise StoreFailed(f"s3://{self.name} failed: {told}")
            log.warning("s3://%s failed: %s; trying again in %g s", self.name, told, wait_s)
            time.sleep(wait_s)
        raise AssertionError("the last try returns or raises")

    @property
    def _session(self) -> requests.Session:
        """One for each thread."""
        if not hasattr(self._mine, "session"):
            self._mine.session = requests.Session()
            self._mine.session.auth = _as_signed
        return self._mine.session

    def _check_found(self, answer: requests.Response) -> None:
        """An object that is not there is fine; a bucket that is not there is not."""
        if _code(answer) == "NoSuchBucket":
            raise StoreFailed(f"s3://{self.name} failed: {self._told(answer)}")

    def _told(self, answer: requests.Response) -> str:
        code = _code(answer)
        return f"{code or answer.reason} (status {answer.status_code}); {_ADVICE.get(code, 'see the log of the server')}"


def _as_signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from putting a password of netrc in the place of the signature."""
    return request


def _code(answer: requests.Response) -> str:
    """What S3 calls the error; "" where the answer does not say."""
    try:
        return ElementTree.fromstring(answer.content).findtext("{*}Code") or ""
    except ElementTree.ParseError:
        return ""


def _cause(error: Exception) -> str:
    """The innermost words of an error of requests, without addresses of objects."""
    reason = getattr(error.args[0] if error.args else error, "reason", error)
    return " ".join(str(reason).split()).rpartition(": ")[2][:200]
