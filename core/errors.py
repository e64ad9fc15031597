"""Every error a user can meet, each also an error of the standard library.

    CerebrolabError
    ├── UsageError (ValueError)          the command or the call is wrong: correct it and repeat
    │   ├── UnknownName (LookupError)    a strategy, parameter, symbol, source or sizer nobody knows
    │   ├── BadSpec                      a run specification that contradicts itself
    │   └── NoBars (LookupError)         nothing to run on: empty range, or a symbol without data
    ├── BadBars (ValueError)             market data that breaks a rule; names symbol, row and rule
    ├── SourceUnavailable (ConnectionError)   the network or the vendor did not answer
    ├── CorruptFile (OSError)            a stored file cannot be read; it has been set aside
    ├── StoreFailed (OSError)            a file could not be written; what was there is untouched
    └── AccountLeft (RuntimeError)       a live run has ended, and its account is not as it was asked to be

A message is one line: the rule, the value that broke it, and what to do next.
The command line prints it and exits with `exit_code`.
"""

import difflib
from collections.abc import Iterable, Sequence

MOST_NAMED = 10


class CerebrolabError(Exception):
    """Root of the tree; carries the exit code of the command line."""

    exit_code = 2


class UsageError(CerebrolabError, ValueError):
    """The request cannot be carried out as it was written."""


class UnknownName(UsageError, LookupError):
    """A name that is not known where it was used."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], hint: str = "") -> "UnknownName":
        """The message "unknown KIND 'NAME'", with the nearest known name or the list of them."""
        names = sorted(map(str, known))
        folded = {candidate.lower(): candidate for candidate in names}
        near = difflib.get_close_matches(str(name).lower(), list(folded), n=1, cutoff=0.6)
        if near:
            advice = f"did you mean {folded[near[0]]!r}?"
        elif names:
            shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
            advice = f"known: {shown}"
        else:
            advice = "none are known here"
        return cls(f"unknown {kind} {name!r}: {advice}{' ' + hint if hint else ''}")


class BadSpec(UsageError):
    """A run specification with a value out of range, or values that contradict each other."""


class NoBars(UsageError, LookupError):
    """The data asked for has no bars."""


class BadBars(CerebrolabError, ValueError):
    """Market data that breaks a rule of `core.series.validate`."""

    def __init__(self, symbol: str, row: str, rule: str, advice: str = "correct the data") -> None:
        super().__init__(f"bad bars for {symbol} at {row}: {rule}; {advice}")
        self.symbol, self.row, self.rule = symbol, row, rule


class SourceUnavailable(CerebrolabError, ConnectionError):
    """A data source or service did not answer, after retries."""


class CorruptFile(CerebrolabError, OSError):
    """A stored file cannot be read."""


class StoreFailed(CerebrolabError, OSError):
    """A file could not be written."""


class AccountLeft(CerebrolabError, RuntimeError):
    """A live run has ended with positions or orders that it should not have; the message names them."""

    exit_code = 3


def named(names: Sequence[str]) -> str:
    """Names as they stand in a message: the first ten, and how many more there are."""
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more
