from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from feature_repo.flight_delay import domain as flight_delay
from feature_repo.payments_fraud import domain as payments_fraud
from lakehouse.declare import (
    Cleaned,
    Contract,
    Count,
    Curated,
    Domain,
    Entity,
    Evaluation,
    FeatureView,
    Gate,
    Last,
    LastK,
    LatestView,
    Max,
    Model,
    Raw,
    RequestView,
    Rule,
    Source,
    TrainingSet,
    at_least,
    column,
    event_time,
    key,
    last,
)
from lakehouse.declare.compiled import FunctionReference, digest, from_data, to_data
from lakehouse.declare.contract import Column, ContractSpec
from lakehouse.declare.features import Aggregate, Feature, WindowedFeature
from lakehouse.declare.training import Claim
from lakehouse.errors import LakehouseError

DOMAINS = [payments_fraud, flight_delay]


def fit(X: Any, y: Any) -> Any:
    return X, y


def fit_otherwise(X: Any, y: Any) -> Any:
    return y, X


def declared(
    *,
    isin: Any = ("DE", "AT"),
    at_most: Any = 50,
    length: str = "7d",
    where: str | None = "country = 'DE'",
    delay: str | None = None,
    sql: str = "SELECT * FROM {payments}",
    conflict: Any = "latest",
    rule: str = "score > 0.5",
    claim: float = 0.5,
    function: Callable[[Any, Any], Any] = fit,
    published: float = 0.9,
) -> Domain:
    """A small domain, of which each test changes one thing."""

    class Payment(Contract):
        payment_id: str = key()
        country: str = column(isin=isin)
        amount: Decimal = column(ge=0, le=at_most, scale=2)
        paid_at: datetime = event_time(known=True)

    class Labelled(Payment):
        is_fraud: bool

    feed = Source("payment_feed", Payment, "payments/*")
    payments = Cleaned("payments", Raw("payments_raw", feed), on_conflict=conflict)
    labelled = Curated("labelled", sql, inputs=(payments,), contract=Labelled)
    spend = FeatureView(
        "spend",
        of=payments,
        by=Entity("country", "country"),
        delay=delay,
        n=Count(over=last("1d", length), where=where),
    )
    training = TrainingSet(
        "training",
        label=labelled["is_fraud"],
        request=Payment,
        features=(RequestView("at", request=Payment, uses=(spend,), many="spend.n_1d > 3"),),
        train_last="28d",
        test_last="7d",
    )
    model = Model(
        "fraud",
        learns_from=training,
        fit=function,
        gate=Gate(at_least("roc_auc", claim)),
        rules=(Rule("block", when=rule),),
    )
    evaluation = Evaluation(
        "book",
        training_set=training,
        train=("2018-07-25", "2018-08-01"),
        test=("2018-08-01", "2018-08-08"),
        estimators={"trees": function},
        published={"trees": {"roc_auc": published}},
    )
    return Domain("small", description="", models=(model,), evaluations=(evaluation,))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda d: d.name)
def test_a_domain_survives_json_with_its_digest(domain: Domain) -> None:
    text = json.dumps(to_data(domain), allow_nan=False)
    assert digest(domain) == digest(from_data(json.loads(text)))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda d: d.name)
def test_a_rebuilt_domain_is_the_same_data(domain: Domain) -> None:
    assert to_data(domain) == to_data(from_data(to_data(domain)))


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda d: d.name)
def test_rebuilt_declarations_equal_and_work_like_the_first(domain: Domain) -> None:
    rebuilt = from_data(json.loads(json.dumps(to_data(domain))))
    assert domain.tables == rebuilt.tables
    assert domain.views == rebuilt.views
    assert domain.training_sets == rebuilt.training_sets
    (model,) = domain.models
    assert [f.full_name for f in model.learns_from.features] == [
        f.full_name for f in rebuilt.model(model.name).learns_from.features
    ]
    table = domain.cleaned[0]
    assert table.contract.by_name == rebuilt.table(table.name).contract.by_name


def test_a_rebuilt_contract_has_the_types_of_its_constants() -> None:
    spec = ContractSpec(
        "Odd",
        (
            Column("a", "decimal", ge=Decimal("0.10"), scale=2),
            Column("b", "int", isin=(1, 2)),
            Column("c", "bool", isin=(True,)),
            Column("d", "float", le=1.0),
        ),
    )
    rebuilt = from_data(json.loads(json.dumps(to_data(spec))))
    assert repr(spec) == repr(rebuilt)


def test_equal_numbers_of_other_types_are_not_taken_for_one_another() -> None:
    gate = Gate(Claim("at_least", "rows", 1), Claim("at_least", "rows", 1.0))
    rebuilt = from_data(json.loads(json.dumps(to_data(gate))))
    assert [int, float] == [type(claim.value) for claim in rebuilt.claims]


