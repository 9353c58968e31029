"""Names and constants written into portable Spark SQL."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from lakehouse.times import microseconds, moment

_FIRST_US = microseconds(datetime.min.replace(tzinfo=UTC))
_LAST_US = microseconds(datetime.max.replace(tzinfo=UTC))


def name(column: str) -> str:
    """A column or table name, quoted.

    >>> name("order")
    '`order`'
    """
    return "`" + column.replace("`", "``") + "`"


def names(columns: Iterable[str], of: str = "") -> str:
    """Names in a list, each of the table alias `of` if one is given.

    >>> names(["a", "b"], of="c")
    'c.`a`, c.`b`'
    """
    prefix = f"{of}." if of else ""
    return ", ".join(prefix + name(column) for column in columns)


def text(value: str) -> str:
    r"""A string constant; a backslash or quote in it stands for itself.

    >>> print(text("it's " + chr(92) + "d"))
    'it\'s \\d'
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def same(columns: Iterable[str], left: str, right: str) -> str:
    """The condition that two tables agree in every column, null with null; never concatenated.

    >>> same(["a", "b"], "l", "r")
    'l.`a` <=> r.`a` AND l.`b` <=> r.`b`'
    """
    return " AND ".join(f"{left}.{name(c)} <=> {right}.{name(c)}" for c in columns)


def timestamp(us: int) -> str:
    """Return a time as a literal of portable SQL, the nearest one of the years 1 to 9999."""
    held = min(max(us, _FIRST_US), _LAST_US)
    return f"TIMESTAMP '{moment(held).isoformat(sep=' ', timespec='microseconds')}'"
