"""From 10 to 5,000 symbols x 20 years: fetched, brought up to date, checked, loaded and swept, each step in a process of its own.

    python benchmarks/scale.py [--folder DIR] [--steps first,month,check,load,GoldenCross,Momentum] [SYMBOLS...]

Prints a row a number of symbols: seconds and peak megabytes of each step, and pages swapped out meanwhile. The vendor is a seeded generator
behind the network source's name; the steps from `check` on need the store that `first` and `month` have filled. DIR (default: a temporary
folder, removed at the end) takes 0.2 MB a symbol.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

from workloads import peak_megabytes

from core.calendars import get_calendar
from core.clock import ManualClock
from core.series import SymbolBars
from core.spec import RunSpec
from feeds.source import cut

SIZES = (10, 100, 500, 1_000, 2_500, 5_000)
SESSIONS = get_calendar("XNYS").between("1990-01-01", "2024-12-31")[-5_040:]
START, UNTIL, END = str(SESSIONS[0]), "2024-11-29", "2024-12-31"
INDEX = "^GSPC"
TRIALS = 100
SPACES = {  # 10 x 10 sets of parameters
    "GoldenCross": {"fast": tuple(range(5, 55, 5)), "slow": tuple(range(60, 260, 20))},
    "Momentum": {"lookback": (30, 60, 90, 120, 150), "top": (0.05, 0.1, 0.2, 0.3, 0.4), "average": (50, 100, 150, 200)},
}


def names(count: int) -> tuple[str, ...]:
    """The traded symbols."""
    return tuple(f"S{number:04}" for number in range(count))


def history(symbol: str) -> SymbolBars:
    """A random walk with dividends each quarter and now and then a split; a fifth begins late, a tenth ends early."""
    random = np.random.default_rng([ord(letter) for letter in symbol])
    first = int(random.integers(1, 4_000)) if random.random() < 0.2 and symbol != INDEX else 0
    last = len(SESSIONS) - (int(random.integers(1, 1_000)) if random.random() < 0.1 and symbol != INDEX else 0)
    sessions = SESSIONS[first:max(last, first + 50)]
    rows = len(sessions)
    split = np.where(random.random(rows) < 1 / 2_520, 2.0, 1.0)
    split[0] = 1.0
    close = 50 * np.exp(np.cumsum(random.normal(0.0004, 0.015, rows))) / np.cumprod(split)
    opened = np.r_[close[0], close[:-1] / split[1:]] * np.exp(random.normal(0, 0.004, rows))
    top, bottom = np.maximum(opened, close) * 1.003, np.minimum(opened, close) * 0.997
    dividend = np.where((np.arange(rows) % 63 == 62) & (random.random() < 0.5), 0.004 * bottom, 0.0)
    paid = np.where(dividend > 0, sessions + np.timedelta64(20, "D"), np.datetime64("NaT"))
    return SymbolBars.make(symbol, get_calendar("XNYS").close_of(sessions), sessions, close, open=opened, high=top, low=bottom,
                           volume=random.integers(100_000, 1_000_000, rows).astype(np.float64), dividend=dividend, split=split, pay_date=paid)


class Vendor:
    """A network source that invents its bars and notes what it is asked for."""

    name, calendar, synthetic, stored, note, market_index = "yahoo", "XNYS", False, True, "invented", INDEX

    def __init__(self) -> None:
        self.asked: set[tuple[str, str]] = set()
        self.symbols_asked = 0

    def canonical(self, symbols: Sequence[str]) -> tuple[str, ...]:
        """As written."""
        return tuple(symbols)

    def symbols(self) -> tuple[str, ...]:
        """No list."""
        return ()

    def sector(self, symbol: str) -> str:
        """Unknown."""
        return ""

    def last_session(self, symbols: Sequence[str]) -> None:
        """Until today."""

    def fetch(self, symbols: Sequence[str], start: str | None, end: str | None, interval: str = "1d", progress: Any = None) -> list[SymbolBars]:
        """Bars, without symbols that have none."""
        self.asked.add((str(start), str(end)))
        self.symbols_asked += len(symbols)
        return [part for part in (cut(history(symbol), start, end) for symbol in symbols) if len(part)]


def fetch(folder: Path, count: int, end: str) -> dict[str, Any]:
    """Bring the store up to a date."""
    from feeds.parquet_store import ParquetStore
    from feeds.refresh import refresh

    vendor = Vendor()
    clock = ManualClock(int(get_calendar("XNYS").close_of(np.array([end], "datetime64[D]"))[0]) + 86_400 * 10**9)
    series, warnings = refresh(vendor, ParquetStore(folder / "bars"), (*names(count), INDEX), START, end, "1d", clock=clock)
    assert len(series) == count + 1 and not warnings
    return {"asked": sorted(vendor.asked), "series": vendor.symbols_asked}


def first(folder: Path, count: int) -> dict[str, Any]:
    """The first fetch, all but the last month."""
    found = fetch(folder, count, UNTIL)
    assert found == {"asked": [(START, UNTIL)], "series": count + 1}, found
    return found


def month(folder: Path, count: int) -> dict[str, Any]:
    """One more month; nothing else is asked for, but the last days of those without a bar then, which a vendor may have been late with."""
    found = fetch(folder, count, END)
    assert all((start, end) > ("2024-11-26", END) for start, end in found["asked"]) and found["series"] == count + 1, found
    return found


def check(folder: Path, count: int) -> dict[str, Any]:
    """What `data check` does."""
    from feeds.parquet_store import ParquetStore

    clock = get_calendar("XNYS").close_of(SESSIONS[-1:])[0]
    return {"findings": len(ParquetStore(folder / "bars").check(int(clock)))}


def load(folder: Path, count: int) -> dict[str, Any]:
    """The panel of all."""
    from feeds.load import load_bars
    from feeds.parquet_store import ParquetStore

    bars = load_bars(source=Vendor(), symbols=names(count), reference=(INDEX,), start=START, end=END, store=ParquetStore(folder / "bars"))
    return {"shape": bars.shape, "fingerprint": bars.fingerprint}


def swept(strategy: str) -> Callable[[Path, int], dict[str, Any]]:
    """A sweep of 100 trials on the twin, journal included."""
    def play(folder: Path, count: int) -> dict[str, Any]:
        from feeds.parquet_store import ParquetStore
        from journal import Journal
        from optimize import Search, sweep

        spec = RunSpec(strategy=strategy, symbols=names(count), reference=(INDEX,), source="yahoo", start=START, end=END, cash=1e8)
        with Journal(folder / f"{strategy}-{count}-{time.time_ns()}.db") as journal:
            made = sweep(spec, SPACES[strategy], store=ParquetStore(folder / "bars"), journal=journal, search=Search(verify=False))
        assert made.engine == "twin" and len(made) == TRIALS and not made.failed
        return {"best": float(np.nanmax(made.metrics["sharpe"])), "fills": float(made.metrics["fills"].mean()), "sweep_s": made.seconds}
    return play


STEPS: dict[str, Callable[[Path, int], dict[str, Any]]] = {
    "first": first, "month": month, "check": check, "load": load, "GoldenCross": swept("GoldenCross"), "Momentum": swept("Momentum")}


def alone(step: str, folder: Path, count: int) -> None:
    """One step, in this process."""
    swapped, started = swapped_out(), time.perf_counter()
    found = STEPS[step](folder, count)
    print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": peak_megabytes(), "swapped": swapped_out() - swapped, **found}))


def swapped_out() -> int:
    """Pages that this machine has swapped out since it started; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("pswpout ")), 0)


