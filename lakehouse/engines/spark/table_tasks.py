"""Rows of a Delta table that tasks read from its files themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lakehouse.engines.spark.packing import PACKED, Batches, Packer
from lakehouse.engines.table_files import TableFiles

A_TASK = 64_000_000
"""About so many bytes of files are read by one task, where there are tasks enough."""


def packed(session: Any, files: TableFiles, packer: Packer, tasks: int) -> Any:
    """Return a frame of the rows as `packer` packs them, read by about so many tasks."""
    shared = shares(files, tasks)
    numbers = session.range(0, len(shared), 1, len(shared))
    return numbers.mapInArrow(partial(_packed, shared, packer), PACKED)


def shares(files: TableFiles, tasks: int) -> list[TableFiles]:
    """Return shares of about equally many bytes for about so many tasks, at least one."""
    sizes = [sum(group.total_byte_size for group in piece.row_groups) for piece in files.pieces]
    total = sum(sizes)
    wanted = max(1, min(len(sizes), max(tasks, total // A_TASK)))
    shared: list[list[Any]] = [[] for _ in range(wanted)]
    before = 0
    for piece, size in zip(files.pieces, sizes, strict=True):
        shared[min((before + size // 2) * wanted // max(total, 1), wanted - 1)].append(piece)
        before += size
    return [replace(files, pieces=share) for share in shared]


def _packed(shared: Sequence[TableFiles], packer: Packer, numbers: Batches) -> Batches:
    """Read and pack the shares of these numbers: what a task does."""
    for batch in numbers:
        for number in batch.column(0).to_pylist():
            yield from packer.batches(shared[number].batches())
