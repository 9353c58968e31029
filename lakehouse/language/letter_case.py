"""Small and capital letters, each for one other, the same in every engine."""

from __future__ import annotations

import sys
from collections.abc import Callable


def lower(text: str) -> str:
    """Return a text in small letters; its length stays.

    >>> lower("İΑΣ ÄẞO")
    'iασ äßo'
    """
    return text.lower() if text.isascii() else "".join(map(_lower_letter, text))


def upper(text: str) -> str:
    """Return a text in capital letters; its length stays.

    >>> upper("straße ﬁ")
    'STRAẞE ﬁ'
    """
    return text.upper() if text.isascii() else "".join(map(_upper_letter, text))


def pairs(change: Callable[[str], str]) -> tuple[str, str]:
    """Return every letter that `lower` or `upper` changes, and what each becomes.

    >>> ("a", "A") in zip(*pairs(upper))
    True
    """
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    changed = [(letter, change(letter)) for letter in letters if change(letter) != letter]
    return "".join(one for one, _ in changed), "".join(other for _, other in changed)


def _lower_letter(letter: str) -> str:
    """One letter for one, as DuckDB does; Python's own mapping may give two."""
    return "i" if letter == "İ" else letter.lower()


def _upper_letter(letter: str) -> str:
    capital, title = letter.upper(), letter.title()
    if len(capital) == 1:
        return capital
    if letter == "ß":
        return "ẞ"
    return title if len(title) == 1 else letter
