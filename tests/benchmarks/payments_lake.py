"""The lakes that the offline benchmarks read: payments, moments to ask for, stored values.

Everything is a Delta table. `asked` holds as many moments as there are payments, none of them an
event's time: keys of a payment drawn at random, and a microsecond of the history drawn at random,
in no order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from feature_repo.payments_fraud.features import WINDOWS, at_payment, card, terminal
from feature_repo.payments_fraud.sources import payments
from feature_repo.payments_fraud.tables import reported_frauds
from lakehouse.context import Context
from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Domain,
    FeatureView,
    LatestView,
    Raw,
    Source,
    Sum,
    column,
    event_time,
    last,
)
from lakehouse.declare import key as key_column
from lakehouse.engines.arrow_types import MICROSECONDS
from lakehouse.engines.protocol import Engine, Transaction, load
from lakehouse.features.historical import historical
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.records.home import Home
from lakehouse.records.store import CodeVersion, Records
from lakehouse.storage.tables import TableRef

DAYS = {"1d": 1, "7d": 7, "30d": 30}
KEYS = ("card_id", "terminal_id")
AT = "asked_at"
VALUES = ("v1", "v2", "v3", "v4", "v5", "v6")
ROWS_A_COMMIT = 2_000_000

PLAIN = tuple(
    FeatureView(
        f"by_{entity.name}",
        of=payments,
        by=entity,
        payments=Count(over=last(*WINDOWS)),
        spend=Sum("amount_eur", over=last(*WINDOWS)),
    )
    for entity in (card, terminal)
)
"""Twelve windowed features of two keys: counts and exact sums of 1, 7 and 30 days."""


class CardValues(Contract):
    payment_id: str = key_column()
    card_id: str
    v1: int
    v2: int
    v3: int
    v4: Decimal = column(scale=2)
    v5: Decimal = column(scale=2)
    v6: Decimal = column(scale=2)
    at: datetime = event_time(known=True)


class TerminalValues(Contract):
    payment_id: str = key_column()
    terminal_id: str
    v1: int
    v2: int
    v3: int
    v4: Decimal = column(scale=2)
    v5: Decimal = column(scale=2)
    v6: Decimal = column(scale=2)
    at: datetime = event_time(known=True)


def _stored(name: str, contract: type[Contract]) -> Cleaned:
    return Cleaned(name, Raw(f"{name}_raw", Source(f"{name}_feed", contract, f"{name}/*.csv")))


card_values = _stored("card_values", CardValues)
terminal_values = _stored("terminal_values", TerminalValues)
LATEST = (
    LatestView("of_card", of=card_values, by=card, columns=VALUES),
    LatestView("of_terminal", of=terminal_values, by=terminal, columns=VALUES),
)
"""Twelve stored columns of two keys."""


def open_context(home: Path, engine: Engine | None = None) -> Context:
    domain = Domain("payments_fraud", description="", views=(*PLAIN, *LATEST, at_payment))
    made = Home.create(home, "data")
    records = Records(home / "records.db", lambda: datetime(2018, 10, 1, tzinfo=UTC))
    code = CodeVersion("bench")
    return Context(made, records, engine or load("embedded"), domain, code)


def handbook(days: int) -> Iterator[Any]:
    """The handbook's payments, as its simulator draws them."""
    from feature_repo.payments_fraud.generator.simulator import simulate

    yield simulate(days=days)


def make_lake(home: Path, world: Iterable[Any]) -> int:
    """Write a world's payments, its reported frauds and the moments asked for; their number."""
    ctx = open_context(home)
    rows = 0
    for commit, table in enumerate(_in_commits(world)):
        amount = table.column("amount_eur").cast(pa.decimal128(18, 2))
        table = table.set_column(table.column_names.index("amount_eur"), "amount_eur", amount)
        taken = table.select([c.name for c in payments.columns])
        _write(ctx, ctx.table_of(payments), _known(taken, "paid_at", 0), commit)
        frauds = table.filter(pc.greater(table.column("fraud_scenario"), 0))
        reported = _known(frauds.select([c.name for c in reported_frauds.columns]), "paid_at", 7)
        _write(ctx, ctx.table_of(reported_frauds), reported, commit)
        rows += table.num_rows
    _write_asked(ctx, home)
    return rows


def store_values(ctx: Context) -> None:
    """Compute the windows of every payment once, and keep their values as tables of their own."""
    spine = ctx.read(payments, columns=[c.name for c in payments.columns])
    computed = historical(ctx, spine, "paid_at", PLAIN)
    for view, table in zip(PLAIN, (card_values, terminal_values), strict=True):
        names = [f"`{f.full_name}` AS {v}" for f, v in zip(view.features, VALUES, strict=True)]
        (entity,) = view.by.keys
        rows = ctx.engine.query(
            f"SELECT payment_id, {entity}, {', '.join(names)}, paid_at AS at, "
            f"paid_at AS {KNOWN_AT} FROM computed",
            {"computed": computed},
        )
        place = ctx.table_of(table)
        ctx.engine.write(place, rows, "append", Transaction("bench", 1))


def asked_table(home: Path) -> TableRef:
    return TableRef.in_folder(home / "asked")


def files(table: TableRef) -> list[str]:
    """The Parquet files of a Delta table, for peers that read no Delta."""
    return [str(table.folder / name) for name in table.files()]


def _in_commits(world: Iterable[Any]) -> Iterator[pa.Table]:
    held: list[pa.Table] = []
    for given in world:
        held.append(given if isinstance(given, pa.Table) else pa.Table.from_batches([given]))
        if sum(table.num_rows for table in held) >= ROWS_A_COMMIT:
            yield pa.concat_tables(held)
            held = []
    if held:
        yield pa.concat_tables(held)


def _known(table: pa.Table, of: str, days: int) -> pa.Table:
    return table.append_column(KNOWN_AT, pc.add(table.column(of), pa.scalar(timedelta(days=days))))


def _write(ctx: Context, table: TableRef, rows: pa.Table, commit: int) -> None:
    ctx.engine.write(table, ctx.engine.from_arrow(rows), "append", Transaction("bench", commit))


def _write_asked(ctx: Context, home: Path) -> None:
    """Write moments all over the history for keys of each commit's payments."""
    random = np.random.default_rng(0)
    source = ctx.table_of(payments)
    times = ctx.engine.to_arrow(
        ctx.engine.query(
            "SELECT min(paid_at) AS first_at, max(paid_at) AS last_at FROM p",
            {"p": ctx.engine.read(source)},
        )
    )
    first, end = (times.column(n).cast(pa.int64())[0].as_py() for n in ("first_at", "last_at"))
    for commit, file in enumerate(sorted(files(source))):
        keys = parquet.read_table(file, columns=list(KEYS))
        rows = keys.take(pa.array(random.integers(0, keys.num_rows, keys.num_rows)))
        at = pa.array(random.integers(first, end, rows.num_rows)).cast(MICROSECONDS)
        _write(ctx, asked_table(home), rows.append_column(AT, at), commit)
