"""What is known of an expression before any row: engines take such a constant first."""

from __future__ import annotations

from lakehouse.language.expressions.nodes import Call, Literal, Node, names


def has_a_value(constant: Node) -> bool:
    """Whether an expression of constants alone gives a value or null, and does not raise."""
    return not isinstance(_value(constant), _Raises)


def is_always(node: Node, value: bool) -> bool:
    """Whether constants alone decide a condition so, wherever they stand in `and`, `or`, `not`.

    >>> from lakehouse.language.expressions import parse
    >>> is_always(parse("a > 1 and 2 < 1"), False), is_always(parse("a > 1 or 2 < 1"), False)
    (True, False)
    """
    if isinstance(node, Call):
        if node.function == "not":
            return is_always(node.arguments[0], not value)
        if node.function in ("and", "or"):
            some = any if value is (node.function == "or") else all
            return some(is_always(argument, value) for argument in node.arguments)
        if any(names(node)):
            return False
        return _value(node) is value
    return isinstance(node, Literal) and node.value is value


class _Raises:
    """Instead of a value there is none."""


def _value(constant: Node) -> object:
    from lakehouse.language.expressions.python import ExpressionError, compile  # made of this

    try:
        return compile(constant, {})({})
    except ExpressionError:
        return _Raises()
