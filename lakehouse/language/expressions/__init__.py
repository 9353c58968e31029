"""The small expression language of `where`, request-time features and rules.

An expression is text; it is read once into a tree of three node types and typed against the
columns it may use, so that a mistake shows where it is declared. It is evaluated as portable SQL
on the engines (`sql`) and in plain Python where one row is asked for (`python`), to the same
values. The meaning is ANSI SQL's: null is unknown, a division by zero raises, `/` always gives a
float. What each function is stands once, in `functions`.
"""

from lakehouse.language.expressions.functions import EVERY, FUNCTIONS
from lakehouse.language.expressions.kinds import condition, kind_of
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node, names
from lakehouse.language.expressions.text import in_one_spelling, parse
from lakehouse.language.kinds import NUMBERS

__all__ = [
    "EVERY",
    "FUNCTIONS",
    "NUMBERS",
    "Call",
    "Literal",
    "Name",
    "Node",
    "condition",
    "in_one_spelling",
    "kind_of",
    "names",
    "parse",
]
