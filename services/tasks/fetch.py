"""`Fetch`: bars into the store. Imports what lies below services, and what is beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.settings import Settings
from core.spec import RunSpec
from services.tasks.outcome import Outcome, Telling


@dataclass(frozen=True)
class Fetch:
    """`cerebrolab data fetch`: symbols, source, dates and interval of a spec; `again`: also what is stored."""

    spec: RunSpec
    again: bool = False
    kind = "fetch"

    def asked(self) -> dict[str, Any]:
        """What was asked for, with secret-looking values masked."""
        return {"spec": self.spec.masked(), "again": self.again}

    def play(self, settings: Settings, journal: Any, directory: Path, tell: Telling) -> Outcome:
        """Fetch what is missing; returns what the store has then.

        Raises:
            CerebrolabError: as `feeds.load_bars`.
        """
        from feeds import load_bars
        from services import market

        spec = self.spec
        bars = load_bars(source=spec.source, symbols=spec.symbols, start=spec.start, end=spec.end, period=spec.period, interval=spec.interval,
                         calendar=spec.calendar, store=market.store(settings), again=self.again,
                         progress=lambda done, total, symbol: tell(done / max(total, 1), f"fetching {symbol}"))
        series = [{"symbol": symbol, "bars": len(own), "first": str(own.session[0]), "last": str(own.session[-1])}
                  for symbol, own in ((symbol, bars.series(symbol)) for symbol in bars.symbols)]
        return Outcome(summary={"source": bars.origin.source, "series": series, "warnings": list(bars.origin.warnings)})
