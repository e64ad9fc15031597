"""Two stories of the same spec and bars, order by order and fill by fill. Imports the modules beside it."""

from collections.abc import Iterator

import numpy as np

from checks.parity.causes import CENT, TICK, Causes
from checks.parity.differences import Difference, Verdict
from checks.parity.evidence import Evidence
from checks.parity.matching import matched
from checks.parity.story import PROTECTIVE, Asked, Seen, Story, renewed
from core.bars import Bars

LATE_NS = 5 * 10**9
SHARES = 1e-9


def compare(simulated: Story, live: Story, evidence: Evidence, bars: Bars, first_ns: int) -> Verdict:
    """Every difference between two sides, and what explains it.

    Args:
        bars: what both played on. first_ns: the first bar of the comparison.
    """
    return Comparison(simulated, live, evidence, bars, first_ns).verdict()


class Comparison:
    """See `compare`."""

    def __init__(self, simulated: Story, live: Story, evidence: Evidence, bars: Bars, first_ns: int) -> None:
        self._simulated, self._live, self._evidence, self._bars, self._first_ns = simulated, live, evidence, bars, first_ns
        self._rows = {int(at): row for row, at in enumerate(bars.index)}
        self._data = list(self._data_differences())
        late = {(each.bar_ns, each.symbol): each.explanation for each in self._data if each.explanation}
        self._causes = Causes(simulated, live, evidence, bars, late)

    def verdict(self) -> Verdict:
        """All differences, in time order."""
        pairs = matched(renewed(self._simulated.asked), renewed(self._live.asked), self._rows)
        found, same = list(self._data), 0
        for ours, theirs in pairs:
            told = list(self._of_pair(ours, theirs))
            same += not told
            found += told
        found += self._at_the_end()
        fills = min(sum(len(order.fills) for order in story.asked) for story in (self._simulated, self._live))
        return Verdict(len(pairs), fills, same, sorted(found, key=lambda each: each.bar_ns))

    # -- data -----------------------------------------------------------------------------------------------

    def _data_differences(self) -> Iterator[Difference]:
        if not self._live.seen:
            return
        ours = {key: seen for key, seen in self._simulated.seen.items() if key[0] >= self._first_ns}
        theirs = {key: seen for key, seen in self._live.seen.items() if key[0] >= self._first_ns}
        for key in sorted(set(ours) | set(theirs)):
            told = _data(ours.get(key), theirs.get(key), intraday=self._bars.interval != "1d")
            if told:
                yield Difference("data", *key, *told, explanation=self._late(key))

    def _late(self, key: tuple[int, str]) -> str:
        late = [(symbol, seconds) for at, symbol, seconds in self._evidence.late() if at == key[0]]
        for symbol, seconds in late:
            if symbol == key[1]:
                return f"the venue told it {seconds:g} s late" if np.isfinite(seconds) else "the venue never told it on the stream"
        return f"the bar of {late[0][0]} was waited for" if late else ""

    # -- orders -----------------------------------------------------------------------------------------------

    def _of_pair(self, ours: Asked | None, theirs: Asked | None) -> Iterator[Difference]:
        if ours is None or theirs is None:
            yield self._lonely(ours, theirs)
            return
        yield from self._as_the_venue_says(theirs)
        if ours.bar_ns != theirs.bar_ns:
            why = self._causes.decided_elsewhere(ours, theirs) or self._causes.other_account(ours.bar_ns, ours.size, ours.symbol)
            yield self._told("timing", ours, f"decided on {self._when(ours.bar_ns)}", f"on {self._when(theirs.bar_ns)}", why)
        if abs(ours.size - theirs.size) > SHARES:
            why = self._causes.other_account(theirs.bar_ns, ours.size - theirs.size, ours.symbol) or self._causes.unseen(ours.bar_ns)
            yield self._told("sizing", ours, _order(ours), _order(theirs), why)
        if ours.refused != theirs.refused:
            why = self._causes.refusal(ours, theirs) or self._causes.other_account(theirs.bar_ns, ours.size, ours.symbol)
            yield self._told("rejection", ours, _ended(ours), _ended(theirs), why, self._missed(ours, theirs))
        elif not ours.refused:
            yield from self._of_fills(ours, theirs)

    def _lonely(self, ours: Asked | None, theirs: Asked | None) -> Difference:
        order = ours or theirs
        assert order is not None
        why = self._causes.unseen(order.bar_ns) or self._causes.partner(order) or self._causes.other_account(order.bar_ns, order.size, order.symbol)
        told = ("nothing" if ours is None else _order(ours), "nothing" if theirs is None else _order(theirs))
        return self._told("sizing", order, *told, why)

    def _of_fills(self, ours: Asked, theirs: Asked) -> Iterator[Difference]:
        resized = abs(ours.size - theirs.size) > SHARES and bool(ours.filled and theirs.filled)
        if abs(ours.filled - theirs.filled) > SHARES and not (resized and abs(ours.filled - ours.size) + abs(theirs.filled - theirs.size) < SHARES):
            why = self._causes.other_shares(ours, theirs)
            yield self._told("fill", ours, _ended(ours), _ended(theirs), why, self._missed(ours, theirs))
        elif (ours.status == "open") != (theirs.status == "open"):
            yield self._told("timing", ours, _ended(ours), _ended(theirs), self._causes.parts(theirs))
        if not (ours.filled and theirs.filled):
            return
        moved = self._after(ours) != self._after(theirs)
        dearer = abs(ours.price - theirs.price) > TICK
        if moved:
            why = self._causes.filled_elsewhere(ours, theirs)
            yield self._told("timing", ours, _filled(ours, self._when), _filled(theirs, self._when), why, *self._cost(ours, theirs))
        elif dearer and ours.bar_ns == theirs.bar_ns:
            why = self._causes.price(ours, theirs) or self._causes.filled_elsewhere(ours, theirs)
            yield self._told("fill", ours, _filled(ours, self._when), _filled(theirs, self._when), why, *self._cost(ours, theirs))

    def _after(self, order: Asked) -> set[int]:
        """Bars from the decision to each fill; of a protective order, the bars themselves."""
        begin = 0 if order.intent in PROTECTIVE else self._rows.get(order.bar_ns, 0)
        return {self._rows.get(fill.bar_ns, len(self._rows)) - begin for fill in order.fills}

    def _as_the_venue_says(self, order: Asked) -> Iterator[Difference]:
        """What the broker believes must be what the venue did."""
        if not order.sent:
            return
        asked = sum(sent.qty for sent in order.sent)
        if abs(asked - abs(order.size)) > SHARES and len(order.sent) == 1 and order.filled and abs(order.filled) > abs(order.size) + SHARES:
            yield self._told("sizing", order, f"{order.size:+g} asked for", f"{asked:g} sent", "")
        done = sum(self._evidence.filled(sent.client_order_id) for sent in order.sent)
        if abs(done - order.filled) > SHARES:
            yield self._told("fill", order, f"the venue executed {done:+g}", f"the broker booked {order.filled:+g}", "")

    # -- the end ------------------------------------------------------------------------------------------------

    def _at_the_end(self) -> Iterator[Difference]:
        ours, theirs, last = self._simulated, self._live, int(self._bars.index[-1])
        for symbol in self._bars.symbols:
            held = ours.end.positions.get(symbol, 0.0), theirs.end.positions.get(symbol, 0.0)
            if abs(theirs.end.positions.get(symbol, 0.0) - self._evidence.positions.get(symbol, 0.0)) > SHARES:
                yield Difference("fill", last, symbol, f"the venue holds {self._evidence.positions.get(symbol, 0.0):g}", f"the broker shows {held[1]:g}")
            traded = _traded(theirs, symbol) - _traded(ours, symbol)
            if abs(held[1] - held[0] - traded) > SHARES and not self._splits(symbol):
                yield Difference("fill", last, symbol, f"{held[0]:g} held at the end", f"{held[1]:g}, and the fills differ by {traded:+g}")
        if abs(theirs.end.cash - self._evidence.cash) > CENT:
            yield Difference("fill", last, "", f"the venue's cash is {self._evidence.cash:,.2f}", f"the broker shows {theirs.end.cash:,.2f}")
        apart, by_fills = theirs.end.cash - ours.end.cash, _spent(ours) - _spent(theirs)
        if abs(apart - by_fills) > CENT * (1 + self._payments()):
            yield Difference("fill", last, "", f"cash {ours.end.cash:,.2f}", f"{theirs.end.cash:,.2f}, and the fills account for {by_fills:+,.2f} of it")

    def _splits(self, symbol: str) -> bool:
        played = self._bars.index >= self._first_ns
        return bool((self._bars.split[played, self._bars.column(symbol)] != 1).any())

    def _payments(self) -> int:
        return int(np.count_nonzero(self._bars.dividend[self._bars.index >= self._first_ns]))

    # -- words and numbers ----------------------------------------------------------------------------------------

    def _told(self, kind: str, order: Asked, simulated: str, alpaca: str, why: str, cost: float = 0.0, basis_points: float = 0.0) -> Difference:
        return Difference(kind, order.bar_ns, order.symbol, simulated, alpaca, why, cost, basis_points)

    def _cost(self, ours: Asked, theirs: Asked) -> tuple[float, float]:
        """What the shares filled on both sides cost more there, USD and basis points."""
        shares = min(abs(ours.filled), abs(theirs.filled))
        cost = (theirs.price - ours.price) * shares * (1 if ours.size > 0 else -1)
        return cost, cost / (shares * ours.price) * 1e4

    def _missed(self, ours: Asked, theirs: Asked) -> float:
        """What shares that only one side got are worth at the end, less what they cost; USD."""
        end = float(self._bars.last_close[-1, self._bars.column(ours.symbol)])
        return sum(fill.size * (end - fill.price) for fill in ours.fills) - sum(fill.size * (end - fill.price) for fill in theirs.fills)

    def _when(self, bar_ns: int) -> str:
        return when(bar_ns, self._bars.interval)


