"""Identity: the client order id that follows from what an order is for, and never changes. Standard library only.

A process that is killed and started again asks for the same order under the same id, so it cannot exist twice.
"""

import base64
import datetime as dt
import hashlib
import json
import re

MAX_LENGTH = 48  # Alpaca documents 128 characters; older servers took 48


def client_order_id(account: str, strategy: str, symbol: str, bar_ns: int, intent: str, attempt: int = 0) -> str:
    """"cl-SYMBOL-YYYYMMDD-INTENT-HASH", at most 48 characters: readable, and the hash is of all six values.

    Args:
        account: the venue's account id; it is in the hash only.
        bar_ns: UTC ns of the decision bar; its UTC date is shown.
        intent: what the order is for ("enter", "exit", "stop", …).
        attempt: 0, then 1, 2, … for each order that replaces one that ended without doing its work.

    The scheme is a promise to every order ever sent: changing it would make a restarted run repeat its orders.
    """
    told = json.dumps([account, strategy, symbol, int(bar_ns), intent, int(attempt)], separators=(",", ":"))
    digest = base64.b32encode(hashlib.sha256(told.encode()).digest()[:10]).decode().lower()
    date = (dt.datetime(1970, 1, 1) + dt.timedelta(seconds=bar_ns // 10**9)).strftime("%Y%m%d")
    return f"cl-{_word(symbol, 9)}-{date}-{_word(intent, 9)}-{digest}"


def _word(text: str, length: int) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "", text)[:length] or "x"
