"""The notebook of five days: it is what its script says, carries its output, and runs."""

import base64
import json
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
BUILDER = EXAMPLES / "build_five_days.py"
NOTEBOOK = json.loads((EXAMPLES / "five_days.ipynb").read_text())


def sources():
    """(kind, source) of the committed cells."""
    return [(cell["cell_type"], "".join(cell["source"])) for cell in NOTEBOOK["cells"]]


def test_the_notebook_is_its_script():
    cells = runpy.run_path(str(BUILDER))["cells"]((EXAMPLES / "five_days.py").read_text())
    assert cells == sources() and {kind for kind, _ in cells} == {"code", "markdown"} and len(cells) > 10


def test_the_notebook_carries_what_came_out():
    outputs = [output for cell in NOTEBOOK["cells"] for output in cell.get("outputs", [])]
    printed = "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    assert "synthetic: True" in printed and re.search(r'planted 5 bp; found slippage = "(4\.\d+|5(\.\d+)?)bp"', printed)
    pictures = [base64.b64decode(output["data"]["image/png"]) for output in outputs if "data" in output]
    assert len(pictures) == 3 and all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert "synthetic" in " ".join(source for kind, source in sources() if kind == "markdown").lower()
    assert NOTEBOOK["nbformat"] == 4 and len({cell["id"] for cell in NOTEBOOK["cells"]}) == len(NOTEBOOK["cells"])


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    given = {**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(EXAMPLES))), "TMPDIR": str(tmp_path), "MPLCONFIGDIR": str(tmp_path)}
    before = (EXAMPLES / "five_days.ipynb").read_bytes()
    done = subprocess.run([sys.executable, BUILDER, "--check"], check=False, cwd=tmp_path, env=given, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "9 cells run\n" and "Traceback" not in done.stderr
    assert (EXAMPLES / "five_days.ipynb").read_bytes() == before
