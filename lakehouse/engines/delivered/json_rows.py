"""JSON lines: one object a line, its values as the text they are written in.

A string gives its characters, null gives null, a number keeps its very digits, an object or array
its JSON. A line that is no JSON object is kept as its own text. Empty lines are no rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pyarrow as pa

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.plain_text import plain_text
from lakehouse.engines.delivered.rows import BLOCK_ROWS, block, text_column, unparsed_block
from lakehouse.errors import DeliveryError

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_STRING = msgspec.json.Decoder(str)


def json_rows(path: Path, names: LakeNames, scratch: Path) -> Iterator[pa.RecordBatch]:
    """Read a file of JSON lines as blocks of text rows, each with the columns it has."""
    columns: dict[str, str] = {}
    with plain_text(path, scratch) as text, open(text.path, "rb") as binary:
        binary.seek(text.start)
        number, rows, broken = 0, dict[int, dict[str, str | None]](), dict[int, str]()
        for line in binary:
            stripped = line.strip()
            if not stripped:
                continue
            number += 1
            try:
                rows[number] = {k: _text(bytes(v)) for k, v in _OBJECT.decode(stripped).items()}
            except msgspec.MsgspecError:
                broken[number] = line.rstrip(b"\r\n").decode()
            if len(rows) + len(broken) >= BLOCK_ROWS:
                yield from _blocks(rows, broken, columns, names)
                rows, broken = {}, {}
        yield from _blocks(rows, broken, columns, names)


def _text(raw: bytes) -> str | None:
    if raw[:1] == b'"':
        return raw[1:-1].decode() if b"\\" not in raw else _STRING.decode(raw)
    return None if raw == b"null" else raw.decode()


def _blocks(
    rows: dict[int, dict[str, str | None]],
    broken: dict[int, str],
    columns: dict[str, str],
    names: LakeNames,
) -> Iterator[pa.RecordBatch]:
    if rows:
        keys = list(dict.fromkeys(key for row in rows.values() for key in row))
        _name(keys, columns, names)
        found = [text_column([row.get(k) for row in rows.values()], False) for k in keys]
        yield block([columns[key] for key in keys], found, None, list(rows))
    if broken:
        yield unparsed_block((), list(broken.values()), list(broken))


def _name(keys: list[str], columns: dict[str, str], names: LakeNames) -> None:
    """Name new keys of a file; each must stand for a column of its own."""
    new = [key for key in keys if key not in columns]
    if new:
        for key in new:
            if not key.strip():
                raise DeliveryError("an object has a key without a name")
        every = [*columns, *new]
        columns.update(zip(every, names.of(every, "the objects of the file"), strict=True))
