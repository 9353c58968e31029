"""Pushed rows land as deliveries that the next run takes in, each once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.adapters.feast import pushed_rows
from lakehouse.context import Context
from lakehouse.declare import (
    Cleaned,
    Contract,
    Curated,
    Domain,
    Raw,
    Source,
    column,
    event_time,
    key,
)
from lakehouse.errors import LakehouseError
from lakehouse.zones.cleaned import clean
from lakehouse.zones.raw import take_in

AT = datetime(2024, 3, 15, 12, 0, 0, 5, tzinfo=UTC)


class Sale(Contract):
    """Something sold."""

    sale_id: str = key()
    shop: str | None
    amount_eur: Decimal | None = column(scale=2)
    online: bool
    sold_at: datetime = event_time(known=True)


ROWS: list[dict[str, Any]] = [
    {
        "sale_id": "1",
        "shop": 'Ö, "x"',
        "amount_eur": Decimal("0.10"),
        "online": True,
        "sold_at": AT,
    },
    {"sale_id": "2", "shop": None, "amount_eur": None, "online": False, "sold_at": AT},
]


def sales(path: str) -> Cleaned:
    return Cleaned("sales", Raw("sales_raw", Source("sale_feed", Sale, path)))


@pytest.mark.parametrize("path", ["sales/*.csv", "sales/*", "*.jsonl", "all/of/it/s-*.csv"])
def test_rows_come_through_as_they_were_pushed_and_once(
    path: str,
    make_context: Callable[..., Context],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = sales(path)
    ctx = make_context(Domain("shops", description="Shops.", tables=(table,)))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(ctx.home.path))
    for _ in range(2):
        pushed_rows.land(ctx.domain, table, pa.Table.from_pylist(ROWS))
        take_in(ctx, table.raw)
        clean(ctx, table)
    found = ctx.engine.to_arrow(ctx.read(table)).select(list(ROWS[0])).to_pylist()
    assert sorted(found, key=lambda row: str(row["sale_id"])) == ROWS
    left = [p.name for p in ctx.home.landing("shops").rglob("*") if p.name.startswith(".")]
    assert left == []


@pytest.mark.parametrize(
    "path", ["sales/{delivered_at}.csv", "*/x.csv", "sales/*.parquet", "s.csv"]
)
def test_a_source_that_takes_no_file_of_any_name_takes_none_of_ours(
    path: str, make_context: Callable[..., Context], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = sales(path)
    ctx = make_context(Domain("shops", description="Shops.", tables=(table,)))
    monkeypatch.setenv("LAKEHOUSE_HOME", str(ctx.home.path))
    with pytest.raises(LakehouseError, match="cannot land there"):
        pushed_rows.land(ctx.domain, table, pa.Table.from_pylist(ROWS))
    made = Curated("made", "SELECT * FROM {sales}", inputs=(table,), contract=Sale)
    with pytest.raises(LakehouseError, match="made by SQL from sales"):
        pushed_rows.land(ctx.domain, made, pa.Table.from_pylist(ROWS))
