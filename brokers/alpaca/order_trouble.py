"""Order trouble: what goes wrong between broker and venue is told, not raised. Imports core.errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from core.errors import CerebrolabError

log = logging.getLogger(__name__)


class Trouble:
    """Tells a human, through the log and a store's notifications.

    Args:
        notify: takes a message and details.
    """

    def __init__(self, notify: Callable[..., None]) -> None:
        self._notify, self._latest = notify, ""

    def report(self, message: str, **details: Any) -> None:
        """Tell."""
        log.warning("alpaca: %s", message)
        self._notify(message, **details)

    @contextmanager
    def reported(self) -> Iterator[None]:
        """Errors of ours within are told and end there; the same one again is not told again."""
        try:
            yield
        except CerebrolabError as error:
            if str(error) != self._latest:
                self.report(str(error))
            self._latest = str(error)
        else:
            self._latest = ""
