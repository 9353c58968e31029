"""What the service says of itself: fields from contracts, metrics, docs without a network."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from lakehouse.declare import FeatureView, Last, LastK, last
from lakehouse.testing.conformance.world import card, movements
from serving import routes_features
from serving.openapi import describe

PREDICT = "/v1/predict/shop/fraud"


def test_openapi_shows_the_fields_of_the_contracts(lake: Any) -> None:
    with lake.client() as client:
        document = client.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    payment = schemas["shop.fraud.Payment"]
    assert payment["required"] == ["payment_id", "card_id", "amount_eur", "items", "paid_at"]
    assert payment["properties"]["amount_eur"] == {
        "anyOf": [{"type": "number"}, {"type": "string", "format": "decimal"}],
        "x-scale": 2,
        "minimum": 0.0,
        "maximum": 50000.0,
    }
    assert payment["properties"]["country"] == {
        "type": ["string", "null"],
        "enum": ["DE", "FR", None],
    }
    assert payment["properties"]["card_id"]["description"] == "the customer's card"
    operation = document["paths"][PREDICT]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/shop.fraud.Payment"}
    assert schemas["shop.fraud.FraudReport"]["required"] == ["payment_id"]


def test_openapi_shows_lists_of_features_as_arrays() -> None:
    recent = FeatureView(
        "recent",
        of=movements,
        by=card,
        amounts=LastK("amount_eur", k=3, over=last("1d")),
        weights=LastK("weight", k=9, over=last("1d")),
        amount=Last("amount_eur", over=last("1d")),
    )
    service: Any = SimpleNamespace(
        champions=SimpleNamespace(releases=lambda: [], domains=lambda: ["cards"]),
        online=SimpleNamespace(views=lambda _: {"recent": recent}),
    )
    document = describe(routes_features.routes(service), service)
    decimal = {"type": "string", "format": "decimal"}
    number = {"type": ["number", "null"], "format": "double"}
    assert document["components"]["schemas"]["cards.Features"]["properties"] == {
        "recent.amounts_1d": {"type": "array", "items": decimal, "maxItems": 3},
        "recent.weights_1d": {"type": "array", "items": number, "maxItems": 9},
        "recent.amount_1d": {"type": ["string", "null"], "format": "decimal"},
    }


def test_every_route_is_described_with_its_key(lake: Any) -> None:
    with lake.client() as client:
        document = client.get("/openapi.json").json()
        paths = {r.path for r in client.app.routes}
    assert paths <= document["paths"].keys()
    ids = []
    for path, operations in document["paths"].items():
        for operation in operations.values():
            ids.append(operation["operationId"])
            public = "public" in operation["x-roles"]
            assert (path, operation["security"] == []) == (path, public)
            named = re.findall(r"\{(\w+)\}", path)
            given = [p["name"] for p in operation["parameters"] if p["in"] == "path"]
            assert (path, given) == (path, named)
    assert len(ids) == len(set(ids))


def test_the_example_of_each_model_is_a_request_it_takes(lake: Any) -> None:
    with lake.client() as client:
        document = client.get("/openapi.json").json()
        body = document["paths"][PREDICT]["post"]["requestBody"]["content"]["application/json"]
        answer = client.post(PREDICT, json=body["example"], headers=lake.bearer("application"))
    assert answer.status_code == 200


def test_every_reference_of_the_document_leads_somewhere(lake: Any) -> None:
    with lake.client() as client:
        text = client.get("/openapi.json").text
        schemas = client.get("/openapi.json").json()["components"]["schemas"]
    references = set(re.findall(r'"#/components/schemas/([^"]+)"', text))
    assert references <= schemas.keys()


def test_the_docs_page_fetches_nothing_from_elsewhere(lake: Any) -> None:
    with lake.client() as client:
        page = client.get("/docs").text
    assert PREDICT in page
    assert "amount_eur" in page
    assert re.findall(r"<(?:script|link|img|iframe)", page) == []


def test_metrics_count_requests_decisions_outcomes_and_releases(
    lake: Any, request_row: dict[str, Any]
) -> None:
    with lake.client() as client:
        for _ in range(2):
            client.post(PREDICT, json=request_row, headers=lake.bearer("application"))
        client.post(PREDICT, json={}, headers=lake.bearer("application"))
        client.post(PREDICT, json={})
        client.post(
            "/v1/feedback/shop/fraud",
            json=[{"payment_id": "a"}, {"payment_id": "b"}],
            headers=lake.bearer("application"),
        )
        answer = client.get("/metrics", headers=lake.bearer("operator"))
    route = "/v1/predict/{domain}/{model}"
    model = {"domain": "shop", "model": "fraud"}
    found = {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(answer.text)
        for s in family.samples
    }

    def value(name: str, **labels: str) -> float | None:
        return found.get((name, tuple(sorted(labels.items()))))

    assert [
        value("lakehouse_requests_total", route=route, status=s) for s in ("200", "422", "401")
    ] == [2, 1, 1]
    assert value("lakehouse_request_seconds_count", route=route) == 4
    assert value("lakehouse_decisions_total", decision="review", **model) == 2
    assert value("lakehouse_feedback_rows_total", **model) == 2
    assert value("lakehouse_release_version", **model) == 1
    assert "c1" not in answer.text
