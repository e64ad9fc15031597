"""Transfers: cash that comes into an account from outside or goes there, which is neither profit nor loss. Imports brokers.hooks."""

from brokers.hooks import Moved

# Alpaca's page "Account Activities": deposits, withdrawals, transfers between brokers, journals between accounts.
KINDS = ("CSD", "CSW", "TRANS", "ACATC", "JNL", "JNLC")


def is_transfer(moved: Moved) -> bool:
    """Whether cash was transferred; cash of no symbol that nothing explains is taken for it. Dividends, interest and fees are not."""
    return bool(moved.cash) and moved.data is None and (moved.kind in KINDS if moved.kind else not moved.symbol)
