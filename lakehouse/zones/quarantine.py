"""Quarantine: rows that broke their contract or their key, listed, and checked again."""

from __future__ import annotations

from typing import Any

from lakehouse.context import Context
from lakehouse.declare.tables import Cleaned
from lakehouse.language.provenance import BATCH, DELIVERY, IDENTITY, REASONS, ROW
from lakehouse.records.deliveries import paths_of
from lakehouse.zones.cleaning_runs import Runs
from lakehouse.zones.cleanup import Cleanup, total
from lakehouse.zones.violation import masked


def listed(ctx: Context, table: Cleaned, limit: int = 5) -> list[dict[str, Any]]:
    """Count quarantined rows per column and failed check, most first, with up to `limit` examples.

    Each entry has `column` (empty for a line that did not parse, all key columns for a conflict),
    `check`, `rows` and `examples`: texts with the file, the row and the value as delivered. A
    personal column's value is `***`, as is a whole line of a contract with any. A row that fails
    several checks counts in each.
    """
    ref = ctx.table("quarantine", table.name)
    if not ref.exists():
        return []
    engine = ctx.engine
    rows = engine.read(ref, columns=[*IDENTITY, BATCH, REASONS])
    each = engine.query(
        "SELECT `_delivery`, `_row`, `_batch`, r.`column` AS `column`, r.`check` AS `check`, "
        "r.`value` AS `value` FROM (SELECT `_delivery`, `_row`, `_batch`, "
        "EXPLODE(`_reasons`) AS r FROM quarantine) q",
        {"quarantine": rows},
    )
    found = engine.to_arrow(
        engine.query(
            "SELECT * FROM (SELECT *, "
            "COUNT(*) OVER (PARTITION BY `column`, `check`) AS `rows`, "
            "ROW_NUMBER() OVER (PARTITION BY `column`, `check` "
            "ORDER BY `_batch`, `_delivery`, `_row`) AS `rank` FROM each_reason) e "
            f"WHERE `rank` <= {max(limit, 1)} ORDER BY `rows` DESC, `column`, `check`, `rank`",
            {"each_reason": each},
        )
    ).to_pylist()
    paths = paths_of(ctx.records, sorted({row[DELIVERY] for row in found}))
    entries: dict[tuple[str, str], dict[str, Any]] = {}
    for row in found:
        entry = entries.setdefault(
            (row["column"], row["check"]),
            {"column": row["column"], "check": row["check"], "rows": row["rows"], "examples": []},
        )
        if len(entry["examples"]) < limit:
            where = f"{paths.get(row[DELIVERY], row[DELIVERY])} row {row[ROW]}"
            value = masked(table.contract, row)
            entry["examples"].append(where if value is None else f"{where}: {value}")
    return list(entries.values())


def replay(ctx: Context, table: Cleaned) -> Cleanup:
    """Check quarantined rows again by the present contract and return what became of them.

    Rows that pass now go to cleaned, or to set_aside where their key says so; the others stay,
    with the reasons of today. A row that once was quarantined is never dropped, and never stops a
    run. With nothing to change there is no commit. Safe to repeat after a crash at any moment.
    """
    runs = Runs(ctx, table)
    done = runs.finish()
    done.append(runs.replay(runs.next_number("replay")))
    return total(done)
