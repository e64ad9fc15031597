"""Minutes streamed through a live run at the local Alpaca: a process that prints one JSON object of figures.

    python benchmarks/live_minutes.py latency [SYMBOLS] [MINUTES]     last bar of a moment received -> orders on their way
    python benchmarks/live_minutes.py days [SYMBOLS] [DAYS]           whole days as fast as they go: bars dropped, memory

Websocket, REST, broker, feeds and journal are the real ones; only the venue's time passes faster.
"""

import functools
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1])]

from brokers.alpaca import AlpacaStore
from brokers.local_alpaca import AccountRules, LocalAlpaca, ReplayClock
from core.bars import Bars
from core.calendars import MINUTE_NS, get_calendar
from core.series import SymbolBars
from core.spec import RunSpec
from engine.live.streaming import stream
from feeds.alpaca_feed import HISTORY
from journal import Journal
from strategies import TargetStrategy

DENSITY = 0.05  # part of the symbols that are decided on, on every bar


class Decides(TargetStrategy):
    """On every bar, some symbols: in, or out."""

    params = dict(density=DENSITY)

    @classmethod
    def signals(cls, bars, p):
        mixed = ((bars.index // MINUTE_NS)[:, None] * 2_654_435_761 + np.arange(bars.shape[1]) * 40_503) % 104_729  # the same on every bar
        return np.where(mixed % 1000 < 1000 * p.density, np.where(mixed % 2, 1.0, 0.0), np.nan)


class Counts(TargetStrategy):
    """Decides nothing, and counts the bars it could decide on."""

    params = dict(since="")
    shown, reordered, newest, memory = 0, 0, 0, []

    @classmethod
    def signals(cls, bars, p):
        moment = int(bars.index[-1])
        if moment != cls.newest and str(bars.session[-1]) >= p.since:
            cls.shown += int(np.isfinite(bars.raw_close[-1]).sum())
            cls.reordered += moment < cls.newest
            cls.newest = moment
            if cls.shown % (390 * bars.shape[1]) == 0:
                cls.memory.append(_resident_mb())
        return np.full(bars.shape, np.nan)


def market(symbols: int, days: int, rows: int = 390) -> Bars:
    """Random walks in cents, whole sessions."""
    calendar = get_calendar("XNYS")
    sessions = calendar.between("2024-02-20", "2024-12-31")[:days]
    index = np.concatenate([at + MINUTE_NS * np.arange(1, rows + 1) for at in calendar.open_of(sessions)])
    made = []
    for at in range(symbols):
        random = np.random.default_rng(at)
        closes = np.round(100 + 0.01 * random.integers(-5, 6, len(index)).cumsum(), 2).clip(5)
        opens = np.r_[100.0, closes[:-1]]
        made.append(SymbolBars.make(f"S{at:03d}", index, np.repeat(sessions, rows), closes, open=opens, high=np.maximum(opens, closes) + 0.01,
                                    low=np.minimum(opens, closes) - 0.01, volume=np.full(len(index), 1e6)))
    return Bars.of(made, interval="1m")


class Measured:
    """A live run, with the moments at which bars arrived and orders left (seconds of the performance counter)."""

    def __init__(self, alpaca: LocalAlpaca, until: int, wait_s: float = 1.0) -> None:
        self.alpaca, self.until = alpaca, until
        self.arrived: dict[int, float] = {}
        self.sent: dict[int, list[float]] = {}
        self.clock = ReplayClock(alpaca)
        self.clock.stops = [until, until + 600 * 10**9]
        self.store = AlpacaStore(alpaca.key_id, alpaca.secret_key, base_url=alpaca.url, data_url=alpaca.data_url, stream_url=alpaca.stream_url,
                                 trade_stream_url=alpaca.trade_stream_url, clock=self.clock)
        self.store.getdata = functools.partial(self.store.getdata, qcheck=wait_s)
        self._newest, submit, listen = 0, self.store.rest.submit, self.store.listen

        def submitted(request):
            self.sent.setdefault(self._newest, []).append(time.perf_counter())
            return submit(request)

        def listened(on_bar, on_state):
            def heard(bar):
                self.arrived[bar.time_ns] = time.perf_counter()
                self._newest = max(self._newest, bar.time_ns)
                on_bar(bar)

            return listen(self.clock.data.through(heard), self.clock.data.through(on_state))

        self.store.rest.submit, self.store.listen = submitted, listened
        broker = self.store.getbroker()
        broker.on_update, broker.on_state = self.clock.trade.through(broker.on_update), self.clock.trade.through(broker.on_state)
        self.clock.trade.state = "connecting"

    def run(self, spec: RunSpec, journal: Journal | None):
        """The strategy, as it ended."""
        try:
            return stream(spec, self.store, self._over, lambda event: None, journal=journal)
        finally:
            self.store.stop()

    def _over(self) -> bool:
        del self.alpaca.ledger.requests[:]  # the venue's memory is not the run's
        return self.alpaca.now >= self.until


def latency(symbols: int, minutes: int) -> dict[str, float]:
    """Milliseconds from the last bar of a moment to the first and to the last order of its decision."""
    bars = market(symbols, 2)
    spec = RunSpec(strategy="live_minutes:Decides", symbols=bars.symbols, interval="1m", sizer="EqualWeight", start="2024-02-20", on_stop="keep")
    first = int(bars.index[390 + 30])
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "journal.db") as journal, LocalAlpaca(
            bars, now=first - 30 * 10**9, account=AccountRules(multiplier=4)) as alpaca:
        measured = Measured(alpaca, first + minutes * MINUTE_NS)
        measured.run(spec, journal)
    moments = sorted(set(measured.sent) & set(measured.arrived))[3:]  # what is compiled or connected once comes before
    to_first = [1e3 * (min(measured.sent[at]) - measured.arrived[at]) for at in moments]
    each = [1e3 * (sent - measured.arrived[at]) for at in moments for sent in measured.sent[at]]
    to_last = [1e3 * (max(measured.sent[at]) - measured.arrived[at]) for at in moments]
    told = {f"{name}_{which}": float(np.percentile(times, part)) for name, times in (("first", to_first), ("each", each), ("last", to_last))
            for which, part in (("median", 50), ("p99", 99))}
    return {"symbols": symbols, "moments": len(moments), "orders": len(each), **told}


def days(symbols: int, count: int) -> dict[str, float]:
    """Whole days at full speed, after as many as a run begins with."""
    before = HISTORY[True]
    bars = market(symbols, before + count)
    first = 390 * before
    spec = RunSpec(strategy="live_minutes:Counts", params={"since": str(bars.session[first])}, symbols=bars.symbols, interval="1m", sizer="EqualWeight",
                   on_stop="keep")
    with LocalAlpaca(bars, now=int(bars.index[first]) - 90 * 10**9) as alpaca:
        began = time.perf_counter()
        Measured(alpaca, int(bars.index[-1]) + 30 * 10**9, wait_s=60.0).run(spec, None)
        seconds = time.perf_counter() - began
    wanted = 390 * count * symbols
    return {"symbols": symbols, "days": count, "bars": wanted, "dropped": wanted - Counts.shown, "reordered": Counts.reordered,
            "seconds": seconds, "us_per_bar": 1e6 * seconds / wanted, "mb_by_day": [round(each, 1) for each in Counts.memory],
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


if __name__ == "__main__":
    sys.modules["live_minutes"] = sys.modules["__main__"]
    what, *numbers = sys.argv[1:]
    default = {"latency": (50, 120), "days": (200, 1)}[what]
    given = [*map(int, numbers), *default[len(numbers):]]
    print(json.dumps({"latency": latency, "days": days}[what](*given)))
