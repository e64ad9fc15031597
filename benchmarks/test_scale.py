"""The steps of `scale.py` on a small universe: each one ends, and what it fetches is what was missing."""

import subprocess
import sys
from pathlib import Path


def test_every_step_of_a_small_universe():
    made = subprocess.run([sys.executable, Path(__file__).parent / "scale.py", "20"], capture_output=True, text=True, check=True)
    head, _, row = made.stdout.splitlines()
    assert head == "| symbols | first | month | check | load | GoldenCross | Momentum | swapped |"
    assert row.startswith("| 20 | ") and row.count(" MB |") == 6 and "failed" not in row, made.stderr