def when(bar_ns: int, interval: str) -> str:
    """A bar's moment as people write it, UTC; its date where bars are days."""
    text = str(np.datetime64(bar_ns, "ns").astype("datetime64[m]")).replace("T", " ")
    return text[:10] if interval == "1d" else text


def _data(ours: Seen | None, theirs: Seen | None, intraday: bool) -> tuple[str, str] | None:
    if ours is None or theirs is None:
        return ("no bar", "a bar") if ours is None else ("a bar", "no bar")
    if intraday and theirs.arrived_ns - ours.arrived_ns > LATE_NS:
        return "there when complete", f"{(theirs.arrived_ns - ours.arrived_ns) / 1e9:.0f} s later"
    if np.allclose(ours.prices, theirs.prices, rtol=0, atol=TICK, equal_nan=True):
        return None
    return " ".join(f"{price:g}" for price in ours.prices), " ".join(f"{price:g}" for price in theirs.prices)


def _order(order: Asked) -> str:
    return f"{order.size:+g} {order.kind}" + (f" to {order.intent}" if order.intent else "")


def _ended(order: Asked) -> str:
    return f"{_order(order)}: {order.status}, {abs(order.filled):g} filled" + (f" ({order.reason})" if order.reason else "")


def _filled(order: Asked, shown: object) -> str:
    assert callable(shown)
    bars = sorted({fill.bar_ns for fill in order.fills})
    return f"{order.filled:+g} at {order.price:.4f} in the bar of {', '.join(shown(bar) for bar in bars[:3])}" + (" …" if len(bars) > 3 else "")


def _traded(story: Story, symbol: str) -> float:
    return sum(order.filled for order in story.asked if order.symbol == symbol)


def _spent(story: Story) -> float:
    return sum(fill.size * fill.price + fill.commission for order in story.asked for fill in order.fills)
