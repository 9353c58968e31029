"""Rows in batches: through a function, in order to this process, and into a fit."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.failures import QueryError
from lakehouse.engines.protocol import Engine, Transaction
from lakehouse.storage.tables import TableRef
from lakehouse.testing.conformance.comparing import require, require_equal
from lakehouse.testing.conformance.world import NOON

ROWS = 70_000
"""More than a batch of any engine."""
ANSWER = pa.schema([("name", pa.string()), ("twice", pa.decimal128(18, 2)), ("at", MICROSECONDS)])


def _rows(count: int) -> Any:
    numbers = range(count)
    return pa.table(
        {
            "name": pa.array([None if n % 5 == 0 else f"n{n:05}" for n in numbers], pa.string()),
            "amount": pa.array(
                [None if n % 7 == 0 else Decimal(n).scaleb(-2) for n in numbers],
                pa.decimal128(18, 2),
            ),
            "at": pa.array([NOON + n * 7919 % count for n in numbers], MICROSECONDS),
        }
    )


def _doubled(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        twice = pc.add(batch["amount"], batch["amount"])
        yield pa.RecordBatch.from_arrays([batch["name"], twice, batch["at"]], ANSWER.names)


def _undeclared(batches: Iterator[Any]) -> Iterator[Any]:
    for batch in batches:
        yield batch.select(["at"])


def check_every_row_is_mapped_once(engine: Engine, folder: Path) -> None:
    """The answer is a frame like any other: read twice, asked, written; with no row it has none."""
    for count in (ROWS, 1, 0):
        rows = _rows(count)
        frame = engine.from_arrow(rows)
        mapped = engine.map_arrow(frame, _doubled, ANSWER)
        require_equal(engine.columns(mapped), ANSWER.names, "Columns of the answer")
        whole = pa.RecordBatch.from_arrays(
            [pa.concat_arrays(column.chunks) for column in rows.columns], rows.column_names
        )
        right = pa.Table.from_batches(_doubled(iter([whole]))).cast(ANSWER).sort_by("at")
        for _again in range(2):
            found = engine.to_arrow(mapped)
            types = [str(kind) for kind in found.schema.types]
            require_equal(types, [str(kind) for kind in ANSWER.types], "Types of the answer")
            require_equal(found.num_rows, count, "Rows out of a function")
            same = found.sort_by("at").equals(right)
            require(same, f"{count} rows through a function came out as others.")
        written = TableRef.in_folder(folder / f"t{count}")
        engine.write(written, mapped, "append", Transaction("x", 1))
        counted = engine.query("SELECT count(*) AS n FROM t", {"t": engine.read(written)})
        require_equal(engine.to_arrow(counted)["n"][0].as_py(), count, "Rows written")


def check_an_answer_of_other_columns_is_refused(engine: Engine, _: Path) -> None:
    """What a function gives is held against what it was declared to give."""
    try:
        engine.to_arrow(engine.map_arrow(engine.from_arrow(_rows(3)), _undeclared, ANSWER))
    except QueryError as error:
        require("at" in str(error) and "twice" in str(error), f"The error names no column: {error}")
    else:
        require(False, "An answer without declared columns was taken.")


def check_rows_stream_in_order(engine: Engine, _: Path) -> None:
    """By several columns, each row once, nulls first; of no rows there is no batch with one."""
    rows = _rows(ROWS)
    streamed = pa.Table.from_batches(engine.batches(engine.from_arrow(rows), ["name", "at"]))
    expected = rows.take(
        pc.sort_indices(rows, [("name", "ascending", "at_start"), ("at", "ascending", "at_start")])
    )
    require_equal(streamed.num_rows, ROWS, "Rows streamed")
    require(streamed.equals(expected), "Streamed rows are out of place.")
    none = engine.batches(engine.from_arrow(_rows(0)), ["at"])
    require_equal(sum(batch.num_rows for batch in none), 0, "Rows streamed of none")


def check_a_fit_learns_from_every_row(engine: Engine, _: Path) -> None:
    """One split of one tree: each leaf is the mean of its rows, a missing input goes its own way.

    Fitted again on as many workers the model is the same to the byte, and the estimator given
    stays unfitted.
    """
    from xgboost import XGBRegressor

    count = 900
    side = [None if n % 3 == 0 else Decimal(n % 3) for n in range(count)]
    value = [(5.0, 1.0, 9.0)[n % 3] + (n % 10) / 10 for n in range(count)]
    rows = pa.table(
        {
            "row": pa.array(range(count), pa.int64()),
            "side": pa.array(side, pa.decimal128(18, 2)),
            "value": pa.array(value, pa.float64()),
        }
    )
    estimator = XGBRegressor(
        n_estimators=1, max_depth=2, learning_rate=1.0, reg_lambda=0.0, base_score=0.0, n_jobs=1
    )
    frame = engine.from_arrow(rows)
    fitted = engine.fit(estimator, frame, ["side"], "value", ["row"])
    asked = np.array([[np.nan], [1.0], [2.0]], dtype=np.float32)
    means = [np.mean(value[k::3]) for k in range(3)]
    got = fitted.estimator.predict(asked)
    require(
        bool(np.allclose(got, means, atol=1e-4)),
        f"The leaves are {got.tolist()} where {[float(m) for m in means]} are right.",
    )
    again = engine.fit(estimator, frame, ["side"], "value", ["row"], fitted.workers)
    same = bytes(fitted.estimator.get_booster().save_raw()) == bytes(
        again.estimator.get_booster().save_raw()
    )
    require(same, "The same rows on as many workers gave another model.")
    require(not estimator.__sklearn_is_fitted__(), "The estimator given was fitted itself.")
