"""The rendered manifests of each environment, looked at by kind and by pod."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from functools import cache
from typing import Any

from tests.unit.infra.kustomization import Document, pod_of, render
from tests.unit.infra.reading import INFRA

OVERLAYS = INFRA / "kubernetes" / "overlays"


@cache
def _rendered(environment: str) -> tuple[Document, ...]:
    return tuple(render(OVERLAYS / environment))


def documents(environment: str = "prod", kind: str = "") -> list[Document]:
    """The documents of an environment, of one kind."""
    found = copy.deepcopy(_rendered(environment))
    return [document for document in found if kind in ("", document["kind"])]


def pods(environment: str = "prod") -> dict[str, Document]:
    """The pod templates of an environment, by the name of what makes them."""
    return {
        document["metadata"]["name"]: pod
        for document in documents(environment)
        if (pod := pod_of(document)) is not None
    }


def containers(environment: str = "prod") -> Iterator[tuple[str, Document]]:
    for name, pod in pods(environment).items():
        for container in pod["spec"]["containers"]:
            yield name, container


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return all(labels.get(k) == v for k, v in selector.get("matchLabels", {}).items())
