"""A run that somebody watches: told how far it is while it plays, stopped where the watcher says so, and the same run otherwise."""

import pytest
from made_bars import bars, walk

import engine
from core.spec import RunSpec

SPEC = RunSpec(strategy="GoldenCross", symbols=("AAA",), params={"fast": 3, "slow": 12})


@pytest.mark.parametrize("count", [30, 100, 300, 999])
def test_it_is_told_while_it_plays(count):
    told = []
    panel = bars(AAA=walk(count, 7))
    watched = engine.run(SPEC, bars=panel, playing=lambda done, total: told.append((done, total)))
    assert told[0] == (0, count) and {total for _, total in told} == {count}
    assert [done for done, _ in told] == list(range(0, count, told[1][0])) and len(told) == -(-count // -(-count // 100)) <= 100
    alone = engine.run(SPEC, bars=panel)
    assert watched.fills == alone.fills and watched.equity.tolist() == alone.equity.tolist()


def test_who_watches_may_stop_it():
    def stop(done, _):
        if done >= 150:
            raise InterruptedError(done)

    with pytest.raises(InterruptedError, match="150"):
        engine.run(SPEC, bars=bars(AAA=walk(300, 7)), playing=stop)
