"""What every task has: what came out of it, the bars it loads, and how it tells of itself. Imports core and services.market."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.calendars import get_calendar
from core.settings import Settings
from core.spec import RunSpec

Telling = Callable[[float, str], None]  # done so far, 0 to 1, and what is being done


@dataclass(frozen=True)
class Outcome:
    """What came out: the number of the run and of the sweep, the page of the report ("" = there is none), and what `--json` prints."""

    run: int | None = None
    sweep: int | None = None
    report: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)


def loaded(spec: RunSpec, settings: Settings, tell: Telling) -> Any:
    """The bars of a spec, from the store where it has them; the first tenth of a task.

    Raises:
        CerebrolabError: as `engine.loading.load`.
    """
    from engine.loading import load
    from services import market
    from sizers import solved

    get_calendar(spec.calendar)
    solved.configure(settings.solved)
    return load(spec, market.store(settings), lambda done, total, symbol: tell(0.1 * done / max(total, 1), f"loading {symbol}"))
