"""PortfolioStateService: what an account holds, and what others say of it. Imports what `services.rpc` imports."""

import numpy as np

from core.errors import BadSpec
from core.spec import RunSpec
from journal import Journal
from services.actual import actual, state_of
from services.rpc.calls import Answer, Call
from services.rpc.generated import portfoliostateservice_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["PortfolioStateService"]
MOST_NAME = 200


class PortfolioStateService:
    """Answers from the journal.

    Args:
        spec: its cash is that of an account of which nobody has said anything.
    """

    def __init__(self, spec: RunSpec, journal: Journal) -> None:
        self._spec, self._journal = spec, journal

    def answers(self) -> dict[str, Answer]:
        """Method -> what answers it."""
        return {"GetPortfolioState": self.state, "UpdatePortfolioState": self.update}

    def state(self, request: pb.StateRequest, _: Call) -> pb.PortfolioState:
        """What an account, or a run on it, holds.

        Raises:
            UnknownName, UsageError: no such account or run, or it has to be named. StoreFailed: the journal cannot be read.
        """
        found = actual(self._journal, self._spec, request.account, request.run)
        held = found.portfolio
        return pb.PortfolioState(
            account=held.account, run=held.run or "", cash_balance=float(held.cash), portfolio_value=float(held.equity), source=found.source,
            realized_profit=float(held.realized), commission=float(held.commission), dividends=float(held.booked), executions=held.executions,
            updated=_moment(held.last_ns), positions=[pb.Position(
                symbol=each.symbol, quantity=float(each.qty), current_price=float(each.price), market_value=float(each.value),
                average_price=float(each.average)) for each in held.positions])

    def update(self, request: pb.StateUpdate, _: Call) -> pb.Reconciliation:
        """Record what somebody says that an account holds, beside what is known of it.

        Raises:
            BadSpec: a position that is not possible, or nothing is said. UsageError: the account has to be named. StoreFailed.
        """
        if not request.positions and not request.HasField("cash_balance"):
            raise BadSpec("positions and cash_balance are both missing: say what the account holds")
        for field in ("account", "run", "requested_by"):
            if len(getattr(request, field)) > MOST_NAME:
                raise BadSpec(f"{field} is longer than {MOST_NAME} characters")
        positions = [(each.symbol, each.quantity, each.current_price, each.market_value) for each in request.positions]
        cash = request.cash_balance if request.HasField("cash_balance") else None
        made = state_of(self._journal, positions, cash, request.account, request.run, request.requested_by or "gRPC")
        return pb.Reconciliation(id=made.id, account=made.account, run=made.run or "", time=_moment(made.time_ns), differences=[
            pb.Difference(name=name, stated=each["stated"], known=each["known"]) for name, each in made.differences.items()])


def _moment(time_ns: int) -> str:
    return f"{np.datetime64(time_ns, 'ns').astype('datetime64[s]')}Z" if time_ns else ""
