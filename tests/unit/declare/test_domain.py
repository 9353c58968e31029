from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Curated,
    Domain,
    Entity,
    FeatureView,
    Gate,
    Model,
    Raw,
    RequestView,
    Source,
    TrainingSet,
    event_time,
    key,
    known_at,
    last,
)
from lakehouse.errors import NotFound


class Payment(Contract):
    payment_id: str = key()
    card_id: str
    paid_at: datetime = event_time(known=True)


class Report(Contract):
    payment_id: str = key()
    reported_at: datetime = known_at()


class Labelled(Payment):
    is_fraud: bool


payments = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
reports = Cleaned("reports", Raw("reports_raw", Source("report_feed", Report, "reports/*")))
labelled = Curated(
    "labelled",
    "SELECT * FROM {payments} LEFT JOIN {reports}",
    inputs=(payments, reports),
    contract=Labelled,
)
twice = Curated("twice", "SELECT * FROM {labelled}", inputs=(labelled,), contract=Labelled)
spend = FeatureView("spend", of=payments, by=Entity("card", "card_id"), n=Count(over=last("1d")))
at_payment = RequestView("at_payment", request=Payment, uses=(spend,), many="spend.n_1d > 3")
training = TrainingSet(
    "fraud_training",
    label=twice["is_fraud"],
    request=Payment,
    features=(at_payment,),
    train_last="28d",
    test_last="7d",
)


def fit(X: Any, y: Any) -> Any:
    raise AssertionError("declaring a model fits nothing")


fraud = Model(
    "fraud",
    learns_from=training,
    fit=fit,
    gate=Gate(),
    outcomes=reports.raw.source,
)
domain = Domain("payments", description="", models=(fraud,))


def test_everything_a_model_needs_is_found_from_the_model() -> None:
    assert [
        *("payments", "reports", "labelled", "twice"),
        *("fraud_decisions", "served_features"),
    ] == [t.name for t in domain.tables]
    assert ["spend", "at_payment"] == [v.name for v in domain.views]
    assert (training,) == domain.training_sets


def test_each_curated_table_stands_behind_those_it_reads() -> None:
    backwards = Domain("payments", description="", tables=(twice, labelled, reports))
    assert ["payments", "reports", "labelled", "twice"] == [t.name for t in backwards.tables]
    assert (labelled, twice) == backwards.curated
    assert (payments, reports) == backwards.cleaned


def test_a_model_brings_the_table_of_its_own_decisions() -> None:
    log = domain.table("fraud_decisions")
    assert isinstance(log, Cleaned)
    assert "decisions/fraud/*.jsonl" == log.raw.source.path
    assert (("decision_id",), "decided_at", "decided_at") == (
        log.keys,
        log.event_time,
        log.contract.known_at,
    )


def test_a_model_of_stored_views_brings_the_table_of_features_served() -> None:
    log = domain.table("served_features")
    assert isinstance(log, Cleaned)
    assert "served_features/*.jsonl" == log.raw.source.path
    assert (("served_id",), "served_at", "served_at") == (
        log.keys,
        log.event_time,
        log.contract.known_at,
    )
    assert ("entity", "features") == log.contract.personal
    without = Domain("payments", description="", views=(spend,))
    assert "served_features" not in [t.name for t in without.tables]


def test_what_is_named_twice_and_equal_stands_once() -> None:
    again = Cleaned("payments", Raw("payments_raw", Source("payment_feed", Payment, "payments/*")))
    both = Domain("payments", description="", tables=(again, payments), views=(spend, at_payment))
    assert (payments,) == both.tables
    assert (spend, at_payment) == both.views
    assert (spend,) == both.stored_views


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("table", "payment", "table 'payment'; did you mean 'payments'?"),
        ("view", "card_spend", "view 'card_spend'; did you mean 'spend'? It has: at_payment,"),
        ("model", "frauds", "model 'frauds'; did you mean 'fraud'? It has: fraud."),
        ("training_set", "x", "training set 'x'. It has: fraud_training."),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(kind: str, name: str, expected: str) -> None:
    with pytest.raises(NotFound) as missing:
        getattr(domain, kind)(name)
    assert str(missing.value).startswith(f"Domain 'payments' has no {expected}")


def test_the_two_domains_of_the_repository_hold_what_they_declare() -> None:
    from feature_repo.flight_delay import domain as flights
    from feature_repo.payments_fraud import domain as fraud_domain

    assert ["fraud", "delay"] == [d.models[0].name for d in (fraud_domain, flights)]
    assert "airlines" in [t.name for t in flights.tables]  # no feature uses it


class Booking(Contract, owner="bookings@bank.example"):
    booking_id: str = key()
    card_id: str
    booked_at: datetime = event_time(known=True)


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (spend, "bank@bank.example"),
        (at_payment, "bank@bank.example"),
        (RequestView("derived", uses=(spend,), many="spend.n_1d > 3"), "bank@bank.example"),
        (RequestView("asked", request=Booking, night="hour(booked_at) < 6"), Booking.spec.owner),
        (
            RequestView("own", owner="me@bank.example", request=Booking, night="card_id = ''"),
            "me@bank.example",
        ),
    ],
    ids=lambda view: getattr(view, "name", ""),
)
def test_a_view_is_its_own_owner_s_or_its_contract_s_or_the_domain_s(
    view: Any, expected: str
) -> None:
    bank = Domain("bank", description="", owner="bank@bank.example", views=(view,))
    assert expected == bank.owner_of(view)
