"""Notes: what a reader of a run must know about single decisions, such as an optimisation that failed."""

from typing import NamedTuple


class Note(NamedTuple):
    """One remark.

    Attributes:
        time: UTC nanoseconds of the decision bar. source: who says so, such as the class of a sizer.
        text: one line.
    """

    time: int
    source: str
    text: str
