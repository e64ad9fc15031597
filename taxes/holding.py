"""Trade dates and holding periods (IRS Publication 550, chapter 4, Holding Period). Imports nothing of ours."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")


@lru_cache(maxsize=100_000)
def trade_date(time_ns: int) -> dt.date:
    """The New York date of a moment (UTC ns): securities on an exchange are acquired and sold on their trade dates."""
    return dt.datetime.fromtimestamp(time_ns // 10**9, NEW_YORK).date()


def is_long_term(held_since: dt.date, sold: dt.date) -> bool:
    """Whether property was held for more than one year.

    Counting begins on the day after `held_since`, and the day of the sale counts: bought on February 5, 2008, it is long term from
    February 6, 2009. A period that begins on February 29 has lasted a year when February 28 is over.
    """
    begins = held_since + dt.timedelta(days=1)
    try:
        year_is_over = begins.replace(year=begins.year + 1)
    except ValueError:  # there is no February 29 in that year
        year_is_over = dt.date(begins.year + 1, 3, 1)
    return sold >= year_is_over
