"""The account: what it is worth, what it holds, its orders as they fill, and what wants to be seen to."""

import datetime as dt
from typing import Any

import streamlit as st

from services.dashboard import access, charts, guarded, markup, picture, words
from services.dashboard.markup import Cell, Figure

OFTEN, SELDOM, SOON = "3s", "60s", "1s"
LOOKS = "looks at the account"  # in a session
WHOLE = "The whole account"
SHOWN = 100  # orders and executions
LATELY = dt.timedelta(days=30)


def show() -> None:
    """Draw the page."""
    found = access.api().get("/accounts")
    if not found:
        markup.title("Account")
        markup.empty("No account has traded yet. A run on Alpaca's paper account shows here as soon as it has decided once.",
                     "cerebrolab paper run.toml")
        _broker()
        with guarded.part():
            _days()
        return
    account, run = _chosen(found)
    _worth(account, run)
    _held(account, run)
    _traded(account, run)
    _alerts(account)
    _broker()
    _days()


def _chosen(found: list[dict[str, Any]]) -> tuple[str, str | None]:
    """The account and the run that are looked at; with only one of them there is nothing to choose."""
    markup.title("Account")
    names = [each["account"] for each in found]
    left, right = st.columns(2)
    account = left.selectbox("Account", names) if len(names) > 1 else names[0]
    runs = next(each["runs"] for each in found if each["account"] == account)
    run = right.selectbox("Run", [WHOLE, *runs]) if len(runs) > 1 else WHOLE
    return account, None if run == WHOLE else run


@st.fragment(run_every=SELDOM)
def _worth(account: str, run: str | None) -> None:
    with guarded.live():
        found = access.api().get("/equity/sessions", account=account, run=run)
        equity, drawdown = found["equity"], found["drawdown"]
        if not equity:
            markup.empty("Nobody has noted yet what this account is worth: a run does with its first decision.")
            return
        before = equity[-2] if len(equity) > 1 else equity[-1]
        change = equity[-1] - before
        markup.figures((
            Figure("Equity", words.money(equity[-1]), f"{account}, {found['session'][-1]}"),
            Figure("Change that session", words.money(change, sign=True), words.percent(change / before if before else None, sign=True), markup.tone_of(change)),
            Figure("Cash", words.money(found["cash"][-1]), f"{words.percent(found['cash'][-1] / equity[-1] if equity[-1] else None)} of it"),
            Figure("Drawdown", words.percent(drawdown[-1]), f"at most {words.percent(min(drawdown))}", markup.tone_of(drawdown[-1])),
            Figure("Since the first session", words.percent(equity[-1] / equity[0] - 1 if equity[0] else None, sign=True), f"from {found['session'][0]}")))
        if st.session_state.get(LOOKS, 0) < 2:
            st.html(picture.curve(found["session"], equity, drawdown, charts.STRATEGY, charts.LOSS))
            _soon()
        else:
            st.plotly_chart(charts.equity(found["session"], equity, drawdown), config=charts.CONFIG, key="equity", alt="Equity and drawdown by session")


@st.fragment(run_every=SOON)
def _soon() -> None:
    """Has the interactive chart drawn in place of the picture once the page is there: its code takes as long to load as all the rest."""
    st.session_state[LOOKS] = st.session_state.get(LOOKS, 0) + 1
    if st.session_state[LOOKS] > 1:
        st.rerun()


@st.fragment(run_every=OFTEN)
def _held(account: str, run: str | None) -> None:
    with guarded.live():
        held = access.api().get("/positions", account=account, run=run)
        value = sum(float(each["market_value"]) for each in held)
        markup.heading("Positions", f"{len(held)} worth {words.money(value)}" if held else "")
        markup.table("Positions", ("Symbol", "Shares", "Bought at", "Last", "Value", "Unrealised"), (
            (each["symbol"], words.shares(each["quantity"]), words.price(each["average_price"]), words.price(each["last_price"]),
             words.money(each["market_value"]), Cell(words.money(each["unrealized"], sign=True), markup.tone_of(each["unrealized"]))) for each in held),
            nothing="Nothing is held.")


@st.fragment(run_every=OFTEN)
def _traded(account: str, run: str | None) -> None:
    with guarded.live():
        api = access.api()
        orders = api.get("/orders/latest", account=account, run=run, limit=SHOWN)["orders"]
        markup.heading("Orders", "The latest first, as they fill.")
        markup.table("Orders", ("Time, UTC", "Symbol", "Side", "State", "Shares", "Filled", "Price", "Why"), (
            (words.moment(each["updated_ns"]), each["symbol"], each["side"], markup.badge(words.label(each["status"] or each["state"])),
             words.shares(each["qty"]), words.shares(each["filled"]), words.price(each["price"]), Cell(each["reason"] or each["intent"], "wide"))
            for each in orders), text=(0, 1, 2, 3, 7), nothing="No orders yet.")
        executions = api.get("/executions/latest", account=account, run=run, limit=SHOWN)["executions"]
        markup.heading("Executions")
        markup.table("Executions", ("Time, UTC", "Symbol", "Side", "Shares", "Price", "Commission", "Run"), (
            (words.moment(each["time_ns"]), each["symbol"], each["side"], words.shares(each["qty"]), words.price(each["price"]),
             words.money(each["commission"]), each["run"]) for each in executions), text=(0, 1, 2, 6), nothing="No executions yet.")


@st.fragment(run_every=OFTEN)
def _alerts(account: str) -> None:
    with guarded.live():
        alerts = access.api().get("/alerts", account=account, since=_lately(), limit=10_000)["notes"]
        markup.heading("Alerts", "What a human must see to, of the last thirty days.")
        markup.table("Alerts", ("Time, UTC", "Run", "What"), (
            (words.moment(each["time_ns"]), each["run"], Cell(each["text"], "wide")) for each in reversed(alerts)), text=range(3), nothing="Nothing wants to be seen to.")


@st.fragment(run_every=SELDOM)
def _broker() -> None:
    markup.heading("At Alpaca", "What the broker itself says now.")
    with guarded.live():
        found = access.api().get("/broker")
        change = float(found["equity"]) - float(found["last_equity"])
        markup.figures((
            Figure("Equity", words.money(found["equity"]), f"{found['account']}, {found['status']}"),
            Figure("Since yesterday", words.money(change, sign=True), "", markup.tone_of(change)),
            Figure("Cash", words.money(found["cash"]), found["currency"]), Figure("Buying power", words.money(found["buying_power"]))))
        markup.table("Positions at Alpaca", ("Symbol", "Shares", "Bought at", "Last", "Value", "Unrealised"), (
            (each["symbol"], words.shares(each["quantity"]), words.price(each["average_price"]), words.price(each["last_price"]),
             words.money(each["market_value"]), Cell(words.money(each["unrealized"], sign=True), markup.tone_of(each["unrealized"])))
            for each in found["positions"]), nothing="Nothing is held there.")


@st.fragment(run_every=SELDOM)
def _days() -> None:
    markup.heading("The daily run")
    with guarded.live():
        days = access.api().get("/days", limit=1)["days"]
        if not days:
            markup.empty("The daily run has not run yet.", "cerebrolab daily")
            return
        markup.note(f"Session of {days[0]['session']}")
        markup.steps(f"Steps of {days[0]['session']}", days[0]["steps"])


def _lately() -> str:
    return (dt.datetime.now(dt.UTC) - LATELY).isoformat(timespec="seconds").replace("+00:00", "Z")
