"""Point-in-time features on Spark: one shuffle for all views that share an entity's keys.

Spine and rows are brought together by a hash of the keys, packed as Arrow, and each bucket is
computed by the same kernels as on the embedded engine. No join ranges over times, and the spine
keeps its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.declare.features import Feature, StoredView
from lakehouse.engines.arrow_types import feature_type
from lakehouse.engines.kernels.entity_codes import check_kinds
from lakehouse.engines.kernels.entity_features import entity_features
from lakehouse.engines.kernels.spines import by_entity, by_frame, check_moments, check_spine
from lakehouse.engines.kernels.view_rows import Selection, ViewRows, selection
from lakehouse.engines.protocol import BoundView, Frame
from lakehouse.engines.spark import hot_keys, table_tasks
from lakehouse.engines.spark.failures import as_ours
from lakehouse.engines.spark.frames import (
    SparkFrame,
    arrow_schema_of,
    as_arrow,
    quoted,
    spark_type,
)
from lakehouse.engines.spark.hot_keys import HotKeys
from lakehouse.engines.spark.packing import BUCKET, PACKED, Packer, none_packed, unpacked
from lakehouse.engines.table_files import TableFiles, table_files
from lakehouse.language.provenance import KNOWN_AT

if TYPE_CHECKING:
    from pyspark.sql import Column

    from lakehouse.engines.spark.engine import SparkEngine

_SPINE = -1
"""The part that packed rows of the spine are marked as."""
_BUCKETS_A_PARTITION = 4
"""Buckets for each partition of a shuffle: a bucket is what one kernel holds in memory."""


@dataclass(frozen=True)
class _Spine:
    """The spine as it was given, its moments' column, and how many there are.

    Keys are counted on it: with features it would be computed for that alone.
    """

    frame: SparkFrame
    at: str
    rows: int


@dataclass(frozen=True)
class _Part:
    """The views of one entity on one table, and the schema that its rows travel in."""

    number: int
    selected: Selection
    views: tuple[StoredView, ...]
    schema: pa.Schema


@dataclass(frozen=True)
class _Source:
    """A part's rows: a frame that computes them, and their files where tasks can read these."""

    part: _Part
    frame: SparkFrame
    files: TableFiles | None


@dataclass(frozen=True)
class _Entity:
    """The keys of an entity, its views' rows, and which of its keys are split by time."""

    keys: tuple[str, ...]
    sources: tuple[_Source, ...]
    hot: HotKeys | None

    @property
    def features(self) -> list[Feature]:
        return [f for one in self.sources for view in one.part.views for f in view.features]

    def packer(self, part: int, buckets: int) -> Packer:
        return Packer(part, self.keys, buckets, None if self.hot is None else hot_keys.SLICE)


def historical_features(
    engine: SparkEngine, spine: SparkFrame, at: str, views: Sequence[BoundView]
) -> Frame:
    """Add every feature of the views as `view__name`, at each spine row's moment `at`.

    The errors are those of the embedded engine; those of values show when the frame is computed.
    """
    check_spine(spine.columns, at, [bound.view for bound in views])
    asked = _Spine(spine, at, _checked_moments(spine, at))
    names = list(spine.columns)
    for bound in views:
        names += [feature.full_name for feature in bound.view.features]
    together = [
        (on_entity, frame)
        for frame, on_frame in by_frame(views)
        for on_entity in by_entity(on_frame)
    ]
    entities = [
        _entity(engine, asked, [(v, f) for v, f in together if v[0].by.keys == sharing[0].by.keys])
        for sharing in by_entity([bound.view for bound in views])
    ]
    if not entities:
        return spine
    return _computed(engine, asked, entities).select(*(quoted(name) for name in names))


def _checked_moments(spine: SparkFrame, at: str) -> int:
    """How many there are, none of them null."""
    from pyspark.sql.functions import col, count, lit
    from pyspark.sql.types import TimestampType

    from lakehouse.engines.kernels.arrow_numbers import ColumnTypeError

    kind = spine.schema[at].dataType
    if not isinstance(kind, TimestampType):
        raise ColumnTypeError(
            f"Spine column '{at}' is {kind.simpleString()}, not a time: give UTC timestamps."
        )
    with as_ours():
        rows, present = spine.agg(count(lit(1)), count(col(quoted(at)))).collect()[0]
    check_moments(rows - present, rows, at)
    return int(rows)


def _entity(
    engine: SparkEngine, spine: _Spine, of_entity: Sequence[tuple[Sequence[StoredView], Frame]]
) -> _Entity:
    keys = of_entity[0][0][0].by.keys
    sources = [_source(engine, n, *bound) for n, bound in enumerate(of_entity)]
    asked = arrow_schema_of(spine.frame)
    for source in sources:
        part = source.part
        check_kinds(
            [part.schema.field(k).type for k in keys],
            [asked.field(k).type for k in keys],
            keys,
            f"View '{part.views[0].name}'",
        )
    return _Entity(keys, tuple(sources), _hot_keys(engine, spine, keys, sources))


def _source(engine: SparkEngine, number: int, views: Sequence[StoredView], frame: Frame) -> _Source:
    selected = selection(views, engine.columns(frame))
    files = None if selected.computed.names else _files(engine, frame, selected.columns)
    if files is not None:
        rows, schema = frame.select(*(quoted(c) for c in selected.columns)), files.schema
    else:
        rows = engine.query(selected.sql, {"rows": frame})
        schema = arrow_schema_of(rows)
    return _Source(_Part(number, selected, tuple(views), schema), rows, files)


