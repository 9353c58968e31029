"""What the service answered, out of its logs: moments, keys and values, declaration by declaration.

Logs are read in the order of the moments asked for, a bounded number of rows at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.context import Context
from lakehouse.declare.features import View
from lakehouse.declare.logs import decision_log, served_log
from lakehouse.declare.tables import Cleaned
from lakehouse.engines.arrow_types import arrow_type
from lakehouse.monitoring.check import Period
from lakehouse.monitoring.consistency.declarations import Declarations
from lakehouse.monitoring.consistency.served_values import ABSENT, as_array, values_by_name
from lakehouse.records.store import Run

ROWS = 50_000
"""So many answers are compared at once; with their JSON some hundred megabytes."""
AT, NUMBER = "_asked_for", "_number"
"""The columns of a spine that no contract has: the moment, and the answer's place."""
UNKNOWN = -1
"""Stands for a table version that was not logged."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Answers:
    """Some answers of the same declarations.

    `spine` holds a row for each: its place `_number`, its moment, and the keys and request
    columns that the views need. `served` are the values by full name, as logged, with ABSENT
    where a feature was not asked for. `held` is by view the version of its table that the online
    store held, UNKNOWN where nobody logged it.
    """

    views: tuple[View, ...]
    ids: Sequence[str]
    spine: Any
    served: Mapping[str, Sequence[Any]]
    held: Mapping[str, Numbers]


@dataclass(frozen=True)
class _Log:
    """One of the service's logs: where keys are found, and who answered."""

    table: Cleaned
    request: str
    versions: str
    model: str | None

    @property
    def columns(self) -> list[str]:
        return [
            *(self.table.keys[0], "asked_for", self.request, "features", "version", self.versions),
            *(() if self.model is not None else ("view", "model")),
        ]


@dataclass
class Unread:
    """How many answers were not compared, or not wholly: for want of a release, table or JSON."""

    answers: int = 0


def answers(
    ctx: Context,
    declarations: Declarations,
    unread: Unread,
    period: Period,
    run: Run,
) -> Iterator[Answers]:
    """Yield what was answered within a period, log after log.

    `ctx` is pinned; the period is of the moments of answering, by the lake's clock.
    """
    logs = [_Log(decision_log(m), "request", "table_versions", m.name) for m in ctx.domain.models]
    logs.append(_Log(served_log(), "entity", "table_version", None))
    for log in logs:
        if ctx.table_of(log.table).id not in (ctx.pins or {}):
            continue
        for rows in _in_parts(_rows(ctx, log, period, run)):
            for views, part in _by_declaration(log, rows, declarations, unread):
                some = _read(log, views, part, unread)
                if some.spine.num_rows:
                    yield some


def _rows(ctx: Context, log: _Log, period: Period, run: Run) -> Iterator[Any]:
    there = ctx.engine.columns(ctx.read(log.table))
    # Rows of before table versions were logged may have no such column.
    columns = [name for name in log.columns if name in there]
    frame = ctx.read(
        log.table, run, columns=columns, where=period.condition(str(log.table.event_time))
    )
    for batch in ctx.engine.batches(frame, ["asked_for", log.table.keys[0]]):
        table = pa.Table.from_batches([batch])
        if log.versions not in there:
            kind = pa.string() if log.model is not None else pa.int64()
            table = table.append_column(log.versions, pa.nulls(table.num_rows, kind))
        yield table.select(log.columns)


def _in_parts(tables: Iterator[Any]) -> Iterator[Any]:
    """Join small tables to parts of about `ROWS` rows."""
    waiting, rows = [], 0
    for table in tables:
        waiting.append(table)
        rows += table.num_rows
        if rows >= ROWS:
            yield pa.concat_tables(waiting)
            waiting, rows = [], 0
    if rows:
        yield pa.concat_tables(waiting)


def _by_declaration(
    log: _Log, rows: Any, declarations: Declarations, unread: Unread
) -> Iterator[tuple[tuple[View, ...], Any]]:
    """Yield the rows of each declaration together, whichever releases have it."""
    by = ["version"] if log.model is not None else ["view", "model", "version"]
    parts: dict[tuple[str, ...], tuple[tuple[View, ...], list[Any]]] = {}
    for who in rows.group_by(by, use_threads=False).aggregate([]).to_pylist():
        released = declarations.views(log.model or who["model"], who["version"])
        if log.model is None:
            released = {name: view for name, view in released.items() if name == who["view"]}
        chosen = np.logical_and.reduce(
            [pc.equal(rows[name], who[name]).to_numpy(zero_copy_only=False) for name in by]
        )
        views = tuple(released.values())
        if not views or declarations.lacks(log.model or who["model"], who["version"]):
            unread.answers += int(chosen.sum())
        if not views:
            continue
        part = rows.filter(pa.array(chosen))
        parts.setdefault(declarations.digest(views), (views, []))[1].append(part)
    for views, tables in parts.values():
        yield views, pa.concat_tables(tables).combine_chunks()


def _read(log: _Log, views: tuple[View, ...], rows: Any, unread: Unread) -> Answers:
    """Read the JSON of some rows; those that are not what they should be are left out."""
    columns = {column.name: column for view in views for column in view.spine_columns}
    keys, broken = values_by_name(rows[log.request].to_pylist(), list(columns))
    spine: dict[str, Any] = {AT: rows["asked_for"]}
    for name, column in columns.items():
        values = [None if v is ABSENT else v for v in keys[name]]
        spine[name], unfit = as_array(values, arrow_type(column.kind, column.scale))
        broken = broken | unfit
    names = [f.full_name for view in views for f in view.features]
    served, not_json = values_by_name(rows["features"].to_pylist(), names)
    broken = broken | not_json
    held = _held(log, views, rows)
    ids = rows[log.table.keys[0]].to_pylist()
    table = pa.table(spine)
    if broken.any():
        unread.answers += int(broken.sum())
        good = np.flatnonzero(~broken).tolist()
        table = table.take(pa.array(good, pa.int64()))
        served = {name: [values[n] for n in good] for name, values in served.items()}
        held = {name: versions[good] for name, versions in held.items()}
        ids = [ids[n] for n in good]
    table = table.add_column(0, NUMBER, pa.array(np.arange(table.num_rows)))
    return Answers(views, ids, table, served, held)


def _held(log: _Log, views: tuple[View, ...], rows: Any) -> dict[str, Numbers]:
    stored = {v.name: v for view in views for v in view.stored}
    if log.model is None:
        held = pc.fill_null(rows[log.versions], UNKNOWN).to_numpy()
        return {name: np.asarray(held, dtype=np.int64) for name in stored}
    texts = rows[log.versions].combine_chunks().dictionary_encode()
    said = [_versions(text) for text in texts.dictionary.to_pylist()]
    places = pc.fill_null(texts.indices, len(said)).to_numpy(zero_copy_only=False)
    return {
        name: np.array([*(s.get(name, UNKNOWN) for s in said), UNKNOWN], np.int64)[places]
        for name in stored
    }


def _versions(text: str) -> dict[str, int]:
    """What a decision says of its views' tables; nothing where it says nothing that is sense."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    versions = said.items() if isinstance(said, dict) else ()
    return {name: v for name, v in versions if type(v) is int and v >= 0}