def curve(folder: Path, sizes: Sequence[int], steps: Sequence[str], keep: bool) -> None:
    """Every step of every size, a folder each."""
    print(f"| symbols | {' | '.join(steps)} | swapped |\n|---|{'---|' * (len(steps) + 1)}", flush=True)
    for count in sizes:
        cells, swapped = list[str](), 0
        own = folder / str(count)
        own.mkdir(exist_ok=True, parents=True)
        for step in steps:
            asked = [sys.executable, __file__, "--folder", str(own), "--alone", step, str(count)]
            made = subprocess.run(asked, check=False, capture_output=True, text=True)
            if made.returncode:
                cells.append("failed")
                print(made.stderr[-2_000:], made.returncode, file=sys.stderr, flush=True)
                continue
            found = json.loads(made.stdout.splitlines()[-1])
            print(count, step, json.dumps(found), file=sys.stderr, flush=True)
            swapped += found["swapped"]
            cells.append(f"{found['seconds']:.1f} s, {found['peak_mb']:,.0f} MB")
        print(f"| {count:,} | {' | '.join(cells)} | {swapped} |", flush=True)
        if not keep:
            shutil.rmtree(own)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("symbols", nargs="*", type=int, default=SIZES)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--alone", choices=STEPS, help="one step in this process")
    given = parser.parse_args()
    if given.alone:
        alone(given.alone, given.folder, given.symbols[0])
        return
    with tempfile.TemporaryDirectory(prefix="cerebrolab-scale-") as own:
        curve(given.folder or Path(own), given.symbols, given.steps.split(","), keep=given.folder is not None)


if __name__ == "__main__":
    main()
