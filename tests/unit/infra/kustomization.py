"""The little of kustomize that our manifests use, so that they can be looked at without kubectl.

Anything else in a kustomization is refused. Where kubectl is, a test holds the two against each
other. Generated names carry no suffix here.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
KNOWN = {
    *("apiVersion", "kind", "resources", "namespace", "images", "replicas", "patches"),
    "configMapGenerator",
}


def render(folder: Path) -> list[Document]:
    """The documents of a kustomization, patched."""
    plan = yaml.safe_load((folder / "kustomization.yaml").read_text())
    assert set(plan) <= KNOWN, f"{folder}: {set(plan) - KNOWN} is not known here"
    found: list[Document] = []
    for name in plan.get("resources", []):
        path = (folder / name).resolve()
        found += render(path) if path.is_dir() else _documents(path)
    found += [_config_map(folder, made) for made in plan.get("configMapGenerator", [])]
    for patch in plan.get("patches", []):
        _patch(found, patch)
    for image in plan.get("images", []):
        for container in _containers(found):
            if container["image"] == image["name"]:
                container["image"] = f"{image['name']}:{image['newTag']}"
    for replicas in plan.get("replicas", []):
        (one,) = [d for d in found if d["kind"] == "Deployment" and _is(d, replicas["name"])]
        one["spec"]["replicas"] = replicas["count"]
    if "namespace" in plan:
        for document in found:
            if document["kind"] != "Namespace":
                document["metadata"]["namespace"] = plan["namespace"]
    return found


def _documents(path: Path) -> list[Document]:
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def _config_map(folder: Path, made: Document) -> Document:
    assert set(made) <= {"name", "files", "envs"}, made
    data = {name: (folder / name).read_text() for name in made.get("files", [])}
    for name in made.get("envs", []):
        lines = (folder / name).read_text().splitlines()
        data |= dict(line.split("=", 1) for line in lines if line and line[0] != "#")
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": made["name"]},
        "data": data,
    }


def _patch(documents: list[Document], patch: Document) -> None:
    target = patch["target"]
    assert set(target) <= {"kind", "name"}, target
    hit = [
        d
        for d in documents
        if d["kind"] == target["kind"]
        and re.fullmatch(target.get("name", ".*"), d["metadata"]["name"])
    ]
    assert hit, f"No document is a {target}"
    for document in hit:
        for step in yaml.safe_load(patch["patch"]):
            *way, last = step["path"].strip("/").split("/")
            place: Any = document
            for name in way:
                place = place[int(name)] if isinstance(place, list) else place[name]
            assert step["op"] in ("add", "replace"), step
            assert step["op"] == "add" or last in place, f"{step['path']} is not there"
            place[last] = copy.deepcopy(step["value"])


def _containers(documents: list[Document]) -> Iterator[Document]:
    for document in documents:
        pod = pod_of(document)
        if pod is not None:
            yield from pod["spec"]["containers"]


def pod_of(document: Document) -> Document | None:
    """The template of the pods that a document makes, None where it makes none."""
    if document["kind"] in ("Deployment", "StatefulSet"):
        return dict(document["spec"]["template"])
    if document["kind"] == "CronJob":
        return dict(document["spec"]["jobTemplate"]["spec"]["template"])
    assert document["kind"] not in ("DaemonSet", "Job", "Pod", "ReplicaSet"), document["kind"]
    return None


def _is(document: Document, name: str) -> bool:
    return bool(document["metadata"]["name"] == name)
