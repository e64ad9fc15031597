"""What can go wrong between us and Alpaca. Imports core.errors.

    UsageError
    └── Unauthorized          the keys are wrong, revoked, or not of this account
    CerebrolabError
    └── Refused               Alpaca understood the request and will not carry it out
    SourceUnavailable
    └── BrokerUnavailable     no usable answer before the deadline
        └── OrderUncertain    ... to an order, which may or may not exist
"""

from collections.abc import Mapping
from typing import Any

from core.errors import CerebrolabError, SourceUnavailable, UsageError


class Unauthorized(UsageError, PermissionError):
    """Alpaca does not accept the keys."""


class Refused(CerebrolabError, ValueError):
    """An answer of 4xx that is about the request itself.

    Attributes:
        status, code: HTTP status and Alpaca's own code (None where it gave none).
        reason: Alpaca's own words.
        details: the other fields of the answer, such as `available` or `related_orders`.
    """

    def __init__(self, status: int, code: int | None, reason: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(f"alpaca refused: {reason} (HTTP {status}{f', code {code}' if code else ''})")
        self.status, self.code, self.reason, self.details = status, code, reason, dict(details or {})

    @property
    def is_duplicate(self) -> bool:
        """Whether the client order id has been used before ("client_order_id must be unique")."""
        return self.status == 422 and "must be unique" in self.reason


class BrokerUnavailable(SourceUnavailable):
    """Alpaca did not answer, after retries."""


class OrderUncertain(BrokerUnavailable):
    """The answer to an order is lost and could not be asked for again; `client_order_id` is the order's."""

    def __init__(self, client_order_id: str, reason: str) -> None:
        super().__init__(f"alpaca did not answer ({reason}): order {client_order_id} may or may not exist; "
                         "look it up by that client order id before anything else, or send it again with the same id")
        self.client_order_id = client_order_id
