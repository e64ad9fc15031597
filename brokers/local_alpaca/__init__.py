"""A local Alpaca: account, market on replayed bars, clock, calendar, order rules and faults, for the real alpaca-py.

Written from Alpaca's public documentation. `LocalAlpaca` serves REST and streams; `Venue` is the same without a
server; `alpaca.ledger` is the judge of what truly happened. Imports core only.
"""

from brokers.local_alpaca.account import AccountRules
from brokers.local_alpaca.faults import AnswerFault, BarFault, EventFault, OrderFault, Strike
from brokers.local_alpaca.ledger import Ledger
from brokers.local_alpaca.refusals import Refusal
from brokers.local_alpaca.replay import CallersClock, ReplayClock, VenueClock
from brokers.local_alpaca.server import LocalAlpaca
from brokers.local_alpaca.venue import Venue

__all__ = [
           "AccountRules",
           "AnswerFault",
           "BarFault",
           "CallersClock",
           "EventFault",
           "Ledger",
           "LocalAlpaca",
           "OrderFault",
           "Refusal",
           "ReplayClock",
           "Strike",
           "Venue",
           "VenueClock",
]
