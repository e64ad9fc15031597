"""Orders that are refused, with the reason in one line, while the order in the other symbol is carried out."""

import backtrader as bt
import pytest
from alpaca_cerebro import Arriving, broker_of, each, played
from broker_contract import Witness

from brokers.alpaca import AlpacaStore
from brokers.alpaca.errors import Unauthorized
from brokers.local_alpaca import AccountRules, LocalAlpaca
from brokers.local_alpaca.made_minutes import minute_frame, minutes
from core.bars import Bars
from core.errors import BadSpec, StoreFailed, UsageError

Order = bt.Order
CALM, HALF = (100, 101, 99, 100), (50, 51, 49, 50)
BOTH = minutes(AAA=[CALM] * 5, BBB=[HALF] * 5)
DONE = ["Submitted", "Accepted", "Completed"]


def with_bbb(size=10, side="buy", **terms):
    """An order in AAA, and a plain one in BBB."""
    def act(s):
        s.keep("AAA", getattr(s, side)(s.datas[0], size=size, **terms))
        s.keep("BBB", s.buy(s.datas[1], size=3))
    return act


def refused(outcome, *, posts=1):
    """AAA is refused, without a word to the venue unless `posts` says so; BBB is filled. Returns the reason."""
    assert outcome.told("AAA") == ["Submitted", "Rejected"] and outcome.told("BBB") == DONE
    assert [order.symbol for order in outcome.ledger.sent()] == ["BBB"] and len(outcome.ledger.asked("POST")) == posts
    assert "\n" not in outcome.reason("AAA") and outcome.ledger.positions == {"BBB": 3}
    return outcome.reason("AAA")


@pytest.mark.parametrize(("terms", "reason"), [
    (dict(exectype=Order.StopTrailLimit, price=100, plimit=99, trailamount=2), "StopTrailLimit"),
    (dict(exectype=Order.StopTrail), "trail_price"),
    (dict(size=1.5, tif="gtc"), "day orders only"),
    (dict(exectype=Order.Limit, price=-3), "not above 0"),
    (dict(exectype=Order.Stop, price=105, tif="opg"), "day or gtc"),
    (dict(tif="soon"), "'soon' is none of"),
    (dict(extended_hours=True), "extended hours"),
    (dict(size=100_000), "buying power"),
    (dict(size=1_000_000, exectype=Order.Limit, price=90), "buying power"),
    (dict(size=1.5, side="sell"), "fractions of shares cannot be sold short"),
], ids=str)
def test_what_is_refused_before_it_is_sent(terms, reason):
    assert reason in refused(played(BOTH, {1: with_bbb(**terms)}))


@pytest.mark.parametrize(("rules", "terms", "reason"), [
    (dict(inactive={"AAA"}), dict(), "AAA is inactive at Alpaca"),
    (dict(not_fractionable={"AAA"}), dict(size=0.4), "0.4 shares are less than can be traded of AAA: order more"),
    (dict(not_fractionable={"AAA"}), dict(notional=250), "AAA trades in whole shares only"),
    (dict(not_shortable={"AAA"}), dict(side="sell"), "AAA cannot be sold short at Alpaca"),
    (dict(shorting=False), dict(side="sell"), "the account may not sell short"),
], ids=["inactive", "less than one", "not fractionable", "not shortable", "no shorts"])
def test_what_a_symbol_or_an_account_does_not_allow(rules, terms, reason):
    account = AccountRules(**{name: frozenset(value) if isinstance(value, set)
                              else value for name, value in rules.items()})
    assert refused(played(BOTH, {1: with_bbb(**terms)}, venue=dict(account=account))) == reason


def test_an_unknown_symbol():
    """The venue has BBB only."""
    with LocalAlpaca(BOTH.select(["BBB"])) as alpaca:
        cerebro = bt.Cerebro(stdstats=False, preload=False, runonce=False)
        cerebro.setbroker(broker_of(alpaca))
        for symbol in BOTH.symbols:
            cerebro.adddata(Arriving(dataname=BOTH, symbol=symbol, venue=alpaca))
        cerebro.addstrategy(Witness, plan={1: with_bbb()})
        strategy = cerebro.run()[0]
        assert strategy.placed["AAA"].info["reason"] == "alpaca has no symbol 'AAA': check the spelling"
        assert strategy.statuses(strategy.placed["BBB"]) == DONE and alpaca.ledger.positions == {"BBB": 3}


