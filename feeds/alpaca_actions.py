"""Corporate actions as Alpaca tells them, brought onto bars: cash per share and new shares per old on the ex-date.

Imports core only.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from core.errors import BadBars

log = logging.getLogger(__name__)
OWNER_KEYS = ("symbol", "source_symbol", "old_symbol", "acquiree_symbol")  # whose shareholders an action concerns
DATE_KEYS = ("ex_date", "effective_date", "process_date")
WITHOUT_EFFECT = ("name_changes",)  # Alpaca tells the whole history under the newest name
NEVER = np.datetime64("NaT", "D")

Day = np.datetime64


class Action(NamedTuple):
    """What happens to one share on `ex_date`: it becomes `split` shares, each of which gets `cash` on `pay_date`."""

    ex_date: Day
    split: float = 1.0
    cash: float = 0.0
    pay_date: Day = NEVER


def read_actions(pages: Iterable[dict[str, Any]], start: str, end: str) -> dict[str, list[Action]]:
    """Symbol -> actions with an ex-date from `start` to `end` (ISO dates), in the order of their ex-dates.

    A stock dividend is a split. Actions that bars cannot express (spin-offs, rights, mergers, …) are named in the log.

    Raises:
        BadBars: an action lacks a date or a rate, or they make no sense.
    """
    found: dict[str, list[Action]] = {}
    for page in pages:
        for kind, told in (page.get("corporate_actions") or {}).items():
            for each in told:
                symbol, day = _owner(each), _day(kind, each)
                if kind in WITHOUT_EFFECT or not np.datetime64(start) <= day <= np.datetime64(end):
                    continue
                action = _action(kind, each, day)
                if action is None:
                    log.warning("%s: the %s of %s is not in alpaca's bars: prices around it are as they traded",
                                symbol, kind.removesuffix("s").replace("_", " "), day)
                else:
                    found.setdefault(symbol, []).append(action)
    return {symbol: sorted(actions, key=lambda action: (action.ex_date, action.cash > 0))
            for symbol, actions in found.items()}


def placed(session: np.ndarray, actions: Sequence[Action]) -> dict[str, np.ndarray]:
    """The columns dividend, split and pay_date of bars on the given sessions, for actions in order.

    Each stands on the first bar of its ex-date, or on the next bar there is. Cash is per share after all splits that
    stand on the same bar; of several payments on one bar the latest pay date stands.
    """
    dividend, split = np.zeros(len(session)), np.ones(len(session))
    pay_date = np.full(len(session), NEVER)
    for action in actions:
        at = int(np.searchsorted(session, action.ex_date, "left"))
        if at < len(session):
            split[at] *= action.split
            dividend[at] = dividend[at] / action.split + action.cash
            pay_date[at] = np.fmax(pay_date[at], action.pay_date)
    return {"dividend": dividend, "split": split, "pay_date": pay_date}


def _owner(told: dict[str, Any]) -> str:
    return next((str(told[key]) for key in OWNER_KEYS if told.get(key)), "")


def _day(kind: str, told: dict[str, Any]) -> Day:
    date = next((told[key] for key in DATE_KEYS if told.get(key)), None)
    try:
        return np.datetime64(str(date), "D")
    except ValueError:
        raise BadBars(_owner(told), kind, f"the date {date!r} of the action is none", "report it to Alpaca") from None


def _action(kind: str, told: dict[str, Any], day: Day) -> Action | None:
    """The action as bars express it; None where they cannot."""
    try:
        if kind in ("forward_splits", "reverse_splits"):
            return Action(day, split=_positive(told["new_rate"]) / _positive(told["old_rate"]))
        if kind == "stock_dividends":
            return Action(day, split=1.0 + _positive(told["rate"]))
        if kind == "cash_dividends":
            return Action(day, cash=_positive(told["rate"]), pay_date=np.datetime64(told.get("payable_date") or "NaT", "D"))
    except (KeyError, TypeError, ValueError) as error:
        raise BadBars(_owner(told), f"{kind} of {day}", f"a rate or date is missing or wrong ({error})",
                      "report it to Alpaca") from None
    return None


def _positive(rate: Any) -> float:
    number = float(rate)
    if not 0 < number < np.inf:
        raise ValueError(f"{number:g} is not positive")
    return number
