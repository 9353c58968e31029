"""The tables that checks are made with, and awkward rows for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa

from lakehouse.declare import (
    Cleaned,
    Contract,
    Curated,
    Entity,
    Raw,
    Source,
    column,
    event_time,
    key,
)
from lakehouse.declare.durations import DAY
from lakehouse.declare.tables import Table
from lakehouse.engines.arrow_types import MICROSECONDS, arrow_schema
from lakehouse.language.provenance import KNOWN_AT
from lakehouse.times import microseconds

Fields = dict[str, Any]
"""A row by column name; times are int64 UTC microseconds, an absent column is null."""

NOON = microseconds(datetime(2024, 3, 15, 12, tzinfo=UTC))


class Movement(Contract):
    """Something that happened to a card in a shop; all but the key and the time may be null."""

    movement_id: str = key()
    card: str | None
    shop: str | None
    number: int | None
    amount_eur: Decimal | None = column(scale=2)
    points: int | None
    weight: float | None
    abroad: bool | None
    country: str | None
    booked_on: date | None
    settled_at: datetime | None
    happened_at: datetime = event_time()


class Customer(Contract):
    """What is known of a customer, without a time at which it happened."""

    customer_id: str = key()
    card: str
    segment: str | None


movements = Cleaned(
    "movements",
    Raw("movements_raw", Source("movement_feed", Movement, "movements/{delivered_at}.csv")),
)
customers = Cleaned(
    "customers",
    Raw("customers_raw", Source("customer_feed", Customer, "customers/{delivered_at}.csv")),
    on_conflict="history",
)
other_movements = Curated(
    "other_movements", "SELECT * FROM {movements}", inputs=(movements,), contract=Movement
)
card = Entity("card", key="card")
card_in_shop = Entity("card_in_shop", key=("card", "shop"))

CRITERIA: dict[str, Callable[[Fields], bool | None]] = {
    "country <> 'DE'": lambda row: None if row["country"] is None else row["country"] != "DE",
    "abroad": lambda row: row["abroad"],
    "not abroad or points > 10": lambda row: _or(
        None if row["abroad"] is None else not row["abroad"],
        None if row["points"] is None else row["points"] > 10,
    ),
    "amount_eur >= 10.05": lambda row: (
        None if row["amount_eur"] is None else row["amount_eur"] >= Decimal("10.05")
    ),
    "country is null": lambda row: row["country"] is None,
    "country in ('DE', 'FR') and points is not null": lambda row: (
        (None if row["country"] is None else row["country"] in ("DE", "FR"))
        if row["points"] is not None
        else False
    ),
}
"""Every `where` of the checks, and the same said in Python with SQL's unknown as None."""

EXPRESSIONS: dict[str, Callable[[Fields], Any]] = {
    "points - 3": lambda row: _with(lambda p: p - 3, row["points"]),
    "amount_eur * points": lambda row: _with(lambda a, p: a * p, row["amount_eur"], row["points"]),
    "amount_eur + 0.125": lambda row: _with(lambda a: a + Decimal("0.125"), row["amount_eur"]),
    "round(amount_eur, 0)": lambda row: _with(
        lambda a: a.quantize(Decimal(1), ROUND_HALF_UP), row["amount_eur"]
    ),
    "case when abroad then amount_eur else 0 end": lambda row: (
        row["amount_eur"] if row["abroad"] else Decimal("0.00")
    ),
    "points / 2": lambda row: _with(lambda p: p / 2, row["points"]),
    "weight * 2": lambda row: _with(lambda w: w * 2.0, row["weight"]),
    "points > 1": lambda row: _with(lambda p: p > 1, row["points"]),
    "coalesce(country, shop, 'none')": lambda row: next(
        (text for text in (row["country"], row["shop"]) if text is not None), "none"
    ),
    "date_trunc('day', settled_at)": lambda row: _with(
        lambda at: at // DAY * DAY, row["settled_at"]
    ),
    "nullif(booked_on, date '2024-01-02')": lambda row: (
        None if row["booked_on"] == date(2024, 1, 2) else row["booked_on"]
    ),
}
"""Expressions that aggregates of the checks are of, and the same said in Python."""


def operand_of(row: Fields, text: str) -> Any:
    """Return what a column or one of the expressions is in a row."""
    return EXPRESSIONS[text](row) if text in EXPRESSIONS else row[text]


def movement(at: int, known: int | None = None, **fields: Any) -> Fields:
    """Return a movement of card "a"; it is known when it happens unless `known` says otherwise."""
    row: Fields = dict.fromkeys(c.name for c in movements.columns)
    return row | {"card": "a", "happened_at": at, KNOWN_AT: at if known is None else known} | fields


def numbered(rows: Sequence[Fields]) -> list[Fields]:
    """Return movements with keys m0, m1, … in their order, where they have none."""
    return [row | {"movement_id": row["movement_id"] or f"m{n:05}"} for n, row in enumerate(rows)]


def table_of(table: Table, rows: Sequence[Fields]) -> Any:
    """Return rows of a table as Arrow, with the declared types and `_known_at`."""
    schema = arrow_schema(table.columns).append(pa.field(KNOWN_AT, MICROSECONDS))
    columns = [pa.array([row[f.name] for row in rows], type=f.type) for f in schema]
    return pa.table(columns, schema=schema)


def spine_of(moments: Sequence[tuple[Any, ...]], names: Sequence[str] = ("card",)) -> Any:
    """Return a spine of (key, …, at) with `row`, a number that tells its rows apart."""
    keys = {
        name: pa.array([asked[place] for asked in moments])
        if moments
        else pa.array([], pa.string())
        for place, name in enumerate(names)
    }
    at = pa.array([asked[-1] for asked in moments], type=MICROSECONDS)
    return pa.table({"row": pa.array(range(len(moments)), pa.int64()), **keys, "asked_at": at})


def fields_of(table: Any) -> list[Fields]:
    """Return an Arrow table's rows, times as UTC microseconds."""
    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            integers = table.column(place).cast(MICROSECONDS).cast(pa.int64())
            table = table.set_column(place, field.name, integers)
        elif pa.types.is_list(field.type) and pa.types.is_timestamp(field.type.value_type):
            times = table.column(place).cast(pa.list_(MICROSECONDS))
            table = table.set_column(place, field.name, times.cast(pa.list_(pa.int64())))
    rows: list[Fields] = table.to_pylist()
    return rows


def _with(plain: Callable[..., Any], *values: Any) -> Any:
    """Null where a value is."""
    return None if None in values else plain(*values)


def _or(one: bool | None, other: bool | None) -> bool | None:
    if one or other:
        return True
    return None if one is None or other is None else False
