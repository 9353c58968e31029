"""Null decides first: beside an operand that is null nothing is computed that could raise.

Strict calls that stand in one another, as in `a + b / c > 2`, are one computation. Its operands are
the names in it and the calls that are not strict, such as `coalesce`: they are asked for null
before anything is computed of them, those that cannot raise first and the others from left to
right. With this, leaving out what stands beside a null, as engines do, changes no answer.
"""

from __future__ import annotations

from lakehouse.language.expressions.constants import has_a_value
from lakehouse.language.expressions.function import Strict
from lakehouse.language.expressions.nodes import Call, Literal, Node, names


def may_raise(node: Node) -> bool:
    """Whether an expression may have no value for some row, so that what guards it must stay so."""
    return isinstance(node, Call) and (_computes(node) or any(map(may_raise, node.arguments)))


def is_strict(call: Call) -> bool:
    """Whether a call is null exactly where one of its arguments is."""
    from lakehouse.language.expressions.functions import EVERY  # which are made with this rule

    return isinstance(EVERY[call.function].python, Strict)


def asked_first(call: Call) -> list[Node]:
    """The operands of a strict call to ask for null before it is computed, in this order.

    One that each operation needs which may raise is not among them: the operation itself is null
    then.

    >>> from lakehouse.language.expressions import parse
    >>> [asked_first(parse(text)) for text in ("a / b > 2", "a / (b + 1)")]
    [[], [Name(name='a')]]
    """
    asked = list(dict.fromkeys(_operands(call)))
    if any(names(call)):
        needed = [set(_operands(part)) for part in _raising(call)]
        asked = [one for one in asked if any(one not in by for by in needed)]
    return sorted(asked, key=may_raise)


def _operands(node: Node) -> list[Node]:
    """What a computation is made of, but for constants that are not null."""
    if isinstance(node, Literal):
        return [node] if node.value is None else []
    if isinstance(node, Call) and is_strict(node):
        return [operand for argument in node.arguments for operand in _operands(argument)]
    return [node]


def _raising(node: Node) -> list[Node]:
    """The parts of a computation that may raise: its operations, and operands by themselves."""
    if not isinstance(node, Call):
        return []
    if not is_strict(node):
        return [node] if may_raise(node) else []
    inner = [part for argument in node.arguments for part in _raising(argument)]
    return [*inner, node] if _computes(node) else inner


def _computes(call: Call) -> bool:
    """Whether the operation itself may raise; one of constants alone is known to or not."""
    from lakehouse.language.expressions.functions import EVERY

    return EVERY[call.function].raises(call) and (any(names(call)) or not has_a_value(call))
