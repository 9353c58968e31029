"""Features at past moments, from tables in a lake to request-time expressions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from lakehouse.context import Context
from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Curated,
    Domain,
    Entity,
    FeatureView,
    LatestView,
    Max,
    Raw,
    RequestView,
    Source,
    Sum,
    column,
    event_time,
    key,
    last,
)
from lakehouse.engines.arrow_types import arrow_schema
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import DeclarationError, LakehouseError
from lakehouse.features.historical import historical

NOON = datetime(2024, 3, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    amount_eur: Decimal = column(scale=2)
    country: str | None
    paid_at: datetime = event_time(known=True)


class Reported(Contract):
    payment_id: str = key()
    card_id: str
    paid_at: datetime = event_time()


class Card(Contract):
    card_id: str = key()
    tier: str | None


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "p/*.csv")))
cards = Cleaned(
    "cards",
    Raw("cards_raw", Source("card_feed", Card, "c/{delivered_at}.csv")),
    on_conflict="latest",
)
reported = Curated("reported", "SELECT * FROM {payments}", inputs=(payments,), contract=Reported)
card = Entity("card", key="card_id")
spend = FeatureView(
    "spend",
    of=payments,
    by=card,
    n=Count(over=last("1h", "1d")),
    total=Sum("amount_eur", over=last("1d")),
    most=Max("amount_eur", over=last("1d")),
    abroad=Count(where="country <> 'DE'", over=last("1d")),
)
frauds = FeatureView("frauds", of=reported, by=card, n=Count(over=last("30d")))
held = LatestView("held", of=cards, by=card, columns=("tier",))
now = RequestView(
    "now",
    request=Payment,
    uses=(spend, held),
    share="amount_eur / (spend.total_1d + amount_eur)",
    new_total="spend.total_1d + amount_eur",
    count="spend.n_1d + 1",
    gold="held.tier = 'gold'",
    night="hour(paid_at) <= 6",
)
domain = Domain("shop", description="", views=(spend, frauds, held, now))

PAYMENTS = [
    ("p1", "a", Decimal("10.00"), "DE", NOON - DAY),
    ("p2", "a", Decimal("5.50"), "FR", NOON - 2 * HOUR),
    ("p3", "a", Decimal("4.50"), None, NOON - HOUR),
    ("p4", "b", Decimal("1.00"), "DE", NOON - HOUR),
    ("p5", "a", Decimal("99.00"), "DE", NOON),
]
REPORTED = [
    ("p1", "a", NOON - DAY, NOON - DAY + 7 * HOUR),
    ("p2", "a", NOON - 2 * HOUR, NOON + DAY),
]
CARDS = [("a", "gold", NOON - DAY), ("a", None, NOON), ("b", "new", NOON + HOUR)]


@pytest.fixture
def ctx(make_context: Callable[..., Context]) -> Context:
    ctx = make_context(domain)
    write(ctx, payments, [(*row, row[-1]) for row in PAYMENTS])
    write(ctx, reported, REPORTED)
    write(ctx, cards, CARDS)
    return ctx


def write(ctx: Context, table: Any, rows: Sequence[Sequence[Any]], batch: int = 1) -> None:
    schema = arrow_schema(table.columns).append(pa.field("_known_at", pa.timestamp("us", "UTC")))
    columns = zip(*rows, strict=True)
    arrays = [pa.array(values, type=f.type) for values, f in zip(columns, schema, strict=True)]
    frame = ctx.engine.from_arrow(pa.table(arrays, schema=schema))
    path = ctx.table_of(table)
    ctx.engine.write(path, frame, "append", Transaction("test", batch))


def spine(*asked: tuple[str | None, datetime], amount: str = "20.00") -> pa.Table:
    count = len(asked)
    return pa.table(
        {
            "card_id": pa.array([c for c, _ in asked], pa.string()),
            "paid_at": pa.array([at for _, at in asked], pa.timestamp("us", "UTC")),
            "amount_eur": pa.array([Decimal(amount)] * count, pa.decimal128(12, 2)),
        }
    )


def ask(ctx: Context, table: pa.Table, *views: Any, **options: Any) -> list[dict[str, Any]]:
    frame = historical(ctx, ctx.engine.from_arrow(table), "paid_at", views, **options)
    rows: list[dict[str, Any]] = ctx.engine.to_arrow(frame).to_pylist()
    return rows


def test_stored_and_request_features_stand_beside_the_spine(ctx: Context) -> None:
    row, other = ask(ctx, spine(("a", NOON), ("b", NOON)), now, frauds)
    assert row == {
        "card_id": "a",
        "paid_at": NOON,
        "amount_eur": Decimal("20.00"),
        "spend__n_1h": 1,
        "spend__n_1d": 3,
        "spend__total_1d": Decimal("20.00"),
        "spend__most_1d": Decimal("10.00"),
        "spend__abroad_1d": 1,
        "held__tier": None,
        "frauds__n_30d": 1,
        "now__share": 0.5,
        "now__new_total": 40.0,
        "now__count": 4,
        "now__gold": None,
        "now__night": False,
    }
    assert (other["spend__n_1d"], other["held__tier"], other["frauds__n_30d"]) == (1, None, 0)


def test_values_grow_as_rows_become_known(ctx: Context) -> None:
    moments = [NOON - DAY, NOON - DAY + 7 * HOUR - HOUR / 60, NOON - DAY + 7 * HOUR, NOON + DAY]
    rows = ask(ctx, spine(*[("a", at) for at in moments]), frauds, held)
    assert [row["frauds__n_30d"] for row in rows] == [0, 0, 1, 2]
    assert [row["held__tier"] for row in rows] == ["gold", "gold", "gold", None]


def test_spine_comes_back_in_its_order_with_every_row(ctx: Context) -> None:
    asked = [("b", NOON), ("a", NOON), ("zz", NOON), (None, NOON), ("a", NOON - HOUR), ("b", NOON)]
    table = spine(*asked).append_column("note", pa.array(["x", None, "x", "y", None, "x"]))
    rows = ask(ctx, table, spend)
    assert [(row["card_id"], row["paid_at"]) for row in rows] == asked
    assert [row["note"] for row in rows] == ["x", None, "x", "y", None, "x"]
    assert [row["spend__n_1d"] for row in rows] == [1, 3, 0, 0, 2, 1]


def test_empty_spine_gives_the_columns_and_no_rows(ctx: Context) -> None:
    frame = historical(ctx, ctx.engine.from_arrow(spine()), "paid_at", [now])
    found = ctx.engine.to_arrow(frame)
    assert found.num_rows == 0
    assert found.schema.field("now__share").type == pa.float64()
    assert found.schema.field("spend__total_1d").type == pa.decimal128(18, 2)


def test_decimals_of_request_views_come_as_floats(ctx: Context) -> None:
    frame = historical(ctx, ctx.engine.from_arrow(spine(("a", NOON))), "paid_at", [now])
    types = {f.name: str(f.type) for f in ctx.engine.to_arrow(frame).schema}
    assert {name: types[f"now__{name}"] for name in ("share", "new_total", "count", "gold")} == {
        "share": "double",
        "new_total": "double",
        "count": "int64",
        "gold": "bool",
    }


def test_pinned_context_sees_the_version_of_then(ctx: Context) -> None:
    write(ctx, payments, [("p9", "b", Decimal("7.00"), "DE", NOON - HOUR, NOON - HOUR)], batch=2)
    pins = {f"cleaned/shop/{payments.name}": 0}
    assert ask(ctx, spine(("b", NOON)), spend)[0]["spend__n_1d"] == 2
    assert ask(replace(ctx, pins=pins), spine(("b", NOON)), spend)[0]["spend__n_1d"] == 1


def test_run_notes_every_table_read_with_its_version(ctx: Context) -> None:
    write(ctx, payments, [("p9", "b", Decimal("7.00"), "DE", NOON - HOUR, NOON - HOUR)], batch=2)
    with ctx.run("features", "test") as run:
        ask(ctx, spine(("b", NOON)), now, frauds, run=run)
        assert run.reads == {
            "cleaned/shop/payments": 1,
            "cleaned/shop/cards": 0,
            "curated/shop/reported": 0,
        }


def test_views_of_one_table_share_one_pruned_read(ctx: Context) -> None:
    by_country = FeatureView(
        "by_country",
        of=payments,
        by=Entity("place", key=("country", "card_id")),
        delay="1d",
        n=Count(over=last("7d")),
    )
    engine: Any = Spy(ctx.engine)
    table = spine(("a", NOON)).append_column("country", pa.array(["FR"]))
    rows = ask(replace(ctx, engine=engine), table, spend, by_country)
    assert (rows[0]["spend__n_1d"], rows[0]["by_country__n_7d"]) == (3, 0)
    assert len(engine.reads) == 1
    assert sorted(engine.reads[0]["columns"]) == [
        "_known_at",
        "amount_eur",
        "card_id",
        "country",
        "paid_at",
    ]
    assert engine.reads[0]["where"] == (
        "(`paid_at` >= TIMESTAMP '2024-03-07 12:00:00.000000+00:00' "
        "AND `paid_at` < TIMESTAMP '2024-03-15 12:00:00.000000+00:00') "
        "AND ((`card_id` IN ('a')) OR (`country` IN ('FR') AND `card_id` IN ('a')))"
    )


class Spy:
    """An engine that notes how tables are read."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.reads: list[dict[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def read(self, table: Any, version: Any, **options: Any) -> Any:
        self.reads.append(options)
        return self._engine.read(table, version, **options)


