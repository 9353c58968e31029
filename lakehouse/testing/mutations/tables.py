"""Mistakes in reading and writing tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Literal

from lakehouse.engines.protocol import Engine, Frame, Transaction
from lakehouse.language.provenance import DELETE
from lakehouse.storage.tables import TableRef
from lakehouse.testing.mutations.wrapping import Wrapped

Mode = Literal["append", "overwrite", "merge"]
Change = Callable[[Any, Mode, Sequence[str]], tuple[Any, Mode]]


class ForgetsTransactions(Wrapped):
    """Commits a batch again when it is delivered again."""

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Mode,
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        version = table.version()
        once = Transaction(f"{transaction.application}/{version}", transaction.version)
        return self.engine.write(table, frame, mode, once, metadata, keys)


class ReadsTheNewestVersion(Wrapped):
    """Ignores the version asked for."""

    def read(
        self,
        table: TableRef,
        version: int | None = None,  # noqa: ARG002, this is the mistake
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        return self.engine.read(table, None, columns, where)


class ReadsEveryRow(Wrapped):
    """Ignores the condition of a read."""

    def read(
        self,
        table: TableRef,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,  # noqa: ARG002, this is the mistake
    ) -> Frame:
        return self.engine.read(table, version, columns)


class LosesMetadata(Wrapped):
    """Leaves out what a commit says of itself."""

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Mode,
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002, this is the mistake
        keys: Sequence[str] = (),
    ) -> int:
        return self.engine.write(table, frame, mode, transaction, None, keys)


class ChangedWrites(Wrapped):
    """Writes something else than it was given.

    `change` takes the rows, the mode and the table's columns so far, and gives rows and mode.
    """

    def __init__(self, engine: Engine, change: Change) -> None:
        super().__init__(engine)
        self.change = change

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Mode,
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        there = self.engine.columns(self.engine.read(table)) if table.exists() else []
        rows, mode = self.change(self.engine.to_arrow(frame), mode, there)
        frame = self.engine.from_arrow(rows)
        return self.engine.write(table, frame, mode, transaction, metadata, keys)


def _without_deletes(rows: Any, mode: Mode, _: Sequence[str]) -> tuple[Any, Mode]:
    return rows.drop_columns(DELETE) if DELETE in rows.column_names else rows, mode


def _appended_merges(rows: Any, mode: Mode, _: Sequence[str]) -> tuple[Any, Mode]:
    rows, mode = _without_deletes(rows, mode, _)
    return rows, "append" if mode == "merge" else mode


def _appended_overwrites(rows: Any, mode: Mode, _: Sequence[str]) -> tuple[Any, Mode]:
    return rows, "append" if mode == "overwrite" else mode


def _without_new_columns(rows: Any, mode: Mode, there: Sequence[str]) -> tuple[Any, Mode]:
    if mode == "append" and there:
        rows = rows.select([name for name in rows.column_names if name in there])
    return rows, mode


def _without_repeated_rows(rows: Any, mode: Mode, _: Sequence[str]) -> tuple[Any, Mode]:
    return rows.group_by(rows.column_names).aggregate([]), mode


TABLE_MUTATIONS: dict[str, Callable[[Engine], Engine]] = {
    "a transaction is applied again": ForgetsTransactions,
    "the version asked for is ignored": ReadsTheNewestVersion,
    "the condition of a read is ignored": ReadsEveryRow,
    "a merge replaces nothing": partial(ChangedWrites, change=_appended_merges),
    "a merge removes nothing": partial(ChangedWrites, change=_without_deletes),
    "an overwrite keeps what was there": partial(ChangedWrites, change=_appended_overwrites),
    "a new column is lost": partial(ChangedWrites, change=_without_new_columns),
    "a commit's metadata is lost": LosesMetadata,
    "equal rows are written once": partial(ChangedWrites, change=_without_repeated_rows),
}