def _files(engine: SparkEngine, frame: Frame, columns: Sequence[str]) -> TableFiles | None:
    """The files behind a frame, where it was read from a table that tasks can read themselves."""
    read = engine.read_as(frame)
    return None if read is None else table_files(read, columns)


def _computed(engine: SparkEngine, spine: _Spine, entities: Sequence[_Entity]) -> SparkFrame:
    """Return the spine with the features of each entity after the other, in one shuffle each.

    In between rows stay packed; only where an entity has hot keys they are Spark's own, to be
    split.
    """
    from pyspark.sql.types import StructField, StructType

    at, buckets = spine.at, _buckets(engine)
    fields = list(spine.frame.schema.fields)
    asked = _packed_spine(engine, entities[0], spine.frame, at, buckets)
    for one, following in zip(entities, [*entities[1:], None], strict=True):
        every = [_packed_rows(engine, one, source, buckets) for source in one.sources]
        rows = reduce(lambda some, others: some.union(others), every)
        fields += [StructField(f.full_name, spark_type(feature_type(f))) for f in one.features]
        packer = None
        if following is not None and following.hot is None:
            packer = following.packer(_SPINE, buckets)
        schema = StructType(fields)
        with as_ours():
            kernel = _kernel(at, tuple(s.part for s in one.sources), as_arrow(schema), packer)
            # Each side is shuffled by itself, so that all tables are read at the same time.
            both = asked.groupBy(BUCKET).cogroup(rows.groupBy(BUCKET))
            asked = both.applyInArrow(kernel, schema if packer is None else PACKED)
        if following is not None and packer is None:
            asked = _packed_spine(engine, following, asked, at, buckets)
    return asked


def _kernel(
    at: str, parts: tuple[_Part, ...], schema: pa.Schema, packer: Packer | None
) -> Callable[[pa.Table, pa.Table], pa.Table]:
    """What a task does with one bucket of the spine and of the rows.

    The answer has `schema`, or is packed for the next entity by its `packer`.
    """

    def compute(spine: pa.Table, rows: pa.Table) -> pa.Table:
        asked = unpacked(spine, _SPINE)
        if asked is None:
            return schema.empty_table() if packer is None else none_packed()
        answer = asked
        for part in parts:
            held = ViewRows(part.selected, unpacked(rows, part.number, part.schema))
            found = entity_features(held, asked, at, part.views)
            for view in part.views:
                for feature in view.features:
                    name = feature.full_name
                    answer = answer.append_column(name, found[name])
        return answer if packer is None else packer.table(answer)

    return compute


def _packed_spine(
    engine: SparkEngine, entity: _Entity, spine: SparkFrame, at: str, buckets: int
) -> SparkFrame:
    from pyspark.sql.functions import unix_micros

    packer = entity.packer(_SPINE, buckets)
    if entity.hot is None:
        return _packed(engine, packer, spine, _files(engine, spine, spine.columns))
    widest = _widest_keys(spine, entity.keys)
    sliced = hot_keys.sliced_spine(entity.hot, spine, widest, unix_micros(spine[quoted(at)]))
    return _packed(engine, packer, sliced, None)


def _packed_rows(engine: SparkEngine, entity: _Entity, source: _Source, buckets: int) -> SparkFrame:
    packer = entity.packer(source.part.number, buckets)
    if entity.hot is None:
        return _packed(engine, packer, source.frame, source.files)
    widest = _widest_keys(source.frame, entity.keys)
    sliced = hot_keys.sliced_rows(entity.hot, source.frame, widest, source.part.views)
    return _packed(engine, packer, sliced, None)


def _packed(
    engine: SparkEngine, packer: Packer, frame: SparkFrame, files: TableFiles | None
) -> SparkFrame:
    with as_ours():
        if files is None:
            return frame.mapInArrow(packer.batches, PACKED)
        return table_tasks.packed(engine.session, files, packer, _partitions(engine))


def _hot_keys(
    engine: SparkEngine, spine: _Spine, keys: Sequence[str], sources: Sequence[_Source]
) -> HotKeys | None:
    from pyspark.sql.functions import unix_micros

    if not hot_keys.can_split([view for source in sources for view in source.part.views]):
        return None
    with as_ours():
        rows = sum(s.frame.count() if s.files is None else s.files.rows for s in sources)
    if spine.rows + rows <= engine.most_rows_a_key:
        return None
    moments = unix_micros(spine.frame[quoted(spine.at)])
    sides = [(spine.frame, _widest_keys(spine.frame, keys), moments)]
    for source in sources:
        frame, happens = source.frame, source.part.views[0].of.event_time or KNOWN_AT
        sides.append((frame, _widest_keys(frame, keys), unix_micros(frame[quoted(happens)])))
    with as_ours():
        return hot_keys.find(engine.session, sides, engine.most_rows_a_key)


def _partitions(engine: SparkEngine) -> int:
    return int(str(engine.session.conf.get("spark.sql.shuffle.partitions")))


def _buckets(engine: SparkEngine) -> int:
    return _partitions(engine) * _BUCKETS_A_PARTITION


def _widest_keys(frame: SparkFrame, keys: Sequence[str]) -> list[Column]:
    return [_widest(frame[quoted(k)], frame.schema[k].dataType) for k in keys]


def _widest(column: Column, kind: Any) -> Column:
    from pyspark.sql import types
    from pyspark.sql.functions import lit, when

    if isinstance(kind, types.IntegralType):
        return column.cast("bigint")
    if isinstance(kind, types.DecimalType):
        return column.cast("decimal(38,18)")
    if isinstance(kind, types.FractionalType):
        return when(column == 0, lit(0.0)).otherwise(column.cast("double"))
    return column
