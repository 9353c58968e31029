"""Delivered files read by Spark's workers as text rows, a file by one task, small ones together.

The files are read twice: once for their columns, their number of rows and what hinders reading
them, and again when the rows are asked for. Nothing is kept between, so that a worker that is
lost costs only its own files. Files must lie where every worker sees them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.reader import read_delivered
from lakehouse.engines.protocol import Engine, Landed, LandedFile, Unreadable
from lakehouse.engines.spark.failures import as_ours
from lakehouse.errors import DeliveryError
from lakehouse.language.provenance import DELIVERY, ROW, UNPARSED

_BYTES_A_TASK = 4_000_000
"""What a task reads at least, where there is that much: starting one costs a tenth of a second."""
_TASKS = 4
"""How many tasks there are at least, where there are that many files."""
_SUMMARY = "delivery string, columns array<string>, rows bigint, reason string"
Batches = Iterator[pa.RecordBatch]


def land(engine: Engine, files: Sequence[LandedFile], columns: Sequence[str]) -> Landed:
    """Read files as text rows; see `engines.protocol`."""
    wanted = tuple(columns)
    with as_ours():
        summary = _each(engine, files, _summaries(wanted), _SUMMARY)
    results = {row["delivery"]: row for row in engine.to_arrow(summary).to_pylist()}
    good = [file for file in files if results[file.delivery]["reason"] is None]
    found = {file.delivery: tuple(results[file.delivery]["columns"]) for file in good}
    further = dict.fromkeys(name for names in found.values() for name in names)
    names = [*wanted, *(name for name in further if name not in wanted)]
    schema = pa.schema(
        [(name, pa.string()) for name in (*names, UNPARSED, DELIVERY)] + [(ROW, pa.int64())]
    )
    said = ", ".join(f"`{f.name}` {'bigint' if f.name == ROW else 'string'}" for f in schema)
    with as_ours():
        rows = _each(engine, good, _rows(wanted, schema), said)
    return Landed(
        rows,
        {file.delivery: int(results[file.delivery]["rows"]) for file in good},
        found,
        tuple(
            Unreadable(file.delivery, results[file.delivery]["reason"])
            for file in files
            if results[file.delivery]["reason"] is not None
        ),
    )


def _each(
    engine: Engine,
    files: Sequence[LandedFile],
    read: Callable[[Batches], Batches],
    schema: str,
) -> Any:
    listed = pa.table(
        {
            "path": pa.array([str(file.path) for file in files], pa.string()),
            "delivery": pa.array([file.delivery for file in files], pa.string()),
        }
    )
    size = sum(file.path.stat().st_size for file in files if file.path.is_file())
    tasks = max(1, min(len(files), max(_TASKS, size // _BYTES_A_TASK)))
    return engine.from_arrow(listed).repartition(tasks).mapInArrow(read, schema)


def _summaries(wanted: tuple[str, ...]) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for path, delivery in _listed(batches):
            columns: dict[str, None] = {}
            rows, reason = 0, None
            try:
                for block in _blocks(path, wanted):
                    names = (n for n in block.schema.names if n not in (UNPARSED, ROW))
                    columns |= dict.fromkeys(names)
                    rows += block.num_rows
            except DeliveryError as error:
                reason = str(error)
            yield pa.RecordBatch.from_pylist(
                [
                    {
                        "delivery": delivery,
                        "columns": list(columns),
                        "rows": rows,
                        "reason": reason,
                    }
                ],
                schema=pa.schema(
                    [
                        ("delivery", pa.string()),
                        ("columns", pa.list_(pa.string())),
                        ("rows", pa.int64()),
                        ("reason", pa.string()),
                    ]
                ),
            )

    return read


def _rows(wanted: tuple[str, ...], schema: Any) -> Callable[[Batches], Batches]:
    def read(batches: Batches) -> Batches:
        for path, delivery in _listed(batches):
            for block in _blocks(path, wanted):
                held = dict(zip(block.schema.names, block.columns, strict=True))
                held[DELIVERY] = pa.repeat(pa.scalar(delivery, pa.string()), block.num_rows)
                nulls = pa.nulls(block.num_rows, pa.string())
                columns = [held.get(field.name, nulls) for field in schema]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return read


def _listed(batches: Batches) -> Iterator[tuple[Path, str]]:
    for batch in batches:
        for row in batch.to_pylist():
            yield Path(row["path"]), row["delivery"]


def _blocks(path: Path, wanted: tuple[str, ...]) -> Batches:
    with tempfile.TemporaryDirectory(prefix="lakehouse-") as folder:
        yield from read_delivered(path, LakeNames(wanted), Path(folder) / "unpacked")
