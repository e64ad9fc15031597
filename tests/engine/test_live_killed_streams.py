"""A streaming run is killed wherever it sends, cancels or writes; started again it repeats nothing, and leaves nothing unattended."""

import pytest
from killed_streams import ENDS, SHARES, SPEC, judge, once, walked, world
from scripted_minutes import at

LAST = at("10:10:00")  # the last decision, of minute 40; killed after it, an entry may be missing: those are not made up


@pytest.fixture(name="whole", scope="module")
def _whole(tmp_path_factory):
    """What the undisturbed life passes, and its positions."""
    folder = tmp_path_factory.mktemp("whole")
    with world(folder) as (alpaca, _):
        points, is_alive = once(alpaca, folder)
        assert is_alive
        return points, walked(alpaca), judge(alpaca)


def test_the_undisturbed_life(whole):
    points, paths, held = whole
    assert held == {"AAA": SHARES, "BBB": SHARES} and len(paths["AAA"]) >= 6 and len(paths["BBB"]) >= 6
    assert points.count("before submit") >= 20 and points.count("before cancel") >= 8 and points.count("before do_commit") >= 40


def killed(folder, at_point, pause_s):
    with world(folder) as (alpaca, _):
        _, is_alive = once(alpaca, folder, at_point)
        late = alpaca.now > int(1e9 * 1708528200)  # 10:10
        alpaca.advance(seconds=pause_s)
        if not is_alive:
            assert once(alpaca, folder)[1]
        held = judge(alpaca)
        assert set(held.values()) <= {SHARES} and (late or held == {"AAA": SHARES, "BBB": SHARES}), held
        return held


@pytest.mark.parametrize("part", range(16))
def test_killed_at_some_points(whole, tmp_path, part):
    points = whole[0]
    killed(tmp_path, 1 + part * len(points) // 16, pause_s=20)


@pytest.mark.soak
def test_killed_at_every_point(whole, tmp_path_factory):
    for at_point in range(1, len(whole[0]) + 1):
        killed(tmp_path_factory.mktemp("life"), at_point, pause_s=20)


def test_killed_again_and_again(tmp_path):
    with world(tmp_path) as (alpaca, _):
        for dies_at in (9, 14, 3, 21, 40, 8, 2, 17):
            once(alpaca, tmp_path, dies_at, ENDS, SPEC)
            alpaca.advance(seconds=7)
        assert once(alpaca, tmp_path)[1]
        assert judge(alpaca) == {"AAA": SHARES, "BBB": SHARES}
