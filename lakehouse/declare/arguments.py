"""What a declaration was given, held against what it takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lakehouse.errors import DeclarationError, described


def one(where: str, option: str, value: Any, kinds: tuple[type, ...], example: str) -> None:
    """Refuse anything but an object of these kinds; `example` shows what to write instead."""
    if not isinstance(value, kinds):
        raise DeclarationError(f"{where}: {option} is {described(value)}; write {example}.")


def several(
    where: str, option: str, values: Any, kinds: tuple[type, ...], example: str
) -> tuple[Any, ...]:
    """Return the objects given as a tuple; refuses a bare one, where a comma is missing."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise DeclarationError(
            f"{where}: {option} takes several, in parentheses, and was given "
            f"{described(values)}; write {example}."
        )
    items = tuple(values)
    for item in items:
        if not isinstance(item, kinds):
            raise DeclarationError(f"{where}: {option} holds {described(item)}; write {example}.")
    return items


def no_repeats(where: str, what: str, names: Iterable[str]) -> None:
    """Refuse a name that is given twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DeclarationError(f"{where}: {what} '{name}' is named twice; leave one out.")
        seen.add(name)
