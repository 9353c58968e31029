"""How what declares is called: an argument that lacks, or is of another name, is refused there."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar

from lakehouse.errors import DeclarationError, described

C = TypeVar("C", bound=Callable[..., Any])
EXAMPLE = "__declares__"
"""The attribute in which what declares keeps an example of how it is called."""
WORDS = ("description", "owner")
"""What is said in words wherever it may be said."""


def declares(example: str) -> Callable[[C], C]:
    """Mark a class or a function as one that declares; `example` shows how it is called.

    A call whose arguments do not fit raises DeclarationError in place of TypeError, and says
    what lacks and what was meant.

    >>> @declares("Shop('berlin')")
    ... def Shop(name): ...
    >>> Shop(nam="berlin")
    Traceback (most recent call last):
    ...
    lakehouse.errors.DeclarationError: Shop(…): there is no 'nam'; did you mean 'name'? Write \
Shop('berlin').
    """

    def marked(declaring: C) -> C:
        if isinstance(declaring, type):
            made: Any = declaring
            made.__init__ = _checked(
                vars(declaring)["__init__"], declaring.__name__, example, bound=1
            )
        else:
            made = _checked(declaring, declaring.__name__, example)
        setattr(made, EXAMPLE, example)
        found: C = made
        return found

    return marked


def _checked(
    function: Callable[..., Any], name: str, example: str, bound: int = 0
) -> Callable[..., Any]:
    """The function with its arguments looked at first; the first `bound` are not the caller's."""
    signature = inspect.signature(function)
    parameters = list(signature.parameters.values())[bound:]

    @functools.wraps(function)
    def checked(*positional: Any, **named: Any) -> Any:
        try:
            arguments = signature.bind(*positional, **named).arguments
        except TypeError:
            called = _shown(name, positional[bound:])
            wrong = _wrong(parameters, positional[bound:], named)
            raise DeclarationError(f"{called}: {wrong} Write {example}.") from None
        for option in WORDS:
            words = arguments.get(option, "")
            if not isinstance(words, str):
                called = _shown(name, positional[bound:])
                raise DeclarationError(
                    f"{called}: {option} is {described(words)}; write it as a text."
                )
        try:
            return function(*positional, **named)
        except DeclarationError as error:
            meant = _meant(parameters, named)
            if meant is None:
                raise
            raise DeclarationError(f"{error} {meant}") from error

    return checked


def _shown(name: str, positional: tuple[Any, ...]) -> str:
    """The call as far as it tells which one it is: by its first argument, if that is a name."""
    first = positional[0] if positional and isinstance(positional[0], str) else None
    return f"{name}(…)" if first is None else f"{name}({first!r}, …)"


def _wrong(
    parameters: Iterable[inspect.Parameter], positional: tuple[Any, ...], named: Mapping[str, Any]
) -> str:
    """What is wrong with the arguments of a call."""
    by_place = [p.name for p in parameters if p.kind == p.POSITIONAL_OR_KEYWORD]
    options = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    placed = set(by_place[: len(positional)])
    unknown = [name for name in named if name not in options]
    missing = [
        name
        for name, p in options.items()
        if p.default is p.empty and name not in placed and name not in named
    ]
    if unknown and not _takes_any_name(parameters):
        return " ".join(_no_such(name, options) for name in unknown)
    twice = [name for name in named if name in placed]
    if twice:
        return f"'{twice[0]}' is given twice, once without its name; leave one out."
    if len(positional) > len(by_place) and not missing:
        if not options:
            return "it takes no arguments."
        listed = f"only {', '.join(by_place)}" if by_place else "no argument"
        return f"{listed} may stand without a name; give the rest as name=value."
    meant = [f"'{close}' is close to it." for name in missing for close in _close(name, unknown)]
    lacks = " and ".join(f"'{name}'" for name in missing)
    return " ".join([f"{lacks} {'is' if len(missing) == 1 else 'are'} missing.", *meant])


def _no_such(name: str, options: Iterable[str]) -> str:
    for close in _close(name, options):
        return f"there is no '{name}'; did you mean '{close}'?"
    return f"there is no '{name}'; it takes {', '.join(options) or 'nothing'}."


def _meant(parameters: Iterable[inspect.Parameter], named: Mapping[str, Any]) -> str | None:
    """Which option a name of the caller's own may have been meant for, None if for none."""
    if not _takes_any_name(parameters):
        return None
    options = [p.name for p in parameters if p.kind != p.VAR_KEYWORD and p.name not in named]
    for name in named:
        for close in _close(name, options, cutoff=0.8):
            return f"If '{name}' is meant to be the option, write {close}=."
    return None


def _takes_any_name(parameters: Iterable[inspect.Parameter]) -> bool:
    return any(p.kind == p.VAR_KEYWORD for p in parameters)


def _close(name: str, names: Iterable[str], cutoff: float = 0.6) -> list[str]:
    return get_close_matches(name, list(names), n=1, cutoff=cutoff)
