"""The vocabulary of cerebrolab: errors, settings, run specifications, bars, calendars, results.

Everything else may import this package; it imports none of the others.
"""

__version__ = "0.1.0"
