"""One order's fills, told twice in different parts and in any order, are counted once: shares exactly, and money where prices agree."""

import itertools
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import ManualClock
from journal import opened
from journal.account_log import LiveExecution, uncovered

SHARES = st.lists(st.integers(1, 10**9), min_size=1, max_size=6)
ORDERS = itertools.count()
TOLD = LiveExecution("c", "b", Decimal(10), "A", "r", "AAA", "buy", Decimal(10), Decimal("9.1234567891234567"), 5, Decimal(1))


@pytest.fixture(name="journal")
def _journal(anywhere):
    with opened(anywhere, ManualClock(7)) as journal:
        yield journal


@st.composite
def tellings(draw):
    """Two partitions of one order's shares, in billionths, and an order in which they are told."""
    first = draw(SHARES)
    whole = sum(first)
    cuts = draw(st.sets(st.integers(1, whole), max_size=5)) | {whole}
    told = [*spans(itertools.accumulate(first)), *spans(sorted(cuts))]
    return whole, [(begin, end, at) for at, (begin, end) in enumerate(draw(st.permutations(told)))]


def spans(ends):
    return list(itertools.pairwise((0, *ends)))


def execution(name, begin, end, at, price="0.3", run="r"):
    return LiveExecution(name, "b", Decimal(end).scaleb(-9), "A", run, "AAA", "buy", Decimal(end - begin).scaleb(-9), Decimal(price), at)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(tellings(), st.sets(st.integers(0, 12)))
def test_any_two_partitions_in_any_order_add_up_to_the_order(journal, telling, breaks):
    whole, told = telling
    name, log = f"c-{next(ORDERS)}", journal.account_log
    run = name  # whose holding it is alone
    executions = [execution(name, *each, run=run) for each in told]
    bounds = [0, *sorted(each for each in breaks if 0 < each < len(executions)), len(executions)]
    for first, last in itertools.pairwise(bounds):
        log.execute(executions[first:last])
    recorded = log.executions("A", run)
    shares = sorted((each.filled - each.qty, each.filled) for each in recorded)
    assert shares[0][0] == 0 and shares[-1][1] == Decimal(whole).scaleb(-9)
    assert all(end == begin for (_, end), (begin, _) in itertools.pairwise(shares))
    [position] = journal.state.portfolio("A", run).positions
    assert sum(each.qty for each in recorded) == position.qty == Decimal(whole).scaleb(-9)
    assert sum(each.qty * each.price for each in recorded) == -journal.state.portfolio("A", run).cash == position.qty * Decimal("0.3")
    assert log.execute(executions) == 0 and log.executions("A", run) == recorded


def test_a_hole_between_two_executions_is_filled(journal):
    log = journal.account_log
    assert log.execute([execution("c", 2, 4, 1), execution("c", 6, 7, 2)]) == 2
    assert log.execute([replace(execution("c", 0, 10, 3), commission=Decimal(1)), execution("c", 3, 5, 4)]) == 1
    parts = [(int(each.filled.scaleb(9) - each.qty.scaleb(9)), int(each.filled.scaleb(9)), each.commission) for each in log.executions("A")]
    assert parts == [(2, 4, 0), (6, 7, 0), (0, 2, Decimal("0.2")), (4, 6, Decimal("0.2")), (7, 10, Decimal("0.3"))]


def test_another_order_is_another_matter(journal):
    assert journal.account_log.execute([execution("c", 0, 10, 1), execution("d", 0, 10, 1)]) == 2


def test_two_who_tell_at_once_count_once(anywhere):
    """A run and the stream, each with connections of its own, tell the same shares in other parts at the same time."""
    whole = 40
    parts = [[execution("c", at, at + 4, at) for at in range(0, whole, 4)], [execution("c", at, at + 5, at) for at in range(0, whole, 5)]]
    together, failed = threading.Barrier(2), []

    def tell(executions):
        try:
            with opened(anywhere) as journal:
                together.wait(30)
                for each in executions:
                    journal.account_log.execute([each])
        except BaseException as error:
            failed.append(error)
            raise

    threads = [threading.Thread(target=tell, args=(each,)) for each in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    with opened(anywhere) as journal:
        assert sum(each.qty for each in journal.account_log.executions("A")) == Decimal(whole).scaleb(-9)


@given(st.integers(0, 20), st.integers(1, 8), st.lists(st.tuples(st.integers(0, 20), st.integers(1, 8)), max_size=5))
def test_parts_are_the_shares_that_nobody_has_told(begin, qty, others):
    theirs = {share for first, size in others for share in range(first, first + size)}
    told = replace(TOLD, filled=Decimal(begin + qty), qty=Decimal(qty))
    found = uncovered(told, [(Decimal(first + size), Decimal(size)) for first, size in others])
    shares = [share for part in found for share in range(int(part.filled - part.qty), int(part.filled))]
    assert shares == sorted(set(range(begin, begin + qty)) - theirs)
    assert (len(shares) == qty) == (found == [told]) and all(part.price == told.price for part in found)
