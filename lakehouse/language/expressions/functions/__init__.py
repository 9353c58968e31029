"""Every function and operator of the language, each with all that is known of it."""

from __future__ import annotations

from lakehouse.language.expressions.function import Function
from lakehouse.language.expressions.functions import (
    arithmetic,
    choice,
    comparisons,
    logic,
    numbers,
    texts,
    times,
)

FAMILIES = (logic, comparisons, arithmetic, choice, numbers, texts, times)

EVERY: dict[str, Function] = {f.name: f for family in FAMILIES for f in family.FUNCTIONS}
"""Functions and operators by name."""

FUNCTIONS: dict[str, Function] = {n: f for n, f in EVERY.items() if not f.operator}
"""What is called by its name, as in `coalesce(x, 0)`."""
