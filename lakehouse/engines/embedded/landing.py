"""Delivered files read in parallel as text rows, spilled to Parquet, and given as one frame.

Memory holds one block of rows for each thread, however much is delivered.
"""

from __future__ import annotations

import shutil
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.engines.delivered.names import LakeNames
from lakehouse.engines.delivered.reader import read_delivered
from lakehouse.engines.embedded.frames import listed, text
from lakehouse.engines.embedded.reading import parquet_sql
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.protocol import Landed, LandedFile, Unreadable
from lakehouse.errors import DeliveryError
from lakehouse.language.provenance import DELIVERY, ROW, UNPARSED


@dataclass(frozen=True)
class _Read:
    """What one file gave: its columns and rows, or why it could not be read."""

    delivery: str
    columns: tuple[str, ...] = ()
    rows: int = 0
    reason: str | None = None


def land(
    session: Session, files: Sequence[LandedFile], columns: Sequence[str], threads: int
) -> Landed:
    """Read files as text rows; the spilled rows go when their frame does."""
    folder = session.folder / session.new_name("landing")
    folder.mkdir()
    spill = _Spill(folder)
    names = LakeNames(columns)
    try:
        with ThreadPoolExecutor(threads) as pool:
            work = [pool.submit(_read_one, file, names, spill) for file in files]
            try:
                results = [future.result() for future in work]
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        spill.close()
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    good = [result for result in results if result.reason is None]
    further = dict.fromkeys(name for r in good for name in r.columns if name not in columns)
    wanted = [*columns, *further, UNPARSED, DELIVERY, ROW]
    types = dict.fromkeys(wanted, "VARCHAR") | {ROW: "BIGINT"}
    sql = f"SELECT {listed(wanted)} FROM ({parquet_sql(spill.files, types)})"
    unreadable = [Unreadable(r.delivery, r.reason) for r in results if r.reason is not None]
    if unreadable:
        left_out = ", ".join(text(u.delivery) for u in unreadable)
        sql += f" WHERE {DELIVERY} NOT IN ({left_out})"
    return Landed(
        session.frame(sql, {}, (spill,)),
        {r.delivery: r.rows for r in good},
        {r.delivery: r.columns for r in good},
        tuple(unreadable),
    )


class _Spill:
    """Parquet files of rows with equal columns, one for each thread that writes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: list[Path] = []
        self._lock = threading.Lock()
        self._writers: dict[tuple[int, tuple[str, ...]], Any] = {}
        self.remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)

    def write(self, rows: pa.RecordBatch) -> None:
        key = (threading.get_ident(), tuple(rows.schema.names))
        with self._lock:
            writer = self._writers.get(key)
            if writer is None:
                path = self.folder / f"{len(self.files)}.parquet"
                self.files.append(path)
                writer = self._writers[key] = pq.ParquetWriter(
                    path,
                    rows.schema,
                    compression="lz4",
                    use_dictionary=[DELIVERY],
                    write_statistics=False,
                )
        writer.write_batch(rows)

    def scratch(self) -> Path:
        """Where the calling thread may unpack one file."""
        return self.folder / f"unpacked_{threading.get_ident()}"

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()


def _read_one(file: LandedFile, names: LakeNames, spill: _Spill) -> _Read:
    columns: dict[str, None] = {}
    rows = 0
    blocks = read_delivered(file.path, names, spill.scratch())
    while True:
        try:
            found = next(blocks, None)
        except DeliveryError as error:
            return _Read(file.delivery, reason=str(error))
        if found is None:
            return _Read(file.delivery, tuple(columns), rows)
        columns |= dict.fromkeys(n for n in found.schema.names if n not in (UNPARSED, ROW))
        rows += found.num_rows
        if found.num_rows:
            same = pa.repeat(pa.scalar(file.delivery, pa.string()), found.num_rows)
            spill.write(found.append_column(DELIVERY, same))
