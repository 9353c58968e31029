"""Fields of frozen declarations, whose constructors check and complete what they take."""

from __future__ import annotations

import dataclasses
from typing import Any


def set_fields(declaration: Any, **values: Any) -> None:
    """Give a frozen declaration its fields: for constructors, and for what makes one anew of data.

    A constructor that takes other forms than it keeps (a text for a duration, a class for a
    contract) is written by hand, and a frozen dataclass cannot be assigned to. Raises TypeError
    for a name that is no field of the declaration.

    >>> @dataclasses.dataclass(frozen=True, init=False)
    ... class Shop:
    ...     name: str
    >>> set_fields(Shop(), names="corner")
    Traceback (most recent call last):
    ...
    TypeError: Shop has no field names.
    """
    fields = {field.name for field in dataclasses.fields(declaration)}
    if strange := values.keys() - fields:
        raise TypeError(f"{type(declaration).__name__} has no field {', '.join(sorted(strange))}.")
    for name, value in values.items():
        object.__setattr__(declaration, name, value)
