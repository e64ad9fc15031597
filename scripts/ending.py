"""How a command that goes on hears that it shall end."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any


@contextlib.contextmanager
def heard(stop: Callable[[], object]) -> Iterator[None]:
    """While within, SIGINT and SIGTERM call `stop`, in a thread of its own."""
    def hear(*_: Any) -> None:
        threading.Thread(target=stop).start()  # the thread that is interrupted may hold what `stop` needs

    kept = {each: signal.signal(each, hear) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
