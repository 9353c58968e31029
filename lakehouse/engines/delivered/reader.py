"""Which reader a delivered file gets by its ending, and what counts as an unreadable file."""

from __future__ import annotations

import errno
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.declare.tables import FORMATS, PACKED, TEXT_FORMATS
from lakehouse.engines.delivered.csv_rows import csv_rows
from lakehouse.engines.delivered.json_rows import json_rows
from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.parquet_rows import parquet_rows
from lakehouse.errors import DeliveryError

_TEXT: dict[str, Any] = {"csv": csv_rows, "jsonl": json_rows}
_UNREADABLE = (OSError, EOFError, zlib.error, pa.ArrowException, UnicodeDecodeError)
_NO_FAULT_OF_THE_FILE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EROFS)


def delivered_format(name: str) -> str | None:
    """The format of a file by its name: csv, jsonl, parquet, or None.

    >>> delivered_format("2018-04-01.CSV.gz"), delivered_format("a.parquet.gz")
    ('csv', None)
    """
    plain = name.lower()
    for packed in PACKED:
        if plain.endswith(packed):
            plain = plain.removesuffix(packed)
            return next((f for f in TEXT_FORMATS if plain.endswith(f".{f}")), None)
    return next((f for f in FORMATS if plain.endswith(f".{f}")), None)


def read_delivered(path: Path, names: LakeNames, scratch: Path) -> Iterator[pa.RecordBatch]:
    """Read a delivered file as blocks of text rows: its columns, `_unparsed` and `_row`.

    An empty file has no block. `scratch` is where a packed file may be unpacked. Raises
    DeliveryError, with the place where it is known, for a file that cannot be read.
    """
    found = delivered_format(path.name)
    if found is None:
        raise DeliveryError(
            "its ending is none of .csv, .jsonl, .parquet (.gz or .zst may follow the first two)"
        )
    row = 0
    try:
        if path.stat().st_size == 0:
            return
        of_text = _TEXT.get(found)
        blocks = of_text(path, names, scratch) if of_text else parquet_rows(path, names)
        for batch in blocks:
            row += batch.num_rows
            yield batch
    except _UNREADABLE as error:
        if isinstance(error, OSError) and error.errno in _NO_FAULT_OF_THE_FILE:
            raise
        after = f" after row {row}" if row else ""
        said = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
        raise DeliveryError(f"the file cannot be read{after}: {said}") from error
