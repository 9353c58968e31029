"""What each function does online, and how it is explained: one module for each, by its name.

A module holds `FORM`. The function's facts stand in `lakehouse.declare.aggregates`, its kernel in
`lakehouse.engines.kernels.aggregates`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from lakehouse.errors import LakehouseError
from lakehouse.features.aggregates.form import Form


@lru_cache
def form_of(function: str) -> Form:
    """A function's forms; raises LakehouseError if there are none."""
    name = f"{__name__}.{function}"
    try:
        form: Form = import_module(name).FORM
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise LakehouseError(
            f"Function '{function}' has no online and no explained form; write them as FORM in "
            f"the module {name}."
        ) from error
    return form
