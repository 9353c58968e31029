"""The Kubernetes manifests. No cluster takes them here: their schema and promises are checked."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from lakehouse.records.home import Home
from serving.app import create_app
from serving.roles import PUBLIC, declared
from serving.settings import Settings
from tests.unit.infra.kustomization import Document
from tests.unit.infra.manifests import OVERLAYS, containers, documents, pods
from tests.unit.infra.reading import ENVIRONMENTS, IMAGES, INFRA, OURS, VERSION, paths_of, tagged
from tests.unit.infra.test_secrets import make

OLDEST, NEWEST = "1.30", "1.37"

every_environment = pytest.mark.parametrize("environment", ENVIRONMENTS)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@every_environment
def test_every_document_keeps_the_schema(environment: str, version: str) -> None:
    """Strictly: a property that the schema does not know is an error."""
    for document in documents(environment):
        kubernetes_validate.validate(document, version, strict=True)


def test_a_misspelt_property_is_noticed() -> None:
    (wrong,) = documents(kind="PodDisruptionBudget")
    wrong["spec"]["maxUnavailible"] = wrong["spec"].pop("maxUnavailable")
    with pytest.raises(kubernetes_validate.ValidationError, match="maxUnavailible"):
        kubernetes_validate.validate(wrong, NEWEST, strict=True)


if shutil.which("kubectl"):

    @every_environment
    def test_kustomize_renders_the_same(environment: str) -> None:
        """Where kubectl is; the suffixes that it gives to generated names left out."""
        done = subprocess.run(
            ["kubectl", "kustomize", OVERLAYS / environment],
            capture_output=True,
            text=True,
            check=True,
        )
        text = re.sub(r"\b(settings|mlflow-proxy)-[a-z0-9]{10}\b", r"\1", done.stdout)

        def ordered(found: list[Document]) -> list[Document]:
            return sorted(found, key=lambda d: (d["kind"], d["metadata"]["name"]))

        assert ordered(documents(environment)) == ordered(list(yaml.safe_load_all(text)))


@every_environment
def test_everything_lies_in_the_environments_own_namespace(environment: str) -> None:
    (namespace,) = documents(environment, "Namespace")
    name = namespace["metadata"]["name"]
    assert name == f"lakehouse-{environment}"
    others = [d for d in documents(environment) if d["kind"] != "Namespace"]
    assert {d["metadata"]["namespace"] for d in others} == {name}
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}


@every_environment
def test_images_are_of_certain_versions(environment: str) -> None:
    found = {tagged(container["image"]) for _, container in containers(environment)}
    assert {(name, tag) for name, tag in found if name in OURS} == {(n, VERSION) for n in OURS}


def test_images_are_those_of_compose() -> None:
    text = (INFRA / "compose.yml").read_text()
    assert all(f"image: {container['image']}\n" in text for _, container in containers())


def test_no_pod_has_rights_that_it_does_not_need() -> None:
    for name, pod in pods().items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec), name
        assert not list(paths_of(spec, "hostPath", "hostPort", "privileged")), name
    for name, container in containers():
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name


def test_pods_of_our_images_run_as_the_user_of_the_image() -> None:
    for name, pod in pods().items():
        for container in pod["spec"]["containers"]:
            image, _ = tagged(container["image"])
            if image in OURS:
                text = IMAGES[image.removeprefix("lakehouse-")].read_text()
                user = pod["spec"]["securityContext"]["runAsUser"]
                assert f"\nUSER {user}:{user}\n" in text, name


@every_environment
def test_every_container_asks_for_what_it_needs_and_no_more(environment: str) -> None:
    for name, container in containers(environment):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}, name
        assert "memory" in container["resources"]["limits"], name


def test_every_server_is_asked_whether_it_is_ready_and_lives() -> None:
    makers = {d["metadata"]["name"]: d["kind"] for d in documents()}
    for name, container in containers():
        if makers[name] != "CronJob":
            assert {"readinessProbe", "livenessProbe"} <= set(container), name
            ports = {port["name"] for port in container["ports"]}
            assert {p["port"] for p in paths_of(container, "httpGet", "tcpSocket")} <= ports, name


def test_probes_ask_ways_that_are_there_and_need_no_key(tmp_path: Path) -> None:
    home = Home.create(tmp_path / "lake")
    public = {r.path for r in declared(create_app(Settings(home.path))) if r.roles == PUBLIC}
    text = (INFRA / "proxy" / "nginx.conf").read_text()
    ways = {
        "service": public,
        "mlflow": {"/health"},  # of MLflow itself, asked by compose's check too
        "mlflow-proxy": set(re.findall(r"location = (\S+) \{\s+auth_basic off;", text)),
    }
    for name, container in containers():
        asked = {probe["path"] for probe in paths_of(container, "httpGet")}
        assert asked <= ways.get(name, set()), name
    (server,) = [c for n, c in containers() if n == "service"]
    assert len(list(paths_of(server, "httpGet"))) == 3


def test_secrets_are_named_and_not_contained(tmp_path: Path) -> None:
    make(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert documents(kind="Secret") == []
    sources = [
        v["secret"] for pod in pods().values() for v in pod["spec"]["volumes"] if "secret" in v
    ]
    assert {item["key"] for source in sources for item in source["items"]} <= made
    page = (INFRA.parent / "docs" / "how-to" / "deploy.md").read_text()
    for source in sources:
        keys = [f"--from-file=infra/secrets/{item['key']}" for item in source["items"]]
        assert f"create secret generic {source['secretName']} {' '.join(keys)}" in page
    for _, container in containers():
        assert "secretKeyRef" not in str(container)
        for variable in container.get("env", []):
            assert not re.search(r"PASSWORD$|TOKEN|_KEY", variable["name"])


@every_environment
def test_what_is_named_is_there(environment: str) -> None:
    def names(kind: str) -> set[str]:
        return {d["metadata"]["name"] for d in documents(environment, kind)}

    for name, pod in pods(environment).items():
        spec = pod["spec"]
        own = {
            t["metadata"]["name"]
            for d in documents(environment, "StatefulSet")
            if d["metadata"]["name"] == name
            for t in d["spec"]["volumeClaimTemplates"]
        }
        volumes = {v["name"] for v in spec["volumes"]} | own
        mounted = {m["name"] for c in spec["containers"] for m in c["volumeMounts"]}
        assert mounted == volumes, name
        claims = {v["claimName"] for v in paths_of(spec, "persistentVolumeClaim")}
        maps = {v["name"] for v in paths_of(spec, "configMap", "configMapRef")}
        assert claims <= names("PersistentVolumeClaim"), name
        assert maps <= names("ConfigMap"), name


def test_environments_differ_as_they_are_meant_to() -> None:
    def sizes(environment: str) -> tuple[int, str, set[bool]]:
        (service,) = [
            d for d in documents(environment, "Deployment") if d["metadata"]["name"] == "service"
        ]
        claims = {d["metadata"]["name"]: d for d in documents(environment, "PersistentVolumeClaim")}
        waiting = {d["spec"].get("suspend", False) for d in documents(environment, "CronJob")}
        storage = claims["lake"]["spec"]["resources"]["requests"]["storage"]
        return service["spec"]["replicas"], storage, waiting

    assert sizes("dev") == (1, "10Gi", {True})
    assert sizes("test") == (1, "10Gi", {False})
    assert sizes("prod") == (2, "200Gi", {False})
