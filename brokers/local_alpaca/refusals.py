"""Refusals: the error answers of the trading API, with Alpaca's status, code and message. Standard library only.

Bodies follow the pages "Orders at Alpaca", "User Protection" and "How to fix common trading API errors at Alpaca".
"""

from typing import Any


class Refusal(Exception):
    """A request the venue does not carry out."""

    def __init__(self, status: int, code: int | None, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status = status
        self.body = {**({"code": code} if code else {}), "message": message, **more}


def malformed(message: str) -> Refusal:
    """400: the request cannot be read."""
    return Refusal(400, 40010001, message)


def unprocessable(message: str, **more: Any) -> Refusal:
    """422: the request contradicts a rule of orders."""
    return Refusal(422, 42210000, message, **more)


def not_unique() -> Refusal:
    """422: the client order id is spent."""
    return Refusal(422, 40010001, "client_order_id must be unique")


def forbidden(message: str, **more: Any) -> Refusal:
    """403: the account may not do this now."""
    return Refusal(403, 40310000, message, **more)


def missing(message: str) -> Refusal:
    """404: there is no such thing."""
    return Refusal(404, 40410000, message)
