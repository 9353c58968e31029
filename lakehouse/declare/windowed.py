"""The features of an aggregate: one for each window, with the type of its value."""

from __future__ import annotations

from lakehouse.declare.aggregates import Aggregate
from lakehouse.declare.arguments import one
from lakehouse.declare.columns import Column
from lakehouse.declare.feature import WindowedFeature, fitting_default
from lakehouse.declare.operands import approximate_in, operand
from lakehouse.declare.tables import Table
from lakehouse.declare.windows import EXACT_UP_TO, Windows
from lakehouse.errors import DeclarationError, described
from lakehouse.language import expressions
from lakehouse.language.kinds import Kind


def features_of(
    view: str, of: Table, family: str, aggregate: Aggregate, where: str
) -> list[WindowedFeature]:
    """Return the features of one aggregate of a view, named after the family and each window.

    `where` is the subject of errors. Raises DeclarationError for what the table, the function or
    the window does not allow.
    """
    one(where, "over", aggregate.over, (Windows,), "over=last('1d', '7d')")
    _check_argument(aggregate, where)
    column = _column(of, aggregate, where)
    kind, scale = _type(aggregate, column)
    _check_criterion(of, aggregate, where)
    _check_windows(of, aggregate, where)
    default = None
    if aggregate.default is not None:
        if aggregate.facts.of_nothing != "null":
            raise DeclarationError(
                f"{where}: {aggregate.facts.said_of_nothing}, which a default would hide; leave "
                "default= out."
            )
        default = fitting_default(aggregate.default, kind, scale, where)
    return [
        WindowedFeature(
            view=view,
            name=f"{family}_{w.label}",
            kind=kind,
            scale=scale,
            aggregate=aggregate,
            window=w,
            many=aggregate.argument if aggregate.facts.lists else None,
            default=default,
        )
        for w in aggregate.over.windows
    ]


def _check_argument(aggregate: Aggregate, where: str) -> None:
    facts, argument = aggregate.facts, aggregate.argument
    if facts.refused is None:
        if argument is not None:
            raise DeclarationError(
                f"{where}: {facts.function} takes no argument of its own, and was given "
                f"{described(argument)}; write {facts.example}."
            )
        return
    wrong = facts.refused(argument)
    if wrong is not None:
        raise DeclarationError(f"{where}: {wrong}.")


def _column(of: Table, aggregate: Aggregate, where: str) -> Column | None:
    """What an aggregate is of, as a column; None where it is of rows."""
    facts = aggregate.facts
    if aggregate.column is None:
        if facts.column == "needed":
            raise DeclarationError(
                f"{where}: {facts.function} needs a column, as in {facts.example}."
            )
        return None
    if facts.column == "none":
        raise DeclarationError(
            f"{where}: {facts.function} is of rows and takes no column; write {facts.example}."
        )
    column = operand(of, aggregate.column, where)
    if column.kind not in facts.takes:
        raise DeclarationError(
            f"{where}: {facts.function} needs a number, '{column.name}' is {column.kind}."
        )
    inexact = approximate_in(of, aggregate.column) if facts.tells_apart else None
    if inexact is not None:
        raise DeclarationError(
            f"{where}: '{inexact}' is the same on every engine to about 15 digits, and "
            f"{facts.function} would tell such values apart; compute it in a table's SQL, "
            "and name its column."
        )
    return column


def _type(aggregate: Aggregate, column: Column | None) -> tuple[Kind, int | None]:
    gives = aggregate.facts.gives
    if gives != "column" and gives != "total":
        return gives, None
    assert column is not None  # only what needs a column gives its kind
    if gives == "total" and column.kind == "bool":
        return "int", None
    return column.kind, column.scale


def _check_criterion(of: Table, aggregate: Aggregate, where: str) -> None:
    if aggregate.where is not None:
        kinds: dict[str, Kind] = {c.name: c.kind for c in of.columns}
        expressions.condition(aggregate.where, kinds, f"{where}.where")
    elif aggregate.facts.compares:
        raise DeclarationError(
            f"{where}: {aggregate.function} needs a criterion, as in {aggregate.facts.example}."
        )


def _check_windows(of: Table, aggregate: Aggregate, where: str) -> None:
    for window in aggregate.over.windows:
        if window.tiled and aggregate.facts.untiled is not None:
            values, do = aggregate.facts.untiled
            raise DeclarationError(
                f"{where}: {values} over {window} would need every value of every tile, which "
                f"nothing bounds; {do} over windows of up to {EXACT_UP_TO}, without an edge, or "
                "of so many rows, as in last(rows=20)."
            )
        if window.rows is not None and not of.keys:
            raise DeclarationError(
                f"{where}: {window} needs an order of rows, and those of table '{of.name}' have "
                "no key that orders them where their times are equal; declare one with key()."
            )
