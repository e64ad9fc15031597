"""The judge of a daily run: journal, ledger and account tell the same story, and nothing came twice."""

from journal import Journal


def judge_days(days, report=None):
    """Each order was sent once, and filled as the journal says; with a report, it is done and its targets are held."""
    alpaca, ledger = days.alpaca, days.alpaca.ledger
    names = [order.client_order_id for order in ledger.sent()]
    assert len(set(names)) == len(names) and ledger.cash == alpaca.account.cash
    with Journal(days.path) as journal:
        blotter = journal.blotter
        orders = [order for row in blotter.decisions(alpaca.account_id) for order in blotter.orders(row.id)]
    assert {order.client_order_id: order.filled for order in orders if order.filled} == {
        name: ledger.filled(name) for name in names if ledger.filled(name)}
    if report is not None:
        assert report.done
        assert {symbol: float(qty) for symbol, qty in ledger.positions.items()} == {
            symbol: shares for symbol, shares in report.targets.items() if shares}
