"""Aggregates over windows: a row of facts for each function, beside the name that users write.

Families of functions stand in a module each; `lakehouse.declare` offers what their `__all__` names.
"""

from __future__ import annotations

from lakehouse.declare.aggregates import counting, ordering, ranking, summing
from lakehouse.declare.aggregates.aggregate import Aggregate, Default
from lakehouse.declare.aggregates.facts import FACTS, Facts, facts_of

FAMILIES = (counting, ordering, ranking, summing)

__all__ = ["FACTS", "FAMILIES", "Aggregate", "Default", "Facts", "facts_of"]
