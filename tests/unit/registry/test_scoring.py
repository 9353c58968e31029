"""Batch scoring of a table made by hand, with a release made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from lakehouse import declare as use
from lakehouse.context import Context
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError, NotFound
from lakehouse.records import releases
from lakehouse.records.releases import Release
from lakehouse.registry.scoring import score, scores
from lakehouse.training.onnx import OnnxScorer, to_onnx

T = datetime(2024, 3, 1, 12, tzinfo=UTC)
TRAINED_FOR = T + timedelta(hours=1)


class Order(use.Contract):
    order_id: str = use.key()
    customer: str
    amount_eur: Decimal = use.column(scale=2)
    ordered_at: datetime = use.event_time()


class Returned(Order):
    returned: bool


class Visit(use.Contract):
    visit_id: str = use.key()
    customer: str
    at: datetime = use.event_time()


def cleaned(name: str, contract: type[use.Contract]) -> use.Cleaned:
    source = use.Source(f"{name}_feed", contract, f"{name}/{{delivered_at}}.csv")
    return use.Cleaned(name, use.Raw(f"{name}_raw", source))


orders, visits = cleaned("orders", Returned), cleaned("visits", Visit)
customer = use.Entity("customer", key="customer")
past = use.FeatureView(
    "past", of=orders, by=customer, mean=use.Mean("amount_eur", over=use.last("1d"))
)
now = use.RequestView("now", request=Order, amount="float(amount_eur)")


def fit(X: Any, y: Any) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression().fit(X, y)


MODEL = use.Model(
    "returns",
    learns_from=use.TrainingSet(
        "returns_training",
        label=orders["returned"],
        request=Order,
        features=(now, past),
        train_last="28d",
        test_last="7d",
    ),
    fit=fit,
    gate=use.Gate(),
    rules=(
        use.Rule("it's big", when="amount_eur >= 100"),
        use.Rule("review", when="score > 0.5 or past.mean_1d > 50"),
    ),
    otherwise="accept",
)
SHOP = use.Domain("shop", description="Orders.", tables=(visits,), models=(MODEL,))
INPUTS = [f.full_name for f in MODEL.learns_from.features]
ROWS = [
    ("o1", "a", "10.00", 0, 0),  # nothing before it: the mean is null, and so is the score
    ("o2", "a", "99.99", 10, 10),
    ("o3", "a", "100.00", 20, 200),  # known late
    ("o4", "a", "60.00", 30, 30),
    ("o5", "b", "1000.00", 30, 30),
]


def onnx() -> bytes:
    draw = np.random.default_rng(0)
    X = draw.uniform(0, 100, (200, 2)).astype(np.float32)
    return to_onnx(fit(X, X[:, 0] > 70), INPUTS)


@pytest.fixture
def ctx(make_context: Callable[..., Context]) -> Context:
    """Five orders, and version 1 of the model as champion."""
    made = make_context(SHOP)
    write(made, ROWS, 1)
    release_version(made, 1)
    return made


def write(ctx: Context, rows: list[Any], version: int) -> None:
    from lakehouse.testing.conformance.world import table_of

    us = int(T.timestamp() * 1e6)
    table = table_of(
        orders,
        [
            {
                "order_id": order,
                "customer": who,
                "amount_eur": Decimal(amount),
                "ordered_at": us + at * 60_000_000,
                "returned": False,
                "_known_at": us + known * 60_000_000,
            }
            for order, who, amount, at, known in rows
        ],
    )
    path = ctx.table("cleaned", "orders")
    ctx.engine.write(path, table, "append", Transaction("test", version))


def release_version(ctx: Context, version: int, **changes: Any) -> None:
    facts = {"created_at": "2026-01-01T00:00:00+00:00", "as_of": TRAINED_FOR.isoformat()}
    made = Release("shop", "returns", version, MODEL, tuple(INPUTS), onnx(), facts | changes)
    releases.write(ctx.home, made)
    releases.point(ctx.home, "shop", "returns", version)


def rows_of(ctx: Context, table: str = "returns_scores_of_orders") -> list[dict[str, Any]]:
    frame = ctx.engine.read(ctx.table("curated", table))
    rows: list[dict[str, Any]] = ctx.engine.to_arrow(frame).sort_by("order_id").to_pylist()
    return rows


def test_rules_decide_in_order_on_score_request_and_features(ctx: Context) -> None:
    done = score(ctx, MODEL)
    assert (done.table, done.rows, done.version, done.changed) == (
        "returns_scores_of_orders",
        5,
        0,
        True,
    )
    rows = rows_of(ctx)
    # o3 is not known when o4 comes: its mean is that of o1 and o2.
    features = [[99.99, 10.0], [100.0, (10 + 99.99) / 2], [60.0, (10 + 99.99) / 2]]
    expected = OnnxScorer(onnx()).score(np.array(features, dtype=np.float32)).tolist()
    assert [row["score"] for row in rows[1:4]] == expected
    assert [row["decision"] for row in rows[1:4]] == ["review", "it's big", "review"]


def test_a_row_without_a_score_has_no_decision(ctx: Context) -> None:
    score(ctx, MODEL)
    found = {row["order_id"]: (row["score"], row["decision"]) for row in rows_of(ctx)}
    assert found["o1"] == found["o5"] == (None, None)


def test_each_row_names_model_data_and_when_it_was_known(ctx: Context) -> None:
    score(ctx, MODEL)
    rows = rows_of(ctx)
    assert {(row["model"], row["model_version"]) for row in rows} == {("returns", 1)}
    assert {row["data_versions"] for row in rows} == {'{"cleaned/shop/orders": 0}'}
    assert {row["scored_at"] for row in rows} == {ctx.records.now()}
    late = T + timedelta(minutes=200)
    assert [row["_known_at"] for row in rows] == [
        TRAINED_FOR,
        TRAINED_FOR,
        late,
        *[TRAINED_FOR] * 2,
    ]
    (commit,) = ctx.table("curated", "returns_scores_of_orders").commits()
    assert commit["lakehouse.rows"] == "5"
    assert ctx.table("curated", "returns_scores_of_orders").applied(done_by(ctx)) == 1


def done_by(ctx: Context) -> str:
    return ctx.table("curated", "returns_scores_of_orders").id


def test_nothing_new_makes_no_commit_and_anything_new_does(ctx: Context) -> None:
    later = T + timedelta(minutes=20)
    versions = [score(ctx, MODEL).version, score(ctx, MODEL).version]
    versions.append(score(ctx, MODEL, since=later).version)  # scored already
    write(ctx, [("o6", "b", "5.00", 40, 40)], 2)
    versions += [score(ctx, MODEL, since=later).version, score(ctx, MODEL, since=later).version]
    versions.append(score(ctx, MODEL).version)  # o1 and o2 were scored from older data
    release_version(ctx, 2)
    versions += [score(ctx, MODEL, version=1).version, score(ctx, MODEL).version]
    assert versions == [0, 0, 0, 1, 1, 2, 2, 3]
    assert [row["model_version"] for row in rows_of(ctx)] == [2] * 6


def test_since_scores_later_rows_anew_and_keeps_earlier_ones(ctx: Context) -> None:
    score(ctx, MODEL)
    release_version(ctx, 2)
    done = score(ctx, MODEL, since=T + timedelta(minutes=20))
    assert done.rows == 3
    assert [row["model_version"] for row in rows_of(ctx)] == [1, 1, 2, 2, 2]
    ahead = score(ctx, MODEL, since=T + timedelta(days=1), version=1)
    assert (ahead.rows, len(rows_of(ctx))) == (0, 5)


def test_scores_are_given_without_being_written(ctx: Context) -> None:
    given = ctx.engine.to_arrow(scores(ctx, MODEL)).sort_by("order_id").to_pylist()
    assert not ctx.table("curated", "returns_scores_of_orders").exists()
    score(ctx, MODEL)
    assert given == rows_of(ctx)


def test_a_release_from_before_the_moment_was_kept_is_known_when_it_was_made(
    ctx: Context,
) -> None:
    release_version(ctx, 2, as_of=None)
    score(ctx, MODEL)
    assert {row["_known_at"] for row in rows_of(ctx)} == {datetime(2026, 1, 1, tzinfo=UTC)}


def test_a_table_that_does_not_fit_the_request_is_refused(ctx: Context) -> None:
    with pytest.raises(LakehouseError, match="Order: table 'visits' has no column 'order_id'"):
        score(ctx, MODEL, table="visits")
    with pytest.raises(NotFound, match="has no table 'returned'"):
        score(ctx, MODEL, table="returned")


def test_a_version_that_is_not_there_is_refused_with_those_that_are(ctx: Context) -> None:
    with pytest.raises(NotFound, match="no released version 7; it has: 1"):
        score(ctx, MODEL, version=7)
    releases.point(ctx.home, "shop", "returns", None)
    with pytest.raises(LakehouseError, match="has no champion to score with"):
        score(ctx, MODEL)


def test_the_past_is_not_written_to(ctx: Context) -> None:
    pinned = dataclasses.replace(ctx, pins={"cleaned/shop/orders": 0})
    with pytest.raises(LakehouseError, match="as of the past"):
        score(pinned, MODEL)
    assert ctx.engine.to_arrow(scores(pinned, MODEL)).num_rows == 5


def test_a_table_of_the_domain_is_never_written_over(ctx: Context) -> None:
    namesake = cleaned("returns_scores_of_orders", Visit)
    domain = use.Domain("shop", description="", tables=(visits, namesake), models=(MODEL,))
    with pytest.raises(LakehouseError, match="the name of the scores' own table"):
        score(dataclasses.replace(ctx, domain=domain), MODEL)