def test_one_object_in_many_places_is_told_once() -> None:
    data = to_data(declared())
    assert 1 == [node["fields"].get("name") for node in data["nodes"]].count("payment_feed")


def test_sharing_objects_or_not_makes_no_difference() -> None:
    column = Column("a", "int")
    shared = ContractSpec("Pair", (column, column))
    apart = ContractSpec("Pair", (Column("a", "int"), Column("a", "int")))
    assert to_data(shared) == to_data(apart)


@pytest.mark.parametrize("seed", ["0", "1", "4242"])
def test_a_digest_is_the_same_in_every_process(seed: str) -> None:
    program = (
        "from feature_repo.payments_fraud import domain as a\n"
        "from feature_repo.flight_delay import domain as b\n"
        "from lakehouse.declare import Contract, column\n"
        "from lakehouse.declare.compiled import digest\n"
        "class Visit(Contract):\n"
        "    airport: str = column(isin={'EWR', 'JFK', 'LGA', 'BOS', 'SFO'})\n"
        "print(digest(a), digest(b), digest(Visit.spec))\n"
    )

    class Visit(Contract):
        airport: str = column(isin=("BOS", "EWR", "JFK", "LGA", "SFO"))

    answer = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    expected = [digest(payments_fraud), digest(flight_delay), digest(Visit.spec)]
    assert expected == answer.stdout.split()


