"""`past_of`: what a run has executed so far, as its strategy is told of it. Imports journal and strategies."""

from journal.account_log import AccountLog
from strategies.past import Done, Past
from strategies.resumed import intent_of

LEG = "stop"  # only legs of protective groups have names that the venue gave them


def past_of(log: AccountLog, account: str, run: str) -> Past:
    """The executions of a run by symbol, oldest first, as the journal has them now.

    Raises:
        StoreFailed: it cannot be read.
    """
    done: dict[str, list[Done]] = {}
    for each in log.executions(account, run):
        intent = intent_of(each.client_order_id) or LEG
        done.setdefault(each.symbol, []).append(Done(each.time_ns, float(each.signed), intent))
    return lambda symbol: done.get(symbol, [])
