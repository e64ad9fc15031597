"""Account activities: executions, dividends and splits, newest first, paged by id (page "Account Activities")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from brokers.local_alpaca.ledger import Entry, Request
from brokers.local_alpaca.moments import new_york
from brokers.local_alpaca.query import read_count, read_span
from brokers.local_alpaca.refusals import malformed
from brokers.local_alpaca.shapes import Json, activity_id, fill_json, money

if TYPE_CHECKING:
    from brokers.local_alpaca.venue import Venue


def get_activities(venue: Venue, request: Request, kind: str | None = None) -> tuple[int, Any]:
    """Activities by type, date, after, until, direction, page_size (at most 100) and page_token (the last id seen)."""
    query = request.query
    kinds = [kind] if kind else query["activity_types"].split(",") if query.get("activity_types") else None
    size, (after, until) = read_count(query, "page_size", 100, 100), read_span(query)
    date = query.get("date", "")[:10]
    listed = [(each.time, fill_json(each, venue.account_id)) for each in venue.ledger.executions]
    listed += [(each.time, _entry_json(each, venue.account_id)) for each in venue.ledger.entries]
    found = [(at, what) for at, what in listed
             if (kinds is None or what["activity_type"] in kinds) and after < at < until
             and date in ("", new_york(at).date().isoformat())]
    found.sort(key=lambda pair: pair[0], reverse=query.get("direction", "desc") == "desc")
    answer = [what for _, what in found]
    if query.get("page_token"):
        ids = [what["id"] for what in answer]
        if query["page_token"] not in ids:
            raise malformed("invalid page_token")
        answer = answer[ids.index(query["page_token"]) + 1:]
    return 200, answer[:size]


def _entry_json(entry: Entry, account_id: str) -> Json:
    common = {"id": activity_id(entry.time, entry.id), "account_id": account_id, "activity_type": entry.kind,
              "date": new_york(entry.time).date().isoformat(), "net_amount": money(entry.cash),
              "symbol": entry.symbol, "qty": money(entry.qty), "status": "executed"}
    if entry.kind == "DIV":
        return {**common, "description": f"Cash DIV @ {entry.rate:f}", "per_share_amount": money(entry.rate)}
    if entry.kind == "SPLIT":
        return {**common, "description": f"Split @ {entry.rate:f}"}
    return {**common, "symbol": None, "qty": None, "description": "cash transfer"}
