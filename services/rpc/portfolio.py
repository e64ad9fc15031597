"""PortfolioService: the desired portfolio, the orders that lead there, and calls to rebalance. Imports what `services.rpc` imports."""

import numpy as np

from core.errors import BadSpec
from core.settings import Settings
from core.spec import RunSpec
from engine import resolve
from journal import Journal
from journal.steering import SteeringRequest
from services import portfolio
from services.portfolio import Plan
from services.rpc.calls import Answer, Call
from services.rpc.generated import portfolioservice_pb2 as pb
from services.told_signals import ToldSignal

SERVICE = pb.DESCRIPTOR.services_by_name["PortfolioService"]
MOST_SIGNALS, MOST_TEXT = 2_000, 200


class PortfolioService:
    """Answers for the specification the server was started with.

    Args:
        addressed: calls to rebalance that name no strategy and run are for those of the specification; else for all.
    """

    def __init__(self, settings: Settings, spec: RunSpec, journal: Journal, addressed: bool) -> None:
        self._settings, self._spec, self._journal, self._addressed = settings, spec, journal, addressed

    def answers(self) -> dict[str, Answer]:
        """Method -> what answers it."""
        return {"GenerateOrders": self.orders, "GetDesiredPortfolioState": self.desired, "TriggerRebalance": self.rebalance,
                "UpdateRebalanceSchedule": self.schedule}

    def orders(self, request: pb.OrdersRequest, call: Call) -> pb.Orders:
        """The orders from the actual portfolio to the one that the signals given, or those of the strategy, ask for.

        Raises:
            CerebrolabError: a signal that is not understood, no such account, or no bars.
        """
        if len(request.signals) > MOST_SIGNALS:
            raise BadSpec(f"signals: {len(request.signals)} were given: {MOST_SIGNALS} at most")
        if request.signals:
            signals = [_told(each, at) for at, each in enumerate(request.signals)]
            plan = portfolio.orders_for(self._settings, self._spec, self._journal, signals, request.account, request.run, call.alive)
        else:
            plan = portfolio.desired(self._settings, self._spec, self._journal, request.account, request.run, call.alive)
        return pb.Orders(
            date=plan.session, portfolio_value=plan.value, cash_balance=float(plan.actual.portfolio.cash), state_source=plan.actual.source,
            notes=plan.notes, orders=[pb.Order(
                symbol=each.symbol, side=each.side, quantity=float(each.quantity), type="market", intent=each.intent, reason=each.reason,
                client_order_id=each.client_order_id, current_price=each.price, target_quantity=each.target) for each in plan.orders])

    def desired(self, request: pb.DesiredRequest, call: Call) -> pb.DesiredPortfolio:
        """What is to be held at the latest bar; raises as `orders`."""
        plan = portfolio.desired(self._settings, self._spec, self._journal, request.account, request.run, call.alive)
        name = resolve.strategy_class(plan.spec.strategy).__name__
        return pb.DesiredPortfolio(
            strategy_name=name, date=plan.session, cash_balance=plan.cash, portfolio_value=plan.value, notes=plan.notes,
            schedule=portfolio.scheduled(self._journal, name), state_source=plan.actual.source,
            positions=[_position(plan, symbol, shares) for symbol, shares in sorted(plan.desired().items())])

    def rebalance(self, request: pb.RebalanceRequest, _: Call) -> pb.Asked:
        """Call on running processes to trade to their targets.

        Raises:
            UnknownName, UsageError: no such strategy. StoreFailed: it cannot be recorded.
        """
        return _asked(portfolio.trigger(self._journal, *self._address(request), _by(request.requested_by)))

    def schedule(self, request: pb.ScheduleRequest, _: Call) -> pb.Asked:
        """Have running processes decide on other days.

        Raises:
            UnknownName, BadSpec: no such word, or strategy, or not a word of that strategy. StoreFailed: it cannot be recorded.
        """
        return _asked(portfolio.reschedule(self._journal, request.schedule, *self._address(request), _by(request.requested_by)))

    def _address(self, request: pb.RebalanceRequest | pb.ScheduleRequest) -> tuple[str, str]:
        """Strategy and run that are meant."""
        for field in ("strategy_name", "run"):
            if len(getattr(request, field)) > MOST_TEXT:
                raise BadSpec(f"{field} is longer than {MOST_TEXT} characters")
        if request.strategy_name or request.run or not self._addressed:
            return request.strategy_name, request.run
        return "", resolve.run_name(self._spec)


def _told(signal: pb.Signal, at: int) -> ToldSignal:
    fields = {name: getattr(signal, field) if signal.HasField(field) else None
              for name, field in (("risk_unit", "risk_unit"), ("score", "momentum_score"), ("price", "current_price"))}
    return ToldSignal(signal.symbol, signal.signal, **fields).check(f"signals[{at}]")


def _position(plan: Plan, symbol: str, shares: float) -> pb.DesiredPosition:
    price = plan.prices.get(symbol, 0.0)
    return pb.DesiredPosition(
        symbol=symbol, quantity=shares, held=float(plan.actual.held.get(symbol, 0)), current_price=price, market_value=shares * price,
        weight=shares * price / plan.value if plan.value > 0 else 0.0, momentum_score=plan.convictions.get(symbol, 0.0))


def _asked(request: SteeringRequest) -> pb.Asked:
    moment = np.datetime64(request.asked_ns, "ns").astype("datetime64[s]")
    return pb.Asked(request_id=request.id, kind=request.kind, strategy_name=request.strategy, run=request.run, time=f"{moment}Z",
                    schedule=str(request.facts.get("schedule", "")))


def _by(text: str) -> str:
    return text[:MOST_TEXT] or "gRPC"
