"""`Ending`: the orderly end of a live run: no new orders, the open ones taken back, positions as asked, and a record of how it went.

Imports what is beside it, the kinds of notes of the journal, and Backtrader.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import backtrader as bt

from core.clock import Clock
from core.errors import AccountLeft, CerebrolabError
from core.spec import RunSpec
from engine import resolve
from engine.live.closing import Closing
from engine.live.market import Market
from engine.live.outcome import Left
from feeds.intervals import is_intraday
from journal.account_log import ALERT, OUTCOME

log = logging.getLogger(__name__)
STEP_S, LOOK_S = 1.0, 5.0  # between two turns, where nothing wakes it; between two comparisons with the venue
INTERRUPTED = 130


class Record(Protocol):
    """Where it is written down how runs have ended."""

    def note(self, run: str, kind: str, text: str, **facts: Any) -> None:
        """As `journal.account_log.AccountLog.note`."""

    def end(self) -> None:
        """All runs have ended."""


def policy_of(spec: RunSpec) -> str:
    """What the end of a run does with its positions, one of `core.spec.ON_STOP`."""
    return spec.on_stop or ("flatten" if is_intraday(spec.interval) else "keep")


class Ending:
    """Ends the runs of one Cerebro: when somebody wants it, when their feeds are over, or when one of them has failed.

    Args:
        specs: of the strategies of the Cerebro, in their order. store: theirs, for its bell and its gateway.
        wanted: why it should end now, "" while it should not. told: takes the kind, the text and the facts of what happens.
        record: takes notes down, and is told when it is known how all runs have ended; None = nobody does.

    Attributes:
        heard: orders that have not ended, by reference, as strategies were told of them.
        code: 0 where everything is as it was asked to be, 3 where it is not, 130 where there was no time; None before the end.
    """

    def __init__(self, cerebro: bt.Cerebro, specs: Sequence[RunSpec], store: Any, clock: Clock, wanted: Callable[[], str],
                 told: Callable[..., None], record: Record | None = None) -> None:
        self._cerebro, self._specs, self._store, self._clock = cerebro, specs, store, clock
        self._wanted, self._told, self._record = wanted, told, record
        self._why, self._since = "", 0.0
        self._runs: list[tuple[RunSpec, str, Closing]] = []
        self.heard: dict[int, bt.Order] = {}
        self.code: int | None = None
        self._left: list[str] = []

    def __call__(self) -> bool:
        """Whether it is time; Cerebro asks between two bars."""
        self._why = self._why or self._wanted()
        return bool(self._why)

    @contextmanager
    def framed(self) -> Iterator[None]:
        """What happens within is the run; the end is carried out when it is left, whatever the reason."""
        self._since = self._clock.monotonic()
        try:
            yield
        except KeyboardInterrupt:
            self._interrupted()
            raise
        except Exception as error:
            self._end(f"{type(error).__name__}: {' '.join(str(error).split())}")
            raise
        self._end(self._why or "the feeds are over")

    def check(self, error: BaseException | None = None) -> None:
        """Whether the account is as it was asked to be.

        Raises:
            AccountLeft: it is not; the cause is what ended the run, if that was an error.
        """
        if self._left:
            raise AccountLeft(f"{'; '.join(self._left)}: look after it at the broker, or start the run again") from error

    # -- the end --------------------------------------------------------------------------------------

    def _end(self, why: str) -> None:
        self._why = why
        try:
            self._prepare()
            is_simulated = isinstance(self._cerebro.broker, bt.brokers.BackBroker)  # no time is left in which anything could fill
            if not is_simulated:
                self._carry_out()
        except KeyboardInterrupt:
            self._interrupted()
            raise
        self._conclude(0 if is_simulated else None)

    def _interrupted(self) -> None:
        """Somebody did not want to wait."""
        self._why = "interrupted"
        self._prepare()
        self._conclude(INTERRUPTED)

    def _prepare(self) -> None:
        if self._runs:
            return
        self._since = self._clock.monotonic()
        self._until = self._since + max(spec.stop_within for spec in self._specs)
        if hasattr(self._store, "rest"):
            self._store.rest.until = self._until
        for strategy, spec in zip(self._cerebro.runningstrats, self._specs, strict=True):
            until, market = self._since + spec.stop_within, Market(self._clock, spec.calendar)
            self._runs.append((spec, resolve.run_name(spec), Closing(strategy, policy_of(spec), market, self._clock, self.heard, until)))

    def _carry_out(self) -> None:
        """Until nothing more can be done, and the venue has been asked whether it sees it so; or until the time is over."""
        verified, asked_at = False, self._since
        while True:
            self._quietly(self._cerebro._brokernotify)
            for _, _, closing in self._runs:
                self._quietly(closing.step)
            self._quietly(self._cerebro._storenotify)
            is_settled, now = all(closing.settled for _, _, closing in self._runs), self._clock.monotonic()
            if (is_settled and verified) or now >= self._until:
                return
            verified = is_settled
            if is_settled or now - asked_at >= LOOK_S:
                self._quietly(getattr(self._cerebro.broker, "reconcile", lambda: None))
                asked_at = self._clock.monotonic()
            else:
                self._wait()

    def _wait(self) -> None:
        seconds = min(STEP_S, max(self._until - self._clock.monotonic(), 0.0))
        if hasattr(self._store, "bell"):
            self._store.bell.wait(seconds)
        else:
            self._clock.sleep(seconds)

    def _quietly(self, act: Callable[[], Any]) -> None:
        """Nothing keeps the end from going on: neither the venue's trouble nor a strategy's."""
        try:
            act()
        except Exception as error:
            log.exception("while the run was ending")
            self._told("store", f"{type(error).__name__} while the run was ending: {' '.join(str(error).split())}")

    # -- the outcome ----------------------------------------------------------------------------------

    def _conclude(self, code: int | None = None) -> None:
        seconds = self._clock.monotonic() - self._since
        for spec, run, closing in self._runs:
            left = closing.left()
            closing.release()
            self._tell(run, policy_of(spec), left, (0 if left.as_asked else AccountLeft.exit_code) if code is None else code, seconds)
        if self._record is not None:
            self._quietly(self._record.end)

    def _tell(self, run: str, policy: str, left: Left, code: int, seconds: float) -> None:
        facts = {"policy": policy, "why": self._why, "flat": not left.positions, "positions": left.positions, "open_orders": left.orders,
                 "unprotected": left.unprotected, "reasons": left.reasons, "seconds": round(seconds, 3), "code": code}
        text = f"ended ({self._why}; {policy}): {left}"
        if code:
            alert = f"{run} ended and is not as asked ({policy}): {left}{left.why}"
            self._left.append(alert)
            self._told("alert", alert, run=run)
            self._write(run, ALERT, alert, **facts)
        self.code = max(self.code or 0, code)
        self._told("outcome", text, run=run, **facts)
        self._write(run, OUTCOME, text, **facts)

    def _write(self, run: str, kind: str, text: str, **facts: Any) -> None:
        if self._record is None:
            return
        try:
            self._record.note(run, kind, text, **facts)
        except CerebrolabError as error:
            self._told("store", f"the outcome could not be written down: {error}")
