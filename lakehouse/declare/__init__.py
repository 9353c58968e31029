"""The vocabulary of a use case: frozen data that imports no engine.

What a module offers stands in its `__all__`, and nowhere else.
"""

# ruff: noqa: F403
from lakehouse.declare import vocabulary
from lakehouse.declare.aggregates import FAMILIES
from lakehouse.declare.aggregates.counting import *
from lakehouse.declare.aggregates.ordering import *
from lakehouse.declare.aggregates.ranking import *
from lakehouse.declare.aggregates.summing import *
from lakehouse.declare.vocabulary import *

__all__ = sorted([*vocabulary.__all__, *(name for family in FAMILIES for name in family.__all__)])
