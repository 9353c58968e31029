"""Rows of a Delta table that tasks read from its files themselves, as Arrow.

Spark reads Parquet into rows of its own, and turning these into Arrow costs ten times as much as
reading the files with Arrow does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable
from pyarrow import fs

from lakehouse.engines.spark.conditions import arrow_condition
from lakehouse.engines.spark.packing import PACKED, Batches, Packer

A_TASK = 64_000_000
"""About so many bytes of files are read by one task, where there are tasks enough."""


@dataclass(frozen=True)
class Read:
    """What was asked of `Engine.read`."""

    table: Path
    version: int
    where: str | None


@dataclass(frozen=True)
class TableFiles:
    """The pieces of a table's files that may hold rows asked for, and what is read of them.

    `table` is the schema of the whole table, `schema` that of the rows.
    """

    pieces: Sequence[Any]
    table: pa.Schema
    schema: pa.Schema
    where: Any

    @property
    def rows(self) -> int:
        """How many rows are read at most."""
        return sum(group.num_rows for piece in self.pieces for group in piece.row_groups)

    def batches(self) -> Batches:
        """Read the rows."""
        for piece in self.pieces:
            yield from piece.to_batches(
                schema=self.table,
                columns=self.schema.names,
                filter=self.where,
                use_threads=False,  # a task has one core
            )

    def shares(self, tasks: int) -> list[TableFiles]:
        """Return shares of about equally many bytes for about so many tasks, at least one."""
        sizes = [sum(group.total_byte_size for group in piece.row_groups) for piece in self.pieces]
        total = sum(sizes)
        wanted = max(1, min(len(sizes), max(tasks, total // A_TASK)))
        shares: list[list[Any]] = [[] for _ in range(wanted)]
        before = 0
        for piece, size in zip(self.pieces, sizes, strict=True):
            shares[min((before + size // 2) * wanted // max(total, 1), wanted - 1)].append(piece)
            before += size
        return [replace(self, pieces=share) for share in shares]

    def packed(self, session: Any, packer: Packer, tasks: int) -> Any:
        """Return a frame of the rows as `packer` packs them, read by about so many tasks."""
        shares = self.shares(tasks)
        numbers = session.range(0, len(shares), 1, len(shares))
        return numbers.mapInArrow(partial(_packed, shares, packer), PACKED)


def _packed(shares: Sequence[TableFiles], packer: Packer, numbers: Batches) -> Batches:
    """Read and pack the shares of these numbers: what a task does."""
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            yield from packer.batches(shares[number].batches())


def table_files(read: Read, columns: Sequence[str]) -> TableFiles | None:
    """Return how tasks read columns of a table; None where that takes Spark.

    That is so for tables with partitions, deletion vectors, mapped names or times without a zone,
    for names in other letters than the table's, and for conditions that Arrow does not know.
    """
    opened = DeltaTable(str(read.table), version=read.version)
    if opened.protocol().min_reader_version > 1 or opened.metadata().partition_columns:
        return None
    place = fs.SubTreeFileSystem(str(read.table), fs.LocalFileSystem())
    dataset: Any = opened.to_pyarrow_dataset(filesystem=place)
    where = None if read.where is None else arrow_condition(read.where, dataset.schema)
    if read.where is not None and where is None:
        return None
    if not set(columns) <= set(dataset.schema.names):
        return None
    schema = pa.schema([dataset.schema.field(name) for name in columns])
    files = dataset.get_fragments(filter=where)
    pieces = [piece for file in files for piece in file.split_by_row_group(filter=where)]
    return TableFiles(pieces, dataset.schema, schema, where)
