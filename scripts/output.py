"""What commands print: lines, tables and JSON on stdout, warnings and a progress bar on stderr.

A reader that goes away (`| head`) ends the printing, not the command.
"""

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

UNBROKEN = 240  # columns of a table that is piped or redirected
_PERCENT = {"total_return", "cagr", "volatility", "max_drawdown", "win_rate", "exposure", "benchmark_return", "alpha"}


def line(text: str = "") -> None:
    """One line on stdout."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        drop_stdout()


def drop_stdout() -> None:
    """Send what is still to come to nowhere: nobody reads stdout any more."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (it stays open until the process ends)


def warn(text: str) -> None:
    """One warning on stderr."""
    print(f"warning: {_one_line(text)}", file=sys.stderr)


def aside(text: str) -> None:
    """One line on stderr, as it is."""
    print(text, file=sys.stderr)


def fail(text: str) -> None:
    """One error on stderr."""
    print(f"error: {_one_line(text)}", file=sys.stderr)


def as_json(values: Any) -> None:
    """One JSON value on stdout; numbers that JSON cannot write become null."""
    line(json.dumps(finite(values), allow_nan=False, default=str))


def finite(values: Any) -> Any:
    """`values` in which NaN and infinities are None, and numpy numbers plain ones."""
    if isinstance(values, Mapping):
        return {str(name): finite(each) for name, each in values.items()}
    if isinstance(values, list | tuple):
        return [finite(each) for each in values]
    if hasattr(values, "item"):
        values = values.item()
    return None if isinstance(values, float) and not math.isfinite(values) else values


def table(title: str, heads: Sequence[str], rows: Iterable[Sequence[Any]], left: int = 1) -> None:
    """A table on stdout; the first `left` columns are flush left, the others right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=box.SIMPLE_HEAD, show_header=any(heads), collapse_padding=True, pad_edge=False,
                  show_edge=False)
    for at, head in enumerate(heads):
        drawn.add_column(head, justify="left" if at < left else "right", overflow="fold")
    for row in rows:
        drawn.add_row(*map(_text, row))
    if title:
        line(title)
    console = Console(width=None if sys.stdout.isatty() else UNBROKEN)
    with console.capture() as capture:
        console.print(drawn)
    line("\n".join(text.rstrip() for text in capture.get().splitlines()).strip("\n"))


def number(name: str, value: Any) -> str:
    """A metric as people write it: parts as percent, counts whole, amounts with separators, "-" for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "-"
    if isinstance(value, bool | str):
        return str(value)
    if name in _PERCENT:
        return f"{value:.2%}"
    if float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:,.2f}"


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None] | None]:
    """A callback (done, total, what) that draws a bar on stderr; None where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total, what: bar.update(task, completed=done, total=total, description=str(what))


def _text(value: Any) -> str:
    from rich.markup import escape

    return escape(str(value))


def _one_line(text: str) -> str:
    return " ".join(str(text).split())
