"""TargetStrategy: a Backtrader Strategy whose decisions are a pure function of the bars."""

from collections.abc import Mapping, Sequence
from typing import Any

import backtrader as bt
import numpy as np

import sizers
from core.bars import Bars
from core.errors import BadSpec, UnknownName
from core.options import Exits, read_group
from core.sleeves import Sleeves
from core.space import Space
from sizers.base import PortfolioSizer
from strategies.desk import Desk
from strategies.exits import Protection
from strategies.traded import Traded

ENGINE_PARAMS = ("exits", "signal_start", "fill")


class TargetStrategy(Traded):
    """Base of strategies that say what to hold, not how to get there.

    A subclass states `params = dict(...)` and the pure class method `signals`; it may state `check` (are the
    parameters possible?), `features` (panels for charts), `warmup`, and any of the attributes below.
    It runs in any Cerebro, with any feeds; without engine-supplied bars it reads the panel from its feeds.

    Attributes:
        fill: when its orders fill, see the param of that name. exit_fill: the same for orders that leave a position whole;
            None = as `fill`. Where that comes to nothing, the position is left by a market order.
        default_sizer: a name in `sizers`, or a sizer class. sizer_params: its parameters.
        sleeves: name -> "SHARE: SYMBOLS", the parts of the account it divides by habit (`core.sleeves`); a part
            without a symbol in the universe goes to the others.
        aliases: other names of parameters, such as {"riskFactor": "sizer.risk"}.
        needs_index: it compares with a market index; the engine adds the source's to the reference symbols.
        path_dependent: its decisions depend on its own earlier ones, from `signal_start` on.
        space: what a sweep tries when nobody says otherwise, and the rules between parameters.
        timing: parameter -> every value that shifts the days it decides on, for measuring timing luck.

    Params of the base (set by the engine, open to users too):
        exits: `core.options.Exits`, or a mapping of its fields.
        signal_start: first exchange date on which it may decide (ISO date).
        fill: "next_open" (market order at the next bar's open), "session_open" or "session_close" (the next
            session's auction, if it is decided in time); None = the class attributes `fill` and `exit_fill`.
    """

    params = dict(exits=None, signal_start=None, fill=None)
    fill: str = "next_open"
    exit_fill: str | None = None
    default_sizer: str | type[PortfolioSizer] = "EqualWeight"
    sizer_params: Mapping[str, Any] = {}
    sleeves: Mapping[str, Any] = {}
    aliases: Mapping[str, str] = {}
    needs_index = False
    path_dependent = False
    space = Space()
    timing: Mapping[str, Sequence[Any]] = {}

    @classmethod
    def signals(cls, bars: Bars, p: Any) -> np.ndarray:
        """Decisions on every bar, from that bar and earlier ones only.

        Args:
            bars: the panel. p: the parameters, as attributes.

        Returns:
            (T, N) float64: NaN = no decision (keep the shares), 0 = out, > 0 = hold with this conviction,
            < 0 = short.
        """
        raise BadSpec(f"{cls.__name__} has no signals method: a target strategy states one")

    @classmethod
    def shown(cls, bars: Bars, p: Any) -> np.ndarray:
        """The `signals` on what the universe shows (`Bars.seen`); a symbol that has left it is sold on its first bar then."""
        if bars.member is None:
            return cls.signals(bars, p)
        signals = np.asarray(cls.signals(bars.seen, p), dtype=np.float64)
        return np.where(bars.member, signals, np.where(bars.leaving, 0.0, np.nan)) if signals.shape == bars.shape else signals

    @classmethod
    def decisions(cls, bars: Bars, p: Any) -> np.ndarray:
        """What is `shown` from the param `signal_start` on.

        Raises:
            BadSpec: they have another shape than the bars, decide on a reference symbol, or cannot do with bars of this length.
        """
        cls.check_bars(bars.interval, p)
        signals = np.asarray(cls.shown(bars, p), dtype=np.float64)
        if signals.shape != bars.shape:
            raise BadSpec(f"{cls.__name__}.signals gave shape {signals.shape}: (bars, symbols) is {bars.shape}")
        decided = ~np.isnan(signals).all(axis=0) & ~bars.tradable
        if decided.any():
            symbol = bars.symbols[int(np.flatnonzero(decided)[0])]
            raise BadSpec(f"{cls.__name__} decides on {symbol}, which is a reference symbol: never traded")
        return np.where(may_decide(bars, p)[:, None], signals, np.nan)

    @classmethod
    def check(cls, p: Any) -> None:
        """Raise `BadSpec` if the parameters contradict each other."""

    @classmethod
    def check_bars(cls, interval: str, p: Any) -> None:
        """Raise `BadSpec` if it cannot decide on bars of this length ("1m", "1d")."""

    @classmethod
    def fills(cls, chosen: str | None) -> tuple[str, str]:
        """When orders fill that enter or resize a position, and those that leave it; `chosen` is a user's word for both."""
        return chosen or cls.fill, chosen or cls.exit_fill or cls.fill

    @classmethod
    def features(cls, bars: Bars, p: Any) -> dict[str, np.ndarray]:
        """Named (T, N) panels worth drawing beside the prices: the numbers behind the decisions."""
        return {}

    @classmethod
    def warmup(cls, p: Any) -> int | None:
        """Own bars of each symbol after which decisions no longer depend on where the bars began.

        None = not stated.
        """
        return None

    # -- life in Cerebro ------------------------------------------------------------------------------

    def __init__(self, **given: Any) -> None:
        sizer_params = self._take_aliases(given)
        self.check(self.p)
        exits = self.p.exits or Exits()
        self._desk = Desk(self, *self.fills(self.p.fill))
        self._protection = Protection(self, read_group(Exits, exits) if isinstance(exits, Mapping) else exits)
        self._sizer = self._own_sizer({**self.sizer_params, **sizer_params})
        self._sizer.set(self, self.broker)
        if not isinstance(self.sleeves, Sleeves):
            self.sleeves = Sleeves.read(self.sleeves, flexible=True)
        self._columns = {data: at for at, data in enumerate(self.datas)}
        self.decision = None

    def _take_aliases(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Set the params meant by `given`, which Backtrader does not know, and return those of the sizer."""
        for_sizer = {}
        for name, value in given.items():
            meant = self.aliases.get(name, name)
            if meant.startswith("sizer."):
                for_sizer[meant.removeprefix("sizer.")] = value
            elif meant == name:
                raise UnknownName.of(f"parameter of {type(self).__name__}", name,
                                     [*self.params._getkeys(), *self.aliases])
            else:
                setattr(self.p, meant, value)
        return for_sizer

    def _own_sizer(self, params: Mapping[str, Any]) -> bt.Sizer:
        kind = self.default_sizer
        if isinstance(kind, str):
            if kind not in sizers.__all__:
                raise UnknownName.of(f"default_sizer of {type(self).__name__}", kind, sizers.__all__)
            kind = getattr(sizers, kind)
        return kind(**params)


def may_decide(bars: Bars, p: Any) -> np.ndarray:
    """(T,) bool: rows from the param `signal_start` on; where the state of a path-dependent strategy begins."""
    start = getattr(p, "signal_start", None)
    return np.ones(len(bars), bool) if start is None else bars.session >= np.datetime64(start, "D")
