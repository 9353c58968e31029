"""Served values held against history, on logs written by hand."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lakehouse import declare as use
from lakehouse.declare.logs import decision_log
from lakehouse.engines.protocol import Transaction
from lakehouse.errors import LakehouseError
from lakehouse.monitoring.check import Period
from lakehouse.monitoring.checking import check, measured
from lakehouse.monitoring.consistency import served_answers
from lakehouse.monitoring.consistency.check import ConsistencyCheck
from tests.unit.monitoring.conftest import (
    DOMAIN,
    FRAUD,
    HABITS,
    NOW,
    SERVED_AT,
    SPEND,
    Shop,
    card,
    model,
    payment,
    payments,
)

CONSISTENCY = ConsistencyCheck()
REQUEST = {
    "payment_id": "p9",
    "card_id": "c1",
    "shop": "s1",
    "amount_eur": "30.00",
    "weight": None,
    "paid_at": "2024-03-01T12:00:00Z",
}
DECIDED = {
    **{f"card_spend__{name}": value for name, value in SPEND.items()},
    **{f"card_now__{name}": value for name, value in NOW.items()},
    "shop_sales__payments_1d": 3,
    "at_payment__mean": 15.15,
    "at_payment__left": 470.0,
    "at_payment__known": True,
}


def test_what_was_served_right_is_equal_feature_by_feature(a_shop: Shop) -> None:
    a_shop.serve(SPEND)
    a_shop.serve(NOW, "card_now")
    a_shop.serve(HABITS, "card_habits")
    a_shop.decide(DECIDED, REQUEST)
    found = a_shop.compared()
    assert found.findings().holds()
    assert (found.unread, found.notes) == (0, ())
    counted = {t.feature: (t.counts["compared"], t.counts["equal"]) for t in found.features}
    assert counted == {
        **{f"card_spend.{name}": (2, 2) for name in SPEND},
        **{f"card_now.{name}": (2, 2) for name in NOW},
        **{f"card_habits.{name}": (1, 1) for name in HABITS},
        "shop_sales.payments_1d": (1, 1),
        **{f"at_payment.{name}": (1, 1) for name in ("mean", "left", "known")},
    }


@pytest.mark.parametrize(
    ("view", "right", "feature", "served", "comparison", "worst"),
    [
        ("card_spend", SPEND, "payments_1d", 4, "mismatch", 1.0),
        ("card_spend", SPEND, "payments_1d", None, "missing", None),
        ("card_spend", SPEND, "spend_1d", "30.61", "mismatch", 0.01),
        ("card_spend", SPEND, "weight_1d", 0.3001, "mismatch", 0.0001),
        ("card_spend", SPEND, "mean_1d", "nan", "mismatch", float("inf")),
        ("card_spend", SPEND, "mean_1d", None, "missing", None),
        ("card_spend", SPEND, "spend_1d", 30.6, "mismatch", None),  # a float where an amount is
        ("card_habits", HABITS, "last_shops_1d", ["s1", "s2"], "mismatch", None),
        ("card_habits", HABITS, "amounts_1d", ["10.10", "20.20"], "mismatch", None),
        ("card_habits", HABITS, "amounts_1d", None, "missing", None),
        ("card_habits", HABITS, "spread_1d", 0.08, "mismatch", 0.08 - 0.1 / 2**0.5),
        ("card_habits", HABITS, "first_card_1h", "none", "mismatch", None),
        ("card_now", NOW, "holder", "Bob", "mismatch", None),
        ("card_now", NOW, "holder", None, "missing", None),
        ("card_now", NOW, "score", 0.0, "mismatch", float("inf")),
        ("card_habits", HABITS, "dear_1d", 1 / 3 + 1e-15, "mismatch", 1e-15),
        ("card_now", NOW, "score", None, "missing", None),  # NaN is a number
        ("card_now", NOW, "changed_at", "2024-02-29T12:00:00.000001Z", "mismatch", None),
    ],
)
def test_each_way_to_be_wrong_is_named(
    a_shop: Shop,
    view: str,
    right: dict[str, Any],
    feature: str,
    served: Any,
    comparison: str,
    worst: float | None,
) -> None:
    a_shop.serve(right | {feature: served}, view)
    found = a_shop.compared()
    different = {t.feature: t for t in found.features if t.different}
    assert list(different) == [f"{view}.{feature}"]
    counts = different[f"{view}.{feature}"]
    assert {n: c for n, c in counts.counts.items() if c} == {
        "compared": 1,
        comparison: 1,
        "skew": 1,
    }
    assert counts.worst == (None if worst is None else pytest.approx(worst))
    assert not found.findings().holds()


def test_a_value_where_history_has_none_is_extra(a_shop: Shop) -> None:
    nothing = dict.fromkeys(NOW)
    a_shop.serve(nothing | {"limit_eur": "1.00"}, "card_now", {"card_id": "nobody"})
    assert a_shop.counts("card_now.limit_eur") == {"compared": 1, "extra": 1, "skew": 1}
    assert a_shop.counts("card_now.holder") == {"compared": 1, "equal": 1}


def test_an_entity_nobody_knows_has_the_values_of_one_without_rows(a_shop: Shop) -> None:
    empty = {"payments_1d": 0, "spend_1d": "0.00", "weight_1d": 0.0, "mean_1d": None}
    a_shop.serve(empty, entity={"card_id": "nobody"})
    assert a_shop.findings().holds()


def test_an_entity_without_a_key_is_one_without_rows(a_shop: Shop) -> None:
    empty = {"payments_1d": 0, "spend_1d": "0.00", "weight_1d": 0.0, "mean_1d": None}
    a_shop.serve(empty, entity={"card_id": None})
    a_shop.serve(dict.fromkeys(NOW), "card_now", {"card_id": None})
    assert a_shop.findings().holds()


def test_only_features_that_were_answered_are_compared(a_shop: Shop) -> None:
    a_shop.serve({"payments_1d": 3})
    a_shop.serve({"spend_1d": "30.60"})
    found = {t.feature: t.counts["compared"] for t in a_shop.compared().features}
    assert found == {"card_spend.payments_1d": 1, "card_spend.spend_1d": 1}


def test_a_difference_comes_with_examples_and_without_personal_values(a_shop: Shop) -> None:
    for _ in range(7):
        a_shop.serve(SPEND | {"payments_1d": 9})
    a_shop.serve(NOW | {"holder": "Bob", "limit_eur": "1.00"}, "card_now")
    a_shop.decide(DECIDED | {"at_payment__known": False}, REQUEST)
    found = a_shop.compared()
    examples = {t.feature: t.examples for t in found.features if t.different}
    assert len(examples["card_spend.payments_1d"]) == 5
    assert examples["card_spend.payments_1d"][0] == {
        "id": "a-1",
        "asked_for": "2024-03-01T12:00:00.000000Z",
        "entity": {"card_id": "***"},
        "served": 9,
        "history": 3,
        "comparison": "mismatch",
        "why": "skew",
    }
    shown = {feature: [(e["served"], e["history"]) for e in e_] for feature, e_ in examples.items()}
    assert shown["card_now.limit_eur"] == [("1.00", "500.00")]
    assert shown["card_now.holder"] == [("***", "***")]
    assert shown["at_payment.known"] == [("***", "***")]  # it tells of the holder
    written = json.dumps(measured(a_shop.ctx, CONSISTENCY, Period()).table.to_pylist(), default=str)
    assert "c1" not in written
    assert "Ada" not in written
    assert "Bob" not in written


def test_keys_that_are_not_personal_are_shown(a_shop: Shop) -> None:
    a_shop.serve({"payments_1d": 4}, "shop_sales", {"shop": "s1"})
    (counts,) = a_shop.compared().features
    assert counts.examples[0]["entity"] == {"shop": "s1"}


def test_what_the_store_did_not_hold_yet_is_stale_and_no_skew(a_shop: Shop) -> None:
    assert a_shop.write(payments, [payment("p6", "c1", "s1", "1.00", None, 10)]) == 1
    a_shop.serve(SPEND)  # read at version 0
    a_shop.serve(SPEND, table_version=1)
    a_shop.serve(SPEND, table_version=None)
    a_shop.serve(SPEND | {"payments_1d": 5})  # right at no version
    a_shop.serve(SPEND | {"payments_1d": 4, "spend_1d": "31.60"}, table_version=1)
    assert a_shop.counts("card_spend.payments_1d") == {
        "compared": 5,
        "equal": 1,
        "mismatch": 4,
        "stale": 1,
        "unplaced": 1,
        "skew": 2,
    }
    assert a_shop.counts("card_spend.weight_1d") == {"compared": 5, "equal": 5}
    (counts,) = (c for c in a_shop.compared().features if c.feature == "card_spend.payments_1d")
    assert [e["why"] for e in counts.examples] == ["skew", "skew", "unplaced", "stale"]


def test_values_that_are_only_stale_hold_where_that_is_allowed(a_shop: Shop) -> None:
    a_shop.write(payments, [payment("p6", "c1", "s1", "1.00", None, 10)])
    a_shop.serve(SPEND)
    found = a_shop.compared()
    assert (found.findings().holds(), found.findings().holds({"stale"})) == (False, True)
    a_shop.serve(SPEND | {"payments_1d": 5})
    assert not a_shop.findings().holds({"stale"})


def test_a_decisions_features_are_stale_by_the_versions_of_all_they_are_made_of(
    a_shop: Shop,
) -> None:
    a_shop.write(payments, [payment("p6", "c1", "s2", "1.00", None, 10)])
    a_shop.decide(DECIDED, REQUEST)
    mixed = json.dumps({"card_spend": 0, "card_now": 0, "shop_sales": 1})
    a_shop.decide(DECIDED, REQUEST, table_versions=mixed)
    a_shop.decide(DECIDED, REQUEST, table_versions=None)
    a_shop.decide(DECIDED, REQUEST, table_versions="{}")
    expected = {"compared": 4, "mismatch": 4, "stale": 2, "unplaced": 2}
    assert a_shop.counts("at_payment.mean") == expected
    assert a_shop.counts("card_spend.payments_1d") == expected
    assert a_shop.counts("shop_sales.payments_1d") == {"compared": 4, "equal": 4}


def test_a_version_that_the_service_had_not_noticed_yet_counts_as_late_too(a_shop: Shop) -> None:
    ctx = a_shop.ctx
    for version, minutes in ((1, 10), (2, 9), (3, 8)):
        a_shop.write(payments, [payment(f"n{version}", "c1", "s1", "1.00", None, minutes)])
        with ctx.run("features", "card_spend") as run:
            run.read("cleaned/payments/payments", version)
    served = {"payments_1d": 4, "spend_1d": "31.60"}
    a_shop.serve(served, table_version=0)  # right at version 1, which came next
    a_shop.serve(served | {"payments_1d": 5, "spend_1d": "32.60"}, table_version=0)
    assert a_shop.counts("card_spend.payments_1d") == {
        "compared": 2,
        "mismatch": 2,
        "stale": 1,
        "skew": 1,
    }


def test_a_version_whose_files_are_gone_places_nothing(a_shop: Shop) -> None:
    path = a_shop.ctx.table("cleaned", "payments")
    rows = a_shop.ctx.engine.read(path)
    files = list(path.folder.glob("*.parquet"))
    a_shop.ctx.engine.write(path, rows, "overwrite", Transaction("rewrite", 1))
    assert path.readable(0)
    for file in files:
        file.unlink()
    assert not path.readable(0)
    assert not path.readable(7)
    a_shop.serve(SPEND | {"payments_1d": 5})
    expected = {"compared": 1, "mismatch": 1, "unplaced": 1}
    assert a_shop.counts("card_spend.payments_1d") == expected


def test_sums_that_cancel_are_held_to_what_was_summed(a_shop: Shop) -> None:
    weights = (1e9, -1e9, 3e-7)
    a_shop.write(
        payments,
        [payment(f"w{n}", "c3", "s1", "0.00", w, 5 + n) for n, w in enumerate(weights)],
    )
    entity = {"card_id": "c3"}
    right = {"weight_1d": 3.1e-7, "mean_1d": 1e-7}  # of 2e9, which doubles do not tell apart
    a_shop.serve(right, entity=entity)
    a_shop.serve({"weight_1d": 2.5, "mean_1d": 2.5}, entity=entity)
    a_shop.serve({"spread_1d": 1e9 - 1.5}, "card_habits", entity)
    a_shop.serve({"spread_1d": 1e9 - 2.5}, "card_habits", entity)
    assert a_shop.counts("card_spend.weight_1d") == {
        "compared": 2,
        "equal": 1,
        "mismatch": 1,
        "skew": 1,
    }
    assert a_shop.counts("card_spend.mean_1d")["equal"] == 1
    assert a_shop.counts("card_habits.spread_1d")["equal"] == 1


def test_only_what_was_answered_in_an_interval_is_compared(a_shop: Shop) -> None:
    for hours in (0, 1, 2):
        a_shop.serve(SPEND, at=SERVED_AT + timedelta(hours=hours))
    bounds = {"begin": SERVED_AT + timedelta(hours=1)}
    assert a_shop.counts("card_spend.payments_1d", **bounds)["compared"] == 2
    bounds |= {"end": SERVED_AT + timedelta(hours=2)}
    assert a_shop.counts("card_spend.payments_1d", **bounds)["compared"] == 1
    with pytest.raises(LakehouseError, match="name a later end"):
        a_shop.compared(begin=SERVED_AT, end=SERVED_AT)


def test_however_few_answers_are_held_at_once_all_are_compared(
    a_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(7):
        a_shop.serve(SPEND | {"payments_1d": 3 + (number == 5)})
        a_shop.decide(DECIDED, REQUEST)
    whole = a_shop.findings()
    monkeypatch.setattr(served_answers, "ROWS", 2)
    assert a_shop.findings() == whole
    assert a_shop.counts("card_spend.payments_1d")["compared"] == 14


def test_a_view_that_is_not_declared_any_more_is_compared_by_its_release_and_named(
    a_shop: Shop,
) -> None:
    a_shop.serve(SPEND)
    a_shop.serve({"payments_1d": 3}, "shop_sales", {"shop": "s1"})
    wider = use.FeatureView(
        "card_spend", of=payments, by=card, payments=use.Count(over=use.last("2d"))
    )
    today = use.Domain("payments", description="Payments.", models=(model(wider),))
    found = a_shop.compared(today)
    assert found.findings().holds()
    assert len(found.features) == 5
    notes = " ".join(found.notes)
    assert "view 'shop_sales' is not declared any more" in notes
    assert "view 'card_spend' is declared otherwise today" in notes


def test_each_release_is_held_to_its_own_declaration(a_shop: Shop) -> None:
    narrow = use.FeatureView(
        "card_spend",
        of=payments,
        by=card,
        payments=use.Count(over=use.last("1d"), where="amount_eur > 1"),
    )
    a_shop.release(2, model(narrow))
    a_shop.release(3)
    a_shop.serve({"payments_1d": 3})
    a_shop.serve({"payments_1d": 2}, version=2)
    a_shop.serve({"payments_1d": 3}, version=3)
    a_shop.serve({"payments_1d": 3}, version=2)
    assert a_shop.counts("card_spend.payments_1d") == {
        "compared": 4,
        "equal": 3,
        "mismatch": 1,
        "skew": 1,
    }


def test_what_cannot_be_compared_is_counted_and_told(a_shop: Shop) -> None:
    a_shop.serve(SPEND)
    a_shop.serve(SPEND, version=7)
    a_shop.serve(SPEND, features="{")
    a_shop.serve(SPEND, entity={"card_id": 17})
    a_shop.serve(SPEND, view="card_spend", entity={"other": 1})
    found = a_shop.compared()
    assert (found.unread, found.counts["compared"]) == (3, 8)
    assert not found.findings().holds()
    assert "Release 7 of model 'fraud' cannot be read" in found.notes[0]


def test_a_table_that_is_gone_leaves_the_other_views_compared(a_shop: Shop) -> None:
    a_shop.decide(DECIDED, REQUEST)
    shutil.rmtree(a_shop.ctx.table("cleaned", "cards").folder)
    found = a_shop.compared()
    assert {t.view for t in found.features} == {"card_spend", "shop_sales"}
    assert found.unread == 1
    assert ["card_now", "at_payment"] == [note.split("'")[3] for note in found.notes]


def test_a_table_that_lost_a_column_hides_nothing_of_the_others(a_shop: Shop) -> None:
    a_shop.serve(SPEND)
    a_shop.serve(NOW, "card_now")
    path = a_shop.ctx.table("cleaned", "payments")
    rows = a_shop.ctx.engine.to_arrow(a_shop.ctx.engine.read(path)).drop_columns("weight")
    shutil.rmtree(path.folder)
    a_shop.ctx.engine.write(path, rows, "append", Transaction("without", 1))
    found = a_shop.compared()
    assert ({t.view for t in found.features}, found.unread) == ({"card_now"}, 1)
    assert "Answers of card_spend cannot be computed anew" in found.notes[0]
    assert not found.findings().holds({"stale"})


def test_logs_of_before_versions_were_logged_are_compared_all_the_same(a_shop: Shop) -> None:
    a_shop.decide(DECIDED, REQUEST)
    path = a_shop.ctx.table("cleaned", decision_log(FRAUD).name)
    rows = a_shop.ctx.engine.to_arrow(a_shop.ctx.engine.read(path)).drop_columns("table_versions")
    shutil.rmtree(path.folder)
    a_shop.ctx.engine.write(path, rows, "append", Transaction("before", 1))
    assert a_shop.findings().holds()


def test_nothing_served_is_nothing_compared(a_shop: Shop) -> None:
    found = a_shop.compared()
    assert (found.features, found.findings().holds()) == ((), True)
    done = check(a_shop.ctx, CONSISTENCY, Period())
    assert (done.table.num_rows, done.version) == (0, None)
    assert done.findings.summary == "Nothing was served."


def test_each_run_appends_its_rows_once_and_records_what_it_read(a_shop: Shop) -> None:
    ctx = a_shop.ctx
    a_shop.write(payments, [payment("p6", "c1", "s1", "1.00", None, 10)])
    a_shop.serve(SPEND)
    first = check(ctx, CONSISTENCY, Period(begin=SERVED_AT))
    again = check(ctx, CONSISTENCY, Period())
    assert (first.version, again.version) == (0, 1)
    rows = ctx.engine.to_arrow(ctx.engine.read(ctx.table("curated", "check_results")))
    assert rows.num_rows == 2 * (4 * 9 + 1)
    of_first = [row for row in rows.to_pylist() if row["run"] == first.of_run["run"]]
    figures = {(row["subject"], row["metric"]): row["value"] for row in of_first}
    stale = {"payments_1d": 1, "spend_1d": 1, "weight_1d": 0, "mean_1d": 0}
    for name, number in stale.items():
        assert figures[f"card_spend.{name}", "compared"] == 1
        assert figures[f"card_spend.{name}", "stale"] == number
    assert figures["answers", "unread"] == 0
    assert {(r["check"], r["window_begin"]) for r in of_first} == {("consistency", SERVED_AT)}
    assert {r["metric"]: r["cause"] for r in of_first if r["verdict"] == "fail"} == {
        "stale": "stale"
    }
    recorded = ctx.records.select(
        "SELECT v.direction, v.table_id, v.version FROM table_versions v WHERE v.run = ? "
        "ORDER BY 1, 2",
        again.of_run["run"],
    )
    assert [tuple(row.values()) for row in recorded] == [
        ("read", "cleaned/payments/payments", 1),
        ("read", "cleaned/payments/served_features", 0),
        ("write", "curated/payments/check_results", 1),
    ]
    (run,) = ctx.records.select("SELECT metrics FROM runs WHERE run = ?", again.of_run["run"])
    metrics = json.loads(run["metrics"])
    assert (metrics["compared"], metrics["stale"], metrics["skew"]) == (4, 2, 0)
    assert metrics["also_at"] == {"cleaned/payments/payments": [0]}


def test_the_same_run_is_not_written_twice(a_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    a_shop.serve(SPEND)
    write = a_shop.ctx.engine.write
    # As after a commit whose answer was lost on its way.
    monkeypatch.setattr(a_shop.ctx.engine, "write", lambda *a: (write(*a), write(*a))[1])
    assert check(a_shop.ctx, CONSISTENCY, Period()).version == 0
    monkeypatch.undo()
    path = a_shop.ctx.table("curated", "check_results")
    assert a_shop.ctx.engine.to_arrow(a_shop.ctx.engine.read(path)).num_rows == 4 * 9 + 1


def test_a_lake_of_the_past_is_compared_and_not_written_to(a_shop: Shop) -> None:
    a_shop.serve(SPEND)
    a_shop.write(payments, [payment("p6", "c1", "s1", "1.00", None, 10)])
    tables = {"payments": 0, "cards": 0, "served_features": 0}
    pins = {f"cleaned/payments/{name}": version for name, version in tables.items()}
    past = replace(a_shop.ctx, pins=pins)
    held = [measured(c, CONSISTENCY, Period()).findings.holds() for c in (past, a_shop.ctx)]
    assert held == [True, False]
    with pytest.raises(LakehouseError, match="as of the past"):
        check(past, CONSISTENCY, Period())


def test_a_table_of_the_results_own_name_is_refused(a_shop: Shop) -> None:
    own = use.Curated(
        "check_results",
        "SELECT payment_id FROM {payments}",
        inputs=(payments,),
        contract=_One,
    )
    domain = use.Domain("payments", description="Payments.", tables=(own,), models=DOMAIN.models)
    with pytest.raises(LakehouseError, match="rename it"):
        check(replace(a_shop.ctx, domain=domain), CONSISTENCY, Period())


class _One(use.Contract):
    payment_id: str = use.key()
