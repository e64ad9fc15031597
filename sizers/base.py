"""PortfolioSizer: answers Backtrader's question "how many shares?" for a whole portfolio at once."""

import math
import time
from functools import cached_property
from typing import Any

import backtrader as bt
import numpy as np
from numba import njit

from core.bars import Bars
from core.carry import without_new_shorts
from core.errors import BadSpec, UnknownName
from core.feed_bars import FeedBars
from core.notes import Note
from core.options import Limits
from core.sleeves import Sleeves
from sizers.allocation import ROUNDINGS, whole_shares
from sizers.correlation import uncorrelated
from sizers.limits import Groups, limit_weights, load_compiled, no_groups, sector_codes, shares_of
from sizers.smallest_account import reason_for_none

NO_SLEEVES = Sleeves()
AT_ONCE = 2**18  # (decision, symbol) pairs whose wishes are worked out together: what fits a processor's cache


class PortfolioSizer(bt.Sizer):
    """Base of portfolio sizers; a subclass states `params` and one pure method, `weights`.

    Params:
        limits: `core.options.Limits`.
        fractional: sizes may be millionths of a share.
        sleeves: `core.sleeves.Sleeves`, the accounts within the account; None = the strategy's own, if any.
        rounding: how weights become whole shares: "floor", "greedy" or "lp", see `sizers.allocation`.
        lending: `core.carry.Lending`, which shares can be sold short; None = all.

    Attributes:
        notes: what a reader of the run must know, `core.notes.Note` each. seconds: spent in `target_shares`.

    Works with target strategies, which ask for the shares of a whole decision, and with plain ones, whose
    `buy()` is taken as a conviction of 1 in its symbol and in every symbol already held, and whose `sell()`
    as leaving (or, from flat, as going short).
    """

    params = (("limits", Limits()), ("fractional", False), ("sleeves", None), ("rounding", "floor"), ("lending", None))
    seconds = 0.0

    def __init__(self) -> None:
        if self.p.rounding not in ROUNDINGS:
            raise UnknownName.of("value of sizer.rounding", str(self.p.rounding), ROUNDINGS)
        self.check()
        load_compiled()

    def check(self) -> None:
        """Raise `BadSpec` if a parameter is not possible."""

    def weights(self, conviction: np.ndarray, history: Bars) -> np.ndarray:
        """Wished weights, a pure function of the convictions and of the bars.

        Args:
            conviction: (N,) last conviction of every symbol; 0 = out, negative = short.
            history: bars up to and including the decision bar.

        Returns:
            (N,) parts of equity.
        """
        raise BadSpec(f"{type(self).__name__} has no weights method: a sizer states one")

    def weights_from(self, conviction: np.ndarray, history: Bars, current: np.ndarray) -> np.ndarray:
        """Wished weights of a sizer that minds what trading costs; by default `weights`.

        Args:
            current: (N,) weights held now. The others as in `weights`.
        """
        return self.weights(conviction, history)

    def weights_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        """`weights` of many decisions at once; by default one after the other.

        Args:
            conviction: (D, N). bars: all of them. rows: (D,) each decision's bar, beyond which nothing is looked at.

        Returns:
            (D, N) parts of equity, equal to `weights` to the bit.
        """
        made = [self._asked_weights(each, bars.upto(int(row)), np.zeros(len(each)))
                for each, row in zip(conviction, rows, strict=True)]
        return np.array(made).reshape(conviction.shape)

    def target_shares(self, *, conviction: np.ndarray, decided: np.ndarray, history: Bars, held: np.ndarray,
                      value: float, cash: float) -> np.ndarray:
        """Shares to hold after this decision; see `sizers.limits` for the arguments.

        Returns:
            (N,) shares; `held` where nothing was decided.
        """
        started = time.perf_counter()
        prices = history.last_close[-1]
        current = np.where(held == 0, 0.0, held * prices) / value if value > 0 else np.zeros(len(held))
        wished = self._lendable(self._wished_with(conviction, history, current, value), current, history)
        shares = self._limited(wished, current, held, conviction, decided, value, cash, history)
        if not self._opened and value > 0:
            self._explain_none(wished, decided, shares, history, value, prices)
        self.seconds += time.perf_counter() - started
        return shares

    # -- first stage ----------------------------------------------------------------------------------

    def wished(self, conviction: np.ndarray, history: Bars, current: np.ndarray | None = None) -> np.ndarray:
        """(N,) weights before the limits: correlated symbols left out, every sleeve sized for itself."""
        current = np.zeros(len(conviction)) if current is None else current
        conviction = uncorrelated(conviction, history, self._limits)
        wished = self._wished(conviction, history, current)
        return np.where((conviction == 0) | np.isnan(history.last_close[-1]), 0.0, wished)

    def _wished_with(self, conviction: np.ndarray, history: Bars, current: np.ndarray, value: float) -> np.ndarray:
        """`wished` of an account worth `value`, for sizers that think in shares or money; the others need no value."""
        return self.wished(conviction, history, current)

    def wished_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        """(D, N) `wished` of many decisions; arguments as in `weights_at`."""
        parts = self._parts(bars)
        wished = np.empty(conviction.shape)
        size = max(AT_ONCE // max(conviction.shape[1], 1), 1)
        for some in (slice(first, first + size) for first in range(0, len(rows), size)):
            kept = conviction[some]
            if self._limits.max_correlation < np.inf:
                kept = np.array([uncorrelated(each, bars.upto(int(row)), self._limits)
                                 for each, row in zip(kept, rows[some], strict=True)]).reshape(kept.shape)
            asked = self._asked_of_parts(kept, parts, rows[some]) if self._sleeves else self._asked_at(kept, bars, rows[some])
            wished[some] = np.where((kept == 0) | np.isnan(bars.last_close[rows[some]]), 0.0, asked)
        return wished

    def _parts(self, bars: Bars) -> list[tuple[np.ndarray, float, Bars]]:
        """Of each sleeve with a share: (N,) bool who is in it, the share, and the bars with its symbols tradable."""
        if not self._sleeves:
            return []
        _, codes, shares = self._sleeves.assign(bars.symbols)
        return [(codes == code, share, bars.only(codes == code)) for code, share in enumerate(shares.tolist()) if share]

    def _asked_of_parts(self, conviction: np.ndarray, parts: list[tuple[np.ndarray, float, Bars]], rows: np.ndarray) -> np.ndarray:
        """(D, N) weights, every sleeve sized for itself."""
        wished = np.zeros(conviction.shape)
        for inside, share, bars in parts:
            chosen = np.where(inside, conviction, 0.0)
            asked = np.flatnonzero(chosen.any(axis=1))
            weights = self._asked_at(chosen[asked], bars, rows[asked])
            wished[asked] += share * _within(np.where(chosen[asked] == 0, 0.0, weights), chosen[asked], self._limits.max_gross)
        return wished

    def _asked_at(self, conviction: np.ndarray, bars: Bars, rows: np.ndarray) -> np.ndarray:
        """`weights_at`, unless a class restates `weights` below the one that states it."""
        states = [next(at for at, each in enumerate(type(self).__mro__) if name in vars(each))
                  for name in ("weights_at", "weights", "weights_from")]
        restated = states[0] > min(states[1:])
        return (PortfolioSizer.weights_at if restated else type(self).weights_at)(self, conviction, bars, rows)

    def _wished(self, conviction: np.ndarray, history: Bars, current: np.ndarray) -> np.ndarray:
        """(N,) wished weights, each sleeve sized as an account of its own."""
        sleeves = self._sleeves
        if not sleeves:
            return self._asked_weights(conviction, history, current)
        _, codes, shares = sleeves.assign(history.symbols)
        wished = np.zeros(len(conviction))
        for code, share in enumerate(shares.tolist()):
            inside = codes == code
            chosen = np.where(inside, conviction, 0.0)
            if share and chosen.any():
                own = np.where(inside, current, 0.0) / share
                weights = self._asked_weights(chosen, history.only(inside), own)
                asked = np.where(chosen == 0, 0.0, weights)
                wished += share * _within(asked[None], chosen[None], self._limits.max_gross)[0]
        return wished

    def _asked_weights(self, conviction: np.ndarray, history: Bars, current: np.ndarray) -> np.ndarray:
        weights = np.asarray(self.weights_from(conviction, history, current), dtype=np.float64)
        if weights.shape != conviction.shape:
            raise BadSpec(f"{type(self).__name__}.weights gave shape {weights.shape}: (symbols,) is {conviction.shape}")
        return weights

    @cached_property
    def _limits(self) -> Limits:
        return Limits(*map(float, self.p.limits))  # one compiled signature

    @cached_property
    def _sleeves(self) -> Sleeves:
        if self.p.sleeves is not None:
            return self.p.sleeves
        own = getattr(getattr(self, "strategy", None), "sleeves", None)
        return own if isinstance(own, Sleeves) else NO_SLEEVES

    # -- second stage ---------------------------------------------------------------------------------

    def groups(self, history: Bars) -> Groups:
        """The sectors and sleeves of the symbols of `history`."""
        known = self.__dict__.get("_groups")
        if known is None or known[0] is not history.symbols or known[1] is not history.sectors:
            codes = sector_codes(history, self._limits)
            if self._limits.max_sector < np.inf and (codes[history.tradable] < 0).any():
                count = int((codes[history.tradable] < 0).sum())
                self.note(history, f"{count} symbols have no sector and no sector limit: name them in the sector map")
            sleeves, parts = no_groups(len(codes))[1:]
            if self._sleeves:
                sleeves, parts = (each.copy() for each in self._sleeves.assign(history.symbols)[1:])
            known = self._groups = (history.symbols, history.sectors, Groups(codes, sleeves, parts))
        return known[2]

    def _lendable(self, wished: np.ndarray, current: np.ndarray, history: Bars) -> np.ndarray:
        """(N,) wishes without new short sales of shares that nobody lends."""
        lent = self.p.lending.lent(history.symbols, history.session[-1:]) if self.p.lending is not None and (wished < 0).any() else None
        return wished if lent is None else without_new_shorts(wished, current, lent[0])

    def _limited(self, wished: np.ndarray, current: np.ndarray, held: np.ndarray, conviction: np.ndarray,
                 decided: np.ndarray, value: float, cash: float, history: Bars) -> np.ndarray:
        """(N,) shares: what the limits and the cash allow of the wishes."""
        groups, prices = self.groups(history), history.last_close[-1]
        allowed = limit_weights(wished, current, conviction, decided, groups, value, cash, self._limits)
        return self._rounded(allowed, held, conviction, decided, groups, value, prices, history)

    def _rounded(self, allowed: np.ndarray, held: np.ndarray, conviction: np.ndarray, decided: np.ndarray,
                 groups: Groups, value: float, prices: np.ndarray, history: Bars) -> np.ndarray:
        fractional = bool(self.p.fractional)
        shares = shares_of(allowed, held, decided, value, prices, fractional, self._limits)
        if self.p.rounding == "floor" or fractional or not value > 0:
            return shares
        shares, failure = whole_shares(self.p.rounding, allowed, shares, held, conviction, decided, groups, value,
                                       prices, self._limits)
        if failure:
            self.note(history, f"shares rounded down: {failure}")
        return shares

    # -- what the run should know ---------------------------------------------------------------------

    @cached_property
    def notes(self) -> list[Note]:
        """Notes in the order of the decisions."""
        return []

    _opened = False  # whether a position has been open, or its absence explained

    def note(self, history: Bars, text: str) -> None:
        """Record a remark on the decision at the last bar of `history`, once."""
        made = Note(int(history.index[-1]), type(self).__name__, text)
        if made not in self.notes[-8:]:
            self.notes.append(made)

    def _explain_none(self, wished: np.ndarray, decided: np.ndarray, shares: np.ndarray, history: Bars, value: float,
                      prices: np.ndarray) -> None:
        """Say once why the first wishes of the run came to nothing."""
        if shares.any():
            self._opened = True
            return
        wanted = decided & (np.nan_to_num(wished) != 0)
        if wanted.any():
            self._opened = True
            limits = self._limits
            if (self.groups(history).sectors[wanted] < 0).any():
                limits = limits._replace(max_sector=np.inf)
            symbols = [symbol for symbol, flag in zip(history.symbols, wanted, strict=True) if flag]
            self.note(history, reason_for_none(limits, symbols, prices[wanted], value, bool(self.p.fractional),
                                               float(np.nanmax(np.abs(wished[wanted]))) * value))

    # -- Backtrader's question ------------------------------------------------------------------------

    def _getsizing(self, comminfo: Any, cash: float, data: Any, isbuy: bool) -> float:
        held = self.broker.getposition(data).size
        decision = getattr(self.strategy, "decision", None)
        if decision is not None:
            target = decision.target(data)
        elif held and (held > 0) != isbuy:
            target = 0.0
        else:
            held += self._coming().get(data, 0.0)
            target = self._plain_target(data, isbuy, cash)
        return max(target - held if isbuy else held - target, 0)

    def _coming(self) -> dict[Any, float]:
        """Shares that open orders will add to positions, by feed; what closes or protects one is not counted."""
        coming: dict[Any, float] = {}
        for order in (*getattr(self.broker, "submitted", ()), *getattr(self.broker, "pending", ())):
            left = order.executed.remsize
            if order.parent is None and left * self.broker.getposition(order.data).size >= 0:
                coming[order.data] = coming.get(order.data, 0.0) + left
        return coming

    def _plain_target(self, data: Any, isbuy: bool, cash: float) -> float:
        datas = self.strategy.datas
        panel = self._panel = getattr(self, "_panel", None) or FeedBars(datas)
        row = panel.update(self.strategy.datetime[0])
        coming = self._coming()
        held = np.array([self.broker.getposition(each).size + coming.get(each, 0.0) for each in datas], dtype=np.float64)
        cash -= sum(max(shares, 0.0) * each.close[0] for each, shares in coming.items())
        decided = np.array([each is data for each in datas])
        conviction = np.where(decided, 1.0 if isbuy else -1.0, np.sign(held))
        targets = self.target_shares(conviction=conviction, decided=decided, history=panel.bars.upto(row),
                                     held=held, value=self.broker.getvalue(), cash=cash)
        return float(targets[decided][0])


@njit(cache=True)
def _within(weights: np.ndarray, conviction: np.ndarray, most: float) -> np.ndarray:
    """Weights (D, N) of which the absolute values of a row sum to at most `most`, the strongest convictions served first."""
    allowed = weights.copy()
    for row in range(len(weights)):
        total = 0.0
        for at in range(weights.shape[1]):
            total += 0.0 if np.isnan(weights[row, at]) else abs(weights[row, at])
        if total <= most:
            continue
        sizes = np.abs(weights[row])
        left = most
        for at in np.argsort(-np.abs(conviction[row]), kind="mergesort"):
            size = 0.0 if np.isnan(sizes[at]) else sizes[at]
            allowed[row, at] = math.copysign(min(size, max(left, 0.0)), weights[row, at])
            left -= size
    return allowed
