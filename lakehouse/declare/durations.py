"""Durations as people write them: "30d", "1h", "5min", "10s"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakehouse.errors import DeclarationError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
LONGEST = 100_000 * DAY
"""No duration is longer (273 years), so that a moment less a duration is always a time."""
_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True)
class Duration:
    """A length of time: `us` microseconds, and the text it was written as.

    A day is 24 hours of UTC. Two lengths are compared by `us`: "24h" and "1d" are as long.

    >>> Duration.parse("30d").us == 30 * 24 * 3600 * 1_000_000
    True
    """

    us: int
    text: str

    @staticmethod
    def parse(text: str | Duration) -> Duration:
        """Read `<number><unit>` with unit s, min, h or d; raises DeclarationError otherwise."""
        if isinstance(text, Duration):
            return text
        found = re.fullmatch(r"\s*([0-9]+)\s*([a-z]+)\s*", text) if isinstance(text, str) else None
        number, unit = (int(found[1]), found[2]) if found else (0, "")
        if unit in _UNITS and 0 < number <= LONGEST // _UNITS[unit]:
            return Duration(number * _UNITS[unit], f"{number}{unit}")
        if unit in _UNITS and number == 0:
            raise DeclarationError(f"Duration '{text}' is no time at all; write 1{unit} or more.")
        if unit in _UNITS:
            raise DeclarationError(
                f"Duration '{text}' is too long; write {LONGEST // DAY}d or less."
            )
        if unit == "m":
            raise DeclarationError(
                f"Duration '{text}' is ambiguous: write '{number}min' for minutes "
                f"or '{number * 30}d' for days."
            )
        raise DeclarationError(
            f"Duration '{text}' is not understood: write a whole number and one of "
            "s, min, h, d, for example '30d'."
        )

    @staticmethod
    def optional(text: str | Duration | None) -> Duration | None:
        """Read a duration that may be left out."""
        return None if text is None else Duration.parse(text)

    @staticmethod
    def parse_or_zero(text: str | Duration) -> Duration:
        """Read a duration that may be no time at all, such as '0d'."""
        if isinstance(text, str) and re.fullmatch(r"\s*0+\s*(s|min|h|d)\s*", text):
            return Duration(0, "0d")
        return Duration.parse(text)

    def __str__(self) -> str:
        return self.text
