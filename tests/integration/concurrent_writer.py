"""One writer of several: commits small appends to a table and prints what became of them.

    python -m tests.integration.concurrent_writer TABLE ENGINE NAME COUNT

`ENGINE` is `embedded`, `spark`, or `plain`: deltalake by itself, which takes no lock, goes on until
the others are done, and is in their way after every COUNT of their commits. A writer that is ready
makes the file NAME.ready beside the table, and waits for the file `go`; the plain one ends with
`done`.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import DeltaError

from lakehouse.engines import committing, protocol
from lakehouse.engines.failures import WriteConflict
from lakehouse.engines.protocol import Engine, Transaction
from lakehouse.storage.tables import TableRef


@dataclass
class Written:
    """What a writer was told: rows that are in, and refusals by the name of their class."""

    writer: str
    accepted: list[int] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seconds: float = 0.0


def write(engine: Engine, table: Path, name: str, count: int) -> Written:
    """Commit `count` rows, one a commit; a refusal that comes through is tried again."""
    told = Written(name)
    module: Any = importlib.import_module(type(engine).__module__)
    module.commit_once = watched(told.refused)
    began = time.perf_counter()
    for number in range(count):
        rows = engine.from_arrow(row(name, number))
        while len(told.accepted) == number:
            try:
                engine.write(TableRef.in_folder(table), rows, "append", Transaction(name, number))
            except WriteConflict as refusal:
                told.refused.append(f"in the end: {type(refusal).__name__}")
                continue
            told.accepted.append(number)
    told.seconds = time.perf_counter() - began
    return told


def write_plainly(table: Path, name: str, every: int, done: Callable[[], bool]) -> Written:
    """Append without a lock, and change a property of the table every so many of others' commits.

    A change of the table's metadata makes Delta refuse whoever commits at that time; between
    two of them the others have to succeed once, or they never would.
    """
    told = Written(name)
    own, seen = 0, -every
    while not done():
        others = DeltaTable(str(table)).version() - own
        try:
            if others >= seen + every:
                properties = {"delta.checkpointInterval": str(10 + own % 3)}
                DeltaTable(str(table)).alter.set_table_properties(properties)
                seen = others
            else:
                write_deltalake(str(table), row(name, own), mode="append")
                told.accepted.append(own)
            own += 1
        except DeltaError as refusal:
            told.refused.append(type(refusal).__name__)
        time.sleep(1)
    return told


def row(name: str, number: int) -> pa.Table:
    return pa.table({"writer": [name], "number": pa.array([number], pa.int64())})


def watched(refused: list[str]) -> Callable[[TableRef, Transaction, Callable[[], int]], int]:
    """`commit_once` that notes every refusal of an attempt, also those that are tried again."""

    def commit_once(table: TableRef, transaction: Transaction, attempt: Callable[[], int]) -> int:
        def noted() -> int:
            try:
                return attempt()
            except WriteConflict as refusal:
                refused.append(type(refusal).__name__)
                raise

        return committing.commit_once(table, transaction, noted)

    return commit_once


def main(arguments: Sequence[str]) -> None:
    """Wait for the others, write, and print what became of it as JSON."""
    table, kind, name, count = Path(arguments[0]), arguments[1], arguments[2], int(arguments[3])
    engine = None if kind == "plain" else protocol.load(kind)
    if engine is not None:
        engine.to_arrow(engine.from_arrow(row(name, 0)))  # start what it needs
    (table.parent / f"{name}.ready").touch()
    while not (table.parent / "go").exists():
        time.sleep(0.02)
    if engine is None:
        told = write_plainly(table, name, count, (table.parent / "done").exists)
    else:
        told = write(engine, table, name, count)
    print(json.dumps(vars(told)))


if __name__ == "__main__":
    main(sys.argv[1:])
