"""Columns that the platform adds to rows, beside those that are delivered or declared.

SQL names its columns as they are; everything else takes the names from here.
"""

from __future__ import annotations

from collections.abc import Iterable

DELIVERY, ROW = "_delivery", "_row"
"""The delivery that a row came in, and which of its rows it is, from 1."""
BATCH, ARRIVED_AT = "_batch", "_arrived_at"
"""The batch that took the delivery in, and when."""
KNOWN_AT = "_known_at"
"""When a row came to be known."""
UNPARSED = "_unparsed"
"""The text of a delivered line that does not parse, else null."""
REASONS = "_reasons"
"""Why a row is in quarantine: an array of column, check and value."""
FATE, BY_DELIVERY, BY_ROW = "_fate", "_by_delivery", "_by_row"
"""Why a row was set aside, and the row that took its place."""
DELETE = "_delete"
"""Of rows that are merged into a table: whether the row of that key goes. It is not stored."""

IDENTITY = (DELIVERY, ROW)
"""What tells one delivered row from every other."""
CARRIED = (*IDENTITY, BATCH, KNOWN_AT)
"""What every row carries through the zones: whence it came, and since when it is known."""
OF_RAW = (UNPARSED, *IDENTITY, BATCH, ARRIVED_AT, KNOWN_AT)
"""The platform's columns of a raw table, after the delivered ones."""
OF_SET_ASIDE = (*IDENTITY, BATCH, FATE, BY_DELIVERY, BY_ROW)
"""The columns of a set_aside table: the rows themselves stand in raw."""
RESERVED = frozenset((*OF_RAW, REASONS, DELETE))
"""What no delivered column may be called: these stand beside delivered ones in a table."""


def delivered_columns(columns: Iterable[str]) -> list[str]:
    """Those of a raw or quarantine table's columns that were delivered, in their order.

    >>> delivered_columns(["amount", "_note", "_delivery", "_row", "_reasons"])
    ['amount', '_note']
    """
    return [name for name in columns if name not in RESERVED]
