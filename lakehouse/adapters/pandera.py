"""Contracts as pandera schemas, for notebooks, tests and generated data.

The checks are those of the cleaned zone, under the same names: `nullable`, `dtype`, `ge`, `le`,
`gt`, `lt`, `isin`, `str_matches` (the whole text), `unique` and `key`. Whole numbers, floats and
booleans are taken in any of pandas' types that holds them; a time without a zone is UTC.
"""

from __future__ import annotations

import operator
import warnings
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from types import ModuleType
from typing import Any

from lakehouse.declare.columns import Column
from lakehouse.declare.constants import constant
from lakehouse.declare.contract import ContractSpec
from lakehouse.errors import LakehouseError, NotFound, unknown
from lakehouse.language import patterns
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

BOUNDS: dict[str, Callable[[Any, Any], Any]] = {
    "ge": operator.ge,
    "le": operator.le,
    "gt": operator.gt,
    "lt": operator.lt,
}


def to_pandera(
    contract: ContractSpec, backend: str = "pandas", *, strict: bool = True, unique_key: bool = True
) -> Any:
    """Compile a contract to a pandera DataFrameSchema; `backend` is "pandas".

    `strict` refuses columns that the contract does not have, as the platform's own `_known_at`.
    `unique_key=False` lets a key stand in several rows, as in a table that keeps history. Raises
    LakehouseError where pandera is not installed, NotFound for another backend.

    >>> spec = ContractSpec("Payment", (Column("amount", "int", ge=0),))
    >>> import pandas as pd
    >>> failures(to_pandera(spec), pd.DataFrame({"amount": [7, -7]}))
    [(1, 'amount', 'ge')]
    """
    if backend != "pandas":
        raise NotFound(unknown("backend", backend, ["pandas"], "Contract.to_pandera()"))
    pa = _pandera()
    checks = []
    if contract.keys and unique_key:
        checks.append(_unique_key(pa, contract.keys))
    return pa.DataFrameSchema(
        {c.name: _column(pa, c) for c in contract.columns},
        checks=checks,
        strict=strict,
        name=contract.name,
        title=contract.name,
        description=contract.description,
    )


def failures(schema: Any, frame: Any) -> list[tuple[int | None, str, str]]:
    """Every failed check of a frame as (label of the row, column, check), in order.

    The row is None for a check on the frame itself: `missing` or `unexpected`, a column. A key of
    several columns is their names, joined by commas.
    """
    pa = _pandera()
    try:
        with warnings.catch_warnings():
            # pandera puts its own findings together in a way that pandas 3 will do otherwise.
            warnings.filterwarnings("ignore", "The behavior of DataFrame concat", FutureWarning)
            schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as wrong:
        cases = wrong.failure_cases.to_dict("records")
    else:
        return []
    found: dict[tuple[int | None, str, str], None] = {}
    for case in cases:
        check = str(case["check"])
        if check in _FRAME_CHECKS:
            found[None, str(case["failure_case"]), _FRAME_CHECKS[check]] = None
            continue
        at = None if case["index"] is None else int(case["index"])
        if check.startswith("key: "):
            found[at, check.removeprefix("key: "), "key"] = None
            continue
        name = "nullable" if check == "not_nullable" else check
        if name.startswith(("dtype(", "coerce_dtype(")):
            name = "dtype"
        found[at, str(case["column"]), name] = None
    return sorted(found, key=lambda f: (-1 if f[0] is None else f[0], f[1], f[2]))


_INFINITE = float("inf")
_FRAME_CHECKS = {"column_in_dataframe": "missing", "column_in_schema": "unexpected"}


def _pandera() -> ModuleType:
    try:
        import pandera.pandas as pa
    except ImportError as error:
        raise LakehouseError(
            "pandera is not installed; install it with: pip install 'lakehouse[pandera]'"
        ) from error
    return pa


def _column(pa: ModuleType, column: Column) -> Any:
    dtype, coerce = _dtype(pa, column)
    return pa.Column(
        dtype,
        checks=_checks(pa, column),
        nullable=column.nullable,
        coerce=coerce,
        description=column.description or None,
        metadata={"personal": column.personal, "key": column.key},
    )


def _dtype(pa: ModuleType, column: Column) -> tuple[Any, bool]:
    """The pandas type, and whether values are brought to it: only where none can be changed."""
    import pandas as pd

    return {
        "string": (str, False),
        "int": (pd.Int64Dtype(), True),
        "float": (float, True),
        "bool": (pd.BooleanDtype(), True),
        "timestamp": (pd.DatetimeTZDtype("us", "UTC"), True),
        "date": (pa.Date, False),
        "decimal": (object, False),  # `dtype` is a check: pandera's own trips over other types
    }[column.kind]


def _checks(pa: ModuleType, column: Column) -> list[Any]:
    """The checks; those of columns of Python objects look at each value, as far as it is typed."""
    checks = []
    is_typed = _typed_objects(column)

    def check(name: str, holds: Callable[[Any], Any]) -> None:
        if column.kind == "float":
            checks.append(pa.Check(partial(_holds_if_finite, holds), name=name))
        elif is_typed is None:
            checks.append(pa.Check(holds, name=name))
        else:
            each = partial(_holds_if_typed, is_typed, holds)
            checks.append(pa.Check(each, name=name, element_wise=True))

    if column.kind == "float":
        checks.append(pa.Check(lambda values: values.abs() != _INFINITE, name="dtype"))
    if column.kind == "decimal" and is_typed is not None:
        checks.append(pa.Check(is_typed, name="dtype", element_wise=True))
    for name, holds in BOUNDS.items():
        given = getattr(column, name)
        if given is not None:
            check(name, partial(_compared, holds, constant(column, given)))
    if column.isin is not None:
        members = [constant(column, member) for member in column.isin]
        check("isin", partial(_among, members))
    if column.str_matches is not None:
        check("str_matches", patterns.parse(column.str_matches).matches)
    if column.unique:
        checks.append(pa.Check(lambda values: ~values.duplicated(), name="unique"))
    return checks


def _compared(holds: Callable[[Any, Any], Any], bound: Any, values: Any) -> Any:
    return holds(values, bound)


def _among(members: list[Any], values: Any) -> Any:
    return values.isin(members) if hasattr(values, "isin") else values in members


def _holds_if_typed(
    is_typed: Callable[[Any], bool], holds: Callable[[Any], bool], value: Any
) -> bool:
    return not is_typed(value) or holds(value)


def _holds_if_finite(holds: Callable[[Any], Any], values: Any) -> Any:
    return holds(values) | (values.abs() == _INFINITE)


def _unique_key(pa: ModuleType, keys: tuple[str, ...]) -> Any:
    names = list(keys)

    def is_first(frame: Any) -> Any:
        if not set(names) <= set(frame.columns):  # told as a missing column
            return True
        return ~frame.duplicated(names) | frame[names].isna().any(axis=1)

    return pa.Check(is_first, name=f"key: {', '.join(names)}")


def _typed_objects(column: Column) -> Callable[[Any], bool] | None:
    """Whether a value is of its column's type, for the kinds that pandas holds as objects."""
    if column.kind == "string":
        return lambda value: isinstance(value, str)
    if column.kind == "date":
        return lambda value: isinstance(value, date) and not isinstance(value, datetime)
    if column.kind == "decimal":
        least = Decimal(1).scaleb(-(column.scale or 0))
        beyond = 10 ** (MAX_DECIMAL_PRECISION - (column.scale or 0))
        return lambda value: (
            isinstance(value, Decimal) and abs(value) < beyond and value % least == 0
        )
    return None