@pytest.mark.parametrize(
    "change",
    [
        {"isin": ("DE", "AT", "CH")},
        {"at_most": 51},
        {"length": "8d"},
        {"length": "168h"},
        {"where": "country = 'AT'"},
        {"where": None},
        {"delay": "7d"},
        {"sql": "SELECT * FROM {payments} WHERE amount > 1"},
        {"conflict": "quarantine"},
        {"rule": "score > 0.6"},
        {"claim": 0.6},
        {"function": fit_otherwise},
        {"published": 0.8},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_digest_changes_with_what_is_declared(change: dict[str, Any]) -> None:
    assert digest(declared()) != digest(declared(**change))


def test_a_digest_does_not_change_without_a_change() -> None:
    assert digest(declared()) == digest(declared())


def test_a_function_is_kept_by_name_and_by_the_digest_of_its_module() -> None:
    from feature_repo.payments_fraud import training

    kept = FunctionReference.of(training.fit)
    assert ("feature_repo.payments_fraud.training", "fit") == (kept.module, kept.qualname)
    assert training.fit is kept.load()
    assert kept is FunctionReference.of(kept)


def test_a_rebuilt_function_can_be_called() -> None:
    sqrt = FunctionReference("operator", "attrgetter", "")
    assert "small" == sqrt("name")(SimpleNamespace(name="small"))


def test_the_digest_of_a_function_follows_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "fits_of_a_test.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    digests = []
    for body in ("return X", "return y"):
        file.write_text(f"def fit(X, y):\n    {body}\n")
        monkeypatch.delitem(sys.modules, "fits_of_a_test", raising=False)
        import fits_of_a_test  # type: ignore[import-not-found]

        digests.append(FunctionReference.of(fits_of_a_test.fit).source_sha256)
    assert digests[0] != digests[1]


def test_a_function_that_is_gone_is_named() -> None:
    gone = FunctionReference("feature_repo.payments_fraud.training", "fit_gone", "")
    with pytest.raises(LakehouseError) as refused:
        gone.load()
    assert (
        "Function feature_repo.payments_fraud.training:fit_gone cannot be imported (module "
        "'feature_repo.payments_fraud.training' has no attribute 'fit_gone'); check out the code "
        "version it was recorded with." == str(refused.value)
    )


def test_a_function_without_a_file_is_refused() -> None:
    made: dict[str, Any] = {"__name__": "typed_at_a_prompt"}
    exec("def fit(X, y): return X", made)
    with pytest.raises(LakehouseError, match=r"typed_at_a_prompt:fit cannot be read .*put it in a"):
        FunctionReference.of(made["fit"])


def test_what_is_no_declaration_is_refused_with_its_place() -> None:
    column = replace(Column("day", "timestamp"), ge=datetime(2013, 1, 1, tzinfo=UTC))
    with pytest.raises(LakehouseError) as refused:
        to_data(ContractSpec("Visit", (column,)))
    assert (
        "Column.ge is a datetime, which cannot stand in a declaration; give it texts, numbers, "
        "and what lakehouse.declare offers." == str(refused.value)
    )


def test_a_text_alone_is_no_declaration() -> None:
    with pytest.raises(LakehouseError, match="such as a Model, not the text 'fraud'"):
        to_data("fraud")


def test_a_declaration_of_a_later_version_is_refused() -> None:
    data = to_data(Rule("block", when="score > 0.5"))
    data["nodes"][0]["type"] = "Verdict"
    with pytest.raises(LakehouseError, match="holds a Verdict, which this version does not know"):
        from_data(data)


def test_a_field_of_a_later_version_is_refused() -> None:
    data = to_data(Rule("block", when="score > 0.5"))
    data["nodes"][0]["fields"]["colour"] = "red"
    with pytest.raises(LakehouseError, match="The recorded Rule holds 'colour'"):
        from_data(data)


def test_a_field_that_has_come_since_has_its_default() -> None:
    data = to_data(Column("a", "int"))
    del data["nodes"][0]["fields"]["zone"]
    assert Column("a", "int", zone="UTC") == from_data(data)


def test_defaults_lists_and_freshness_survive_json() -> None:
    payments = declared().table("payments")
    by = Entity("country", "country")
    spend = FeatureView(
        "last_spend",
        of=payments,
        by=by,
        fresh_within="5min",
        most=Max("amount", over=last("1d"), default="0.5"),
        amounts=LastK("amount", k=3, over=last("7d")),
        paid=Last("paid_at", over=last("1d"), default=datetime(2018, 4, 1, tzinfo=UTC)),
    )
    latest = LatestView("l", of=payments, by=by, columns=("amount",), defaults={"amount": 0})
    derived = RequestView("d", uses=(spend, latest), twice="last_spend.most_1d * 2")
    rebuilt = from_data(json.loads(json.dumps(to_data(derived))))
    assert derived == rebuilt
    assert [view.features for view in derived.uses] == [view.features for view in rebuilt.uses]
    assert [(Decimal("0.50"), None), (None, 3)] == [
        (f.default, f.many) for f in rebuilt.uses[0].features[:2]
    ]
    assert datetime(2018, 4, 1, tzinfo=UTC) == rebuilt.uses[0]["paid_1d"].default_value
    assert Decimal("0.00") == rebuilt.uses[1]["amount"].default_value


def test_what_has_come_since_and_says_nothing_leaves_no_trace() -> None:
    fields: dict[str, set[str]] = {}
    for node in to_data(declared())["nodes"]:
        fields.setdefault(node["type"], set()).update(node["fields"])
    assert {"function", "column", "over", "where"} == fields["Aggregate"]
    assert not {"many", "default"} & fields["Feature"]
    assert not {"fresh_within"} & (fields["FeatureView"] | fields["RequestView"])


def test_what_is_added_is_known_to_every_instance() -> None:
    data = to_data(
        WindowedFeature(
            view="v",
            name="n_1d",
            kind="int",
            aggregate=Aggregate("count", None, last("1d")),
            window=last("1d").windows[0],
        )
    )
    rebuilt = from_data(data)
    assert (None, None) == (rebuilt.many, rebuilt.aggregate.argument)


def test_what_was_declared_before_keeps_its_digest() -> None:
    (view,) = declared().stored_views
    assert "de570ac2d3e195243d2637313e8a6410ee1b4aa3bd03930cdc9aed0bd9ce2b04" == digest(view)


def features_of_each_kind() -> tuple[Feature, ...]:
    domain = declared()
    (spend,), (table, _) = domain.stored_views, domain.tables[:2]
    latest = LatestView("latest", of=table, by=Entity("country", "country"), columns=("amount",))
    (model,) = domain.models
    return (*spend.features, *latest.features, *model.learns_from.features)


@pytest.mark.parametrize(
    "feature", features_of_each_kind(), ids=lambda f: f"{type(f).__name__} {f.dotted}"
)
def test_a_feature_of_any_kind_comes_back_as_it_was(feature: Feature) -> None:
    data = to_data(feature)
    root = data["nodes"][data["root"]]
    assert "Feature" == root["type"]
    assert {"aggregate", "window", "column", "expression"} < set(root["fields"])
    assert feature == from_data(data)


def test_a_feature_of_no_kind_is_not_made_up() -> None:
    data = to_data(features_of_each_kind()[-1])
    data["nodes"][data["root"]]["fields"]["expression"] = None
    with pytest.raises(LakehouseError, match="holds a Feature, which this version does not know"):
        from_data(data)


def test_a_field_that_is_lost_is_missed() -> None:
    data = to_data(Rule("block", when="score > 0.5"))
    del data["nodes"][0]["fields"]["when"]
    with pytest.raises(LakehouseError, match="The recorded Rule lacks 'when'"):
        from_data(data)
