"""The risk of a potential trade: /v1/risk. Imports services and what is beside it."""

import datetime as dt
from decimal import Decimal
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from core.spec import RunSpec
from services import own_files, risk
from services.api.parts import Body, Exact, FilesPart, JournalPart, SettingsPart, iso
from services.api.spec_body import check_numbers

router = APIRouter(tags=["risk"])
Number = float | None
Amount = Annotated[Decimal, Field(gt=0, max_digits=20, allow_inf_nan=False)]
Signed = Annotated[Decimal, Field(max_digits=20, allow_inf_nan=False)]


class TradeAsked(Body):
    """A potential trade, and the account it would be made on."""

    symbol: str = Field(examples=["AAPL"])
    side: Literal["buy", "sell"]
    quantity: Amount = Field(examples=["100"])
    price: Amount | None = Field(default=None, description="Per share; the last close where it is not named.")
    stop: Amount | None = Field(default=None, description="Price at which it would be closed again.")
    cash: Signed | None = Field(default=None, description="Of the account; that of the journal where an account is named.")
    positions: dict[str, Signed] | None = Field(default=None, max_length=1_000, description="Symbol -> signed shares held.")
    account: str | None = Field(default=None, max_length=200, pattern=r"^[^\x00-\x1f]+$",
                                description="A live account in the journal, whose positions and cash count where none are named.")
    limits: dict[str, float | str] = Field(default={}, examples=[{"max_weight": 0.2}], description="Names as in -p limits.NAME.")
    end: dt.date | None = None
    lookback: int = Field(default=250, ge=risk.LEAST_RETURNS, le=10_000, description="Sessions of returns.")
    confidence: float = Field(default=0.95, gt=0, lt=1, allow_inf_nan=False)
    source: str = "sample"


class LimitSays(BaseModel):
    """What one limit says, as if it were alone."""

    limit: str
    value: Number
    allowed: Exact = Field(description="Shares it lets through.")
    passes: bool


class Tail(BaseModel):
    """Losses over one session, positive, account currency; null without returns enough."""

    value_at_risk: Number
    expected_shortfall: Number


class RiskSays(BaseModel):
    """What the trade would do; amounts exact, in account currency; parts of the equity."""

    session: dt.date
    price: Exact
    value: Exact
    equity: Exact
    part: Number
    position: Exact = Field(description="Shares after it.")
    position_part: Number
    loss_at_stop: Exact | None
    loss_part: Number
    volatility: Number = Field(description="Annual, of the symbol.")
    trade: Tail
    portfolio_before: Tail
    portfolio_after: Tail
    correlations: dict[str, Number] = Field(description="Held symbol -> correlation of its returns with the symbol's.")
    limits: list[LimitSays]
    allowed: Exact = Field(description="Shares that all limits together let through.")


@router.post("/risk", response_model=RiskSays)
def risk_of(settings: SettingsPart, journal: JournalPart, files: FilesPart, body: TradeAsked) -> Any:
    """What a potential trade would cost, lose and add, and what the limits say; nothing is ordered."""
    check_numbers("limits", body.limits)
    if not files:
        own_files.refuse(RunSpec(symbols=(body.symbol,), source=body.source))
    known = journal.state.portfolio(body.account) if body.account else None
    positions = body.positions if body.positions is not None else {each.symbol: each.qty for each in known.positions} if known else {}
    cash = body.cash if body.cash is not None else known.cash if known else Decimal(0)
    said = risk.risk_of(settings, risk.Trade(
        symbol=body.symbol, side=body.side, quantity=body.quantity, cash=cash, price=body.price, stop=body.stop, positions=positions,
        limits=body.limits, end=iso(body.end), lookback=body.lookback, confidence=body.confidence, source=body.source))
    tails = {"trade": (said.value_at_risk, said.expected_shortfall), "portfolio_before": said.portfolio_before,
             "portfolio_after": said.portfolio_after}
    return {**vars(said), "limits": [vars(each) for each in said.limits],
            **{name: dict(zip(Tail.model_fields, pair, strict=True)) for name, pair in tails.items()}}
