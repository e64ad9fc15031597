"""Reports of runs and sweeps: a self-contained page, figures and numbers, in one directory. May import optimize."""

from reports.archive import load
from reports.report import redraw, write
from reports.sweep_report import write_sweep, write_walk_forward

__all__ = ["load", "redraw", "write", "write_sweep", "write_walk_forward"]
