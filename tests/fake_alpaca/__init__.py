"""A local Alpaca: account, market on replayed bars, clock, calendar, order rules and faults, for the real alpaca-py.

Written from Alpaca's public documentation. `FakeAlpaca` serves REST and streams; `Venue` is the same without a
server; `alpaca.ledger` is the judge of what truly happened. Imports core only.
"""

from fake_alpaca.account import AccountRules
from fake_alpaca.faults import AnswerFault, BarFault, EventFault, OrderFault
from fake_alpaca.ledger import Ledger
from fake_alpaca.refusals import Refusal
from fake_alpaca.server import FakeAlpaca
from fake_alpaca.venue import Venue

__all__ = ["AccountRules", "AnswerFault", "BarFault", "EventFault", "FakeAlpaca", "Ledger", "OrderFault", "Refusal",
           "Venue"]
