"""Numbers that stand for texts and for rows' keys, and bytes that sort as keys do.

A number is the first 63 bits of BLAKE2b. What two numbers stand for is kept beside the rows, so
that a text comes back as it was, and so that two of one number are noticed when they are stored.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from lakehouse.declare.tables import Table, table_column
from lakehouse.features.online.layout.stored_numbers import writer
from lakehouse.language.kinds import Kind

_MIDDLE = 2**63


def number_of(text: bytes) -> int:
    """The number that stands for a text.

    >>> number_of(b"DE") == number_of(b"DE") != number_of(b"FR")
    True
    """
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1


class RowKeys:
    """The keys of a table's rows, each as bytes that sort as the keys do.

    Nulls are least, texts go by their UTF-8 bytes, columns in the order of the table's key.
    """

    def __init__(self, table: Table) -> None:
        self.names = table.keys
        columns = [table_column(table, name) for name in self.names]
        self._encode = [_encoder(c.kind, c.scale or 0) for c in columns]

    def of(self, row: Mapping[str, Any]) -> bytes:
        """The key of a row; empty for a table without one."""
        if len(self.names) == 1:  # most keys, and every pushed row asks
            value = row[self.names[0]]
            return b"\x00" if value is None else b"\x01" + self._encode[0](value)
        return self.joined([row[name] for name in self.names])

    def joined(self, values: Sequence[Any]) -> bytes:
        """The key with these values."""
        return b"".join(
            b"\x00" if value is None else b"\x01" + encode(value)
            for encode, value in zip(self._encode, values, strict=True)
        )


def _encoder(kind: Kind, scale: int) -> Callable[[Any], bytes]:
    if kind == "string":
        # A text ends with two zeros, and one within it is told apart: prefixes sort first.
        return lambda text: text.encode().replace(b"\x00", b"\x00\xff") + b"\x00\x00"
    if kind == "float":
        return _float
    write = writer(kind, scale)
    return lambda value: struct.pack(">Q", write(value) + _MIDDLE)


def _float(value: float) -> bytes:
    """Bytes in the order of floats: negative ones with all bits turned, others with the sign."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value + 0.0))
    return struct.pack(">Q", bits ^ (2**64 - 1) if bits >> 63 else bits | _MIDDLE)
