"""Reading query parameters: whole numbers, moments and flags; what cannot be read is answered 400."""

from brokers.local_alpaca.moments import moment
from brokers.local_alpaca.refusals import malformed


def read_count(query: dict[str, str], name: str, default: int, most: int) -> int:
    """A whole number from 1 to `most`.

    Raises:
        Refusal: 400.
    """
    written = query.get(name, str(default))
    if not written.isdecimal() or not 1 <= int(written) <= most:
        raise malformed(f"invalid {name}: {written}")
    return int(written)


def read_moment(query: dict[str, str], name: str) -> int | None:
    """A date or time as UTC nanoseconds; None where it is not given.

    Raises:
        Refusal: 400.
    """
    written = query.get(name)
    if not written:
        return None
    try:
        return moment(written)
    except ValueError:
        raise malformed(f"invalid {name}: {written}") from None


def read_span(query: dict[str, str]) -> tuple[int, int]:
    """The moments `after` and `until`, both to be excluded; the ends of time where they are not given."""
    after, until = read_moment(query, "after"), read_moment(query, "until")
    return -1 if after is None else after, 2**63 if until is None else until


def read_flag(query: dict[str, str], name: str) -> bool:
    """Whether a flag is "true"; alpaca-py writes it "True"."""
    return query.get(name, "").lower() == "true"
