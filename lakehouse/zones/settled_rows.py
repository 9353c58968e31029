"""Settled rows as the rows of three tables: quarantine, set_aside and cleaned."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.declare.tables import Cleaned
from lakehouse.engines.protocol import Frame
from lakehouse.language.provenance import CARRIED, DELETE, FATE, IDENTITY, OF_SET_ASIDE, UNPARSED
from lakehouse.language.sql import literals
from lakehouse.zones.checks import TEXT, reason, reasons
from lakehouse.zones.pending import Pending
from lakehouse.zones.settling import Settled


def quarantine_rows(settled: Settled) -> Frame | None:
    """The pending rows for quarantine, as text with every reason; None if there are none.

    Rows that break their contract come here unless the table drops them; rows in conflict with
    their key always do, whatever becomes of broken ones.
    """
    parts = []
    if settled.failed and settled.pending.table.on_violation != "drop":
        parts.append(broken_rows(settled))
    if settled.count("conflict"):
        parts.append(conflict_rows(settled))
    if not parts:
        return None
    frames = {f"part_{i}": part for i, part in enumerate(parts)}
    sql = " UNION ALL ".join(f"SELECT * FROM {name}" for name in frames)
    return settled.pending.ctx.engine.query(sql, frames)


def broken_rows(settled: Settled) -> Frame:
    """The pending rows that fail a check of their own, with all their reasons."""
    pending = settled.pending
    return pending.ctx.engine.query(
        f"SELECT {_texts(pending, 'j')}, {reasons(pending.table.contract)} AS `_reasons` "
        "FROM judged j WHERE `_failed`",
        {"judged": settled.judged},
    )


def conflict_rows(settled: Settled) -> Frame:
    """The pending rows whose key stands with other content, and the row it stands in."""
    pending, engine = settled.pending, settled.pending.ctx.engine
    keys = ", ".join(pending.table.keys)
    by = "CONCAT(f.`_by_delivery`, ' row ', CAST(f.`_by_row` AS STRING))"
    return engine.query(
        f"SELECT {_texts(pending, 'j')}, ARRAY({reason(keys, 'conflict', by)}) AS `_reasons` "
        f"FROM judged j JOIN fates f ON {literals.same(IDENTITY, 'f', 'j')}",
        {"judged": settled.judged, "fates": engine.from_arrow(_with_fate(settled, "conflict"))},
    )


def quarantine_changes(settled: Settled, rows: Frame) -> pa.Table | None:
    """What a replay changes in quarantine, whose rows are `rows`; None where that is nothing.

    Rows that leave carry `_delete`; those that stay are there if their reasons changed.
    """
    engine = settled.pending.ctx.engine
    staying = [broken_rows(settled)] if settled.failed else []
    if settled.count("conflict"):
        staying.append(conflict_rows(settled))
    columns = literals.names(engine.columns(rows))
    frames = {f"part_{i}": part for i, part in enumerate(staying)}
    stay = " UNION ALL ".join(f"SELECT * FROM {name}" for name in frames)
    stay = stay or "SELECT * FROM quarantine WHERE FALSE"
    same = literals.same(IDENTITY, "s", "q")
    changes = engine.to_arrow(
        engine.query(
            f"WITH stay AS ({stay}) "
            f"SELECT {columns}, TRUE AS `_delete` FROM quarantine q "
            f"WHERE NOT EXISTS (SELECT 1 FROM stay s WHERE {same}) UNION ALL "
            f"SELECT {columns}, FALSE AS `_delete` FROM stay s WHERE EXISTS (SELECT 1 FROM "
            f"quarantine q WHERE {same} AND NOT (s.`_reasons` <=> q.`_reasons`))",
            frames | {"quarantine": rows},
        )
    )
    return changes if changes.num_rows else None


def aside_rows(settled: Settled) -> tuple[Frame | None, bool]:
    """The rows for set_aside, or None; and if rows that lie there change, so that it is a merge.

    A merge carries `_delete` for rows that come back from there.
    """
    engine, parts = settled.pending.ctx.engine, []
    if settled.dropped:
        parts.append(
            engine.query(
                "SELECT `_delivery`, `_row`, `_batch`, 'dropped' AS `_fate`, "
                "CAST(NULL AS STRING) AS `_by_delivery`, CAST(NULL AS BIGINT) AS `_by_row`, "
                "FALSE AS `_delete` FROM judged WHERE `_failed`",
                {"judged": settled.judged},
            )
        )
    merges = False
    if settled.fates is not None:
        fates = settled.fates
        merges = bool(pc.any(fates["_in_aside"]).as_py())
        parts.append(
            engine.query(
                f"SELECT {literals.names(OF_SET_ASIDE)}, `_fate` = 'kept' AS `_delete` FROM fates "
                "WHERE `_fate` IN ('duplicate', 'superseded') OR "
                "(`_fate` = 'kept' AND `_in_aside`)",
                {"fates": engine.from_arrow(fates)},
            )
        )
        if not merges and not (settled.count("duplicate") or settled.count("superseded")):
            parts.pop()
    if not parts:
        return None, False
    frames = {f"part_{i}": part for i, part in enumerate(parts)}
    columns = literals.names([*OF_SET_ASIDE, DELETE] if merges else OF_SET_ASIDE)
    sql = " UNION ALL ".join(f"SELECT {columns} FROM {name}" for name in frames)
    return engine.query(sql, frames), merges


def cleaned_rows(settled: Settled) -> tuple[Frame, bool]:
    """The typed rows for the cleaned table; and if others leave it, so that it is a merge.

    A merge carries `_delete` for rows that another one displaced.
    """
    table, engine = settled.pending.table, settled.pending.ctx.engine
    columns = typed_columns(table)
    if settled.fates is None:
        return settled.alone, False
    fates: pa.Table = settled.fates
    leaving = pc.and_(fates["_in_cleaned"], pc.not_equal(fates[FATE], "kept"))
    merges = bool(pc.any(leaving).as_py())
    delete = ", FALSE AS `_delete`" if merges else ""
    sql = (
        f"SELECT {columns}{delete} FROM alone UNION ALL "
        f"SELECT {columns}{delete} FROM fates WHERE `_fate` = 'kept' AND NOT `_in_cleaned`"
    )
    if merges:
        sql += (
            f" UNION ALL SELECT {columns}, TRUE AS `_delete` FROM fates "
            "WHERE `_fate` <> 'kept' AND `_in_cleaned`"
        )
    frames: dict[str, Any] = {"alone": settled.alone, "fates": engine.from_arrow(fates)}
    return engine.query(sql, frames), merges


def typed_columns(table: Cleaned) -> str:
    """The columns of a cleaned table: the contract's in declared order, then provenance."""
    return literals.names([*(c.name for c in table.columns), *CARRIED])


def _with_fate(settled: Settled, fate: str) -> pa.Table:
    assert settled.fates is not None, "rows have a fate only where keys meet"
    return settled.fates.filter(pc.equal(settled.fates[FATE], fate))


def _texts(pending: Pending, of: str) -> str:
    texts = [f"{of}.{literals.name(TEXT + c)} AS {literals.name(c)}" for c in pending.delivered]
    return ", ".join([*texts, *(literals.names((UNPARSED, *CARRIED), of).split(", "))])
