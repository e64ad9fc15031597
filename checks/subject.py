"""Subject: the strategy under test, played on any bars as if nothing had been run before. Imports engine and below.

Files are read anew for every play, so that what a class remembers from one play cannot hide a leak in the next.
"""

import os
import random
import sys
import sysconfig
import traceback
import warnings
from inspect import isfunction
from pathlib import Path
from typing import Any

import numpy as np

import engine
from checks.order_log import OrderLog
from checks.outcome import Decisions, Orders, Placed
from core.bars import Bars
from core.day_numbers import day_numbers
from core.errors import CerebrolabError, UsageError
from core.logs import OURS
from core.spec import RunSpec
from engine import resolve
from strategies.base import TargetStrategy

INSTALLED = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
SHIPPED = (*OURS, "backtrader", "builtins")
RULES = {"signals", "check", "check_bars", "features", "warmup"}  # what does not reach beyond the bars


class Unplayable(UsageError):
    """A strategy that raised an exception, or gave something that is no decision."""


class Subject:
    """A strategy and its spec.

    Attributes:
        spec: what runs. strategy: its class, as first read.
        target: whether it is a target strategy, whose decisions can be read without a Cerebro.
    """

    def __init__(self, spec: RunSpec) -> None:
        self.strategy = resolve.strategy_class(spec.strategy)
        self.spec = resolve.without_aliases(spec, self.strategy)
        resolve.checked_params(self.strategy, self.spec.params)
        self.target = issubclass(self.strategy, TargetStrategy)
        sizer = spec.sizer or getattr(self.strategy, "default_sizer", None)
        self.sizer = resolve.sizer_class(sizer) if isinstance(sizer, str) else sizer
        own = [kind for kind in (self.strategy, self.sizer) if kind and _root(kind) not in SHIPPED]
        self._own = {kind.__module__ for kind in own}
        self._folders = {os.path.dirname(sys.modules[name].__file__ or "") for name in self._own} - INSTALLED

    @property
    def params(self) -> Any:
        """The parameters, as the strategy sees them."""
        return self.params_of(self.strategy)

    @property
    def pure(self) -> bool:
        """Whether nothing but shipped code stands between decisions and orders."""
        own = [each for each in self.strategy.__mro__ if _root(each) not in SHIPPED]
        written = {name for each in own for name, value in vars(each).items()
                   if isfunction(getattr(value, "__func__", value))}
        return self.target and _root(self.sizer) in SHIPPED and not {
            name for name in written - RULES if hasattr(TargetStrategy, name)}

    def params_of(self, kind: Any, **changes: Any) -> Any:
        """A parameter object of a class, with what the spec and `changes` say."""
        params = kind.params()
        given = resolve.checked_params(kind, self.spec.params)
        for name, value in {**given, "signal_start": self.spec.signal_start, **changes}.items():
            setattr(params, name, value)
        return params

    def fresh(self) -> type:
        """The class, read anew from its file or module."""
        self._forget()
        return resolve.strategy_class(self.spec.strategy)

    def _forget(self) -> None:
        """Let go of the user's modules: the strategy's, the sizer's, and those that lie beside them."""
        for name, module in list(sys.modules.items()) if self._own else ():
            file = getattr(module, "__file__", None)
            beside = file and file.rpartition(os.sep)[0] in self._folders and name != "__main__"
            if name in self._own or (beside and name.split(".")[0] not in OURS):
                del sys.modules[name]

    # -- playing --------------------------------------------------------------------------------------

    def decisions(self, bars: Bars, state: int = 0, kind: type | None = None, **changes: Any) -> Decisions:
        """The decisions of a target strategy on some bars.

        Args:
            bars: the panel. state: seed of the global random generators. kind: a class already read; None = read
            anew. changes: parameters of the strategy base to set.

        Raises:
            Unplayable: the strategy raised, or gave another shape.
        """
        kind = kind or self.fresh()
        params = self.params_of(kind, **changes)
        _seed(state)
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                values = kind.decisions(bars, params)  # type: ignore[attr-defined]
        except Exception as error:
            raise Unplayable(self.told(error)) from error
        return Decisions(bars.symbols, values)

    def orders(self, bars: Bars, state: int = 0, spec: RunSpec | None = None, **mode: bool) -> Orders:
        """The orders of the strategy in the engine's Cerebro, up to an exception if it raises one.

        Args:
            bars: the panel. state: seed of the global random generators.
            spec: what to run instead, with a strategy already read (see `warm`); None = read anew.
            mode: options of `Cerebro.run`, such as preload=False for delivery bar by bar.

        Raises:
            CerebrolabError: the spec is not possible on these bars.
        """
        if spec is None:
            self._forget()
        _seed(state)
        raised = None
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cerebro = engine.build(spec or self.spec, bars=bars)
            row_of = {moment: row for row, moment in enumerate(day_numbers(bars.index).tolist())}
            cerebro.addanalyzer(OrderLog, row_of=row_of)
            try:
                cerebro.run(**mode)
            except Exception as error:  # noqa: BLE001  (it is the user's code)
                raised = self.told(error)
        placed, row = _logged(cerebro)  # the exception came on the row after it
        return Orders(placed, (row + 1, raised) if raised else None)

    def warm(self) -> RunSpec:
        """The spec with strategy and sizer read once, named so that they are found again with what they remember."""
        kind = self.fresh()
        named = self.spec.replace(strategy=f"{kind.__module__}:{kind.__name__}")
        if not self.spec.sizer:
            return named
        sizer = resolve.sizer_class(self.spec.sizer)
        return named.replace(sizer=f"{sizer.__module__}:{sizer.__name__}")

    def told(self, error: Exception) -> str:
        """One line about an exception: its kind, its text, and the line of the user's file it came from."""
        if isinstance(error, CerebrolabError):
            return str(error)
        place = self.spec.strategy.rpartition(":")[0] or self.spec.strategy
        file = getattr(sys.modules.get(self.strategy.__module__), "__file__", None) or place
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__)
                 if Path(frame.filename).resolve() == Path(file).resolve()]
        where = f" (line {lines[-1]} of {Path(file).name})" if lines else ""
        return f"{self.strategy.__name__} raised {type(error).__name__}: {' '.join(str(error).split())}{where}"


def _root(kind: Any) -> str:
    return kind.__module__.split(".")[0]


def _logged(cerebro: Any) -> tuple[list[Placed], int]:
    """What the log of a run holds, also of one that ended early: orders, and the last finished row."""
    for strategy in cerebro.runningstrats:
        for each in strategy.analyzers:
            if isinstance(each, OrderLog) and hasattr(each, "placed"):
                return each.placed, each.row
    return [], -2


def _seed(state: int) -> None:
    random.seed(state)
    np.random.seed(state)
