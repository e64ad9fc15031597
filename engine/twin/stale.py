"""Compiled code that is older than what it calls.

Numba keeps compiled functions on the disk until their own file changes, not when a file changes that they call into:
after an update of one file here its callers would go on with the old code.
"""

import contextlib
from pathlib import Path

import core.costs
import core.options
import sizers.limits

HERE = Path(__file__).parent
CALLED = tuple(Path(str(module.__file__)) for module in (core.costs, core.options, sizers.limits))


def forget(folder: Path = HERE, called: tuple[Path, ...] = CALLED) -> int:
    """Remove compiled functions of the folder that are older than a source in it, or than the `called` files.

    Returns:
        How many were removed; a folder that cannot be written is left as it is.
    """
    count = 0
    with contextlib.suppress(OSError):
        newest = max((each.stat().st_mtime for each in (*folder.glob("*.py"), *called)), default=0.0)
        for index in folder.glob("__pycache__/*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)
                count += 1
    return count
