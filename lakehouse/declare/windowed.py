"""The features of an aggregate: one for each window, with the type of its value."""

from __future__ import annotations

from dataclasses import dataclass

from lakehouse.declare.aggregates import (
    MOST_LAST,
    NULL_OF_NOTHING,
    OF_ANY_KIND,
    Aggregate,
    Function,
)
from lakehouse.declare.feature import Feature, fitting_default
from lakehouse.declare.given import one
from lakehouse.declare.tables import Table, table_column
from lakehouse.declare.windows import EXACT_UP_TO, Windows
from lakehouse.errors import DeclarationError, described
from lakehouse.language import expressions
from lakehouse.language.kinds import Kind

_WRITTEN: dict[Function, str] = {
    "std": "Std('amount_eur', over=...)",
    "first": "First('country', over=...)",
    "last": "Last('country', over=...)",
    "last_k": "LastK('country', k=5, over=...)",
    "distinct": "Distinct('country', over=...)",
}
_OF_NOTHING: dict[Function, str] = {
    "count": "a count of nothing is 0",
    "sum": "a sum of nothing is 0",
    "distinct": "nothing has 0 distinct values",
    "last_k": "the last values of nothing are an empty list",
}


@dataclass(frozen=True)
class _Type:
    kind: Kind
    scale: int | None = None
    many: int | None = None


def features_of(
    view: str, of: Table, family: str, aggregate: Aggregate, where: str
) -> list[Feature]:
    """Return the features of one aggregate of a view, named after the family and each window.

    `where` is the subject of errors. Raises DeclarationError for what the table, the function or
    the window does not allow.
    """
    one(where, "over", aggregate.over, (Windows,), "over=last('1d', '7d')")
    kind = _type(of, aggregate, where)
    if aggregate.where is not None:
        kinds: dict[str, Kind] = {c.name: c.kind for c in of.columns}
        expressions.condition(aggregate.where, kinds, f"{where}.where")
    elif aggregate.function == "share":
        raise DeclarationError(
            f"{where}: share needs a criterion, as in Share(where=\"country <> 'DE'\", over=...)."
        )
    if aggregate.function == "distinct":
        _refuse_edges(aggregate.over, where)
    default = None
    if aggregate.default is not None:
        if aggregate.function not in NULL_OF_NOTHING:
            raise DeclarationError(
                f"{where}: {_OF_NOTHING[aggregate.function]}, which a default would hide; leave "
                "default= out."
            )
        default = fitting_default(aggregate.default, kind.kind, kind.scale, where)
    return [
        Feature(
            view,
            f"{family}_{w.length}",
            kind.kind,
            kind.scale,
            aggregate=aggregate,
            window=w,
            many=kind.many,
            default=default,
        )
        for w in aggregate.over.windows
    ]


def _type(of: Table, aggregate: Aggregate, where: str) -> _Type:
    function = aggregate.function
    many = _listed(aggregate, where) if function == "last_k" else None
    if aggregate.column is None:
        if function not in ("count", "share"):
            written = _WRITTEN.get(function, "Sum('amount_eur', over=...)")
            raise DeclarationError(f"{where}: {function} needs a column, as in {written}.")
        return _Type("int" if function == "count" else "float")
    column = table_column(of, aggregate.column, where)
    if not (
        function in OF_ANY_KIND
        or column.numeric
        or (column.kind == "bool" and function in ("sum", "mean"))
    ):
        raise DeclarationError(
            f"{where}: {function} needs a number, '{column.name}' is {column.kind}."
        )
    if function in ("count", "distinct"):
        return _Type("int")
    if function in ("mean", "std", "share"):
        return _Type("float")
    if function == "sum" and column.kind == "bool":
        return _Type("int")
    return _Type(column.kind, column.scale, many)


def _listed(aggregate: Aggregate, where: str) -> int:
    k = aggregate.k
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= MOST_LAST:
        raise DeclarationError(
            f"{where}: k is {described(k)}; list 1 to {MOST_LAST} values, as in k=5."
        )
    return k


def _refuse_edges(over: Windows, where: str) -> None:
    for window in over.windows:
        if window.edge is not None:
            raise DeclarationError(
                f"{where}: distinct values over '{window.length}' with the edge '{window.edge}' "
                "would need every value of every tile, which nothing bounds; count them over "
                f"windows of up to {EXACT_UP_TO}, without an edge."
            )
