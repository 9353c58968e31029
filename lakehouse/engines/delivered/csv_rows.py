"""CSV as RFC 4180 writes it, with a header; a broken line costs that line and no other.

A record that does not parse, or has another number of fields than the header, becomes the text of
its first line, and reading goes on with the next line: an open quote cannot swallow the rest of a
file. Empty lines are no rows. An empty field is null, quoted or not.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.plain_text import PlainText, plain_text
from lakehouse.engines.delivered.rows import BLOCK_ROWS, block, text_column, unparsed_block
from lakehouse.errors import DeliveryError

MAX_RECORD = 1 << 24
_BLOCK_BYTES = 1 << 22


def csv_rows(path: Path, names: LakeNames, scratch: Path) -> Iterator[pa.RecordBatch]:
    """Read a CSV file as blocks of text rows; the first block names its columns."""
    with plain_text(path, scratch) as text:
        csv.field_size_limit(MAX_RECORD)
        with open(text.path, "rb") as binary:
            binary.seek(text.start)
            lines = _Lines(io.TextIOWrapper(binary, encoding="utf-8", newline=""))
            header = _header(lines)
            if header is None:
                return
            columns = names.of(header, "the header")
            yield block(columns, [pa.nulls(0, pa.string())] * len(columns), None, [])
            if text.has_quotes:
                yield from _careful(lines, columns)
                return
        yield from _fast(text, text.start + lines.header_bytes, columns)


class _Lines:
    """The lines of a file, from which a record's lines after the first can be given back."""

    def __init__(self, file: io.TextIOWrapper) -> None:
        self._file = file
        self._again: list[str] = []
        self.taken: list[str] = []
        self._length = 0
        self.header_bytes = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._again.pop() if self._again else next(self._file)
        self.taken.append(line)
        self._length += len(line)
        if self._length > MAX_RECORD and len(self.taken) > 1:
            raise csv.Error("the record is too long")
        return line

    def forget(self) -> None:
        """Begin the next record."""
        self.taken.clear()
        self._length = 0

    def give_back(self) -> str:
        """Return the record's first line, and read the others again."""
        first, *others = self.taken
        self._again.extend(reversed(others))
        self.forget()
        return first.rstrip("\r\n")


def _header(lines: _Lines) -> list[str] | None:
    """The header's fields, None for an empty file."""
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return None
        except csv.Error as error:
            raise DeliveryError(f"the header is broken: {error}") from error
        lines.header_bytes += sum(len(line.encode()) for line in lines.taken)
        lines.forget()
        if fields:
            return fields


def _careful(lines: _Lines, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Read record by record, with quotes."""
    number, numbers, records, broken = 0, list[int](), list[list[str]](), dict[int, str]()
    reader = csv.reader(lines, strict=True)
    ended = False
    while not ended:
        lines.forget()
        try:
            record = next(reader)
        except StopIteration:
            ended = True
        except csv.Error:
            number += 1
            broken[number] = lines.give_back()
            reader = csv.reader(lines, strict=True)
        else:
            if not record:
                continue
            number += 1
            if len(record) == len(columns):
                records.append(record)
                numbers.append(number)
            else:
                broken[number] = lines.give_back()
        if records and (ended or len(records) >= BLOCK_ROWS):
            found = [text_column(v, True) for v in zip(*records, strict=True)]
            yield block(columns, found, None, numbers)
            numbers, records = [], []
        if broken and (ended or len(broken) >= BLOCK_ROWS):
            yield unparsed_block(columns, list(broken.values()), list(broken))
            broken = {}


def _fast(text: PlainText, start: int, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Read a file without a quote: every line is a record, its commas part it."""
    size = text.path.stat().st_size
    if start >= size:
        return
    broken: list[tuple[int, str]] = []

    def keep(row: Any) -> str:
        broken.append((row.number, row.text))
        return "skip"

    with pa.memory_map(str(text.path)) as mapped:
        mapped.seek(start)
        try:
            reader = arrow_csv.open_csv(
                pa.BufferReader(mapped.read_buffer()),
                read_options=arrow_csv.ReadOptions(
                    use_threads=False, block_size=_BLOCK_BYTES, column_names=list(columns)
                ),
                parse_options=arrow_csv.ParseOptions(quote_char=False, invalid_row_handler=keep),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={name: pa.string() for name in columns},
                    null_values=[""],
                    strings_can_be_null=True,
                    check_utf8=False,
                ),
            )
            following = 1
            for batch in reader:
                numbers = _numbers(following, batch.num_rows, [n for n, _ in broken])
                following = int(numbers[-1]) + 1 if len(numbers) else following
                yield block(columns, batch.columns, None, numbers)
            if broken:
                places, lines = zip(*broken, strict=True)
                yield unparsed_block(columns, lines, places)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error):
                raise
            raise DeliveryError(f"a line is longer than {_BLOCK_BYTES} bytes") from error


def _numbers(first: int, count: int, broken: Sequence[int]) -> Any:
    """The numbers of `count` good rows from `first` on, leaving out those of broken lines."""
    between = np.array([n for n in broken if n >= first], dtype=np.int64)
    candidates = np.arange(first, first + count + len(between), dtype=np.int64)
    return candidates[~np.isin(candidates, between)][:count]
