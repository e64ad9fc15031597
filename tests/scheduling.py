"""Which process runs which tests: all of a file in one, and all of a group; the slow ones first, so that none is left alone at the end.

A server, a browser or a panel that the tests of a file share is made once, and not once in every process.
"""

from collections import Counter

import pytest
from xdist.scheduler import LoadGroupScheduling


class ByFile(LoadGroupScheduling):
    """`--dist loadgroup`, where a test without a group is in that of its file."""

    def __init__(self, config, log=None):
        config.option.loadscopereorder = False  # `slow_first` has put them in order
        super().__init__(config, log)

    def _split_scope(self, nodeid):
        scope = super()._split_scope(nodeid)
        return scope.split("::")[0]


def slow_first(items):
    """Put the groups with the most slow tests first."""
    slow = Counter(_scope(item) for item in items if item.get_closest_marker("slow"))
    items.sort(key=lambda item: -slow[_scope(item)])


def _scope(item: pytest.Item) -> str:
    group = item.get_closest_marker("xdist_group")
    return group.args[0] if group else item.nodeid.split("::")[0]
