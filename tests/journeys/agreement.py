"""What two lakes of the same deliveries must share, whichever engine made them or computes now."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa

from lakehouse import Lake
from lakehouse.context import Context
from lakehouse.engines.embedded import EmbeddedEngine
from lakehouse.features.historical import historical
from lakehouse.records.home import Home
from lakehouse.sdk import composition
from lakehouse.training.training_set import build
from lakehouse.zones.balance import balance
from lakehouse.zones.digest import digest

NOT_CONTENT = {"_batch", "_arrived_at"}
"""Which run took a row in and when: the only columns that may differ."""

AWKWARD_ROWS = (
    "payment_id,card_id,terminal_id,amount_eur,paid_at\n"
    "X1,C1,T1,10.00,2018-04-02T00:00:00Z\n"
    "X1,C1,T1,10.00,2018-04-02T00:00:00Z\n"
    "X1,C1,T1,11.00,2018-04-02T00:00:00Z\n"
    "X2,C1,T1,-1.00,2018-04-31T00:00:00Z\n"
    "X3,C1\n"
)
"""A duplicate, a conflict, a row with two failed checks and one that does not parse."""


def payments_lake(path: Any) -> Home:
    """An empty lake on its data's clock, with payments gone wrong waiting in it."""
    home = Home.create(path, "data")
    landing = home.landing("payments_fraud")
    (landing / "payments").mkdir(parents=True)
    (landing / "payments" / "corrections.csv").write_text(AWKWARD_ROWS)
    return home


def stored(ctx: Context, entities: int = 20) -> dict[str, Any]:
    """What a lake holds: a digest of each table, and some entities' values in the online store.

    Raises AssertionError where a table's account of its rows does not balance.
    """
    embedded = replace(ctx, engine=EmbeddedEngine())
    for table in ctx.domain.cleaned:
        assert balance(embedded, table).holds, table.name
    found: dict[str, Any] = {}
    for table in ctx.catalog.tables():
        found[table.id] = _digest(embedded.engine.to_arrow(embedded.engine.read(table)))
    for view in ctx.domain.stored_views:
        found[f"online/{view.name}"] = _online(embedded, view, entities)
    return found


def computed(ctx: Context, moments: int = 300, seed: int = 4) -> dict[str, Any]:
    """What the context's engine computes: past features, and the first model's training set.

    Features are asked for a random choice of the training set's own rows, half of them at a
    moment up to a week later. `filled` is how many values are neither null nor zero, of `values`.
    """
    training_set = ctx.domain.models[0].learns_from
    spine, at = _spine(replace(ctx, engine=EmbeddedEngine()), training_set, moments, seed)
    views = (*training_set.stored_views, *training_set.request_views)
    frame = historical(ctx, ctx.engine.from_arrow(spine), at, views)
    rows = ctx.engine.to_arrow(frame).sort_by("asked")
    names = [f.full_name for f in training_set.features]
    values = [value for name in names for value in rows[name].to_pylist()]
    return {
        "historical": digest(rows, ["asked"], rows.column_names),
        "rows": rows.num_rows,
        "values": len(values),
        "filled": sum(bool(value) for value in values),
        "training": build(ctx, training_set, ctx.clock()).digest,
    }


def _spine(ctx: Context, training_set: Any, moments: int, seed: int) -> tuple[pa.Table, str]:
    table, at = training_set.table, training_set.table.event_time
    columns = dict.fromkeys([*table.keys, at, *(c.name for c in training_set.request.columns)])
    rows = ctx.engine.to_arrow(ctx.read(table, columns=list(columns)))
    rows = rows.sort_by([(key, "ascending") for key in table.keys])
    draw = random.Random(seed)
    chosen = rows.take(sorted(draw.sample(range(rows.num_rows), min(moments, rows.num_rows))))
    times = [
        time + timedelta(microseconds=draw.randrange(7 * 86_400_000_000) if number % 2 else 0)
        for number, time in enumerate(chosen[at].to_pylist())
    ]
    place = chosen.column_names.index(at)
    moved = chosen.set_column(place, at, pa.array(times, chosen.schema.field(at).type))
    return moved.append_column("asked", pa.array(range(moved.num_rows), pa.int64())), at


def _online(ctx: Context, view: Any, entities: int) -> list[dict[str, Any]]:
    lake = Lake(ctx.home.path)
    keys = list(view.by.keys)
    known = ctx.engine.to_arrow(ctx.read(view.of, columns=keys)).group_by(keys).aggregate([])
    chosen = known.sort_by([(key, "ascending") for key in keys]).slice(0, entities).to_pylist()
    return [lake.online_features(ctx.domain.name, view.name, e, ctx.clock()) for e in chosen]


def _digest(table: pa.Table) -> str:
    if "_reasons" in table.column_names:
        texts = [json.dumps(reasons) for reasons in table["_reasons"].to_pylist()]
        table = table.drop_columns("_reasons").append_column("_reasons", pa.array(texts))
    columns = [c for c in sorted(table.column_names) if c not in NOT_CONTENT]
    return digest(table, _first(columns, ("_delivery", "_row", "payment_id")), columns)


def _first(columns: Sequence[str], wanted: Sequence[str]) -> list[str]:
    return [c for c in wanted if c in columns]


def main(arguments: Sequence[str]) -> None:
    """Print what an engine computes for a lake: `agreement.py LAKE DOMAIN ENGINE MOMENTS`."""
    home, domain, engine, moments = arguments
    ctx = composition.open_context(composition.open_home(home), domain, engine)
    print(json.dumps(computed(ctx, int(moments))))


if __name__ == "__main__":
    main(sys.argv[1:])
