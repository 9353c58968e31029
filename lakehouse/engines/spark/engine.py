"""The Spark engine: the platform's verbs with PySpark and Delta Lake.

Only DataFrames and SQL are used, so that the same code runs in this process's JVM, on a cluster
and over Spark Connect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal
from weakref import WeakKeyDictionary

import pyarrow as pa

from lakehouse.engines.arrow_tables import lake_table
from lakehouse.engines.committing import commit_once
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import (
    BoundView,
    Fitted,
    Frame,
    Landed,
    LandedFile,
    MapBatches,
    Transaction,
)
from lakehouse.engines.spark.session import start
from lakehouse.engines.spark.settings import SparkSettings, from_environment
from lakehouse.engines.table_files import Read
from lakehouse.errors import NotFound, unknown
from lakehouse.language.sql import portable as portable_sql
from lakehouse.language.sql.typed import typed, typed_condition
from lakehouse.storage.tables import TableRef

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkEngine:
    """Spark wherever the settings say it is; the session starts with the first verb.

    Frames are Spark's own DataFrames; an Arrow table is taken wherever a frame is. A key with
    more than `most_rows_a_key` rows and moments is computed in slices of time, by several tasks.
    """

    name = "spark"

    def __init__(
        self, settings: SparkSettings | None = None, most_rows_a_key: int = 5_000_000
    ) -> None:
        self._settings = from_environment() if settings is None else settings
        self.most_rows_a_key = most_rows_a_key
        self._reads: WeakKeyDictionary[Any, Read] = WeakKeyDictionary()

    @cached_property
    def session(self) -> SparkSession:
        """The Spark session, for what the verbs do not cover."""
        return start(self._settings)

    def land(self, files: Sequence[LandedFile], columns: Sequence[str]) -> Landed:
        """Read delivered files as text rows, each by one task; see `engines.protocol`."""
        from lakehouse.engines.spark import landing

        return landing.land(self, files, columns)

    def read(
        self,
        table: TableRef,
        version: int | None = None,
        columns: Sequence[str] | None = None,
        where: str | None = None,
    ) -> Frame:
        """Open a Delta table at a version, lazily; `where` is a portable SQL condition."""
        from pyspark.sql.functions import col, expr

        from lakehouse.engines.spark.failures import as_ours
        from lakehouse.engines.spark.frames import portable_types, quoted
        from lakehouse.engines.spark.translate import to_spark

        newest = table.version()
        if newest is None:
            raise NotFound(f"There is no table {table}.")
        if version is not None and not 0 <= version <= newest:
            raise NotFound(
                f"Table {table} cannot be read at version {version}; its newest version is "
                f"{newest}."
            )
        # Without a version, Spark would follow the table while the frame is in use.
        at = newest if version is None else version
        reader = self.session.read.format("delta").option("versionAsOf", at)
        with as_ours():
            frame = reader.load(str(table.folder))
            there = frame.columns
            if where is not None:
                condition = portable_sql.read(where, "Condition of a read")
                condition = typed_condition(condition, portable_types(frame))
                frame = frame.where(expr(to_spark(condition, {})))
        if columns is not None:
            for name in columns:
                if name not in there:
                    raise NotFound(unknown("column", name, there, f"Table {table}"))
            frame = frame.select(*(col(quoted(name)) for name in columns))
        self._reads[frame] = Read(table, at, where)
        return frame

    def read_as(self, frame: Frame) -> Read | None:
        """How a frame was read that `read` returned, None for any other."""
        return self._reads.get(frame)

    def from_arrow(self, table: pa.Table) -> DataFrame:
        """Take an Arrow table as a frame; naive times are times of UTC."""
        from lakehouse.engines.spark.failures import as_ours
        from lakehouse.engines.spark.frames import frame_of, lake_frame

        with as_ours():
            frame: DataFrame = lake_frame(frame_of(self.session, lake_table(table)))
        return frame

    def to_arrow(self, frame: Frame) -> pa.Table:
        """Compute a frame as an Arrow table of the lake's types, held by the driver."""
        from lakehouse.engines.spark.failures import as_ours

        if isinstance(frame, pa.Table):
            return lake_table(frame)
        with as_ours():
            return lake_table(frame.toArrow())

    def batches(self, frame: Frame, by: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream a frame's rows in ascending order of some columns, a small partition at a time."""
        from lakehouse.engines.spark import mapping

        return mapping.batches(self._taken(frame), by)

    def columns(self, frame: Frame) -> list[str]:
        return frame.column_names if isinstance(frame, pa.Table) else list(frame.columns)

    def query(self, sql: str, frames: Mapping[str, Frame]) -> DataFrame:
        """Run portable Spark SQL over named frames, lazily; raises QueryError where it is wrong."""
        from lakehouse.engines.spark.failures import as_ours
        from lakehouse.engines.spark.frames import lake_frame, portable_types
        from lakehouse.engines.spark.translate import to_spark

        tree = portable_sql.read(sql, "Query")
        used = {name.lower() for name in portable_sql.input_names(tree)}
        named = {name.lower(): frame for name, frame in frames.items()}
        for name in used - set(named):
            raise QueryError(unknown("table", name, frames, "This query"))
        places = {name: f"frame_{n}" for n, name in enumerate(sorted(used))}
        taken = {name: self._taken(named[name]) for name in places}
        types = {name: portable_types(frame) for name, frame in taken.items()}
        text = to_spark(typed(tree, types), places)
        if places:  # Spark formats the text only then
            text = text.replace("{", "{{").replace("}", "}}")
        for place in places.values():
            text = text.replace(f"`{place}`", f"{{{place}}}")
        given = {place: taken[name] for name, place in places.items()}
        with as_ours():
            frame: DataFrame = lake_frame(self.session.sql(text, **given))
        return frame

    def historical_features(self, spine: Frame, at: str, views: Sequence[BoundView]) -> Frame:
        """Add every feature of the views as `view__name`, at each row's moment `at`."""
        from lakehouse.engines.spark import point_in_time

        return point_in_time.historical_features(self, self._taken(spine), at, views)

    def map_arrow(self, frame: Frame, function: MapBatches, schema: pa.Schema) -> Frame:
        """Put a frame's rows through a function on the workers, batch by batch, lazily."""
        from lakehouse.engines.spark import mapping

        return mapping.map_arrow(self._taken(frame), function, schema)

    def fit(
        self,
        estimator: Any,
        frame: Frame,
        inputs: Sequence[str],
        label: str,
        by: Sequence[str],
        workers: int | None = None,
    ) -> Fitted:
        """Fit an XGBoost estimator on the workers; see `engines.protocol`."""
        from lakehouse.engines.spark import fitting

        rows = self._taken(frame)
        return fitting.fit(self.session, estimator, rows, inputs, label, by, workers)

    def write(
        self,
        table: TableRef,
        frame: Frame,
        mode: Literal["append", "overwrite", "merge"],
        transaction: Transaction,
        metadata: Mapping[str, str] | None = None,
        keys: Sequence[str] = (),
    ) -> int:
        """Commit a frame once per transaction; see `engines.protocol`."""
        from lakehouse.engines.spark import writing
        from lakehouse.engines.spark.frames import plain_frame

        rows = plain_frame(self._taken(frame))

        def attempt() -> int:
            if mode == "merge":
                return writing.merge(self.session, table, rows, keys, transaction, metadata or {})
            return writing.write(table, rows, mode, transaction, metadata or {})

        return commit_once(table, transaction, attempt)

    def _taken(self, frame: Any) -> Any:
        return self.from_arrow(frame) if isinstance(frame, pa.Table) else frame
