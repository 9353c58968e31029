"""Point-in-time joins for views of the user's own, over files.

A value is that of the last row of its entity at or before the moment, not older than the view's
ttl. Of rows of one time the one created last counts, then the greater one, so that an answer is
the same whenever it is asked for. Every row comes back once, in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import duckdb
import pyarrow as pa

ROW = "__row"
AT = "__at"


@dataclass(frozen=True)
class Joined:
    """A view over a registered table: `keys` by the column of the entity rows that holds each."""

    rows: str
    keys: dict[str, str]
    features: Sequence[str]
    event_time: str
    created: str | None
    ttl: timedelta | None
    only_created_by_then: bool = False


def join(db: duckdb.DuckDBPyConnection, spine: pa.Table, at: str, view: Joined) -> pa.Table:
    """The view's features for each row of the spine, in the spine's order.

    With `only_created_by_then` a row that was created after the moment does not count.
    """
    keys = list(dict.fromkeys(view.keys.values()))
    narrow = spine.select(keys).rename_columns([f"k_{n}" for n in range(len(keys))])
    narrow = narrow.append_column(AT, spine.column(at))
    narrow = narrow.append_column(ROW, pa.array(range(spine.num_rows), pa.int64()))
    db.register("spine", narrow)
    places = {given: f"k_{n}" for n, given in enumerate(keys)}
    types = {row[0]: row[1] for row in db.execute(f"DESCRIBE {_id(view.rows)}").fetchall()}
    wanted = {
        key: f"TRY_CAST(s.{places[given]} AS {types[key]})" for key, given in view.keys.items()
    }
    same = " AND ".join(f"r.{_id(key)} = {asked}" for key, asked in wanted.items())
    ordered = [f"{_id(view.created)} DESC NULLS LAST"] if view.created else []
    ordered += [f"{_id(f)} DESC NULLS LAST" for f in view.features]
    columns = [*view.keys, *view.features, *([view.created] if view.created else [])]
    selected = ", ".join(_id(c) for c in dict.fromkeys(columns))
    event = f"CAST({_id(view.event_time)} AS TIMESTAMPTZ)"
    rows = (
        f"(SELECT {selected}, {event} AS __event FROM {_id(view.rows)} "
        f"WHERE {_id(view.event_time)} IS NOT NULL)"
    )
    alive = "TRUE"
    if view.ttl:
        microseconds = view.ttl // timedelta(microseconds=1)
        alive = f"r.__event >= s.{AT} - to_microseconds({microseconds})"
    features = ", ".join(
        f"CASE WHEN {alive} THEN r.{_id(f)} END AS f_{n}" for n, f in enumerate(view.features)
    )
    if view.only_created_by_then and view.created:
        created = f"CAST(r.{_id(view.created)} AS TIMESTAMPTZ)"
        sql = (
            f"SELECT s.{ROW}, {features} FROM spine s LEFT JOIN {rows} r ON {same or 'TRUE'} "
            f"AND r.__event <= s.{AT} AND {alive} AND {created} <= s.{AT} "
            f"QUALIFY row_number() OVER (PARTITION BY s.{ROW} ORDER BY r.__event DESC NULLS LAST, "
            f"{', '.join('r.' + o for o in ordered)}) = 1"
        )
    else:
        partition = ", ".join([*(_id(key) for key in view.keys), "__event"])
        sql = (
            f"SELECT s.{ROW}, {features} FROM spine s ASOF LEFT JOIN (SELECT * FROM {rows} "
            f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {', '.join(ordered)}) "
            f"= 1) r ON {same or 'TRUE'} AND s.{AT} >= r.__event"
        )
    found: pa.Table = db.sql(
        f"SELECT * EXCLUDE ({ROW}) FROM ({sql}) ORDER BY {ROW}"
    ).to_arrow_table()
    db.unregister("spine")
    return found.rename_columns(list(view.features))


def _id(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
