"""`bare`: arrays without reference counts, for the inner loops of compiled functions.

Every compiled function that is handed a tuple of arrays counts a reference up and down for each of them, by an atomic
operation that two threads cannot share: more work than most of the twin's functions do.
"""

from typing import Any

from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


def _bare(typing: Any, array: Any) -> Any:
    """The same array, writable and without a reference count; whoever calls keeps the original alive as long as it is used."""
    result = types.Array(array.dtype, array.ndim, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        source = make_array(array)(context, builder, arguments[0])
        made = make_array(result)(context, builder)
        populate_array(made, data=source.data, shape=source.shape, strides=source.strides, itemsize=source.itemsize, meminfo=None)
        return made._getvalue()

    return result(array), generate


bare: Any = intrinsic(_bare)
