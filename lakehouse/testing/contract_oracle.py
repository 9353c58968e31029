"""What a contract says of typed rows, one row and one check after another.

The naive meaning that the SQL of the cleaned zone and the compiled pandera schema are held against.
A row maps every column to a value of Python's own type: str, int, float, Decimal, bool, datetime
with a zone, date; None, and a float that is NaN, is null. Delivered text is typed before it comes
here, empty text as null.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lakehouse.declare.columns import Column
from lakehouse.declare.constants import constant
from lakehouse.declare.contract import ContractSpec
from lakehouse.language import patterns
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

Failure = tuple[str, str]
"""A column and the check that its value does not keep, both by name."""
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "le": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
}


def failures(contract: ContractSpec, row: Mapping[str, Any]) -> list[Failure]:
    """Every check that a row does not keep, by itself: columns in declared order.

    A null fails `nullable` or nothing, a value of another type fails `dtype` alone; then come
    `ge`, `le`, `gt`, `lt`, `isin` and `str_matches`.

    >>> spec = ContractSpec("Payment", (Column("amount", "int", ge=1, isin=(1, 2)),))
    >>> failures(spec, {"amount": 0}), failures(spec, {"amount": None})
    ([('amount', 'ge'), ('amount', 'isin')], [('amount', 'nullable')])
    """
    return [(c.name, check) for c in contract.columns for check in _failed(c, row[c.name])]


def repeats(contract: ContractSpec, rows: Sequence[Mapping[str, Any]]) -> list[list[Failure]]:
    """For each row, the unique columns and the key that an earlier row already has.

    `unique` stands with its column, `key` with the names of all key columns, joined by commas.
    Where a null is, nothing repeats.

    >>> spec = ContractSpec("Payment", (Column("id", "int", key=True),))
    >>> repeats(spec, [{"id": 7}, {"id": None}, {"id": 7}, {"id": None}])
    [[], [], [('id', 'key')], []]
    """
    groups: list[tuple[tuple[str, ...], str]] = [
        ((c.name,), "unique") for c in contract.columns if c.unique
    ]
    if contract.keys:
        groups.append((contract.keys, "key"))
    found: list[list[Failure]] = [[] for _ in rows]
    for names, check in groups:
        for place, row in enumerate(rows):
            values = [row[name] for name in names]
            if any(is_null(value) for value in values):
                continue
            if any(values == [earlier[name] for name in names] for earlier in rows[:place]):
                found[place].append((", ".join(names), check))
    return found


def is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def is_typed(column: Column, value: Any) -> bool:
    """Whether a value that is not null is of its column's type, and within its range."""
    if column.kind == "string":
        return isinstance(value, str)
    if column.kind == "bool":
        return isinstance(value, bool)
    if column.kind == "int":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and -(2**63) <= value < 2**63
    if column.kind == "float":
        return isinstance(value, float) and math.isfinite(value)
    if column.kind == "timestamp":
        return isinstance(value, datetime) and value.tzinfo is not None
    if column.kind == "date":
        return isinstance(value, date) and not isinstance(value, datetime)
    if not isinstance(value, Decimal) or not value.is_finite():
        return False
    shift: int = 10 ** (column.scale or 0)
    unscaled = Fraction(value) * shift
    return unscaled.denominator == 1 and abs(unscaled) < 10**MAX_DECIMAL_PRECISION


def _failed(column: Column, value: Any) -> list[str]:
    if is_null(value):
        return [] if column.nullable else ["nullable"]
    if not is_typed(column, value):
        return ["dtype"]
    failed = []
    for check, holds in COMPARISONS.items():
        bound = getattr(column, check)
        if bound is not None and not holds(value, constant(column, bound)):
            failed.append(check)
    if column.isin is not None and value not in [constant(column, m) for m in column.isin]:
        failed.append("isin")
    pattern = column.str_matches
    if pattern is not None and not patterns.parse(pattern).matches(value):
        failed.append("str_matches")
    return failed
