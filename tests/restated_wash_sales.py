"""Wash sales and lots told again share by share: slow, and plain enough to be believed. An oracle for `taxes`."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Share:
    """One share; `basis` is what was received where it is sold short. A sold one may have a `disallowed` loss."""

    run: str
    symbol: str
    side: int
    bought: int
    basis: Fraction
    order: int
    since: int
    has_replaced: bool = False
    sold: int = 0
    gain: Fraction = Fraction(0)
    disallowed: Fraction = Fraction(0)


def told_by_shares(trades, method="fifo"):
    """What (day, run, symbol, whole shares, price) come to; all symbols are substantially identical. (sold shares, open shares)."""
    open_shares, sold, unmatched = [], [], []
    for order, (day, run, symbol, qty, price) in enumerate(trades):
        side = 1 if qty > 0 else -1
        closed = []
        for _ in range(abs(qty)):
            mine = [share for share in open_shares if (share.run, share.symbol, share.side) == (run, symbol, -side)]
            if mine:
                share = _chosen(mine, method)
                open_shares = [each for each in open_shares if each is not share]
                share.sold, share.gain = day, (Fraction(price) - share.basis) * share.side
                closed.append(share)
                continue
            share = Share(run, symbol, side, day, Fraction(price), order, day)
            open_shares.append(share)
            closed, unmatched = _close(closed, open_shares, sold, unmatched)
            loss = next((each for each in unmatched if _replaces(share, each)), None)
            if loss is not None:
                _move(loss, share)
                unmatched = [each for each in unmatched if each is not loss]
        _close(closed, open_shares, sold, unmatched)
    return sold, open_shares


def _chosen(mine, method):
    if method == "lifo":
        return mine[-1]
    if method == "highest_cost":
        return max(mine, key=lambda share: share.basis * share.side)  # the first of equals
    return mine[0]


def _close(closed, open_shares, sold, unmatched):
    for share in sorted(closed, key=lambda each: each.order):
        sold.append(share)
        if share.gain < 0:
            found = next((each for each in open_shares if _replaces(each, share)), None)
            if found is None:
                unmatched.append(share)
            else:
                _move(share, found)
    return [], unmatched


def _replaces(share, loss):
    return not share.has_replaced and share.side == loss.side and share.order != loss.order and abs(share.bought - loss.sold) <= 30


def _move(loss, share):
    loss.disallowed = -loss.gain
    share.basis += loss.disallowed * share.side
    share.since -= loss.sold - loss.since
    share.has_replaced = True
