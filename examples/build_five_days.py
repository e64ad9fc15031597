"""Runs `five_days.py`, cell by cell, and writes `five_days.ipynb` with what came out. Needs no Jupyter.

python examples/build_five_days.py [--check]    --check: run it and write nothing
"""

import base64
import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
HERE = Path(__file__).parent
SCRIPT, NOTEBOOK = HERE / "five_days.py", HERE / "five_days.ipynb"
MARK = re.compile(r"^# %%(?P<kind> \[markdown\])?\n", re.MULTILINE)


def cells(text: str) -> list[tuple[str, str]]:
    """("code" or "markdown", source) of a script in the percent format."""
    marks = list(MARK.finditer(text))
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    found = [("markdown" if mark["kind"] else "code", text[mark.end():end].strip("\n")) for mark, end in zip(marks, ends, strict=True)]
    return [(kind, re.sub(r"^# ?", "", source, flags=re.MULTILINE) if kind == "markdown" else source) for kind, source in found]


def executed(sources: list[tuple[str, str]]) -> list[dict[str, Any]]:
    """The cells of a notebook, the code run in one namespace, in order, with what it printed and drew."""
    import matplotlib.pyplot as plt

    namespace: dict[str, Any] = {"__name__": "__main__"}
    made, count = [], 0
    for at, (kind, source) in enumerate(sources):
        cell: dict[str, Any] = {"cell_type": kind, "id": f"cell-{at:02d}", "metadata": {}, "source": source.splitlines(keepends=True)}
        if kind == "code":
            count += 1
            printed, drawn = io.StringIO(), list[bytes]()
            plt.show = lambda drawn=drawn: drawn.extend(_pictures(plt))  # the notebook's own way to show a figure
            with contextlib.redirect_stdout(printed):
                exec(compile(source, f"cell {count}", "exec"), namespace)  # noqa: S102  (our own script, cell by cell)
            cell |= {"execution_count": count, "outputs": _outputs(printed.getvalue(), drawn)}
        made.append(cell)
    return made


def _pictures(plt: Any) -> list[bytes]:
    pictures = []
    for number in plt.get_fignums():
        file = io.BytesIO()
        plt.figure(number).savefig(file, format="png", dpi=90, metadata={"Software": None})
        pictures.append(file.getvalue())
    plt.close("all")
    return pictures


def _outputs(printed: str, drawn: list[bytes]) -> list[dict[str, Any]]:
    outputs: list[dict[str, Any]] = []
    if printed:
        outputs.append({"output_type": "stream", "name": "stdout", "text": printed.splitlines(keepends=True)})
    return outputs + [{"output_type": "display_data", "metadata": {}, "data": {
        "image/png": base64.b64encode(each).decode(), "text/plain": ["<Figure>"]}} for each in drawn]


def notebook(made: list[dict[str, Any]]) -> dict[str, Any]:
    """The document, format 4.5."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": made, "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5}


def main() -> None:
    """Run, and write unless only checked."""
    made = executed(cells(SCRIPT.read_text(encoding="utf-8")))
    if "--check" not in sys.argv[1:]:
        NOTEBOOK.write_text(json.dumps(notebook(made), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{sum(cell['cell_type'] == 'code' for cell in made)} cells run")


if __name__ == "__main__":
    main()