def test_a_market_that_is_closed():
    """At the close, what must be filled at once is refused; a plain order in BBB waits for the next session."""
    bars = minutes("2024-03-01 15:57", AAA=[CALM] * 3, BBB=[HALF] * 3)

    def plan(alpaca):
        return {2: lambda s: (alpaca.advance(to="2024-03-01T16:00:30-05:00"),
                              with_bbb(exectype=Order.Limit, price=101, tif="ioc")(s))}

    outcome = played(bars, plan, venue=dict(now="2024-03-01T15:56:59-05:00"))
    assert outcome.reason("AAA") == "ioc orders are taken while the market is open"
    assert outcome.told("BBB") == ["Submitted", "Accepted"]


def test_a_blocked_account_is_asked_for_nothing():
    def plan(alpaca):
        alpaca.block_trading()
        return {1: with_bbb()}

    outcome = played(BOTH, plan)
    assert "blocked" in outcome.reason("AAA") and "blocked" in outcome.reason("BBB")
    assert not outcome.ledger.asked("POST")


def test_the_venues_own_refusal_is_the_reason():
    """The quote is too old to judge by, so the order is sent; the venue has not the buying power."""
    bars = minutes(AAA=[CALM] * 40, BBB=[HALF] * 40)
    outcome = played(bars, lambda alpaca: {2: lambda s: (alpaca.advance(seconds=20 * 60), with_bbb(100_000)(s))})
    assert refused(outcome, posts=2) == "insufficient buying power"


class Live(Arriving):
    """A feed that is live from its third bar on."""

    def islive(self):
        return True

    def _load(self):
        loaded = super()._load()
        if self._next_row == 3:
            self.put_notification(self.LIVE)
        return loaded


def test_bars_from_before_the_start_trade_nothing():
    bars = minutes(AAA=[CALM] * 6, BBB=[HALF] * 6)
    with LocalAlpaca(bars) as alpaca:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.setbroker(broker_of(alpaca))
        for symbol in bars.symbols:
            cerebro.adddata(Live(dataname=bars, symbol=symbol, venue=alpaca))
        at_bar = {bar: each(lambda s, data, bar=bar: s.keep(f"{data._name} {bar}",
                                                            s.buy(data, size=10))) for bar in (1, 4)}
        cerebro.addstrategy(Witness, plan=at_bar)
        strategy = cerebro.run()[0]
        for symbol in bars.symbols:
            assert strategy.placed[f"{symbol} 1"].info["reason"].startswith("backfill")
            assert strategy.statuses(strategy.placed[f"{symbol} 4"])[-1] == "Completed"
        assert len(alpaca.ledger.sent()) == 2


def test_a_reference_symbol_is_never_traded():
    frames = {"^GSPC": minute_frame([CALM] * 5), "BBB": minute_frame([HALF] * 5)}
    bars = Bars.from_frames(frames, interval="1m", reference=["^GSPC"])
    index = bars.symbols.index("^GSPC")

    def act(s):
        s.keep("AAA", s.buy(s.datas[index], size=1))
        s.keep("BBB", s.buy(s.datas[1 - index], size=3))

    assert refused(played(bars, {1: act})) == "^GSPC is a reference symbol: it is never traded"


def test_an_order_that_cannot_be_recorded_is_not_sent():
    def persist(leaving):
        if any(each.request.symbol == "AAA" for each in leaving):
            raise StoreFailed("the disk is full: free some space")

    assert refused(played(BOTH, {1: with_bbb()}, persist=persist)) == "the disk is full: free some space"


# -- keys --------------------------------------------------------------------------------------------------


def test_keys_that_cannot_be_right_are_said_before_anything_runs():
    with LocalAlpaca(BOTH) as alpaca:
        with pytest.raises(Unauthorized, match=r"check ALPACA_API_KEY and ALPACA_SECRET_KEY in \.env") as wrong:
            AlpacaStore(alpaca.key_id, "wrong", base_url=alpaca.url).getbroker()
        with pytest.raises(UsageError, match="ALPACA_API_KEY is not set"):
            AlpacaStore("", alpaca.secret_key, base_url=alpaca.url)
        with pytest.raises(BadSpec, match="is a paper account, but live trading was asked for"):
            AlpacaStore(alpaca.key_id, alpaca.secret_key, paper=False, base_url=alpaca.url).getbroker()
        assert "\n" not in str(wrong.value) and not alpaca.ledger.asked("POST")
    with LocalAlpaca(BOTH, account=AccountRules(live=True)) as live, pytest.raises(BadSpec, match="live"):
        AlpacaStore(live.key_id, live.secret_key, base_url=live.url).getbroker()
