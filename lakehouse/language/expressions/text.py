"""Reading the text of an expression into its tree."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal

from lakehouse.errors import DeclarationError, described, unknown
from lakehouse.language.expressions.functions import FUNCTIONS
from lakehouse.language.expressions.nodes import Call, Literal, Name, Node
from lakehouse.language.kinds import MAX_DECIMAL_PRECISION

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<string>'(?:[^']|'')*')"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)?)"
    r"|(?P<op><=|>=|<>|!=|==|[-+*/%=<>(),]))"
)
_RESERVED = {"and", "or", "not", "is", "in", "between", "when", "then", "else", "end"}
_VALUES = {"true", "false", "null"}
_WORDS = _RESERVED | _VALUES | {"case"}
_BEFORE_A_VALUE = {*"(,+-*/%=<>", "<>", "<=", ">=", *(_WORDS - _VALUES - {"end"})}
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
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?"
_TIMES = {
    "date": (re.compile(_DATE), "2018-04-01"),
    "timestamp": (re.compile(f"{_DATE}([ T]{_CLOCK})?"), "2018-04-01 06:30:00"),
}


def parse(text: str, where: str = "") -> Node:
    """Read an expression into its tree; raises DeclarationError with the place of the mistake.

    `where` says in whose declaration it stands.

    >>> parse("amount_eur > 220").function
    '>'
    """
    return _Parser(text, where).read()


def in_one_spelling(text: str, where: str = "") -> str:
    """Return an expression as it is written plainly: spaced alike, its words in small letters.

    Texts of one spelling mean the same. Raises DeclarationError for what is no expression.

    >>> in_one_spelling("CASE WHEN n!=0 THEN price*( -n ) END")
    'case when n <> 0 then price * (-n) end'
    """
    parser = _Parser(text, where)
    parser.read()
    tokens = [(group, token) for group, token, _ in parser.tokens]
    spelt, before, close = "", "", True
    after = [*tokens[1:], ("", "")]
    for (group, token), (next_group, following) in zip(tokens, after, strict=True):
        word = _COMPARISONS.get(token, token)
        called = token.lower() not in _WORDS and (following == "(" or next_group == "string")
        if group == "name" and (called or token.lower() in _WORDS):
            word = token.lower()
        spelt += word if close or word in (")", ",") else f" {word}"
        signs = word == "-" and (before in _BEFORE_A_VALUE or not before)
        close = word == "(" or signs or (group == "name" and called and following == "(")
        before = word
    return spelt


def _misread(character: str) -> str:
    if character == "'":
        return "the text that begins here has no closing '"
    if character == '"':
        return "a text stands in single quotes, as in 'DE'"
    return f"'{character}' is not understood"


class _Parser:
    """Recursive descent over the tokens of one expression."""

    def __init__(self, text: str, where: str = "") -> None:
        self.prefix = f"{where}: " if where else ""
        if not isinstance(text, str):
            raise DeclarationError(
                f"{self.prefix}an expression is a text, and was given {described(text)}; write it "
                "in quotes."
            )
        self.text = text
        self.tokens: list[tuple[str, str, int]] = []
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found or found.lastgroup is None:
                start = at + len(text[at:]) - len(text[at:].lstrip())
                raise self.wrong(_misread(text[start]), start)
            self.tokens.append(
                (found.lastgroup, found[found.lastgroup], found.start(found.lastgroup))
            )
            at = found.end()
        self.at = 0

    def wrong(self, why: str, place: int | None = None) -> DeclarationError:
        if place is None:
            place = self.tokens[self.at][2] if self.at < len(self.tokens) else len(self.text)
        return DeclarationError(
            f'{self.prefix}expression "{self.text}", character {place + 1}: {why}.'
        )

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
            return self.number(token)
        if group == "string":
            return Literal(token[1:-1].replace("''", "'"))
        if group == "op":
            self.at -= 1
            raise self.wrong(f"'{token}' does not belong here")
        if token.lower() in ("true", "false", "null"):
            return Literal({"true": True, "false": False, "null": None}[token.lower()])
        if token.lower() in _TIMES and self.text_follows():
            return self.time(token.lower())
        if token.lower() in _RESERVED:
            self.at -= 1
            raise self.wrong(f"'{token}' does not belong here")
        if self.word("("):
            return self.called(token.lower())
        return Name(token)

    def number(self, token: str) -> Node:
        value = Decimal(token) if "." in token else int(token)
        digits = len(token.replace(".", "").lstrip("0"))
        if digits > MAX_DECIMAL_PRECISION and not (isinstance(value, int) and value < 2**63):
            self.at -= 1
            raise self.wrong(f"{token} has {digits} digits; write at most {MAX_DECIMAL_PRECISION}")
        return Literal(value)

    def text_follows(self) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][0] == "string"

    def time(self, word: str) -> Node:
        """A constant time, as `date '2018-04-01'`; one without a zone is UTC."""
        _, token, place = self.tokens[self.at]
        self.at += 1
        pattern, example = _TIMES[word]
        try:
            if pattern.fullmatch(token[1:-1]) is None:
                raise ValueError
            at = datetime.fromisoformat(token[1:-1])
            if word == "date":
                return Literal(at.date())
            return Literal(at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))
        except (ValueError, OverflowError):
            raise self.wrong(f"{token} is no {word}; write {word} '{example}'", place) from None

    def called(self, function: str) -> Node:
        if function not in FUNCTIONS:
            subject = f'{self.prefix}expression "{self.text}"'
            raise DeclarationError(unknown("function", function, FUNCTIONS, subject))
        arguments = self.listed()
        least, most = FUNCTIONS[function].fewest, FUNCTIONS[function].most
        if len(arguments) < least or (most is not None and len(arguments) > most):
            count = f"at least {least}" if most is None else f"{least} to {most}"
            if least == most:
                count = f"{least}"
            raise self.wrong(f"'{function}' takes {count} argument(s), not {len(arguments)}")
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
