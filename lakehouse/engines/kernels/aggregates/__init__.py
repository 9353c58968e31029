"""The kernel of each function that a window is aggregated by: one module for each, by its name.

A module holds `column`, the function from one windowed feature to its Arrow column, in the order
of the spine.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from importlib import import_module
from typing import Any

from lakehouse.engines.kernels.windowed_inputs import Windowed
from lakehouse.errors import LakehouseError

Kernel = Callable[[Windowed], Any]


@lru_cache
def kernel_of(function: str) -> Kernel:
    """Return a function's kernel; raises LakehouseError if there is none."""
    name = f"{__name__}.{function}"
    try:
        kernel: Kernel = import_module(name).column
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise LakehouseError(
            f"Function '{function}' has no kernel; write one as column() in the module {name}."
        ) from error
    return kernel
