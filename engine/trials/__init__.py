"""Players: what a sweep gives sets of parameters to, and gets measures and block moments back from.

    player(RunSpec(strategy="GoldenCross"), bars).play([{"fast": 20, "slow": 100}]).measures

The twin's player plays a batch in one compiled call; Cerebro's plays run after run and takes any strategy.
"""

from core.bars import Bars
from core.blocks import BLOCKS
from core.errors import BadSpec, UnknownName
from core.spec import RunSpec
from engine import resolve
from engine.simulate import obstacle
from engine.trials.on_cerebro import CerebroPlayer
from engine.trials.on_twin import TwinPlayer
from engine.trials.outcome import Player, Trials
from strategies.base import TargetStrategy

ENGINES = ("auto", "twin", "cerebro")

__all__ = ["ENGINES", "CerebroPlayer", "Player", "Trials", "TwinPlayer", "player"]


def player(spec: RunSpec, bars: Bars, engine: str = "auto", start: str | None = None, end: str | None = None,
           blocks: int = BLOCKS) -> Player:
    """The player of a run.

    Args:
        spec: its parameters hold where a trial says nothing.
        engine: "twin", "cerebro", or "auto": the twin where it can play the run.
        start, end: ISO dates of what is measured; the strategy sees earlier bars and decides from `start` on. A plain
            strategy, which decides when it likes, sees no bars before `start`.
        blocks: of sessions in the moments.

    Raises:
        UnknownName: no such engine. BadSpec: the twin is asked for what it cannot play. NoBars: nothing to measure.
    """
    if engine not in ENGINES:
        raise UnknownName.of("engine", engine, ENGINES)
    strategy = resolve.strategy_class(spec.strategy)
    spec = resolve.without_aliases(spec, strategy)
    spec = resolve.of_bars(spec, bars)
    if end is not None:
        bars = bars.between(None, end)
    if not issubclass(strategy, TargetStrategy):  # Backtrader waits for the first bar of every feed, for ever where there is none
        bars, start = bars.between(start, None).present() if start else bars.present(), None
        spec = resolve.of_bars(spec, bars)
    if start is not None:
        spec = spec.replace(signal_start=max(start, spec.signal_start or start))
    reason = obstacle(spec, strategy)
    if reason and engine == "twin":
        raise BadSpec(f"{spec.strategy} cannot run on the twin: {reason}; use --engine auto or cerebro")
    kind = CerebroPlayer if reason or engine == "cerebro" else TwinPlayer
    return kind(spec, bars, strategy, reason or ("" if engine != "cerebro" else "Cerebro was asked for"), start, blocks)
