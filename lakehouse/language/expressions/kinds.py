"""The type that an expression gives, told before anything is evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.expressions.function import Constant
from lakehouse.language.expressions.functions import EVERY
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.expressions.text import parse
from lakehouse.language.kinds import NUMBERS, Kind

_LITERALS: dict[type, Kind] = {
    bool: "bool",
    int: "int",
    Decimal: "decimal",
    str: "string",
    date: "date",
    datetime: "timestamp",
}


def condition(text: str, kinds: Mapping[str, Kind], where: str) -> Node:
    """Read an expression that must be a condition; raises DeclarationError for any other."""
    node = parse(text, where)
    got = kind_of(node, kinds, where)
    if got != "bool":
        raise DeclarationError(
            f'{where}: "{text}" must be a condition, as in "amount_eur > 220"; it gives '
            f"{got or 'null'}."
        )
    return node


def kind_of(node: Node, kinds: Mapping[str, Kind], where: str) -> Kind | None:
    """Return the type an expression gives, None for a bare null.

    `kinds` maps the names that may be used to their types. Raises DeclarationError for an unknown
    name, a function that does not exist, or arguments of the wrong type.
    """
    if isinstance(node, Literal):
        return None if node.value is None else _LITERALS[type(node.value)]
    if isinstance(node, Name):
        if node.name not in kinds:
            raise DeclarationError(unknown("column", node.name, kinds, where))
        return kinds[node.name]
    given = [kind_of(a, kinds, where) for a in node.arguments]
    function = EVERY[node.function]
    for place, kind in enumerate(given):
        takes = function.argument(place, len(given))
        if takes.constant is not None:
            _check_constant(node, place, takes.constant, where)
        elif takes.kinds and kind is not None and kind not in takes.kinds:
            raise DeclarationError(
                f"{where}: '{node.function}' takes {' or '.join(takes.kinds)}, and was given "
                f"{kind}."
            )
    if (why := function.refuses(given)) is not None:
        raise DeclarationError(f"{where}: {why}.")
    shared = shared_kind(node, given, where)
    return shared if function.kind == "shared" else function.kind


def shared_kind(node: Call, kinds_of_arguments: Sequence[Kind | None], where: str) -> Kind | None:
    """Return the one type that the arguments which share one have in common, None for nulls alone.

    Numbers widen int → decimal → float. Raises DeclarationError where two have none in common.
    """
    function = EVERY[node.function]
    kinds = {
        kind
        for place, kind in enumerate(kinds_of_arguments)
        if kind is not None and function.argument(place, len(kinds_of_arguments)).shared
    }
    if len(kinds) <= 1:
        return next(iter(kinds), None)
    if kinds <= set(NUMBERS):
        return max(kinds, key=NUMBERS.index)
    raise DeclarationError(
        f"{where}: '{node.function}' mixes {' and '.join(sorted(kinds))}; {_instead(kinds)}."
    )


def _instead(kinds: set[Kind]) -> str:
    if kinds == {"string", "timestamp"}:
        return "a constant time is written timestamp '2018-04-01 06:30:00'"
    if kinds == {"date", "string"}:
        return "a constant date is written date '2018-04-01'"
    if kinds == {"date", "timestamp"}:
        return "write to_date(…) around the timestamp"
    return "give it values of one type"


def _check_constant(node: Call, place: int, constant: Constant, where: str) -> None:
    argument = node.arguments[place]
    if not (isinstance(argument, Literal) and constant.fits(argument.value)):
        why = constant.why(argument.value) if isinstance(argument, Literal) else ""
        raise DeclarationError(
            f"{where}: '{node.function}' takes {constant.what}, as its argument {place + 1}"
            + (f"; {why}" if why else ".")
        )
