"""Rows for a contract, right and wrong ones, by Hypothesis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from lakehouse.declare.columns import Column
from lakehouse.declare.constants import constant
from lakehouse.declare.contract import ContractSpec
from lakehouse.language import patterns
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

Rows = list[dict[str, Any]]
STEPS: dict[str, Any] = {
    "int": 1,
    "float": 0.5,
    "date": timedelta(days=1),
    "timestamp": timedelta(microseconds=1),
}


def rows(contract: ContractSpec, most: int = 8) -> st.SearchStrategy[Rows]:
    """Lists of typed rows: values at, beside and far from every bound, nulls, and repeated ones.

    Columns that pandas holds as objects (string, decimal, date) also get values of other types.
    """
    pools = {c.name: st.lists(values(c), min_size=1, max_size=6) for c in contract.columns}

    def drawn(pool: dict[str, list[Any]]) -> st.SearchStrategy[Rows]:
        row = st.fixed_dictionaries({name: st.sampled_from(of) for name, of in pool.items()})
        return st.lists(row, max_size=most)

    return st.fixed_dictionaries(pools).flatmap(drawn)


def values(column: Column) -> st.SearchStrategy[Any]:
    """Values of one column, right and wrong."""
    offered = [_any(column), st.none()]
    constants = [constant(column, m) for m in column.isin or ()]
    bounds = [getattr(column, name) for name in ("ge", "le", "gt", "lt")]
    constants += [constant(column, bound) for bound in bounds if bound is not None]
    if constants:
        offered.append(st.sampled_from(constants).flatmap(lambda v: _beside(column, v)))
    if column.str_matches is not None:
        pattern = patterns.compiled(patterns.parse(column.str_matches).python)
        matching = st.from_regex(pattern, fullmatch=True)
        offered += [matching, matching.flatmap(_misspelt)]
    if column.kind in ("string", "decimal", "date"):
        others: list[Any] = [7, Decimal("7.5"), datetime(2018, 4, 1, tzinfo=UTC)]
        if column.kind != "string":
            others.append("seven")
        offered.append(st.sampled_from(others))
    return st.one_of(offered)


def _any(column: Column) -> st.SearchStrategy[Any]:
    if column.kind == "string":
        return st.text(st.characters(codec="utf-8"), max_size=5)
    if column.kind == "int":
        return st.one_of(st.integers(-9, 9), st.integers(-(2**63), 2**63 - 1))
    if column.kind == "float":
        return st.floats()
    if column.kind == "bool":
        return st.booleans()
    if column.kind == "date":
        return st.dates()
    if column.kind == "timestamp":
        return st.datetimes(timezones=st.just(UTC))
    scale = column.scale or 0
    widest = 10**MAX_DECIMAL_PRECISION - 1
    unscaled = st.one_of(st.integers(-999, 999), st.integers(-widest, widest))
    # Ten times the scale is a digit too many, or a digit more than there may be before the point.
    shift = st.sampled_from([scale, scale, scale, scale + 1, scale - 1])
    return st.builds(lambda whole, by: Decimal(whole).scaleb(-by), unscaled, shift)


def _beside(column: Column, value: Any) -> st.SearchStrategy[Any]:
    """A constant itself and its nearest neighbours."""
    if column.kind == "string":
        return st.one_of(st.just(value), _misspelt(value))
    if column.kind == "bool":
        return st.booleans()
    step = STEPS.get(column.kind, Decimal(1).scaleb(-(column.scale or 0)))
    return st.sampled_from([value, value + step, value - step])


def _misspelt(text: str) -> st.SearchStrategy[str]:
    """A text with a character too many or one too few."""
    return st.sampled_from([text + "\n", text + "x", " " + text, text[1:], text[:-1], text.lower()])
