"""Who reaches whom on Kubernetes."""

from __future__ import annotations

from typing import Any

import crossplane

from tests.unit.infra.manifests import containers, documents, pods, selects
from tests.unit.infra.reading import IMAGES, INFRA, paths_of, variables


def test_each_selector_meets_the_pods_it_means() -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pods().items()}
    for service in documents(kind="Service"):
        name = service["metadata"]["name"]
        met = [
            n
            for n, has in labels.items()
            if selects({"matchLabels": service["spec"]["selector"]}, has)
        ]
        assert met == [name]
        (container,) = [c for n, c in containers() if n == name]
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= {
            p["name"] for p in container["ports"]
        }
    for document in [*documents(kind="NetworkPolicy"), *documents(kind="PodDisruptionBudget")]:
        for selector in paths_of(document, "podSelector", "selector"):
            assert any(selects(selector, has) for has in labels.values()), document["metadata"]


def test_nothing_is_open_to_the_world() -> None:
    assert documents(kind="Ingress") == []
    assert {d["spec"].get("type", "ClusterIP") for d in documents(kind="Service")} == {"ClusterIP"}


def test_nobody_reaches_anybody_unless_it_is_said() -> None:
    (closed,) = [d for d in documents(kind="NetworkPolicy") if d["metadata"]["name"] == "nobody"]
    assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def reached_by(labels: dict[str, str]) -> list[dict[str, Any]]:
    """Who is let in to pods with these labels, by any policy."""
    return [
        peer
        for policy in documents(kind="NetworkPolicy")
        if selects(policy["spec"]["podSelector"], labels)
        for rule in policy["spec"].get("ingress", [])
        for peer in rule["from"]
    ]


def test_mlflow_answers_its_proxy_alone() -> None:
    assert reached_by(pods()["mlflow"]["metadata"]["labels"]) == [
        {"podSelector": {"matchLabels": {"app": "mlflow-proxy"}}}
    ]
    assert reached_by(pods()["postgres"]["metadata"]["labels"]) == [
        {"podSelector": {"matchLabels": {"app": "mlflow"}}}
    ]


def test_policies_name_ports_that_are_listened_on() -> None:
    ports = {p["containerPort"] for _, c in containers() for p in c.get("ports", [])} | {53}
    named = {
        port["port"]
        for document in documents(kind="NetworkPolicy")
        for listed in paths_of(document, "ports")
        for port in listed
    }
    assert named == ports
    mlflow = variables(IMAGES["mlflow"])["MLFLOW_PORT"]
    service = variables(IMAGES["service"])["LAKEHOUSE_PORT"]
    assert {int(mlflow), int(service)} < named


def test_configuration_of_the_proxy_is_the_one_of_compose() -> None:
    (made,) = [d for d in documents(kind="ConfigMap") if d["metadata"]["name"] == "mlflow-proxy"]
    path = INFRA / "proxy" / "nginx.conf"
    assert made["data"] == {"nginx.conf": path.read_text()}
    (server,) = [
        d
        for block in crossplane.parse(str(path))["config"][0]["parsed"]
        for d in block.get("block", [])
        if d["directive"] == "server"
    ]
    listened = [d["args"] for d in server["block"] if d["directive"] == "listen"]
    (nginx,) = [c for n, c in containers() if n == "mlflow-proxy"]
    assert listened == [[str(p["containerPort"])] for p in nginx["ports"]]
