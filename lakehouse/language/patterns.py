r"""Patterns of text that mean one thing in every engine: `str_matches` of a contract.

A pattern is read by the grammar below, which is all that is allowed, and then written out for the
engines with nothing left to their own ideas: a class is the characters it holds, by their codes.

| written | matches |
| --- | --- |
| `a` | itself; `\` makes one of `. * + ? ( ) [ ] { } | ^ $ \ -` and other signs itself |
| `\t \n \r \f \v \xHH \uHHHH` | the control character, or that of the code |
| `.` | any character but a line feed |
| `\d \w \s`, `\D \W \S` | digits, letters with digits and `_`, blanks, all of ASCII; any other |
| `[a-z_]`, `[^…]` | one of the characters and ranges; any other, also a line feed |
| `(…)`, `(?:…)`, `a|b` | a group; one or the other |
| `(?i:…)` | ASCII letters in either case |
| `* + ? {n} {n,} {n,m}` | repeats of what stands before, up to 1,000; a `?` behind is no matter |

The whole text must match; `^` at the beginning and `$` at the end may say so again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]
"""Characters by their codes, from and to, in ascending order, apart from one another."""

_LAST = 0x10FFFF
_SURROGATES = (0xD800, 0xDFFF)
_CLASSES = {
    "d": ((0x30, 0x39),),
    "w": ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)),
    "s": ((0x09, 0x0D), (0x20, 0x20)),
}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
_LINE_FEED = ((10, 10),)
_MOST = 1000
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{0,4}))?\}")
_ANCHORS = {"A", "Z", "z"}


class PatternError(ValueError):
    """What a pattern says wrongly or what engines read differently, and what to write instead."""


@dataclass(frozen=True)
class Pattern:
    """A pattern as it was written, and its one meaning in the spelling of each engine."""

    written: str
    sql: str
    """For `RLIKE` of portable SQL: RE2 and Java read it alike, and search it in the text."""
    python: str
    """For `re` and for JSON Schema, of the part that has to match as a whole."""

    def matches(self, text: str) -> bool:
        """Whether the whole text matches.

        >>> parse(r"[A-Z]{2}\\d+").matches("DE7"), parse("a.").matches("a" + chr(10))
        (True, False)
        """
        return compiled(self.python).fullmatch(text) is not None


@lru_cache(maxsize=256)
def parse(pattern: str) -> Pattern:
    r"""Read a pattern; raises PatternError for what is not of the grammar.

    >>> parse(r"\d+|(?i:de).").sql
    '\\A(?:[0-9]+|(?:[Dd][Ee])[^\\x{a}])\\z'
    """
    bare = _without_anchors(pattern)
    sql, python = (_Reader(bare, spelt).whole() for spelt in (_sql_character, _python_character))
    return Pattern(pattern, rf"\A(?:{sql})\z", python)


@lru_cache(maxsize=256)
def compiled(python: str) -> re.Pattern[str]:
    """The `python` spelling of a pattern, compiled."""
    return re.compile(python)


def _without_anchors(pattern: str) -> str:
    start = pattern.removeprefix("^")
    if not start.endswith("$"):
        return start
    before = start[:-1]
    escapes = len(before) - len(before.rstrip("\\"))
    return before if escapes % 2 == 0 else start


def _sql_character(code: int) -> str:
    return _plain(code) or rf"\x{{{code:x}}}"


def _python_character(code: int) -> str:
    return _plain(code) or (rf"\u{code:04x}" if code <= 0xFFFF else chr(code))


def _plain(code: int) -> str:
    character = chr(code)
    return character if character.isascii() and (character.isalnum() or character in "_ ") else ""


class _Reader:
    """Reads a pattern from the left and writes it in one spelling."""

    def __init__(self, pattern: str, spelt: Callable[[int], str]) -> None:
        self._pattern = pattern
        self._spelt = spelt
        self._at = 0

    def whole(self) -> str:
        text, _ = self._alternatives(False)
        if self._at < len(self._pattern):
            raise PatternError("closes a group with ')' that was not opened; write \\).")
        return text

    def _ahead(self, text: str) -> bool:
        return self._pattern.startswith(text, self._at)

    def _take(self, text: str) -> bool:
        found = self._ahead(text)
        self._at += len(text) if found else 0
        return found

    def _next(self, inside: str) -> str:
        if self._at >= len(self._pattern):
            raise PatternError(f"ends inside {inside}; close it, or put a \\ before its beginning.")
        self._at += 1
        return self._pattern[self._at - 1]

    def _alternatives(self, folded: bool) -> tuple[str, int]:
        """The text of alternatives up to `)` or the end, and the most repeats inside."""
        texts, most = [], 1
        while True:
            text, repeats = self._sequence(folded)
            texts.append(text)
            most = max(most, repeats)
            if not self._take("|"):
                return "|".join(texts), most

    def _sequence(self, folded: bool) -> tuple[str, int]:
        found, most = [], 1
        while self._at < len(self._pattern) and not self._ahead("|") and not self._ahead(")"):
            text, inside = self._atom(folded)
            times, repeats = self._quantifier()
            if inside * repeats > _MOST:
                raise PatternError(f"repeats something more than {_MOST} times; write it shorter.")
            most = max(most, inside * repeats)
            found.append(text + times)
        return "".join(found), most

    def _quantifier(self) -> tuple[str, int]:
        count = _COUNT.match(self._pattern, self._at)
        if count is not None:
            self._at = count.end()
            low, high = int(count[1]), count[3]
            if high and int(high) < low:
                raise PatternError(f"uses '{count[0]}', whose ends are the wrong way round.")
            times, repeats = count[0], int(high or low)
        elif self._at < len(self._pattern) and self._pattern[self._at] in "*+?":
            times, repeats = self._next("a repeat"), 1
        else:
            return "", 1
        self._take("?")  # the shortest or the longest match: the whole text matches either way
        if self._at < len(self._pattern) and self._pattern[self._at] in "*+?{":
            again = times[-1] + self._pattern[self._at]
            raise PatternError(
                f"uses '{again}', which not every engine reads; write one repeat, or a group "
                "between two."
            )
        return times, max(1, repeats)

    def _atom(self, folded: bool) -> tuple[str, int]:
        if self._ahead("("):
            return self._group(folded)
        character = self._next("a pattern")
        if character == "[":
            return self._written(self._class(folded)), 1
        if character == ".":
            return self._written(_complement(_LINE_FEED)), 1
        if character == "\\":
            return self._written(_folded(self._escape(False), folded)), 1
        if character in "^$":
            raise PatternError(
                f"uses '{character}' within; the whole text has to match, so leave it out, or "
                f"write \\{character} for the character."
            )
        if character in "*+?{":
            raise PatternError(
                f"uses '{self._pattern[self._at - 1 : self._at + 2]}' where nothing repeats; write "
                f"\\{character} for the character, and {{0,n}} for at most n."
            )
        return self._written(_folded(_single(_code(character)), folded)), 1

    def _group(self, folded: bool) -> tuple[str, int]:
        if self._ahead("(?") and not (self._ahead("(?:") or self._ahead("(?i:")):
            told = re.match(r"\(\?(?:P?<[=!]?|P=|[a-zA-Z]+\)?|.?)", self._pattern[self._at :])
            raise PatternError(
                f"uses '{told[0] if told else '(?'}', which not every engine reads; write it with "
                "(…), (?:…) or (?i:…) alone: no back references, look-around, names or flags for "
                "the whole."
            )
        self._take("(")
        if self._take("?i:"):
            folded = True
        else:
            self._take("?:")
        text, most = self._alternatives(folded)
        if not self._take(")"):
            raise PatternError("ends inside a group; close it with ), or write \\( for the sign.")
        return f"(?:{text})", most

    def _class(self, folded: bool) -> Ranges:
        negated, first = self._take("^"), True
        found: list[tuple[int, int]] = []
        while first or not self._ahead("]"):
            low, is_set = self._member(), False
            if isinstance(low, tuple):
                found += low
                is_set = True
            ranged = self._ahead("-") and not self._ahead("-]")
            if ranged and (is_set or self._take("-")):
                high = None if is_set else self._member()
                if not isinstance(high, int) or not isinstance(low, int) or high < low:
                    raise PatternError(
                        "has a range in a class that is none, as in 'z-a' or '\\d-z'; write its "
                        "lower end first, and a '-' as \\-."
                    )
                found.append((low, high))
            elif isinstance(low, int):
                found.append((low, low))
            first = False
        self._next("a class")
        ranges = _folded(_united(found), folded)
        return _complement(ranges) if negated else ranges

    def _member(self) -> int | Ranges:
        character = self._next("a class")
        if character == "[":
            raise PatternError("uses '[' within a class; write \\[ for the sign.")
        if character != "\\":
            return _code(character)
        found = self._escape(True)
        return found[0][0] if len(found) == 1 and found[0][0] == found[0][1] else found

    def _escape(self, in_class: bool) -> Ranges:
        character = self._next("an escape")
        if character.lower() in _CLASSES:
            ranges: Ranges = _CLASSES[character.lower()]
            return ranges if character.islower() else _complement(ranges)
        if character in _CONTROLS:
            return _single(_CONTROLS[character])
        if character in "xu":
            digits = self._pattern[self._at : self._at + (2 if character == "x" else 4)]
            if not re.fullmatch("[0-9a-fA-F]{2}|[0-9a-fA-F]{4}", digits):
                raise PatternError(
                    f"uses '\\{character}{digits}', which is no code of a character."
                )
            self._at += len(digits)
            return _single(_code(chr(int(digits, 16))))
        if not character.isascii() or character.isalnum():
            instead = "write the characters themselves"
            if character in _ANCHORS:
                instead = "leave it out: the whole text has to match"
            elif character in "bB" and not in_class:
                instead = "write the characters at either side"
            raise PatternError(f"uses '\\{character}', which not every engine reads; {instead}.")
        return _single(ord(character))

    def _written(self, ranges: Ranges) -> str:
        spelt = self._spelt
        if not ranges:
            raise PatternError("has a class that holds no character.")
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            return spelt(ranges[0][0])
        left_out = _complement(ranges)
        negated = ranges[-1][1] == _LAST and bool(left_out)
        parts = (
            spelt(low) if low == high else f"{spelt(low)}-{spelt(high)}"
            for low, high in (left_out if negated else ranges)
        )
        return f"[{'^' if negated else ''}{''.join(parts)}]"


def _code(character: str) -> int:
    code = ord(character)
    if _SURROGATES[0] <= code <= _SURROGATES[1]:
        raise PatternError(f"holds half a character, U+{code:04X}.")
    return code


def _single(code: int) -> Ranges:
    return ((code, code),)


def _united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return tuple(found)


def _complement(ranges: Ranges) -> Ranges:
    """All other characters; halves of pairs are none."""
    found, start = [], 0
    for low, high in (*_united([*ranges, _SURROGATES]), (_LAST + 1, _LAST + 1)):
        if start < low:
            found.append((start, low - 1))
        start = high + 1
    return tuple(found)


def _folded(ranges: Ranges, folded: bool) -> Ranges:
    """ASCII letters in either case; other letters are refused, for engines fold them apart."""
    if not folded:
        return ranges
    for low, high in ranges:
        if high > 0x7F and (low != high or chr(low).lower() != chr(low).upper()):
            if high == _LAST:
                continue  # all but some characters of ASCII
            raise PatternError(
                f"has '{chr(max(low, 0x80))}' in (?i:…), which is for ASCII letters; write both "
                "letters, as in [äÄ]."
            )
    letters = (
        ord(chr(code).swapcase())
        for low, high in ranges
        for code in range(low, min(high, 0x7F) + 1)
        if chr(code).isalpha()
    )
    return _united([*ranges, *((code, code) for code in letters)])
