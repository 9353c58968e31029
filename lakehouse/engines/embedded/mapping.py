"""Rows put through a function batch by batch, their answers kept in a Parquet file."""

from __future__ import annotations

import weakref
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.engines.batches import through
from lakehouse.engines.embedded.frames import DuckFrame, text
from lakehouse.engines.embedded.session import Session
from lakehouse.engines.protocol import MapBatches


class _Kept:
    """A file that goes when nothing refers to it any more."""

    def __init__(self, file: Path) -> None:
        self.remove = weakref.finalize(self, file.unlink, missing_ok=True)


def map_arrow(
    session: Session, frame: DuckFrame, function: MapBatches, schema: pa.Schema
) -> DuckFrame:
    """Compute a frame once and give the function's answer; memory holds some batches of either."""
    file = session.folder / f"{session.new_name('mapped')}.parquet"
    kept = _Kept(file)
    with (
        pq.ParquetWriter(file, schema, compression="lz4") as writer,
        session.batches(frame) as batches,
    ):
        for batch in through(function, batches, schema):
            writer.write_batch(batch)
    return session.frame(f"SELECT * FROM read_parquet({text(str(file))})", {}, (kept,))
