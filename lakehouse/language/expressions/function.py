"""What is known of one function: its call, its types, and its meaning in SQL and in Python.

A function of the language is one `Function` in the file of its family, in `functions/`. Parsing,
typing, both evaluators, the generated conformance test and the check of the reference page read
it there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from lakehouse.language.expressions.nodes import Call, Node
from lakehouse.language.kinds import Kind

Evaluate = Callable[[Mapping[str, Any]], Any]
"""From values by name to the value of an expression."""


class Compiling(Protocol):
    """The tree as the Python meaning of a function sees it."""

    def kind(self, node: Node) -> Kind | None:
        """Return the type of an expression, None for a bare null."""

    def shared(self, call: Call) -> Kind | None:
        """Return the type that the arguments which share one have in common."""

    def build(self, node: Node) -> Evaluate:
        """Return what evaluates an expression."""

    def operands(self, call: Call) -> list[Evaluate]:
        """Return what evaluates each argument, in the type it shares with the others."""


Sql = Callable[[Call, Callable[[Node], str]], str]
"""The portable SQL of a call, given what writes its arguments."""
Python = Callable[[Call, Compiling], Evaluate]
"""What evaluates a call."""


@dataclass(frozen=True)
class Strict:
    """The Python meaning of a function that is null exactly where one of its arguments is.

    `of` gives, for the type that the arguments share, the function of their values. Null decides
    first: see `nulls`.
    """

    of: Callable[[Kind | None], Callable[..., Any]]


@dataclass(frozen=True)
class Constant:
    """What a constant argument may be; it belongs to the call and is never null.

    `fits` decides, `what` completes "takes … here" in errors, `examples` are what the generated
    test draws from. `why` adds to an error what is wrong with a constant, where more is known.
    """

    fits: Callable[[Any], bool]
    what: str
    examples: tuple[Any, ...]
    why: Callable[[Any], str] = lambda value: ""


@dataclass(frozen=True)
class Takes:
    """What an argument may be: one of `kinds`, or of any kind where none is given.

    All arguments that are `shared` have one type in common; numbers widen int → decimal → float.
    """

    kinds: tuple[Kind, ...] = ()
    shared: bool = False
    constant: Constant | None = None


@dataclass(frozen=True)
class Function:
    """One function or operator of the language.

    `written` shows a call and `gives` says what it gives, both as the reference page prints them;
    an operator is not called by its name. `takes` says what each argument may be: `least` of them
    must be there, with `repeats` the last `repeats` of them come again and again, and after them
    comes what `closes` a call. `kind` is the type it gives, "shared" for the type its arguments
    share.

    `sql` and `python` are its meaning, or `means` writes it with other functions. `raises` says
    of a call whether it may have no value: what stands before it in `and` and `or` then guards it.
    `refuses` says why arguments of these types are refused although `takes` allows them. What is
    `approximate` is of each engine's own library: it agrees to about 15 digits, not to the bit.
    `scale` says of a call how many digits after the point a decimal has that it gives, from those
    of the arguments that share a type.
    """

    name: str
    written: str
    gives: str
    takes: tuple[Takes, ...]
    kind: Kind | Literal["shared"]
    sql: Sql | None = None
    python: Python | Strict | None = None
    means: Callable[[Call], Node] | None = None
    least: int | None = None
    repeats: int = 0
    closes: Takes | None = None
    operator: bool = False
    approximate: bool = False
    raises: Callable[[Call], bool] = lambda call: False
    refuses: Callable[[list[Kind | None]], str | None] = lambda kinds: None
    scale: Callable[[Call, list[int]], int] = lambda call, scales: max(scales, default=0)

    @property
    def fewest(self) -> int:
        """How many arguments it takes at least."""
        if self.least is not None:
            return self.least
        return len(self.takes) + (self.closes is not None)

    @property
    def most(self) -> int | None:
        """How many arguments it takes at most, None where there is no end."""
        return None if self.repeats else len(self.takes)

    def argument(self, place: int, count: int) -> Takes:
        """Return what the argument at a place may be in a call with so many."""
        if self.closes is not None and place == count - 1:
            return self.closes
        if place < len(self.takes):
            return self.takes[place]
        fixed = len(self.takes) - self.repeats
        return self.takes[fixed + (place - fixed) % self.repeats]


def always(_: Call) -> bool:
    """Say of every call that it may have no value."""
    return True
