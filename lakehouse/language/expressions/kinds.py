"""The type that an expression gives, told before anything is evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from lakehouse.errors import DeclarationError, unknown
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.expressions.text import parse
from lakehouse.language.kinds import NUMBERS, Kind


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
        if node.value is None:
            return None
        literal: dict[type, Kind] = {bool: "bool", int: "int", Decimal: "decimal", str: "string"}
        return literal[type(node.value)]
    if isinstance(node, Name):
        if node.name not in kinds:
            raise DeclarationError(unknown("column", node.name, kinds, where))
        return kinds[node.name]
    given = [kind_of(a, kinds, where) for a in node.arguments]
    return _call_kind(node, given, where)


def _common(given: list[Kind | None], what: str, where: str) -> Kind | None:
    """The one type several branches share; numbers widen int → decimal → float."""
    kinds = {k for k in given if k is not None}
    if len(kinds) <= 1:
        return next(iter(kinds), None)
    if kinds <= set(NUMBERS):
        return max(kinds, key=NUMBERS.index)
    raise DeclarationError(
        f"{where}: {what} mixes {' and '.join(sorted(kinds))}; give it values of one type."
    )


def _call_kind(node: Call, given: list[Kind | None], where: str) -> Kind | None:
    f = node.function

    def need(allowed: tuple[Kind, ...], arguments: list[Kind | None]) -> None:
        for k in arguments:
            if k is not None and k not in allowed:
                raise DeclarationError(
                    f"{where}: '{f}' takes {' or '.join(allowed)}, and was given {k}."
                )

    if f in ("and", "or", "not"):
        need(("bool",), given)
        return "bool"
    if f == "is_null":
        return "bool"
    if f in ("=", "<>", "<", "<=", ">", ">=", "in", "between"):
        _common(given, f"'{f}'", where)
        return "bool"
    if f in ("+", "-", "*", "%", "neg", "abs"):
        need(NUMBERS, given)
        wide = _common(given, f"'{f}'", where)
        if f == "%":
            need(("int",), given)
        if f == "*" and given.count("decimal") > 1:
            raise DeclarationError(
                f"{where}: decimal * decimal has no exact place; write float(…) around one."
            )
        return wide
    if f == "/":
        need(NUMBERS, given)
        return "float"
    if f == "float":
        need((*NUMBERS, "bool"), given)
        return "float"
    if f in ("hour", "minute", "day", "month", "weekday"):
        need(("timestamp",), given)
        return "int"
    if f in ("lower", "upper", "length"):
        need(("string",), given)
        return "int" if f == "length" else "string"
    if f == "case":
        need(("bool",), given[0:-1:2])
        return _common([*given[1:-1:2], given[-1]], "'case'", where)
    return _common(given, f"'{f}'", where)  # coalesce, nullif, least, greatest
