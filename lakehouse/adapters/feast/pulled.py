"""Rows of a source in a range of time, for Feast's own materialising and saved datasets."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.dataset

from lakehouse.adapters.feast import files


def pull(
    rows: pa.dataset.Dataset,
    columns: Sequence[str],
    event_time: str,
    created: str | None,
    between: tuple[datetime | None, datetime | None],
    latest_of: Sequence[str] = (),
) -> pa.Table:
    """The columns and times of rows from the first moment up to and with the last.

    With `latest_of` of each entity only the last row: of one time the one created last.
    """
    times = [event_time, *([created] if created else [])]
    selected = ", ".join(f'"{c}"' for c in dict.fromkeys([*columns, *times]))
    moment = f'CAST("{event_time}" AS TIMESTAMPTZ)'
    given = {"begin": between[0], "end": between[1]}
    conditions = [f'"{event_time}" IS NOT NULL']
    for name, comparison in (("begin", ">="), ("end", "<=")):
        if given[name] is not None:
            conditions.append(f"{moment} {comparison} ${name}")
    sql = f"SELECT {selected} FROM source WHERE {' AND '.join(conditions)}"
    if latest_of:
        keys = ", ".join(f'"{key}"' for key in latest_of)
        order = ", ".join(
            [f"{moment} DESC", *([f'"{created}" DESC NULLS LAST'] if created else [])]
            + [f'"{c}" DESC NULLS LAST' for c in columns]
        )
        sql += f" QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {order}) = 1"
    with files.connection() as db:
        db.register("source", rows)
        asked = {name: _utc(at) for name, at in given.items() if at is not None}
        return db.sql(sql, params=asked).to_arrow_table()


def _utc(at: datetime) -> datetime:
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
