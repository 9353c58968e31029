"""The online store as its users change it: views brought up to date, rows pushed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from lakehouse.context import Context
from lakehouse.declare.tables import Table
from lakehouse.errors import LakehouseError
from lakehouse.features.online.stores.opening import open_store
from lakehouse.features.online.write import materialise as materialising
from lakehouse.features.online.write.known_time import whole_row
from lakehouse.features.online.write.materialise import Materialised
from lakehouse.features.online.write.push import TablePusher
from lakehouse.features.typed_rows import never_null, typed_row


def materialise(
    ctx: Context,
    name: str | None = None,
    full: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> dict[str, Materialised]:
    """Bring one stored view up to date, or all of the domain; returns what each holds.

    The caller holds the lake's writer lock.
    """
    views = ctx.domain.stored_views if name is None else (ctx.domain.stored_view(name),)
    if since is None and until is None:
        return {view.name: materialising.materialise(ctx, view, full=full) for view in views}
    if since is None or until is None or full:
        raise LakehouseError(
            "An interval has a beginning and an end, and stands without full: give both of them, "
            "or neither."
        )
    return {view.name: materialising.backfill(ctx, view, since, until) for view in views}


def push(ctx: Context, table: str, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Push rows of a table into every materialised view of it; returns their names."""
    ctx.check_present("pushing rows")
    of = ctx.domain.table(table)
    given = [_row(ctx, of, row, f"Row {number}") for number, row in enumerate(rows)]
    store = open_store(ctx.home, ctx.domain.name, ctx.online)
    try:
        pusher = TablePusher(store, of, ctx.domain.stored_views)
        pusher.push(given)
        return list(pusher.views)
    finally:
        store.close()


def _row(ctx: Context, table: Table, row: Mapping[str, Any], where: str) -> dict[str, Any]:
    values = typed_row(table, row, f"{where} of table '{table.name}'")
    for column in table.columns:
        never_null(column, values, f"{where} of table '{table.name}'")
    return whole_row(table, values, ctx.clock)
