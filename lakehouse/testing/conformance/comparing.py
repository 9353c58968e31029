"""How a check says that an engine is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

EXAMPLES = 5


class NotConforming(AssertionError):
    """An engine's answer is not the one the platform means."""


def require(holds: bool, why: str) -> None:
    """Raise NotConforming unless something holds."""
    if not holds:
        raise NotConforming(why)


def require_equal(actual: Any, expected: Any, what: str) -> None:
    """Raise NotConforming unless two values are equal and of one type."""
    if actual != expected or type(actual) is not type(expected):
        raise NotConforming(f"{what}: {actual!r} where {expected!r} is right.")


def require_rows(
    actual: Iterable[Sequence[Any]], expected: Iterable[Sequence[Any]], what: str
) -> None:
    """Raise NotConforming unless the same rows are there, as often, in whatever order."""
    got, right = (sorted(map(tuple, rows), key=_order) for rows in (actual, expected))
    if len(got) != len(right):
        raise NotConforming(f"{what}: {len(got)} rows where {len(right)} are right.")
    wrong = [f"{a!r} where {b!r}" for a, b in zip(got, right, strict=True) if a != b]
    if wrong:
        shown = "; ".join(wrong[:EXAMPLES])
        raise NotConforming(f"{what}: {len(wrong)} of {len(got)} rows differ: {shown} is right.")


def close(actual: Any, expected: Any, tolerance: float) -> bool:
    """Whether two values are the same: null only as null, NaN as NaN, floats within a tolerance.

    Lists are the same if they are as long, and so are their values.
    """
    if actual is None or expected is None:
        return actual is expected
    if isinstance(expected, list):
        return len(actual) == len(expected) and all(
            map(close, actual, expected, [0.0] * len(actual))
        )
    if isinstance(expected, float):
        if not math.isfinite(expected) or not math.isfinite(actual):
            both_nan = math.isnan(actual) and math.isnan(expected)
            return both_nan or bool(actual == expected)
        return bool(abs(actual - expected) <= tolerance)
    return bool(actual == expected)


def _order(row: tuple[Any, ...]) -> list[tuple[bool, str]]:
    return [(value is not None, repr(value)) for value in row]
