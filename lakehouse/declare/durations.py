"""Durations as people write them: "30d", "1h", "5min", "10s"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lakehouse.errors import DeclarationError

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
_UNITS = {"s": SECOND, "min": MINUTE, "h": HOUR, "d": DAY}


@dataclass(frozen=True, order=True)
class Duration:
    """A length of time: `us` microseconds, and the text it was written as.

    A day is 24 hours of UTC.

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
        found = re.fullmatch(r"([1-9][0-9]*)\s*(s|min|h|d)", text.strip())
        if found:
            return Duration(int(found[1]) * _UNITS[found[2]], f"{found[1]}{found[2]}")
        ambiguous = re.fullmatch(r"([1-9][0-9]*)\s*m", text.strip())
        if ambiguous:
            raise DeclarationError(
                f"Duration '{text}' is ambiguous: write '{ambiguous[1]}min' for minutes "
                f"or '{int(ambiguous[1]) * 30}d' for days."
            )
        raise DeclarationError(
            f"Duration '{text}' is not understood: write a whole number and one of "
            "s, min, h, d, for example '30d'."
        )

    def __str__(self) -> str:
        return self.text
