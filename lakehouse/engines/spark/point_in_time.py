"""Point-in-time features on Spark: one shuffle for all views that share an entity's keys.

Spine and rows are brought together by a hash of the keys, and each bucket is computed by the same
kernels as on the embedded engine. No join ranges over times, and the spine keeps its columns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from lakehouse.declare.features import StoredView
from lakehouse.engines.arrow_types import feature_type
from lakehouse.engines.kernels.asked import by_entity, by_frame, check_moments, check_spine
from lakehouse.engines.kernels.entity_codes import check_kinds
from lakehouse.engines.kernels.point_in_time import entity_features
from lakehouse.engines.kernels.view_rows import Selection, ViewRows, selection
from lakehouse.engines.protocol import KNOWN_AT, BoundView, Engine, Frame
from lakehouse.engines.spark import hot_keys
from lakehouse.engines.spark.failures import told
from lakehouse.engines.spark.frames import SparkFrame, arrow_schema_of, quoted, spark_type
from lakehouse.engines.spark.hot_keys import HotKeys

if TYPE_CHECKING:
    from pyspark.sql import Column

_BUCKET = "__bucket"
_TABLE = "__table"
_BUCKETS_A_PARTITION = 4
"""Buckets for each partition of a shuffle: a bucket is what one kernel holds in memory."""


@dataclass(frozen=True)
class _Asked:
    """The spine as it was given, its moments' column, and how many there are.

    Keys are counted on it: with features it would be computed for that alone.
    """

    spine: SparkFrame
    at: str
    rows: int


@dataclass(frozen=True)
class _Part:
    """The views of one entity on one frame, and the columns that their rows travel in."""

    number: int
    selected: Selection
    views: tuple[StoredView, ...]
    columns: tuple[str, ...]

    def travelling(self, name: str) -> str:
        return f"__{self.number}_{name}"


def historical_features(
    engine: Engine, spine: SparkFrame, at: str, views: Sequence[BoundView]
) -> Frame:
    """Add every feature of the views as `view__name`, at each spine row's moment `at`.

    The errors are those of the embedded engine; those of values show when the frame is computed.
    """
    check_spine(spine.columns, at, [bound.view for bound in views])
    asked = _Asked(spine, at, _checked_moments(spine, at))
    names = list(spine.columns)
    for bound in views:
        names += [feature.full_name for feature in bound.view.features]
    together = [
        (on_entity, frame)
        for frame, on_frame in by_frame(views)
        for on_entity in by_entity(on_frame)
    ]
    for sharing in by_entity([bound.view for bound in views]):
        keys = sharing[0].by.keys
        of_entity = [(v, frame) for v, frame in together if v[0].by.keys == keys]
        spine = _with_entity(engine, asked, spine, keys, of_entity)
    return spine.select(*(quoted(name) for name in names))


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
    with told():
        rows, present = spine.agg(count(lit(1)), count(col(quoted(at)))).collect()[0]
    check_moments(rows - present, rows, at)
    return int(rows)


def _with_entity(
    engine: Engine,
    given: _Asked,
    spine: SparkFrame,
    keys: Sequence[str],
    of_entity: Sequence[tuple[Sequence[StoredView], Frame]],
) -> SparkFrame:
    """Add to the spine as far as it is computed the features of one entity, in one shuffle."""
    from pyspark.sql.functions import lit
    from pyspark.sql.types import StructField, StructType

    parts, selections = [], []
    for number, (views, frame) in enumerate(of_entity):
        selected = selection(views, engine.columns(frame))
        rows = engine.query(selected.sql, {"rows": frame})
        check_kinds(
            [arrow_schema_of(rows).field(k).type for k in keys],
            [arrow_schema_of(spine).field(k).type for k in keys],
            keys,
            f"View '{views[0].name}'",
        )
        parts.append(_Part(number, selected, tuple(views), tuple(rows.columns)))
        selections.append(rows)
    at = given.at
    hot = _hot_keys(engine, given, keys, parts, selections)
    buckets = _buckets(engine)
    asked = _bucketed(hot, spine, keys, buckets, at)
    events = []
    for part, rows in zip(parts, selections, strict=True):
        placed = _bucketed(hot, rows, keys, buckets, part.views)
        events.append(
            placed.select(
                placed[_BUCKET],
                lit(part.number).alias(_TABLE),
                *(placed[quoted(c)].alias(part.travelling(c)) for c in part.columns),
            )
        )
    every = reduce(lambda one, other: one.unionByName(other, allowMissingColumns=True), events)
    features = [f for part in parts for view in part.views for f in view.features]
    schema = StructType(
        [
            *spine.schema.fields,
            *(StructField(f.full_name, spark_type(feature_type(f))) for f in features),
        ]
    )
    with told():
        return (
            asked.groupBy(_BUCKET)
            .cogroup(every.groupBy(_BUCKET))
            .applyInArrow(_kernel(at, tuple(parts)), schema)
        )


def _kernel(at: str, parts: tuple[_Part, ...]) -> Callable[[pa.Table, pa.Table], pa.Table]:
    """What a worker does with one bucket of the spine and of the rows."""

    def compute(spine: pa.Table, events: pa.Table) -> pa.Table:
        import pyarrow.compute as pc

        asked = spine.drop_columns([_BUCKET])
        answer = asked
        for part in parts:
            own = events.filter(pc.equal(events.column(_TABLE), part.number))
            rows = own.select([part.travelling(c) for c in part.columns])
            held = ViewRows(part.selected, rows.rename_columns(list(part.columns)))
            found = entity_features(held, asked, at, part.views)
            for view in part.views:
                for feature in view.features:
                    name = feature.full_name
                    answer = answer.append_column(name, found[name])
        return answer

    return compute


def _hot_keys(
    engine: Engine,
    given: _Asked,
    keys: Sequence[str],
    parts: Sequence[_Part],
    selections: Sequence[SparkFrame],
) -> HotKeys | None:
    from pyspark.sql.functions import unix_micros

    spine = given.spine
    sides = [(spine, _widest_keys(spine, keys), unix_micros(spine[quoted(given.at)]))]
    for part, rows in zip(parts, selections, strict=True):
        happens = part.views[0].of.event_time or KNOWN_AT
        sides.append((rows, _widest_keys(rows, keys), unix_micros(rows[quoted(happens)])))
    spark: Any = engine
    with told():
        return hot_keys.find(spark.session, sides, given.rows, spark.most_rows_a_key)


def _bucketed(
    hot: HotKeys | None,
    frame: SparkFrame,
    keys: Sequence[str],
    buckets: int,
    of: str | Sequence[StoredView],
) -> SparkFrame:
    """Return a frame with `__bucket`: of the spine, whose moments are `of`, or of views' rows."""
    from pyspark.sql.functions import coalesce, lit, unix_micros

    if hot is None:
        return frame.withColumn(_BUCKET, _bucket(frame, keys, buckets))
    widest = _widest_keys(frame, keys)
    if isinstance(of, str):
        sliced = hot_keys.sliced_spine(hot, frame, widest, unix_micros(frame[quoted(of)]))
    else:
        sliced = hot_keys.sliced_rows(hot, frame, widest, of)
    own = lit(buckets) + sliced[hot_keys.SLICE]
    placed = sliced.withColumn(_BUCKET, coalesce(own, _bucket(sliced, keys, buckets)))
    return placed.drop(hot_keys.SLICE)


def _buckets(engine: Engine) -> int:
    session: Any = engine.session  # type: ignore[attr-defined]
    return int(session.conf.get("spark.sql.shuffle.partitions")) * _BUCKETS_A_PARTITION


def _bucket(frame: SparkFrame, keys: Sequence[str], buckets: int) -> Column:
    """The bucket of a row's keys; keys that are equal, in whatever width, share theirs."""
    from pyspark.sql.functions import lit, pmod, xxhash64

    return pmod(xxhash64(*_widest_keys(frame, keys)), lit(buckets)).cast("int")


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