def test_moment_without_a_zone_is_one_of_utc(ctx: Context) -> None:
    table = spine(("a", NOON))
    naive = table.set_column(1, "paid_at", table.column("paid_at").cast(pa.timestamp("s")))
    assert ask(ctx, naive, spend)[0]["spend__n_1d"] == 3


def test_spine_without_a_needed_column_is_refused(ctx: Context) -> None:
    with pytest.raises(LakehouseError, match="The spine has no column 'card_id'"):
        ask(ctx, spine(("a", NOON)).drop_columns("card_id"), spend)
    with pytest.raises(LakehouseError, match="for view 'now', has no column 'amount_eur'"):
        ask(ctx, spine(("a", NOON)).drop_columns("amount_eur"), now)


def test_amount_that_comes_as_a_float_is_refused(ctx: Context) -> None:
    table = spine(("a", NOON))
    floats = table.set_column(2, "amount_eur", table.column("amount_eur").cast(pa.float64()))
    with pytest.raises(LakehouseError, match=r"'amount_eur' is double, and decimal128\(18, 2\)"):
        ask(ctx, floats, now)


def test_amount_of_fewer_digits_has_the_declared_meaning(ctx: Context) -> None:
    whole = spine(("a", NOON)).set_column(
        2, "amount_eur", pa.array([Decimal(20)], pa.decimal128(4, 0))
    )
    assert ask(ctx, whole, now)[0]["now__share"] == 0.5


def test_two_views_of_one_name_are_refused(ctx: Context) -> None:
    other = FeatureView("spend", of=payments, by=card, n=Count(over=last("2d")))
    with pytest.raises(DeclarationError, match="Two different views are called 'spend'"):
        ask(ctx, spine(("a", NOON)), now, other)


def test_same_view_twice_is_computed_once(ctx: Context) -> None:
    rows = ask(ctx, spine(("a", NOON)), spend, now, spend)
    assert rows == ask(ctx, spine(("a", NOON)), now)


def test_sum_of_too_many_digits_names_the_feature(ctx: Context) -> None:
    edge = Decimal("9999999999999999.99")
    rows = [(f"q{n}", "c", edge, "DE", NOON - HOUR, NOON - HOUR) for n in range(2)]
    write(ctx, payments, rows, batch=2)
    with pytest.raises(LakehouseError, match=r"spend\.total_1d.*more than 18 digits"):
        ask(ctx, spine(("c", NOON)), spend)
