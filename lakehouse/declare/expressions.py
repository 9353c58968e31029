"""The small expression language of `where`, request-time features and rules.

An expression is text; it is read once into a tree of three node types and typed against the
columns it may use, so that a mistake shows where it is declared. Evaluators live with their
engines. The meaning is ANSI SQL's: null is unknown, a division by zero raises, `/` always gives
a float.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from lakehouse.declare.contract import Kind
from lakehouse.errors import DeclarationError, unknown

NUMBERS: tuple[Kind, ...] = ("int", "decimal", "float")


@dataclass(frozen=True)
class Literal:
    """A constant: int, Decimal (written with a point), str, bool or None."""

    value: int | Decimal | str | bool | None


@dataclass(frozen=True)
class Name:
    """A column, plain (`amount_eur`) or of a feature view (`card_spend.payments_1d`)."""

    name: str


@dataclass(frozen=True)
class Call:
    """An operator or function applied to its arguments, by its lower-case name.

    Operators are `+ - * / % = <> < <= > >= and or not neg is_null in between case`; `case` takes
    condition, value, condition, value, …, else.
    """

    function: str
    arguments: tuple[Node, ...]


Node = Literal | Name | Call

FUNCTIONS: dict[str, tuple[int, int | None]] = {
    "coalesce": (1, None),
    "nullif": (2, 2),
    "abs": (1, 1),
    "least": (2, None),
    "greatest": (2, None),
    "hour": (1, 1),
    "minute": (1, 1),
    "day": (1, 1),
    "month": (1, 1),
    "weekday": (1, 1),
    "lower": (1, 1),
    "upper": (1, 1),
    "length": (1, 1),
    "float": (1, 1),
}
"""Functions and how many arguments they take; `weekday` is 0 for Monday, times are UTC."""

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)"
    r"|(?P<op><=|>=|<>|!=|==|[-+*/%=<>(),]))"
)
_RESERVED = {"and", "or", "not", "is", "in", "between", "when", "then", "else", "end"}
_COMPARISONS = {
    "=": "=",
    "==": "=",
    "<>": "<>",
    "!=": "<>",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}


def parse(text: str) -> Node:
    """Read an expression into its tree; raises DeclarationError with the place of the mistake.

    >>> parse("amount_eur > 220").function
    '>'
    """
    return _Parser(text).read()


def names(node: Node) -> Iterator[str]:
    """Yield every column name used in an expression, in order, repeated as written."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from names(argument)


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
    raise DeclarationError(f"{where}: {what} mixes {' and '.join(sorted(kinds))}.")


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


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found or found.lastgroup is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                raise self.wrong(f"'{text[start]}' is not understood", start)
            self.tokens.append(
                (found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
            )
            at = found.end()
        self.at = 0

    def wrong(self, why: str, place: int | None = None) -> DeclarationError:
        if place is None:
            place = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        return DeclarationError(f'Expression "{self.text}", character {place + 1}: {why}.')

    def read(self) -> Node:
        node = self.either()
        if self.at < len(self.tokens):
            raise self.wrong(f"'{self.tokens[self.at][1]}' does not belong here")
        return node

    def word(self, *words: str) -> str | None:
        """Take the next token if it is one of these operators or (case-insensitive) words."""
        if self.at < len(self.tokens):
            group, token, _ = self.tokens[self.at]
            if group in ("op", "name") and token.lower() in words:
                self.at += 1
                return token.lower()
        return None

    def expect(self, word: str) -> None:
        if self.word(word) is None:
            raise self.wrong(f"'{word}' is missing")

    def either(self) -> Node:
        node = self.both()
        while self.word("or"):
            node = Call("or", (node, self.both()))
        return node

    def both(self) -> Node:
        node = self.negated()
        while self.word("and"):
            node = Call("and", (node, self.negated()))
        return node

    def negated(self) -> Node:
        return Call("not", (self.negated(),)) if self.word("not") else self.compared()

    def compared(self) -> Node:
        node = self.sums()
        if operator := self.word(*_COMPARISONS):
            return Call(_COMPARISONS[operator], (node, self.sums()))
        if self.word("is"):
            negative = self.word("not")
            self.expect("null")
            test = Call("is_null", (node,))
            return Call("not", (test,)) if negative else test
        negative = self.word("not")
        test_node: Node | None = None
        if self.word("in"):
            self.expect("(")
            test_node = Call("in", (node, *self.listed()))
        elif self.word("between"):
            low = self.sums()
            self.expect("and")
            test_node = Call("between", (node, low, self.sums()))
        if test_node is None:
            if negative:
                raise self.wrong("after 'not', 'in' or 'between' is missing")
            return node
        return Call("not", (test_node,)) if negative else test_node

    def sums(self) -> Node:
        node = self.products()
        while operator := self.word("+", "-"):
            node = Call(operator, (node, self.products()))
        return node

    def products(self) -> Node:
        node = self.signed()
        while operator := self.word("*", "/", "%"):
            node = Call(operator, (node, self.signed()))
        return node

    def signed(self) -> Node:
        return Call("neg", (self.signed(),)) if self.word("-") else self.single()

    def listed(self) -> tuple[Node, ...]:
        items = [self.either()]
        while self.word(","):
            items.append(self.either())
        self.expect(")")
        return tuple(items)

    def single(self) -> Node:
        if self.at >= len(self.tokens):
            raise self.wrong("the expression ends too early")
        group, token, _ = self.tokens[self.at]
        if self.word("("):
            node = self.either()
            self.expect(")")
            return node
        if self.word("case"):
            return self.cases()
        self.at += 1
        if group == "number":
            return Literal(Decimal(token) if "." in token else int(token))
        if group == "string":
            return Literal(token[1:-1].replace("''", "'"))
        if group == "op":
            self.at -= 1
            raise self.wrong(f"'{token}' does not belong here")
        if token.lower() in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[token.lower()])
        if token.lower() in _RESERVED:
            self.at -= 1
            raise self.wrong(f"'{token}' does not belong here")
        if self.word("("):
            return self.called(token.lower())
        return Name(token)

    def called(self, function: str) -> Node:
        if function not in FUNCTIONS:
            raise DeclarationError(
                unknown("function", function, FUNCTIONS, f'Expression "{self.text}"')
            )
        arguments = self.listed()
        least, most = FUNCTIONS[function]
        if len(arguments) < least or (most is not None and len(arguments) > most):
            raise self.wrong(f"'{function}' takes {least} argument(s), not {len(arguments)}")
        return Call(function, arguments)

    def cases(self) -> Node:
        parts: list[Node] = []
        while self.word("when"):
            parts.append(self.either())
            self.expect("then")
            parts.append(self.either())
        if not parts:
            raise self.wrong("'when' is missing")
        parts.append(self.either() if self.word("else") else Literal(None))
        self.expect("end")
        return Call("case", tuple(parts))
