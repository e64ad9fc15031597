"""What a stream is doing, and what goes wrong with it: states, troubles and how long each is waited for.

Imports nothing of the project; websockets only when an error of its own is read.
"""

from __future__ import annotations

import random
import socket
import ssl
from dataclasses import dataclass

SECOND_TRY_S, LOST_LONGEST_S = 0.5, 30.0
SLOT_FIRST_S, SLOT_LONGEST_S = 5.0, 20.0
REFUSED_S = 60.0
TOO_MANY = 429


@dataclass(frozen=True)
class State:
    """What a stream tells of itself.

    Attributes:
        name: "connecting", "connected" (authenticated and listening), "lost" (trying again), "refused" (the keys, the
            plan or the place; trying again more slowly) or "stopped". Reports that change nothing, as the connection
            goes on: "error" (an answer in-band) and "nonsense" (a message that cannot be meant, dropped).
        reason: in words, without secrets.
    """

    name: str
    reason: str = ""


class Trouble(Exception):
    """The connection is of no use any more; it is made again after `pause_s`."""

    def __init__(self, state: str, reason: str, first_s: float = SECOND_TRY_S,
                 longest_s: float = LOST_LONGEST_S) -> None:
        super().__init__(reason)
        self.state = State(state, reason)
        self._first_s, self._longest_s = first_s, longest_s

    def pause_s(self, tries: int, source: random.Random) -> float:
        """Seconds before the next try, after `tries` in vain: exponential, with jitter from half to the whole."""
        return min(self._first_s * 2.0 ** min(tries, 30), self._longest_s) * source.uniform(0.5, 1.0)


def lost(reason: str) -> Trouble:
    """The connection ended, never came about, or says nothing."""
    return Trouble("lost", reason)


def refused(reason: str) -> Trouble:
    """Somebody has to change something first; tried again within a minute."""
    return Trouble("refused", f"{reason}; it is tried again every minute", REFUSED_S, REFUSED_S)


def keys_refused(said: str) -> Trouble:
    """Wrong, revoked, or another account's keys."""
    return refused(f"alpaca does not accept the keys ({said}): check ALPACA_API_KEY and ALPACA_SECRET_KEY in .env or the "
                   "environment, and whether they are of the account that the address is for")


def slot_taken(said: str) -> Trouble:
    """The account has one connection of a kind, and somebody holds it: another program, or our own dead socket."""
    return Trouble("refused", f"another connection holds the account's place ({said}): end the other program; a "
                   "connection that broke off frees it within about 90 s; it is tried again", SLOT_FIRST_S, SLOT_LONGEST_S)


def trouble_of(error: Exception) -> Trouble:
    """What an error of the network, of TLS or of the websocket means."""
    from websockets.exceptions import ConnectionClosed, InvalidStatus

    if isinstance(error, Trouble):
        return error
    if isinstance(error, InvalidStatus):
        return _answered(error.response.status_code)
    if isinstance(error, ConnectionClosed):
        code = error.rcvd.code if error.rcvd else None
        return lost("the connection broke off" if code is None else f"alpaca closed the connection (code {int(code)})")
    return lost(_words(error))


def _answered(status: int) -> Trouble:
    """A handshake that was answered with an HTTP status instead of a websocket."""
    said = f"HTTP {status}"
    if status == TOO_MANY:
        return slot_taken(said)
    if status in (401, 403):
        return keys_refused(said)
    if 300 <= status < 500:
        return refused(f"no stream is served at this address ({said}): correct ALPACA_STREAM_URL or "
                       "ALPACA_TRADE_STREAM_URL")
    return lost(said)


def _words(error: Exception) -> str:
    """In few and always the same words; the libraries' own name addresses and ports."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, socket.gaierror):
        return "the host is not found"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate is not accepted ({error.verify_message})"
    return f"the connection failed ({type(error).__name__})"
