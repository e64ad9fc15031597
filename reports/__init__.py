"""Reports of runs: one self-contained page, PNG figures, JSON and Parquet, in one directory. May import engine and below."""

from reports.archive import load
from reports.report import redraw, write

__all__ = ["load", "redraw", "write"]
