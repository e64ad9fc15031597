"""The tables, as typed SQLAlchemy models. Times are UTC nanoseconds, sessions ISO dates, amounts exact decimals.

A change here needs a migration in `journal.migrations.versions`, and the next `journal.schema.REVISION`. Where each thing of a live
account is kept, by account and run (or strategy):

    signals              signals (`journal.history`); the shares asked for are the targets of decisions (`journal.blotter`)
    positions            holdings, running totals of executions and bookings (`journal.state`); snapshots (`journal.history`)
    cash, equity         holdings; decisions and snapshots over time (`journal.history`)
    lots                 worked out from live_executions by the package `taxes`
    corporate actions    account_notes of the kind "cash" (`journal.account_log`)
    alerts               account_notes of the kind "alert" (`journal.account_log`)
    reconciliations      reconciliations (`journal.state`)
    steering             steering_requests, steering_answers (`journal.steering`)

Who follows the advice of strategies is in subscribers and subscriptions, what was advised in advices, who was told in deliveries
(`journal.subscriptions`); the steps of the daily run in daily_steps (`journal.daily_log`).
"""

from sqlalchemy import DDL, event

from journal.account_tables import (
    AccountNoteRow,
    DecisionRow,
    HoldingRow,
    LiveExecutionRow,
    LiveOrderRow,
    ReconciliationRow,
    SignalRow,
    SnapshotRow,
    SteeringAnswerRow,
    SteeringRequestRow,
)
from journal.append_only import append_only
from journal.research_tables import ExecutionRow, OrderRow, RunRow, SweepRow, TrialRow, VerdictRow
from journal.subscription_tables import AdviceRow, DailyStepRow, DeliveryRow, SubscriberRow, SubscriptionRow
from journal.table_base import Base

__all__ = [
    "APPEND_ONLY", "AccountNoteRow", "AdviceRow", "Base", "DailyStepRow", "DecisionRow", "DeliveryRow", "ExecutionRow", "HoldingRow", "LiveExecutionRow", "LiveOrderRow", "OrderRow",
    "ReconciliationRow", "RunRow", "SignalRow", "SnapshotRow", "SteeringAnswerRow", "SteeringRequestRow", "SubscriberRow",
    "SubscriptionRow", "SweepRow", "TrialRow", "VerdictRow",
]
APPEND_ONLY = (
    "trials", "verdicts", "live_executions", "account_notes", "steering_requests", "steering_answers", "signals", "snapshots", "reconciliations")

for _name in APPEND_ONLY:
    for _dialect in ("sqlite", "postgresql"):
        for _statement in append_only(_name, _dialect):
            event.listen(Base.metadata.tables[_name], "after_create", DDL(_statement).execute_if(dialect=_dialect))
